"""Six digits in exchange for a token, with a clock moved by hand."""

from __future__ import annotations

import pytest

from obisgw.web.pairing import LOCKED_AT_MOST, TRIES, VALID_FOR, Pairing
from obisgw.web.problems import Problem, ProblemError


def refused(pairing: Pairing, code: str, now: float) -> ProblemError:
    """Return why a code is not taken."""
    with pytest.raises(ProblemError) as caught:
        pairing.try_code(code, now)
    return caught.value


def wrong(code: str) -> str:
    """Return another code."""
    return f"{(int(code) + 1) % 10**6:06}"


def test_a_code_has_six_digits_and_may_be_typed_with_gaps() -> None:
    """As it is shown: 123 456."""
    pairing = Pairing()
    code = pairing.open(0)
    assert len(code) == 6
    assert code.isdigit()
    pairing.try_code(f" {code[:3]}-{code[3:]} ", 1)


def test_a_code_holds_once() -> None:
    """The second one who knows it is refused."""
    pairing = Pairing()
    code = pairing.open(0)
    pairing.try_code(code, 1)
    assert refused(pairing, code, 2).problem is Problem.NO_CODE


@pytest.mark.parametrize(("age", "good"), [(0.0, True), (VALID_FOR - 0.1, True), (VALID_FOR, False), (1e9, False)])
def test_a_code_holds_five_minutes(age: float, good: bool) -> None:  # noqa: FBT001
    """Then it is gone."""
    pairing = Pairing()
    code = pairing.open(100)
    if good:
        pairing.try_code(code, 100 + age)
    else:
        assert refused(pairing, code, 100 + age).problem is Problem.NO_CODE


def test_without_a_code_nothing_is_right() -> None:
    """No guess opens what was never offered."""
    assert refused(Pairing(), "000000", 0).problem is Problem.NO_CODE


def test_a_new_code_replaces_the_one_before() -> None:
    """Only the one on the screen is good."""
    pairing = Pairing()
    first = pairing.open(0)
    second = pairing.open(1)
    if first != second:
        assert refused(pairing, first, 2).problem is Problem.WRONG_CODE
    pairing.try_code(second, 3)


def test_five_wrong_codes_lock_pairing_and_close_the_code() -> None:
    """The right code does not help then; the owner's new code does."""
    pairing = Pairing()
    code = pairing.open(0)
    for left in range(TRIES - 1, 0, -1):
        problem = refused(pairing, wrong(code), 1)
        assert problem.problem is Problem.WRONG_CODE
        assert problem.more == {"tries_left": left}
    locked = refused(pairing, wrong(code), 1)
    assert locked.problem is Problem.PAIRING_LOCKED
    assert locked.headers == {"Retry-After": "60"}
    assert refused(pairing, code, 2).problem is Problem.PAIRING_LOCKED
    assert refused(pairing, code, 62).problem is Problem.NO_CODE
    pairing.try_code(pairing.open(3), 4)


def test_each_lock_is_longer_up_to_an_hour() -> None:
    """Trying all million codes takes years."""
    pairing, now, pauses = Pairing(), 0.0, []
    for _ in range(9):
        code = pairing.open(now)
        problems = [refused(pairing, wrong(code), now) for _ in range(TRIES)]
        pauses.append(problems[-1].more["retry_after"])
        now += LOCKED_AT_MOST
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_codes_are_not_the_same() -> None:
    """They come from the system's own chance."""
    pairing = Pairing()
    assert len({pairing.open(0) for _ in range(50)}) > 45


@pytest.mark.parametrize("code", ["", "x", "ä" * 6, "1" * 10_000, "\x00", "12345\uff16"])
def test_odd_codes_are_wrong_codes(code: str) -> None:
    """What is typed is never more than wrong."""
    pairing = Pairing()
    pairing.open(0)
    assert refused(pairing, code, 1).problem is Problem.WRONG_CODE
