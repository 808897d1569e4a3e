"""Why a telegram that came is not published, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from obisgw.iec62056_21.block_check import BlockCheck
from obisgw.iec62056_21.events import Failure, Rejected
from obisgw.service.line_edge import held_back_by

from .fakes import TELEGRAM

DAMAGED = replace(TELEGRAM, parity_errors=3, check=BlockCheck.BAD)
WRONG = replace(TELEGRAM, check=BlockCheck.BAD)
CUT = replace(TELEGRAM, complete=False)


@pytest.mark.parametrize(
    ("rejected", "reason"),
    [
        ([], None),
        ([Rejected(DAMAGED, Failure.BAD_CHECK, 0)], "the telegram was damaged: 3 characters have the wrong parity"),
        ([Rejected(WRONG, Failure.BAD_CHECK, 0)], "the telegram was damaged: its block check character is wrong"),
        ([Rejected(WRONG, Failure.BAD_CHECK, 0), Rejected(CUT, Failure.CUT, 1)], "the telegram was cut off"),
        (
            [Rejected(TELEGRAM, Failure.UNLIKE, 0)],
            "the telegram has no block check and is unlike those before",
        ),
    ],
)
def test_the_last_telegram_says_why(rejected: list[Rejected], reason: str | None) -> None:
    """None where nothing came that could be held back."""
    assert held_back_by(rejected) == reason
