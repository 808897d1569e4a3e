"""One request under way: the commands that may be understood, the blocks that came, and what went wrong so far."""

from __future__ import annotations

from .block_check import BlockCheckKind
from .commands import ReadCommand, ReadRequest, command_message, data_set
from .data_sets import parse_data_sets
from .dialect import Dialect
from .framing import Block


class Inquiry:
    """A request, and the commands to ask it with, one after another until the meter understands one.

    ``quiet``: nobody waits for the answer, it keeps the session alive. ``doubtful``: something was asked before whose
    answer may still come; ``restarted``: this was asked more than once.
    """

    def __init__(
        self, request: ReadRequest, commands: tuple[ReadCommand, ...], *, quiet: bool = False, doubtful: bool = False
    ) -> None:
        self.request = request
        self.quiet = quiet
        self.doubtful = doubtful
        self.restarted = False
        self.blocks: list[Block] = []
        self.started: float | None = None
        self.repeats = 0
        self.silences = 0
        self._commands = commands
        self._at = 0

    @property
    def command(self) -> ReadCommand:
        """The command that is tried now."""
        return self._commands[self._at]

    @property
    def text(self) -> bytes:
        """The data of all blocks together; a row may be split between two."""
        return b"".join(block.text for block in self.blocks)

    @property
    def size(self) -> int | None:
        """Characters of the answer, None of one in parts."""
        return len(self.blocks[0].raw) if len(self.blocks) == 1 else None

    def message(self, argument: str, kind: BlockCheckKind) -> bytes:
        """Return the command message; ``argument`` stands where the request leaves it open."""
        return command_message(self.command.value, data_set(self.request, argument), kind)

    def next_command(self) -> bool:
        """Go on to the next command; tell whether there is one."""
        if self._at + 1 >= len(self._commands):
            return False
        self._at += 1
        self.repeats = self.silences = 0
        return True

    def restart(self) -> None:
        """Forget what came: the command is asked again."""
        self.blocks.clear()
        self.started = None
        self.doubtful = self.restarted = True

    def is_of_another(self, dialect: Dialect) -> bool:
        """Whether the answer names another register than the one that was asked for."""
        data_sets, _ = parse_data_sets(self.blocks[0].text[:200])
        address = data_sets[0].address if data_sets else ""
        if not address or self.request.address in {address, "GRPNM"}:
            return False
        asked, answered = dialect.code_of(self.request.address), dialect.code_of(address)
        if asked is None or answered is None:
            return True
        return (asked.c, asked.d, asked.e) != (answered.c, answered.d, answered.e)
