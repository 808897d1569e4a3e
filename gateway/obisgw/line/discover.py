"""The serial ports of this machine, by names that stay. Nothing here opens a port."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import serialx

BY_ID = Path("/dev/serial/by-id")
BY_PATH = Path("/dev/serial/by-path")


@dataclass(frozen=True, slots=True)
class SerialPort:
    """One port. ``device`` is what the kernel calls it today; ``by_id`` and ``by_path`` are udev's links to it.

    ``unique``: whether the adapter has a serial number that tells it from others of its kind.
    """

    device: str
    description: str
    serial_number: str | None
    by_id: str | None
    by_path: str | None
    unique: bool

    @property
    def stable_name(self) -> str:
        """The name to put into the configuration.

        By-id follows an adapter into any socket. Adapters without a number of their own (CH340, PL2303) would share
        one by-id name, so for them it is the socket that counts.
        """
        if self.by_id is not None and self.unique:
            return self.by_id
        return self.by_path or self.by_id or self.device


def serial_ports(*, by_id: Path = BY_ID, by_path: Path = BY_PATH) -> list[SerialPort]:
    """Return the serial ports of this machine, sorted by device."""
    return describe(serialx.list_serial_ports(), _links(by_id), _links(by_path))


def describe(infos: list[serialx.SerialPortInfo], by_id: dict[str, str], by_path: dict[str, str]) -> list[SerialPort]:
    """Return what is known of each port; the links map a device to its link."""
    numbers = [(info.vid, info.pid, info.serial_number, info.interface_num) for info in infos]
    ports = []
    for info, number in zip(infos, numbers, strict=True):
        device = info.resolved_device
        native = info.vid is None
        twins = numbers.count(number) > 1
        words = [part for part in (info.manufacturer, info.product) if part]
        ports.append(
            SerialPort(
                device=device,
                description=" ".join(words) or ("built-in serial port" if native else info.description),
                serial_number=info.serial_number,
                by_id=by_id.get(device),
                by_path=by_path.get(device),
                unique=not (native or twins or serialx.is_non_unique_serial(info.serial_number)),
            )
        )
    return sorted(ports, key=lambda port: port.device)


def stable_name(url: str, *, by_id: Path = BY_ID, by_path: Path = BY_PATH) -> str:
    """Return the name under which what was learned of ``url`` is kept: the same for every path to one adapter."""
    if "://" in url:
        return url.partition("?")[0]
    device = _resolved(Path(url))
    return _links(by_id).get(device) or _links(by_path).get(device) or url


def _links(folder: Path) -> dict[str, str]:
    try:
        # Newer udev makes two names for one USB path; the shorter one exists everywhere.
        links = sorted(folder.iterdir(), key=lambda link: (-len(link.name), link.name))
    except OSError:
        return {}
    return {_resolved(link): str(link) for link in links}


def _resolved(path: Path) -> str:
    try:
        return str(path.resolve())
    except (OSError, RuntimeError):
        return str(path)
