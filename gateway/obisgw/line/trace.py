"""Every byte of a line with its time and direction, as text that replays (``iec62056_21.recording`` reads it)."""

from __future__ import annotations

from typing import TextIO

HEADER = "# obis-gateway capture 1"


class Trace:
    """Writes what goes over a port: chunks as ``<seconds> rx|tx <hex>``, the rest as remarks.

    Seconds count from the first chunk. A change of speed is ``# <seconds> baud <rate>``. Each line is written out at
    once, so that an interrupted capture keeps all but its last line.
    """

    def __init__(self, file: TextIO, *remarks: str) -> None:
        self._file = file
        self._start: float | None = None
        self.received = 0
        self.sent = 0
        file.writelines(line.replace("\n", " ") + "\n" for line in (HEADER, *(f"# {remark}" for remark in remarks)))
        file.flush()

    def rx(self, data: bytes, at: float) -> None:
        """Note bytes that arrived by ``at``."""
        self.received += len(data)
        self._line(at, f"rx {data.hex()}")

    def tx(self, data: bytes, at: float) -> None:
        """Note bytes whose first bit left at ``at``."""
        self.sent += len(data)
        self._line(at, f"tx {data.hex()}")

    def baud(self, baudrate: int, at: float) -> None:
        """Note that the line's rate is ``baudrate`` from ``at`` on."""
        self._line(at, f"baud {baudrate}", remark=True)

    def _line(self, at: float, text: str, *, remark: bool = False) -> None:
        if self._start is None:
            self._start = at
        self._file.write(f"{'# ' if remark else ''}{max(0.0, at - self._start):.6f} {text}\n")
        self._file.flush()
