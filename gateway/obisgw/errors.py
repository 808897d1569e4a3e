"""The root of all errors, split by who must act.

Every error carries its facts as attributes and one sentence made from them once: what happened, where, and what
to do next.
"""

from __future__ import annotations


class ObisGatewayError(Exception):
    """Something that the caller, the owner or we must act on.

    ``problem`` says what happened, ``where`` names the meter, port, file or OBIS code, ``hint`` says what to do next.
    """

    def __init__(self, problem: str, *, where: str | None = None, hint: str | None = None) -> None:
        self.problem = problem
        self.where = where
        self.hint = hint
        sentence = f"{where}: {problem}" if where else problem
        super().__init__(f"{sentence} ({hint})" if hint else sentence)


class ConfigurationError(ObisGatewayError):
    """The owner must change the configuration or the command line."""


class LineError(ObisGatewayError):
    """The cable, the adapter, the port or its permissions need attention."""


class PortMissingError(LineError):
    """The port's device does not exist, or its network address does not answer."""


class PortPermissionError(LineError):
    """The port exists, but this user may not open it."""


class PortInUseError(LineError):
    """Another process holds the port."""


class PortLostError(LineError):
    """The port vanished while it was open: adapter unplugged or connection closed."""


class MeterError(ObisGatewayError):
    """The meter was silent, or what it sent could not be proved: noise, wrong speed, wrong mode."""


class RefusedError(ObisGatewayError):
    """The meter understood and refused: password, command, address."""


class SinkError(ObisGatewayError):
    """The broker or another receiver of readings did not take them."""
