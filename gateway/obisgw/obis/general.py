"""What codes of every medium share: C = 0 about the meter, C = 96 to 99 service and lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from obisgw.obis.code import CURRENT, ObisCode
from obisgw.obis.description import StateClass, ValueKind
from obisgw.obis.dlms_objects import dlms_object
from obisgw.obis.meaning import PHASES, Meaning, diagnostic, numbered, text

if TYPE_CHECKING:
    from collections.abc import Callable

_COUNTER: Final = StateClass.TOTAL_INCREASING

# 0.2.E; 1-3:0.2.8 is the version of the P1 companion standard.
_PROGRAMS: Final = {0: "firmware", 1: "parameter set", 2: "tariff program", 8: "interface version"}
# 0.D.E: numbers with a unit; without one, some meters print text here.
_SETTINGS: Final = {3: "pulse constant", 4: "transformer ratio", 6: "nominal value", 8: "period", 9: "time setting"}
# 0.9.E
_CLOCK: Final = {
    1: text("time", ValueKind.TIME),
    2: text("date", ValueKind.DATE),
    5: text("day of the week"),
    6: text("time of last billing reset", ValueKind.TIME),
    7: text("date of last billing reset", ValueKind.DATE),
}

# 96.7.E: groups of five, for all phases, L1, L2, L3, any phase.
_POWER_FAILURES: Final = ("power failures", "long power failures", "time of power failure", "duration of power failure")
_FAILED_PHASES: Final = ("of all phases", *PHASES, "of any phase")
_POWER_FAILURES_OF_ANY_PHASE: Final = 21

# 96.3.E
_DISCONNECT_CONTROL: Final = 10


def general(code: ObisCode, unit: str | None) -> Meaning | None:
    """Return the meaning of a code that is not the medium's own, `None` if no rule knows it."""
    match code.c:
        case 0:
            return _about_the_meter(code, unit)
        case 96:
            return _service(code, unit)
        case 97:
            return _errors(code)
        case 98:
            return _part(text("list {number}", number=code.d), code.e)
        case 99:
            return _profiles(code)
        case _:
            return _abstract(code) if code.a == 0 else None


def _about_the_meter(code: ObisCode, unit: str | None) -> Meaning | None:
    match code.d:
        case 0:
            return numbered(text("identification number"), code.e)
        case 1:
            return _billing(code)
        case 2:
            program = _PROGRAMS.get(code.e)
            return text("program version {number}", number=code.e) if program is None else text(program)
        case 9 if code.e in _CLOCK:
            return _CLOCK[code.e]
        case d if d in _SETTINGS:
            return numbered(_setting(_SETTINGS[d], unit), code.e)
        case _:
            return None


def _billing(code: ObisCode) -> Meaning | None:
    match code.e:
        case 0 if code.f == CURRENT:
            return diagnostic("billing reset counter", _COUNTER)
        case 0:
            return text("billing reset", ValueKind.TIMESTAMP)
        case 1:
            return diagnostic("number of stored billing periods")
        case 2:
            return text("time of billing reset", ValueKind.TIMESTAMP)
        case 3:
            return text("date of billing reset", ValueKind.TIMESTAMP)
        case _:
            return None


def _setting(name: str, unit: str | None) -> Meaning:
    """Return a number if the meter prints a unit; without one, some print text here."""
    return text(name) if unit is None else diagnostic(name)


def _part(meaning: Meaning, part: int) -> Meaning:
    return meaning.extended("{part}", part=part) if part else meaning


def _service(code: ObisCode, unit: str | None) -> Meaning | None:
    rule = _SERVICE_RULES.get(code.d)
    return rule(code.e, unit) if rule else None


def _configuration(e: int, unit: str | None) -> Meaning:  # noqa: ARG001
    match e:
        case 0:
            return diagnostic("configuration changes", _COUNTER)
        case 1:
            return text("last configuration change", ValueKind.TIMESTAMP)
        case _:
            return text("configuration change {number}", number=e)


def _battery(e: int, unit: str | None) -> Meaning:
    match e:
        case 3 if unit is not None:
            return diagnostic("battery voltage", StateClass.MEASUREMENT, enabled=True)
        case 0 | 6 if unit is not None:
            name = "battery operating time" if e == 0 else "battery life left"
            return diagnostic(name, _COUNTER if e == 0 else StateClass.MEASUREMENT)
        case 5:
            return text("battery installed", ValueKind.TIMESTAMP)
        case _:
            return numbered(text("battery state"), e)


def _power_failures(e: int, unit: str | None) -> Meaning:
    if e == _POWER_FAILURES_OF_ANY_PHASE:
        return diagnostic("power failures in any phase", _COUNTER, enabled=True)
    kind, phase = divmod(e, len(_FAILED_PHASES))
    if kind >= len(_POWER_FAILURES):
        return text("power failure information {number}", number=e)
    match kind:
        case 2:
            meaning = text(_POWER_FAILURES[kind], ValueKind.TIMESTAMP)
        case 3:
            meaning = _setting(_POWER_FAILURES[kind], unit)
        case _:
            meaning = diagnostic(_POWER_FAILURES[kind], _COUNTER, enabled=True)
    match _FAILED_PHASES[phase]:
        case "of all phases":
            return meaning  # The plain total is what meters without phases print.
        case "of any phase" as words:
            return meaning.extended(words)
        case name:
            return meaning.extended("{phase}", phase=name)


def _operating_time(e: int, unit: str | None) -> Meaning:
    # Without a unit it may be hours, minutes, or seconds in hexadecimal (eBZ).
    meaning = text("operating time") if unit is None else diagnostic("operating time", _COUNTER)
    return meaning.extended("tariff {number}", number=e) if e else meaning


def _temperature(e: int, unit: str | None) -> Meaning:  # noqa: ARG001
    match e:
        case 0:
            return diagnostic("meter temperature", StateClass.MEASUREMENT)
        case 1 | 2:
            return diagnostic("minimum meter temperature" if e == 1 else "maximum meter temperature")
        case _:
            return text("meter temperature information {number}", number=e)


def _control(e: int, unit: str | None) -> Meaning:  # noqa: ARG001
    if e == _DISCONNECT_CONTROL:
        return text("disconnect control", ValueKind.FLAGS)
    return numbered(text("input and output state", ValueKind.FLAGS), e)


def _numbered(
    name: str, *, kind: ValueKind = ValueKind.TEXT, enabled: bool = False
) -> Callable[[int, str | None], Meaning]:
    def rule(e: int, unit: str | None) -> Meaning:
        return numbered(text(name, kind, enabled=enabled) if unit is None else diagnostic(name), e)

    return rule


def _makers(group: int) -> Callable[[int, str | None], Meaning]:
    def rule(e: int, unit: str | None) -> Meaning:
        return _part(_setting("maker information", unit).extended("{number}", number=group), e)

    return rule


_SERVICE_RULES: Final[dict[int, Callable[[int, str | None], Meaning]]] = {
    1: _numbered("device number"),
    2: _configuration,
    3: _control,
    4: _numbered("control state", kind=ValueKind.FLAGS),
    5: _numbered("status word", kind=ValueKind.FLAGS),
    6: _battery,
    7: _power_failures,
    8: _operating_time,
    9: _temperature,
    10: _numbered("status register", kind=ValueKind.FLAGS),
    11: _numbered("event code"),
    12: _numbered("communication port"),
    13: _numbered("message"),
    14: _numbered("active tariff", enabled=True),
    15: _numbered("event count"),
    16: _numbered("signature"),
    20: _numbered("tampering information"),
    **{group: _makers(group) for group in (50, 51, 82)},
    90: _numbered("configuration information"),
    98: _numbered("profile information"),
}


def _errors(code: ObisCode) -> Meaning:
    match code.d, code.e:
        case 97, e:
            return numbered(text("error register", ValueKind.ERROR_FLAGS, enabled=True), e)
        case 98, e:
            return numbered(text("alarm register", ValueKind.ERROR_FLAGS, enabled=True), e)
        case d, e:
            return _part(text("error information {number}", number=d), e)


def _profiles(code: ObisCode) -> Meaning:
    match code.d:
        case 97:
            return numbered(text("power failure log"), code.e)
        case 98:
            return numbered(text("event log"), code.e)
        case d:
            return _part(text("load profile {number}", number=d), code.e)


def _abstract(code: ObisCode) -> Meaning | None:
    match code.c, code.d, code.e:
        case 1, 0, e:
            return numbered(text("clock", ValueKind.TIMESTAMP), e)
        case 17, 0, e:
            return numbered(diagnostic("limiter threshold"), e)
        case _:
            return dlms_object(code)
