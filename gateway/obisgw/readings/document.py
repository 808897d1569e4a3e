"""The JSON object of ``read --json`` and ``decode --json``.

One object a reading. ``decode`` makes one object of a whole capture: of the last meter that identified itself in it.
Answers of a dialogue in programming mode are all listed; of readouts and pushes that come again, each register has its
newest proved value. What could not be proved never appears under ``registers``, but under ``unproved``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from obisgw.iec62056_21.block_check import BlockCheck
from obisgw.iec62056_21.characters import STX, strip_parity
from obisgw.iec62056_21.identification import Identification
from obisgw.iec62056_21.telegram import Telegram, Unparsed
from obisgw.obis import Medium

from .reading import Register
from .registers import registers_of

if TYPE_CHECKING:
    from obisgw.iec62056_21.capture import Capture, Captured

Json = dict[str, object]


def reading_document(
    telegram: Telegram, medium: Medium, registers: Sequence[Register], unparsed: Sequence[Unparsed]
) -> Json:
    """Return the object of one telegram. Its registers go under ``unproved`` where ``telegram.proved`` is False."""
    proved = telegram.proved
    return _document(
        telegram,
        telegram.identification,
        medium,
        registers if proved else (),
        unparsed,
        unproved=None if proved else registers,
    )


def capture_document(capture: Capture) -> Json:
    """Return the one object of a capture. See the module for which meter and which values."""
    messages = _of_last_meter(capture.messages)
    proved: list[Register] = []
    places: dict[tuple[str, int], int] = {}
    unproved: list[Register] = []
    unparsed: dict[Unparsed, None] = {}
    for message in messages:
        registers, rest = registers_of(message.telegram, message.dialect, message.request)
        unparsed |= dict.fromkeys(rest)
        if not message.telegram.proved:
            unproved += registers
            continue
        for register in registers:
            place = (register.address, register.occurrence)
            if _is_answer(message) or place not in places:
                places[place] = len(proved)
                proved.append(register)
            else:
                proved[places[place]] = register
    last = next((message for message in reversed(messages) if message.telegram.proved), None)
    shown = last or (messages[-1] if messages else None)
    identification = capture.identifications[-1] if capture.identifications else None
    return _document(
        shown.telegram if shown else None,
        shown.telegram.identification if shown else identification,
        shown.dialect.medium if shown else Medium.ELECTRICITY,
        proved,
        tuple(unparsed),
        unproved=unproved if unproved or last is None else None,
    )


def why_unproved(telegram: Telegram) -> str | None:
    """Return in words why no value of a telegram may be used; None where all is proved."""
    if telegram.proved:
        return None
    if telegram.check is BlockCheck.BAD:
        kind = "" if telegram.check_kind is None else f" ({telegram.check_kind.value})"
        return f"the block check is wrong{kind}: characters were damaged or lost on the line"
    if telegram.parity_errors:
        return f"{telegram.parity_errors} characters were damaged on the line"
    return "the telegram is not whole: its beginning, its end or its block check is missing"


def _of_last_meter(messages: Sequence[Captured]) -> list[Captured]:
    """Return the messages of the meter whose message was proved last; of the last one where none was."""
    proved = [message for message in messages if message.telegram.proved]
    chosen = (proved or list(messages))[-1:]
    return [
        message
        for message in messages
        if chosen and message.telegram.identification in (chosen[0].telegram.identification, None)
    ]


def _is_answer(message: Captured) -> bool:
    """Whether a message answers one question of programming mode: it begins with STX; a readout ends with ``!``."""
    framed = strip_parity(message.telegram.raw[:1])[0] == bytes((STX,))
    return framed and not message.telegram.block.rstrip(b"\r\n ").endswith(b"!")


def _document(
    telegram: Telegram | None,
    identification: Identification | None,
    medium: Medium,
    registers: Iterable[Register],
    unparsed: Iterable[Unparsed],
    *,
    unproved: Iterable[Register] | None,
) -> Json:
    check = BlockCheck.ABSENT if telegram is None else telegram.check
    document: Json = {
        "mode": None if telegram is None else telegram.mode.value,
        "identification": None
        if identification is None
        else {
            "raw": identification.raw,
            "manufacturer": identification.manufacturer,
            "baud_char": identification.baud_char,
            "model": identification.model,
        },
        "medium": medium.value,
        "checks": {
            "bcc": check.value,
            "parity_errors": 0 if telegram is None else telegram.parity_errors,
        },
        "registers": _registers(registers),
        "unparsed": [{"raw": item.raw, "reason": item.reason} for item in unparsed],
    }
    if unproved is not None:
        document["unproved"] = _registers(unproved)
    return document


def _registers(registers: Iterable[Register]) -> list[Json]:
    counts: Counter[str] = Counter()
    entries: list[Json] = []
    for register in registers:
        key = register.description.key
        counts[key] += 1
        entries.append(_register(register, key if counts[key] == 1 else f"{key}_{counts[key]}"))
    return entries


def _register(register: Register, key: str) -> Json:
    description = register.description
    return {
        "address": register.address,
        "obis": None if register.code is None else str(register.code),
        "value": register.value,
        "unit": None if register.unit_assumed else register.unit,
        "brackets": [[bracket.value, bracket.unit] for bracket in register.brackets],
        "time": None if register.time is None else register.time.isoformat(),
        "key": key,
        "name": description.name,
        "unit_of_measurement": description.unit,
        "device_class": None if description.device_class is None else description.device_class.value,
        "state_class": None if description.state_class is None else description.state_class.value,
    }
