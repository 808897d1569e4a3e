"""What the publisher is told of the gateway and its meters, and what it may be asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Command(StrEnum):
    """What a receiver of our topics may ask for."""

    READ_NOW = "read_now"


@dataclass(frozen=True, slots=True)
class GatewayInfo:
    """This gateway. ``id`` is of ``[a-z0-9_]+`` and its own among all gateways at one broker."""

    id: str = "gateway"
    name: str = "OBIS Gateway"
    version: str = "0"


@dataclass(frozen=True, slots=True)
class MeterOptions:
    """How a meter is shown.

    ``interval`` is the time between readings in seconds, None where the meter decides by itself (mode D): its entities
    then never expire. ``slot`` names the place of the meter in the configuration: another meter in the same slot
    replaces it. ``on_request``: the meter can be read when asked, as a push meter can not. ``name`` is the device's name, made of medium and number if it is None.
    """

    interval: float | None = None
    slot: str | None = None
    name: str | None = None
    suggested_area: str | None = None
    on_request: bool = True
