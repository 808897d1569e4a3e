"""Home Assistant's device-based discovery: one document a meter, one for the gateway.

A meter's document only grows while the meter is the same: a register that one telegram lacks keeps its entity. The broker
keeps the document over restarts of the gateway, so what an earlier run found is taken over from there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from obisgw.readings.published import is_register_component
from obisgw.readings.shown import GatewayInfo, MeterOptions

from .components import (
    TARIFF,
    Component,
    active_tariff,
    ages,
    expiry_of,
    gateway_components,
    own_components,
    register,
    threshold,
    threshold_component,
)
from .topics import Topics, device_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from obisgw.readings.published import Published
    from obisgw.readings.reading import MeterIdentity

# Meters print up to some 300 registers. More are a fault, and a document must not grow without end.
MOST_REGISTERS: Final = 1000
_FIRMWARE: Final = (0, 2, 0)
_QOS: Final = 1


@dataclass(frozen=True, slots=True)
class MeterDocument:
    """A meter's discovery document. ``registers`` by component name; ``obsolete`` names components to remove."""

    meter: MeterIdentity
    gateway: GatewayInfo
    topics: Topics = field(default_factory=Topics)
    options: MeterOptions = field(default_factory=MeterOptions)
    firmware: str | None = None
    tariffs: tuple[str, ...] = ()
    registers: Mapping[str, Component] = field(default_factory=dict)
    obsolete: Mapping[str, str] = field(default_factory=dict)

    def grown(self, items: Iterable[Published], tariffs: tuple[str, ...]) -> MeterDocument:
        """Return the document with what is new in a telegram; itself, if nothing is."""
        firmware, new = self.firmware, {}
        for item in items:
            code, description = item.register.code, item.register.description
            if code is not None and (code.c, code.d, code.e) == _FIRMWARE:
                firmware = item.register.value.strip() or firmware
            known = self.registers.get(item.component)
            # A meter may leave the unit out for once; what is gained stays.
            if known is None or (description.unit is not None and "unit_of_meas" not in known):
                new[item.component] = register(self.meter.id, item, self.topics)
        if len(self.registers) + len(new) > MOST_REGISTERS:
            room = MOST_REGISTERS - len(self.registers)
            new = dict([*new.items()][:room])
        union = _union(self.tariffs, tariffs)
        if not new and firmware == self.firmware and union == self.tariffs:
            return self
        return replace(self, firmware=firmware, tariffs=union, registers={**self.registers, **new})

    def with_retained(self, payload: bytes) -> MeterDocument:
        """Return the document with the registers, tariffs and firmware that an earlier run had published.

        Components of an earlier version that this one does not have become obsolete. What is no such document changes
        nothing.
        """
        components = _components_of(payload)
        kept = {
            name: {key: value for key, value in component.items() if key != "exp_aft"}
            for name, component in components.items()
            if is_register_component(name) and name not in self.registers and len(component) > 1
        }
        own = {name for name in components if not is_register_component(name)}
        gone = {name: components[name]["p"] for name in own - {*self.own, TARIFF} if len(components[name]) > 1}
        options = components.get(TARIFF, {}).get("ops", [])
        tariffs = _union(self.tariffs, tuple(option for option in options if isinstance(option, str)))
        # A document without it and one with it again would make Home Assistant change each entity twice.
        firmware = self.firmware or _firmware_of(payload)
        if not kept and not gone and tariffs == self.tariffs and firmware == self.firmware:
            return self
        registers, obsolete = {**self.registers, **kept}, {**self.obsolete, **gone}
        return replace(self, registers=registers, obsolete=obsolete, tariffs=tariffs, firmware=firmware)

    def with_options(self, meter: MeterIdentity, options: MeterOptions) -> MeterDocument:
        """Return the document with other options; entities that they do away with become obsolete."""
        document = replace(self, meter=meter, options=options)
        gone = {name: str(component["p"]) for name, component in self.own.items() if name not in document.own}
        return replace(document, obsolete={**self.obsolete, **gone})

    @property
    def own(self) -> dict[str, Component]:
        """The meter's components that are no registers."""
        options = self.options
        components = own_components(
            self.meter.id,
            self.gateway.id,
            self.topics,
            on_request=options.on_request,
            has_clock=options.has_clock,
        )
        if self.tariffs:
            components[TARIFF] = active_tariff(self.meter.id, self.tariffs) | expiry_of(self.options.interval)
        for watched in self.options.thresholds:
            sensor = threshold(self.meter.id, watched) | expiry_of(self.options.interval)
            components[threshold_component(watched.id)] = sensor
        return components

    @property
    def full(self) -> bool:
        """Whether more registers are not taken."""
        return len(self.registers) >= MOST_REGISTERS

    def without_obsolete(self) -> MeterDocument:
        """Return what stays to be published after removals have been published once."""
        return replace(self, obsolete={})

    def payload(self) -> bytes:
        """Return the document as Home Assistant reads it."""
        meter, gateway = self.meter.id, self.gateway.id
        expiry = expiry_of(self.options.interval)
        registers = {
            name: {**component, **expiry} if ages(component) else component
            for name, component in self.registers.items()
        }
        removed = {name: {"p": platform} for name, platform in self.obsolete.items()}
        device = {
            "ids": [device_id(meter)],
            "name": self.options.name or _device_name(self.meter),
            "mf": self.meter.manufacturer,
            "mdl": self.meter.model,
            "sn": self.meter.number,
            "sw": self.firmware,
            "sa": self.options.suggested_area,
            "via_device": device_id(gateway),
        }
        availability = [{"t": self.topics.availability(gateway)}, {"t": self.topics.availability(meter)}]
        return _document(
            device,
            self.gateway,
            {**self.own, **registers, **removed},
            {"stat_t": self.topics.state(meter), "avty": availability, "avty_mode": "all"},
        )


def gateway_document(gateway: GatewayInfo, topics: Topics) -> bytes:
    """Return the discovery document of the gateway itself."""
    device = {"ids": [device_id(gateway.id)], "name": gateway.name, "mdl": "OBIS Gateway", "sw": gateway.version}
    shared = {"stat_t": topics.state(gateway.id), "avty": [{"t": topics.availability(gateway.id)}], "avty_mode": "all"}
    return _document(device, gateway, gateway_components(gateway.id), shared)


def _document(
    device: Mapping[str, Any], gateway: GatewayInfo, components: Mapping[str, Component], shared: Mapping[str, Any]
) -> bytes:
    document = {
        "dev": {key: value for key, value in device.items() if value is not None},
        "o": {"name": "OBIS Gateway", "sw": gateway.version},
        **shared,
        "qos": _QOS,
        "cmps": components,
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _device_name(meter: MeterIdentity) -> str:
    medium = meter.medium.value.replace("_", " ").capitalize()
    return f"{medium} meter {meter.number or meter.id}"


def _components_of(payload: bytes) -> dict[str, Component]:
    """Return the components of a document that was retained by the broker; none, if it is no document of ours."""
    try:
        components = json.loads(payload)["cmps"]
        return {
            name: component
            for name, component in components.items()
            if isinstance(component, dict) and isinstance(component.get("p"), str)
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _firmware_of(payload: bytes) -> str | None:
    """Return the firmware in a document that was retained by the broker, None where there is none."""
    try:
        firmware = json.loads(payload)["dev"]["sw"]
    except (ValueError, KeyError, TypeError):
        return None
    return firmware if isinstance(firmware, str) else None


def _union(tariffs: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({*tariffs, *more}, key=lambda name: (len(name), name)))
