"""DLMS the whole way: a simulated meter on a pseudo-terminal with its line's time, the commands, the service, a broker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from obisgw.dlms.meter import MeterSecurity
from obisgw.dlms.security import Level
from obisgw.simulator.cosem_session import CosemOptions
from obisgw.simulator.serve import SimulatorOptions, SimulatorThread
from tests.end_to_end.test_service import Service
from tests.mqtt.brokers import Watcher, mosquitto, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow
PASSWORD = "12345678"


@pytest.fixture(scope="module")
def meter() -> Iterator[SimulatorThread]:
    """A meter that wants a password and sends frames of 512 octets, seven in a row."""
    cosem = CosemOptions(MeterSecurity(Level.LOW, PASSWORD.encode()), frame=512, window=7, most=2048)
    with SimulatorThread(SimulatorOptions("household-e", cosem=cosem)) as simulator:
        yield simulator


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the program with a state folder of its own."""
    environment = os.environ | {"STATE_DIRECTORY": str(folder), "METER_PASSWORD": PASSWORD}
    return subprocess.run(
        [sys.executable, "-m", "obisgw", *words],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=90,
    )


def test_a_meter_is_read_described_and_asked_for_what_it_has_stored(meter: SimulatorThread, tmp_path: Path) -> None:
    """Four commands, one after another; the list of objects is read by the first alone."""
    access = ("--password-env", "METER_PASSWORD", "--client", "1")
    read = command(tmp_path, "read", meter.port, "--json", "--quiet", *access)
    assert read.returncode == 0, read.stderr
    registers = {one["obis"]: one for one in json.loads(read.stdout)["registers"]}
    assert len(registers) == 34
    assert registers["1-0:1.8.0*255"]["unit_of_measurement"] == "Wh"
    listed = command(tmp_path, "objects", meter.port, "--json", "--quiet", *access)
    assert listed.returncode == 0, listed.stderr
    objects = json.loads(listed.stdout)["objects"]
    assert len(objects) == 47
    assert {one["class_name"] for one in objects} >= {"Register", "Clock", "Profile generic", "class 8192"}
    times = ("--since", "2026-03-02T00:00", "--until", "2026-03-02T03:00", "--timezone", "Europe/Berlin")
    profile = command(tmp_path, "profile", meter.port, "--format", "json", "--quiet", *times, *access)
    assert profile.returncode == 0, profile.stderr
    periods = json.loads(profile.stdout)
    assert (len(periods["periods"]), periods["complete"]) == (12, True)
    log = command(tmp_path, "logbook", meter.port, "--json", "--quiet", "--timezone", "Europe/Berlin", *access)
    assert log.returncode == 0, log.stderr
    assert "power up" in {one["meaning"] for one in json.loads(log.stdout)["entries"]}


def test_a_wrong_password_is_named_and_not_shown(meter: SimulatorThread, tmp_path: Path) -> None:
    """One sentence, and no second try."""
    (tmp_path / "p").write_text("0000wrong\n")
    for words in ("refused the password", "before, and they are not tried again"):
        read = command(tmp_path, "read", meter.port, "--client", "1", "--password-file", str(tmp_path / "p"))
        assert read.returncode == 1
        assert words in read.stderr
        assert "0000wrong" not in read.stderr


async def test_the_service_publishes_it_like_every_other_meter(meter: SimulatorThread, tmp_path: Path) -> None:
    """Discovery and state by MQTT; nothing secret in the log."""
    (tmp_path / "p").write_text(f"{PASSWORD}\n")
    (tmp_path / "p").chmod(0o600)
    async with mosquitto(tmp_path) as broker:
        watcher = Watcher(broker.port)
        service = Service(tmp_path, broker.port)
        try:
            service.configure(
                f"meters:\n- {{port: {meter.port}, name: Cellar, mode: E, client: 1, password_file: p, every: 10s}}"
            )
            service.start()
            state: dict[str, Any] = {}

            def published() -> bool:
                if (payload := watcher.last("obis_gateway/obg_95278866/state")) is not None:
                    state.update(json.loads(payload)["registers"])
                return "active_energy_import" in state

            await until(published, 45)
            assert int(state["active_energy_import"]) > 1_000_000
            assert PASSWORD not in service.log
            assert "34 registers" in service.log
        finally:
            watcher.close()
            if service.process is not None:
                service.signal(signal.SIGTERM)
                assert service.process.wait(10) == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (SimulatorOptions("household-e", cosem=CosemOptions(direct=True)), ("--transport", "hdlc")),
        (SimulatorOptions("household-e", wrapped=True), ("--transport", "tcp")),
    ],
    ids=["HDLC without sign-on", "TCP"],
)
def test_a_meter_without_sign_on_is_read(options: SimulatorOptions, words: tuple[str, str], tmp_path: Path) -> None:
    """The same registers."""
    with SimulatorThread(options) as simulator:
        read = command(tmp_path, "read", simulator.port, "--json", "--quiet", *words)
    assert read.returncode == 0, read.stderr
    assert len(json.loads(read.stdout)["registers"]) == 34
