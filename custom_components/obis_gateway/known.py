"""What a gateway has told of its meters, each thing once and in order. Knows nothing of Home Assistant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .models import (
    Availability,
    Change,
    Gateway,
    GatewayResponseError,
    Meter,
    MeterChanged,
    MeterEvent,
    MeterRemoved,
    NewReading,
    Snapshot,
    Unknown,
)


@dataclass(slots=True)
class Known:
    """The meters as of message ``sequence`` of ``stream``.

    ``heard`` is the newest message that was taken. It lies behind ``sequence`` when the meters were asked for meanwhile:
    what comes then is old, but for the events among it.
    """

    meters: Mapping[str, Meter] = field(default_factory=dict)
    stream: str | None = None
    sequence: int = 0
    heard: int = 0
    _whole: bool = True

    def look(self, gateway: Gateway, before: int) -> None:
        """Begin anew where the gateway, asked when ``before`` was the newest message, has not come so far in its run.

        Its machine was set back to an earlier state: what it tells from now on would be taken for old.
        """
        if gateway.stream is not None and gateway.stream == self.stream and gateway.sequence < before:
            self.stream, self.sequence, self.heard = None, 0, 0

    def welcome(self, gateway: Gateway) -> None:
        """Begin to listen: to another run of the gateway only from its snapshot on."""
        self._whole = gateway.stream == self.stream

    def snapshot(self, snapshot: Snapshot, *, told: bool) -> bool:
        """Take all meters, ``told`` by the stream or asked for; False where newer is known already."""
        same = snapshot.stream == self.stream
        if told or not same:
            self.heard = snapshot.sequence
        self._whole = self._whole or told
        if same and snapshot.sequence < self.sequence:
            return False
        self.meters, self.stream, self.sequence = snapshot.meters, snapshot.stream, snapshot.sequence
        return True

    def change(self, change: Change) -> Change | None:
        """Take a message, and return it where it is news. Raises GatewayResponseError where others were left out."""
        if not self._whole:
            raise GatewayResponseError("the gateway was started anew and did not send all its meters first")
        if change.sequence <= self.heard:
            return None
        if change.sequence > self.heard + 1:
            raise GatewayResponseError(f"messages {self.heard + 1} to {change.sequence - 1} are missing")
        self.heard = change.sequence
        if change.sequence <= self.sequence:
            return change if isinstance(change, MeterEvent | MeterRemoved) else None
        self.sequence = change.sequence
        match change:
            case NewReading(meter=meter_id) | Availability(meter=meter_id):
                if (meter := self.meters.get(meter_id)) is None:
                    return None
                self._put(_renewed(meter, change))
            case MeterChanged(meter=meter):
                self._put(meter)
            case MeterRemoved(meter=meter_id):
                self.meters = {key: meter for key, meter in self.meters.items() if key != meter_id}
            case MeterEvent() | Unknown():
                pass
        return change

    def _put(self, meter: Meter) -> None:
        self.meters = {**self.meters, meter.id: meter}


def _renewed(meter: Meter, change: NewReading | Availability) -> Meter:
    if isinstance(change, NewReading):
        return replace(meter, reading=change.reading, health=change.health, available=True, problem=None)
    return replace(meter, health=change.health, available=change.available, problem=change.problem)
