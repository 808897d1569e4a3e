"""The tables, and how older ones become newer ones: one step a version, each in one transaction."""

from __future__ import annotations

from typing import Final

STEPS: Final[tuple[tuple[str, ...], ...]] = (
    (
        "CREATE TABLE meter (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
        """CREATE TABLE register (
            id INTEGER PRIMARY KEY,
            meter INTEGER NOT NULL REFERENCES meter,
            name TEXT NOT NULL,
            unit TEXT NOT NULL,
            UNIQUE (meter, name, unit)
        ) STRICT""",
        # A counter at a quarter hour: Unix time / 900.
        """CREATE TABLE point (
            register INTEGER NOT NULL REFERENCES register,
            quarter INTEGER NOT NULL,
            value TEXT NOT NULL,
            quality INTEGER NOT NULL,
            PRIMARY KEY (register, quarter)
        ) STRICT, WITHOUT ROWID""",
        # What changed in a reading, as register=value;register=value. Times in milliseconds.
        """CREATE TABLE reading (
            meter INTEGER NOT NULL REFERENCES meter,
            at INTEGER NOT NULL,
            changes TEXT NOT NULL,
            PRIMARY KEY (meter, at)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE latest (
            register INTEGER PRIMARY KEY REFERENCES register,
            at INTEGER NOT NULL,
            value TEXT NOT NULL
        ) STRICT""",
        # Messages for the broker, in their order.
        """CREATE TABLE missed (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            meter TEXT NOT NULL,
            at INTEGER NOT NULL,
            payload BLOB NOT NULL
        ) STRICT""",
    ),
)
"""The statements of each version: from an empty file to version 1, from 1 to 2 …"""

VERSION: Final = len(STEPS)
