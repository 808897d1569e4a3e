"""DLMS/COSEM (IEC 62056-46, -53, -61, -62): both ends, without I/O and without a clock of its own."""

from __future__ import annotations
