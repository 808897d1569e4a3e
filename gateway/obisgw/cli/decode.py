"""`obis-gateway decode`: what a captured telegram says, without a port."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from obisgw.errors import ConfigurationError, MeterError
from obisgw.iec62056_21.capture import telegrams_in
from obisgw.reader.explain import OTHERS, protocol_in
from obisgw.readings.document import capture_document, why_unproved
from obisgw.readings.registers import registers_of

from .dialect_options import add_dialects, dialects_of
from .show import show_document, show_unproved
from .terminal import out

if TYPE_CHECKING:
    import argparse

_MOST_BYTES = 16_000_000
_SAMPLE = 65_536


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "file", nargs="?", default="-", help="bytes, hexadecimal text or a recording of 'capture'; - is standard input"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--explain", action="store_true", help="show each data set and what becomes of it")
    add_dialects(parser)


def run(options: argparse.Namespace) -> int:
    """Decode; raises MeterError (status 1) when the capture proves nothing."""
    where = "standard input" if options.file == "-" else options.file
    dialects, dialect = dialects_of(options)
    capture = telegrams_in(_read(options.file), dialects, dialect)
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
    # Among any bytes there is sometimes a frame that proves nothing but itself.
    if any(message.telegram.proved and b"(" in message.telegram.block for message in capture.messages):
        return 0
    other = protocol_in(capture.raw[:_SAMPLE]) if not capture.identifications else None
    if other in {"SML", "HDLC", "M-Bus"}:
        raise MeterError("there is no telegram of IEC 62056-21 in this capture", where=where, hint=OTHERS[other])
    if not capture.messages:
        hint = "a capture holds what the meter sent, as bytes or as hexadecimal digits"
        raise MeterError("there is no telegram in this capture", where=where, hint=hint)
    reason = why_unproved(capture.messages[-1].telegram)
    raise MeterError(f"no value is proved: {reason}", where=where, hint="read the meter again, or name its --dialect")


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
