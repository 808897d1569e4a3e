"""`obis-gateway write`: change a meter, after its owner has seen what will be changed and has said so.

The only place in the program that can: nothing that runs by itself, and nothing that the API or the broker reaches.
"""

from __future__ import annotations

import os
import sys
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from obisgw.config.values import MeterMode
from obisgw.errors import ConfigurationError, MeterError, RefusedError
from obisgw.iec62056_21.events import AnswerReceived, Event, Failed
from obisgw.iec62056_21.writing import (
    Change,
    Changed,
    ChangeRefused,
    ChangeUnconfirmed,
    WritingSession,
    clock_changes,
    parse_change,
    refused_for_good,
)
from obisgw.permission import WritePermission
from obisgw.reader.memory import Memory
from obisgw.reader.programming import Programming, Wish
from obisgw.reader.reader import MeterReader
from obisgw.reader.shared_port import SharedPort
from obisgw.service.folder import state_folder
from obisgw.service.line_edge import password_of, reader_settings_of
from obisgw.service.run import read_configuration

from .ending import run_signed_off
from .show import printable
from .terminal import out, say

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator

    from obisgw.config.table import MeterSettings, Settings
    from obisgw.iec62056_21.dialects import Dialect, Dialects
    from obisgw.iec62056_21.identification import Identification
    from obisgw.iec62056_21.opening import Access
    from obisgw.iec62056_21.plan import LinePlan
    from obisgw.iec62056_21.settings import SessionSettings

_FORM = "write it as 'W5 0.9.1(123000)': W1, W2, W5 or E2, the address, the value in brackets"
_LONGEST = 65536


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--config", type=Path, default=Path("obis-gateway.yaml"), metavar="FILE", help="the configuration (%(default)s)"
    )
    parser.add_argument("meter", help="its name in the configuration; it must have 'allow_write: true'")
    parser.add_argument("changes", nargs="*", metavar="CHANGE", help="as 'W5 0.9.1(123000)'")
    parser.add_argument(
        "--from", dest="file", type=Path, metavar="FILE", help="a file with one change a line, for what is secret"
    )
    parser.add_argument("--clock", action="store_true", help="set the meter's clock to this machine's time")


def run(options: argparse.Namespace) -> int:
    """Show, ask, write. Raises what a session raises; nothing is written without the owner's word."""
    settings, dialects, _ = read_configuration(options.config, os.environ)
    meter = _meter(settings, options)
    changes = _changes(options)
    if not changes and not options.clock:
        raise ConfigurationError("nothing is to be written", where=meter.entry, hint=f"{_FORM}, or give --clock")
    if not sys.stdin.isatty():
        raise ConfigurationError(
            "nobody can be asked", where=meter.entry, hint="run it at a terminal: a person must see and say yes"
        )
    writer = _Writer(meter, settings, dialects, changes, clock=options.clock)
    if status := run_signed_off(writer.look()):
        return status
    if not writer.confirmed():
        say("nothing was written")
        return 1
    if status := run_signed_off(writer.write()):
        return status
    return writer.report()


def _meter(settings: Settings, options: argparse.Namespace) -> MeterSettings:
    named = [meter for meter in settings.meters if meter.entry.casefold() == options.meter.casefold()]
    if not named:
        names = ", ".join(meter.entry for meter in settings.meters)
        raise ConfigurationError(
            f"no meter is called '{options.meter}'", where=str(options.config), hint=f"known: {names}"
        )
    (meter,) = named
    if not meter.allow_write:
        raise ConfigurationError(
            "this meter may not be written to",
            where=meter.entry,
            hint=f"its owner can set 'allow_write: true' for it in {options.config}",
        )
    if meter.mode is MeterMode.D:
        raise ConfigurationError("a meter that sends unasked hears nothing", where=meter.entry, hint="see 'mode'")
    return meter


def _changes(options: argparse.Namespace) -> tuple[Change, ...]:
    texts = list(options.changes)
    if options.file is not None:
        try:
            with options.file.open(encoding="latin-1") as file:
                texts += [line for line in file.read(_LONGEST).splitlines() if line.strip()]
        except OSError as error:
            raise ConfigurationError(f"cannot be read: {error.strerror}", where=f"--from {options.file}") from error
    changes = []
    for number, text in enumerate(texts, 1):
        if (change := parse_change(text)) is None:
            # Not shown: it may be a line of the file, and that secret.
            raise ConfigurationError(f"change {number} is none", hint=_FORM)
        changes.append(change)
    return tuple(changes)


class _Writer:
    """One meter, looked at and then written to."""

    def __init__(
        self, meter: MeterSettings, settings: Settings, dialects: Dialects, changes: tuple[Change, ...], *, clock: bool
    ) -> None:
        self._meter = meter
        self._dialects = dialects
        self._given = changes
        self._clock = clock
        self._wish = Wish(password_of(meter))
        self._memory = Memory(state_folder(settings.gateway.state_dir, os.environ) / "line.json")
        self._present: dict[str, str] = {}
        self._identification: Identification | None = None
        self._dialect: Dialect | None = None
        self._session: WritingSession | None = None
        self._ending: Event | None = None

    async def look(self) -> None:
        """Find out which meter answers, and what is there now. Raises RefusedError for what is never written."""
        async with self._programming() as programming, programming.open(self._wish) as talk:
            self._identification, self._dialect = talk.identification, talk.dialect
            for change in self._changes(talk.dialect):
                if (why := refused_for_good(change, talk.dialect)) is not None:
                    raise RefusedError(
                        f"{change.command} {change.address} is never written: {why}",
                        where=self._meter.entry,
                        hint="nothing was written",
                    )
            for address in dict.fromkeys(change.address for change in self._changes(talk.dialect)):
                outcome = await talk.ask(talk.dialect.request_for(address))
                if isinstance(outcome, AnswerReceived):
                    text = outcome.telegram.block.decode("latin-1")
                    self._present[address] = text.partition("(")[2].rpartition(")")[0]

    def confirmed(self) -> bool:
        """Show what will be written, and return whether the owner says so."""
        meter, dialect = self._meter, self._dialect or self._dialects.match(None)
        named = "without a name" if self._identification is None else printable(self._identification.raw)
        say(f"{meter.entry} at {meter.port}: the meter names itself {named}")
        for change in self._changes(dialect):
            now = self._present.get(change.address)
            say(f"  {change}    now: {'unknown' if now is None else printable(now)}")
        if self._clock:
            say("  (the time is taken when it is written)")
        say("A wrong value can make a meter useless; a meter that is not yours must not be changed.")
        say(f"To write this, type the meter's name ({meter.entry}):")
        return sys.stdin.readline().strip() == meter.entry

    async def write(self) -> None:
        """Write what was confirmed, once."""
        changes = self._changes(self._dialect or self._dialects.match(None))
        permission = WritePermission(self._meter.entry, changes)

        def make(settings: SessionSettings, plan: LinePlan, dialects: Dialects, access: Access) -> WritingSession:
            return WritingSession(settings, plan, dialects, access, changes, permission)

        async with self._programming() as programming, programming.hold(self._wish, make) as (session, events):
            self._session = session
            async for event in events:
                self._ending = event

    def report(self) -> int:
        """Say what became of each change; raises RefusedError or MeterError for the one that was not made."""
        where = self._meter.entry
        for outcome in () if self._session is None else self._session.outcomes:
            match outcome:
                case Changed(change):
                    out(f"{where}: {change} was written")
                case ChangeRefused(change, refusal):
                    raise RefusedError(
                        f"{change} was not written: {refusal}", where=where, hint="what stands behind it was not tried"
                    )
                case ChangeUnconfirmed(change, detail):
                    raise MeterError(
                        f"nobody knows whether {change} was written: {detail}",
                        where=where,
                        hint="read the register, and write again only if it is not there",
                    )
        if isinstance(self._ending, Failed):
            raise MeterError(f"the session ended early: {self._ending.detail}", where=where, hint="see above")
        return 0

    def _changes(self, dialect: Dialect) -> tuple[Change, ...]:
        """Return what is to be written; the time of the clock is the present one."""
        if not self._clock:
            return self._given
        return (*self._given, *clock_changes(dialect, self._identification, datetime.now().astimezone()))

    @asynccontextmanager
    async def _programming(self) -> AsyncIterator[Programming]:
        port = SharedPort(self._meter.port)
        try:
            reader = MeterReader(port, reader_settings_of(self._meter, self._dialects), self._dialects, self._memory)
            yield Programming(reader)
        finally:
            await port.close()
