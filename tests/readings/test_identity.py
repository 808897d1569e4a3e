"""Which meter a telegram comes from."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.iec62056_21.block_check import BlockCheck
from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.identification import Mode, parse_identification
from obisgw.iec62056_21.telegram import Telegram
from obisgw.obis import Medium
from obisgw.readings.identity import identity_of
from obisgw.readings.reading import MeterIdentity
from obisgw.readings.registers import registers_of

DIALECTS = Dialects.load()


def identity(line: bytes | None, block: bytes, fallback: str = "cellar") -> MeterIdentity:
    """The identity that a telegram shows."""
    identification = None if line is None else parse_identification(line)
    dialect = DIALECTS.match(identification)
    telegram = Telegram(identification, Mode.C, block, BlockCheck.OK, None, 0, complete=True, raw=block)
    return identity_of(identification, registers_of(telegram, dialect)[0], dialect, fallback)


@pytest.mark.parametrize(
    ("line", "block", "id_", "number"),
    [
        (b"/ISk5ME162-0033", b"C.1.0(28342193)\r\n0.0.0(111)", "isk_28342193", "28342193"),
        (b"/EBZ5DD3", b"1-0:96.1.0*255(9EBZ8218486719)", "ebz_9ebz8218486719", "9EBZ8218486719"),
        (b"/KFM5KAIFA", b"0-0:96.1.1(4B384547303034303436333935353037)", "kfm_k8eg004046395507", "K8EG004046395507"),
        (b"/LUGCUH50", b"6.8(1*GJ)9.20(75545082)", "lug_75545082", "75545082"),
        (b"/EMH5eHZ", b"1-0:0.0.0*255(901557-7097707)", "emh_901557_7097707", "901557-7097707"),
        (None, b"0.0.0(12345678)", "12345678", "12345678"),
        # A list without number, a number that was never set, and a gas meter's number on another channel.
        (b"/XYZ5M", b"1.8.0(1*kWh)", "cellar", None),
        (b"/XYZ5M", b"0.0.0(00000000)\r\nC.1.0(        )", "cellar", None),
        (b"/XYZ5M", b"0-1:96.1.0(3232323241424344313233343536373839)", "cellar", None),
    ],
)
def test_the_number_makes_the_identity(line: bytes | None, block: bytes, id_: str, number: str | None) -> None:
    """Maker and number; without a number, the name in the configuration."""
    found = identity(line, block)
    assert (found.id, found.number) == (id_, number)


def test_maker_model_and_medium() -> None:
    """As the identification and the dialect tell."""
    found = identity(b"/LUGCUH50", b"9.20(75545082)")
    assert (found.flag, found.manufacturer, found.model, found.medium) == ("LUG", "Landis+Gyr", "UH50", Medium.HEAT)


@given(st.binary(max_size=60), st.text())
def test_an_id_is_always_a_slug(block: bytes, fallback: str) -> None:
    """Whatever the meter prints and the owner writes."""
    assert re.fullmatch(r"[a-z0-9_]+", identity(b"/XYZ5M", b"0.0.0(" + block + b")", fallback).id)
