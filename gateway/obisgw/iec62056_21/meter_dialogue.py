"""The meter's end of programming mode, message by message. When they go out is `meter.MeterSession`'s."""

from __future__ import annotations

from collections import deque

from obisgw.obis import Medium, ObisCode
from obisgw.secret import Secret

from .block_check import BlockCheckKind
from .characters import ACK, EOT, ETX, NAK, SOH
from .commands import Command, command_message, parse_command
from .messages import ACK_MESSAGE, LINE_END, NAK_MESSAGE, break_message
from .meter_answers import framed
from .meter_programming import (
    CommandHeard,
    MeterProgramming,
    No,
    PasswordHeard,
    ProgrammingEvent,
    Refused,
    SessionEnded,
    Written,
)
from .meter_settings import MeterData, MeterSettings
from .password import Password, PasswordLevel

_LONGEST = 300
_WORDS = {No.NAK: NAK_MESSAGE, No.ACK: ACK_MESSAGE, No.SILENCE: b"", No.BEL: b"\x07"}
_KINDS = (BlockCheckKind.XOR, BlockCheckKind.SUM7)


class MeterDialogue:
    """One meter's programming mode. ``ended``: the meter has hung up, or is about to by its next message.

    ``written`` holds what was changed, over all sessions.
    """

    def __init__(self, settings: MeterSettings, programming: MeterProgramming, data: MeterData) -> None:
        self.programming = programming
        self.written: dict[str, str] = {}
        self.ended = False
        self.latest = b""
        """The data of the latest answer, all parts together."""
        self._settings = settings
        self._data = data
        self._events: list[ProgrammingEvent] = []
        self._kind = settings.check or BlockCheckKind.XOR
        self._buffer = bytearray()
        self._blocks: deque[bytes] = deque()
        self._message = b""
        self._open = False
        self._wrong = 0
        self._locked_until = float("-inf")

    def events(self) -> list[ProgrammingEvent]:
        """Return what happened since the last call, in order."""
        events, self._events = self._events, []
        return events

    # --- what goes out

    def begin(self) -> bytes:
        """Return the first message of a session: P0, or what this meter sends in its place."""
        programming = self.programming
        self.ended, self._open = False, programming.password is None
        self._blocks.clear()
        self._buffer.clear()
        first = ACK_MESSAGE + LINE_END if programming.acknowledges else b""
        if programming.asks:
            operand = None if programming.operand is None else f"({programming.operand})".encode("ascii")
            first += command_message("P0", operand, self._kind)
        self._message = first
        return first

    def expire(self, now: float) -> bytes:
        """Return what the meter says when nothing was said for too long."""
        self.ended = True
        self._events.append(SessionEnded(now))
        return break_message(self._kind) if self.programming.hangs_up else b""

    # --- what comes in

    @property
    def hearing(self) -> bool:
        """Whether a message has begun."""
        return bool(self._buffer)

    def hear(self, character: int, now: float) -> bytes | None:
        """Take a seven-bit character; return the message that it makes the meter send, None while there is none."""
        if not self._buffer:
            if character == ACK and self._blocks:
                return self._next_block()
            if character == NAK and self._message:
                return self._message
            if character == SOH:
                self._buffer.append(character)
            return None
        self._buffer.append(character)
        if len(self._buffer) > _LONGEST:
            self._buffer.clear()
        if len(self._buffer) < 5 or self._buffer[-2] not in (ETX, EOT):
            return None
        message = bytes(self._buffer)
        self._buffer.clear()
        return self.answer(message, now)

    def answer(self, message: bytes, now: float) -> bytes | None:
        """Return the answer to a whole command; None to what is none."""
        command = parse_command(message, (self._kind, *_KINDS) if self._settings.check is None else (self._kind,))
        if command is None:
            return None
        if command.kind is None:
            return NAK_MESSAGE
        self._blocks.clear()
        if command.name in {"P1", "P2"}:
            return self._say(self._authenticate(command, now))
        refused, reply = self._obey(command, now)
        self._events.append(CommandHeard(command.name, command.address, refused, now))
        return self._say(reply)

    def _say(self, reply: bytes) -> bytes:
        self._message = reply
        return reply

    def _no(self, refused: Refused) -> bytes:
        if refused is No.BREAK:
            self.ended = True
            return break_message(self._kind)
        if isinstance(refused, str):
            return framed(self._settings, refused.encode("ascii"), last=True)
        return _WORDS[refused]

    # --- passwords

    def _authenticate(self, command: Command, now: float) -> bytes:
        programming = self.programming
        if now < self._locked_until:
            self._events.append(PasswordHeard(accepted=False, at=now))
            return self._no(programming.locked)
        if self._is_right(command):
            self._wrong, self._open = 0, True
            self._events.append(PasswordHeard(accepted=True, at=now))
            return ACK_MESSAGE
        self._wrong += 1
        self._events.append(PasswordHeard(accepted=False, at=now))
        if self._wrong >= programming.attempts:
            self._wrong, self._locked_until = 0, now + programming.locked_for
        return self._no(programming.wrong_password)

    def _is_right(self, command: Command) -> bool:
        programming = self.programming
        if programming.password is None:
            return True
        level = PasswordLevel(command.name)
        if level is not programming.level and programming.level is PasswordLevel.P2:
            return False
        password = Password(Secret(programming.password), level)
        expected = password.answer(programming.operand or "", programming.p2)
        return expected is not None and command.argument == expected.reveal()

    # --- commands

    def _obey(self, command: Command, now: float) -> tuple[bool, bytes]:
        programming = self.programming
        if command.name.startswith(("W", "E")):
            return self._change(command, now)
        if command.name not in programming.commands:
            return True, self._no(programming.unknown_command)
        if programming.reads_locked and not self._open:
            return True, self._no(programming.no_access)
        data = self._read(command, now)
        if data is None:
            return True, self._no(programming.unknown_address)
        self.latest = data
        self._blocks.extend(self._messages(data, parts=command.name in {"R3", "R4", "R6"}, lines=_lines(command)))
        return False, self._next_block()

    def _read(self, command: Command, now: float) -> bytes | None:
        programming = self.programming
        if command.address == "GRPNM":
            names = [name for name in command.argument.split("()") if name]
            values = [self._value(name, now) for name in names]
            return None if None in values else b"".join(value.replace(LINE_END, b"") for value in values if value)
        records = programming.records.get(command.address)
        if records is None:
            return self._value(command.address, now)
        found = records(command.argument, now)
        return f"{command.address}(ERROR)".encode("ascii") if found is None else found

    def _value(self, address: str, now: float) -> bytes | None:
        """Return the data set under an address of the list, with what follows it without one."""
        wanted = self.programming.addresses.get(address, address)
        lines: list[bytes] = []
        for line in self._data(now).splitlines():
            own, _, value = line.partition(b"(")
            name = own.decode("latin-1")
            if _same(name, wanted):
                if (written := self.written.get(address)) is not None:
                    value = f"{written})".encode("latin-1")
                printed = address.encode("ascii") if wanted != address else own
                lines.append((printed if self.programming.named else b"") + b"(" + value)
            elif lines and not own:
                lines.append(line)
            elif lines:
                break
        if not lines:
            return None
        end = LINE_END if self.programming.line_end or len(lines) > 1 else b""
        return LINE_END.join(lines) + end

    def _change(self, command: Command, now: float) -> tuple[bool, bytes]:
        programming = self.programming
        if not self._open:
            return True, self._no(programming.no_access)
        if command.address not in programming.writable:
            return True, self._no(programming.unknown_address)
        self.written[command.address] = command.argument
        self._events.append(Written(command.address, command.argument, now))
        return False, ACK_MESSAGE

    def _messages(self, data: bytes, *, parts: bool, lines: int | None) -> list[bytes]:
        each = lines or self.programming.block_lines
        if not parts or not each:
            return [framed(self._settings, data, last=True)]
        rows = data.splitlines(keepends=True) or [b""]
        pieces = [b"".join(rows[start : start + each]) for start in range(0, len(rows), each)]
        last = len(pieces) - 1
        return [framed(self._settings, piece, last=place == last) for place, piece in enumerate(pieces)]

    def _next_block(self) -> bytes:
        self._message = self._blocks.popleft()
        return self._message


def _same(own: str, wanted: str) -> bool:
    """Whether a register of the list is meant: reduced codes leave out what full ones have."""
    if own == wanted or "*" in wanted:
        return own == wanted
    one, other = ObisCode.parse(own, Medium.ELECTRICITY), ObisCode.parse(wanted, Medium.ELECTRICITY)
    if one is None or other is None or one.f != other.f:
        return False
    full = "-" in wanted and "-" in own
    return (one.c, one.d, one.e) == (other.c, other.d, other.e) and (not full or (one.a, one.b) == (other.a, other.b))


def _lines(command: Command) -> int | None:
    """Return the lines for each block that the third field of ``P.01(from;to;8)`` asks for."""
    fields = command.argument.split(";")
    return int(fields[2]) if len(fields) == 3 and fields[2].isdigit() and int(fields[2]) else None
