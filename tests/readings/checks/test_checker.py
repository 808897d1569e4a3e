"""What is believed of a meter's telegrams, one after the other."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest

from obisgw.readings.checks import Checker, Memory, Reason, Verdict
from tests.mqtt.samples import NOON, reading

USUAL = (
    "0.0.0(40123456)",
    "1.8.0(012345.678*kWh)",
    "1.8.1(012000.000*kWh)",
    "1.8.2(000345.678*kWh)",
    "32.7.0(231.4*V)",
)


def lines(**changed: str) -> tuple[str, ...]:
    """Return the usual telegram with other values: ``c1_8_0="…"``."""
    new = {name[1:].replace("_", "."): value for name, value in changed.items()}
    return tuple(
        f"{address}({new[address]}{rest[rest.index('*') :] if '*' in rest else ')'}" if address in new else line
        for line in USUAL
        for address, rest in [line.split("(", 1)]
    )


class Meter:
    """A meter whose telegrams are judged; ``settled``: it has been read for a while."""

    def __init__(self, *, settled: bool = True) -> None:
        self.checker = Checker()
        self.t = 0.0
        if settled:
            for _ in range(12):
                self.says(*USUAL)

    def says(self, *text: str, after: float = 60.0, damaged: int = 0) -> Verdict:
        """Judge one telegram."""
        self.t += after
        return self.checker.take(reading(*text, at=NOON + timedelta(seconds=self.t)), self.t, damaged=damaged)


def reasons(verdict: Verdict) -> list[Reason]:
    """Return why something is held back, each reason once."""
    return list(dict.fromkeys(one.reason for one in verdict.suspicions))


def values(verdict: Verdict) -> dict[str, str]:
    """Return what may be published, by address."""
    return {} if verdict.reading is None else {one.address: one.value for one in verdict.reading.registers}


def test_a_meters_first_telegram_waits_for_a_second_one() -> None:
    """A wrong first counter would stand in the way of every right one."""
    meter = Meter(settled=False)
    first = meter.says(*USUAL)
    assert (first.reading, reasons(first), first.read_again) == (None, [Reason.FIRST], True)
    assert values(meter.says(*USUAL, after=3))["1.8.0"] == "012345.678"


def test_the_usual_is_published_at_once() -> None:
    """The counters go on, the voltage moves."""
    verdict = Meter().says(*lines(c1_8_0="012345.690", c1_8_2="000345.690", c32_7_0="229.9"))
    assert values(verdict)["1.8.0"] == "012345.690"
    assert not verdict.suspicions


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        pytest.param({"c1_8_0": "012345.677"}, Reason.FELL, id="a counter one step back"),
        pytest.param({"c1_8_0": "000000.000", "c1_8_1": "000000.000", "c1_8_2": "000000.000"}, Reason.FELL, id="all counters 0"),
        pytest.param({"c1_8_0": "012354.678"}, Reason.ROSE, id="kilowatt-hours swapped"),
        pytest.param({"c1_8_0": "012345.687", "c1_8_2": "000345.687"}, Reason.SWAPPED, id="last digits swapped in total and tariff"),
        pytest.param({"c1_8_0": "012345.687"}, Reason.SWAPPED, id="last digits swapped"),
        pytest.param({"c1_8_1": "012000.020"}, Reason.SUM, id="a tariff for itself"),
        pytest.param({"c1_8_0": "12345.678"}, Reason.FORM, id="a digit less"),
        pytest.param({"c1_8_1": "0120.000"}, Reason.FORM, id="a pair of equal digits lost"),
        pytest.param({"c1_8_0": "01234A.678"}, Reason.NO_NUMBER, id="a letter"),
        pytest.param({"c32_7_0": "213.4"}, Reason.JUMPED, id="a voltage that jumps"),
        pytest.param({"c32_7_0": "931.4"}, Reason.RANGE, id="a voltage that cannot be"),
        pytest.param({"c0_0_0": "40123465"}, Reason.CHANGED, id="the meter's number"),
    ],
)  # fmt: skip
def test_what_is_odd_is_held_back_and_read_again(changed: dict[str, str], reason: Reason) -> None:
    """Parity and block check are right in all of these."""
    meter = Meter()
    verdict = meter.says(*lines(**changed))
    assert verdict.reading is None
    assert verdict.read_again
    assert reason in reasons(verdict)
    assert all(one.before != one.now for one in verdict.suspicions if one.register)


@pytest.mark.parametrize("changed", [{"c1_8_0": "000000.000"}, {"c1_8_0": "012354.678"}, {"c1_8_1": "0120.000"}])
def test_after_damage_that_the_line_let_through_more_telegrams_must_agree(changed: dict[str, str]) -> None:
    """The right value comes again, and is published when it has come often enough."""
    meter = Meter()
    meter.says(*lines(**changed))
    verdicts = [meter.says(*USUAL, after=3) for _ in range(4)]
    assert [verdict.reading is not None for verdict in verdicts] == [False, False, False, True]
    assert values(verdicts[-1])["1.8.0"] == "012345.678"


@pytest.mark.parametrize(
    "changed",
    [
        {"c0_0_0": "40999999"},
        {"c32_7_0": "213.4"},
        {"c1_8_0": "012354.678", "c1_8_2": "000354.678"},
        {"c1_8_1": "012000.020"},
    ],
)
def test_what_is_said_twice_is_the_meters_doing(changed: dict[str, str]) -> None:
    """An empty house that is heated again, a new number by the supplier, a tariff that counts more than the total."""
    meter = Meter()
    meter.says(*lines(**changed))
    verdict = meter.says(*lines(**changed), after=3)
    assert verdict.reading is not None
    assert verdict.notes


def test_another_list_is_believed_when_it_comes_again() -> None:
    """A value under a wrong address is a new register, and a lost line a missing one."""
    meter = Meter()
    wrong = [line.replace("1.8.2", "1.8.7") for line in USUAL]
    assert reasons(meter.says(*wrong)) == [Reason.LIST]
    assert "1.8.7" in values(meter.says(*wrong, after=3))
    assert meter.says(*USUAL).reading is not None, "both lists are known from now on"


def test_a_single_zero_never_gets_through() -> None:
    """Neither one telegram of zeros nor the minutes of them that some meters print when they start."""
    zeros = lines(c1_8_0="000000.000", c1_8_1="000000.000", c1_8_2="000000.000")
    meter = Meter()
    for _ in range(10):
        assert "1.8.0" not in values(meter.says(*zeros, after=30))
    verdicts = [meter.says(*USUAL, after=3) for _ in range(6)]
    assert values(verdicts[-1])["1.8.0"] == "012345.678"


def test_a_counter_that_stays_where_it_fell_to_is_believed_after_a_quarter_of_an_hour() -> None:
    """The rest of its telegram is published meanwhile."""
    meter = Meter()
    fallen = lines(c1_8_0="000000.100", c1_8_1="000000.000", c1_8_2="000000.100")
    verdicts = [meter.says(*fallen) for _ in range(20)]
    published = [values(verdict).get("1.8.0") for verdict in verdicts]
    assert published[:15] == [None] * 15
    assert published[-1] == "000000.100"
    assert values(verdicts[5])["32.7.0"] == "231.4"
    assert any(one.reason is Reason.FELL for verdict in verdicts for one in verdict.notes)


def test_a_counter_that_ran_full_goes_on_at_once() -> None:
    """All digits nine, and then none: that is how counters begin again."""
    before = ("0.0.0(1)", "1.8.0(999999.990*kWh)")
    meter = Meter(settled=False)
    for _ in range(12):
        meter.says(*before)
    after = ("0.0.0(1)", "1.8.0(000000.003*kWh)")
    assert meter.says(*after).reading is None
    verdict = meter.says(*after, after=3)
    assert values(verdict)["1.8.0"] == "000000.003"
    assert [one.reason for one in verdict.notes] == [Reason.FELL]


def test_a_connection_larger_than_was_said_is_learned() -> None:
    """The house has 3 x 250 A."""
    meter = Meter(settled=False)
    counted = [12_000_000 + 2500 * count for count in range(30)]
    verdicts = [meter.says(f"1.8.0({wh // 1000:06}.{wh % 1000:03}*kWh)") for wh in counted]
    assert sum(verdict.reading is None for verdict in verdicts) <= 6
    assert verdicts[-1].reading is not None


def test_numbers_without_leading_zeros_may_grow() -> None:
    """9.9 becomes 10.2 without anything being wrong, as long as widths are still new."""
    meter = Meter(settled=False)
    verdicts = [meter.says(f"16.7.0({value}*kW)") for value in ("9.8", "9.9", "10.1", "9.9", "10.3", "11.2")]
    assert [values(verdict).get("16.7.0") for verdict in verdicts[1:]] == ["9.9", "10.1", "9.9", "10.3", "11.2"]


def test_a_text_that_is_new_each_time_is_left_alone() -> None:
    """A signature, a random number: after a few telegrams that is known."""
    meter = Meter()
    verdicts = [meter.says(*USUAL, f"C.99.1({count * 7919 % 10007:05})", after=10) for count in range(40)]
    assert verdicts[-1].reading is not None
    assert sum(verdict.reading is None for verdict in verdicts) < 15


@pytest.mark.parametrize(("damaged", "needed"), [(0, 1), (1, 2), (8, 3)])
def test_on_a_noisy_line_telegrams_must_agree(damaged: int, needed: int) -> None:
    """Of damaged telegrams, one in a hundred passes the block check."""
    meter = Meter()
    verdicts = [meter.says(*USUAL, after=3, damaged=damaged), *(meter.says(*USUAL, after=3) for _ in range(3))]
    assert [verdict.reading is not None for verdict in verdicts].index(True) + 1 == needed


def test_clocks_go_on_with_time() -> None:
    """A clock that was set is believed when it goes on from there."""
    meter = Meter(settled=False)
    for second in range(0, 50, 10):
        meter.says(f"0.9.1(1200{second:02})", "1.8.0(000001.000*kWh)", after=10)
    assert reasons(meter.says("0.9.1(120105)", "1.8.0(000001.000*kWh)", after=10)) == [Reason.CLOCK]
    assert meter.says("0.9.1(120115)", "1.8.0(000001.000*kWh)", after=10).reading is not None


def test_after_a_restart_readings_go_on() -> None:
    """What is remembered was of another run; the time in between is not known, and the second telegram tells."""
    meter = Meter()
    document = meter.checker.memory.document()
    again = Meter(settled=False)
    again.checker = Checker(memory=Memory.of(document))
    later = lines(c1_8_0="012399.678", c1_8_2="000399.678")
    first, second = again.says(*later), again.says(*later, after=3)
    assert first.reading is None
    assert values(second)["1.8.0"] == "012399.678"
    fallen = Meter(settled=False)
    fallen.checker = Checker(memory=Memory.of(document))
    zeros = lines(c1_8_0="000000.000", c1_8_1="000000.000", c1_8_2="000000.000")
    assert all("1.8.0" not in values(fallen.says(*zeros, after=3)) for _ in range(5))


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"registers": 1, "lists": [], "sums": {}, "exact": {}},
        {"registers": {"a": {}}, "lists": [], "sums": {}, "exact": {}},
    ],
)
def test_a_damaged_memory_is_refused(document: dict[str, object]) -> None:
    """The service then begins anew."""
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        Memory.of(document)


@pytest.mark.parametrize(
    ("address", "value", "after", "doubted"),
    [
        ("1.8.0", "012345.700", 60, False),
        ("1.8.0", "12345.70", 60, False),
        ("1.8.0", "012345.677", 60, True),
        ("1.8.0", "000000.000", 60, True),
        ("1.8.0", "012355.678", 60, True),
        ("1.8.0", "", 60, True),
        ("32.7.0", "229.9", 1, False),
        ("32.7.0", "0", 1, True),
        ("32.7.0", "2314", 1, True),
    ],
)
def test_a_register_that_is_read_alone_is_held_to_what_it_can_be(
    address: str,
    value: str,
    after: float,
    doubted: bool,  # noqa: FBT001 - a table
) -> None:
    """Between full readouts no sum and no other telegram speaks for a value; its digits may have another form."""
    meter = Meter()
    text = lines(**{"c" + address.replace(".", "_"): value})
    found = meter.checker.doubts(reading(*text, at=NOON), meter.t + after)
    assert found == ({address} if doubted else set())


def test_a_jump_is_believed_when_the_next_value_is_near_it() -> None:
    """A phase that failed is told a round later; one wrong value is never told."""
    meter = Meter()
    failed, back = reading(*lines(c32_7_0="0.0"), at=NOON), reading(*lines(c32_7_0="230.0"), at=NOON)
    assert meter.checker.doubts(failed, meter.t + 1) == {"32.7.0"}
    assert not meter.checker.doubts(back, meter.t + 2)
    assert meter.checker.doubts(failed, meter.t + 3) == {"32.7.0"}
    assert not meter.checker.doubts(failed, meter.t + 4)


def test_a_list_is_known_again_in_another_process() -> None:
    """It is remembered over restarts."""
    program = (
        "from tests.mqtt.samples import reading\n"
        "from obisgw.readings.checks.seen import Seen\n"
        "print(Seen.of(reading('0.0.0(1)', '1.8.0(2*kWh)'), 0.0).shape)\n"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
