"""Entries of a log book as documents and lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .load_profile import Json, utc_text

if TYPE_CHECKING:
    from obisgw.iec62056_21.vdew.log_lines import LogEntry, Parameter


def entry_document(entry: LogEntry) -> Json:
    """Return the JSON object of one entry."""
    return {
        "time": utc_text(entry.at),
        "flags": list(entry.status.names),
        "meaning": entry.meaning,
        "status": entry.word,
        "clock_after": None if entry.clock_after is None else utc_text(entry.clock_after),
        "parameters": [
            {
                "address": one.address,
                "obis": None if one.code is None else str(one.code),
                "unit": one.unit or None,
                "value": one.value,
                "old": one.old,
            }
            for one in entry.parameters
        ],
        "raw": entry.raw,
    }


def what_happened(entry: LogEntry) -> str:
    """Return an entry in words."""
    words = [name.replace("_", " ") for name in entry.status.names]
    if entry.meaning is not None:
        words = [entry.meaning]
    if entry.clock_after is not None:
        seconds = (entry.clock_after - entry.at).total_seconds()
        words.append(f"clock went from {entry.at:%H:%M:%S} to {entry.clock_after:%H:%M:%S} UTC ({seconds:+.0f} s)")
    else:
        words += [_parameter(one) for one in entry.parameters]
    return ", ".join(words) or f"status {entry.word}"


def _parameter(one: Parameter) -> str:
    unit = f" {one.unit}" if one.unit else ""
    if one.old is not None:
        return f"{one.address} changed from {one.old}{unit} to {one.value}{unit}"
    return f"{one.address} {one.value}{unit}".rstrip()
