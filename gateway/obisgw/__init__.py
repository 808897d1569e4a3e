"""OBIS Gateway: utility meters, read by IEC 62056-21, as Home Assistant devices."""

from __future__ import annotations

__version__ = "0.1.0"
