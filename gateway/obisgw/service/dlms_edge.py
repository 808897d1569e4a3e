"""The service's meters that speak DLMS: outcomes made of what their objects tell."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from obisgw.config.values import MeterMode, Protection, SecurityLevel, Transport
from obisgw.errors import MeterError, ObisGatewayError
from obisgw.reader.counters import Counters
from obisgw.reader.dlms_reader import DlmsReader, DlmsReadout
from obisgw.reader.dlms_settings import OWN_TITLE, PUBLIC_CLIENT, DlmsSettings
from obisgw.reader.object_memory import ObjectMemory
from obisgw.readings.cosem import cosem_identity, cosem_registers, cosem_telegram, without_value
from obisgw.readings.reading import Reading

from .edges import Miss, Success, Trouble
from .line_edge import LineMeter, held_back_by, trouble_of

if TYPE_CHECKING:
    from pathlib import Path

    from obisgw.config.table import MeterSettings
    from obisgw.iec62056_21.dialects import Dialects
    from obisgw.reader.memory import Memory
    from obisgw.reader.shared_port import SharedPort

    from .line_edge import LineEdges

MANAGEMENT_CLIENT = 1
_WRAPPER_PORT = ":4059"


@dataclass(frozen=True, slots=True)
class DlmsKept:
    """What all DLMS meters keep over restarts."""

    counters: Counters
    objects: ObjectMemory

    @classmethod
    def of(cls, folder: Path | None) -> DlmsKept:
        """Return what is kept in the state folder."""
        if folder is None:
            return cls(Counters(None), ObjectMemory(None))
        return cls(Counters(folder / "counters.json"), ObjectMemory(folder / "objects.json"))


class DlmsMeter(LineMeter):
    """One configured meter that is asked in DLMS, and read in the ASCII modes where it does not speak it."""

    def __init__(
        self,
        settings: MeterSettings,
        port: SharedPort,
        dialects: Dialects,
        memory: Memory,
        edges: LineEdges,
        kept: DlmsKept,
    ) -> None:
        super().__init__(settings, port, dialects, memory, edges)
        self._name = settings.entry
        self._dlms = DlmsReader(self._reader, dlms_settings_of(settings), kept.counters, kept.objects)

    async def read(self) -> Success | Miss:
        """Read the meter once."""
        try:
            readout = await self._dlms.read()
        except ObisGatewayError as error:
            trouble = trouble_of((*self._dlms.attempts, *self._reader.attempts), self._reader.rejected)
            return Miss(error, trouble, held_back_by(self._reader.rejected))
        if not isinstance(readout, DlmsReadout):
            return await self._outcome(readout)
        await self._edges.turn()
        reading = reading_of(readout, self._name, asyncio.get_running_loop().time() - readout.at)
        trouble = trouble_of(readout.attempts, ()) + Trouble(block_check_errors=readout.damaged)
        if not reading.registers:
            hint = "another 'client' may be allowed to see more; 'obis-gateway objects' shows what this one sees"
            return Miss(MeterError("the meter shows no register", where=self._where, hint=hint), trouble)
        return Success(reading, baudrate=readout.baudrate, trouble=trouble)


def reading_of(readout: DlmsReadout, name: str, ago: float) -> Reading:
    """Return the reading. ``ago``: seconds since its last answer."""
    values = [(one.wanted, one.value, one.captured) for one in readout.values]
    registers = cosem_registers(values, readout.units)
    at = datetime.now(UTC) - timedelta(seconds=ago)
    telegram = cosem_telegram(readout.identification, registers)
    identity = cosem_identity(readout.identification, registers, name)
    return Reading(identity, at, readout.seconds, registers, without_value(values, readout.units), telegram)


def dlms_settings_of(settings: MeterSettings) -> DlmsSettings:
    """Return how a configured meter is asked in DLMS; what is left open follows from what is given."""
    keys = settings.encryption_key is not None
    level = settings.security or (SecurityLevel.LOW if settings.password is not None else SecurityLevel.LOWEST)
    secured = keys or level is not SecurityLevel.LOWEST
    wrapped = settings.port.startswith("socket://") and settings.port.endswith(_WRAPPER_PORT)
    logical, physical, octets = (*settings.server.split("/"), "", "")[:3]
    return DlmsSettings(
        transport=settings.transport or (Transport.TCP if wrapped else Transport.OPTICAL),
        client=settings.client or (MANAGEMENT_CLIENT if secured else PUBLIC_CLIENT),
        logical=int(logical),
        physical=int(physical) if physical else None,
        address_octets=int(octets) if octets else None,
        level=level,
        secret=settings.password,
        encryption_key=settings.encryption_key,
        authentication_key=settings.authentication_key,
        protection=settings.protection or (Protection.BOTH if keys else Protection.NONE),
        key_use=settings.key_use,
        title=bytes.fromhex(settings.system_title) if settings.system_title else OWN_TITLE,
        short_names=settings.short_names,
        insist=settings.mode is MeterMode.E,
    )
