"""Names of ports that stay, without opening any."""

from __future__ import annotations

from pathlib import Path

from serialx import SerialPortInfo

from obisgw.line.discover import describe, stable_name


def info(device: str, serial: str | None, *, vid: int | None = 0x1A86) -> SerialPortInfo:
    """Return an adapter as the system lists it."""
    return SerialPortInfo(device, device, vid, 0x7523, serial, None, "USB Serial", None, None, 0, 0)


BY_ID = {"/dev/ttyUSB0": "/dev/serial/by-id/usb-A", "/dev/ttyUSB1": "/dev/serial/by-id/usb-B"}
BY_PATH = {f"/dev/ttyUSB{n}": f"/dev/serial/by-path/pci-{n}" for n in range(4)}


def names(*infos: SerialPortInfo) -> list[str]:
    """Return the stable names."""
    return [port.stable_name for port in describe(list(infos), BY_ID, BY_PATH)]


def test_an_adapter_with_a_number_is_named_by_it() -> None:
    """By-id follows it into any socket."""
    assert names(info("/dev/ttyUSB0", "FT4711")) == ["/dev/serial/by-id/usb-A"]


def test_an_adapter_without_a_number_is_named_by_its_socket() -> None:
    """CH340 and PL2303 have none."""
    assert names(info("/dev/ttyUSB1", None)) == ["/dev/serial/by-path/pci-1"]


def test_numbers_that_many_adapters_share_are_none() -> None:
    """0001 and the like, and two of the same at once."""
    assert names(info("/dev/ttyUSB0", "00000000")) == ["/dev/serial/by-path/pci-0"]
    twins = names(info("/dev/ttyUSB0", "same"), info("/dev/ttyUSB1", "same"))
    assert twins == ["/dev/serial/by-path/pci-0", "/dev/serial/by-path/pci-1"]


def test_a_built_in_port_keeps_its_own_name() -> None:
    """Nothing else leads to it."""
    port = describe([info("/dev/ttyAMA0", None, vid=None)], {}, {})[0]
    assert port.stable_name == "/dev/ttyAMA0"
    assert port.description == "USB Serial"


def test_every_path_to_one_adapter_has_one_stable_name(tmp_path: Path) -> None:
    """What was learned is found again by whatever name the port is configured."""
    device = tmp_path / "ttyUSB0"
    device.touch()
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    link = by_id / "usb-A"
    link.symlink_to(device)
    for url in (str(device), str(link)):
        assert stable_name(url, by_id=by_id, by_path=tmp_path / "none") == str(link)


def test_the_secret_in_a_network_port_is_no_part_of_its_name() -> None:
    """Keys do not get into files."""
    assert stable_name("esphome://host:6053?key=secret") == "esphome://host:6053"
