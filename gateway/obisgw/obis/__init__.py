"""All knowledge of OBIS codes: what an address means, to a reader and to Home Assistant."""

from __future__ import annotations

from obisgw.obis.catalogue import describe, describe_unknown, is_counter, suggested_precision, tariff_of
from obisgw.obis.code import CURRENT, Medium, ObisCode
from obisgw.obis.description import Category, Description, DeviceClass, StateClass, ValueKind
from obisgw.obis.load_profile import ColumnKind, belongs_to_counter, column_kind, unit_over_time
from obisgw.obis.manufacturers import manufacturer_name
from obisgw.obis.meaning import billing_period_of, phase_of
from obisgw.obis.registers import (
    ACTIVE_TARIFF_CODES,
    METER_NUMBER_CODES,
    active_tariff,
    clock_registers,
    has_error,
    is_error_register,
    is_power_failure_counter,
    is_reset_counter,
    mbus_device_types,
    meter_number,
)
from obisgw.obis.units import home_assistant_unit, unit_factor

__all__ = [
    "ACTIVE_TARIFF_CODES",
    "CURRENT",
    "METER_NUMBER_CODES",
    "Category",
    "ColumnKind",
    "Description",
    "DeviceClass",
    "Medium",
    "ObisCode",
    "StateClass",
    "ValueKind",
    "active_tariff",
    "belongs_to_counter",
    "billing_period_of",
    "clock_registers",
    "column_kind",
    "describe",
    "describe_unknown",
    "has_error",
    "home_assistant_unit",
    "is_counter",
    "is_error_register",
    "is_power_failure_counter",
    "is_reset_counter",
    "manufacturer_name",
    "mbus_device_types",
    "meter_number",
    "phase_of",
    "suggested_precision",
    "tariff_of",
    "unit_factor",
    "unit_over_time",
]
