"""Interface classes (IEC 62056-62): the names of attributes and methods, for objects that describe themselves.

Values of classes that nobody knows are read all the same, and shown by number.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class ClassId(IntEnum):
    """The classes that are known by name."""

    DATA = 1
    REGISTER = 3
    EXTENDED_REGISTER = 4
    DEMAND_REGISTER = 5
    REGISTER_ACTIVATION = 6
    PROFILE_GENERIC = 7
    CLOCK = 8
    SCRIPT_TABLE = 9
    SCHEDULE = 10
    SPECIAL_DAYS = 11
    ASSOCIATION_SN = 12
    ASSOCIATION_LN = 15
    SAP_ASSIGNMENT = 17
    IMAGE_TRANSFER = 18
    LOCAL_PORT_SETUP = 19
    ACTIVITY_CALENDAR = 20
    REGISTER_MONITOR = 21
    SINGLE_ACTION_SCHEDULE = 22
    HDLC_SETUP = 23
    TWISTED_PAIR_SETUP = 24
    UTILITY_TABLES = 26
    MODEM_CONFIGURATION = 27
    AUTO_ANSWER = 28
    AUTO_CONNECT = 29
    PUSH_SETUP = 40
    TCP_UDP_SETUP = 41
    IPV4_SETUP = 42
    PPP_SETUP = 44
    GPRS_SETUP = 45
    SECURITY_SETUP = 64
    PARAMETER_MONITOR = 65
    DISCONNECT_CONTROL = 70
    LIMITER = 71
    MBUS_CLIENT = 72


@dataclass(frozen=True, slots=True)
class InterfaceClass:
    """A class: attribute 1 is always the logical name; ``attributes`` begin with number 2, ``methods`` with 1."""

    name: str
    attributes: tuple[str, ...]
    methods: tuple[str, ...] = ()


CLASSES: Final[dict[int, InterfaceClass]] = {
    ClassId.DATA: InterfaceClass("Data", ("value",)),
    ClassId.REGISTER: InterfaceClass("Register", ("value", "scaler_unit"), ("reset",)),
    ClassId.EXTENDED_REGISTER: InterfaceClass(
        "Extended register", ("value", "scaler_unit", "status", "capture_time"), ("reset",)
    ),
    ClassId.DEMAND_REGISTER: InterfaceClass(
        "Demand register",
        (
            "current_average_value",
            "last_average_value",
            "scaler_unit",
            "status",
            "capture_time",
            "start_time_current",
            "period",
            "number_of_periods",
        ),
        ("reset", "next_period"),
    ),
    ClassId.REGISTER_ACTIVATION: InterfaceClass(
        "Register activation",
        ("register_assignment", "mask_list", "active_mask"),
        ("add_register", "add_mask", "delete_mask"),
    ),
    ClassId.PROFILE_GENERIC: InterfaceClass(
        "Profile generic",
        (
            "buffer",
            "capture_objects",
            "capture_period",
            "sort_method",
            "sort_object",
            "entries_in_use",
            "profile_entries",
        ),
        ("reset", "capture"),
    ),
    ClassId.CLOCK: InterfaceClass(
        "Clock",
        (
            "time",
            "time_zone",
            "status",
            "daylight_savings_begin",
            "daylight_savings_end",
            "daylight_savings_deviation",
            "daylight_savings_enabled",
            "clock_base",
        ),
        (
            "adjust_to_quarter",
            "adjust_to_measuring_period",
            "adjust_to_minute",
            "adjust_to_preset_time",
            "preset_adjusting_time",
            "shift_time",
        ),
    ),
    ClassId.SCRIPT_TABLE: InterfaceClass("Script table", ("scripts",), ("execute",)),
    ClassId.SCHEDULE: InterfaceClass("Schedule", ("entries",), ("enable_disable", "insert", "delete")),
    ClassId.SPECIAL_DAYS: InterfaceClass("Special days table", ("entries",), ("insert", "delete")),
    ClassId.ASSOCIATION_SN: InterfaceClass(
        "Association SN",
        ("object_list", "access_rights_list", "security_setup_reference"),
        ("read_by_logicalname", "get_attributes_and_services", "change_LLS_secret", "change_HLS_secret"),
    ),
    ClassId.ASSOCIATION_LN: InterfaceClass(
        "Association LN",
        (
            "object_list",
            "associated_partners_id",
            "application_context_name",
            "xDLMS_context_info",
            "authentication_mechanism_name",
            "secret",
            "association_status",
            "security_setup_reference",
            "user_list",
            "current_user",
        ),
        ("reply_to_HLS_authentication", "change_HLS_secret", "add_object", "remove_object", "add_user", "remove_user"),
    ),
    ClassId.SAP_ASSIGNMENT: InterfaceClass("SAP assignment", ("SAP_assignment_list",), ("connect_logical_device",)),
    ClassId.IMAGE_TRANSFER: InterfaceClass(
        "Image transfer",
        (
            "image_block_size",
            "image_transferred_blocks_status",
            "image_first_not_transferred_block_number",
            "image_transfer_enabled",
            "image_transfer_status",
            "image_to_activate_info",
        ),
        ("image_transfer_initiate", "image_block_transfer", "image_verify", "image_activate"),
    ),
    ClassId.LOCAL_PORT_SETUP: InterfaceClass(
        "IEC local port setup",
        ("default_mode", "default_baud", "prop_baud", "response_time", "device_addr", "pass_p1", "pass_p2", "pass_w5"),
    ),
    ClassId.ACTIVITY_CALENDAR: InterfaceClass(
        "Activity calendar",
        (
            "calendar_name_active",
            "season_profile_active",
            "week_profile_table_active",
            "day_profile_table_active",
            "calendar_name_passive",
            "season_profile_passive",
            "week_profile_table_passive",
            "day_profile_table_passive",
            "activate_passive_calendar_time",
        ),
        ("activate_passive_calendar",),
    ),
    ClassId.REGISTER_MONITOR: InterfaceClass("Register monitor", ("thresholds", "monitored_value", "actions")),
    ClassId.SINGLE_ACTION_SCHEDULE: InterfaceClass(
        "Single action schedule", ("executed_script", "type", "execution_time")
    ),
    ClassId.HDLC_SETUP: InterfaceClass(
        "IEC HDLC setup",
        (
            "comm_speed",
            "window_size_transmit",
            "window_size_receive",
            "max_info_field_length_transmit",
            "max_info_field_length_receive",
            "inter_octet_time_out",
            "inactivity_time_out",
            "device_address",
        ),
    ),
    ClassId.SECURITY_SETUP: InterfaceClass(
        "Security setup",
        ("security_policy", "security_suite", "client_system_title", "server_system_title", "certificates"),
        ("security_activate", "global_key_transfer"),
    ),
    ClassId.DISCONNECT_CONTROL: InterfaceClass(
        "Disconnect control",
        ("output_state", "control_state", "control_mode"),
        ("remote_disconnect", "remote_reconnect"),
    ),
    ClassId.LIMITER: InterfaceClass(
        "Limiter",
        (
            "monitored_value",
            "threshold_active",
            "threshold_normal",
            "threshold_emergency",
            "min_over_threshold_duration",
            "min_under_threshold_duration",
            "emergency_profile",
            "emergency_profile_group_id_list",
            "emergency_profile_active",
            "actions",
        ),
    ),
    ClassId.PUSH_SETUP: InterfaceClass(
        "Push setup",
        (
            "push_object_list",
            "send_destination_and_method",
            "communication_window",
            "randomisation_start_interval",
            "number_of_retries",
            "repetition_delay",
        ),
        ("push",),
    ),
    ClassId.MBUS_CLIENT: InterfaceClass(
        "M-Bus client",
        (
            "mbus_port_reference",
            "capture_definition",
            "capture_period",
            "primary_address",
            "identification_number",
            "manufacturer_id",
            "version",
            "device_type",
            "access_number",
            "status",
            "alarm",
        ),
    ),
}


def class_name(class_id: int) -> str:
    """Return a class's name, or its number where nobody knows it."""
    known = CLASSES.get(class_id)
    return f"class {class_id}" if known is None else known.name


def attribute_name(class_id: int, number: int) -> str:
    """Return an attribute's name, or its number."""
    if number == 1:
        return "logical_name"
    known = CLASSES.get(class_id)
    if known is None or not 2 <= number < 2 + len(known.attributes):
        return f"attribute {number}"
    return known.attributes[number - 2]


def method_name(class_id: int, number: int) -> str:
    """Return a method's name, or its number."""
    known = CLASSES.get(class_id)
    if known is None or not 1 <= number <= len(known.methods):
        return f"method {number}"
    return known.methods[number - 1]
