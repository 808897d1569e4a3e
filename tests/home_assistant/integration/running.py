"""A gateway's API as it runs: server, feed, pairing and tokens are the real ones, the meters' lines are not there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from obisgw.config.table import ApiSettings
from obisgw.readings.derive import DerivedState, EventKind, MeterEvent, derive
from obisgw.readings.reading import Health, MeterIdentity, Register
from obisgw.readings.shown import GatewayInfo, MeterOptions
from obisgw.web.clients import Clients
from obisgw.web.feed import Feed
from obisgw.web.pairing import Pairing
from obisgw.web.server import ApiServer
from tests.mqtt.samples import GATEWAY, HEALTH, HOUSEHOLD, METER, NOON, reading

LINES = tuple(line for line in HOUSEHOLD if not line.startswith("0.9."))
"""What the meter prints unless a test says otherwise: without a clock, which would stand still."""


@dataclass
class RunningGateway:
    """Served at a free port of 127.0.0.1 from ``start`` to ``stop``; after another ``start`` at the same port."""

    id: str = "0123456789abcdef"
    info: GatewayInfo = GATEWAY
    settings: ApiSettings = field(default_factory=lambda: ApiSettings(port=0, host="127.0.0.1"))
    tokens: Path | None = None
    asked: list[str] = field(default_factory=list)
    """The meters that were to be read now."""
    on_read: Callable[[str], object] | None = None
    """What happens when a meter is to be read now; nothing by itself."""
    time: datetime = NOON

    def __post_init__(self) -> None:
        self.clients = Clients(self.tokens)
        self.pairing = Pairing()
        self._states: dict[str, DerivedState] = {}
        self._options: dict[str, tuple[MeterIdentity, MeterOptions]] = {}
        self._server: ApiServer | None = None
        self._new_run()

    # --- running

    def _new_run(self) -> None:
        self.feed = Feed(lambda meter: [one.id for one in self.clients.thresholds_of(meter)])

    async def start(self) -> None:
        """Serve."""
        self._server = ApiServer(self.settings, self.info, self.id, self.clients, self.pairing, self, self.feed)
        await self._server.start()
        self.settings = replace(self.settings, port=self._server.port)

    async def stop(self) -> None:
        """Serve no more; what is known stays."""
        if self._server is not None:
            await self._server.stop()
            self._server = None

    async def restart(self) -> None:
        """Begin anew as the program does: known meters, without registers and readings, another stream."""
        await self.stop()
        self._new_run()
        for meter, options in self._options.values():
            self.feed.meter_added(meter, self._watched(meter, options))
        await self.start()

    @property
    def host(self) -> str:
        return "127.0.0.1"

    @property
    def port(self) -> int:
        return self.settings.port

    @property
    def url(self) -> str:
        return f"{'http' if self.settings.certificate is None else 'https'}://{self.host}:{self.port}"

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return 0 if self._server is None else len(self._server._api._streams)

    def drop_streams(self) -> None:
        """Break the streams off, as a network does now and then; the gateway goes on."""
        assert self._server is not None
        self._server._api.end()

    # --- who may

    def pair_code(self) -> str:
        """Return an open code."""
        return self.pairing.open(asyncio.get_running_loop().time())

    def new_token(self, name: str = "Home Assistant") -> str:
        """Return a token, as pairing gives it."""
        return self.clients.add(name)[1]

    def revoke(self) -> None:
        """Revoke all tokens."""
        for client in self.clients.list():
            self.clients.revoke(client.id)

    # --- the meters

    def add_meter(self, meter: MeterIdentity = METER, **options: Any) -> None:
        """Configure a meter, or configure it anew; ``options`` are those of MeterOptions."""
        shown = MeterOptions(**{"interval": 60.0, "slot": meter.id, **options})
        self._options[meter.id] = meter, shown
        self.feed.meter_added(meter, self._watched(meter, shown))

    def remove_meter(self, meter: MeterIdentity = METER) -> None:
        """Configure a meter no more."""
        del self._options[meter.id]
        self.feed.meter_removed(meter.id)

    def replace_meter(self, now: MeterIdentity, before: MeterIdentity = METER) -> None:
        """Read another meter in the place of one."""
        options = self._options.pop(before.id)[1]
        self.add_meter(now, slot=options.slot)
        self.publish(meter=now)
        self.happen(EventKind.METER_REPLACED, meter=now, previous_meter=before.id)

    def publish(
        self,
        *lines: str | Register,
        meter: MeterIdentity = METER,
        health: Health | None = None,
        at: datetime | None = None,
    ) -> None:
        """Read a meter, a minute after the last reading."""
        if meter.id not in self._options:
            self.add_meter(meter)
        self.time += timedelta(minutes=1)
        made = reading(*(lines or LINES), at=at or self.time, meter=meter)
        options = self._watched(*self._options[meter.id])
        self._states[meter.id], derived = derive(self._states.get(meter.id, DerivedState()), made, options.thresholds)
        self.feed.publish_reading(made, derived, health or replace(HEALTH, last_success=made.at))

    def fail(self, why: str = "the meter does not answer", *, meter: MeterIdentity = METER, **health: Any) -> None:
        """Fail to read a meter."""
        self.feed.meter_available(meter.id, available=False, health=replace(HEALTH, last_error=why, **health))

    def happen(self, kind: EventKind, *, meter: MeterIdentity = METER, **details: str) -> None:
        """Tell of an event."""
        self.feed.publish_event(meter.id, MeterEvent(kind, self.time, tuple(details.items())))

    def _watched(self, meter: MeterIdentity, options: MeterOptions) -> MeterOptions:
        thresholds = (*options.thresholds, *self.clients.thresholds_of(meter.id))
        return replace(options, thresholds=thresholds)

    # --- the service beneath the API (obisgw.web.edges.ServiceEdge)

    def read_now(self, meter_id: str) -> bool:
        self.asked.append(meter_id)
        if self.on_read is not None:
            self.on_read(meter_id)
        return meter_id in self._options

    def diagnostics(self) -> dict[str, Any]:
        return {"settings": {"meters": len(self._options)}}

    def clients_changed(self) -> None:
        for meter, options in self._options.values():
            self.feed.meter_added(meter, self._watched(meter, options))

    def mqtt_state(self) -> dict[str, Any]:
        return {"enabled": False, "connected": False, "problem": None}


async def until(condition: Callable[[], object], within: float = 20.0) -> None:
    """Return as soon as a condition holds; fail when it does not in time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            while not condition():  # noqa: ASYNC110 - of anything, also of what sets no event
                await asyncio.sleep(0.005)
    assert condition()
