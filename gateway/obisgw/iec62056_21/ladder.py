"""What to try next after an attempt at a readout failed."""

from __future__ import annotations

from dataclasses import replace

from .events import Failure
from .identification import Identification, Mode
from .plan import LinePlan

WIDER_MARGINS = (0.100, 0.200)
"""Seconds from the acknowledgement's last bit to the change of speed, after the first choice failed. Users of real
heads needed 240, 300 and 400 ms from the call of write, 200 ms of which the acknowledgement takes on the line."""

NARROW_MARGIN = 0.010
"""For meters that answer sooner than their third letter allows, and heads whose drivers say when all is sent."""

UNANNOUNCED_RATES = (2400, 1200, 19200)
"""Rates of data that are listened for where neither the announced one, nor the next, nor 300 Bd could be read."""

MAX_SIGN_ONS = 3
MAX_REPEATS = 3
MAX_ATTEMPTS = 7
LONG_REACTION = 0.25


def next_plan(  # noqa: C901 - one branch a failure
    plan: LinePlan,
    failure: Failure,
    identification: Identification | None,
    attempt: int,
    *,
    battery: bool = False,
    known: bool = False,
) -> LinePlan | None:
    """Return the plan after ``attempt`` attempts (from 1), the last of which ended with ``failure``; None gives up.

    Speed: another margin (a narrower one where the beginning of the data was missed), then the next lower rate, then
    staying at 300 Bd, then no acknowledgement at all. Battery meters are tried twice at most. ``known``: an earlier attempt got an identification, so the meter is there.
    """
    # A meter that sends unasked is not asked better by asking more often.
    if attempt >= (2 if battery or failure is Failure.UNASKED else MAX_ATTEMPTS):
        return None
    again = replace(plan, break_first=not battery)
    if identification is None:
        # A meter that answered before is still busy with what the last attempt left it in.
        return again if known else _sign_on_again(plan, again, failure, attempt)
    match failure:
        case Failure.PASSWORD | Failure.UNKNOWN_ALGORITHM | Failure.NO_PROGRAMMING:
            # Meters lock themselves after wrong passwords; the others will not change by themselves.
            return None
        case Failure.REFUSED | Failure.TOO_LONG:
            return again if attempt < MAX_SIGN_ONS else None
        case Failure.SESSION_OPEN | Failure.ENDED:
            return again
        case Failure.BAD_CHECK | Failure.CUT if attempt < MAX_REPEATS:
            # Data came at the right speed: noise is likelier than the plan being wrong.
            return again
        case Failure.START_LOST if plan.switch_margin is None and plan.acknowledge:
            return replace(again, switch_margin=NARROW_MARGIN)
        case Failure.STAYED_SLOW:
            return _slower(again, identification, at_once=True)
        case Failure.GARBAGE if _acknowledged(plan, identification):
            return _another_rate(again, identification)
        case Failure.BAD_CHECK | Failure.CUT:
            # Not a matter of when the speed changes, but perhaps of how fast this head can hear.
            return _slower(replace(again, switch_margin=WIDER_MARGINS[-1]), identification, at_once=False)
        case _:
            return _slower(again, identification, at_once=False)


def _sign_on_again(plan: LinePlan, again: LinePlan, failure: Failure, attempt: int) -> LinePlan | None:
    if attempt > MAX_SIGN_ONS or (attempt == MAX_SIGN_ONS and plan.wake_up):
        return None
    unanswered = failure in {Failure.SILENCE, Failure.ECHO_ONLY}
    if unanswered and attempt == 1:
        # Some meters (Siemens AMIS) want the request twice; a break comes only before the third.
        return plan
    if unanswered and attempt == MAX_SIGN_ONS:
        return replace(plan, wake_up=True, break_first=False)
    return again if attempt < MAX_SIGN_ONS else None


def _slower(plan: LinePlan, identification: Identification, *, at_once: bool) -> LinePlan | None:
    match identification.mode:
        case Mode.B:
            return _other_data_rate(plan)
        case Mode.C | Mode.E if plan.acknowledge:
            return _other_acknowledgement(plan, identification, at_once=at_once)
        case _:
            return None


def _acknowledged(plan: LinePlan, identification: Identification) -> bool:
    return identification.mode in {Mode.C, Mode.E} and plan.acknowledge


def _another_rate(plan: LinePlan, identification: Identification) -> LinePlan:
    """Return the plan after data that came fast and unreadable: not when the speed changes is wrong, but which it is.

    First the rate below, asked for and listened at; then 300 Bd, which every meter knows; then rates that a meter may
    use though it announces another.
    """
    asked = plan.baud_char or identification.baud_char
    if plan.data_baudrate is not None:
        tried = UNANNOUNCED_RATES.index(plan.data_baudrate) if plan.data_baudrate in UNANNOUNCED_RATES else -1
        following = UNANNOUNCED_RATES[tried + 1 : tried + 2]
        return replace(plan, data_baudrate=following[0]) if following else replace(plan, acknowledge=False)
    if plan.baud_char is None and asked > "1":
        return replace(plan, baud_char=chr(ord(asked) - 1), switch_margin=None)
    if asked != "0":
        return replace(plan, baud_char="0", switch_margin=None)
    return replace(plan, baud_char=None, data_baudrate=UNANNOUNCED_RATES[0])


def _other_data_rate(plan: LinePlan) -> LinePlan | None:
    """In mode B the letter may be cosmetic: the data then come at 300 or, from heat meters, 2400 Bd."""
    match plan.data_baudrate:
        case None:
            return replace(plan, data_baudrate=2400)
        case 2400:
            return replace(plan, data_baudrate=300)
        case _:
            return None


def _other_acknowledgement(plan: LinePlan, identification: Identification, *, at_once: bool) -> LinePlan:
    asked = plan.baud_char or identification.baud_char
    if asked == "0":
        return replace(plan, acknowledge=False)
    tried = plan.switch_margin or 0.0
    wider = next((margin for margin in WIDER_MARGINS if margin > tried), None)
    # A meter that stayed slow may have missed an acknowledgement cut off by an early change: one wider margin shows it.
    if wider is not None and plan.baud_char is None and not (at_once and tried):
        return replace(plan, switch_margin=wider, acknowledgement_delay=LONG_REACTION)
    if plan.baud_char is None and asked > "1" and not at_once:
        return replace(plan, baud_char=chr(ord(asked) - 1), switch_margin=None)
    return replace(plan, baud_char="0", switch_margin=None)
