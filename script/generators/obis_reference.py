"""docs/reference/obis.md: how registers are named, classed and shown, asked of the catalogue."""

from __future__ import annotations

from obisgw.obis import Category, Description, Medium, ObisCode, describe

_HEAD = """\
# Registers

<!-- Written by script/generate from gateway/obisgw/obis; change it there. -->

Every value on the line has an address. The gateway turns it into a full OBIS code `A-B:C.D.E*F` (IEC 62056-61), and
the code into a key, a name, and the classes that Home Assistant needs. There is no list of all codes: each value group
has its rules, and the tables below show what the rules say.

## Addresses

| on the line | full code | why |
| --- | --- | --- |
"""

_ADDRESSES = (
    (Medium.ELECTRICITY, "1.8.0", "A-B left out: the meter's medium, channel 0; F left out: 255, the current value"),
    (Medium.ELECTRICITY, "1.8", "E left out: 0, the total"),
    (Medium.ELECTRICITY, "01.08.00", "leading zeros mean nothing"),
    (Medium.ELECTRICITY, "1-1:1.8.1*12", "F from 0 to 125: a billing period"),
    (Medium.ELECTRICITY, "1.8.1&12", "`&`: the period was closed by hand"),
    (Medium.ELECTRICITY, "C.1.0", "C is 96, F is 97, L is 98, without medium"),
    (Medium.ELECTRICITY, "F.F", "F as second group is 97"),
    (Medium.ELECTRICITY, "P.01", "P is 99, of the meter's medium"),
    (Medium.ELECTRICITY, "1-0:1.8.0.255", "a point before F = 255, as DLMS writes it"),
    (Medium.ELECTRICITY, "100700FF", "C D E F in hexadecimal (NEVA)"),
    (Medium.HEAT, "6.8", "on a heat meter"),
    (Medium.GAS, "3.0.0", "on a gas meter"),
    (Medium.ELECTRICITY, "2.35.0.01", "four groups: no OBIS code"),
    (Medium.ELECTRICITY, "ET0PE", "a name: no OBIS code; the entity is made, and disabled"),
)

_SECTIONS = (
    (
        "Electricity",
        (
            "Group C is quantity and direction; 21 to 40 repeat it for L1, 41 to 60 for L2, 61 to 80 for L3. "
            "Group E is the tariff."
        ),
        Medium.ELECTRICITY,
        (
            *(("1.8.0", "kWh"), ("1.8.1", "kWh"), ("2.8.0", "kWh"), ("2.8.2", "kWh"), ("41.8.0", "kWh")),
            *(("15.8.0", "kWh"), ("16.8.0", "kWh"), ("1.9.0", "kWh"), ("3.8.0", "kvarh"), ("5.8.0", "kvarh")),
            *(("9.8.0", "kVAh"), ("1.7.0", "kW"), ("16.7.0", "kW"), ("36.7.0", "W"), ("3.7.0", "var")),
            *(("3.7.0", "kvar"), ("9.7.0", "VA"), ("31.7.0", "A"), ("91.7.0", "A"), ("32.7.0", "V"), ("13.7.0", None)),
            *(("14.7.0", "Hz"), ("32.25", "V"), ("81.7.15", "deg"), ("32.7.5", "V"), ("1.4.0", "kW"), ("1.5.0", "kW")),
            *(("1.6.1", "kW"), ("1.2.1", "kW"), ("32.32.0", None), ("32.36.0", None), ("82.8.1", None)),
            *(("1.29.0", "kWh"), ("1-1:1.8.0", "kWh"), ("1-2:1.8.0", "kWh")),
        ),
    ),
    (
        "Values of the past",
        "Group F other than 255 keeps a value of a billing period, and Logarex's 96 to 100 print rolling windows.",
        Medium.ELECTRICITY,
        (("1.8.1*12", "kWh"), ("1.6.1*12", "kW"), ("1.8.0*96", "kWh"), ("1.8.0*99", "kWh"), ("1.8.0*100", "kWh")),
    ),
    (
        "Heat and cooling",
        "Heat meters print the medium as first of two groups (EN 1434). Cooling has the same rules with A = 5.",
        Medium.HEAT,
        (
            *(("6.8", "MWh"), ("6.8.1", "MWh"), ("6.26", "m3"), ("6.4", "kW"), ("6.27", "m3ph"), ("6.28", "C")),
            *(("6.29", "C"), ("6.30", "K"), ("6.6", "kW"), ("6.33", "m3ph"), ("9.4", "C"), ("6.31", "h")),
            *(("6.32", "h"), ("9.31", "h"), ("6.35", "m"), ("6.8*01", "MWh"), ("6.36", None), ("9.20", None)),
            *(("9.21", None), ("9.24", "m3ph"), ("9.36", None), ("6-0:1.0.0", "kWh"), ("6-0:10.0.0", "C")),
        ),
    ),
    (
        "Gas, water, heat cost allocators",
        "Meters of their own.",
        Medium.GAS,
        (
            *(("7-0:3.0.0", "m3"), ("7-0:3.1.0", "m3"), ("7-0:43.0.0", "m3/h"), ("7-0:42.0.0", "bar")),
            *(("8-0:1.0.0", "m3"), ("8-0:2.0.0", "m3/h"), ("9-0:1.0.0", "m3"), ("4-0:1.0.0", None)),
        ),
    ),
    (
        "Meters on the M-Bus",
        (
            "An electricity meter may pass on other meters' readings as 0-n:24.2.1. Their medium is known once the device "
            "type 0-n:24.1.0 was seen: 3 is gas, 4 heat, 6 hot water, 7 water. Here without it."
        ),
        Medium.ELECTRICITY,
        (("0-1:24.2.1", "m3"), ("0-1:24.2.3", "m3"), ("0-2:24.2.1", "GJ"), ("0-1:24.1.0", None)),
    ),
    (
        "About the meter",
        "The same on every medium.",
        Medium.ELECTRICITY,
        (
            *(("0.0.0", None), ("0.1.0", None), ("0.1.2*12", None), ("0.2.0", None), ("0.2.2", None)),
            *(("0.3.0", "imp/kWh"), ("0.9.1", None), ("0.9.2", None), ("0-0:1.0.0", None), ("C.1.0", None)),
            *(("C.5.0", None), ("C.6.3", "V"), ("C.7.0", None), ("C.7.1", None), ("0-0:96.7.9", None)),
            *(("0-0:96.7.21", None), ("C.8.0", "h"), ("0-0:96.13.0", None), ("0-0:96.14.0", None), ("F.F", None)),
            *(("P.01", None), ("P.98", None), ("1-0:200.7.3", "kWh")),
        ),
    ),
)

_TABLE = """\
| address | unit on the line | name | key | unit | device class | state class | entity |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""

_TAIL = """
## What to know

- Device classes are those that Home Assistant 2025.4 knows: by MQTT, `kvarh` and `kvar` therefore have none. The
  integration, which needs 2026.6, is told of the newer classes as well: reactive energy, `kvar`, `kVA`, `L/h`, kelvins.
- A code that no rule knows, or an address that is no code, becomes an entity that is disabled by default; it never
  counts in statistics before somebody says that it may.
- A unit that contradicts its code (a counter in kilowatts) leaves the state class away: Home Assistant would refuse it.
- A register without unit on the line has none in Home Assistant, unless the meter's dialect says which is meant.
- Clocks, numbers and status words are text, also where they look like a number.
"""


def documents() -> dict[str, str]:
    """Return the reference page by its path."""
    parts = [_HEAD, *(_address_row(*row) for row in _ADDRESSES)]
    for title, about, medium, registers in _SECTIONS:
        parts += [f"\n## {title}\n\n{about}\n\n", _TABLE]
        parts += [_register_row(address, unit, medium) for address, unit in registers]
    return {"docs/reference/obis.md": "".join([*parts, _TAIL])}


def _address_row(medium: Medium, address: str, why: str) -> str:
    code = ObisCode.parse(address, medium)
    return f"| `{address}` | {f'`{code}`' if code else 'none'} | {why} |\n"


def _register_row(address: str, unit: str | None, medium: Medium) -> str:
    code = ObisCode.parse(address, medium)
    if code is None:
        raise ValueError(f"{address} is no OBIS code")
    description = describe(code, unit)
    cells = (
        f"`{address}`",
        unit or "",
        description.name,
        f"`{description.key}`",
        description.unit or "",
        description.device_class or "",
        description.state_class or "",
        _entity(description),
    )
    return "| " + " | ".join(cells) + " |\n"


def _entity(description: Description) -> str:
    words = []
    if description.category is Category.DIAGNOSTIC:
        words.append("diagnostic")
    if not description.enabled_by_default:
        words.append("disabled")
    return ", ".join(words)
