"""Takes out of texts and documents what tells whose meter it is. Knows nothing of Home Assistant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from .models import Meter, Register

STARS: Final = "**REDACTED**"
SHORTEST: Final = 4
"""Shorter texts occur by chance: taking them out everywhere would take out everything."""

_KEYS: Final = frozenset(
    {
        "address",
        "allowed_hosts",
        "authorization",
        "base_topic",
        "client_id",
        "code",
        "dialects",
        "discovery_prefix",
        "host",
        "id",
        "latitude",
        "location",
        "longitude",
        "number",
        "password",
        "password_env",
        "password_file",
        "secret",
        "serial",
        "serial_number",
        "slug",
        "state_dir",
        "stream",
        "suggested_area",
        "title",
        "token",
        "token_id",
        "unique_id",
        "user",
        "username",
    }
)
_NAMES: Final = frozenset({"entry", "name", "name_by_user"})

_PATTERNS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b[a-z][a-z0-9+.-]*://[^\s'\",;)]+",  # URLs: host, user and password
        r"(?<![\w.:])/(?!dev/tty)(?:[\w.@:+-]+/)+[\w.@:+-]*[\w@+-]",  # paths: adapters' serial numbers, users' names
        r"\b[\w.+-]+@[\w.-]+\b",
        r"\b\d{1,3}(?:\.\d{1,3}){3}\b",
        r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b",
        r"(?<![\w:])(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{1,4}(?![\w:])",  # IPv6
        r"\b[\w-]+(?:\.[\w-]+)*\.(?:local|lan|home|internal|box|arpa|localdomain)\b",
        r"\d(?:[ -]?\d){5,}",  # numbers of meters, also in groups
        r"\b(?=\w*\d)(?=\w*[a-z])[a-z0-9]{8,}\b",  # numbers with letters
    )
)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?")


class Redaction:
    """What is known to be secret, by what stands in its place."""

    def __init__(self, secrets: Iterable[str | None], meters: Iterable[Meter]) -> None:
        places: dict[str, str] = {}
        for place, meter in enumerate(meters, 1):
            for secret in _secrets_of(meter):
                places.setdefault(secret, STARS)
            places[meter.id] = f"meter {place}"
        for more in secrets:
            places.setdefault(more or "", STARS)
        self._places = {secret.casefold(): place for secret, place in places.items() if len(secret) >= SHORTEST}
        # The longest first: an id holds the number.
        longest_first = sorted(self._places, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)", re.IGNORECASE)

    def known(self, text: str) -> str:
        """Return a text without what is known to be secret."""
        return self._known.sub(lambda match: self._places.get(match[0].casefold(), STARS), text)

    def text(self, text: str | None) -> str | None:
        """Return a text that people or programs have written, without what may be secret."""
        return text if text is None else self._written(text)

    def _written(self, text: str) -> str:
        if _TIME.fullmatch(text):
            return text
        text = self.known(text)
        for pattern in _PATTERNS:
            text = pattern.sub(_unless_time, text)
        return text

    def name(self, name: str | None) -> str | None:
        """Return a name, unless it holds a number."""
        return STARS if name and any(sign.isdigit() for sign in name) else self.text(name)

    def tree(self, value: object, key: str = "") -> object:
        """Return a document; ``key`` is the one that it stands at."""
        match value:
            case None | bool():
                return value
            case _ if key in _KEYS:
                return STARS
            case Mapping():
                return {self._written(str(name)): self.tree(one, str(name)) for name, one in value.items()}
            case list() | tuple():
                return [self.tree(one, key) for one in value]
            case str() if key in _NAMES:
                return self.name(value)
            case str():
                return self.text(value)
            case int() | float() if STARS in self.known(str(value)):
                return STARS
            case _:
                return value

    def value(self, register: Register, value: str | None) -> str | None:
        """Return a register's value if it is a quantity, or too short for a number of a meter."""
        return value if value is None or _is_quantity(register) or _is_harmless(value) else STARS


def _secrets_of(meter: Meter) -> set[str]:
    """Return what names a meter: its number, its name with a number, the texts that it sends of itself."""
    secrets = {meter.id, meter.number or "", (meter.number or "").lstrip("0")}
    if any(sign.isdigit() for sign in meter.name):
        secrets.add(meter.name)
    for register_id, value in ({} if meter.reading is None else meter.reading.values).items():
        register = meter.registers.get(register_id)
        if value and not _is_quantity(register) and not _is_harmless(value):
            secrets |= {value.strip(), value.strip().lstrip("0")}
    return secrets


def _is_quantity(register: Register | None) -> bool:
    return register is not None and (register.unit is not None or register.device_class is not None)


def _is_harmless(text: str) -> bool:
    """Tell whether a text is no number of a meter: those are longer, and not of one digit like an empty error register."""
    return len(text.strip()) <= SHORTEST or len(set(text.strip())) == 1


def _unless_time(match: re.Match[str]) -> str:
    """Keep times: they look like numbers in groups."""
    time = _TIME.match(match.string, match.start())
    return match[0] if time is not None and time.end() >= match.end() else STARS
