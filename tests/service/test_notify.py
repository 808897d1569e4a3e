"""What systemd is told."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from obisgw.service.notify import Notifier

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("abstract", [False, True])
def test_each_message_is_one_datagram(abstract: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """By path or in the abstract namespace."""
    name = f"@{tmp_path}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{tmp_path}" if abstract else name)
        manager.settimeout(5)
        notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000000"})
        assert notifier.watchdog == 15.0
        notifier.ready("2 meters")
        notifier.alive()
        notifier.reloading(7)
        notifier.stopping()
        notifier.close()
        received = [manager.recv(100) for _ in range(4)]
    assert received == [
        b"READY=1\nSTATUS=2 meters",
        b"WATCHDOG=1",
        b"RELOADING=1\nMONOTONIC_USEC=7",
        b"STOPPING=1",
    ]


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": "vsock:2:1"}, {"NOTIFY_SOCKET": "/nonexistent"}])
def test_without_a_manager_nobody_is_told(environment: dict[str, str]) -> None:
    """The service runs the same from a terminal."""
    notifier = Notifier(environment)
    notifier.ready("")
    notifier.close()
    notifier.alive()
    assert notifier.watchdog is None
