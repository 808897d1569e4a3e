"""What meters say instead of an answer, by the forms of their makers."""

from __future__ import annotations

import pytest

from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.refusal import RefusalKind, refusal_in

DIALECTS = Dialects.load()


@pytest.mark.parametrize(
    ("dialect", "block", "address", "kind", "words"),
    [
        ("siemens-amis", b"(ER0001)", "1.8.0", RefusalKind.COMMAND, "does not know the command"),
        ("siemens-amis", b"(ER0002)", "1.8.0", RefusalKind.VALUE, "not written"),
        ("siemens-amis", b"(ER0005)", "1.8.0", RefusalKind.BUSY, "now"),
        ("siemens-amis", b"(ER0007)", "1.8.0", RefusalKind.ACCESS, "password"),
        ("siemens-amis", b"(ER0009)", "1.8.0", RefusalKind.LOCKED, "locked"),
        ("energomera", b"(ERR11)", "ET0PE", RefusalKind.COMMAND, "command"),
        ("energomera", b"(ERR12)\r\n", "ET0PE", RefusalKind.COMMAND, "parameter"),
        ("energomera", b"ET0PE(ERR13)", "ET0PE", RefusalKind.VALUE, "not written"),
        ("energomera", b"(ERR14)", "ET0PE", RefusalKind.ACCESS, "button"),
        ("energomera", b"(ERR15)", "ET0PE", RefusalKind.ACCESS, "access denied"),
        ("energomera", b"(ERR16)", "ET0PE", RefusalKind.ACCESS, "programming is disabled"),
        ("energomera", b"(ERR17)", "ET0PE", RefusalKind.VALUE, "not allowed"),
        ("energomera", b"(ERR18)", "ENMPE", RefusalKind.EMPTY, "date"),
        ("energomera", b"(ERR19)", "ET0PE", RefusalKind.BUSY, "busy"),
        ("energomera", b"(ERR31)", "ET0PE", RefusalKind.FAULT, "hardware"),
        ("energomera", b"ET0PE(1.2)(3.4)VOLTA(230)(ERR22)", "GRPNM", RefusalKind.TRUNCATED, "too long"),
        ("neva", b"(01)", "030880FF", RefusalKind.COMMAND, "nothing under this address"),
        ("elster-ek280", b"(#0004)", "2:300.0", RefusalKind.OTHER, "not known here"),
        ("standard", b"(ER02)", "1.8.9", RefusalKind.OTHER, "not known here"),
        ("standard", b"(ERROR)", "1.8.9", RefusalKind.COMMAND, "refused the command"),
        ("standard", b"1.8.9(ERROR)", "1.8.9", RefusalKind.COMMAND, "refused the command"),
        ("emh", b"P.01(ERROR)", "P.01", RefusalKind.EMPTY, "nothing is stored"),
        ("metcom", b"P.98(ERROR)\r\n", "P.98", RefusalKind.EMPTY, "nothing is stored"),
        ("emh", b"1-0:P.01(ERROR)", "1-0:P.01", RefusalKind.EMPTY, "nothing is stored"),
    ],
)
def test_a_refusal_is_named_with_its_meaning(
    dialect: str, block: bytes, address: str, kind: RefusalKind, words: str
) -> None:
    """By the maker's table where it has one."""
    chosen = DIALECTS.named(dialect)
    refusal = refusal_in(block, address, chosen.programming.errors, answers_named=chosen.answers_named)
    assert refusal is not None
    assert refusal.kind is kind
    assert words in refusal.meaning
    assert refusal.text in block.decode()


@pytest.mark.parametrize(
    ("dialect", "block", "address"),
    [
        ("standard", b"(0033402.264*kWh)", "1.8.0"),
        ("standard", b"(01)", "0.1.0"),
        ("standard", b"F.F(00000000)", "F.F"),
        ("standard", b"()", "0.0.1"),
        ("neva", b"600900FF(029)", "600900FF"),
        ("standard", b"(ER02)(1)", "1.8.0"),
        ("standard", b"0.0.0(ERNA)", "0.0.0"),
        ("energomera", b"ET0PE(1.2)VOLTA(230)", "GRPNM"),
        ("standard", b"", "1.8.0"),
    ],
)
def test_what_is_no_refusal(dialect: str, block: bytes, address: str) -> None:
    """Values, empty ones, and a number that stands alone where answers have no address."""
    chosen = DIALECTS.named(dialect)
    assert refusal_in(block, address, chosen.programming.errors, answers_named=chosen.answers_named) is None
