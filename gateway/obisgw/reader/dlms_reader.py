"""A meter that speaks DLMS: sign-on, association, and a reading of the objects that it shows, with as many attempts as it takes."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from obisgw.config.values import LineFormat, Transport
from obisgw.dlms import axdr, short_names
from obisgw.dlms.association import Association, Opened, Security
from obisgw.dlms.classes import ClassId
from obisgw.dlms.conversation import Conversation, Ended, Failing
from obisgw.dlms.errors import DecodeError
from obisgw.dlms.frames import Frame, Kind
from obisgw.dlms.negotiation import MOST, Parameters
from obisgw.dlms.objects import ASSOCIATION_LIST, MeterObject, objects_of
from obisgw.dlms.readout import Wanted, units_of, units_wanted, wanted
from obisgw.dlms.services import Attribute, GetResult, access_result
from obisgw.errors import MeterError, PortLostError, RefusedError
from obisgw.iec62056_21.events import EchoSeen, Failed, Failure, HandedOver, Identified, Received
from obisgw.iec62056_21.handover import HandoverSession
from obisgw.iec62056_21.ladder import next_plan
from obisgw.iec62056_21.plan import LinePlan
from obisgw.line.discover import stable_name

from .dlms_session import DlmsSession
from .dlms_settings import DIRECT_BAUDRATE, NETWORK_BAUDRATE, PUBLIC_CLIENT
from .dlms_talk import DlmsTalk, LostError
from .explain import Attempt, explain
from .object_memory import Described
from .pump import pump
from .reader import Readout
from .refused import is_marked, mark_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from obisgw.dlms.conversation import Link
    from obisgw.dlms.values import ScalerUnit
    from obisgw.iec62056_21.identification import Identification
    from obisgw.line.port import Port, PortSettings

    from .counters import Counters
    from .dlms_settings import DlmsSettings
    from .object_memory import ObjectMemory
    from .reader import MeterReader

_log = logging.getLogger(__name__)

ATTEMPTS: Final = 3
"""Of a sign-on with a link; and so often a reading is begun that broke off in the middle."""

REST: Final = 2.0
"""After DISC a meter needs this time to return to its sign-on."""

ASK_AGAIN: Final = 86400.0
"""A meter that gave a readout in place of HDLC, or took small frames only, is put to the test again after this."""

_PAUSE: Final = 1.0
_USUAL_RATE: Final = 9600
"""At which nearly all meters speak HDLC behind their sign-on."""

_ANSWER_WITHIN: Final = 1.8
_OPTIMISTIC_TRIES: Final = 1
_TRIES: Final = 6
_LOGICAL_NAME: Final = bytes((0, 0, 42, 0, 0, 255))
_COUNTERS: Final = tuple(bytes((0, 0, 43, 1, number, 255)) for number in (0, 1, 2))
"""Where meters show the invocation counter that they expect, the global unicast key's first."""
_VERSIONS: Final = frozenset({(1, 0, 0, 2, 0, 255), (0, 0, 96, 1, 0, 255), (0, 0, 0, 2, 0, 255), (0, 0, 42, 0, 0, 255)})
"""What is another value when meter or firmware is another one."""


@dataclass(frozen=True, slots=True)
class Got:
    """One object of a reading: its value, and when it was captured where it says so."""

    wanted: Wanted
    value: axdr.Data | None
    captured: axdr.Data | None


@dataclass(frozen=True, slots=True)
class DlmsReadout:
    """One reading. ``seconds``: from the first request to the last answer; ``at`` is a time of the event loop."""

    identification: Identification | None
    objects: tuple[MeterObject, ...]
    values: tuple[Got, ...]
    units: dict[bytes, ScalerUnit]
    seconds: float
    at: float
    baudrate: int
    bytes: int
    retries: int
    damaged: int
    attempts: tuple[Attempt, ...]


class GaveReadout(Exception):  # noqa: N818 - what the meter does, no fault
    """The meter gave its readout in place of HDLC."""


FARTHEST: Final = 1 << 24
"""Messages that somebody else may have sent with the same key since."""


class DlmsReader:
    """Reads one meter. ``reader`` knows the line, and reads in the ASCII modes where the meter does not speak DLMS.

    ``again``: secrets are tried although this meter has refused them before.
    """

    def __init__(
        self,
        reader: MeterReader,
        settings: DlmsSettings,
        counters: Counters,
        objects: ObjectMemory,
        *,
        again: bool = False,
    ) -> None:
        self.reader = reader
        self.settings = settings
        self.counters = counters
        self.objects = objects
        self.attempts: list[Attempt] = []
        self._where = reader.settings.where
        self._again = again
        self._began = 0.0
        self._lost_open = False
        """The latest link was open and was lost: the next one proposes the smallest frames."""

    # --- reading

    async def read(self) -> DlmsReadout | Readout:
        """Read the meter once, in the ASCII modes where it does not go over to HDLC.

        Raises ``MeterError`` or ``RefusedError`` after the last attempt, ``LineError`` at once. Cancelled, it signs off.
        """
        self.attempts = []
        if self._known_without():
            return await self.reader.read()
        for last in (False, True):
            try:
                return await self._read()
            except GaveReadout:
                self._remember_without()
                return await self.reader.read()
            except LostError as error:
                if last:
                    raise
                self._lost_open = error.failing is Failing.LINK
                _log.debug("%s: begun again: %s", self._where, error)
            except PortLostError:
                if last or self.attempts:
                    raise
        raise AssertionError("there is a last time")

    async def _read(self) -> DlmsReadout:
        async with self.open() as talk:
            objects, units = await self.described(talk)
            asked = wanted(objects)
            plain = [one for item in asked for one in (item.value, item.captured) if one is not None]
            results = iter(await talk.get(plain))
            values = tuple(
                Got(item, next(results).data, None if item.captured is None else next(results).data) for item in asked
            )
            session = talk.session
            now = asyncio.get_running_loop().time()
            return DlmsReadout(
                talk.identification,
                objects,
                values,
                units,
                now - self._began,
                now,
                talk.baudrate,
                session.received,
                session.conversation.link.retries,
                session.conversation.link.damaged,
                tuple(self.attempts),
            )

    async def described(self, talk: DlmsTalk) -> tuple[tuple[MeterObject, ...], dict[bytes, ScalerUnit]]:
        """Return the meter's objects and their units: what is kept, where meter and firmware are still the same."""
        key = self._key
        known = self.objects.recall(key)
        if known.objects is not None and await self._is_same(talk, known):
            try:
                return self._taken(talk, known)
            except DecodeError as error:
                _log.debug("%s: what was kept is not usable: %s", self._where, error)
        (result,) = await talk.get([short_names.ASSOCIATION_LIST if self.settings.short_names else ASSOCIATION_LIST])
        if result.data is None:
            raise RefusedError(
                f"the meter does not show its objects ({access_result(result.error or 0)})",
                where=self._where,
                hint="another 'client' may be allowed to see them",
            )
        try:
            objects = self._objects_in(talk, result.data)
        except (DecodeError, IndexError, TypeError, ValueError) as error:
            raise MeterError(
                f"the meter's list of objects cannot be understood: {error}",
                where=self._where,
                hint="please report the meter's maker and type",
            ) from error
        stamped = [one.attribute(2) for one in objects if tuple(one.name) in _VERSIONS and 2 in one.readable]
        scaled = list(units_wanted(objects))
        results = await talk.get([*stamped, *scaled])
        described = Described(
            tuple(
                (one.class_id, one.name, one.number, axdr.encode(found.data))
                for one, found in zip(stamped, results, strict=False)
                if found.data is not None
            ),
            axdr.encode(result.data),
            tuple(
                (one.class_id, one.name, one.number, None if found.data is None else axdr.encode(found.data))
                for one, found in zip(scaled, results[len(stamped) :], strict=True)
            ),
            known.small_link,
        )
        # Without anything that tells meters apart the list is not kept: it could be another one's.
        if self.objects.remember(key, described if described.stamp else replace(described, objects=None)):
            self._save_objects()
        return self._taken(talk, described)

    def _objects_in(self, talk: DlmsTalk, listed: axdr.Data) -> tuple[MeterObject, ...]:
        if not self.settings.short_names:
            return objects_of(listed)
        objects, talk.session.conversation.association.names = short_names.short_objects_of(listed)
        return objects

    def _taken(self, talk: DlmsTalk, known: Described) -> tuple[tuple[MeterObject, ...], dict[bytes, ScalerUnit]]:
        objects = self._objects_in(talk, axdr.decode(known.objects or b""))
        attributes = [Attribute(class_id, name, number) for class_id, name, number, _ in known.units]
        results = [GetResult(None if octets is None else axdr.decode(octets)) for _, _, _, octets in known.units]
        return objects, units_of(attributes, results)

    async def _is_same(self, talk: DlmsTalk, known: Described) -> bool:
        attributes = [Attribute(class_id, name, number) for class_id, name, number, _ in known.stamp]
        if self.settings.short_names:
            # Nothing can be asked for without them.
            try:
                self._objects_in(talk, axdr.decode(known.objects or b""))
            except DecodeError:
                return False
        results = await talk.get(attributes)
        return all(
            result.data is not None and axdr.encode(result.data) == value
            for result, (_, _, _, value) in zip(results, known.stamp, strict=True)
        )

    # --- an association

    @asynccontextmanager
    async def open(self) -> AsyncIterator[DlmsTalk]:
        """Have an association to ask in. However it is left, the link is closed and the port free.

        Raises ``RefusedError`` where the meter will not, ``MeterError`` after the last attempt, ``LineError`` at once,
        ``GaveReadout`` where the meter does not go over to HDLC.
        """
        spoken = self.reader.memory.spoken(*self._line_key)
        if not self._again and is_marked(self.settings.fingerprint, spoken.refused):
            raise RefusedError(
                "this meter has refused the password or the keys before, and they are not tried again by themselves",
                where=self._where,
                hint="put the right ones into 'password_file' or 'encryption_key_file' and 'authentication_key_file'",
            )
        await self._find_counter()
        async with self._connected(self.settings.client, self._security) as talk:
            if spoken.refused is not None:
                self._learn(refused=None)
            yield talk

    @asynccontextmanager
    async def _connected(self, client: int, security: Security) -> AsyncIterator[DlmsTalk]:
        async with self.reader.port.use(self._port_settings, rest=REST) as port:
            self._began = asyncio.get_running_loop().time()
            talk = await self._associated(port, client, security)
            try:
                yield talk
            except (asyncio.CancelledError, PortLostError):
                await talk.drop()
                raise
            except BaseException:
                await _closed(talk)
                raise
            await _closed(talk)

    @property
    def _security(self) -> Security:
        return self.settings.security(self.counters.known(self._counter_key) or 0 if self.settings.counted else 0)

    async def _associated(self, port: Port, client: int, security: Security) -> DlmsTalk:
        """Return an open association, after as many attempts as it takes."""
        attempts: list[Attempt] = []
        plan: LinePlan | None = self._first_plan()
        corrected = False
        while plan is not None:
            handed = await self._handed_over(port, plan)
            if isinstance(handed, Attempt):
                failed = handed
            else:
                outcome = await self._opened(port, client, security, handed)
                if isinstance(outcome, DlmsTalk):
                    return outcome
                ended, sample = outcome
                if ended.failing is Failing.COUNTER and self._is_near(ended.counter) and not corrected:
                    corrected = True
                    self.counters.go_on_from(self._counter_key, ended.counter or 0)
                    security = replace(security, counter=self.counters.known(self._counter_key) or 0)
                    attempts.append(Attempt(Failure.REFUSED, ended.reason, sample, handed.identification, 0))
                    await asyncio.sleep(REST)
                    continue
                self._end(ended)
                failed = Attempt(Failure.NO_DATA, ended.reason, sample, handed.identification, 0)
            attempts.append(failed)
            self.attempts.append(failed)
            _log.debug("%s: attempt %d: %s", self._where, len(attempts), failed.detail)
            plan = self._next_plan(plan, attempts)
            if plan is not None:
                await self._between(port, failed, plan)
        if self.settings.transport is Transport.OPTICAL and not self.settings.insist and attempts[-1].identification:
            # It names itself and does not speak HDLC.
            raise GaveReadout
        raise self._explained(attempts)

    async def _opened(
        self, port: Port, client: int, security: Security, handed: _Handed
    ) -> DlmsTalk | tuple[Ended, bytes]:
        """Return an open association, or how it ended."""
        known = self.objects.recall(self._key)
        small, now = known.small_link, time.time()
        was_small = small is not None and 0 <= now - small < ASK_AGAIN
        proposed = Parameters() if was_small or self._lost_open else MOST
        self._lost_open = False
        link = self._link(port, client, proposed, confirmed=handed.confirmed)
        counter = self._counter_key
        conversation = Conversation(link, Association(security))
        counted = self.settings.counted and client == self.settings.client
        session = DlmsSession(conversation, (lambda last: self.counters.use(counter, last)) if counted else None)
        events = pump(session, port)
        try:
            async for event in events:
                match event:
                    case Opened():
                        if proposed is not MOST and not was_small:
                            self.objects.remember(self._key, replace(known, small_link=now))
                            self._save_objects()
                        return DlmsTalk(session, events, self._where, handed.identification, port.baudrate)
                    case Ended():
                        await events.aclose()
                        self._lost_open = event.failing is Failing.LINK
                        return event, session.sample
                    case _:
                        continue
        except BaseException:
            await events.aclose()
            raise
        return Ended(Failing.SILENT, "the meter does not answer"), session.sample

    def _link(self, port: Port, client: int, proposed: Parameters, *, confirmed: bool) -> Link:
        from obisgw.dlms.link import ClientLink  # noqa: PLC0415 - what is not used is not imported
        from obisgw.dlms.wrapper import WrapperLink, WrapperSettings  # noqa: PLC0415

        settings, latency = self.settings, self.reader.settings.latency
        if settings.transport is Transport.TCP:
            return WrapperLink(WrapperSettings(client, settings.logical, answer_within=10.0 + latency))
        tries = _TRIES if confirmed else _OPTIMISTIC_TRIES
        return ClientLink(settings.link(client, proposed, port.baudrate, _ANSWER_WITHIN + latency, tries))

    def _end(self, ended: Ended) -> None:
        """Raise where trying again is of no use, or may lock the meter."""
        match ended.failing:
            case Failing.SECRET:
                self._learn(refused=mark_of(self.settings.fingerprint))
                raise RefusedError(
                    f"the meter refused the password or the keys ({ended.reason})",
                    where=self._where,
                    hint="they are not tried again until others are configured: meters lock themselves after a few wrong ones",
                )
            case Failing.REFUSED:
                raise RefusedError(
                    f"the meter refused the association ({ended.reason})",
                    where=self._where,
                    hint="check 'client', 'server', 'security' and 'protection'",
                )
            case Failing.COUNTER:
                raise RefusedError(
                    f"the meter refused the invocation counter ({ended.reason})",
                    where=self._where,
                    hint="another program may use the same key and 'client'; wait and try again",
                )
            case _:
                return

    # --- the invocation counter

    async def _find_counter(self) -> None:
        """Ask the meter for the counter that it expects, where none is kept; as the public client, whom all may be."""
        settings = self.settings
        if not settings.counted or self.counters.known(self._counter_key) is not None:
            return
        found = 0
        if settings.client != PUBLIC_CLIENT:
            try:
                async with self._connected(PUBLIC_CLIENT, Security()) as talk:
                    for name in _COUNTERS:
                        (result,) = await talk.get([Attribute(ClassId.DATA, name, 2)])
                        if (counter := _counter_in(result)) is not None:
                            found = counter + 1
                            break
            except (RefusedError, LostError) as error:
                _log.debug("%s: the public client is not told the invocation counter: %s", self._where, error)
        self.counters.go_on_from(self._counter_key, found)

    def _is_near(self, counter: int | None) -> bool:
        """Whether a counter that came in clear may be gone on from: by damage or malice it would be used up at once."""
        known = self.counters.known(self._counter_key) or 0
        return counter is not None and known <= counter <= known + FARTHEST

    @property
    def _counter_key(self) -> str:
        address = f"{self.settings.logical}/{self.settings.physical}"
        return f"{stable_name(self.reader.port.url)} {address} {self.settings.client} {self.settings.title.hex()}"

    # --- sign-on

    async def _handed_over(self, port: Port, plan: LinePlan) -> _Handed | Attempt:
        """Sign on and have the meter go over to HDLC. Raises ``GaveReadout``."""
        if self.settings.transport is not Transport.OPTICAL:
            return _Handed(None, confirmed=True)
        reader = self.reader
        session = HandoverSession(
            reader.session_settings(port, None), plan, reader.dialects, insist=self.settings.insist
        )
        failed = Failed(Failure.SILENCE, "nothing came back", 0.0)
        echo = 0
        async with aclosing(pump(session, port)) as events:
            async for event in events:
                reader.tell(event)
                match event:
                    case Identified(identification):
                        session.plan = reader.within_limits(session.plan, identification, port)
                        if not self.settings.insist and not identification.offers_mode_e:
                            raise GaveReadout
                    case EchoSeen(characters):
                        echo = max(echo, characters)
                    case Received():
                        raise GaveReadout
                    case HandedOver(confirmed=confirmed):
                        return _Handed(session.identification, confirmed=confirmed)
                    case Failed():
                        failed = event
                    case _:
                        continue
        return Attempt(failed.failure, failed.detail, session.sample, session.identification, echo)

    def _first_plan(self) -> LinePlan:
        learned = self.reader.recall(self._line_key)
        if learned is not None and learned.plan.acknowledge:
            return learned.plan
        return LinePlan(start_baudrate=self.reader.settings.baudrate or LinePlan().start_baudrate)

    def _next_plan(self, plan: LinePlan, attempts: list[Attempt]) -> LinePlan | None:
        if len(attempts) >= ATTEMPTS:
            return None
        failed = attempts[-1]
        if self.settings.transport is not Transport.OPTICAL:
            return plan
        if failed.identification is not None and failed.failure is Failure.NO_DATA:
            # The meter may be in HDLC or still at its sign-on.
            return replace(plan, break_first=True)
        known = any(one.identification is not None for one in attempts)
        return next_plan(plan, failed.failure, failed.identification, len(attempts), battery=False, known=known)

    async def _between(self, port: Port, failed: Attempt, plan: LinePlan) -> None:
        if self.settings.transport is Transport.OPTICAL:
            if failed.failure is Failure.SILENCE and port.can_set_rate:
                await self._hang_up(port)
            await self.reader.between(port, failed, plan)
        else:
            await asyncio.sleep(_PAUSE)
            port.take()

    async def _hang_up(self, port: Port) -> None:
        """Close a link that a process before this one may have left open: the meter hears no sign-on meanwhile."""
        link = self.settings.link(self.settings.client, MOST, _USUAL_RATE, _ANSWER_WITHIN, 1)
        await port.set_rate(_USUAL_RATE)
        await port.write(Frame(link.server, link.client, Kind.DISC).encode())
        await asyncio.sleep(REST)
        port.take()

    def _explained(self, attempts: list[Attempt]) -> MeterError | RefusedError:
        if self.settings.transport is Transport.OPTICAL and not any(one.identification for one in attempts):
            return explain(attempts, self._where)
        times = f" ({len(attempts)} attempts)" if len(attempts) > 1 else ""
        telling, hint = attempts[-1], ""
        match self.settings.transport:
            case Transport.OPTICAL:
                hint = "the meter may have no mode E: remove 'mode: E'; or it wants another 'server' or 'client'"
            case Transport.HDLC:
                hint = "check 'baudrate', 'server' and 'client', and that the meter speaks HDLC without sign-on"
            case Transport.TCP | Transport.MBUS:
                hint = "check host, port, 'server' and 'client'"
        return MeterError(f"{telling.detail}{times}", where=self._where, hint=hint)

    @property
    def _port_settings(self) -> PortSettings:
        settings = self.reader.port_settings
        match self.settings.transport:
            case Transport.OPTICAL:
                return settings
            case Transport.HDLC:
                rate = self.reader.settings.baudrate or DIRECT_BAUDRATE
                return replace(settings, baudrate=rate, format=LineFormat.HARDWARE_8N1)
            case Transport.TCP | Transport.MBUS:
                return replace(settings, baudrate=NETWORK_BAUDRATE, format=LineFormat.HARDWARE_8N1)

    # --- memory

    @property
    def _line_key(self) -> tuple[str, str]:
        return stable_name(self.reader.port.url), self.reader.settings.address

    @property
    def _key(self) -> str:
        port, address = self._line_key
        server = f"{self.settings.logical}/{self.settings.physical}"
        return f"{port} {address} {server} {self.settings.client}"

    def _known_without(self) -> bool:
        if self.settings.transport is not Transport.OPTICAL:
            return False
        since = self.reader.memory.spoken(*self._line_key).without_hdlc
        return since is not None and 0 <= time.time() - since < ASK_AGAIN

    def _remember_without(self) -> None:
        self._learn(without_hdlc=time.time())

    def _learn(self, **what: object) -> None:
        memory = self.reader.memory
        spoken = replace(memory.spoken(*self._line_key), **what)  # type: ignore[arg-type]
        if memory.remember_spoken(*self._line_key, spoken):
            self.reader.remember_later()

    def _save_objects(self) -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.run_in_executor, None, self.objects.save)


@dataclass(frozen=True, slots=True)
class _Handed:
    """The line speaks HDLC from here on."""

    identification: Identification | None
    confirmed: bool


async def _closed(talk: DlmsTalk) -> None:
    try:
        await talk.close()
    except PortLostError as error:
        _log.debug("not closed: %s", error)


def _counter_in(result: GetResult) -> int | None:
    value = None if result.data is None else result.data.value
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 0xFFFFFFFF else None
