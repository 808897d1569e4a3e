"""What is remembered of an entry's meters: here while the entry is loaded anew, in a file over restarts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import time
from typing import Any, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN
from .damage import Damage
from .models import Meter
from .silence import PUSHED, Silence, last_reading, patience

VERSION: Final = 1
SAVE_AFTER: Final = 10


@dataclass(slots=True)
class Watched:
    """One meter. ``meter`` is what of it was looked at last."""

    meter: Meter | None
    silence: Silence
    damage: Damage


class Memory:
    """One entry's. ``replaced`` holds new meters by those before, ``answered`` those of which the owner has decided."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        self.watched: dict[str, Watched] = {}
        self.replaced: dict[str, str] = {}
        self.answered: set[str] = set()
        # Not in the list of repairs: that is part of diagnostics, and would tell numbers of meters there.
        self._store: Store[dict[str, Any]] = Store(hass, VERSION, f"{DOMAIN}.{entry_id}", private=True)
        self._silent: dict[str, str] = {}
        self._arrivals: dict[str, tuple[str, float]] = {}
        self._misplaced: set[str] = set()
        self._saved: Mapping[str, Any] = {}

    async def async_load(self) -> None:
        """Take what an earlier run has left."""
        saved = await self._store.async_load() or {}
        self._saved = saved
        self._silent = dict(saved.get("silent", {}))
        self._arrivals = {meter_id: (last, at) for meter_id, (last, at) in saved.get("arrivals", {}).items()}
        self._misplaced = set(saved.get("misplaced", ()))
        self.replaced = dict(saved.get("replaced", {}))
        self.answered = set(saved.get("answered", ()))

    def of(self, meter: Meter, now: float) -> Watched:
        """Return what is remembered of a meter; of one that is new here, what the earlier run has left."""
        found = self.watched.get(meter.id)
        if found is None:
            silence = self._silence(meter, now)
            found = self.watched[meter.id] = Watched(None, silence, Damage(much=meter.id in self._misplaced))
        return found

    def _silence(self, meter: Meter, now: float) -> Silence:
        newest = last_reading(meter)
        if (last := self._silent.get(meter.id)) is not None:
            return Silence(now, last, long=True)
        if (arrival := self._arrivals.get(meter.id)) is not None and newest in {"", arrival[0]}:
            last, at = arrival
            return Silence(now - max(0.0, time() - at), last)
        self.async_arrived(meter)
        return Silence(now, newest)

    @callback
    def async_arrived(self, meter: Meter) -> None:
        """Note that a reading has come. Only of those that come rarely it is written: the others tell soon enough."""
        if patience(meter) > PUSHED:
            self._arrivals[meter.id] = last_reading(meter), time()
            self.async_save()

    def forget(self, meter_id: str) -> None:
        """Forget a meter that is shown no more, but not that it was replaced."""
        self.watched.pop(meter_id, None)
        self._silent.pop(meter_id, None)
        self._arrivals.pop(meter_id, None)
        self._misplaced.discard(meter_id)

    @callback
    def async_save(self) -> None:
        """Write what has changed, soon."""
        document = self._document()
        if document != self._saved:
            self._saved = document
            self._store.async_delay_save(self._document, SAVE_AFTER)

    async def async_remove(self) -> None:
        """Remove the file."""
        await self._store.async_remove()

    def _document(self) -> dict[str, Any]:
        watched = self.watched.items()
        return {
            "silent": {meter_id: one.silence.last for meter_id, one in watched if one.silence.long},
            "arrivals": {meter_id: list(arrival) for meter_id, arrival in self._arrivals.items()},
            "misplaced": sorted(meter_id for meter_id, one in watched if one.damage.much),
            "replaced": dict(self.replaced),
            "answered": sorted(self.answered),
        }


_MEMORIES: HassKey[dict[str, Memory]] = HassKey(f"{DOMAIN}.memory")


async def async_memory(hass: HomeAssistant, entry_id: str) -> Memory:
    """Return an entry's memory."""
    memories = hass.data.setdefault(_MEMORIES, {})
    if entry_id not in memories:
        memory = Memory(hass, entry_id)
        await memory.async_load()
        memories[entry_id] = memory
    return memories[entry_id]


async def async_forget(hass: HomeAssistant, entry_id: str) -> None:
    """Forget an entry that was removed."""
    memory = hass.data.setdefault(_MEMORIES, {}).pop(entry_id, None) or Memory(hass, entry_id)
    await memory.async_remove()
