"""Who is called when something changed: a fault of one is said in the log and does not keep the others from theirs."""

from __future__ import annotations

from collections.abc import Callable

from homeassistant.core import CALLBACK_TYPE, callback

from .const import LOGGER


class Listeners[*Ts]:
    """Called in the order in which they came, each for one key or for every one (None)."""

    def __init__(self) -> None:
        self._listeners: dict[object, dict[object, Callable[[*Ts], None]]] = {}

    @callback
    def async_add(self, key: object, listener: Callable[[*Ts], None]) -> CALLBACK_TYPE:
        """Call from now on, until what is returned is called."""
        listeners, own = self._listeners.setdefault(key, {}), object()
        listeners[own] = listener

        @callback
        def remove() -> None:
            if listeners.pop(own, None) is not None and not listeners:
                self._listeners.pop(key, None)

        return remove

    @callback
    def async_call(self, key: object, *arguments: *Ts) -> None:
        """Call those for this key and those for every one."""
        self.async_call_only(key, *arguments)
        self.async_call_only(None, *arguments)

    @callback
    def async_call_only(self, key: object, *arguments: *Ts) -> None:
        """Call those for this key."""
        for listener in list(self._listeners.get(key, {}).values()):
            try:
                listener(*arguments)
            except Exception:  # noqa: BLE001 - said whole in the log
                LOGGER.exception("a listener failed; please report this")
