"""`obis-gateway decode`: what a captured telegram says, without a port."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from obisgw.errors import ConfigurationError, MeterError
from obisgw.iec62056_21.capture import telegrams_in
from obisgw.iec62056_21.characters import strip_parity
from obisgw.reader.explain import OTHERS, protocol_in
from obisgw.readings.document import capture_document, reading_document, why_unproved
from obisgw.readings.registers import registers_of

from .dialect_options import add_dialects, dialects_of
from .dlms_options import add_keys, keys_of
from .show import printable, show_document, show_unproved
from .terminal import out, say

if TYPE_CHECKING:
    import argparse

    from obisgw.iec62056_21.capture import Capture
    from obisgw.readings.reading import Reading

_MOST_BYTES = 16_000_000
_SAMPLE = 65_536
_ONLY_ASKED = re.compile(rb"(?:\x00|/[?#0-9][0-9A-Za-z ]*!?\r\n|\x01B0\x03[q\x75])+")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "file", nargs="?", default="-", help="bytes, hexadecimal text or a recording of 'capture'; - is standard input"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--explain", action="store_true", help="show each data set and what becomes of it")
    add_dialects(parser)
    add_keys(parser)


def run(options: argparse.Namespace) -> int:
    """Decode; raises MeterError (status 1) when the capture proves nothing."""
    where = "standard input" if options.file == "-" else options.file
    dialects, dialect = dialects_of(options)
    capture = telegrams_in(_read(options.file), dialects, dialect)
    # Among any bytes there is sometimes a frame that proves nothing but itself.
    proved = any(message.telegram.proved and b"(" in message.telegram.block for message in capture.messages)
    other = None if proved else _other_protocol(capture)
    if other in {"HDLC", "M-Bus"} and (pushed := _pushed(capture.raw, other, options)) is not None:
        document = reading_document(pushed.telegram, pushed.meter.medium, pushed.registers, pushed.unparsed)
        out(json.dumps(document, ensure_ascii=False)) if options.json else show_document(document)
        return 0
    if other is not None:
        capture = replace(capture, messages=())
    _show(capture, options)
    _say_left_out(capture, where)
    if other is not None:
        raise MeterError("there is no telegram of IEC 62056-21 in this capture", where=where, hint=OTHERS[other])
    if not proved:
        raise _nothing_proved(capture, where)
    return 0


def _show(capture: Capture, options: argparse.Namespace) -> None:
    document = capture_document(capture)
    if options.json:
        out(json.dumps(document, ensure_ascii=False))
    elif options.explain:
        # Imported here: it brings the publisher's rules along, which --json has no use for.
        from .explain import explain  # noqa: PLC0415

        for message in capture.messages:
            telegram = message.telegram
            registers, unparsed = registers_of(telegram, message.dialect, message.request)
            explain(telegram, message.dialect, registers, unparsed, why_unproved(telegram))
    elif capture.messages:
        show_document(document)
        show_unproved(document)


def _say_left_out(capture: Capture, where: str) -> None:
    if capture.left_out:
        say(f"{where}: {capture.left_out} older messages are left out, the newest are shown")
    if capture.searched < len(capture.raw):
        share = f"the first {capture.searched} of {len(capture.raw)} bytes were looked at"
        say(f"{where}: only {share}: they hold more messages than a meter's line does")


def _pushed(raw: bytes, framing: str, options: argparse.Namespace) -> Reading | None:
    """Return what a meter pushed in DLMS, the newest values of all lists; None where there is no notification.

    Raises MeterError where all of them came to nothing.
    """
    from obisgw.dlms.push import HdlcPush, MbusPush, Pushed, PushTrouble  # noqa: PLC0415 - only where it is DLMS
    from obisgw.readings.cosem_push import PushedReadings  # noqa: PLC0415
    from obisgw.service.dlms_push_edge import push_error  # noqa: PLC0415

    keys, where = keys_of(options), options.file
    push = MbusPush(keys) if framing == "M-Bus" else HdlcPush(keys)
    events = push.receive(raw)
    readings, reading, failed = PushedReadings(where), None, None
    for event in events:
        if isinstance(event, Pushed):
            reading = readings.reading_of(event, datetime.now(UTC), 0.0)
        elif failed is None or failed.trouble is PushTrouble.DAMAGED:
            failed = event
    if failed is not None and (
        reading is not None or failed.trouble not in {PushTrouble.NO_KEY, PushTrouble.WRONG_KEY}
    ):
        say(f"{where}: {push_error(failed, where).problem}")
    elif failed is not None:
        raise push_error(failed, where)
    return reading if reading is not None and reading.registers else None


def _other_protocol(capture: Capture) -> str | None:
    """Return the name of the protocol that the bytes are of, None where it is ours or not known."""
    other = protocol_in(capture.raw[:_SAMPLE])
    if capture.identifications:
        # A meter of mode E goes over to HDLC behind its identification; text can look like the others.
        return other if other == "HDLC" and any(one.offers_mode_e for one in capture.identifications) else None
    return other if other in {"SML", "HDLC", "M-Bus"} else None


def _nothing_proved(capture: Capture, where: str) -> MeterError:
    if capture.messages:
        reason = why_unproved(capture.messages[-1].telegram)
        hint = "read the meter again, or name its --dialect"
        return MeterError(f"no value is proved: {reason}", where=where, hint=hint)
    if capture.identifications:
        named = printable(capture.identifications[-1].raw)
        hint = "record until the meter is silent; data at another rate than the recording's cannot be read"
        return MeterError(f"the meter names itself {named}, and no telegram follows", where=where, hint=hint)
    if _ONLY_ASKED.fullmatch(strip_parity(capture.raw[:_SAMPLE])[0]):
        hint = "the meter did not answer; 'obis-gateway read PORT' says what can be done"
        return MeterError("there are only requests in this capture", where=where, hint=hint)
    hint = "a capture holds what the meter sent, as bytes or as hexadecimal digits"
    return MeterError("there is no telegram in this capture", where=where, hint=hint)


def _read(file: str) -> bytes:
    try:
        if file == "-":
            content = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with Path(file).open("rb") as opened:
                content = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"the file cannot be read: {error.strerror}", where=file) from error
    if len(content) > _MOST_BYTES:
        raise ConfigurationError("this is no capture: it is larger than 16 MB", where=file)
    return content
