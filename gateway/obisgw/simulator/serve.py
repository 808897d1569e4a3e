"""Simulated meters on a port: what ``obis-gateway simulate``, the demonstration, tests and benchmarks start."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from types import TracebackType
from typing import Self

from obisgw.iec62056_21.block_check import BlockCheckKind
from obisgw.iec62056_21.identification import MODE_B_RATES, MODE_C_RATES, Mode
from obisgw.iec62056_21.meter import MeterSession
from obisgw.iec62056_21.meter_programming import Records
from obisgw.iec62056_21.meter_settings import MeterData, MeterEvent, MeterSettings

from .cosem_line import WrapperLine
from .cosem_session import CosemMeter, CosemOptions, CosemSession
from .faults import Faults
from .household import START, Household
from .line import Line, PtyLine, TcpLine
from .profile import Profile, load_profile, replay_profile
from .wire import TICK, Echo, Station, Wire

_DIRECT_BAUDRATE = 9600


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """What to simulate. Times in seconds.

    ``profile`` names the meter; ``telegram`` replays a captured one in its place. ``mode`` overrides the mode,
    ``interval`` how often a pushing meter sends. ``link`` is a symbolic link to the pseudo-terminal; ``listen`` a host
    and port for TCP in its place, with ``port_baudrate`` for a serial server that keeps one rate. Each of
    ``addresses`` is one more meter on the same line, with a household of its own. ``speed`` is how much faster than
    real the household's time goes; ``start`` its first moment (a full hour), and ``ahead`` how many seconds later it
    is when the simulation begins; ``zone`` that of the clock (None: the profile's). ``size`` fills the data block up to about
    so many bytes. ``echo`` None takes the profile's. ``parity`` False sends plain seven-bit characters, for reading
    devices that set 7E1 on a pseudo-terminal. ``reaction`` is the time before each of its messages. ``faults`` are written as in `faults`. ``tick``
    is how often characters in the middle of a message are handed over; 0.05 for dozens of meters in one process.
    ``cosem``: the meter speaks DLMS, after a sign-on or at once; ``wrapped``: in TCP's wrapper, at ``listen``.
    """

    profile: str = "household"
    telegram: Path | None = None
    mode: Mode | None = None
    link: Path | None = None
    listen: tuple[str, int] | None = None
    port_baudrate: int | None = None
    addresses: tuple[str, ...] = ("",)
    seed: int = 1
    speed: float = 1.0
    start: datetime = START + timedelta(hours=7)
    ahead: float = 0.0
    zone: tzinfo | None = None
    solar: int = 6000
    interval: float | None = None
    size: int | None = None
    echo: float | None = None
    echo_delay: float = 0.0
    half_duplex: bool = False
    parity: bool = True
    faults: tuple[str, ...] = ()
    reaction: float | None = None
    tick: float = TICK
    cosem: CosemOptions | None = None
    wrapped: bool = False


def profile_of(options: SimulatorOptions) -> Profile:
    """Return the profile that the options ask for."""
    if options.telegram is not None:
        return replay_profile(options.telegram, options.mode)
    return load_profile(options.profile)


def _settings(profile: Profile, household: Household, options: SimulatorOptions, address: str) -> MeterSettings:
    settings = profile.settings_for(household)
    if options.mode is not None and options.mode is not settings.effective_mode:
        settings = _in_mode(settings, options.mode)
    if address:
        settings = replace(settings, address=address)
    if options.interval is not None:
        settings = replace(settings, interval=options.interval)
    if options.reaction is not None:
        settings = replace(settings, reaction=options.reaction, data_reaction=None)
    if not options.parity:
        settings = replace(settings, format=type(settings.format).HARDWARE)
    return settings


def _in_mode(settings: MeterSettings, mode: Mode) -> MeterSettings:
    """Return the same meter in another mode, with the baud character that announces it."""
    rate = settings.identified.baudrate
    letters = {Mode.B: MODE_B_RATES, Mode.C: MODE_C_RATES}.get(mode, {})
    letter = next((one for one, its_rate in letters.items() if its_rate == rate), "E" if mode is Mode.B else "5")
    if mode is Mode.A:
        letter = " "
    if mode is Mode.D:
        return replace(settings, mode=mode, start_baudrate=9600, stx=False, etx=False, check=None)
    identification = settings.identification[:4] + letter + settings.identification[5:]
    pushed = settings.effective_mode is Mode.D
    start = 300 if pushed else settings.start_baudrate
    framed = replace(settings, stx=True, etx=True, check=BlockCheckKind.XOR) if pushed else settings
    return replace(framed, identification=identification, mode=mode, start_baudrate=start)


class Simulator:
    """One line with its meters, in the running loop: ``async with Simulator(options) as line: open line.port``."""

    def __init__(self, options: SimulatorOptions | str = "household") -> None:
        self.options = SimulatorOptions(options) if isinstance(options, str) else options
        self.profile = profile_of(self.options)
        self._cosem = self.options.cosem or self.profile.cosem
        self.households = tuple(
            Household(
                self.options.seed + place,
                self.options.start,
                solar=self.options.solar,
                resolution=self.profile.resolution,
                zone=self.options.zone or self.profile.zone,
            )
            for place in range(max(1, len(self.options.addresses)))
        )
        self._faults = [Faults(self.options.faults, self.options.seed + place) for place in range(len(self.households))]
        self._origin = 0.0
        self._line: Line | None = None
        self._outages: list[asyncio.Task[None]] = []

    @property
    def line(self) -> Line:
        """The line; it exists inside the ``async with``."""
        if self._line is None:
            raise ValueError("the simulator has not been started")
        return self._line

    @property
    def port(self) -> str:
        """What a reading device opens."""
        return self.line.port

    def household_time(self, now: float) -> float:
        """Return the household's time in seconds at a moment of the loop's clock."""
        return max(0.0, now - self._origin) * self.options.speed + self.options.ahead

    def events(self) -> list[tuple[int, MeterEvent]]:
        """Return what happened since the last call, each with the meter's place on the line."""
        return self.line.wire.events()

    async def unplug(self) -> None:
        """Take the port away, as if the adapter had been pulled."""
        self.line.close()

    async def replug(self) -> None:
        """Bring the port back, as a new one under the same link."""
        await self.line.open()
        self.line.step()

    def wire(self) -> Wire:
        """Return the wire with its meters, not yet on any port; for tests that move the clock by hand."""
        options, profile = self.options, self.profile
        stations = []
        for household, faults, address in zip(self.households, self._faults, options.addresses or ("",), strict=True):
            data = profile.data(household, options.size)
            settings = _settings(profile, household, options, address)
            lists = {
                command: replace(one, data=self._in_household_time(one.data)) for command, one in settings.lists.items()
            }
            if (programming := settings.programming) is not None:
                records = {address: self._record_in_household_time(one) for address, one in programming.records.items()}
                settings = replace(settings, programming=replace(programming, records=records))
            data(0.0)  # The past takes a moment to make up, which a meter on the line does not have.
            session = self._session(replace(settings, lists=lists), self._in_household_time(data), household)
            stations.append(Station(session, faults))
        share = profile.echo if options.echo is None else options.echo
        echo = Echo(share, options.echo_delay) if share else None
        return Wire(stations, echo=echo, half_duplex=options.half_duplex, seed=options.seed, tick=options.tick)

    def _session(self, settings: MeterSettings, data: MeterData, household: Household) -> MeterSession:
        cosem = self._cosem
        if cosem is None:
            return MeterSession(settings, data)
        if cosem.direct:
            settings = replace(settings, start_baudrate=self.options.port_baudrate or _DIRECT_BAUDRATE)
        elif not settings.identified.offers_mode_e:
            line = settings.identification
            settings = replace(settings, identification=f"{line[:5]}\\2{line[5:]}")
        return CosemSession(settings, data, self.cosem_meter(household), cosem)

    def cosem_meter(self, household: Household) -> CosemMeter:
        """Return what answers DLMS in this household."""
        return CosemMeter(household, self._cosem or CosemOptions(), self.household_time)

    def _in_household_time(self, data: Callable[[float], bytes]) -> Callable[[float], bytes]:
        return lambda now: data(self.household_time(now))

    def _record_in_household_time(self, record: Records) -> Records:
        return lambda argument, now: record(argument, self.household_time(now))

    async def __aenter__(self) -> Self:
        options = self.options
        wire = self.wire()
        self._origin = asyncio.get_running_loop().time()
        if options.wrapped:
            host, port = options.listen or ("127.0.0.1", 0)
            self._line = WrapperLine(self.cosem_meter(self.households[0]), host, port)
        elif options.listen is not None:
            self._line = TcpLine(wire, *options.listen, options.port_baudrate)
        else:
            self._line = PtyLine(wire, options.link)
        await self._line.__aenter__()
        outages = {outage for faults in self._faults for outage in faults.outages}
        self._outages = [asyncio.create_task(self._outage(*outage)) for outage in sorted(outages)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for outage in self._outages:
            outage.cancel()
        # A failed outage (no terminal to be had) is told to whoever ends the simulator.
        results = await asyncio.gather(*self._outages, return_exceptions=True)
        await self.line.__aexit__(kind, error, trace)
        failures = [one for one in results if isinstance(one, Exception)]
        if failures and error is None:
            raise failures[0]

    async def _outage(self, at: float, seconds: float) -> None:
        await asyncio.sleep(at)
        await self.unplug()
        await asyncio.sleep(seconds)
        await self.replug()


async def run_simulator(
    options: SimulatorOptions,
    ready: Callable[[Simulator], object],
    happened: Callable[[int, MeterEvent], object] | None = None,
) -> None:
    """Simulate until cancelled. ``ready`` is called once the port exists, ``happened`` with each event."""
    async with Simulator(options) as simulator:
        ready(simulator)
        while True:
            await asyncio.sleep(0.2)
            for place, event in simulator.events():
                if happened is not None:
                    happened(place, event)


class SimulatorThread:
    """A simulator in a thread with a loop of its own, for callers that block: ``with SimulatorThread(options) as it``."""

    def __init__(self, options: SimulatorOptions | str = "household") -> None:
        self.simulator = Simulator(options)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)

    @property
    def port(self) -> str:
        """What a reading device opens."""
        return self.simulator.port

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        if self._failure is not None and error is None:
            raise self._failure

    def unplug(self) -> None:
        """Take the port away and return when it is gone."""
        self._wait_for(self.simulator.unplug)

    def replug(self) -> None:
        """Bring the port back and return when it is there."""
        self._wait_for(self.simulator.replug)

    def _wait_for(self, work: Callable[[], Awaitable[None]]) -> None:
        async def do() -> None:
            await work()

        if self._loop is None:
            raise ValueError("the simulator has not been started")
        asyncio.run_coroutine_threadsafe(do(), self._loop).result()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as failure:  # noqa: BLE001 - handed to the thread that waits
            self._failure = failure
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with self.simulator:
            self._ready.set()
            await self._stop.wait()
