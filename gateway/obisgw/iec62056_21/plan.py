"""How one attempt at a readout uses the line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LinePlan:
    """What an attempt does about speed. Times in seconds, rates in baud.

    ``switch_margin``: from the last bit of the acknowledgement to the change of speed; None takes the one that fits
    the maker's reaction time (the standard leaves 200 ms, 20 ms for makers with a lower-case third letter).
    ``baud_char``: the rate asked for in the acknowledgement; None asks for the announced one.
    ``acknowledge``: False reads what the meter sends unasked at 300 Bd (the standard's fallback to mode A).
    ``start_baudrate``: the rate of the request.
    ``data_baudrate``: the rate of the data where it is not the announced one (meters whose letter is cosmetic).
    ``break_first``: an earlier attempt may have left a session open; sign off before the request.
    ``wake_up``: wake a sleeping meter by NULs, although nothing says that it sleeps.
    ``acknowledgement_delay``: from the identification's last character to the acknowledgement; None takes the
    standard's minimum.
    """

    switch_margin: float | None = None
    baud_char: str | None = None
    acknowledge: bool = True
    start_baudrate: int = 300
    data_baudrate: int | None = None
    break_first: bool = False
    wake_up: bool = False
    acknowledgement_delay: float | None = None
