"""Ending early without leaving the meter in a session: by SIGTERM as by Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Coroutine

TERMINATED = 128 + signal.SIGTERM
"""What a shell shows of a process that SIGTERM ended."""


def run_signed_off(work: Coroutine[None, None, None]) -> int:
    """Run ``work`` and return the exit status. SIGTERM cancels it, so that it signs the meter off before it ends."""

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        await work

    try:
        asyncio.run(main())
    except asyncio.CancelledError:
        return TERMINATED
    return 0
