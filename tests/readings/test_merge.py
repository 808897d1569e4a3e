"""A few fresh registers in the place of the old ones."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from obisgw.iec62056_21.block_check import BlockCheck, BlockCheckKind
from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.identification import Mode
from obisgw.iec62056_21.telegram import Telegram
from obisgw.readings.merge import merged
from obisgw.readings.registers import registers_of

if TYPE_CHECKING:
    from obisgw.readings.reading import Register

DIALECTS = Dialects.load()


def registers(text: str, dialect: str = "standard", request: str | None = None) -> tuple[Register, ...]:
    """The registers of a data block, lines set off by blanks."""
    block = text.replace(" ", "\r\n").encode()
    telegram = Telegram(None, Mode.C, block, BlockCheck.OK, BlockCheckKind.XOR, 0, complete=True, raw=block)
    return registers_of(telegram, DIALECTS.named(dialect), request)[0]


FULL = registers("F.F(00) 1-1:1.8.0(100.5*kWh) 16.7.0(1.250*kW) 32.7.0(230.1*V) 1.6.0(3.1*kW)(2601011200)")


@pytest.mark.parametrize(
    ("fresh", "request_", "place", "value", "unit"),
    [
        ("16.7.0(2.000*kW)", None, 2, "2.000", "kW"),
        ("(2.000*kW)", "16.7.0", 2, "2.000", "kW"),
        ("1-0:16.7.0*255(2.000*kW)", None, 2, "2.000", "kW"),
        ("16.7.0(2000*W)", None, 2, "2.000", "kW"),
        ("1.8.0(100.6*kWh)", None, 1, "100.6", "kWh"),
        ("32.7.0(231)", None, 3, "231", "V"),
    ],
)
def test_a_fresh_value_takes_its_register_s_place(
    fresh: str, request_: str | None, place: int, value: str, unit: str
) -> None:
    """By the code, also where the meter leaves medium and channel out; in the unit that the place has."""
    result = merged(FULL, registers(fresh, request=request_))
    assert len(result) == len(FULL)
    assert result[place].number == Decimal(value)
    assert (result[place].code, result[place].description.unit) == (FULL[place].code, unit)
    assert [one for at, one in enumerate(result) if at != place] == [one for at, one in enumerate(FULL) if at != place]


def test_a_register_that_the_full_reading_has_not_comes_behind_it() -> None:
    """Meters show more in programming mode than in their list."""
    result = merged(FULL, registers("14.7.0(50.01*Hz)"))
    assert result[:-1] == FULL
    assert str(result[-1].code) == "1-0:14.7.0*255"


def test_a_value_in_a_unit_that_measures_something_else_is_left_out() -> None:
    """Amperes are no kilowatts."""
    assert merged(FULL, registers("16.7.0(3.2*A)")) == FULL


def test_names_of_the_meter_s_own_are_found_by_their_text() -> None:
    """Energomera."""
    full = registers("ET0PE(1.0) POWEP(0.5)", "energomera")
    result = merged(full, registers("POWEP(0.7)", "energomera"))
    assert [one.value for one in result] == ["1.0", "0.7"]
