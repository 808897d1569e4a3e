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
        # A counter at a quarter hour (Unix time / 900), where its course bends.
        """CREATE TABLE point (
            register INTEGER NOT NULL REFERENCES register,
            quarter INTEGER NOT NULL,
            value TEXT NOT NULL,
            quality INTEGER NOT NULL,
            PRIMARY KEY (register, quarter)
        ) STRICT, WITHOUT ROWID""",
        # A counter's newest value. Times in milliseconds.
        """CREATE TABLE latest (
            register INTEGER PRIMARY KEY REFERENCES register,
            at INTEGER NOT NULL,
            value TEXT NOT NULL
        ) STRICT""",
        # What changed in a reading, as register=value;register=value.
        """CREATE TABLE reading (
            meter INTEGER NOT NULL REFERENCES meter,
            at INTEGER NOT NULL,
            changes TEXT NOT NULL,
            PRIMARY KEY (meter, at)
        ) STRICT, WITHOUT ROWID""",
        # Readings of which it is not known when they were: milliseconds since the start of the machine named by boot.
        """CREATE TABLE unplaced (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            boot TEXT NOT NULL,
            steady INTEGER NOT NULL,
            meter TEXT NOT NULL,
            close INTEGER NOT NULL,
            content TEXT NOT NULL
        ) STRICT""",
        # Messages for the broker, compressed, in their order.
        """CREATE TABLE missed (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            meter TEXT NOT NULL,
            at INTEGER NOT NULL,
            boot TEXT NOT NULL,
            steady INTEGER,
            payload BLOB NOT NULL
        ) STRICT""",
        "CREATE INDEX missed_at ON missed (meter, at)",
        "CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    ),
)
"""The statements of each version: from an empty file to version 1, from 1 to 2 …"""

VERSION: Final = len(STEPS)
