"""From data sets to registers: codes, exact digits, units, times, occurrences."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.iec62056_21.block_check import BlockCheck, BlockCheckKind
from obisgw.iec62056_21.capture import telegrams_in
from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.identification import Mode
from obisgw.iec62056_21.telegram import Telegram
from obisgw.readings.reading import Register
from obisgw.readings.registers import number_of, registers_of
from tests.corpus import TELEGRAMS, Case

DIALECTS = Dialects.load()


def telegram(block: str, mode: Mode = Mode.C) -> Telegram:
    """A proved telegram with that block."""
    data = block.encode("latin-1")
    return Telegram(None, mode, data, BlockCheck.OK, BlockCheckKind.XOR, 0, complete=True, raw=data)


def registers(block: str, dialect: str = "standard", request: str | None = None) -> list[Register]:
    """The registers of a block."""
    return list(registers_of(telegram(block), DIALECTS.named(dialect), request)[0])


def only(block: str, dialect: str = "standard") -> Register:
    """The one register of a block."""
    (register,) = registers(block, dialect)
    return register


@pytest.mark.parametrize("case", [case for case in TELEGRAMS if not case.refused], ids=str)
def test_registers_of_real_meters(case: Case) -> None:
    """Codes, occurrences and times as described."""
    found = [
        register
        for message in telegrams_in(case.raw, DIALECTS).messages
        for register in registers_of(message.telegram, message.dialect, message.request)[0]
        if register.address or not case.profile
    ]
    for register, entry in zip(found, case.expect, strict=True):
        assert (None if register.code is None else str(register.code)) == entry["obis"]
        assert register.occurrence == entry.get("occurrence", 1)
        if "time" in entry:
            assert (None if register.time is None else register.time.isoformat()) == entry["time"]
        if entry.get("separator"):
            assert entry["separator"] in register.address


@pytest.mark.parametrize("case", [case for case in TELEGRAMS if case.about.get("expect_error")], ids=str)
def test_an_error_answer_gives_no_register(case: Case) -> None:
    """It is told as such."""
    for message in telegrams_in(case.raw, DIALECTS).messages:
        found, unparsed = registers_of(message.telegram, message.dialect, message.request)
        assert found == ()
        assert [item.reason for item in unparsed] == ["error answer of the meter"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("000123.4", "123.4"),
        ("000123.400", "123.400"),
        ("-007.66", "-7.66"),
        ("+000.8", "0.8"),
        ("000007,4", "7.4"),
        ("   20000", "20000"),
        ("125.25688570", "125.25688570"),
        ("1" * 60, "1" * 60),
        ("0." + "1" * 60, "0." + "1" * 60),
        (".5", "0.5"),
        ("5.", "5"),
    ],
)
def test_numbers_keep_their_digits(text: str, number: str) -> None:
    """No float, no rounding, a decimal comma understood."""
    found = number_of(text)
    assert found is not None
    assert str(found) == str(Decimal(number))


@pytest.mark.parametrize(
    "text",
    ["", " ", "70D4EF6C", "1EMH0010134075", "032A.871", "1.2.3", "1,2,3", "12-34", "--5", "0x10", "1e5", "NaN", "٣"],
)
def test_the_whole_value_must_be_a_number(text: str) -> None:
    """Leading digits make none."""
    assert number_of(text) is None


@pytest.mark.parametrize(
    ("block", "number", "unit"),
    [
        ("1.8.0(000123.4*kWh)", "123.4", "kWh"),
        ("1.8.0(0000000 kWh)", "0", "kWh"),
        ("1.7.0(001.322kW)", "1.322", "kW"),
        ("0-1:24.2.1(101209112500W)(12785.123*m3)", "12785.123", "m³"),
        ("0-1:24.3.0(161107190000)(00)(60)(1)(0-1:24.2.1)(m3)\r\n(00001.001)", "1.001", "m³"),
        ("1.6.1(09.48*kW)(16-03-14,18:45)", "9.48", "kW"),
        ("1-0:1.6.0(231102114500W)(03.064*kW)", "3.064", "kW"),
        ("0-1:24.2.1(632525252525W)(12785.123*m3)", "12785.123", "m³"),
        ("1.8.0(1703100930)(1702102000)", "1703100930", None),
    ],
)
def test_the_value_stands_where_the_meter_put_it(block: str, number: str, unit: str | None) -> None:
    """Behind a time stamp, with the unit inside, or on the next line; the text stays as on the line."""
    register = only(block)
    assert str(register.number) == number
    assert register.description.unit == unit
    assert (register.value, register.unit) == (register.brackets[0].value, register.brackets[0].unit)


@pytest.mark.parametrize(
    ("block", "time"),
    [
        ("1.6.1(09.48*kW)(16-03-14,18:45)", "2016-03-14T18:45:00"),
        ("1-0:1.6.0(231102114500W)(03.064*kW)", "2023-11-02T11:45:00"),
        ("0-1:24.2.1(632525252525W)(12785.123*m3)", None),
        ("1.6.1(0.000*kW)(0000000000)", None),
        ("0.1.2*12(2211010000)", "2022-11-01T00:00:00"),
        ("0.0.0(2211010000)", None),
    ],
)
def test_times(block: str, time: str | None) -> None:
    """Of the value; none where it is impossible, never was, or a number only looks like one."""
    found = only(block).time
    assert (None if found is None else found.isoformat()) == time


def test_a_time_under_an_address_of_its_own() -> None:
    """ZPA prints it behind ``,5``; it belongs to the maximum in front."""
    maximum, stamp = registers("1.6.0(03.064*kW)\r\n1.6.0,5(202601130730)")
    assert maximum.time is not None
    assert maximum.time.isoformat() == "2026-01-13T07:30:00"
    assert (stamp.code, stamp.number, stamp.time) == (None, None, maximum.time)


@pytest.mark.parametrize(
    "block", ["F.F(00000000)", "96.5.0(00010104)", "C.90.2(70D4EF6C)", "0.0.0(1EMH0010134075)", "6.8(032A.871*GJ)"]
)
def test_flags_and_damaged_numbers_are_no_numbers(block: str) -> None:
    """The code decides what a value is, and a value that is no number gives none."""
    assert only(block, "landis-gyr-ultraheat" if block.startswith("6.8") else "standard").number is None


def test_a_unit_is_printed_once_for_a_family() -> None:
    """Elster AS3000 and Landis+Gyr E450 leave it out of billing periods."""
    current, frozen, other = registers("1.8.1(00002288.481*kWh)\r\n1.8.1*02(00002229.372)\r\n2.8.1*02(1.0)")
    assert (current.unit, current.unit_assumed) == ("kWh", False)
    assert (frozen.unit, frozen.unit_assumed, frozen.description.unit) == ("kWh", True, "kWh")
    assert (other.unit, other.unit_assumed) == (None, False)


def test_a_unit_is_assumed_only_where_the_meter_implies_it() -> None:
    """EMH's eHZ counts kilowatt-hours; no other meter is believed to."""
    assert (only("1-0:1.8.1*255(032942.0231)", "emh-ehz").unit, only("1-0:1.8.1*255(1.0)").unit) == ("kWh", None)


def test_an_empty_unit_is_none_of_the_family() -> None:
    """``*`` without unit says that there is none."""
    register = only("1.8.0(01392.5*)")
    assert (register.unit, register.unit_assumed) == ("", False)


def test_an_answer_without_address_belongs_to_the_request() -> None:
    """Only when it is the whole answer, and never where the meter names its answers."""
    assert [str(one.code) for one in registers("(0033402.264*kWh)", request="1.8.0")] == ["1-0:1.8.0*255"]
    assert [one.code for one in registers("(1)\r\n(2)", request="1.8.0")] == [None, None]
    assert [one.code for one in registers("(01)", "neva", request="0F0880FF")] == [None]


def test_the_same_address_is_counted() -> None:
    """In the order of the telegram."""
    assert [one.occurrence for one in registers("0.2.0(a)\r\n0.2.1(b)\r\n0.2.0(c)\r\n0.2.0(d)")] == [1, 1, 2, 3]


@pytest.mark.parametrize("word", ["ERROR", "ER02", "ERR11", "ER0005", "#0004"])
def test_only_an_answer_can_be_an_error(word: str) -> None:
    """In a readout the same text is a value."""
    assert registers(f"({word})") == []
    assert len(registers(f"C.5.0({word})\r\n!\r\n")) == 1
    assert len(registers_of(telegram(f"C.5.0({word})", Mode.D), DIALECTS.named("standard"))[0]) == 1


@given(st.binary(max_size=300))
def test_any_block_gives_values_that_were_on_the_line(block: bytes) -> None:
    """Never an exception, never another digit."""
    text = block.decode("latin-1")
    for register in registers(text):
        assert register.value in text
        if register.number is not None:
            assert any(number_of(item.value) == register.number for item in register.brackets)
