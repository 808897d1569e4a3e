"""Finding the identification in what comes back after a request: echo, junk, a lost first character."""

from __future__ import annotations

import re

from .characters import SOH, STX, strip_parity
from .events import Failure
from .framing import Parity, observe_parity
from .identification import Identification, parse_identification

MAX_NOISE = 256
"""At 300 Bd more than eight seconds; an identification has some twenty characters."""

MAX_IDENTIFICATION = 96

# Without its "/" a line is only taken when it looks like nothing else: two capitals, a letter, a baud character.
_WITHOUT_SLASH = re.compile(rb"[A-Z]{2}[A-Za-z][0-9A-I][ -~]*\Z")
_SESSION_OPEN = bytes((SOH,)) + b"B0"


class SignOnReader:
    """Collects raw characters after a request until they hold an identification.

    ``echo``: characters of the own request that came back. ``direct_data``: raw characters from STX on, from meters
    that send data without identification. ``session_open``: the meter answered with a break. ``overflow``: too much
    came. ``started``: an identification has begun. ``rest``: raw characters behind the identification's line.
    """

    def __init__(self, request: bytes, parity: Parity, *, software_parity: bool) -> None:
        self.echo = 0
        self.direct_data: bytes | None = None
        self.rest = b""
        self.session_open = False
        self.overflow = False
        self.started = False
        self.parity = parity
        self._software_parity = software_parity
        self._request = request
        self._raw = b""
        self._clean = b""
        self._position = 0
        self._echo_end = 0
        self._damaged: str | None = None

    def feed(self, raw: bytes) -> Identification | None:
        """Take characters; return the identification once its line is whole."""
        self._raw += raw
        self._clean = strip_parity(self._raw)[0] if self._software_parity else self._raw
        if self._software_parity:
            self.parity = observe_parity(self._raw, self.parity)
        self._find_echo()
        identification = self._find_line() or self._find_without_slash()
        if identification is None:
            self._find_others()
        return identification

    def explain(self) -> tuple[Failure, str]:
        """Return why there is no identification."""
        if self._damaged is not None:
            return Failure.GARBAGE, f"an identification came damaged: {self._damaged!r}"
        if self.overflow:
            return Failure.GARBAGE, "characters came without end, but no identification"
        others = len(self._clean.replace(b"\0", b"")) - self._echo_end
        if not self._raw:
            return Failure.SILENCE, "nothing came back"
        if others <= 0:
            return Failure.ECHO_ONLY if self._echo_end else Failure.GARBAGE, (
                "only the own request came back" if self._echo_end else f"{len(self._raw)} NUL characters came back"
            )
        return Failure.GARBAGE, f"{len(self._raw)} characters came back that are no identification"

    def _find_echo(self) -> None:
        if self._echo_end:
            return
        start = self._clean.find(self._request)
        if start >= 0:
            self.echo = len(self._request)
            self._echo_end = self._position = start + self.echo

    def _parity_of(self, start: int, end: int) -> Parity:
        """Return what a line itself shows of its parity: noise and echo in front of it are not the meter's."""
        own = observe_parity(self._raw[start:end]) if self._software_parity else Parity.UNKNOWN
        return self.parity if own is Parity.UNKNOWN else own

    def _damage(self, start: int, end: int) -> int:
        return strip_parity(self._raw[start:end])[1] if self._parity_of(start, end) is Parity.CARRIED else 0

    def _find_line(self) -> Identification | None:
        self.started = False
        while (start := self._clean.find(b"/", self._position)) >= 0:
            rest = self._clean[start:]
            if self._request.startswith(rest) or (len(rest) == 1):
                self.started = not self._request.startswith(rest) or bool(self._echo_end)
                return None
            # The echo may be cut or damaged; no manufacturer begins with the sign of a request.
            if rest[1:2] == self._request[1:2] or rest[1:2] == b"?":
                self._echo_end = max(self._echo_end, start + 1)
                self._position = start + 1
                continue
            end = rest.find(b"\n")
            if end < 0:
                if len(rest) > MAX_IDENTIFICATION:
                    self._position = start + 1
                    continue
                self.started = True
                return None
            identification = parse_identification(rest[:end])
            if identification is not None and not self._damage(start, start + end):
                self.parity = self._parity_of(start, start + end)
                self.rest = self._raw[start + end + 1 :]
                return identification
            if identification is not None:
                self._damaged = rest[:end].decode("latin-1").rstrip("\r")
            self._position = start + 1
        return None

    def _find_without_slash(self) -> Identification | None:
        """Find a line that lost its first character, the one that heads and meters lose after a long pause."""
        start = self._echo_end
        for line in self._clean[start:].split(b"\n")[:-1]:
            end = start + len(line)
            begin = start
            while begin < end and (not 0x20 < self._clean[begin] < 0x7F or self._damage(begin, begin + 1)):
                begin += 1
            text = self._clean[begin:end].rstrip(b"\r")
            if _WITHOUT_SLASH.match(text) and not self._damage(begin, end):
                self.parity = self._parity_of(begin, end)
                self.rest = self._raw[end + 1 :]
                return parse_identification(b"/" + text)
            start = end + 1
        return None

    def _find_others(self) -> None:
        if _SESSION_OPEN in self._clean:
            self.session_open = True
            return
        stx = self._clean.find(bytes((STX,)), self._echo_end)
        following = self._clean[stx + 1 : stx + 3]
        begins = stx >= 0 and len(following) == 2 and all(0x20 <= character < 0x7F for character in following)
        if begins and b"/" not in self._clean[stx:] and not self._damage(stx, stx + 3):
            self.parity = self._parity_of(stx, len(self._raw))
            self.direct_data = self._raw[stx:]
            return
        self.overflow = len(self._clean) - self._echo_end > MAX_NOISE
