"""`--explain`: the raw telegram, each data set, what it became, and what would be published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from obisgw.iec62056_21.characters import strip_parity
from obisgw.readings.published import published

from .show import printable
from .terminal import out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from obisgw.iec62056_21.dialects import Dialect
    from obisgw.iec62056_21.telegram import Telegram, Unparsed
    from obisgw.readings.reading import Register

_NAMES = {0x00: "NUL", 0x01: "SOH", 0x02: "STX", 0x03: "ETX", 0x04: "EOT", 0x06: "ACK", 0x0D: "", 0x0A: "", 0x15: "NAK"}


def explain(
    telegram: Telegram, dialect: Dialect, registers: Sequence[Register], unparsed: Sequence[Unparsed], why: str | None
) -> None:
    """Write everything about one telegram. ``why`` says why its values are not proved, None if they are."""
    out(f"dialect: {dialect.name}{f' ({dialect.description})' if dialect.description else ''}")
    out(f"raw telegram, {len(telegram.raw)} bytes:")
    for line in visible(telegram.raw).splitlines():
        out(f"  | {line}")
    proof = "all values are proved" if why is None else f"no value is proved: {why}"
    kind = f" ({telegram.check_kind.value})" if telegram.check_kind else ""
    out(f"block check {telegram.check.value}{kind}, {telegram.parity_errors} parity errors: {proof}")
    items = {} if why else {id(item.register): item for item in published(registers)}
    for register in registers:
        description = register.description
        brackets = "".join(f"({b.value}{'' if b.unit is None else f'*{b.unit}'})" for b in register.brackets)
        out(printable(f"{register.address}{brackets}"))
        out(f"  code       {register.code or 'none: the address is no OBIS code'}")
        out(f"  means      {description.name}")
        assumed = " (unit assumed: the meter prints none)" if register.unit_assumed else ""
        out(printable(f"  value      {register.value} {register.unit or ''}".rstrip()) + assumed)
        if register.time is not None:
            out(f"  time       {register.time.isoformat()}")
        item = items.get(id(register))
        if item is None:
            out("  published  no")
            continue
        parts = [description.unit, description.device_class, description.state_class, description.category]
        extra = ", ".join(str(part) for part in parts if part) or "text"
        off = "" if description.enabled_by_default else "; disabled until you enable it"
        out(printable(f"  published  {item.key} = {item.value} [{extra}{off}]"))
    for rest in unparsed:
        out(printable(f"not understood: {rest.raw} ({rest.reason})"))


def visible(raw: bytes) -> str:
    """Return the bytes as text: parity removed where it is carried, control characters by name."""
    text = strip_parity(raw)[0] if not raw.isascii() else raw
    return (
        "".join(
            f"<{name}>"
            if (name := _NAMES.get(byte))
            else chr(byte)
            if 0x20 <= byte < 0x7F or byte in b"\r\n"
            else f"<{byte:02X}>"
            for byte in text
        )
        .replace("\r\n", "\n")
        .replace("\r", "\n")
    )
