"""Load profiles and log books of real meters: each gives what its description says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from obisgw.iec62056_21.capture import telegrams_in
from obisgw.iec62056_21.vdew.form import ProfileForm
from obisgw.iec62056_21.vdew.log_lines import LogBookParser, LogEntry
from obisgw.iec62056_21.vdew.meter_time import MeterTime
from obisgw.iec62056_21.vdew.parsers import profile_parser
from obisgw.iec62056_21.vdew.records import Header, NoEntries, Record, Row
from tests.corpus import ALL, Case
from tests.iec62056_21.vdew.forms import DIALECTS, STANDARD, assembler

PROFILES = [case for case in ALL if case.about.get("expect_profile") is not None]
LOG_BOOKS = [case for case in ALL if any(entry["address"] == "P.98" for entry in case.about["expect"])]


def blocks(case: Case) -> list[bytes]:
    """The proved data blocks of a telegram, in order."""
    return [message.telegram.block for message in telegrams_in(case.raw, DIALECTS).messages if message.telegram.proved]


def records(case: Case) -> list[Record]:
    """What the parser makes of them."""
    parser = profile_parser(ProfileForm(), STANDARD.code_of)
    return [record for block in blocks(case) for record in parser.feed(block)] + parser.finish()


def test_the_corpus_has_profiles_and_log_books() -> None:
    """So that the tests below test something."""
    assert len(PROFILES) == 7
    assert len(LOG_BOOKS) == 3


@pytest.mark.parametrize("case", PROFILES, ids=str)
def test_a_profile_gives_its_headers_and_rows(case: Case) -> None:
    """Start, season, status, period, columns, and each row's time and digits."""
    found = records(case)
    headers = [one for one in found if isinstance(one, Header)]
    rows = [one for one in found if isinstance(one, Row)]
    expected: list[dict[str, Any]] = case.about["expect_profile"]
    assert len(headers) == len(expected)
    for header, wanted in zip(headers, expected, strict=True):
        assert header.stamp.local == datetime.fromisoformat(wanted["start"])
        assert header.stamp.season is not None
        assert header.stamp.season.value == wanted["season"]
        assert f"({wanted['status']})" in header.raw
        assert header.period == wanted["period_min"]
        assert [(one.address, str(one.code)) for one in header.channels] == [
            (one["id"], one["obis"]) for one in wanted["channels"]
        ]
        assert [one.unit for one in header.channels] == [one["unit"] for one in wanted["channels"]]
        own = [row for row in rows if row.header == header]
        assert len(own) == len(wanted["rows"])
        for row, line in zip(own, wanted["rows"], strict=True):
            assert header.period is not None
            local = header.stamp.local + timedelta(minutes=header.period) * row.place
            assert local == datetime.fromisoformat(line["time"])
            assert list(row.values) == [Decimal(value) for value in line["values"]]
            decimals = [value.as_tuple().exponent for value in row.values if isinstance(value, Decimal)]
            assert decimals == [Decimal(value).as_tuple().exponent for value in line["values"]]


@pytest.mark.parametrize("case", PROFILES, ids=str)
def test_each_row_is_a_period_in_utc_that_ends_at_its_stamp(case: Case) -> None:
    """Fixed offsets of central European time: +1 h in winter, +2 h in summer."""
    one = assembler()
    one.take(records(case))
    expected = [
        (datetime.fromisoformat(line["time"]) - timedelta(hours=1 + int(wanted["season"]))).replace(tzinfo=UTC)
        for wanted in case.about["expect_profile"]
        for line in wanted["rows"]
    ]
    found = one.answered()
    assert [period.end for period in found] == expected
    assert all(period.end - period.start == timedelta(minutes=15) for period in found)


def test_an_error_answer_is_no_entries() -> None:
    """P.01(ERROR): nothing is stored for this time."""
    (case,) = [case for case in PROFILES if case.about["kind"] == "error answer"]
    assert records(case) == [NoEntries("P.01(ERROR)")]


@pytest.mark.parametrize("case", LOG_BOOKS, ids=str)
def test_a_log_book_gives_its_entries(case: Case) -> None:
    """Time, status and the parameters that stand in the line; what is no entry is named."""
    parser = LogBookParser(ProfileForm(), MeterTime(UTC), STANDARD.code_of)
    found = [record for block in blocks(case) for record in parser.feed(block)] + parser.finish()
    entries = [one for one in found if isinstance(one, LogEntry)]
    expected = [entry for entry in case.about["expect"] if entry["address"] == "P.98"]
    assert len(entries) == len(expected)
    for entry, wanted in zip(entries, expected, strict=True):
        texts = [bracket["value"] for bracket in wanted["brackets"]]
        summer = texts[0].startswith("1")
        assert entry.at.replace(tzinfo=None) == datetime.fromisoformat(wanted["time"]) - timedelta(hours=1) * summer
        assert (entry.stamp, entry.word) == (texts[0], texts[1])
        count = int(texts[3])
        assert [(one.address, one.unit) for one in entry.parameters] == [
            (texts[4 + 2 * n], texts[5 + 2 * n]) for n in range(count)
        ]
        assert [one.value for one in entry.parameters] == texts[4 + 2 * count :]
