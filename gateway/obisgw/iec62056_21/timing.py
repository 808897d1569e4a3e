"""The standard's times in seconds (IEC 62056-21 clause 6.3.13) and those that practice taught."""

from __future__ import annotations

REACTION_MIN = 0.2
"""tr, from the last bit of a message to the first of the answer; holds for both ends."""

REACTION_MIN_FAST = 0.02
"""tr of makers with a lower-case third letter."""

LATEST_ACKNOWLEDGEMENT = 1.0
"""After the identification, whatever follows it: the six characters must reach the meter before `REACTION_MAX`."""

REACTION_MAX = 1.5
"""After this the other end may be taken for silent; a meter falls back to a readout at 300 Bd."""

IDENTIFICATION_MAX = 3.5
"""Some meters need two seconds to identify themselves."""

FIRST_DATA_MAX = 3.0
"""Where nothing speaks for another speed, data are waited for this long."""

FALLBACK_MAX = 4.0
"""A meter that ignored the acknowledgement starts its readout at 300 Bd within this time."""

CHARACTER_GAP = 1.5
"""ta, between two characters of one message."""

CONFIRMATION_MAX = 2.2
"""After the acknowledgement of mode E; a meter that says nothing until then may speak HDLC all the same."""

PUSH_GAP = 5.0
"""Inside a pushed telegram; slow meters pause between lines."""

END_GAP = 0.3
"""After the end mark of a message that need not have a block check."""

BREAK_PAUSE = 2.0
"""After a break, before the next request."""

UNASKED_PATIENCE = 8.0
"""A line that was never silent for so long, and unreadable, is that of a meter that sends unasked."""

WAKE_UP_PAUSE = 1.6
"""Annex B: 1.5 to 1.7 s after the last NUL."""

SWITCH_MARGIN = 0.04
"""From the acknowledgement's last bit to the change of speed: adapters send a little late, meters react after 200 ms."""

SWITCH_MARGIN_FAST = 0.012
"""The same for makers that may react after 20 ms."""

HASTE = 0.04
"""From an answer to the next command of whoever reads as fast as the meter can: most meters turn round sooner than the
standard lets them."""

SETTLE = 0.3
"""After a lone ACK or NAK: nothing follows it."""

LATE_OPERAND = 0.5
"""AS1440 acknowledges first; its P0 may follow."""

FLUSH = 1.0
"""Silence after a damaged answer, before the command is repeated."""

INACTIVITY = 60.0
"""The standard's least time after which a meter ends a session that nobody uses (60 to 120 s)."""

SLOW_EVIDENCE = 0.1
"""Unreadable characters over this time are another speed and not a burst of noise: three characters at 300 Bd."""

INITIAL_BAUDRATE = 300
BITS_A_CHARACTER = 10
