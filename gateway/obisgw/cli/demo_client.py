"""The demonstration's Home Assistant: a client that takes the same messages and makes entities of them."""

from __future__ import annotations

import json
import queue
import re
import time
from dataclasses import dataclass, field
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from obisgw.errors import SinkError

_REGISTER = re.compile(r"registers\.(?:get\('(?P<get>\w+)'\)|(?P<dot>\w+))")
CONNECT_WITHIN = 5.0


@dataclass(slots=True)
class Received:
    """What has come: documents and states by topic."""

    discovery: dict[str, dict[str, Any]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)


def rows_of(document: dict[str, Any], states: dict[str, str]) -> list[tuple[str, str, str, str]]:
    """Return name, state, unit and kind of every register that Home Assistant makes an entity of."""
    try:
        registers = json.loads(states.get(document["stat_t"], "{}")).get("registers", {})
    except ValueError:
        return []
    rows = []
    for component in document["cmps"].values():
        match = _REGISTER.search(component.get("val_tpl", ""))
        if match is None:
            continue
        value = registers.get(match["get"] or match["dot"])
        kind = " ".join(str(component[key]) for key in ("dev_cla", "stat_cla") if key in component)
        if component.get("ent_cat"):
            kind = f"{kind} ({component['ent_cat']})".strip()
        if component.get("en") is False:
            kind = f"{kind}, disabled".strip(", ")
        shown = "unknown" if value is None else str(value)
        rows.append((component["name"] or "", shown, component.get("unit_of_meas", ""), kind))
    return rows


class DemoClient:
    """Subscribed to everything below ``base`` and to the discovery documents that lead there.

    Raises SinkError where it cannot connect.
    """

    def __init__(self, host: str, port: int, base: str, discovery: str) -> None:
        self._base = base
        self._messages: queue.SimpleQueue[MQTTMessage] = queue.SimpleQueue()
        self._seen: set[str] = set()
        self._connected: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311)
        self._client.on_message = lambda _client, _data, message: self._messages.put(message)
        self._client.on_connect = lambda _c, _d, _f, code, _p: self._connected.put("" if code == 0 else str(code))
        where = f"broker {host}:{port}"
        try:
            self._client.connect(host, port)
            self._client.loop_start()
            said = self._connected.get(timeout=CONNECT_WITHIN)
        except (OSError, queue.Empty) as error:
            self.close()
            raise SinkError(
                f"no connection: {str(error) or 'no answer'}", where=where, hint="is it a broker?"
            ) from error
        if said:
            self.close()
            raise SinkError(f"it refuses us: {said}", where=where, hint="the demonstration has no password to offer")
        for topic in (f"{discovery}/device/+/config", f"{base}/#"):
            self._client.subscribe(topic, qos=1)

    def take(self, received: Received, seconds: float) -> str | None:
        """Take the next message within that time into ``received``; returns its topic."""
        try:
            message = self._messages.get(timeout=seconds)
        except queue.Empty:
            return None
        text = message.payload.decode("utf-8", "replace")
        if message.topic.startswith(f"{self._base}/"):
            received.states[message.topic] = text
        elif (document := self._own(text)) is not None:
            received.discovery[message.topic] = document
        else:
            return None
        self._seen.add(message.topic)
        return message.topic

    def _own(self, text: str) -> dict[str, Any] | None:
        """Return the document if it is one of the demonstration's: a broker may hold those of other devices."""
        try:
            document = json.loads(text)
        except ValueError:
            return None
        topic = document.get("stat_t") if isinstance(document, dict) else None
        return document if isinstance(topic, str) and topic.startswith(f"{self._base}/") else None

    def clear(self) -> None:
        """Remove all that is the demonstration's own from the broker, so that no device of it stays behind."""
        infos = [self._client.publish(topic, b"", qos=1, retain=True) for topic in sorted(self._seen)]
        end = time.monotonic() + 2.0
        while time.monotonic() < end and not all(info.is_published() for info in infos):
            time.sleep(0.02)

    def close(self) -> None:
        """Go."""
        self._client.disconnect()
        self._client.loop_stop()
