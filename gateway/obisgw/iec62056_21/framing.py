"""Finding one data message in the characters of a noisy line (IEC 62056-21 clauses 6.3.1 and 6.3.14).

A message starts at STX (or at its first data line where STX was lost or is not sent) and ends with ETX or EOT and
exactly one block check character, whatever its value. A message without ETX ends at ``!`` in front of a line or behind
a bracket, once the line has gone quiet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from .block_check import BlockCheck, BlockCheckKind, compute
from .characters import EOT, ETX, STX, strip_parity, without_parity
from .identification import Identification, Mode
from .telegram import Telegram

MAX_MESSAGE = 64 * 1024
"""The longest readouts known (months of billing values and a log book) have some 20 kB; an endless one must end."""

# Begins with the sign itself: a search for it is a hundred times faster than one for what may stand in front of it.
_MARK = re.compile(rb"!(?:(?<=[\r\n)]!)|(?<=\A!))")
_DATA_LINE = re.compile(rb"(?:\A|(?<=[\r\n]))[ -'*-.0-~]*\(")
_IDENTIFIED = re.compile(rb"(?:\A|(?<=[\r\n]))/[A-Za-z]{3}[ -.0-~]{1,92}(?=\r*\n)")
_STX = bytes((STX,))
_PRINTABLE = bytes(range(0x20, 0x7F))
_END = b"!\r\n" + bytes((ETX,))
_EVEN_WITH_BIT_7 = bytes(i for i in range(0x80, 0x100) if not i.bit_count() & 1)
_BEFORE_MARK = (b"\n", b"\r", b")", _STX)
_ENOUGH = 4
_LONGEST_END = 16
"""Characters from the end mark on that may come before ETX and block check: some line ends too many."""

_MEANINGFUL = frozenset(range(0x20, 0x7F)) | frozenset(b"\x01\x02\x03\x04\x06\x15\r\n")


class Parity(Enum):
    """Whether the line's eighth bit is a parity bit; learned from what was received."""

    UNKNOWN = auto()
    CARRIED = auto()
    ABSENT = auto()


def observe_parity(raw: bytes, known: Parity = Parity.UNKNOWN) -> Parity:
    """Return what ``raw`` shows of the eighth bit, where nothing was known before."""
    if known is not Parity.UNKNOWN:
        return known
    if len(raw) != len(raw.translate(None, _EVEN_WITH_BIT_7)):
        return Parity.CARRIED
    # Characters with an odd number of ones would have bit 7 set if it were a parity bit.
    return Parity.ABSENT if strip_parity(raw)[1] >= _ENOUGH else Parity.UNKNOWN


def parity_carried(raw: bytes) -> bool:
    """Whether the eighth bit of a whole message is a parity bit. Half of the characters would be wrong if it is none."""
    return not raw.isascii() and strip_parity(raw)[1] * 3 < len(raw)


@dataclass(frozen=True, slots=True)
class Block:
    """One message. ``text`` excludes STX, ETX and the block check; ``raw`` has every character from the start on.

    Characters of ``text`` have seven bits; an eighth bit that is no parity stays, so that no other character is read.

    ``check`` is ABSENT where the message ended without ETX. ``marked`` tells that the end mark ``!`` was seen.
    """

    text: bytes
    raw: bytes
    check: BlockCheck
    kind: BlockCheckKind | None
    parity_errors: int
    started: bool
    marked: bool
    partial: bool


class BlockReceiver:
    """Collects one message from raw characters that come in any pieces.

    ``block`` is None until the message is whole. Characters behind it stay in ``rest``.
    """

    def __init__(self, kinds: tuple[BlockCheckKind, ...], *, software_parity: bool, parity: Parity) -> None:
        self._kinds = kinds or (BlockCheckKind.XOR,)
        self._software_parity = software_parity
        self._parity = parity if software_parity else Parity.ABSENT
        self._raw = bytearray()
        self._clean = bytearray()
        self._start: int | None = None
        self.started = False
        self._searched = 0
        self._end: int | None = None
        self.marked = False
        self.block: Block | None = None
        self.rest = b""

    @property
    def inside(self) -> bool:
        """Whether the beginning of a message was seen."""
        return self._start is not None

    @property
    def size(self) -> int:
        """Characters of the message so far, its STX included; of noise where no beginning was seen."""
        return len(self._raw) - max(0, (self._start or 0) - self.started)

    def named_otherwise(self, identification: str) -> bool:
        """Whether another identification than this one stands in front of the message."""
        before = bytes(self._clean[: max(0, (self._start or 0) - self.started)])
        return any(line.decode("ascii") != identification for line in _IDENTIFIED.findall(before))

    @property
    def tail(self) -> bytes:
        """The last few characters received, without parity."""
        return bytes(self._clean[-8:])

    @property
    def least(self) -> int:
        """Characters that must still come before the message can end, by its grammar; 0 where nothing is known.

        For telling when to look again: meters that deviate are seen a few characters late.
        """
        if self._start is None:
            return 0
        if self._end is not None:
            return 1  # The block check character.
        text = self._clean
        mark = text.rfind(b"!", max(0, len(text) - len(_END)))
        if mark >= 0 and text[mark - 1 : mark] in _BEFORE_MARK and _END.startswith(text[mark:]):
            return len(_END) + 1 - (len(text) - mark)
        begin = max(text.rfind(b"\n"), text.rfind(b"\r"), self._start - 1) + 1
        if text.rfind(b"(", begin) > text.rfind(b")", begin):
            missing = b")\r\n"
        elif begin == len(text):
            missing = b"\n" if text.endswith(b"\r") else b""
        else:
            missing = b"\r\n" if text.endswith(b")") else b"()\r\n"
        return len(missing) + len(_END) + 1

    @property
    def overdue(self) -> bool:
        """Whether data without STX went on behind their end mark: whoever sends them sends no ETX."""
        if self._start is None or self.started or not self.marked:
            return False
        mark = end_of_data(self._clean, self._start)
        return mark is not None and len(self._clean) - mark > _LONGEST_END

    @property
    def unreadable(self) -> bool:
        """Whether at least half of what came is damaged or belongs to no message: another speed or format."""
        if not self._raw:
            return False
        damaged = sum(
            1
            for raw, clean in zip(self._raw, self._clean, strict=True)
            if clean not in _MEANINGFUL or (self._parity is Parity.CARRIED and raw.bit_count() & 1)
        )
        return damaged * 2 >= len(self._raw)

    def feed(self, raw: bytes) -> None:
        """Take characters; sets ``block`` when they make the message whole."""
        if self.block is not None:
            self.rest += raw
            return
        if self._software_parity and self._parity is Parity.UNKNOWN:
            self._parity = observe_parity(bytes(self._raw[-64:]) + raw)
        self._raw += raw
        self._clean += without_parity(raw)
        if self._start is None:
            self._find_start()
        if self._start is not None:
            self._find_end()

    def _find_start(self) -> None:
        position = self._clean.find(_STX)
        while position >= 0:
            if not self._damaged(position):
                self._start, self.started = position + 1, True
                self._searched = self._start
                return
            position = self._clean.find(_STX, position + 1)
        if (line := _DATA_LINE.search(self._clean)) is not None:
            self._start = self._searched = line.start()

    def _damaged(self, position: int) -> bool:
        return self._parity is Parity.CARRIED and self._raw[position].bit_count() & 1 == 1

    def _find_end(self) -> None:
        start = self._start or 0
        while self._end is None and (position := self._next_end()) is not None:
            self._searched = position + 1
            # A control character made by noise shows by its parity; the message goes on behind it.
            if not self._damaged(position):
                self._end = position
        if self._end is None:
            from_line = max(start, self._searched - 1)
            self.marked = self.marked or _MARK.search(self._clean, from_line) is not None
            self._searched = len(self._clean)
            return
        if len(self._clean) > self._end + 1:
            self._finish(self._end)

    def _next_end(self) -> int | None:
        etx, eot = self._clean.find(ETX, self._searched), self._clean.find(EOT, self._searched)
        return min((position for position in (etx, eot) if position >= 0), default=None)

    def _finish(self, end: int) -> None:
        received = self._clean[end + 1]
        start, check, kind = self._start or 0, BlockCheck.BAD, self._kinds[0]
        # Noise in front can hold an STX, and a lost one leaves other beginnings: the block check tells which is right.
        for candidate in self._starts(end):
            covered = bytes(self._clean[candidate : end + 1])
            for kind in self._kinds:
                if compute(kind, covered) == received:
                    start, check = candidate, BlockCheck.OK
                    break
            if check is BlockCheck.OK:
                break
        text = self._text(start, end)
        if _STX in text:
            # Two messages ran into one because the end of the first was lost: that a check fits is chance.
            check = BlockCheck.BAD
        self.marked = _MARK.search(text) is not None
        self.block = Block(
            text=text,
            raw=bytes(self._raw[max(0, start - 1) : end + 2]),
            check=check,
            kind=kind,
            parity_errors=self._count_errors(start, end + 1),
            started=self.started,
            marked=self.marked,
            partial=self._clean[end] == EOT,
        )
        self.rest = bytes(self._raw[end + 2 :])

    def _starts(self, end: int) -> list[int]:
        first = self._start or 0
        starts = [first]
        if not self.started:
            # The first character of the data was damaged, and with it STX: what is printable then, or what follows.
            bracket = self._clean.find(b"(", 0, end)
            line = len(self._clean[:bracket].rstrip(_PRINTABLE))
            starts += [start for start in (line, line + 1) if start < bracket]
        position = self._clean.find(_STX, first, end)
        while position >= 0 and self._clean.find(b")", first, position) < 0:
            starts.append(position + 1)
            position = self._clean.find(_STX, position + 1, end)
        return starts

    def _text(self, start: int, end: int) -> bytes:
        raw = bytes(self._raw[start:end])
        if self._parity is Parity.CARRIED or raw.isascii() or not strip_parity(raw)[1]:
            return bytes(self._clean[start:end])
        return raw

    def _count_errors(self, start: int, end: int) -> int:
        if self._parity is not Parity.CARRIED:
            return 0
        return strip_parity(bytes(self._raw[start:end]))[1]

    def close(self) -> Block | None:
        """End the message because the line went quiet; None when no beginning was seen."""
        if self.block is not None or self._start is None:
            return self.block
        text = self._text(self._start, len(self._clean))
        marks = list(_MARK.finditer(text))
        self.marked = bool(marks)
        damaged_end = False
        if marks:
            # Behind STX, an ETX that was damaged on its way is no end without block check.
            damaged_end = self.started and text[marks[-1].end() :].strip(b"\r\n") != b""
            text = text[: marks[-1].end()]
        self.block = Block(
            text=text,
            raw=bytes(self._raw[max(0, self._start - 1) :]),
            # ETX came and its block check did not: that is damage, not a message without one.
            check=BlockCheck.BAD if self._end is not None or damaged_end else BlockCheck.ABSENT,
            kind=None,
            parity_errors=self._count_errors(self._start, self._start + len(text)),
            started=self.started,
            marked=self.marked,
            partial=False,
        )
        return self.block


def _next_end(text: bytearray, start: int) -> int | None:
    """Return the position of the next ETX or EOT."""
    places = [place for character in (ETX, EOT) if (place := text.find(character, start)) >= 0]
    return min(places, default=None)


def end_of_data(text: bytes | bytearray, start: int = 0) -> int | None:
    """Return the position of the end mark ``!`` in seven-bit ``text``, or None."""
    match = _MARK.search(text, start)
    return None if match is None else match.end() - 1


_WHOLE_CODE = re.compile(rb"[\r\n ]*(?:[0-9]+-[0-9]+:)?[0-9A-Za-z]+\.[0-9A-Za-z]")


def begins_with_code(text: bytes) -> bool:
    """Whether data without STX begin with a whole code: an exclusive or does not miss "0.0." in front of "0(12345678)"."""
    return _WHOLE_CODE.match(text) is not None


_SEVERITY = (BlockCheck.BAD, BlockCheck.ABSENT, BlockCheck.OK)


def telegram_of(identification: Identification | None, mode: Mode, blocks: list[Block], *, complete: bool) -> Telegram:
    """Return the telegram that ``blocks`` make together; its check is the worst of theirs."""
    # By what may be published: one bad block spoils all, one without a check leaves all without.
    worst = min((block.check for block in blocks), key=_SEVERITY.index)
    return Telegram(
        identification=identification,
        mode=mode,
        block=b"".join(block.text for block in blocks),
        check=worst,
        check_kind=None if worst is BlockCheck.ABSENT else blocks[-1].kind,
        parity_errors=sum(block.parity_errors for block in blocks),
        complete=complete,
        raw=b"".join(block.raw for block in blocks),
    )
