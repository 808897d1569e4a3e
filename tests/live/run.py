"""A Home Assistant to try the integration in: `python -m tests.live.run FOLDER PORT`, until it is interrupted."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from tests.live.home_assistant import HomeAssistant

PASSWORD = "developer"
"""It listens on this machine alone."""


async def _run(folder: Path, port: int) -> None:
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    home = HomeAssistant(folder, port, zeroconf=True, user="developer", password=PASSWORD)
    try:
        await home.start()
        sys.stderr.write(f"Home Assistant: {home.url}/ (developer, {PASSWORD}); its log: {home.log_file}\n")
        await over.wait()
    finally:
        await home.stop()


if __name__ == "__main__":
    asyncio.run(_run(Path(sys.argv[1]), int(sys.argv[2])))
