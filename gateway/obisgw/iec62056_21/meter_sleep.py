"""A battery meter's sleep, and the signal that ends it (IEC 62056-21 annex B)."""

from __future__ import annotations

from .meter_settings import WakeUp


class Sleep:
    """Watches for NULs without gaps, long enough, followed by the right pause."""

    def __init__(self, wake_up: WakeUp) -> None:
        self._wake_up = wake_up
        self._signal: tuple[float, float] | None = None

    def hear_nul(self, now: float, period: float) -> None:
        """Take a NUL whose last bit came at ``now``; ``period`` is how long a character takes."""
        if self._signal is not None and now - self._signal[1] - period <= self._wake_up.gap:
            self._signal = (self._signal[0], now)
        else:
            self._signal = (now - period, now)

    def woken_at(self, request_began: float) -> float | None:
        """Return when the signal ended that woke the meter for a request, or None: it sleeps on."""
        if self._signal is None:
            return None
        (started, ended), self._signal = self._signal, None
        shortest, longest = self._wake_up.pause
        if ended - started < self._wake_up.signal or not shortest <= request_began - ended <= longest:
            return None
        return ended
