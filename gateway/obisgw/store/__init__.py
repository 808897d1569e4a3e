"""What the gateway remembers of its meters: readings for days, counters at quarter hours and hours for years."""

from __future__ import annotations
