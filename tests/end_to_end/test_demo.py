"""`obis-gateway demo`: everything at once, with nothing given."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from obisgw.cli.demo_broker import listens
from obisgw.cli.demo_client import rows_of
from tests.mqtt.brokers import Watcher, free_port, mosquitto, until

if TYPE_CHECKING:
    from pathlib import Path


def demo(*words: str) -> subprocess.CompletedProcess[str]:
    """Run it for two readings."""
    command = [sys.executable, "-m", "obisgw", "demo", "--once", "--profile", "household-fast", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)


async def test_two_readings_are_shown_and_the_broker_is_left_as_it_was(tmp_path: Path) -> None:
    """Also what other devices have there."""
    other = "homeassistant/device/other/config"
    async with mosquitto(tmp_path) as broker:
        watcher = Watcher(broker.port)
        try:
            watcher.client.publish(other, b'{"dev": {}, "stat_t": "other"}', qos=1, retain=True).wait_for_publish(5)
            done = await asyncio.to_thread(demo, "--broker", f"127.0.0.1:{broker.port}")
            assert done.returncode == 0, done.stderr
            await until(lambda: watcher.messages)
        finally:
            watcher.close()
        later = Watcher(broker.port)
        try:
            await until(lambda: later.last(other))
            assert {topic for topic, _, retain in later.messages if retain} == {other}
        finally:
            later.close()
    assert "Energy import" in done.stdout
    assert "Discovery document at homeassistant/device/obis_gateway_" in done.stdout
    assert "Two readings were taken and published" in done.stdout
    assert "Settings, Devices & services" in done.stdout


def test_a_broker_that_is_not_there_is_3() -> None:
    """Where one was named, no other is taken."""
    done = demo("--broker", f"127.0.0.1:{free_port()}")
    assert done.returncode == 3
    assert "no connection" in done.stderr


async def test_the_broker_in_python_serves() -> None:
    """For machines without Mosquitto."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "obisgw.cli.demo_broker", str(port))
    try:
        await until(lambda: listens("127.0.0.1", port), 20)
        watcher = Watcher(port)
        watcher.client.publish("a", b"b", qos=1, retain=True)
        await until(lambda: watcher.last("a") == b"b")
        watcher.close()
    finally:
        process.terminate()
        await process.wait()
    assert not listens("127.0.0.1", port)


@pytest.mark.parametrize("state", ["", "nonsense", json.dumps({"registers": {"energy": "00.1"}})])
def test_entities_are_made_of_what_came(state: str) -> None:
    """A state that is no JSON gives none; a missing value is unknown."""
    document = {
        "stat_t": "t",
        "cmps": {
            "a": {"name": "Energy", "val_tpl": "{{value_json.registers.energy}}", "unit_of_meas": "kWh"},
            "b": {"name": "Gone", "val_tpl": "{% set v=value_json.registers.get('gone') %}{{v}}", "en": False},
            "c": {"name": "Reads", "val_tpl": "{{value_json.reads}}"},
        },
    }
    rows = rows_of(document, {"t": state} if state else {})
    values = {"": ["unknown", "unknown"], "nonsense": []}.get(state, ["00.1", "unknown"])
    assert [row[1] for row in rows] == values
