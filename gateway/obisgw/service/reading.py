"""From a proved telegram to the reading of a meter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from obisgw.readings.identity import identity_of
from obisgw.readings.reading import MeterIdentity, Reading
from obisgw.readings.registers import registers_of

from .clock import steady_time

if TYPE_CHECKING:
    from obisgw.iec62056_21.dialects import Dialect
    from obisgw.iec62056_21.telegram import Telegram, Unparsed
    from obisgw.readings.reading import Register


class Interpreter:
    """Takes telegrams of one configured meter apart, each once: the reader asks for the number, then all is wanted."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._latest: tuple[Telegram, tuple[Register, ...], tuple[Unparsed, ...], MeterIdentity] | None = None

    def number_of(self, telegram: Telegram, dialect: Dialect) -> str | None:
        """Return the meter's number, None where the telegram does not tell it."""
        return self._interpreted(telegram, dialect)[3].number

    def reading_of(self, telegram: Telegram, dialect: Dialect, duration: float, ago: float) -> Reading:
        """Return the reading. ``duration`` of the readout and ``ago``, the time since its last byte, in seconds."""
        _, registers, unparsed, identity = self._interpreted(telegram, dialect)
        self._latest = None
        at, steady = datetime.now(UTC) - timedelta(seconds=ago), steady_time() - ago
        return Reading(identity, at, duration, registers, unparsed, telegram, steady)

    def _interpreted(
        self, telegram: Telegram, dialect: Dialect
    ) -> tuple[Telegram, tuple[Register, ...], tuple[Unparsed, ...], MeterIdentity]:
        if self._latest is None or self._latest[0] is not telegram:
            registers, unparsed = registers_of(telegram, dialect)
            identity = identity_of(telegram.identification, registers, dialect, self._name)
            self._latest = telegram, registers, unparsed, identity
        return self._latest
