"""`obis-gateway read`: a meter, now."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from obisgw.config.values import MeterMode
from obisgw.errors import MeterError
from obisgw.iec62056_21.events import Received, Rejected
from obisgw.reader.explain import no_register
from obisgw.reader.memory import Memory
from obisgw.reader.reader import MeterReader
from obisgw.reader.shared_port import SharedPort
from obisgw.readings.document import reading_document
from obisgw.readings.registers import registers_of
from obisgw.readings.rehearsal import rehearsed
from obisgw.service.folder import state_folder

from .dialect_options import dialects_of
from .dlms_options import add_dlms, asks_dlms, dlms_meter, dlms_reader, listens_dlms
from .ending import run_signed_off
from .line_options import add_line, reader_settings
from .progress import Progress
from .show import show_document
from .terminal import out, say
from .values import whole

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncGenerator

    from obisgw.iec62056_21.dialects import Dialect
    from obisgw.iec62056_21.telegram import Telegram
    from obisgw.reader.dlms_push import DlmsListener
    from obisgw.readings.reading import Reading

PUSH_PATIENCE = 60.0
PUSH_HINT = 8.0
"""Seconds after which characters without a telegram are told of; meters push every few seconds."""

REHEARSE_AFTER = 0.05
"""Seconds: while the request is on the line, nobody else wants the processor."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_line(parser)
    add_dlms(parser, password=True)
    parser.add_argument("--json", action="store_true", help="print one JSON object a reading, each on its line")
    parser.add_argument("--explain", action="store_true", help="show each data set and what becomes of it")
    parser.add_argument(
        "--repeat", type=whole(1, 1_000_000_000), default=1, metavar="N", help="read so many times (%(default)s)"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(options: argparse.Namespace) -> int:
    """Read; raises MeterError or LineError (status 1) when that fails."""
    return run_signed_off(_read(options))


async def _read(options: argparse.Namespace) -> None:
    dialects, dialect = dialects_of(options)
    memory = Memory(state_folder(None, os.environ) / "line.json")
    port = SharedPort(options.port)
    progress = Progress(quiet=options.quiet or options.repeat > 1)
    reader = MeterReader(port, reader_settings(options, dialect), dialects, memory, on_event=progress.tell)
    if listens_dlms(options):
        try:
            await _read_pushed_dlms(reader, options)
        finally:
            await port.close()
        return
    if asks_dlms(options, passwords=False):
        try:
            await _read_dlms(reader, progress, options)
        finally:
            progress.end()
            await port.close()
        return
    count = 0
    asyncio.get_running_loop().call_later(REHEARSE_AFTER, _rehearse, dialect or dialects.match(None))
    try:
        listen = MeterMode(options.mode) is MeterMode.D
        telegrams = _pushed(reader, options.port) if listen else _asked(reader, progress, options.repeat)
        async with aclosing(telegrams):
            async for telegram in telegrams:
                # The meter may be of a dialect that is known only now.
                _show(telegram, dialect or dialects.match(telegram.identification), options)
                count += 1
                if count == options.repeat:
                    return
    finally:
        progress.end()
        await port.close()


async def _read_dlms(reader: MeterReader, progress: Progress, options: argparse.Namespace) -> None:
    from obisgw.reader.dlms_reader import DlmsReadout  # noqa: PLC0415 - only where it is asked for
    from obisgw.service.dlms_edge import reading_of  # noqa: PLC0415

    dlms = dlms_reader(reader, options)
    for _ in range(options.repeat):
        readout = await dlms.read()
        if not isinstance(readout, DlmsReadout):
            progress.done(readout.bytes, readout.seconds, readout.baudrate, len(readout.attempts))
            _show(readout.telegram, readout.dialect, options)
            continue
        progress.done(readout.bytes, readout.seconds, readout.baudrate, len(readout.attempts))
        reading = reading_of(readout, options.port, 0.0)
        if options.explain:
            say(f"{options.port}: DLMS has no data sets to explain; 'obis-gateway objects' shows what the meter says")
        _show_reading(reading, options)


async def _read_pushed_dlms(reader: MeterReader, options: argparse.Namespace) -> None:
    """Show what the meter pushes in DLMS. Raises MeterError when nothing good comes for a minute, at once for a wrong key."""
    from obisgw.config.values import Transport  # noqa: PLC0415
    from obisgw.dlms.push import Pushed, PushTrouble  # noqa: PLC0415 - only where it is asked for
    from obisgw.reader.dlms_push import DlmsListener, push_keys  # noqa: PLC0415
    from obisgw.readings.cosem_push import PushedReadings  # noqa: PLC0415
    from obisgw.service.dlms_push_edge import push_error  # noqa: PLC0415

    meter = dlms_meter(options)
    keys = push_keys(meter.encryption_key, meter.authentication_key)
    listener = DlmsListener(reader, meter.transport or Transport.HDLC, keys)
    readings = PushedReadings(options.port)
    say(f"{options.port}: waiting for what the meter sends")
    loop = asyncio.get_running_loop()
    spoilt: MeterError | None = None
    count = before = 0
    last = loop.time()
    early = loop.call_later(PUSH_HINT, _say_not_understood, listener)
    async with aclosing(listener.pushes()) as events:
        while count < options.repeat:
            try:
                async with asyncio.timeout_at(last + PUSH_PATIENCE):
                    heard = await anext(events)
            except TimeoutError:
                raise spoilt or listener.nothing_pushed(PUSH_PATIENCE, before) from None
            early.cancel()
            if not isinstance(heard.event, Pushed):
                spoilt = push_error(heard.event, options.port)
                if heard.event.trouble in {PushTrouble.NO_KEY, PushTrouble.WRONG_KEY}:
                    raise spoilt
                say(f"{options.port}: {spoilt.problem}")
                continue
            last, spoilt, before = loop.time(), None, listener.received
            count += 1
            reading = readings.reading_of(heard.event, datetime.now(UTC), heard.at - heard.started)
            _show_reading(reading, options)
            if not reading.registers:
                raise no_register(reading.unparsed, options.port)


def _say_not_understood(listener: DlmsListener) -> None:
    if listener.received:
        say(str(listener.nothing_pushed(PUSH_HINT)))


def _show_reading(reading: Reading, options: argparse.Namespace) -> None:
    document = reading_document(reading.telegram, reading.meter.medium, reading.registers, reading.unparsed)
    if options.json:
        out(json.dumps(document, ensure_ascii=False))
    else:
        show_document(document)


async def _asked(reader: MeterReader, progress: Progress, times: int) -> AsyncGenerator[Telegram, None]:
    for _ in range(times):
        async with progress.of(reader):
            readout = await reader.read()
        progress.done(readout.bytes, readout.seconds, readout.baudrate, len(readout.attempts))
        yield readout.telegram


async def _pushed(reader: MeterReader, where: str) -> AsyncGenerator[Telegram, None]:
    """Yield the proved telegrams that come. Raises MeterError when none comes for a minute."""
    say(f"{where}: waiting for what the meter sends")
    loop = asyncio.get_running_loop()
    damaged = before = 0
    last = loop.time()
    early = loop.call_later(PUSH_HINT, _say_unreadable, reader)
    async with aclosing(reader.pushes()) as events:
        while True:
            try:
                async with asyncio.timeout_at(last + PUSH_PATIENCE):
                    event = await anext(events)
            except TimeoutError:
                if not damaged:
                    raise reader.nothing_pushed(PUSH_PATIENCE, before) from None
                hint = "check the head's place, `baudrate` and `format`"
                problem = f"only {damaged} damaged telegrams have come for {PUSH_PATIENCE:.0f} s"
                raise MeterError(problem, where=where, hint=hint) from None
            early.cancel()
            match event:
                case Received():
                    last, damaged = loop.time(), 0
                    before = reader.listening.received if reader.listening is not None else 0
                    yield event.telegram
                case Rejected():
                    damaged += 1
                    say(f"{where}: a telegram came damaged ({event.failure.value})")


def _say_unreadable(reader: MeterReader) -> None:
    """Tell soon what a minute's silence would tell: nobody waits so long for a wrong speed."""
    if reader.listening is not None and reader.listening.received:
        say(str(reader.nothing_pushed(PUSH_HINT)))


def _rehearse(dialect: Dialect) -> None:
    """Do once what the reading will need, so that it does not wait for it."""
    reading = rehearsed(dialect)
    json.dumps(reading_document(reading.telegram, dialect.medium, reading.registers, reading.unparsed))


def _show(telegram: Telegram, dialect: Dialect, options: argparse.Namespace) -> None:
    registers, unparsed = registers_of(telegram, dialect)
    if options.explain:
        # Imported here: it brings the publisher's rules along.
        from .explain import explain  # noqa: PLC0415

        explain(telegram, dialect, registers, unparsed, None)
    elif options.json:
        out(json.dumps(reading_document(telegram, dialect.medium, registers, unparsed), ensure_ascii=False))
    else:
        show_document(reading_document(telegram, dialect.medium, registers, unparsed))
    if not registers:
        raise no_register(unparsed, options.port)
