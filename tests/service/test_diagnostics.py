"""Diagnostics are JSON and name no secret."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from obisgw.config.table import ApiSettings, GatewaySettings, MqttSettings, Settings, ThresholdSettings
from obisgw.config.values import Quantity
from obisgw.secret import Secret
from obisgw.service.diagnostics import diagnostics_of
from obisgw.service.meter import MeterRun
from obisgw.service.state import MeterState

from .fakes import FakeClock, FakeMeter, FakePublisher, identity, settings


async def test_diagnostics_are_json_without_secrets() -> None:
    """Neither the broker's password nor that of a port's URL."""
    meter = settings(
        port="rfc2217://me:s3cret@10.0.0.7:2001",
        thresholds=(ThresholdSettings(name="High", above=Quantity(Decimal("3.0"), "kW")),),
    )
    mqtt = MqttSettings(password=Secret("s3cret"), username="u", password_file=Path("/pw"))
    clock, publisher = FakeClock(), FakePublisher()
    run = MeterRun(meter, FakeMeter(clock), publisher, MeterState(identity()), clock)
    await run.read()
    whole = Settings(meters=(meter,), mqtt=mqtt, gateway=GatewaySettings(), api=ApiSettings())
    store = {"problem": None, "bytes": 4096}
    document = diagnostics_of(whole, [run], datetime(2026, 1, 1, tzinfo=UTC), store)
    text = json.dumps(document, allow_nan=False)
    assert "s3cret" not in text
    (shown,) = document["meters"]
    assert shown["settings"]["port"] == "rfc2217://*****@10.0.0.7:2001"
    assert publisher.options.port == "rfc2217://*****@10.0.0.7:2001"
    assert shown["settings"]["thresholds"][0]["above"] == {"number": "3.0", "unit": "kW"}
    assert (shown["health"]["reads"], shown["id"]) == (1, "isk_123")
    assert document["settings"]["mqtt"]["password"] == "*****"
    assert document["settings"]["gateway"]["log_level"] == "info"
    assert document["settings"]["store"]["raw_days"] == 14
    assert document["store"] == store
    assert shown["health"]["held_back"] == 0
