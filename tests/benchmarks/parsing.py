"""How fast telegrams become exact values with normalised codes, beside `iec62056-21` from PyPI in the same run."""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Callable, Sequence

from iec62056_21.messages import AnswerDataMessage  # type: ignore[import-untyped]

from obisgw.iec62056_21.block_check import BlockCheckKind
from obisgw.iec62056_21.data_sets import parse_data_sets
from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.framing import BlockReceiver, Parity, telegram_of
from obisgw.iec62056_21.identification import Mode, parse_identification
from obisgw.iec62056_21.telegram import Telegram
from obisgw.readings.registers import number_of, registers_of
from tests.benchmarks.figures import Figure, median, number
from tests.benchmarks.telegrams import LARGE, Household

ROUNDS = 9
TELEGRAMS = 60

_IDENTIFICATION = parse_identification(b"/ISK5MT174-0001")
_DIALECT = Dialects.load().match(_IDENTIFICATION)


def _telegram(message: bytes) -> Telegram:
    receiver = BlockReceiver((BlockCheckKind.XOR,), software_parity=True, parity=Parity.ABSENT)
    receiver.feed(message)
    assert receiver.block is not None
    return telegram_of(_IDENTIFICATION, Mode.C, [receiver.block], complete=True)


def ours(message: bytes) -> list[object]:
    """Find the block, check it, take it apart; every code normalised, every number exact."""
    telegram = _telegram(message)
    assert telegram.proved
    data_sets, _ = parse_data_sets(telegram.block)
    code_of = _DIALECT.code_of
    return [(code_of(one.address), number_of(one.brackets[0].value), one) for one in data_sets]


def ours_whole(message: bytes) -> object:
    """Go on to registers with names, units and classes."""
    return registers_of(_telegram(message), _DIALECT)


def peer(message: bytes) -> object:
    """Do what the peer's client does with the bytes of a readout: check and data sets; values stay text."""
    return AnswerDataMessage.from_bytes(message).data


def measure() -> list[Figure]:
    """Return the ratios: values that move as a meter's do, the very same telegram, and every value new."""
    figures = []
    for name, messages, limit in (
        ("values move as a meter's do", list(itertools.islice(Household(LARGE), TELEGRAMS)), 2.0),
        (
            "every value new, closed periods too",
            list(itertools.islice(Household(LARGE, all_new=True), TELEGRAMS)),
            None,
        ),
        ("the very same telegram", [Household(LARGE).message()] * TELEGRAMS, 2.0),
    ):
        _check(messages)
        rates = _rates((ours, ours_whole, peer), messages)
        ratio = median(a / b for a, b in zip(rates[0], rates[2], strict=True))
        whole = median(a / b for a, b in zip(rates[1], rates[2], strict=True))
        note = (
            f"{number(median(rates[0]))} telegrams/s, with names and units {number(median(rates[1]))} "
            f"({whole:.1f}x), iec62056-21 {number(median(rates[2]))}; median of {ROUNDS} rounds"
        )
        figures.append(Figure(f"2 kB parsed, {name}: x iec62056-21", ratio, "x", limit, at_least=True, note=note))
    return figures


def _check(messages: Sequence[bytes]) -> None:
    """Both must read every value of what they are timed with."""
    assert all(len(message) == LARGE for message in messages)
    for message in messages[:3]:
        lines = message.count(b"(")
        assert len(ours(message)) == len(AnswerDataMessage.from_bytes(message).data) == lines


def _rates(parsers: Sequence[Callable[[bytes], object]], messages: Sequence[bytes]) -> list[list[float]]:
    """Return telegrams a second of processor time: one list a parser, taken in turns so that noise hits all alike."""
    rates: list[list[float]] = [[] for _ in parsers]
    gc.collect()
    gc.freeze()
    for _ in range(ROUNDS):
        for place, parse in enumerate(parsers):
            start = time.process_time()
            for message in messages:
                parse(message)
            rates[place].append(len(messages) / (time.process_time() - start))
    gc.unfreeze()
    return rates
