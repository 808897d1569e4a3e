"""A telegram of no meter, taken apart once before the first real one: what runs for the first time takes ten times as long.

Patterns are compiled, descriptions of the usual codes looked up, and code is specialised while a meter has not begun to
send.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from obisgw.iec62056_21.block_check import BlockCheckKind, compute
from obisgw.iec62056_21.characters import add_parity
from obisgw.iec62056_21.framing import BlockReceiver, Parity, telegram_of
from obisgw.iec62056_21.identification import Mode, parse_identification

from .identity import identity_of
from .reading import Reading
from .registers import registers_of

if TYPE_CHECKING:
    from obisgw.iec62056_21.dialects import Dialect

_IDENTIFICATION = b"/XXX5REHEARSAL"
_LINES = (
    "F.F(00000000)",
    *(f"{code}(00000000)" for code in ("0.0.0", "0.0.1", "C.1.0", "C.7.0", "C.7.1", "C.5.0", "0.1.0")),
    "0.1.2*01(24-11-01 00:00)",
    "0.2.0(V1.00)",
    "C.1.6(FDF5)",
    "0.9.1(12:00:00)",
    "0.9.2(24-11-22)",
    "1.6.1(01.000*kW)(24-11-22 12:00)",
    "1.6.1*01(01.000)(24-11-01 12:00)",
    *(f"{c}.8.{e}({c:06}.{e:03}*{'kWh' if c < 3 else 'kvarh'})" for c in (1, 2, 3, 4) for e in (0, 1, 2)),
    *(f"{c}.8.0(000001.000*kvarh)" for c in (5, 6, 7, 8)),
    *(f"{c}.8.{e}*{f:02}(000001.000)" for c in (1, 2) for e in (0, 1, 2) for f in (1, 2)),
    *(f"{c}.7.0(00.100*kW)" for c in (1, 2, 16, 36, 56, 76)),
    *(f"{c}.7.0(230.1*V)" for c in (32, 52, 72)),
    *(f"{c}.7.0(001.23*A)" for c in (31, 51, 71)),
    "13.7.0(0.99)",
    "14.7.0(50.00*Hz)",
    "C.90.2(00000000)",
)


def rehearsed(dialect: Dialect) -> Reading:
    """Return the reading of a telegram that no meter sent; for rehearsing what comes after, never for publishing."""
    text = "".join(f"{line}\r\n" for line in _LINES).encode() + b"!\r\n\x03"
    kinds = (BlockCheckKind.XOR,)
    receiver = BlockReceiver(kinds, software_parity=True, parity=Parity.UNKNOWN)
    receiver.feed(add_parity(b"\x02" + text))
    receiver.feed(add_parity(bytes((compute(kinds[0], text),))))
    block = receiver.block
    if block is None:
        raise AssertionError("the telegram of the rehearsal is not whole")
    identification = parse_identification(_IDENTIFICATION)
    telegram = telegram_of(identification, Mode.C, [block], complete=True)
    registers, unparsed = registers_of(telegram, dialect)
    identity = identity_of(identification, registers, dialect, "rehearsal")
    return Reading(identity, datetime(2024, 11, 22, 12, tzinfo=UTC), 1.0, registers, unparsed, telegram)
