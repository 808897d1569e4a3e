"""Six digits in exchange for a token: for a short time, once, and not by trying them all.

Pure: time is an argument, in seconds of any clock that only rises.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Final

from .problems import Problem, ProblemError

DIGITS: Final = 6
VALID_FOR: Final = 300.0
TRIES: Final = 5
LOCKED_FOR: Final = 60.0
LOCKED_AT_MOST: Final = 3600.0


class Pairing:
    """The one code that may be open.

    ``TRIES`` wrong codes close the code that is open and lock pairing, each time for twice as long; a new code, which
    only the owner can ask for, unlocks it. A guess among a million has five tries a code.
    """

    def __init__(self) -> None:
        self._code: str | None = None
        self._until = 0.0
        self._wrong = 0
        self._locks = 0
        self._locked_until = 0.0

    def open(self, now: float) -> str:
        """Return a new code, which replaces the one before, and unlock."""
        self._code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        self._until = now + VALID_FOR
        self._wrong = 0
        self._locked_until = 0.0
        return self._code

    def close(self) -> None:
        """Take the code back."""
        self._code = None

    def try_code(self, code: str, now: float) -> None:
        """Use a code up. Raises ProblemError: wrong, none open, or locked."""
        if now < self._locked_until:
            raise _locked(self._locked_until - now)
        if self._code is None or now >= self._until:
            self._code = None
            detail = "run 'obis-gateway pair' on the gateway's machine: it shows a code that holds for five minutes"
            raise ProblemError(Problem.NO_CODE, detail)
        given = "".join(sign for sign in code if sign not in " -")
        if hmac.compare_digest(given.encode(), self._code.encode()):
            self._code = None
            self._locks = 0
            return
        self._wrong += 1
        if self._wrong < TRIES:
            left = TRIES - self._wrong
            detail = f"look at the code again: {left} more {'try' if left == 1 else 'tries'}"
            raise ProblemError(Problem.WRONG_CODE, detail, {"tries_left": left})
        self._code = None
        pause = min(LOCKED_FOR * 2**self._locks, LOCKED_AT_MOST)
        self._locks = min(self._locks + 1, 10)
        self._locked_until = now + pause
        raise _locked(pause)


def _locked(seconds: float) -> ProblemError:
    whole = max(1, round(seconds))
    detail = f"too many wrong codes: wait {whole} s, then run 'obis-gateway pair' on the gateway's machine"
    return ProblemError(Problem.PAIRING_LOCKED, detail, {"retry_after": whole}, headers={"Retry-After": str(whole)})
