"""Several receivers of readings: each gets all, and none suffers from another."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from obisgw.readings.derive import Derived, EventKind, MeterEvent
from obisgw.readings.reading import Health
from obisgw.readings.shown import MeterOptions
from obisgw.service.publishers import Publishers
from tests.mqtt.samples import METER, NOON, reading

from .fakes import FakePublisher

if TYPE_CHECKING:
    import pytest

    from obisgw.readings.reading import Reading


class Broken(FakePublisher):
    """Fails at each reading."""

    def publish_reading(self, reading: Reading, derived: Derived, health: Health) -> None:  # noqa: ARG002
        raise ZeroDivisionError("ours")


def test_all_get_all_in_order_though_one_fails(caplog: pytest.LogCaptureFixture) -> None:
    """Its fault is logged whole, once."""
    broken, sound = Broken(), FakePublisher()
    publishers = Publishers(broken, sound)
    publishers.meter_added(METER, MeterOptions())
    for _ in range(3):
        publishers.publish_reading(reading(), Derived(), Health())
    publishers.publish_event(METER.id, MeterEvent(EventKind.READING_HELD_BACK, NOON))
    publishers.meter_available(METER.id, False, Health())  # noqa: FBT003
    publishers.slot_removed("home")
    publishers.meter_removed(METER.id)
    told = [("added", METER.id), ("reading_held_back", METER.id), ("silent", METER.id), ("slot removed", "home")]
    assert broken.told == [*told, ("removed", METER.id)]
    assert sound.told == [told[0], *[("reading", METER.id)] * 3, *told[1:], ("removed", METER.id)]
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
