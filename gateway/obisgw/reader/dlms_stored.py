"""Reading what a DLMS meter has stored: slice by slice, over as many associations as the line needs."""

from __future__ import annotations

import asyncio
import logging
import re
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final

from obisgw.dlms.classes import ClassId
from obisgw.dlms.errors import DecodeError
from obisgw.dlms.objects import MeterObject
from obisgw.dlms.profile import BUFFER, CAPTURE_OBJECTS, CAPTURE_PERIOD, Profile, Row, by_range, columns_of
from obisgw.dlms.readout import units_of, units_wanted
from obisgw.dlms.services import access_result
from obisgw.errors import MeterError, PortLostError, RefusedError

from .dlms_reader import GaveReadout
from .dlms_talk import LostError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from .dlms_reader import DlmsReader
    from .dlms_talk import DlmsTalk

_log = logging.getLogger(__name__)

_SLICE: Final = timedelta(days=7)
_MOST_BREAKS: Final = 6
_WAITS: Final = (1.0, 2.0, 4.0, 8.0, 15.0)
LOAD: Final = (99, 1)
EVENTS: Final = (99, 98)


class DlmsStored:
    """Reads one profile. ``code`` names it by its OBIS code, in full or in part; None takes the first of ``kind``.

    ``cursor``: up to then everything has come. ``profile`` and ``object`` are None until the meter has told them.
    """

    def __init__(
        self,
        reader: DlmsReader,
        code: str | None,
        kind: tuple[int, int],
        since: datetime,
        until: datetime,
        zone: tzinfo,
        *,
        slice_: timedelta = _SLICE,
        on_trouble: Callable[[str], object] | None = None,
    ) -> None:
        self.since, self.until, self.cursor = since, until, since
        self.profile: Profile | None = None
        self.object: MeterObject | None = None
        self.broken = 0
        self._reader = reader
        self._code = code
        self._kind = kind
        self._zone = zone
        self._slice_length = slice_
        self._whole = False
        """The meter gives no part of its buffer."""
        self._on_trouble = on_trouble
        self._where = reader.reader.settings.where

    async def run(self) -> AsyncGenerator[list[Row], None]:
        """Yield the rows of each slice, until all is read.

        Raises ``RefusedError`` where the meter will not, ``MeterError`` or ``LineError`` when nothing more comes.
        """
        fruitless = 0
        while self.cursor < self.until:
            try:
                async with self._reader.open() as talk:
                    await self._find(talk)
                    while self.cursor < self.until:
                        rows = await self._slice(talk)
                        fruitless = 0
                        yield rows
            except GaveReadout:
                raise RefusedError(
                    "the meter does not speak DLMS", where=self._where, hint="leave out '--mode E' and what is for DLMS"
                ) from None
            except (LostError, PortLostError) as error:
                self.broken += 1
                fruitless += 1
                if fruitless >= _MOST_BREAKS:
                    raise
                if self._on_trouble is not None:
                    self._on_trouble(f"{error.problem}; going on from {self.cursor:%Y-%m-%d %H:%M} UTC")
                if isinstance(error, PortLostError):
                    await self._reader.reader.present()
                await asyncio.sleep(_WAITS[min(fruitless, len(_WAITS) - 1)])

    async def _find(self, talk: DlmsTalk) -> None:
        """Learn the profile's form."""
        if self.profile is not None:
            return
        objects, units = await self._reader.described(talk)
        found = self._chosen(objects)
        columns, period = await talk.get([found.attribute(CAPTURE_OBJECTS), found.attribute(CAPTURE_PERIOD)])
        if columns.data is None:
            raise RefusedError(
                f"the meter does not say what {found.obis} holds ({access_result(columns.error or 0)})",
                where=self._where,
                hint="another --client may be allowed to read it",
            )
        try:
            captured = columns_of(columns.data)
            seconds = 0 if period.data is None else period.data.number
        except (DecodeError, IndexError, TypeError) as error:
            raise self._senseless(found, error) from error
        missing = [
            one
            for one in units_wanted([_as_object(column.class_id, column.name) for column in captured])
            if one.name not in units
        ]
        if missing:
            # Of registers that are captured and not shown.
            units = units | units_of(missing, await talk.get(missing))
        self.object, self.profile = found, Profile(captured, seconds, units, self._zone)

    def _chosen(self, objects: Sequence[MeterObject]) -> MeterObject:
        profiles = [one for one in objects if one.class_id == ClassId.PROFILE_GENERIC]
        if self._code is None:
            wanted = [one for one in profiles if (one.name[2], one.name[3]) == self._kind]
        else:
            wanted = [one for one in profiles if _is_named(one.name, self._code)]
        if wanted:
            return min(wanted, key=lambda one: (one.name[0] != 1, one.name[1:]))
        known = ", ".join(one.obis for one in profiles) or "none"
        what = f"no profile {self._code}" if self._code else "no such profile"
        raise RefusedError(f"the meter shows {what}", where=self._where, hint=f"it shows these: {known}")

    async def _slice(self, talk: DlmsTalk) -> list[Row]:
        found, profile = self.object, self.profile
        if found is None or profile is None:
            raise AssertionError("the profile is looked for first")
        end = self.until if self._whole else min(self.cursor + self._slice_length, self.until)
        start = self.cursor.astimezone(self._zone)
        wanted = found.attribute(BUFFER) if self._whole else by_range(found.name, start, end.astimezone(self._zone))
        (result,) = await talk.get([wanted])
        if result.data is None and not self._whole:
            _log.debug("%s: no part of the buffer is given: %s", self._where, access_result(result.error or 0))
            self._whole = True
            return []
        if result.data is None:
            raise RefusedError(
                f"the meter does not give {found.obis} ({access_result(result.error or 0)})",
                where=self._where,
                hint="another --client may be allowed to read it",
            )
        try:
            rows = list(profile.rows(result.data))
        except (DecodeError, IndexError, TypeError) as error:
            raise self._senseless(found, error) from error
        self.cursor = end
        return rows

    def _senseless(self, found: MeterObject, error: Exception) -> MeterError:
        return MeterError(
            f"{found.obis} cannot be understood: {error}", where=self._where, hint="please report maker and type"
        )


def _as_object(class_id: int, name: bytes) -> MeterObject:
    return MeterObject(class_id, 0, name, frozenset(range(2, 9)))


def _is_named(name: bytes, code: str) -> bool:
    """Whether a code such as ``1-0:99.1.0`` or ``99.1.0`` names an object; ``P.01`` and ``P.98`` are known as well."""
    if match := re.fullmatch(r"P\.([0-9]{1,2})", code, re.IGNORECASE):
        return name[2] == 99 and name[3] == int(match[1])
    if (
        match := re.fullmatch(r"(?:([0-9]+)-([0-9]+):)?([0-9]+)\.([0-9]+)(?:\.([0-9]+))?(?:\*([0-9]+))?", code)
    ) is None:
        return False
    return all(group is None or int(group) == octet for group, octet in zip(match.groups(), name, strict=True))
