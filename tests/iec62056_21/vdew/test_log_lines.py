"""Entries of log books: time, flags, makers' numbers, parameters."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.iec62056_21.vdew.log_lines import LogBookParser, LogEntry, LogRecord
from obisgw.iec62056_21.vdew.records import Damaged, NoEntries
from obisgw.readings.log_book import entry_document, what_happened
from tests.iec62056_21.vdew.forms import BERLIN, DIALECTS


def entries(text: str, dialect: str = "standard", address: str | None = None) -> list[LogRecord]:
    """What the parser makes of an answer."""
    chosen = DIALECTS.named(dialect)
    form = chosen.stored if address is None else type(chosen.stored)(log_book=address, events=chosen.stored.events)
    parser = LogBookParser(form, BERLIN, chosen.code_of)
    return [*parser.feed(text.encode("latin-1")), *parser.finish()]


@pytest.mark.parametrize(
    ("dialect", "address", "line", "at", "words"),
    [
        ("emh", None, "P.98(1220826235646)(00008020)()(2)(0.9.1)()(0.9.2)()(1235703)(1220826)", "2022-08-26T21:56:46", "clock set, clock synchronised, clock went from 21:56:46 to 21:57:03 UTC (+17 s)"),
        ("emh", None, "P.98(1220906115553)(00000080)()(0)", "2022-09-06T09:55:53", "power failure"),
        ("emh", None, "P.98(1220901000000)(00000010)()(0)", "2022-08-31T22:00:00", "reset"),
        ("emh", "P.99", "P.99(1201021132243)(00002000)()(0)", "2020-10-21T11:22:43", "log book cleared"),
        ("emh", "P.99", "P.99(1201021132243)(00000100)()(1)(0.8.4)(min)(15;60)", "2020-10-21T11:22:43", "variable set, 0.8.4 changed from 15 min to 60 min"),
        ("emh", "P.99", "P.99(1201021132243)(00000100)()(0)(0.0.0)", "2020-10-21T11:22:43", "variable set, 0.0.0"),
        ("emh", "P.210", "P.210(1201021132243)(000026A3)()(0)", "2020-10-21T11:22:43", "terminal cover opened"),
        ("metcom", None, "P.98(1220906234904)(00)()(2)(0-0:C.11.0)()(0-0:C.11.10)()(4)(0)", "2022-09-06T21:49:04", "0-0:C.11.0 4, 0-0:C.11.10 0"),
        ("metcom", None, "P.98(0180813152310)(00)()(2)(91.11.0)()(91.11.10)()(1)(0)", "2018-08-13T14:23:10", "91.11.0 1, 91.11.10 0"),
        ("landis-gyr", None, "P.98(0070325013000)(0008)()(0)", "2007-03-25T00:30:00", "season changed"),
        ("elster", None, "P.98(0100101000000)(00200000)()(0)", "2009-12-31T23:00:00", "phase l1 missing"),
        ("iskra", None, "P.98(100101000000)(8102)()(0)", "2009-12-31T23:00:00", "voltage down on L1"),
        ("iskra", "P.98.1", "P.98.1(100101000000)(811B)()(0)", "2009-12-31T23:00:00", "terminal cover opened"),
        ("siemens-amis", "L.98", "L.98(0100101000000)(0080)()(0)", "2009-12-31T23:00:00", "power failure"),
        ("siemens-amis", None, "P.98(2100101000000)(4000)()(0)", "2010-01-01T00:00:00", "profile cleared"),
        ("itron", None, "P.98(0100101000000)(0040)", "2009-12-31T23:00:00", "power back"),
        ("standard", None, "P.98(0100101000000)()()(0)", "2009-12-31T23:00:00", "status "),
        ("standard", None, "P.98(0261025023000)(20)()(2)(0.9.2)()(0.9.1)()(0261025)(0023001)", "2026-10-25T01:30:00", "clock set, clock went from 01:30:00 to 01:30:01 UTC (+1 s)"),
    ],
)  # fmt: skip
def test_an_entry_says_what_happened(dialect: str, address: str | None, line: str, at: str, words: str) -> None:
    """Each maker's own form."""
    (entry,) = entries(f"{line}\r\n", dialect, address)
    assert isinstance(entry, LogEntry)
    assert entry.at == datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert what_happened(entry) == words
    assert entry.raw == line


def test_an_entry_as_a_document() -> None:
    """Everything, as printed and as understood."""
    (entry,) = entries("P.98(1220826235646)(00008020)()(2)(0.9.1)()(0.9.2)()(1235703)(1220826)\r\n", "emh")
    assert isinstance(entry, LogEntry)
    assert entry_document(entry) == {
        "time": "2022-08-26T21:56:46Z",
        "flags": ["clock_set", "clock_synchronised"],
        "meaning": None,
        "status": "00008020",
        "clock_after": "2022-08-26T21:57:03Z",
        "parameters": [
            {"address": "0.9.1", "obis": "1-0:0.9.1*255", "unit": None, "value": "1235703", "old": None},
            {"address": "0.9.2", "obis": "1-0:0.9.2*255", "unit": None, "value": "1220826", "old": None},
        ],
        "raw": "P.98(1220826235646)(00008020)()(2)(0.9.1)()(0.9.2)()(1235703)(1220826)",
    }


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("P.98(12208262356)(80)()(0)", None),
        ("P.98(ABC)(80)()(0)", "'ABC' is no time"),
        ("P.98(1220826235646)", "an entry has time and status"),
        ("P.98(1220826235646)(80)()(2)(0.9.1)()(0.9.2)()(1)", "5 brackets where 6 belong to 2 values"),
        ("P.98(1220826235646)(80)()(X)", "'X' is no number of values"),
        ("P.98(1220826235646)(80", "brackets do not pair"),
        ("P.98(1220826235646)(80)P.98(1220826235646)(80)", "not one entry"),
        ("P.01(1220826235646)(80)()(0)", "'P.01' was not asked for"),
    ],
)
def test_a_line_that_is_no_entry_is_named(line: str, reason: str | None) -> None:
    """And kept."""
    (one,) = entries(f"{line}\r\n")
    assert (one.reason if isinstance(one, Damaged) else None) == reason


@pytest.mark.parametrize("answer", ["P.98(ERROR)", "P.98()", "(ER08)"])
def test_nothing_stored_is_no_entry(answer: str) -> None:
    """As with profiles."""
    assert [type(one) for one in entries(answer)] == [NoEntries]


@given(st.one_of(st.binary(max_size=200), st.text("P.98()\r\n0123456789;", max_size=200).map(str.encode)))
def test_any_bytes_give_records(noise: bytes) -> None:
    """Never an exception."""
    parser = LogBookParser(DIALECTS.named("emh").stored, BERLIN, DIALECTS.named("emh").code_of)
    for one in [*parser.feed(noise), *parser.finish()]:
        assert isinstance(one, LogEntry | Damaged | NoEntries)
