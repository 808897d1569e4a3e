"""Why a meter could not be read, in words for whoever holds the head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from obisgw.errors import MeterError, RefusedError
from obisgw.iec62056_21.characters import strip_parity
from obisgw.iec62056_21.events import Failure
from obisgw.iec62056_21.identification import Identification
from obisgw.iec62056_21.push import PushSession
from obisgw.iec62056_21.telegram import Unparsed

_SML = b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01"
_PLACEMENT = (
    "check that the head sits on the meter's optical port with its cable down (a few meters want it up), "
    "that daylight is kept out, and that the port is the right one (`obis-gateway ports`)"
)
_PERHAPS_PUSHED = frozenset({Failure.CUT, Failure.GARBAGE, Failure.START_LOST})
"""What a push meter looks like whose identification happened to follow our request."""

_PERHAPS_ANOTHER_RATE = frozenset({Failure.SILENCE, Failure.GARBAGE})

OTHERS = {
    "SML": "this is SML, a protocol that this program does not read; an SML reader does",
    "HDLC": "these look like HDLC frames (DLMS/COSEM): see docs/guides/dlms.md, and try `transport: hdlc`; where they come unasked, with `mode: D`",
    "M-Bus": "these look like M-Bus frames: where the meter sends unasked, try `mode: D` with `transport: mbus`, see docs/guides/dlms.md",
    "D": "the meter sends its values unasked: set `mode: D` and its rate (mostly 9600)",
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One failed attempt: what it ended with, what was seen, and at which rates."""

    failure: Failure
    detail: str
    sample: bytes
    identification: Identification | None
    echo: int


def explain(attempts: list[Attempt], where: str, *, fixed_rate: bool = False) -> MeterError | RefusedError:
    """Return the error for a readout whose attempts all failed, oldest first. ``fixed_rate``: the port keeps its own."""
    telling = max(attempts, key=lambda one: (one.identification is not None, _WEIGHT[one.failure]))
    times = f" ({len(attempts)} attempts)" if len(attempts) > 1 else ""
    sample = b"".join(attempt.sample for attempt in attempts)
    if telling.identification is None and (other := protocol_in(sample)) is not None:
        return MeterError(f"no identification came, but other characters{times}", where=where, hint=OTHERS[other])
    kind = RefusedError if telling.failure in _REFUSALS else MeterError
    problem, hint = _words(telling)
    if fixed_rate and telling.failure in _PERHAPS_ANOTHER_RATE:
        hint = (
            f"the serial server must have the meter's rate, mostly 300 Bd: it cannot be changed from here; else {hint}"
        )
    if telling.failure in _PERHAPS_PUSHED and protocol_in(sample) == "D":
        hint = f"if {OTHERS['D']}; else {hint}"
    return kind(problem + times, where=where, hint=hint)


PUSH_RATES = (9600, 2400, 4800, 300, 115200)
"""Of meters that send unasked, from the commonest on; the last is that of P1 ports."""


def explain_silence(session: PushSession | None, before: int, seconds: float, where: str) -> MeterError:
    """Return the error for a meter that should send unasked, and of which no telegram came for so many seconds.

    ``before`` is what had been received until then; None as session is that of a port that could not be listened to.
    """
    heard = 0 if session is None else session.received - before
    if session is None or not heard:
        hint = "check the head's place; most meters must be asked: `mode: auto`"
        return MeterError(f"nothing has come for {seconds:.0f} s", where=where, hint=hint)
    sample, baudrate, software_parity = session.sample, session.baudrate, session.settings.format.software_parity
    problem = f"{heard} characters have come in {seconds:.0f} s at {baudrate} Bd, but no telegram; the last were {sample[-16:].hex(' ')}"
    other = protocol_in(sample)
    if other in {"SML", "HDLC", "M-Bus"}:
        return MeterError(problem, where=where, hint=OTHERS[other])
    if other == "D" and not software_parity and not sample.isascii():
        hint = "they carry parity: leave `format` at `software-7e1`"
        return MeterError(problem, where=where, hint=hint)
    if other == "D":
        hint = "they can be read: the line that names the meter is missing; send a capture (`obis-gateway capture`)"
        return MeterError(problem, where=where, hint=hint)
    others = [f"{rate}" if rate != PUSH_RATES[-1] else f"{rate} with `format: 8n1`" for rate in PUSH_RATES]
    rates = ", ".join(text for rate, text in zip(PUSH_RATES, others, strict=True) if rate != baudrate)
    hint = f"another speed: try `baudrate` {rates}; if none helps, `format: 8n1`, or light from outside is heard"
    return MeterError(problem, where=where, hint=hint)


def no_register(unparsed: Sequence[Unparsed], where: str) -> MeterError:
    """Return the error of a telegram without a register: an answer such as ``(ER0005)`` is no reading."""
    told = f": {unparsed[0].raw[:32]!r}" if unparsed else ""
    hint = "some meters want a password or another list; send a capture (`obis-gateway capture PORT FILE`)"
    return MeterError(f"the telegram holds no register{told}", where=where, hint=hint)


def protocol_in(sample: bytes) -> str | None:
    """Return the name of another protocol that ``sample`` shows: SML, HDLC, M-Bus, or ``D`` for pushed telegrams."""
    if _SML in sample:
        return "SML"
    for start, character in enumerate(sample):
        if character == 0x7E and _is_hdlc(sample[start:]):
            return "HDLC"
        if character == 0x68 and _is_m_bus(sample[start:]):
            return "M-Bus"
    text = strip_parity(sample)[0]
    if b"(" in text and b")\r\n" in text and b"\x02" not in text:
        return "D"
    return None


def _is_hdlc(frame: bytes) -> bool:
    """IEC 62056-46: flag, format type A with eleven bits of length, and a flag that many octets on."""
    if len(frame) < 9 or frame[1] & 0xF0 != 0xA0:
        return False
    end = 1 + ((frame[1] & 0x07) << 8 | frame[2])
    return end < len(frame) and frame[end] == 0x7E


def _is_m_bus(frame: bytes) -> bool:
    return len(frame) > 3 and frame[3] == 0x68 and frame[1] == frame[2] >= 3


_WEIGHT = {
    Failure.SILENCE: 0,
    Failure.ECHO_ONLY: 1,
    Failure.GARBAGE: 2,
    Failure.UNASKED: 3,
    Failure.SESSION_OPEN: 4,
    Failure.NO_DATA: 5,
    Failure.STAYED_SLOW: 6,
    Failure.START_LOST: 7,
    Failure.TOO_LONG: 8,
    Failure.UNLIKE: 9,
    Failure.CUT: 10,
    Failure.BAD_CHECK: 11,
    Failure.REFUSED: 12,
    Failure.ENDED: 13,
    Failure.UNKNOWN_ALGORITHM: 14,
    Failure.NO_PROGRAMMING: 15,
    Failure.PASSWORD: 16,
}
_REFUSALS = frozenset(
    {Failure.REFUSED, Failure.PASSWORD, Failure.NO_PROGRAMMING, Failure.UNKNOWN_ALGORITHM},
)


def _words(attempt: Attempt) -> tuple[str, str]:  # noqa: C901 - one branch a failure
    heard = _shown(attempt.sample)
    match attempt.failure:
        case Failure.SILENCE:
            return "the meter does not answer: the line is silent", (
                f"{_PLACEMENT}; some meters need a device address, some a wake-up, some heads RTS switched the other way"
            )
        case Failure.ECHO_ONLY:
            return (
                "your head hears itself, but not the meter",
                f"the head works and the light comes back from the window: {_PLACEMENT}",
            )
        case Failure.GARBAGE:
            return f"unreadable characters: {attempt.detail}{heard}", (
                "another speed or format (try `format: 8n1`, another `baudrate`), a meter that sends unasked (`mode: D`), "
                "two meters that answer at once (set `address`), light from outside, or a head that is turned or too far away"
            )
        case Failure.UNASKED:
            return f"the line is never silent, {attempt.detail}{heard}", (
                f"if {OTHERS['D']}, 115200 with `format: 8n1` at a P1 port; else keep light from outside away"
            )
        case Failure.NO_DATA:
            return f"the meter names itself{_name(attempt)}, but sends no data", (
                "its list may be disabled, or it does not understand our acknowledgement through this head"
            )
        case Failure.STAYED_SLOW:
            return f"the meter{_name(attempt)} did not change its speed", "set `max_baudrate: 300`"
        case Failure.START_LOST:
            return f"the beginning of what the meter{_name(attempt)} sends was missed", (
                "the meter answers sooner than this adapter changes its speed: set `max_baudrate: 300`"
            )
        case Failure.CUT:
            return f"the data stopped in the middle: {attempt.detail}", _PLACEMENT
        case Failure.BAD_CHECK:
            return f"the data were damaged: {attempt.detail}", (
                f"{_PLACEMENT}; if it happens always, the meter may compute its block check in another way: "
                "send a capture (`obis-gateway capture`)"
            )
        case Failure.UNLIKE:
            return "the data are unlike those before and have no block check", "the next telegram decides; wait for it"
        case Failure.TOO_LONG:
            return "the data did not end", "send a capture (`obis-gateway capture PORT FILE`)"
        case Failure.REFUSED:
            return f"the meter refused: {attempt.detail}", "check device address and what the utility allows"
        case Failure.PASSWORD | Failure.NO_PROGRAMMING | Failure.UNKNOWN_ALGORITHM:
            return f"{attempt.failure.value}: {attempt.detail}", "see docs/guides/programming-mode.md"
        case Failure.ENDED:
            return f"the meter{_name(attempt)} ended the session: {attempt.detail}", (
                "it may want a password, or not know what it was asked for"
            )
        case Failure.SESSION_OPEN:
            return "the meter still holds an earlier session", "it ends by itself after one or two minutes"


def _name(attempt: Attempt) -> str:
    return f" {attempt.identification.raw}" if attempt.identification is not None else ""


def _shown(sample: bytes) -> str:
    return f"; the first were {sample[:16].hex(' ')}" if sample else ""
