"""Why a broker could not be used, in words with a remedy."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Final

from obisgw.errors import SinkError

if TYPE_CHECKING:
    from paho.mqtt.reasoncodes import ReasonCode

    from obisgw.config.table import MqttSettings


class BrokerUnreachableError(SinkError):
    """No connection, or a lost one: may pass by itself."""


class NoAnswerError(BrokerUnreachableError):
    """The broker hung up or kept silent in place of an answer, as some do when they do not know MQTT 5."""


class BrokerRefusedError(SinkError):
    """The broker answered and does not want us, or we must not trust it: the owner must act."""


class ProtocolRefusedError(SinkError):
    """The broker does not speak the protocol version that it was offered."""


class BrokerSilentError(SinkError):
    """The broker takes our bytes and never answers."""


_LOGIN: Final = "check 'username' and the password (its file or variable) in the section 'mqtt'"
_REMEDIES: Final = {
    "Bad user name or password": _LOGIN,
    # Mosquitto says this of a wrong password, too.
    "Not authorized": f"{_LOGIN}, and that the broker lets this user connect",
    "Client identifier not valid": "change 'id' in the section 'gateway'",
    "Banned": "the broker's administrator has blocked this client",
    "Server unavailable": "look into the broker's log",
    "Server busy": "look into the broker's log",
}
_PROTOCOL: Final = "Unsupported protocol version"
_SESSION_TAKEN: Final = "Session taken over"
_CERTIFICATE_REMEDY: Final = "set 'ca' to the authority's certificate, and 'host' to a name in the broker's certificate"


def refused(reason: ReasonCode, where: str) -> SinkError:
    """Return the error of a connection that the broker answered with a failure."""
    name = reason.getName()
    if name == _PROTOCOL:
        return ProtocolRefusedError("the broker speaks neither MQTT 5 nor 3.1.1", where=where, hint="update the broker")
    hint = _REMEDIES.get(name, "look into the broker's log")
    return BrokerRefusedError(f"the broker refused the connection: {name}", where=where, hint=hint)


def disconnected(reason: ReasonCode, where: str) -> SinkError:
    """Return the error of a connection that ended."""
    if reason.getName() == _SESSION_TAKEN:
        hint = "give each gateway an 'id' of its own in the section 'gateway'"
        return BrokerRefusedError("another client with our client id took the connection over", where=where, hint=hint)
    # paho's word for a connection that just broke.
    why = "" if reason.getName() == "Unspecified error" else f": {reason.getName()}"
    return BrokerUnreachableError(f"the connection to the broker was lost{why}", where=where)


def unreachable(error: OSError, settings: MqttSettings, where: str) -> SinkError:
    """Return the error of a connection that could not be made."""
    match error:
        case ssl.SSLCertVerificationError():
            problem = f"the broker's certificate is not trusted: {error.verify_message}"
            return BrokerRefusedError(problem, where=where, hint=_CERTIFICATE_REMEDY)
        case ssl.SSLError(reason="WRONG_VERSION_NUMBER" | "HTTP_REQUEST" | "RECORD_LAYER_FAILURE"):
            hint = "take out 'tls', or set 'port' to the one for TLS (usually 8883)"
            return BrokerRefusedError("the broker does not speak TLS at this port", where=where, hint=hint)
        case ssl.SSLError():
            hint = "check 'certificate' and 'key': the broker may ask for a certificate of ours"
            reason = error.reason or str(error)
            return BrokerRefusedError(f"TLS failed: {reason}", where=where, hint=hint)
        case socket.gaierror():
            return BrokerUnreachableError(f"'{settings.host}' is no known host", where=where, hint="check 'host'")
        case ConnectionRefusedError():
            hint = "start the broker there, or check 'host' and 'port' in the section 'mqtt'"
            return BrokerUnreachableError("no broker listens there", where=where, hint=hint)
        case ConnectionResetError() if settings.tls:
            hint = "check that TLS is spoken at 'port', and whether the broker asks for a certificate of ours"
            return BrokerUnreachableError("the broker hung up when TLS began", where=where, hint=hint)
        case TimeoutError():
            hint = "check 'host' and 'port', and firewalls on the way"
            return BrokerUnreachableError("the broker did not answer in time", where=where, hint=hint)
        case _:
            return BrokerUnreachableError(error.strerror or str(error), where=where)
