"""Meters to simulate: named ones from ``profiles/*.toml``, or any captured telegram. Deviations are data."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import tzinfo
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from obisgw.errors import ConfigurationError
from obisgw.iec62056_21.block_check import BlockCheckKind
from obisgw.iec62056_21.characters import ETX, STX, CharacterFormat, strip_parity
from obisgw.iec62056_21.identification import Mode, parse_identification
from obisgw.iec62056_21.meter_programming import MeterProgramming, No
from obisgw.iec62056_21.meter_settings import AcknowledgementRule, MeterData, MeterList, MeterSettings, WakeUp
from obisgw.iec62056_21.password import P2Algorithm, PasswordLevel
from obisgw.iec62056_21.recording import received_bytes

from .cosem_session import CosemOptions
from .household import Household
from .memory import Memory, MemoryForm
from .memory_file import memory_of
from .values import render

_P1_END = re.compile(rb"![0-9A-F]{3,4}\r?\n?\Z")


@dataclass(frozen=True, slots=True)
class ListTemplate:
    """Another list of a profile: what `MeterList` needs, with a template in place of the data."""

    template: str
    direct: bool = True
    baudrate: int | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of meter.

    ``template`` is the data block (`values.render`); ``block`` a captured one, sent as it is. ``resolution`` is the
    counters' step in Wh. ``echo`` is the share of its own characters the head hears. ``memory`` is what it stores, by a
    clock in ``zone``.
    """

    name: str
    description: str
    settings: MeterSettings
    template: str = ""
    block: bytes | None = None
    line_end: str = "\r\n"
    lists: Mapping[str, ListTemplate] = field(default_factory=dict)
    resolution: int = 1
    echo: float = 0.0
    memory: MemoryForm | None = None
    zone: tzinfo | None = None
    cosem: CosemOptions | None = None
    """How the meter speaks DLMS; None: not at all."""

    def data(self, household: Household, size: int | None = None) -> MeterData:
        """Return what gives the data block at ``t`` seconds of the household's time."""
        if self.block is not None:
            block = self.block
            return lambda _t: block
        return lambda t: render(self.template, household, t, line_end=self.line_end, size=size)

    def settings_for(self, household: Household) -> MeterSettings:
        """Return the meter's settings with its other lists filled by this household."""
        lists = {
            command: MeterList(self._list_data(one, household), one.direct, one.baudrate)
            for command, one in self.lists.items()
        }
        programming = self.settings.programming
        if programming is not None and programming.operand is not None:
            programming = replace(programming, operand=programming.operand.format(number=household.number))
        if programming is not None and self.memory is not None:
            programming = replace(programming, records=Memory(household, self.memory).records())
        return replace(self.settings, lists=lists, programming=programming)

    def _list_data(self, one: ListTemplate, household: Household) -> MeterData:
        return lambda t: render(one.template, household, t, line_end=self.line_end)


_MOST_BYTES = 1_000_000
"""No file of a telegram is larger."""


def profile_names() -> tuple[str, ...]:
    """Return the names of all profiles in the package."""
    folder = files(__package__) / "profiles"
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


@cache
def load_profile(name: str) -> Profile:
    """Return a profile by name; ConfigurationError names the nearest known one."""
    if name not in profile_names():
        near = get_close_matches(name, profile_names(), 1)
        hint = f"did you mean {near[0]}?" if near else f"known profiles: {', '.join(profile_names())}"
        raise ConfigurationError("no such profile", where=f"--profile {name}", hint=hint)
    text = (files(__package__) / "profiles" / f"{name}.toml").read_text("utf-8")
    return _profile(name, tomllib.loads(text))


def _characters(text: str) -> bytes:
    return text.encode("latin-1")


def _as_it_is(value: Any) -> Any:  # noqa: ANN401 - TOML gives what it gives; MeterSettings and mypy's caller check it
    return value


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "mode": Mode,
    "format": CharacterFormat,
    "acknowledgement": AcknowledgementRule,
    "check": lambda value: None if value == "none" else BlockCheckKind(value),
    "identification_end": _characters,
    "before_data": _characters,
    "noise_before": _characters,
    "noise_after": _characters,
    "fallback": lambda value: value or None,
}
_KEYS = {
    "description",
    "source",
    "data",
    "data_of",
    "line_end",
    "resolution",
    "echo",
    "meter",
    "wake_up",
    "lists",
    "programming",
    "memory",
    "memory_of",
    "dlms",
}


def _profile(name: str, document: dict[str, Any]) -> Profile:
    if unknown := set(document) - _KEYS:
        raise ConfigurationError(f"unknown keys {', '.join(sorted(unknown))}", where=f"profile {name}")
    meter: dict[str, Any] = dict(document["meter"])
    known = {entry.name for entry in fields(MeterSettings)}
    if unknown := set(meter) - known:
        raise ConfigurationError(f"unknown keys {', '.join(sorted(unknown))} in [meter]", where=f"profile {name}")
    meter = {key: _CONVERT.get(key, _as_it_is)(value) for key, value in meter.items()}
    if "wake_up" in document:
        meter["wake_up"] = WakeUp(**document["wake_up"])
    if "programming" in document:
        meter["programming"] = _programming(name, document["programming"])
    template = load_profile(document["data_of"]).template if "data_of" in document else document["data"]
    memory, zone = None, zone_of(document.get("memory", {}).get("zone"))
    if "memory" in document:
        memory = memory_of(name, document["memory"])
    elif "memory_of" in document:
        other = load_profile(document["memory_of"])
        memory, zone = other.memory, other.zone
    lists = {
        command: ListTemplate(one["data"], one.get("direct", True), one.get("baudrate"))
        for command, one in document.get("lists", {}).items()
    }
    return Profile(
        name,
        document["description"],
        MeterSettings(**meter),
        template,
        None,
        document.get("line_end", "\r\n"),
        lists,
        document.get("resolution", 1),
        document.get("echo", 0.0),
        memory,
        zone,
        _cosem(name, document["dlms"]) if "dlms" in document else None,
    )


def _cosem(profile: str, table: dict[str, Any]) -> CosemOptions:
    known = {entry.name for entry in fields(CosemOptions)} - {"security"}
    if unknown := set(table) - known:
        raise ConfigurationError(f"unknown keys {', '.join(sorted(unknown))} in [dlms]", where=f"profile {profile}")
    return CosemOptions(**table)


def zone_of(name: str | None) -> tzinfo | None:
    """Return the zone of a name; None where the system knows no zones: the meter then has no summer time."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None


_NO: dict[str, No] = {one.value: one for one in No}


def _programming(profile: str, table: dict[str, Any]) -> MeterProgramming:
    known = {entry.name for entry in fields(MeterProgramming)} - {"records"}
    if unknown := set(table) - known:
        raise ConfigurationError(
            f"unknown keys {', '.join(sorted(unknown))} in [programming]", where=f"profile {profile}"
        )
    values = dict(table)
    for key in ("wrong_password", "locked", "no_access", "unknown_command", "unknown_address"):
        if key in values:
            values[key] = _NO.get(values[key], values[key])
    for key, convert in {"level": PasswordLevel, "p2": P2Algorithm, "commands": tuple, "writable": tuple}.items():
        if key in values:
            values[key] = convert(values[key])
    return MeterProgramming(**values)


def replay_profile(path: Path, mode: Mode | None = None) -> Profile:
    """Return a profile that sends a captured telegram again, from its identification on, byte by byte.

    The file holds bytes, hexadecimal text, a dump or a recording of ``obis-gateway capture``.
    ``mode`` None: data between STX and ETX are read out by request in the mode of the baud character, others are
    pushed. Parity bits in the file are taken off; block checks stay as captured.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(
            f"cannot be read: {error.strerror}", where=str(path), hint="give the path of a captured telegram"
        ) from error
    if len(raw) > _MOST_BYTES:
        raise ConfigurationError("this is no telegram: it is larger than 1 MB", where=str(path))
    raw = received_bytes(raw)
    text, errors = strip_parity(raw)
    # Seven-bit text with parity has few odd characters; a file without parity has about as many odd as even ones.
    capture = text if errors < len(raw) // 10 else raw
    start, end = _identification_line(capture, path)
    line = capture[start:end].rstrip(b"\r\n")
    line_end = capture[start + len(line) : end]
    rest = capture[end:]
    identification = line.decode("latin-1")
    parsed = parse_identification(line)
    stx = rest.find(bytes((STX,)))
    framed = 0 <= stx <= 8
    block = rest[stx + 1 :] if framed else rest
    etx = block.rfind(bytes((ETX,)))
    tail = block[etx:] if framed and etx >= 0 else b""
    block = block[: len(block) - len(tail)]
    if mode is None:
        mode = parsed.mode if framed and parsed is not None else Mode.D
    p1 = mode is Mode.D and _P1_END.search(block) is not None
    settings = MeterSettings(
        identification,
        mode,
        start_baudrate=300 if mode is not Mode.D else 115200 if p1 else 9600,
        format=CharacterFormat.HARDWARE if p1 else CharacterFormat.SOFTWARE_7E1,
        identification_end=line_end,
        stx=framed,
        etx=False,
        check=None,
        # ETX and what follows are part of the block, so that a wrong block check stays wrong.
        before_data=rest[:stx] if framed else b"",
        reaction=0.02 if parsed is not None and parsed.fast_reaction else 0.2,
    )
    return Profile(path.stem, f"replay of {path.name}", settings, block=block + tail)


def _identification_line(capture: bytes, path: Path) -> tuple[int, int]:
    start = -1
    while (start := capture.find(b"/", start + 1)) >= 0:
        end = capture.find(b"\n", start) + 1
        if end and parse_identification(capture[start:end].rstrip(b"\r\n")) is not None:
            return start, end
    raise ConfigurationError(
        "no identification in it", where=str(path), hint="a telegram begins with /, three letters and a baud character"
    )
