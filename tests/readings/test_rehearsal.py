"""What is done once before the first reading."""

from __future__ import annotations

from obisgw.iec62056_21.dialects import Dialects
from obisgw.mqtt.rehearsal import rehearse
from obisgw.readings.rehearsal import rehearsed


def test_the_rehearsal_is_a_whole_telegram_that_leaves_nothing_unparsed() -> None:
    """It goes through every stage as a meter's would, for every dialect."""
    dialects = Dialects.load()
    for name in dialects.names:
        reading = rehearsed(dialects.named(name))
        assert reading.telegram.proved
        assert not reading.unparsed
        assert len(reading.registers) > 40
        rehearse(reading)
