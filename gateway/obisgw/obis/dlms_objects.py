"""What abstract codes mean that only DLMS meters show: what a meter does by itself and how it is spoken to."""

from __future__ import annotations

from typing import Final

from obisgw.obis.code import ObisCode
from obisgw.obis.meaning import Meaning, diagnostic, numbered, text

# C.D.E: those of several that have a use of their own.
_OWN: Final = {
    (10, 0, 0): "global reset scripts",
    (10, 0, 1): "billing reset scripts",
    (10, 0, 100): "tariff scripts",
    (10, 0, 101): "test mode scripts",
    (10, 0, 102): "normal mode scripts",
    (10, 0, 103): "output scripts",
    (10, 0, 106): "disconnect scripts",
    (10, 0, 107): "firmware activation scripts",
    (10, 0, 108): "push scripts",
    (15, 0, 0): "billing reset schedule",
    (15, 0, 1): "disconnect schedule",
    (15, 0, 2): "firmware activation schedule",
    (15, 0, 3): "output schedule",
    (15, 0, 4): "push schedule",
    (40, 0, 0): "current association",
}
# C.D: E numbers those of a kind.
_KINDS: Final = {
    (2, 0): "modem settings",
    (10, 0): "script table",
    (11, 0): "special days table",
    (12, 0): "schedule",
    (13, 0): "activity calendar",
    (14, 0): "register activation",
    (15, 0): "single action schedule",
    (16, 0): "register monitor",
    (16, 1): "alarm monitor",
    (20, 0): "local port settings",
    (21, 0): "readout list",
    (22, 0): "HDLC settings",
    (25, 0): "TCP and UDP settings",
    (25, 1): "IPv4 settings",
    (25, 2): "MAC address settings",
    (25, 3): "PPP settings",
    (25, 4): "GPRS settings",
    (25, 7): "IPv6 settings",
    (25, 9): "push settings",
    (40, 0): "association",
    (41, 0): "SAP assignment",
    (42, 0): "logical device name",
    (43, 0): "security settings",
    (44, 0): "firmware transfer",
}
_INVOCATION_COUNTER: Final = (43, 1)


def dlms_object(code: ObisCode) -> Meaning | None:
    """Return the meaning of an abstract code, `None` if it is none of these."""
    if (own := _OWN.get((code.c, code.d, code.e))) is not None:
        return text(own)
    if (code.c, code.d) == _INVOCATION_COUNTER:
        return numbered(diagnostic("invocation counter"), code.e)
    kind = _KINDS.get((code.c, code.d))
    return None if kind is None else numbered(text(kind), code.e)


def usual_objects() -> tuple[tuple[int, int, int], ...]:
    """Return C, D and E of one object of each name."""
    several = [(c, d, e) for c, d in (*_KINDS, _INVOCATION_COUNTER) for e in (0, 9)]
    return tuple(dict.fromkeys((*_OWN, *several)))
