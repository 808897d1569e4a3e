"""The load profile of one meter on its line: read in pieces, in the time that readouts leave."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from obisgw.errors import RefusedError
from obisgw.iec62056_21.vdew.meter_time import MeterTime
from obisgw.iec62056_21.vdew.profile_reading import ProfileReading
from obisgw.reader.programming import Wish
from obisgw.reader.stored import StoredReader

from .zone import zone_of_machine

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import datetime

    from obisgw.iec62056_21.dialects import Dialect
    from obisgw.iec62056_21.password import Password
    from obisgw.iec62056_21.vdew.periods import Period
    from obisgw.reader.programming import Programming


class ProfileLine:
    """Reads the profile of one time after another. ``where`` names the meter in errors."""

    def __init__(self, programming: Programming, password: Password | None, where: str) -> None:
        self._programming = programming
        self._wish = Wish(password)
        self._where = where
        self._left: tuple[datetime, datetime, StoredReader[ProfileReading]] | None = None
        """What was not read to its end."""

    async def read(self, since: datetime, until: datetime) -> AsyncGenerator[list[Period], None]:
        """Yield the periods of each answer; what was left of the same time goes on.

        Raises ``RefusedError`` where the meter will not, ``MeterError`` and ``LineError`` when nothing more comes.
        """
        stored = self._stored(since, until)
        self._left = since, until, stored
        whole = False
        try:
            async with aclosing(stored.run()) as answers:
                async for reading in answers:
                    yield reading.periods()
            if stored.reading is not None:
                # What an answer brought that was cut off the last time.
                yield stored.reading.periods()
            whole = True
        except RefusedError:
            self._left = None
            raise
        finally:
            if whole:
                self._left = None
            elif stored.reading is not None:
                # The answer under way is lost as far as it was not proved; the next ones are shorter.
                stored.reading.broken()

    def _stored(self, since: datetime, until: datetime) -> StoredReader[ProfileReading]:
        if self._left is not None and self._left[:2] == (since, until):
            return self._left[2]

        def make(dialect: Dialect) -> ProfileReading:
            if dialect.battery:
                hint = "what its profile keeps is read by 'obis-gateway profile'"
                raise RefusedError("this meter lives on a battery", where=self._where, hint=hint)
            time = MeterTime(zone_of_machine(), dialect.stored.time_base)
            return ProfileReading(since, until, dialect.stored, time, dialect.code_of)

        return StoredReader(self._programming, self._wish, make)
