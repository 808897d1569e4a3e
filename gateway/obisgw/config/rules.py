"""What the settings of one meter, of several meters and of the broker must keep among themselves."""

from __future__ import annotations

import re
import stat
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from obisgw.secret import Secret

from .nearest import nearest
from .problem import Problem
from .values import LineFormat, MeterMode, Protection, SecurityLevel, Transport, without_prefix

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from .table import MeterSettings

Values = dict[str, Any]
Lines = dict[str, int]

_URLS = ("socket", "rfc2217", "esphome")
_UNUSED_IN_MODE_D = (
    *("address", "wake_up", "reads_a_day", "max_baudrate", "fast", "password_file", "password_env", "allow_write"),
)
OF_DLMS = (
    *("transport", "client", "server", "security", "protection", "key_use", "system_title", "short_names"),
    *("encryption_key_file", "encryption_key_env", "authentication_key_file", "authentication_key_env"),
)
_SETS_UP_DLMS = frozenset(OF_DLMS) - {"server", "key_use", "protection", "system_title", "short_names"}
_OF_PUSHES = (
    *("transport", "encryption_key_file", "encryption_key_env", "authentication_key_file", "authentication_key_env"),
)
_EIGHT_BITS = frozenset({LineFormat.HARDWARE_8N1, LineFormat.HARDWARE_8E1})
_ASCII_MODES = frozenset({MeterMode.A, MeterMode.B, MeterMode.C, MeterMode.D})
_WITH_SECRET = frozenset({SecurityLevel.LOW, SecurityLevel.MD5, SecurityLevel.SHA1, SecurityLevel.SHA256})
_KEY = re.compile(r"[0-9A-Fa-f]{32}")
_UNUSED_IN_DLMS = ("fast", "password_level", "allow_write")
_OF_FAST = ("fast_every", "fast_publish", "fast_change")
_SHORTEST_WITH_FAST = timedelta(seconds=15)
"""A full readout and two sign-ons take some ten seconds: with less between readouts there is no time in between."""

_PASSWORD = re.compile(r"[ -~]{1,32}")
_NOT_IN_PASSWORDS = frozenset("()/!")


def meter_problems(values: Values, lines: Lines, dialects: Collection[str]) -> Iterator[Problem]:
    """Yield what does not fit together within one meter."""
    if "every" in values and "reads_a_day" in values:
        yield Problem(lines["reads_a_day"], "'every' and 'reads_a_day' exclude each other", "keep one of them")
    if values.get("mode") is MeterMode.D:
        for name in _UNUSED_IN_MODE_D:
            if name in values:
                why = "in mode D nothing is sent to the meter"
                yield Problem(lines[name], f"'{name}' has no effect with 'mode: D'", why)
    yield from _programming_problems(values, lines)
    yield from dlms_problems(values, lines)
    dialect = values.get("dialect")
    if dialect and dialects and dialect not in dialects:
        meant = nearest(dialect, dialects)
        hint = f"did you mean '{meant}'?" if meant else f"known: {', '.join(sorted(dialects))}"
        yield Problem(lines["dialect"], f"there is no dialect '{dialect}'", hint)
    if "port" in values and (problem := _port_problem(values["port"])) is not None:
        yield Problem(lines["port"], *problem)
    if str(values.get("port", "")).startswith(("/dev/ttyUSB", "/dev/ttyACM")):
        yield Problem(
            lines["port"],
            f"{values['port']} may be another adapter after a restart",
            "'obis-gateway ports' shows its name in /dev/serial/by-id",
            warning=True,
        )


def _programming_problems(values: Values, lines: Lines) -> Iterator[Problem]:
    """Yield what does not fit together of what happens in programming mode."""
    fast = values.get("fast", ())
    if "fast" in values and not fast:
        yield Problem(
            lines["fast"], "'fast' names no register", "give some, as in 'fast: [16.7.0]', or remove the line"
        )
    if fast and values.get("mode") in {MeterMode.A, MeterMode.B}:
        yield Problem(lines["fast"], "'fast' needs mode C", "remove 'mode', or 'fast'")
    if fast and "reads_a_day" in values:
        hint = "a meter that lives on a battery must be left in peace"
        yield Problem(lines["fast"], "'fast' and 'reads_a_day' exclude each other", hint)
    if fast and values.get("every", _SHORTEST_WITH_FAST) < _SHORTEST_WITH_FAST:
        hint = "with 'fast', the full readouts may be rare: 'every: 5m'"
        yield Problem(lines["every"], "'every' leaves no time for 'fast' between full readouts", hint, warning=True)
    for name in _OF_FAST if "fast" not in lines else ():
        if name in values:
            yield Problem(lines[name], f"'{name}' has no effect without 'fast'", "name the registers: 'fast: [16.7.0]'")
    yield from _one_place(values, lines)
    if "password_level" in values and not {"password_file", "password_env"} & lines.keys():
        yield Problem(
            lines["password_level"], "'password_level' has no effect without a password", "set 'password_file'"
        )


def is_dlms(values: Values) -> bool:
    """Tell whether a meter's settings make it one that is asked in DLMS."""
    mode = values.get("mode", MeterMode.AUTO)
    return mode is MeterMode.E or (mode is MeterMode.AUTO and bool(_SETS_UP_DLMS & values.keys()))


def is_pushed_dlms(values: Values) -> bool:
    """Tell whether a meter's settings make it one that sends DLMS unasked."""
    return values.get("mode") is MeterMode.D and any(name in values for name in _OF_PUSHES)


def dlms_problems(values: Values, lines: Lines) -> Iterator[Problem]:
    """Yield what does not fit together of what is set for DLMS."""
    if is_pushed_dlms(values):
        yield from _push_problems(values, lines)
        return
    if not is_dlms(values):
        for name in OF_DLMS:
            if name in values:
                asked = values.get("mode") in _ASCII_MODES
                hint = "remove 'mode', or write 'mode: E'" if asked else "write 'mode: E'"
                yield Problem(lines[name], f"'{name}' has no effect without DLMS", hint)
        return
    key = next((name for name in ("encryption_key_file", "encryption_key_env") if name in values), None)
    other = next((name for name in ("authentication_key_file", "authentication_key_env") if name in values), None)
    password = next((name for name in ("password_file", "password_env") if name in values), None)
    yield from _one_place_of_keys(values, lines)
    yield from _security_problems(values, lines, password, key, other)
    yield from _line_problems(values, lines)


def _one_place_of_keys(values: Values, lines: Lines) -> Iterator[Problem]:
    for one in ("encryption_key", "authentication_key"):
        if f"{one}_file" in values and f"{one}_env" in values:
            yield Problem(lines[f"{one}_env"], f"'{one}_file' and '{one}_env' exclude each other", "keep one of them")


def _push_problems(values: Values, lines: Lines) -> Iterator[Problem]:
    """Yield what does not fit together where DLMS is sent unasked."""
    for name in OF_DLMS:
        if name in values and name not in _OF_PUSHES:
            yield Problem(
                lines[name], f"'{name}' has no effect with 'mode: D'", "in mode D nothing is sent to the meter"
            )
    given = [name for name in _OF_PUSHES if name in values]
    transport = values.get("transport")
    hint = "write hdlc where the meter pushes in HDLC frames, mbus where in M-Bus frames"
    if transport is None:
        yield Problem(lines[given[0]], f"'{given[0]}' needs 'transport' with 'mode: D'", hint)
    elif transport not in {Transport.HDLC, Transport.MBUS}:
        yield Problem(lines["transport"], f"'transport' cannot be {transport.value} with 'mode: D'", hint)
    yield from _one_place_of_keys(values, lines)
    other = next((name for name in given if name.startswith("authentication")), None)
    if other is not None and not any(name.startswith("encryption") for name in given):
        yield Problem(lines[other], f"'{other}' needs the other key as well", "set 'encryption_key_file'")
    if (form := values.get("format", LineFormat.SOFTWARE_7E1)) not in {LineFormat.SOFTWARE_7E1, *_EIGHT_BITS}:
        yield Problem(lines["format"], f"'format: {form.value}' has seven bits, and DLMS needs eight", "8n1 or 8e1")


def _line_problems(values: Values, lines: Lines) -> Iterator[Problem]:
    """Yield what has no place on a line that speaks DLMS."""
    for name in _UNUSED_IN_DLMS:
        if name in values:
            yield Problem(
                lines[name], f"'{name}' has no effect with DLMS", "it is of programming mode: remove the line"
            )
    transport = values.get("transport")
    if values.get("format", LineFormat.SOFTWARE_7E1) is not LineFormat.SOFTWARE_7E1:
        yield Problem(lines["format"], "'format' has no choice with DLMS: HDLC needs eight bits", "remove the line")
    if transport is Transport.MBUS:
        yield Problem(lines["transport"], "'transport: mbus' needs 'mode: D'", "M-Bus frames are only listened to")
    if "wake_up" in values and transport in {Transport.HDLC, Transport.TCP}:
        yield Problem(lines["wake_up"], "'wake_up' has no effect without a sign-on", "remove the line")
    if transport is Transport.TCP and not str(values.get("port", "socket:")).startswith("socket:"):
        yield Problem(lines["transport"], "'transport: tcp' needs a port 'socket://host:4059'", "or 'transport: hdlc'")


def _security_problems(
    values: Values, lines: Lines, password: str | None, key: str | None, other: str | None
) -> Iterator[Problem]:
    """Yield what is missing for the level of security; names are those of the settings that give the secrets."""
    level, protection = values.get("security"), values.get("protection")
    if level in _WITH_SECRET and password is None:
        yield Problem(lines["security"], f"'security: {level.value}' needs a secret", "set 'password_file'")
    if level is SecurityLevel.GMAC and (key is None or other is None):
        hint = "set 'encryption_key_file' and 'authentication_key_file'"
        yield Problem(lines["security"], "'security: high-gmac' needs both keys", hint)
    if level is SecurityLevel.LOWEST and password is not None:
        yield Problem(lines["security"], f"'security: lowest' does not use '{password}'", "write 'security: low'")
    if protection not in {None, Protection.NONE} and key is None:
        yield Problem(lines["protection"], "'protection' needs the encryption key", "set 'encryption_key_file'")
    if protection is not Protection.ENCRYPTED and (key is None) != (other is None):
        missing, given = ("authentication_key_file", key) if other is None else ("encryption_key_file", other)
        yield Problem(lines[given or ""], f"'{given}' needs the other key as well", f"set '{missing}'")


def key_of(
    name: str, values: Values, lines: Lines, environment: Mapping[str, str]
) -> tuple[Secret | None, tuple[Problem, ...]]:
    """Return a key that a meter's settings name, and what is wrong with it; it is not shown."""
    places = {"password_file": f"{name}_file", "password_env": f"{name}_env"}
    own = {place: values[given] for place, given in places.items() if given in values}
    secret, problems = password_of(
        own, {place: lines[given] for place, given in places.items() if given in lines}, environment
    )
    if secret is not None and not _KEY.fullmatch(secret.reveal().strip()):
        line = next(lines[given] for given in places.values() if given in lines)
        return None, (
            *problems,
            Problem(line, f"the {name.replace('_', ' ')} has not 32 hexadecimal digits", "ask the operator"),
        )
    return None if secret is None else Secret(secret.reveal().strip()), problems


def meter_password_problems(password: Secret | None, lines: Lines, values: Values) -> Iterator[Problem]:
    """Yield why this can be no password of a meter; it is not shown."""
    if is_dlms(values):
        return  # Secrets of DLMS are any octets.
    text = "" if password is None else password.reveal()
    if password is not None and (not _PASSWORD.fullmatch(text) or _NOT_IN_PASSWORDS & set(text)):
        name = "password_file" if "password_file" in lines else "password_env"
        hint = "a meter takes up to 32 printable characters without ( ) / and !"
        yield Problem(lines[name], f"what '{name}' holds can be no password of a meter", hint)


def _one_place(values: Values, lines: Lines) -> Iterator[Problem]:
    if "password_file" in values and "password_env" in values:
        yield Problem(
            lines["password_env"], "'password_file' and 'password_env' exclude each other", "keep one of them"
        )


def _port_problem(port: str) -> tuple[str, str] | None:
    """Return what is wrong with the form of a port's name, and the remedy."""
    kind, is_url, place = port.partition("://")
    if not is_url:
        hint = "'obis-gateway ports' lists the ports of this machine"
        return None if port.startswith("/") else (f"the port '{port}' is no path from the root, as /dev/ttyUSB0", hint)
    hint = "a port is /dev/…, socket://host:port, rfc2217://host:port or esphome://host"
    if kind not in _URLS:
        return f"'{kind}://' is no kind of port", hint
    if kind != "esphome" and re.fullmatch(r".+:\d{1,5}", re.split(r"[/?]", place)[0]) is None:
        return f"the port names no host and port number after {kind}://", hint
    return None


def threshold_problems(values: Values, lines: Lines, line: int) -> Iterator[Problem]:
    """Yield what does not fit together within one threshold; ``line`` is where it begins."""
    if "name" not in lines:
        yield Problem(line, "the threshold has no 'name'", "it becomes the name of its entity")
    match [side for side in ("above", "below") if side in lines]:
        case []:
            yield Problem(line, "the threshold has no limit", "give 'above' or 'below', as in 'above: 3 kW'")
        case [_, _]:
            hint = "keep one of them; two limits are two thresholds"
            yield Problem(lines["below"], "'above' and 'below' exclude each other", hint)
        case _:
            pass
    limit, hysteresis = values.get("above") or values.get("below"), values.get("hysteresis")
    if limit and hysteresis and hysteresis.unit and without_prefix(hysteresis.unit)[0] != without_prefix(limit.unit)[0]:
        unit = limit.unit or "no unit"
        yield Problem(lines["hysteresis"], f"'hysteresis' is in {hysteresis.unit}, the limit in {unit}", "use the same")


def same_names(names: Iterable[tuple[str, int]]) -> Iterator[Problem]:
    """Yield which thresholds of one meter would make the same entity; names go with their lines."""
    lines: dict[str, int] = {}
    for name, line in names:
        if (first := lines.setdefault(re.sub(r"[ _-]+", "_", name.lower()), line)) != line:
            yield Problem(line, f"a threshold named '{name}' is there already", f"see line {first}")


def shared_problems(meters: tuple[MeterSettings, ...]) -> Iterator[Problem]:
    """Yield what two meters must not share: name, port with address, a port that listens."""
    names: dict[str, MeterSettings] = {}
    places: dict[tuple[str, str], MeterSettings] = {}
    listening = {meter.port: meter for meter in reversed(meters) if meter.mode is MeterMode.D}
    for meter in meters:
        if (first := names.setdefault(meter.entry.casefold(), meter)) is not meter:
            yield Problem(meter.line, f"a meter named '{meter.entry}' is there already", f"see line {first.line}")
        if (first := places.setdefault((meter.port, meter.address), meter)) is not meter:
            where = f"{meter.port}, address '{meter.address}'" if meter.address else f"{meter.port} without address"
            hint = f"see line {first.line}; meters on one line are told apart by 'address'"
            yield Problem(meter.line, f"two meters at {where}", hint)
        elif (other := listening.get(meter.port, meter)) is not meter:
            yield Problem(
                meter.line, f"{meter.port} listens in mode D and asks no other meter", f"see line {other.line}"
            )


def mqtt_problems(values: Values, lines: Lines) -> Iterator[Problem]:
    """Yield what does not fit together in the broker's settings."""
    if not values.get("tls"):
        for name in ("ca", "certificate", "key"):
            if name in values:
                yield Problem(lines[name], f"'{name}' has no effect without 'tls: true'", "add 'tls: true'")
    if "key" in values and "certificate" not in values:
        yield Problem(lines["key"], "'key' needs 'certificate'")
    yield from _one_place(values, lines)
    for name in ("password_file", "password_env"):
        if name in values and "username" not in values:
            yield Problem(lines[name], f"'{name}' needs 'username'")


def api_problems(values: Values, lines: Lines) -> Iterator[Problem]:
    """Yield what does not fit together in the API's settings."""
    if "key" in values and "certificate" not in values:
        yield Problem(lines["key"], "'key' needs 'certificate'")


def password_of(
    values: Values, lines: Lines, environment: Mapping[str, str]
) -> tuple[Secret | None, tuple[Problem, ...]]:
    """Return the password that a section names, and what is wrong with the place that it comes from."""
    if (variable := values.get("password_env")) is not None:
        if (word := environment.get(variable)) is not None:
            return Secret(word), ()
        problem = f"the environment variable {variable} is not set here"
        hint = "the service needs it when it starts"
        return None, (Problem(lines["password_env"], problem, hint, warning=True),)
    file: Path | None = values.get("password_file")
    if file is None or not file.is_file():
        return None, ()
    line = lines["password_file"]
    try:
        words = file.read_text("utf-8").splitlines()
        mode = file.stat().st_mode
    except OSError as error:
        return None, (Problem(line, f"{file} cannot be read: {error.strerror}"),)
    except UnicodeDecodeError:
        return None, (Problem(line, f"{file} cannot be read: it is not UTF-8"),)
    if not words or not words[0]:
        return None, (Problem(line, f"{file} is empty", "its first line must be the password"),)
    if mode & stat.S_IROTH:
        return Secret(words[0]), (Problem(line, f"everybody may read {file}", f"chmod o= {file}", warning=True),)
    return Secret(words[0]), ()
