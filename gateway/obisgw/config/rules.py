"""What the settings of one meter, of several meters and of the broker must keep among themselves."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING, Any

from obisgw.secret import Secret

from .nearest import nearest
from .problem import Problem
from .values import MeterMode, without_prefix

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from .table import MeterSettings

Values = dict[str, Any]
Lines = dict[str, int]

_URLS = ("socket", "rfc2217", "esphome")
_UNUSED_IN_MODE_D = ("address", "wake_up", "reads_a_day", "max_baudrate")


def meter_problems(values: Values, lines: Lines, dialects: Collection[str]) -> Iterator[Problem]:
    """Yield what does not fit together within one meter."""
    if "every" in values and "reads_a_day" in values:
        yield Problem(lines["reads_a_day"], "'every' and 'reads_a_day' exclude each other", "keep one of them")
    if values.get("mode") is MeterMode.D:
        for name in _UNUSED_IN_MODE_D:
            if name in values:
                why = "in mode D nothing is sent to the meter"
                yield Problem(lines[name], f"'{name}' has no effect with 'mode: D'", why)
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
    if "password_file" in values and "password_env" in values:
        yield Problem(
            lines["password_env"], "'password_file' and 'password_env' exclude each other", "keep one of them"
        )
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
    """Return the broker's password, and what is wrong with the place that it comes from."""
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
