"""The table ``memory`` of a simulated meter's file."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from obisgw.errors import ConfigurationError
from obisgw.iec62056_21.vdew.meter_time import Convention

from .memory import Amount, MemoryForm, StoredColumn, StoredLogBook, StoredProfile

_KEYS: Final = {"zone", "days", "wrong_clock", "profiles", "log_books"}


def memory_of(profile: str, table: dict[str, Any]) -> MemoryForm:
    """Return what the table says; ConfigurationError names what is wrong with it."""
    _known(profile, "memory", table, _KEYS)
    return MemoryForm(
        {address: _profile(profile, one) for address, one in table.get("profiles", {}).items()},
        {address: _log_book(profile, one) for address, one in table.get("log_books", {}).items()},
        table.get("days", 400),
        table.get("wrong_clock", False),
    )


def _known(profile: str, name: str, table: dict[str, Any], known: set[str]) -> None:
    if unknown := set(table) - known:
        raise ConfigurationError(f"unknown keys {', '.join(sorted(unknown))} in [{name}]", where=f"profile {profile}")


def _profile(profile: str, table: dict[str, Any]) -> StoredProfile:
    _known(profile, "memory.profiles", table, {one.name for one in fields(StoredProfile)})
    values = dict(table)
    values["columns"] = tuple(
        StoredColumn(address, unit, Amount(amount), source, digits)
        for address, unit, amount, source, digits in table["columns"]
    )
    return StoredProfile(**_seasons(values))


def _log_book(profile: str, table: dict[str, Any]) -> StoredLogBook:
    _known(profile, "memory.log_books", table, {one.name for one in fields(StoredLogBook)})
    return StoredLogBook(**_seasons(dict(table)))


def _seasons(values: dict[str, Any]) -> dict[str, Any]:
    if "seasons" in values:
        values["seasons"] = Convention(values["seasons"])
    return values
