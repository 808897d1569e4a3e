"""How the gateway and its meters are shown, by MQTT and by the API, and what may be asked of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .thresholds import Threshold


class Command(StrEnum):
    """What a receiver of our readings may ask for."""

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
    ``thresholds`` are watched at each reading, the configuration's before those of clients. ``port`` is where
    it is read; ``battery``: each read shortens its life; ``has_clock``: its readings tell the time of its clock.
    """

    interval: float | None = None
    slot: str | None = None
    name: str | None = None
    suggested_area: str | None = None
    on_request: bool = True
    thresholds: tuple[Threshold, ...] = ()
    port: str | None = None
    battery: bool = False
    has_clock: bool = False
