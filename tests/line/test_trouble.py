"""What the system's errors become: each with who must act and how."""

from __future__ import annotations

import errno
import grp
import os
import socket
from pathlib import Path

import pytest

from obisgw.errors import LineError, PortInUseError, PortMissingError, PortPermissionError
from obisgw.line.trouble import holders, in_use, lost, open_trouble


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENOENT, PortMissingError, "obis-gateway ports"),
        (errno.ENXIO, PortMissingError, "plugged in"),
        (errno.EIO, PortMissingError, "does not answer"),
        (errno.EBUSY, PortInUseError, "another"),
        (errno.ENOTTY, LineError, "no serial port"),
        (errno.EISDIR, LineError, "no serial port"),
        (errno.EPROTO, LineError, "cannot be opened"),
    ],
)
def test_each_error_of_opening_has_its_remedy(tmp_path: Path, number: int, kind: type[LineError], words: str) -> None:
    """The sentence names the port, the problem, and what to do."""
    device = tmp_path / "port"
    device.touch()
    proc = tmp_path / "proc"
    proc.mkdir()
    error = open_trouble(str(device), OSError(number, os.strerror(number)), proc=proc)
    assert type(error) is kind
    assert words in str(error)
    assert str(device) in str(error)
    assert error.hint


def test_missing_rights_name_the_group_and_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The device's own group is the one to join."""
    device = tmp_path / "port"
    device.touch()
    monkeypatch.setattr(grp, "getgrgid", lambda _: grp.struct_group(("dialout", "x", 20, [])))
    status = device.stat()
    monkeypatch.setattr(os, "stat", lambda *_, **__: os.stat_result((*status[:5], 20, *status[6:10])))
    error = open_trouble(str(device), PermissionError(errno.EACCES, "Permission denied"))
    assert type(error) is PortPermissionError
    assert "sudo usermod -aG dialout " in str(error)


def test_a_device_of_root_alone_needs_a_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is advised to join root's group."""
    device = tmp_path / "port"
    device.touch()
    status = device.stat()
    monkeypatch.setattr(os, "stat", lambda *_, **__: os.stat_result((*status[:5], 0, *status[6:10])))
    error = open_trouble(str(device), PermissionError(errno.EACCES, "Permission denied"))
    assert "udev rule" in str(error)
    assert "usermod" not in str(error)


def test_a_network_port_says_what_failed() -> None:
    """Names that do not resolve, refusals and silence are told as they are."""
    for cause, words in [
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "connection refused"),
        (TimeoutError(), "no answer in time"),
    ]:
        error = open_trouble("socket://meter:2000", cause)
        assert type(error) is PortMissingError
        assert words in str(error)


def test_holders_are_found_by_the_device_they_have_open(tmp_path: Path) -> None:
    """Whoever has the same device open is named; what cannot be read is passed over."""
    master, slave = os.openpty()
    try:
        found = holders(os.ttyname(slave))
    finally:
        os.close(master)
        os.close(slave)
    assert [number for number, _ in found] == [os.getpid()]
    (tmp_path / "17").mkdir()
    assert holders("/dev/null", proc=tmp_path) == []
    assert holders("/dev/no-such-port") == []


def test_several_holders_are_all_named() -> None:
    """Number and name, so that they can be stopped."""
    assert "vzlogger (process 12), cat (process 99)" in str(in_use("/dev/ttyUSB0", [(12, "vzlogger"), (99, "cat")]))


def test_a_lost_port_says_that_reading_goes_on() -> None:
    """No action is needed but the plug."""
    assert "as soon as it is back" in str(lost("/dev/ttyUSB0", OSError(errno.EIO, "Input/output error")))
    assert "connection" in str(lost("socket://x:1", None))
