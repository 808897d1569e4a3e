"""Names that are not ours any more or never were, and what to write in their place."""

from __future__ import annotations

_RATES = "one setting 'baudrate' for the request; the data's rate is agreed with the meter"
_DURATION = "'every', with a unit: 60s, 15m, 24h"
_BY_FILE = "'password_file' or 'password_env': a password does not stand in the configuration"
_BY_PAIRING = "nothing: 'obis-gateway pair' gives a code, and the client gets its token for it"
_BROKER = "'host' in the section 'mqtt'"

OLD_NAMES: dict[tuple[str, str], str] = {
    # Names that people bring along from other programs for the same meters.
    ("meters", "device"): "'port'",
    ("meters", "url"): "'port'",
    ("meters", "tty"): "'port'",
    ("meters", "serial_port"): "'port'",
    ("meters", "serial"): "'number' for the meter's number, 'port' for the serial port",
    ("meters", "interval"): _DURATION,
    ("meters", "update_interval"): _DURATION,
    ("meters", "scan_interval"): _DURATION,
    ("meters", "schedule"): "'every', 'aligned' and 'reads_a_day'",
    ("meters", "baudrate_read"): _RATES,
    ("meters", "initial_baudrate"): _RATES,
    ("meters", "baudrate_change_delay"): "nothing: the delay is computed and learned",
    ("meters", "pullseq"): "nothing: the request is sent by itself; 'address' for a device address",
    ("meters", "parity"): "'format'",
    ("meters", "protocol"): "'mode'",
    ("meters", "push"): "'mode: D'",
    ("meters", "push_baudrate"): "'baudrate' with 'mode: D'",
    ("meters", "password"): _BY_FILE,
    ("meters", "fast_registers"): "'fast'",
    ("meters", "threshold"): "'thresholds' with a list",
    ("thresholds", "limit"): "'above' or 'below'",
    ("thresholds", "delay"): "'for'",
    ("thresholds", "duration"): "'for'",
    ("thresholds", "obis"): "'register'",
    ("mqtt", "password"): _BY_FILE,
    ("api", "token"): _BY_PAIRING,
    ("api", "password"): _BY_PAIRING,
    ("api", "bind"): "'host'",
    ("api", "ssl"): "'certificate' and 'key'",
    ("api", "tls"): "'certificate' and 'key'",
    ("mqtt", "pass"): _BY_FILE,
    ("mqtt", "broker"): "'host'",
    ("mqtt", "server"): "'host'",
    ("mqtt", "user"): "'username'",
    ("mqtt", "ssl"): "'tls'",
    ("mqtt", "cafile"): "'ca'",
    ("mqtt", "cert"): "'certificate'",
    ("mqtt", "topic"): "'base_topic'",
    ("mqtt", "prefix"): "'discovery_prefix' for Home Assistant's, 'base_topic' for ours",
    ("", "meter"): "'meters' with a list, or the meter's settings directly",
    ("", "broker"): _BROKER,
    ("", "log_level"): "'log_level' in the section 'gateway'",
    ("", "state_dir"): "'state_dir' in the section 'gateway'",
    ("gateway", "loglevel"): "'log_level'",
}
"""(section, name) to what replaced it; the section of the file's own level is empty."""
