"""Names that more than one module uses."""

from __future__ import annotations

import logging
from typing import Final

from homeassistant.const import Platform

DOMAIN: Final = "obis_gateway"
LOGGER: Final = logging.getLogger(__package__)

PLATFORMS: Final = (Platform.BINARY_SENSOR, Platform.BUTTON, Platform.EVENT, Platform.SENSOR)

DEFAULT_PORT: Final = 8787

CONF_ID: Final = "id"
CONF_TLS: Final = "tls"
CONF_REGISTERS: Final = "registers"
CONF_THRESHOLDS: Final = "thresholds"

EVENT_TYPES: Final = (
    "tariff_switched",
    "clock_set",
    "power_failure",
    "error_register_changed",
    "billing_reset",
    "meter_replaced",
    "reading_held_back",
)
"""What can happen at a meter. Others, of a newer gateway, are not shown."""

MANUFACTURER: Final = "OBIS Gateway"

KEY_EVENTS: Final = "events"
"""Ends the unique id of a meter's event entity, which each meter has."""
