"""The service's life: start, signals, reload, watchdog, end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from obisgw import __version__
from obisgw.config.load import load
from obisgw.errors import ConfigurationError
from obisgw.readings.rehearsal import rehearsed
from obisgw.readings.shown import Command, GatewayInfo

from .api import Api
from .clock import SystemClock
from .diagnostics import diagnostics_of
from .dialects import load_dialects
from .folder import FolderLock, state_folder
from .gaps import Gaps
from .gateway import Gateway
from .installation import installation_id
from .judge import Judge
from .line_edge import LineEdges
from .log import set_level, start_log
from .notify import Notifier
from .publishers import Publishers
from .state import State

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo
    from pathlib import Path

    from obisgw.config.load import Checked
    from obisgw.config.table import Settings
    from obisgw.iec62056_21.dialects import Dialect, Dialects
    from obisgw.mqtt.publisher import Publisher
    from obisgw.readings.thresholds import Threshold
    from obisgw.store.history import Step
    from obisgw.store.quality import Point
    from obisgw.store.rows import RegisterKey

    from .keeper import Keeper

_log = logging.getLogger(__name__)

STOP_WITHIN = 1.7
"""Seconds for meters to be signed off and `offline` to be published; service managers and people wait two."""


def run_service(file: Path, environment: Mapping[str, str] = os.environ) -> int:
    """Run until SIGTERM or SIGINT. Raises ConfigurationError when it cannot start."""
    settings, dialects, checked = read_configuration(file, environment)
    start_log(settings.gateway.log_level, environment)
    _warn(checked)
    folder = state_folder(settings.gateway.state_dir, environment)
    lock = FolderLock(folder)
    try:
        asyncio.run(_Service(file, environment, settings, dialects, folder).run())
    finally:
        lock.close()
    return 0


def read_configuration(file: Path, environment: Mapping[str, str]) -> tuple[Settings, Dialects, Checked]:
    """Return the settings, the dialects that they may name, and what was found. Raises ConfigurationError."""
    dialects = load_dialects(None)

    def own(owners: Path) -> tuple[str, ...]:
        nonlocal dialects
        dialects = load_dialects(owners)
        return dialects.names

    settings, checked = load(file, environment=environment, dialects=dialects.names, own_dialects=own)
    return settings, dialects, checked


def _warn(checked: Checked) -> None:
    for problem in checked.warnings:
        _log.warning("%s", problem.sentence(checked.file))


def _info(settings: Settings) -> GatewayInfo:
    return GatewayInfo(settings.gateway.id, settings.gateway.name, __version__)


def _all(dialects: Dialects) -> list[Dialect]:
    return [dialects.named(name) for name in dialects.names]


class _Service:
    def __init__(
        self, file: Path, environment: Mapping[str, str], settings: Settings, dialects: Dialects, folder: Path
    ) -> None:
        self._file = file
        self._environment = environment
        self._settings = settings
        self._dialects = dialects
        self._notifier = Notifier(environment)
        self._edges = LineEdges(dialects, folder)
        self._folder = folder
        self._started_at = datetime.now(UTC)
        self._keeper = self._new_keeper(settings)
        self._mqtt = self._new_mqtt(settings)
        self._api = self._new_api(settings)
        self._publishers = Publishers()
        state = State.load(folder / "meters.json")
        clock = SystemClock()
        judge = Judge(folder / "checks.json", clock)
        gaps = None if self._keeper is None else Gaps(self._keeper.store, folder / "gaps.json", clock)
        self._gateway = Gateway(self._publishers, state, clock, self._edges.edge_of, self._thresholds_of, judge, gaps)
        self._signals: asyncio.Queue[signal.Signals] = asyncio.Queue()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._signals.put_nowait, number)
        self._hand_on()
        if self._keeper is not None:
            self._keeper.store.start()
        if self._mqtt is not None:
            await self._mqtt.start()
        await self._gateway.configure(self._settings.meters)
        if self._api is not None:
            await self._api.use(self._settings.api, _info(self._settings))
        self._notifier.ready(self._status)
        _log.info("obis-gateway %s: %s", __version__, self._status)
        watchdog = asyncio.create_task(self._watchdog(), name="watchdog")
        try:
            while await self._signals.get() is signal.SIGHUP:
                await self._reload()
        finally:
            watchdog.cancel()
            await self._stop()

    @property
    def _status(self) -> str:
        count = len(self._settings.meters)
        return f"{count} meter{'s' if count > 1 else ''} configured"

    def _new_keeper(self, settings: Settings) -> Keeper | None:
        """Return what keeps readings; without it, its library takes no memory."""
        if not settings.store.enabled:
            return None
        from .keeper import Keeper  # noqa: PLC0415 - see above

        return Keeper(self._folder, settings.store)

    def _new_mqtt(self, settings: Settings) -> Publisher | None:
        """Return what publishes by MQTT; without it, its libraries take no memory."""
        if not settings.mqtt.enabled:
            return None
        from obisgw.mqtt.publisher import Publisher  # noqa: PLC0415 - see above
        from obisgw.mqtt.rehearsal import rehearse  # noqa: PLC0415 - see above

        rehearse(rehearsed(self._dialects.match(None)))
        missed = None if self._keeper is None else self._keeper.store.messages
        return Publisher(settings.mqtt, _info(settings), self._commanded, missed=missed)

    def _new_api(self, settings: Settings) -> Api | None:
        if not settings.api.enabled:
            return None
        return Api(self._folder, installation_id(self._folder / "gateway.json"), self)

    def _hand_on(self) -> None:
        """Let readings go to all that are there, and meters that clients show by no other way than theirs."""
        self._publishers.edges = () if self._mqtt is None else (self._mqtt,)
        after = (None if self._api is None else self._api.feed, self._keeper)
        self._publishers.later = tuple(edge for edge in after if edge is not None)
        self._adopt()

    def _adopt(self) -> None:
        if self._mqtt is not None:
            self._mqtt.adopt(frozenset() if self._api is None else self._api.adopted)

    def _thresholds_of(self, meter_id: str) -> tuple[Threshold, ...]:
        return () if self._api is None else self._api.thresholds_of(meter_id)

    # --- what the API asks (web.edges.ServiceEdge)

    def read_now(self, meter_id: str) -> bool:
        """Read this meter as soon as its line is free; False when it is not configured."""
        return self._gateway.read_now(meter_id)

    def diagnostics(self) -> dict[str, Any]:
        """Return what helps to find a fault, without secrets."""
        store = None if self._keeper is None else self._keeper.store.state()
        return diagnostics_of(self._settings, self._gateway.meters, self._started_at, store)

    def clients_changed(self) -> None:
        """Take notice that clients adopted meters, left them, or set other thresholds."""
        # What is shown changes before who shows it: else a meter that comes back does so with what is no more.
        self._gateway.introduce_changed()
        self._adopt()

    @property
    def keeps_history(self) -> bool:
        """Whether readings are kept."""
        return self._keeper is not None

    async def counters(self, meter_id: str) -> list[RegisterKey] | None:
        """Return the counters of a meter that have a history; None where it cannot be read."""
        return None if self._keeper is None else await self._keeper.store.counters(meter_id)

    async def history(
        self, key: RegisterKey, start: datetime, end: datetime, step: Step, zone: tzinfo
    ) -> list[Point] | None:
        """Return a counter at each boundary of a span of time; None where that cannot be read."""
        return None if self._keeper is None else await self._keeper.history(key, start, end, step, zone)

    def mqtt_state(self) -> dict[str, Any]:
        """Return how it goes with the broker."""
        mqtt = self._mqtt
        if mqtt is None:
            return {"enabled": False, "connected": False, "problem": None}
        problem = None if mqtt.problem is None else str(mqtt.problem)
        return {"enabled": True, "connected": mqtt.connected.is_set(), "problem": problem}

    def _commanded(self, meter_id: str, command: Command) -> None:
        match command:
            case Command.READ_NOW:
                if not self._gateway.read_now(meter_id):
                    _log.warning("%s was asked to be read now and is not configured", meter_id)

    async def _watchdog(self) -> None:
        """Answer as long as the loop turns and every port has its task; else the manager starts us again."""
        while self._notifier.watchdog is not None:
            if self._gateway.alive:
                self._notifier.alive()
            await asyncio.sleep(self._notifier.watchdog)

    async def _reload(self) -> None:
        """Read the configuration again; one that is wrong changes nothing."""
        self._notifier.reloading(time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000)
        try:
            settings, dialects, checked = read_configuration(self._file, self._environment)
        except ConfigurationError as error:
            for line in str(error).splitlines():
                _log.error("%s", line)
            _log.error("the configuration is not changed: correct it and reload again")
        else:
            _warn(checked)
            await self._change_to(settings, dialects)
        self._notifier.ready(self._status)

    async def _change_to(self, settings: Settings, dialects: Dialects) -> None:
        before, self._settings = self._settings, settings
        set_level(settings.gateway.log_level)
        if settings.gateway.state_dir != before.gateway.state_dir:
            _log.warning("'state_dir' is changed by the next start, not by a reload")
        if settings.store != before.store:
            _log.warning("the section 'store' is changed by the next start, not by a reload")
        if settings.mqtt != before.mqtt or _info(settings) != _info(before):
            await self._change_mqtt(settings)
        await self._change_api(settings)
        renewed = _all(dialects) != _all(self._dialects)
        self._dialects = self._edges.dialects = dialects
        await self._gateway.configure(settings.meters, renew=renewed)
        _log.info("the configuration was read again: %s", self._status)

    async def _change_mqtt(self, settings: Settings) -> None:
        if self._mqtt is not None:
            await self._mqtt.stop()
        self._mqtt = self._new_mqtt(settings)
        self._hand_on()
        if self._mqtt is not None:
            await self._mqtt.start()
            self._gateway.introduce_to(self._mqtt)

    async def _change_api(self, settings: Settings) -> None:
        if self._api is not None and not settings.api.enabled:
            await self._api.stop()
            self._api = None
            self._hand_on()
            self._gateway.introduce_changed()
        elif self._api is None and settings.api.enabled:
            self._api = self._new_api(settings)
            self._hand_on()
            if self._api is not None:
                self._gateway.introduce_to(self._api.feed)
            self._gateway.introduce_changed()
        if self._api is not None:
            await self._api.use(settings.api, _info(settings))

    async def _stop(self) -> None:
        self._notifier.stopping()
        _log.info("stopping")
        try:
            async with asyncio.timeout(STOP_WITHIN):
                ends = [self._gateway.stop()]
                if self._mqtt is not None:
                    ends.append(self._mqtt.stop())
                if self._api is not None:
                    ends.append(self._api.stop())
                await asyncio.gather(*ends)
                if self._keeper is not None:
                    # After the broker's end, which leaves what it has missed.
                    await self._keeper.store.stop()
        except TimeoutError:
            _log.warning("stopped without waiting longer for ports, broker and disk")
            if self._keeper is not None:
                self._keeper.store.stop_at_once()
        self._notifier.close()
