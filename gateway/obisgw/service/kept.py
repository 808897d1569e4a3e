"""Derived facts as JSON and back. What cannot be read raises ValueError, KeyError, TypeError or the like."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from obisgw.obis import Medium, ObisCode
from obisgw.readings.derive import DerivedState, MeterClock
from obisgw.readings.thresholds import ThresholdMemory

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]


def facts_document(state: DerivedState) -> Json:
    """Return a state as JSON: codes in full, numbers as text, times in ISO 8601."""
    clock = state.clock
    return {
        "at": _iso(state.at),
        "tariff": state.tariff,
        "known_tariff": state.known_tariff,
        "tariffs": list(state.tariffs),
        "clock": None
        if clock is None
        else {
            "shown": _iso(clock.shown),
            "fine": clock.fine.total_seconds(),
            "at": _iso(clock.at),
            "duration": clock.duration,
        },
        "energies": {str(code): f"{number:f}" for code, number in state.energies.items()},
        "counts": {str(code): f"{number:f}" for code, number in state.counts.items()},
        "errors": {str(code): value for code, value in state.errors.items()},
        "thresholds": {
            name: {"rule": memory.rule, "on": memory.on, "since": _iso(memory.since), "at": _iso(memory.at)}
            for name, memory in state.thresholds.items()
        },
    }


def facts_of(document: Json) -> DerivedState:
    """Return the state in a document."""
    clock = document["clock"]
    return DerivedState(
        at=_time(document["at"]),
        tariff=_text_or_none(document["tariff"]),
        known_tariff=_text_or_none(document["known_tariff"]),
        tariffs=tuple(map(_text, document["tariffs"])),
        clock=None
        if clock is None
        else MeterClock(
            datetime.fromisoformat(clock["shown"]).replace(tzinfo=None),
            timedelta(seconds=float(clock["fine"])),
            _utc(clock["at"]),
            float(clock["duration"]),
        ),
        energies=_numbers(document["energies"]),
        counts=_numbers(document["counts"]),
        errors={_code(code): _text(value) for code, value in document["errors"].items()},
        thresholds={
            name: ThresholdMemory(
                _text(memory["rule"]), memory["on"] is True, _time(memory["since"]), _time(memory["at"])
            )
            for name, memory in document["thresholds"].items()
        },
    )


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else _utc(text)


def _utc(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return time


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _code(text: str) -> ObisCode:
    code = ObisCode.parse(text, Medium.OTHER)
    if code is None:
        raise ValueError(f"{text!r} is no OBIS code")
    return code


def _numbers(values: Mapping[str, str]) -> dict[ObisCode, Decimal]:
    try:
        numbers = {_code(code): Decimal(_text(number)) for code, number in values.items()}
    except InvalidOperation as error:
        raise ValueError("no number") from error
    if not all(number.is_finite() for number in numbers.values()):
        raise ValueError("no finite number")
    return numbers
