"""The command messages of programming mode (IEC 62056-21 clause 6.3.9): SOH C D [STX data] ETX and its block check.

Only commands that read are made here. What is asked for is printable text: no address or argument can smuggle the end
of the message, and behind it another command, onto the line.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .block_check import BlockCheckKind, compute
from .characters import EOT, ETX, SOH, STX

LONGEST_GROUP = 160
"""Energomera's meters take group reads of so many characters."""


class ReadCommand(Enum):
    """R1 to R6: ASCII, formatted and national codes, each with and without partial blocks."""

    R1 = "R1"
    R2 = "R2"
    R3 = "R3"
    R4 = "R4"
    R5 = "R5"
    R6 = "R6"

    @property
    def partial(self) -> bool:
        """Whether the answer may come in blocks that are acknowledged one by one."""
        return self in {ReadCommand.R3, ReadCommand.R4, ReadCommand.R6}


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What is asked for: ``address(argument)``, as in ``1.8.0()`` or ``P.01(02401010000;02401020000)``.

    ``commands`` are tried in this order until the meter understands one; empty: as its dialect says. ``argument`` None
    is what the dialect wants where nothing is meant. ``meant`` is what the owner called it, where the meter has another
    address for it. ``patience`` is the time in seconds within which the answer begins. Raises ``ValueError`` for what cannot stand in a message.
    """

    address: str
    argument: str | None = None
    commands: tuple[ReadCommand, ...] = ()
    meant: str | None = None
    patience: float = 1.5

    def __post_init__(self) -> None:
        if not is_address(self.address):
            raise ValueError(f"no address: {self.address!r}")
        if self.argument is not None and not is_argument(self.argument):
            raise ValueError(f"no argument: {self.argument!r}")

    @property
    def name(self) -> str:
        """What was meant, in words for whoever asked."""
        return self.meant or self.address


def is_address(text: str) -> bool:
    """Whether a text can be the address of a data set."""
    return 0 < len(text) <= 32 and all(" " <= character <= "~" and character not in "()/!" for character in text)


def is_argument(text: str) -> bool:
    """Whether a text can stand in the brackets of a command; a group read has brackets in it."""
    return all(" " <= character <= "~" and character not in "/!" for character in text)


def group_read(names: tuple[str, ...]) -> ReadRequest:
    """Return Energomera's read of several registers at once. Raises ``ValueError`` where they are too many."""
    request = ReadRequest("GRPNM", "".join(f"{name}()" for name in names), (ReadCommand.R1,))
    if len(command_message("R1", data_set(request, ""))) > LONGEST_GROUP:
        raise ValueError(f"{len(names)} names are longer than the {LONGEST_GROUP} characters of a group read")
    return request


def data_set(request: ReadRequest, argument: str) -> bytes:
    """Return ``address(argument)``; ``argument`` where the request leaves it open."""
    return f"{request.address}({argument if request.argument is None else request.argument})".encode("ascii")


def command_message(command: str, data: bytes | None = None, kind: BlockCheckKind = BlockCheckKind.XOR) -> bytes:
    """Return a command of two characters with its data set, seven-bit."""
    body = command.encode("ascii") + (b"" if data is None else bytes((STX,)) + data) + bytes((ETX,))
    return bytes((SOH,)) + body + bytes((compute(kind, body),))


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it was heard. ``data`` is what stands behind STX, None where there is no STX."""

    name: str
    data: bytes | None
    partial: bool
    kind: BlockCheckKind | None
    """How its block check is computed; None where it is wrong."""

    @property
    def address(self) -> str:
        """The text in front of the first bracket."""
        return (self.data or b"").partition(b"(")[0].decode("latin-1")

    @property
    def argument(self) -> str:
        """The text in the outer brackets."""
        return (self.data or b"").partition(b"(")[2].rpartition(b")")[0].decode("latin-1")


def parse_command(message: bytes, kinds: tuple[BlockCheckKind, ...]) -> Command | None:
    """Return the command in a whole message (seven-bit, from SOH to the block check), or None if it is none."""
    if len(message) < 5 or message[0] != SOH or message[-2] not in (ETX, EOT):
        return None
    body = message[1:-2]
    name, data = body[:2], body[2:]
    if not (name[:1].isalpha() and name[1:].isdigit()) or (data and data[0] != STX):
        return None
    kind = next((kind for kind in kinds if compute(kind, message[1:-1]) == message[-1]), None)
    return Command(name.decode("ascii"), data[1:] if data else None, message[-2] == EOT, kind)
