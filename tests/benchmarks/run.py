"""`script/bench [NAME…] [--json]`: every figure the project promises, measured on this machine.

Ends with 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.figures import Figure, document, table  # noqa: E402 - found only now

PARTS = {
    "parsing": "parser, block check, data sets and codes beside iec62056-21 from PyPI",
    "noise": "wrong values that get through a noisy line",
    "footprint": "memory, idle processor time, start of the command",
    "cycle": "readout time over the line's own, and processor time a readout",
    "delivery": "last byte of a telegram to the broker",
    "many": "64 meters in one service",
    "dlms": "DLMS over HDLC on the line's own time",
    "clients": "50 clients of the API at a reading a second",
    "home_assistant": "the integration in a real Home Assistant",
}


def main() -> int:
    """Measure the parts asked for and print one table."""
    epilog = "parts: " + "; ".join(f"{name} ({meaning})" for name, meaning in PARTS.items())
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__, epilog=epilog)
    parser.add_argument("parts", nargs="*", metavar="NAME", help="only these parts")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))} (there are {', '.join(PARTS)})")
    figures: list[Figure] = []
    for name, meaning in PARTS.items():
        if options.parts and name not in options.parts:
            continue
        sys.stderr.write(f"{name}: {meaning} …\n")
        start = time.monotonic()
        figures += import_module(f"tests.benchmarks.{name}").measure()
        sys.stderr.write(f"{name}: {time.monotonic() - start:.0f} s\n")
    sys.stdout.write(f"{document(figures) if options.json else table(figures)}\n")
    return int(any(figure.met is False for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
