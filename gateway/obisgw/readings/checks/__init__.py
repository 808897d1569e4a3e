"""Whether a reading is believed before it is published: what parity and block check cannot see."""

from __future__ import annotations

from .checker import Checker, Verdict
from .limits import Connection
from .memory import Memory
from .suspicion import Reason, Suspicion

__all__ = ["Checker", "Connection", "Memory", "Reason", "Suspicion", "Verdict"]
