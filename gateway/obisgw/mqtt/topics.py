"""The names of all topics, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

STATE: Final = "state"
HEALTH: Final = "health"
AVAILABILITY: Final = "availability"
EVENT: Final = "event"
COMMAND: Final = "command"
HISTORY: Final = "history"
_OURS: Final = frozenset({STATE, HEALTH, AVAILABILITY, EVENT, COMMAND, HISTORY})

ONLINE: Final = "online"
OFFLINE: Final = "offline"


@dataclass(frozen=True, slots=True)
class Topics:
    """Topics below ``base`` are ours; those below ``discovery_prefix`` are Home Assistant's.

    ``device`` is a meter's or the gateway's id.
    """

    base: str = "obis_gateway"
    discovery_prefix: str = "homeassistant"

    def state(self, device: str) -> str:
        """All registers of the newest telegram, or the gateway's state; JSON, retained."""
        return f"{self.base}/{device}/{STATE}"

    def health(self, device: str) -> str:
        """How reading the meter goes; JSON, retained."""
        return f"{self.base}/{device}/{HEALTH}"

    def availability(self, device: str) -> str:
        """``online`` or ``offline``, retained."""
        return f"{self.base}/{device}/{AVAILABILITY}"

    def event(self, device: str) -> str:
        """Events, when they happen; JSON, not retained."""
        return f"{self.base}/{device}/{EVENT}"

    def history(self, device: str) -> str:
        """Return where readings come that could not be published when they were new; JSON as the state, not retained."""
        return f"{self.base}/{device}/{HISTORY}"

    def command(self, device: str) -> str:
        """Where the gateway listens for ``read_now``."""
        return f"{self.base}/{device}/{COMMAND}"

    def value(self, device: str, key: str) -> str:
        """One register's value as plain text, retained; keys that are names of ours get a suffix."""
        return f"{self.base}/{device}/{key}_register" if key in _OURS else f"{self.base}/{device}/{key}"

    @property
    def commands(self) -> str:
        """The filter of all command topics."""
        return f"{self.base}/+/{COMMAND}"

    def device_of_command(self, topic: str) -> str | None:
        """Return whose command topic this is, None if it is none."""
        if not (topic.startswith(f"{self.base}/") and topic.endswith(f"/{COMMAND}")):
            return None
        return topic[len(self.base) + 1 : -len(COMMAND) - 1]

    def discovery(self, device: str) -> str:
        """Home Assistant's discovery document of the device, retained."""
        return f"{self.discovery_prefix}/device/{device_id(device)}/config"

    @property
    def home_assistant(self) -> str:
        """Where Home Assistant announces itself."""
        return f"{self.discovery_prefix}/status"


def device_id(device: str) -> str:
    """Return the identifier of a meter or gateway in Home Assistant's device registry."""
    return f"obis_gateway_{device}"
