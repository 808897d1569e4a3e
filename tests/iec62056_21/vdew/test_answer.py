"""Load profile answers taken apart: headers, rows, and what is neither."""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.iec62056_21.vdew.form import Column, Layout, ProfileForm
from obisgw.iec62056_21.vdew.parsers import profile_parser
from obisgw.iec62056_21.vdew.records import Damaged, Header, NoEntries, Record, Row
from obisgw.obis import ColumnKind
from tests.iec62056_21.vdew.forms import STANDARD, header, records, rows

TWO = "(2)(1.5)(kW)(1.8.0)(kWh)"
H = header("0230310001500", columns=TWO)


def kinds(found: list[Record]) -> list[str]:
    """The kind of each record."""
    return [type(one).__name__ for one in found]


def values(found: list[Record]) -> list[list[str | None]]:
    """The values of all rows, as text."""
    return [[None if value is None else str(value) for value in one.values] for one in found if isinstance(one, Row)]


def reasons(found: list[Record]) -> list[str]:
    """Why lines gave nothing."""
    return [one.reason for one in found if isinstance(one, Damaged)]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("(1)(1.5)(kW)", [("1-0:1.5.0*255", "kW", ColumnKind.AVERAGE)]),
        ("(1)(1.29)(kWh)", [("1-0:1.29.0*255", "kWh", ColumnKind.INCREMENT)]),
        ("(2)(1-1:1.29)(kWh)(1-2:1.29)(kWh)", [("1-1:1.29.0*255", "kWh", ColumnKind.INCREMENT), ("1-2:1.29.0*255", "kWh", ColumnKind.INCREMENT)]),
        ("(1)(1-0:1.8.0)(kWh)", [("1-0:1.8.0*255", "kWh", ColumnKind.TOTAL)]),
        ("(1)(1.6.1)(kW)", [("1-0:1.6.1*255", "kW", ColumnKind.EXTREME)]),
        ("(1)(3.5.0)(kVAr)", [("1-0:3.5.0*255", "kvar", ColumnKind.AVERAGE)]),
        ("(1)(12.5)(V)", [("1-0:12.5.0*255", "V", ColumnKind.AVERAGE)]),
        ("(1)(1.9)(kWh)", [("1-0:1.9.0*255", "kWh", ColumnKind.INCREMENT)]),
        ("(1)(1.5)(kWh)", [("1-0:1.5.0*255", "kWh", ColumnKind.INCREMENT)]),
        ("(1)(C.1.9)()", [("0-0:96.1.9*255", None, ColumnKind.TEXT)]),
        ("(1)(1:23.0.0)(m3)", [(None, "m³", ColumnKind.MOMENT)]),
        ("(1)(1.5)()", [("1-0:1.5.0*255", None, ColumnKind.AVERAGE)]),
    ],
)  # fmt: skip
def test_a_header_names_its_columns(columns: str, expected: list[tuple[str | None, str | None, ColumnKind]]) -> None:
    """Reduced and full codes, tariffs, channels, empty units."""
    (one,) = records(header("0230310001500", columns=columns))
    assert isinstance(one, Header)
    found = [(None if c.code is None else str(c.code), c.unit, c.kind) for c in one.channels]
    assert found == expected


@pytest.mark.parametrize(
    ("text", "minutes"), [("15", 15), ("015", 15), ("01", 1), ("60", 60), ("1440", 1440), ("", None)]
)
def test_a_header_has_a_period_in_minutes(text: str, minutes: int | None) -> None:
    """Some meters fill it up with zeros."""
    (one,) = records(header("0230310001500", period=text))
    assert isinstance(one, Header)
    assert one.period == minutes


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("P.01(0230310)(00)(15)(1)(1.5)(kW)", "'0230310' is no time"),
        ("P.01(0230310001500)(00)(15)", "a header has at least time, status, period and number of columns"),
        ("P.01(0230310001500)(00)(1X)(1)(1.5)(kW)", "'1X' is no period in minutes"),
        ("P.01(0230310001500)(00)(0)(1)(1.5)(kW)", "'0' is no period in minutes"),
        ("P.01(0230310001500)(00)(15)(0)", "'0' is no number of columns"),
        ("P.01(0230310001500)(00)(15)(2)(1.5)(kW)", "a header of 2 columns has 8 brackets, not 6"),
        ("P.01(0230310001500)(00)(15)(2)(1.5)(kW)(2.5)(kW)(0.1)", "a header of 2 columns has 8 brackets, not 9"),
        ("P.01(0230310001500)(00)(15)(1)(1.5)(kW", "brackets do not pair"),
        ("P.02(0230310001500)(00)(15)(1)(1.5)(kW)", "'P.02' was not asked for"),
    ],
)
def test_a_damaged_header_takes_its_rows_along(line: str, reason: str) -> None:
    """Without its time, no row has one."""
    found = records(f"{line}\r\n(0.1)\r\n{H}(1)(2)\r\n")
    assert reasons(found) == [reason, "values without a header"]
    assert values(found) == [["1", "2"]]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("(0.18374)(00123.450)", ["0.18374", "123.450"]),
        ("(000007,4)(5)", ["7.4", "5"]),
        ("( 1.5)(2 )", ["1.5", "2"]),
        ("(-1.5)(+2)", ["-1.5", "2"]),
        ("()(2)", [None, "2"]),
        ("(-----)(****)", [None, None]),
        ("(---.-)(2)", [None, "2"]),
        ("(0.5*kW)(7*kWh)", ["0.5", "7"]),
        ("(99999999999999999999.123456789)(1)", ["99999999999999999999.123456789", "1"]),
    ],
)
def test_cells_keep_their_digits(row: str, expected: list[str | None]) -> None:
    """Exact decimals; what is no digit is missing."""
    found = records(f"{H}{row}\r\n")
    assert values(found) == [expected]
    assert reasons(found) == []


@pytest.mark.parametrize("cell", ["032A.871", "1e5", "NaN", "1_000", "1.2.3", "0x10", "\u0661"])
def test_a_cell_that_is_no_number_is_named_and_no_value(cell: str) -> None:
    """The rest of its row stays."""
    found = records(f"{H}({cell})(2)\r\n".encode("latin-1", "replace").decode("latin-1"))
    assert values(found) == [[None, "2"]]
    assert len(reasons(found)) == 1
    assert "is no number" in reasons(found)[0]


def test_a_unit_in_the_row_is_that_of_the_column() -> None:
    """Where the header leaves it out, or says another one."""
    found = records(header("0230310001500", columns="(2)(1.5)()(2.5)(kW)") + "(1.5*kW)(300*W)\r\n")
    row = next(one for one in found if isinstance(one, Row))
    assert [channel.unit for channel in row.header.channels] == ["kW", "W"]
    assert [channel.kind for channel in row.header.channels] == [ColumnKind.AVERAGE] * 2


def test_a_text_column_keeps_its_text() -> None:
    """LEM EM4T stores C.1.9."""
    found = records(header("121015061841", "########", "5", "(2)(C.1.9)()(1.29.0)(kWh)") + "(A 7)(0.5)\r\n")
    row = next(one for one in found if isinstance(one, Row))
    assert row.values == ("A 7", Decimal("0.5"))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("(0.1)", "1 values where 2 belong"),
        ("(0.1)(0.2)(0.3)", "3 values where 2 belong"),
        ("(0.1)(0.2)(0.3)(0.4)", "4 values where 2 belong"),
        ("(0.1)(0.2", "brackets do not pair"),
        ("(0.1)0.2)", "brackets do not pair"),
        ("(0.1)x(0.2)", "text between brackets"),
        ("0.1 0.2", "brackets do not pair"),
        ("((0.1)(0.2)", "brackets do not pair"),
    ],
)
def test_a_damaged_row_is_kept_and_named(line: str, reason: str) -> None:
    """It never gives a value, and those around it keep their places."""
    found = records(f"{H}(1)(2)\r\n{line}\r\n(3)(4)\r\n")
    assert reasons(found)[0] == reason
    places = [one.place for one in found if isinstance(one, Row)]
    assert places == [0, 2]


def test_first_values_may_stand_behind_the_header() -> None:
    """EMH's description allows it."""
    found = records(H.rstrip() + "(1)(2)(3)(4)\r\n(5)(6)\r\n")
    assert values(found) == [["1", "2"], ["3", "4"], ["5", "6"]]
    assert [one.place for one in found if isinstance(one, Row)] == [0, 1, 2]


@pytest.mark.parametrize("answer", ["P.01(ERROR)", "P.01()", "P.01(ER08)", "1-0:99.1.0(ERROR)", "(ERROR)", "()"])
def test_nothing_stored_is_no_row(answer: str) -> None:
    """Makers say it in their own ways."""
    assert kinds(records(answer)) == ["NoEntries"]


def test_a_bare_header_has_no_rows() -> None:
    """It is nothing stored, too."""
    assert kinds(records(H)) == ["Header"]


def test_the_address_may_be_printed_in_full() -> None:
    """Asked for as P.01, answered as 1-0:99.1.0."""
    assert values(records(header("0230310001500", kz="1-0:99.1.0") + rows("1", "2"))) == [["1"], ["2"]]


ANSWER = (
    H + "(0.1)(1)\r\n(0.2)(2)\r\n" + header("0230310013000", "80", columns=TWO) + "(0.3)(3)\r\n(0.4)(4)\r\n!\r\n"
).encode()


def fed(pieces: list[bytes]) -> list[Record]:
    """What comes of an answer in pieces."""
    parser = profile_parser(ProfileForm(), STANDARD.code_of)
    return [record for piece in pieces for record in parser.feed(piece)] + parser.finish()


@given(st.lists(st.integers(1, len(ANSWER) - 1), max_size=6))
def test_blocks_may_split_a_row_anywhere(cuts: list[int]) -> None:
    """Partial blocks give what the whole answer gives."""
    bounds = [0, *sorted(set(cuts)), len(ANSWER)]
    assert fed([ANSWER[a:b] for a, b in pairwise(bounds)]) == fed([ANSWER])


def test_blocks_without_line_ends_are_rows_of_their_own() -> None:
    """Some meters leave CR LF out in front of EOT."""
    assert values(fed([H.encode() + b"(0.1)(1)", b"(0.2)(2)", b"(0.3)(3)\r\n"])) == [
        ["0.1", "1"],
        ["0.2", "2"],
        ["0.3", "3"],
    ]


@pytest.mark.parametrize("end", ["\r\n", "\r\r\n", "\n", "\r"])
def test_line_ends_are_read_as_they_come(end: str) -> None:
    """As in readouts."""
    assert values(records(ANSWER.decode().replace("\r\n", end))) == values(records(ANSWER.decode()))


def test_the_last_row_of_an_answer_that_broke_off_counts_for_nothing() -> None:
    """``(0.17)(0.00`` was ``(0.17)(0.00123)``, perhaps."""
    parser = profile_parser(ProfileForm(), STANDARD.code_of)
    whole = parser.feed(H.encode() + b"(0.1)(1)\r\n(0.2)(2)")
    assert values(whole + parser.finish(cut=True)) == [["0.1", "1"]]


NUMBERS = re.compile(r"[0-9]+(?:[.,][0-9]*)?")


@given(
    st.one_of(st.binary(max_size=300), st.text("P.01()\r\n0123456789.,*-kW!", max_size=300).map(str.encode)),
    st.integers(0, len(ANSWER)),
)
def test_any_bytes_give_records_and_never_a_value_that_is_not_on_the_line(noise: bytes, at: int) -> None:
    """Noise in front, behind, and in the middle of an answer."""
    text = ANSWER[:at] + noise + ANSWER[at:]
    line = text.decode("latin-1")
    for record in fed([text]):
        if isinstance(record, Row):
            assert len(record.values) == len(record.header.channels)
            for value in record.values:
                if isinstance(value, Decimal):
                    printed = f"{abs(value):f}"
                    assert printed in line.replace(",", ".") or printed.lstrip("0") in line.replace(",", ".")
        assert isinstance(record, Header | Row | Damaged | NoEntries)


@given(st.binary(max_size=60_000))
def test_a_line_without_end_costs_no_memory(noise: bytes) -> None:
    """It is named once it is longer than any line of a meter."""
    parser = profile_parser(ProfileForm(), STANDARD.code_of)
    for _ in range(3):
        parser.feed(noise.replace(b"\r", b"x").replace(b"\n", b"x"))
        assert len(parser._lines.rest) <= 16_384


ROWS = ProfileForm(layout=Layout.ROWS, row_status=True, period=15)


def test_rows_may_have_their_own_times() -> None:
    """As Turkish meters print them."""
    found = records(
        "P.01(24-07-13,13:00)(1.5)(2)(80)\r\n(24-07-13,13:15)(1.6)(3)(00)\r\nP.01(24-07-13)(1)(00)\r\n", ROWS
    )
    assert kinds(found) == ["Header", "Row", "Header", "Row", "Damaged"]
    assert values(found) == [["1.5", "2"], ["1.6", "3"]]
    (first, _) = [one for one in found if isinstance(one, Header)]
    assert first.status.names == ("power_failure",)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("P.01(24-07-13,13:00)(1.5)(80)", "1 values where 2 belong"),
        ("P.01(24-13-13,13:00)(1)(2)(00)", "'24-13-13,13:00' is no time"),
        ("P.02(24-07-13,13:00)(1)(2)(00)", "not what was asked for"),
        ("P.01(24-07-13,13:00)(1)(2", "brackets do not pair"),
    ],
)
def test_a_damaged_row_with_its_own_time_is_named(answer: str, reason: str) -> None:
    """Nothing of it is a value."""
    form = ProfileForm(layout=Layout.ROWS, row_status=True, columns=(Column("1.5", "kW"), Column("2.5", "kW")))
    found = records(answer, form)
    assert (values(found), reasons(found)) == ([], [reason])


DAYS = ProfileForm(
    layout=Layout.DAYS, profile="EADPE", columns=(Column("1-0:1.29.0*255", "kWh"), Column("1-0:1.29.1*255", "kWh"))
)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("EADPE(68.02)\r\n(45.29)\r\n", [["68.02", "45.29"]]),
        ("EADPE(68.02)(45.29)(0.00)(0.00)", [["68.02", "45.29"]]),
        ("EADPE(68.02)\r\nEADPE(45.29)\r\n", [["68.02", "45.29"]]),
        ("EADPE(68.02)", [["68.02"]]),
        ("EADPE(ERR18)", []),
        ("", []),
        ("ENDPE(1.0)", []),
    ],
)
def test_a_day_is_one_row(answer: str, expected: list[list[str]]) -> None:
    """Total and tariffs; more than the dialect names are passed over."""
    assert values(records(answer, DAYS)) == expected
