"""Messages of both ends of programming mode, for tests that write dialogues down."""

from __future__ import annotations

from obisgw.iec62056_21.block_check import BlockCheckKind, compute
from obisgw.iec62056_21.commands import ReadCommand, ReadRequest, command_message
from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.opening import Access
from obisgw.iec62056_21.plan import LinePlan
from obisgw.iec62056_21.programming import ProgrammingSession
from obisgw.iec62056_21.settings import SessionSettings
from tests.iec62056_21.bench import Bench

XOR, SUM = BlockCheckKind.XOR, BlockCheckKind.SUM7
BREAK = b"\x01B0\x03q"
ACK, NAK = b"\x06", b"\x15"


def answer(data: bytes, end: bytes = b"\x03", kind: BlockCheckKind = XOR) -> bytes:
    """STX, data, ETX (or EOT) and the block check."""
    return b"\x02" + data + end + bytes((compute(kind, data + end),))


def operand(text: bytes | None = b"", kind: BlockCheckKind = XOR) -> bytes:
    """The meter's P0."""
    return command_message("P0", None if text is None else b"(" + text + b")", kind)


def asked(command: str, data: bytes, kind: BlockCheckKind = XOR) -> bytes:
    """A command as it must be on the line."""
    return command_message(command, data, kind)


def request(address: str, argument: str | None = None, *commands: ReadCommand) -> ReadRequest:
    """What is asked for."""
    return ReadRequest(address, argument, commands)


def session(
    access: Access | None = None,
    identification: bytes | None = b"/ISk5ME162-0033\r\n",
    plan: LinePlan | None = None,
    dialect: str | None = None,
    **options: object,
) -> Bench[ProgrammingSession]:
    """A session that has just changed its speed; ``identification`` None leaves it at its request."""
    dialects = Dialects.load()
    settings = SessionSettings(dialect=dialects.named(dialect) if dialect else None, **options)  # type: ignore[arg-type]
    bench = Bench(ProgrammingSession(settings, plan or LinePlan(), dialects, access))
    bench.run()
    if identification is not None:
        bench.hear(identification)
        bench.run(bench.now + 0.5)
    return bench


def opened(
    access: Access | None = None, identification: bytes = b"/ISk5ME162-0033\r\n", **options: object
) -> Bench[ProgrammingSession]:
    """A session that is open, by a meter that wants no password."""
    bench = session(access, identification, **options)  # type: ignore[arg-type]
    bench.hear(operand())
    bench.run(bench.now + 0.25)
    return bench
