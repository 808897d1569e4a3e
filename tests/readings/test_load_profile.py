"""Periods as amounts, rows and documents."""

from __future__ import annotations

from decimal import Decimal

import pytest

from obisgw.readings.load_profile import column_names, csv_row, note_document, period_document, quantities
from tests.iec62056_21.vdew.forms import assembler, header, periods, records, rows

MIXED = "(5)(1.5)(kW)(1.29)(kWh)(1.8)(kWh)(12.5)(V)(C.1.9)()"


@pytest.mark.parametrize(
    ("printed", "minutes", "energy"),
    [
        ("0.18374", "15", "0.045935"),
        ("0.00063", "15", "0.0001575"),
        ("1.000", "60", "1.000"),
        ("1.000", "30", "0.500"),
        ("0.3", "5", "0.025"),
        ("1", "1", "0.016667"),  # without an end: six decimals more than printed
        ("0", "15", "0"),
        ("0.000", "15", "0.000"),
        ("-4.0", "15", "-1.0"),
    ],
)
def test_a_mean_power_times_its_period_is_an_energy(printed: str, minutes: str, energy: str) -> None:
    """Exactly, where the number has an end."""
    (period,) = periods(header("0230310120000", period=minutes, columns="(1)(1.5)(kW)") + rows(printed))
    (quantity,) = quantities(period)
    assert str(quantity.amount) == energy
    assert quantity.amount_unit == "kWh"
    assert quantity.value == Decimal(printed)


def test_energies_counters_and_others_stay_what_they_are() -> None:
    """Only powers are multiplied by time."""
    (period,) = periods(header("0230310120000", columns=MIXED) + "(2.0)(0.5)(0123.4)(230.1)(A7)\r\n")
    found = [(str(one.amount), one.amount_unit) for one in quantities(period)]
    assert found == [("0.5", "kWh"), ("0.5", "kWh"), ("123.4", "kWh"), ("230.1", "V"), ("A7", None)]


def test_a_row_of_a_table() -> None:
    """Times in UTC, flags joined, missing values empty; as printed where that is wanted."""
    (period,) = periods(header("0230310120000", "A4", columns=MIXED) + "(2.00)()(1)(230)(A7)\r\n")
    head = ["2023-03-10T10:45:00Z", "2023-03-10T11:00:00Z", "disturbed|clock_set|power_failure"]
    assert csv_row(period, printed=False) == [*head, "0.50", "", "1", "230", "A7"]
    assert csv_row(period, printed=True) == [*head, "2.00", "", "1", "230", "A7"]
    assert column_names(period.channels, printed=False) == [
        "1-0:1.5.0*255 kWh",
        "1-0:1.29.0*255 kWh",
        "1-0:1.8.0*255 kWh",
        "1-0:12.5.0*255 V",
        "0-0:96.1.9*255",
    ]
    assert column_names(period.channels, printed=True)[0] == "1-0:1.5.0*255 kW"


def test_a_column_without_code_has_the_meters_name() -> None:
    """Nothing is made up."""
    (period,) = periods(header("0230310120000", columns="(1)(VOLTA)(V)") + rows("1"))
    assert column_names(period.channels, printed=False) == ["VOLTA V"]


def test_a_period_as_a_document() -> None:
    """Numbers are text."""
    (period,) = periods(header("0230310120000", "80", columns="(1)(1.5)(kW)") + rows("0.10"))
    assert period_document(period) == {
        "start": "2023-03-10T10:45:00Z",
        "end": "2023-03-10T11:00:00Z",
        "status": ["power_failure"],
        "values": [
            {
                "address": "1.5",
                "obis": "1-0:1.5.0*255",
                "value": "0.10",
                "unit": "kW",
                "kind": "average",
                "amount": "0.025",
                "amount_unit": "kWh",
            }
        ],
    }


def test_tiny_numbers_have_no_exponent() -> None:
    """As a spreadsheet wants them."""
    (period,) = periods(header("0230310120000") + rows("0.0000001"))
    assert csv_row(period, printed=False)[-1] == "0.0000001"


def test_a_note_as_a_document() -> None:
    """What gave no value, where, and why."""
    one = assembler()
    one.take(records(header("0230310120000") + "(1)\r\n(1)(2)\r\n"))
    assert [note_document(note) for note in one.notes] == [
        {"after": "2023-03-10T11:00:00Z", "raw": "(1)(2)", "reason": "2 values where 1 belong"}
    ]
