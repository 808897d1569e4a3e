"""One connection to the broker: paho's protocol on the event loop's own thread.

paho is driven by the loop's readiness callbacks, not by a thread of its own: a message is written in the loop's next
round, and nothing wakes up between readings but the keep-alive. Only name look-up, TCP and TLS, which block, run in a
thread. Each attempt takes a new paho client, so that nothing is left over from a connection that failed.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from obisgw.errors import SinkError

from .paho_client import Client
from .refusals import (
    BrokerRefusedError,
    BrokerUnreachableError,
    NoAnswerError,
    disconnected,
    refused,
    unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from paho.mqtt.client import ConnectFlags, DisconnectFlags, MQTTMessage
    from paho.mqtt.reasoncodes import ReasonCode

    from obisgw.config.table import MqttSettings

    from .outbox import Message

_CONNECT_TIMEOUT: Final = 10.0
# Also limits the TLS handshake.
_KEEPALIVE: Final = 30
_ANSWER_TIMEOUT: Final = 5.0
# Sent and not yet acknowledged. Brokers allow at least this many unless they say less.
_WINDOW: Final = 16
# No message to us is longer than a discovery document; a broker that sends more is broken.
_LONGEST_PACKET: Final = 1 << 20
_PORT, _TLS_PORT = 1883, 8883


@dataclass(frozen=True, slots=True)
class Limits:
    """What the broker allows."""

    window: int = _WINDOW
    packet: int | None = None
    qos: int = 1
    retain: bool = True


@dataclass(frozen=True, slots=True)
class Handlers:
    """Who hears of acknowledgements (mid, and the failure's name or None), subscriptions and messages."""

    acknowledged: Callable[[int, str | None], None]
    subscribed: Callable[[str, str | None], None]
    received: Callable[[str, bytes, bool], None]


def broker_name(settings: MqttSettings) -> str:
    """Return how the broker is called in messages."""
    return f"broker {settings.host}:{_port(settings)}"


def _port(settings: MqttSettings) -> int:
    return settings.port or (_TLS_PORT if settings.tls else _PORT)


class _Socket(ssl.SSLSocket):
    """Closes itself when the handshake fails; paho drops it open."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - as in the class above
        """Shake hands."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


class Connection:
    """A connection from ``open`` until ``lost`` is done or ``close``. Use each once."""

    def __init__(
        self,
        settings: MqttSettings,
        client_id: str,
        will: Message,
        protocol: MQTTProtocolVersion,
        handlers: Handlers,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._settings = settings
        self._where = broker_name(settings)
        self._handlers = handlers
        self._filters: dict[int, str] = {}
        self._opened: asyncio.Future[Limits] = self._loop.create_future()
        self.lost: asyncio.Future[SinkError] = self._loop.create_future()
        self.limits = Limits()
        self.protocol = protocol
        self._v5 = protocol is MQTTProtocolVersion.MQTTv5
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if self._v5 else True,
            protocol=protocol,
            reconnect_on_failure=False,
        )
        self._client.connect_timeout = _CONNECT_TIMEOUT
        if settings.username is not None:
            password = settings.password
            self._client.username_pw_set(settings.username, password.reveal() if password else None)
        self._client.will_set(will.topic, will.payload, qos=1, retain=will.retain)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    async def open(self) -> Limits:
        """Connect and wait for the broker's consent. Raises SinkError, with the remedy where the owner must act."""
        if self._settings.tls:
            self._client.tls_set_context(self._tls_context())
        try:
            await _in_thread(self._connect, self.close)
        except OSError as error:
            raise unreachable(error, self._settings, self._where) from error
        except ValueError as error:
            raise BrokerRefusedError(f"the connection cannot be made: {error}", where=self._where) from error
        sock = self._client.socket()
        if sock is None:
            raise BrokerUnreachableError("the broker closed the connection at once", where=self._where)
        self._client.on_socket_close = self._on_socket_close
        self._client.on_socket_register_write = self._on_register_write
        self._client.on_socket_unregister_write = self._on_unregister_write
        self._loop.add_reader(sock, self._read)
        if self._client.want_write():
            self._loop.add_writer(sock, self._write)
        answers: set[asyncio.Future[Any]] = {self._opened, self.lost}
        await asyncio.wait(answers, timeout=_ANSWER_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
        if self.lost.done():
            lost = self.lost.result()
            if type(lost) is BrokerUnreachableError:
                problem = "the broker closed the connection in place of an answer"
                raise NoAnswerError(problem, where=self._where, hint="look into the broker's log") from lost
            raise lost
        if not self._opened.done():
            hint = "check that 'port' is an MQTT broker's"
            problem = "something listens there and does not answer as a broker"
            raise NoAnswerError(problem, where=self._where, hint=hint)
        self.limits = self._opened.result()
        return self.limits

    def _connect(self) -> None:
        properties = None
        if self._v5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.MaximumPacketSize = _LONGEST_PACKET
        self._client.connect(self._settings.host, _port(self._settings), _KEEPALIVE, properties=properties)

    def _tls_context(self) -> ssl.SSLContext:
        settings = self._settings
        try:
            context = ssl.create_default_context(cafile=settings.ca)
            context.sslsocket_class = _Socket
            if settings.certificate is not None:
                context.load_cert_chain(settings.certificate, settings.key)
        except OSError as error:
            files = ", ".join(str(file) for file in (settings.ca, settings.certificate, settings.key) if file)
            problem = f"the certificates in {files} cannot be used: {error.strerror or error}"
            raise BrokerRefusedError(
                problem, where=self._where, hint="they must be in PEM form and readable"
            ) from error
        return context

    def publish(self, message: Message) -> int:
        """Hand a message to the broker, with the highest quality it grants; returns the message's number."""
        qos, retain = min(1, self.limits.qos), message.retain and self.limits.retain
        return self._client.publish(message.topic, message.payload, qos=qos, retain=retain).mid

    def subscribe(self, topic_filter: str) -> None:
        """Ask for messages; our own are left out where the protocol can."""
        if self._v5:
            _, mid = self._client.subscribe(topic_filter, options=SubscribeOptions(qos=1, noLocal=True))
        else:
            _, mid = self._client.subscribe(topic_filter, qos=1)
        if mid is not None:
            self._filters[mid] = topic_filter

    def unsubscribe(self, topic_filter: str) -> None:
        """Ask for no more messages of a filter."""
        self._client.unsubscribe(topic_filter)

    def keep_alive(self) -> None:
        """Ping the broker when it is due; to be called every few seconds."""
        self._client.loop_misc()

    def sign_off(self) -> None:
        """Say goodbye, so that the broker does not publish the will."""
        self._client.disconnect()
        self._write()

    def close(self) -> None:
        """Close the line without a word."""
        if (sock := self._client.socket()) is not None:
            self._forget(sock)
            sock.close()

    def _forget(self, sock: Any) -> None:  # noqa: ANN401
        if sock.fileno() >= 0:
            self._loop.remove_reader(sock)
            self._loop.remove_writer(sock)

    def _read(self) -> None:
        self._guarded(self._client.loop_read)
        # TLS may hold decrypted bytes that the socket's readiness does not show.
        while isinstance(sock := self._client.socket(), ssl.SSLSocket) and sock.pending():
            self._guarded(self._client.loop_read)

    def _write(self) -> None:
        if self._client.socket() is not None:
            self._guarded(self._client.loop_write)

    def _guarded(self, step: Callable[[], MQTTErrorCode]) -> None:
        """Let paho work; what it cannot parse ends the connection and not the service."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 - paho raises what its parser happens to: index, value, key, assertion
            problem = f"the broker sent what is no MQTT ({type(error).__name__}: {error})"
            if (sock := self._client.socket()) is not None:
                self._forget(sock)
            self._lose(BrokerUnreachableError(problem, where=self._where, hint="check 'port'"))

    def _lose(self, error: SinkError) -> None:
        if not self.lost.done():
            self.lost.set_result(error)

    # paho says of its sockets only what it needs itself.
    def _on_socket_close(self, _client: Client, _userdata: object, sock: Any) -> None:  # noqa: ANN401
        self._forget(sock)

    def _on_register_write(self, _client: Client, _userdata: object, sock: Any) -> None:  # noqa: ANN401
        if sock.fileno() >= 0:
            self._loop.add_writer(sock, self._write)

    def _on_unregister_write(self, _client: Client, _userdata: object, sock: Any) -> None:  # noqa: ANN401
        if sock.fileno() >= 0:
            self._loop.remove_writer(sock)

    def _on_connect(
        self,
        _client: Client,
        _userdata: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._lose(refused(reason, self._where))
        elif not self._opened.done():
            self._opened.set_result(_limits(properties))

    def _on_disconnect(
        self, _client: Client, _userdata: object, _flags: DisconnectFlags, reason: ReasonCode, _properties: object
    ) -> None:
        self._lose(disconnected(reason, self._where))

    def _on_publish(
        self, _client: Client, _userdata: object, mid: int, reason: ReasonCode, _properties: object
    ) -> None:
        self._handlers.acknowledged(mid, reason.getName() if reason.is_failure else None)

    def _on_subscribe(
        self, _client: Client, _userdata: object, mid: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        failure = next((reason.getName() for reason in reasons if reason.is_failure), None)
        self._handlers.subscribed(self._filters.pop(mid, ""), failure)

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self._handlers.received(message.topic, bytes(message.payload), message.retain)


def _limits(properties: Properties | None) -> Limits:
    found = {} if properties is None else properties.json()  # type: ignore[no-untyped-call]
    return Limits(
        window=min(_WINDOW, found.get("ReceiveMaximum", _WINDOW)),
        packet=found.get("MaximumPacketSize"),
        qos=found.get("MaximumQoS", 1),
        retain=found.get("RetainAvailable", 1) == 1,
    )


async def _in_thread(work: Callable[[], None], abandoned: Callable[[], Any]) -> None:
    """Run blocking ``work`` in a thread that never holds up the end of the program, as the executor's would.

    If nobody waits for it any more when it ends, ``abandoned`` cleans up.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def finish(error: BaseException | None) -> None:
        if done.cancelled():
            abandoned()
        elif error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        error: BaseException | None = None
        try:
            work()
        except Exception as caught:  # noqa: BLE001 - handed to whoever awaits
            error = caught
        if loop.is_closed():
            abandoned()
        else:
            loop.call_soon_threadsafe(finish, error)

    threading.Thread(target=run, name="mqtt-connect", daemon=True).start()
    await done
