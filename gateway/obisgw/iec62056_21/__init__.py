"""IEC 62056-21, sans-IO, both ends: bytes and time in, ordered actions and events out."""
