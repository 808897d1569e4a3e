"""A reading for people: its meter, its registers, what was not understood."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .terminal import out, say

if TYPE_CHECKING:
    from collections.abc import Sequence

Document = dict[str, Any]

_MOST_SAID = 200
"""Lines of what is no data: more than any one telegram has."""

_COLUMNS = ("OBIS", "register", "value", "unit")


def show_document(document: Document) -> None:
    """Write the document of a reading as a table; what is no data goes to standard error."""
    say(headline(document))
    rows = [row_of(register) for register in document["registers"]]
    if rows:
        show_table(_COLUMNS, rows, right=(2,))
    _say_first([f"not understood: {item['raw']!r} ({item['reason']})" for item in document["unparsed"]])


def show_unproved(document: Document) -> None:
    """Write what was seen and may not be used, to standard error."""
    rows = [row_of(register) for register in document.get("unproved", ())]
    _say_first([f"not proved: {' '.join(row)}".rstrip() for row in rows])


def _say_first(lines: Sequence[str]) -> None:
    for line in lines[:_MOST_SAID]:
        say(line)
    if len(lines) > _MOST_SAID:
        say(f"and {len(lines) - _MOST_SAID} more like this (--json has all)")


def headline(document: Document) -> str:
    """Return one line on the meter and on how the telegram was checked."""
    identification = document["identification"]
    meter = f"{identification['manufacturer']} {identification['model'].strip()}" if identification else "a meter"
    checks = document["checks"]
    absent = "every frame checked" if document["mode"] == "E" else "without block check"
    block = {"ok": "block check right", "absent": absent, "bad": "block check wrong"}[checks["bcc"]]
    mode = f", mode {document['mode']}" if document["mode"] else ""
    damaged = f", {checks['parity_errors']} characters damaged" if checks["parity_errors"] else ""
    return f"{meter.strip()}: {document['medium'].replace('_', ' ')}{mode}, {block}{damaged}"


def row_of(register: Document) -> tuple[str, str, str, str]:
    """Return code (or address), name, value and unit."""
    values = [value if unit is None else f"{value} {unit}" for value, unit in register["brackets"]]
    if len(values) <= 1:
        value, unit = register["value"], register["unit"] or register["unit_of_measurement"] or ""
    else:
        value, unit = "; ".join(values), ""
    return printable(register["obis"] or register["address"]), register["name"], printable(value), printable(unit)


def printable(text: str) -> str:
    """Return the text with control characters made visible: a terminal must not obey a meter."""
    return "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Write a table to standard output: framed on a terminal, plain columns elsewhere."""
    if sys.stdout.isatty():
        # rich is imported only here: it would cost every other use 6 MB.
        table = import_module("rich.table").Table(header_style="bold")
        for number, column in enumerate(columns):
            table.add_column(column, justify="right" if number in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(cell.replace("[", "\\[") for cell in row))
        import_module("rich.console").Console().print(table)
        return
    widths = [max(len(row[number]) for row in (columns, *rows)) for number in range(len(columns))]
    for row in rows:
        cells = (
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        out("  ".join(cells).rstrip())
