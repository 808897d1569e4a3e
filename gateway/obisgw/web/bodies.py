"""What clients send: read with bounds, checked by hand, refused with what is wrong."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from aiohttp import web

from obisgw.obis import Medium, ObisCode
from obisgw.readings.thresholds import Threshold, misfit, threshold_id

from .problems import Problem, ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LARGEST = 64 * 1024
BODY_WITHIN = 10.0
"""Seconds for the body of a request."""

MOST_THRESHOLDS = 50
LONGEST_WAIT = 120.0
_LONGEST_NAME = 64
_LONGEST_NUMBER = 40
_LONGEST_TIME = 86_400.0


async def body_of(request: web.Request) -> dict[str, Any]:
    """Return the JSON object of a request. Raises ProblemError."""
    try:
        async with asyncio.timeout(BODY_WITHIN):
            text = await request.text()
        document = json.loads(text)
    except TimeoutError as error:
        detail = f"the body did not come within {BODY_WITHIN:.0f} s"
        raise ProblemError(Problem.REQUEST_TIMEOUT, detail, headers={"Connection": "close"}) from error
    except web.RequestPayloadError as error:
        raise ProblemError(Problem.INVALID_REQUEST, "the body is broken") from error
    except web.HTTPRequestEntityTooLarge as error:
        raise ProblemError(Problem.TOO_LARGE, f"a request has at most {LARGEST} bytes") from error
    except (ValueError, LookupError, RecursionError) as error:
        # LookupError: a charset that nobody knows.
        raise ProblemError(Problem.INVALID_REQUEST, "the body is one JSON object in UTF-8") from error
    if not isinstance(document, dict):
        raise ProblemError(Problem.INVALID_REQUEST, "the body is one JSON object in UTF-8")
    return document


def text_of(document: Mapping[str, Any], name: str, *, longest: int = _LONGEST_NAME) -> str:
    """Return a text that must be there, without blanks around it."""
    value = document.get(name)
    if isinstance(value, str) and 0 < len(text := value.strip()) <= longest and text.isprintable():
        return text
    raise ProblemError(Problem.INVALID_REQUEST, f"'{name}' is a text of 1 to {longest} printable characters")


def wait_of(request: web.Request) -> float | None:
    """Return how long the asker waits for a reading, None if not at all."""
    text = request.query.get("wait")
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= LONGEST_WAIT:
        raise ProblemError(Problem.INVALID_REQUEST, f"'wait' is a number of seconds from 0 to {LONGEST_WAIT:.0f}")
    return seconds


def thresholds_of(document: Mapping[str, Any]) -> tuple[Threshold, ...]:
    """Return the thresholds of a client. Raises ProblemError."""
    entries = document.get("thresholds")
    if not isinstance(entries, list) or len(entries) > MOST_THRESHOLDS:
        raise ProblemError(Problem.INVALID_REQUEST, f"'thresholds' is a list of at most {MOST_THRESHOLDS}")
    thresholds = tuple(_threshold(entry) for entry in entries)
    if len({one.id for one in thresholds}) < len(thresholds):
        raise ProblemError(Problem.THRESHOLD_CONFLICT, "two thresholds have the same name: give each its own")
    return thresholds


def check_units(thresholds: Iterable[Threshold], meter: Mapping[str, Any]) -> None:
    """Refuse a limit of another quantity than the register that it is for, as a meter's document tells it."""
    medium = Medium(meter["medium"])
    units: dict[ObisCode, str | None] = {}
    for register in meter["registers"]:
        if (code := ObisCode.parse(register["obis"] or "", medium)) is not None:
            units.setdefault(code, register["unit"])
    for threshold in thresholds:
        if (why := misfit(threshold, units, medium)) is not None:
            raise _wrong(threshold.name, f"{why}: give the limit in the register's unit")


def _threshold(entry: object) -> Threshold:
    if not isinstance(entry, dict):
        raise ProblemError(Problem.INVALID_REQUEST, "a threshold is a JSON object")
    name = text_of(entry, "name")
    register = entry.get("register")
    if register is not None and (not isinstance(register, str) or len(register) > _LONGEST_NUMBER):
        raise _wrong(name, "'register' is an OBIS code such as 16.7.0, or null")
    if register is not None and ObisCode.parse(register, Medium.ELECTRICITY) is None:
        raise _wrong(name, f"'{register}' is no OBIS code; one is 16.7.0")
    unit = entry.get("unit")
    if unit is not None and (not isinstance(unit, str) or not 0 < len(unit) <= 16):
        raise _wrong(name, "'unit' is text such as kW, or null")
    seconds = entry.get("for", 0)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= _LONGEST_TIME:
        raise _wrong(name, "'for' is a number of seconds, at most a day")
    try:
        return Threshold(
            threshold_id(name),
            name,
            register,
            _decimal(entry, "above"),
            _decimal(entry, "below"),
            unit,
            _decimal(entry, "hysteresis") or Decimal(0),
            float(seconds),
        )
    except ValueError as error:
        raise _wrong(name, str(error)) from error


def _decimal(entry: Mapping[str, Any], name: str) -> Decimal | None:
    value = entry.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float) or len(str(value)) > _LONGEST_NUMBER:
        raise ValueError(f"'{name}' is a number, best as text")
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError(f"'{name}' is a number, best as text") from error
    if not number.is_finite() or (number and not -_LONGEST_NUMBER < number.adjusted() < _LONGEST_NUMBER):
        raise ValueError(f"'{name}' is out of range")
    return number


def _wrong(name: str, detail: str) -> ProblemError:
    return ProblemError(Problem.INVALID_REQUEST, f"threshold '{name}': {detail}")
