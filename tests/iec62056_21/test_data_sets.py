"""The grammar of data sets, and what real meters make of it."""

from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.iec62056_21.data_sets import parse_data_sets

Sets = list[tuple[str, list[tuple[str, str | None]]]]


def sets(text: str) -> Sets:
    """Addresses and brackets of a block that is nothing but data sets."""
    found, unparsed = parse_data_sets(text.encode("latin-1"))
    assert unparsed == ()
    return [(one.address, [(item.value, item.unit) for item in one.brackets]) for one in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.8.0(000123.4*kWh)", [("1.8.0", [("000123.4", "kWh")])]),
        (
            "6.8(0326.062*MWh)6.26(07939.56*m3)9.21(00073600)",
            [("6.8", [("0326.062", "MWh")]), ("6.26", [("07939.56", "m3")]), ("9.21", [("00073600", None)])],
        ),
        ("1.6.1(09.48*kW)(16-03-14,18:45)", [("1.6.1", [("09.48", "kW"), ("16-03-14,18:45", None)])]),
        ("1.6.0,5(202601130730)", [("1.6.0,5", [("202601130730", None)])]),
        ("9.4(098.5*C&096.1*C)", [("9.4", [("098.5", "C"), ("096.1", "C")])]),
        ("9.36(2022-05-19&19:41:17)", [("9.36", [("2022-05-19&19:41:17", None)])]),
        ("9.6(000&00065515&0)", [("9.6", [("000&00065515&0", None)])]),
        ("9.2(&&)", [("9.2", [("&&", None)])]),
        ("6.8.1()", [("6.8.1", [("", None)])]),
        ("1.8.0(01392.5*)", [("1.8.0", [("01392.5", "")])]),
        ("1.8.0(0000000 kWh)", [("1.8.0", [("0000000 kWh", None)])]),
        ("1.7.0(001.322kW)", [("1.7.0", [("001.322kW", None)])]),
        ("0.0(   18438636)", [("0.0", [("   18438636", None)])]),
        ("1.6(000007,4*kW)", [("1.6", [("000007,4", "kW")])]),
        ("0.0.0(/SX330)", [("0.0.0", [("/SX330", None)])]),
        ("0.3.0(5000*Imp/kWh)", [("0.3.0", [("5000", "Imp/kWh")])]),
        ("0.2.2(:::::G11)!", [("0.2.2", [(":::::G11", None)])]),
        ("1.6*1(000013,0)!", [("1.6*1", [("000013,0", None)])]),
        ("(000123)", [("", [("000123", None)])]),
        ("(0.1)(0.2)\r\n(0.3)(0.4)\r\n", [("", [("0.1", None), ("0.2", None)]), ("", [("0.3", None), ("0.4", None)])]),
        ("C.90.2(70D4EF6C)", [("C.90.2", [("70D4EF6C", None)])]),
        ("0.1.0&12(20-12-30 16:02)", [("0.1.0&12", [("20-12-30 16:02", None)])]),
        ("0.2.0(1)\r\n0.2.0(2)\r\n", [("0.2.0", [("1", None)]), ("0.2.0", [("2", None)])]),
        (
            "0-1:24.3.0(161107190000)(00)(60)(1)(0-1:24.2.1)(m3)\r\n(00001.001)\r\n0-1:24.4.0(1)",
            [
                (
                    "0-1:24.3.0",
                    [(v, None) for v in ("161107190000", "00", "60", "1", "0-1:24.2.1", "m3", "00001.001")],
                ),
                ("0-1:24.4.0", [("1", None)]),
            ],
        ),
        ("ET0PE(68.42)\r\n(45.54)", [("ET0PE", [("68.42", None)]), ("", [("45.54", None)])]),
        ("1-0:1.8.0*255(1)(2)(3)", [("1-0:1.8.0*255", [("1", None), ("2", None), ("3", None)])]),
    ],
)
def test_forms_of_data_sets(text: str, expected: Sets) -> None:
    """One row a form that a meter is known to print."""
    assert sets(text) == expected


@pytest.mark.parametrize("line_end", ["\r\n", "\r\r\n", "\n", "\n\n", "\r"])
def test_lines_end_as_the_meter_likes(line_end: str) -> None:
    """Line ends and blank lines separate, and are no data."""
    assert sets(line_end.join(("1.8.0(1)", "", "2.8.0(2)", "!", ""))) == [
        ("1.8.0", [("1", None)]),
        ("2.8.0", [("2", None)]),
    ]


@pytest.mark.parametrize(
    ("text", "good", "raw", "reason"),
    [
        ("1.8.0(1)\\\r\n2.8.0(2)", ["1.8.0", "2.8.0"], "\\", "no value in brackets"),
        ("hello\r\n2.8.0(2)", ["2.8.0"], "hello", "no value in brackets"),
        # A lost line end: the value of 2.8.0 must not become one of an address made of both lines.
        ("1.8.0(0012.8.0(55)\r\n5.8.0(3)", ["5.8.0"], "1.8.0(0012.8.0(55)", "brackets do not pair"),
        ("1.8.0 0012)\r\n5.8.0(3)", ["5.8.0"], "1.8.0 0012)", "brackets do not pair"),
        ("1.8.0(1)Y\x02\x01!\r\n", ["1.8.0"], "Y\x02\x01!", "characters that are not printable"),
        ("1.8.0(0\x00012)\r\n5.8.0(3)", ["5.8.0"], "1.8.0(0\x00012)", "characters that are not printable"),
        ("1.8.0(1)\r\n!\r\nmore(2)", ["1.8.0"], "more(2)", "behind the end mark"),
        ("1.8.0(1)!more(2)", ["1.8.0"], "more(2)", "behind the end mark"),
    ],
)
def test_what_is_no_data_set_is_kept_with_the_reason(text: str, good: list[str], raw: str, reason: str) -> None:
    """A fault spoils the rest of its line and nothing else."""
    found, unparsed = parse_data_sets(text.encode("latin-1"))
    assert [one.address for one in found] == good
    assert [(one.raw, one.reason) for one in unparsed] == [(raw, reason)]


@pytest.mark.parametrize("text", ["1.8.0" + "(1)" * 5000, "1.8.0(1*C" + "&1*C" * 5000 + ")"], ids=["brackets", "pairs"])
def test_a_data_set_out_of_all_measure_is_kept_as_text(text: str) -> None:
    """It costs memory, and no meter prints it."""
    found, unparsed = parse_data_sets(f"2.8.0(2)\r\n{text}\r\n3.8.0(3)\r\n".encode())
    assert [one.address for one in found] == ["2.8.0", "3.8.0"]
    assert [(one.raw, one.reason) for one in unparsed] == [(text, "too many brackets")]


def test_what_was_parsed_before_changes_nothing() -> None:
    """Lines are remembered from block to block, and the same lines in another order mean another thing."""
    first = b"1.8.0(1)\r\n2.8.0(2)\r\n!\r\n"
    assert [one.address for one in parse_data_sets(first)[0]] == ["1.8.0", "2.8.0"]
    assert parse_data_sets(first) == parse_data_sets(first)
    found, unparsed = parse_data_sets(b"1.8.0(1)\r\n!\r\n2.8.0(2)\r\n")
    assert [one.address for one in found] == ["1.8.0"]
    assert [one.raw for one in unparsed] == ["2.8.0(2)"]
    found, _ = parse_data_sets(b"1.8.0(1)\r\n2.8.0(3)\r\n!\r\n")
    assert [one.brackets[0].value for one in found] == ["1", "3"]


BLOCKS = st.one_of(
    st.binary(max_size=400),
    st.lists(
        st.sampled_from(
            ["1.8.0", "(", ")", "*kWh", "&", "12.3", "\r\n", "!", "/", " ", "\x00", "ÿ", "(1)", "24.3.0", "0-1:"]
        )
    ).map(lambda parts: "".join(parts).encode("latin-1")),
)


@given(BLOCKS)
def test_any_bytes_end_in_data_sets_or_unparsed(block: bytes) -> None:
    """Every character received is in exactly one of both, apart from line ends, blanks and the end mark."""
    found, unparsed = parse_data_sets(block)
    assert parse_data_sets(block) == (found, unparsed)
    text = block.decode("latin-1")
    for one in found:
        for item in one.brackets:
            assert item.value in text
            assert item.unit is None or item.unit in text
        assert one.address in text
    kept = "".join((*(one.raw for one in found), *(one.raw for one in unparsed)))
    left_out = dict.fromkeys(map(ord, "\r\n !"))
    assert sorted(kept.translate(left_out)) == sorted(text.translate(left_out))


@pytest.mark.parametrize(
    "block",
    [
        b"(" * 1_000_000,
        b"a" * 1_000_000,
        b"a(" * 500_000,
        b"()" * 500_000,
        b"\r\n" * 500_000,
        b"(a*b&" * 200_000 + b")",
    ],
    ids=["open", "text", "address open", "pairs", "line ends", "ampersands"],
)
def test_a_megabyte_of_anything_is_parsed_at_once(block: bytes) -> None:
    """Time is proportional to the size: a quadratic parser would take minutes."""
    start = perf_counter()
    parse_data_sets(block)
    assert perf_counter() - start < 2
