"""systemd's notification socket (sd_notify(3)): one datagram a message, so no library is worth its import."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Notifier:
    """Tells the service manager how the service is. Without a manager it tells nobody."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._socket: socket.socket | None = None
        self.watchdog: float | None = None
        """Seconds between two signs of life, half of what the manager waits; None when it does not watch."""
        if not address.startswith(("/", "@")):
            return
        # "@" stands for the zero byte of the abstract namespace.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.settimeout(0)
        if (limit := environment.get("WATCHDOG_USEC", "")).isdigit() and int(limit) > 0:
            self.watchdog = int(limit) / 2_000_000

    def ready(self, status: str) -> None:
        """Tell that the service runs."""
        self._send(f"READY=1\nSTATUS={status}")

    def reloading(self, monotonic_microseconds: int) -> None:
        """Tell that the configuration is read again; ``ready`` ends it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={monotonic_microseconds}")

    def status(self, status: str) -> None:
        """Tell in words how it goes."""
        self._send(f"STATUS={status}")

    def alive(self) -> None:
        """Answer the watchdog."""
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """Tell that the service ends."""
        self._send("STOPPING=1")

    def close(self) -> None:
        """Give the socket back."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, message: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(message.encode(), self._address)
        except OSError:
            # The manager went away or is busy: there is nobody to tell, and the next message tries again.
            return
