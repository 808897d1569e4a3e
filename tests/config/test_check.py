"""A configuration is checked whole: every problem with its line and what to do."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obisgw.config.load import check_file, check_text, load
from obisgw.config.problem import InvalidConfigurationError
from obisgw.config.values import LineFormat, LogLevel, MeterMode, PasswordLevel
from obisgw.errors import ConfigurationError
from obisgw.secret import Secret

DIALECTS = ("iskraemeco", "uh50", "easymeter-q3d")
BY_ID = "/dev/serial/by-id/usb-head"
TOO_MUCH = "1: this is no configuration: its aliases stand for too much or for themselves"


def sentences(text: str, path: Path, **environment: str) -> list[str]:
    """Return the problems in ``text`` as they are printed, without the file's name."""
    checked = check_text(text, path / "gateway.yaml", environment=environment, dialects=DIALECTS)
    return [problem.sentence("f").removeprefix("f:") for problem in checked.problems]


def test_one_line_is_a_configuration(tmp_path: Path) -> None:
    """The port is all that must be said."""
    settings = check_text(f"port: {BY_ID}", tmp_path / "f", environment={}).settings
    assert settings is not None
    (meter,) = settings.meters
    assert (meter.port, meter.entry, meter.mode, meter.every) == (BY_ID, "Meter", MeterMode.AUTO, None)
    assert settings.mqtt.host == "localhost"


def test_every_setting_comes_through(tmp_path: Path) -> None:
    """Text becomes the table's types; digits of addresses stay as written."""
    (tmp_path / "pw").write_text("s3cret\nsecond line\n", "utf-8")
    (tmp_path / "pw").chmod(0o600)
    (tmp_path / "ca.pem").write_text("-", "utf-8")
    text = f"""
meters:
  - name: House
    port: {BY_ID}
    address: 0201
    number: 00123
    dialect: uh50
    mode: c
    baudrate: 300
    max_baudrate: 4800
    format: 7e2
    dtr: off
    rts: Yes
    wake_up: true
    latency: 1.5
    every: 15m
    aligned: false
    thresholds:
      - {{name: High power, above: 3 kW, hysteresis: 200 W, for: 5m}}
      - name: Low voltage
        register: 32.7.0
        below: 207V
  - {{port: rfc2217://10.0.0.7:2001, mode: D, baudrate: 2400}}
  - {{port: /dev/serial/by-id/heat, reads_a_day: 2}}
mqtt:
  host: "broker.lan"
  port: 8884
  tls: on
  ca: ca.pem
  username: meter
  password_file: pw
  base_topic: a/b
  topic_tree: yes
  announce_adopted: yes
api:
  port: 8443
  host: "::1"
  certificate: ca.pem
  allowed_hosts:
    - meters.example
    - gw
  announce: no
gateway:
  id: cellar
  state_dir: state
  log_level: DEBUG
"""
    checked = check_text(text, tmp_path / "f", environment={}, dialects=DIALECTS)
    assert checked.problems == ()
    settings = checked.settings
    assert settings is not None
    house, pushing, heat = settings.meters
    assert (house.address, house.number, house.mode) == ("0201", "00123", MeterMode.C)
    assert (house.format, house.dtr, house.rts, house.wake_up) == (LineFormat.HARDWARE_7E2, False, True, True)
    assert (house.latency, house.every, house.aligned) == (1.5, timedelta(minutes=15), False)
    assert (house.baudrate, house.max_baudrate) == (300, 4800)
    assert (pushing.entry, pushing.mode, pushing.baudrate) == ("Meter 2", MeterMode.D, 2400)
    assert (heat.entry, heat.reads_a_day) == ("Meter 3", 2)
    assert settings.mqtt.password == Secret("s3cret")
    assert settings.mqtt.ca == tmp_path / "ca.pem"
    assert settings.gateway.state_dir == tmp_path / "state"
    assert settings.gateway.log_level is LogLevel.DEBUG
    high, low = house.thresholds
    assert (high.name, high.above, high.hysteresis) == ("High power", (Decimal(3), "kW"), (Decimal(200), "W"))
    assert (high.below, high.register, high.duration) == (None, None, timedelta(minutes=5))
    assert (low.register, low.below, low.duration) == ("32.7.0", (Decimal(207), "V"), timedelta(0))
    assert settings.mqtt.announce_adopted
    api = settings.api
    assert (api.port, api.host, api.allowed_hosts, api.announce) == (8443, "::1", ("meters.example", "gw"), False)
    assert api.certificate == tmp_path / "ca.pem"


PROBLEMS = [
    ("nothing", "", ["1: no meter is configured (the least that works is one line: 'port: /dev/ttyUSB0')"]),
    ("no settings", "- 1", ["1: the configuration must be settings, each 'name: value' (the least that works is one line: 'port: /dev/ttyUSB0')"]),
    ("no value", "port:", ["1: 'port' has no value (give one or remove the line)"]),
    ("no list", "meters: /dev/x", ["1: 'meters' must be a list (begin each meter with '- port: …')"]),
    ("empty list", "meters: []", ["1: 'meters' must be a list (begin each meter with '- port: …')"]),
    ("no meter", "meters:\n- /dev/x", ["2: a meter must be settings, each 'name: value' (begin it with '- port: …')"]),
    ("no port", "meters:\n- name: x", ["2: the meter has no 'port' ('obis-gateway ports' lists what is there)"]),
    ("misspelt", "port: /d\nadress: 1", ["2: 'adress' is no setting (did you mean 'address'?)"]),
    ("dashes", "port: /d\nwake-up: on", ["2: 'wake-up' is no setting (did you mean 'wake_up'?)"]),
    ("elsewhere", "port: /d\nbase_topic: x", ["2: 'base_topic' is no setting (did you mean 'base_topic' in the section 'mqtt'?)"]),
    ("foreign name", "device: /dev/x", ["1: 'device' is no setting (write 'port')", "1: the meter has no 'port' ('obis-gateway ports' lists what is there)"]),
    ("old name", "port: /d\nbaudrate_change_delay: 300", ["2: 'baudrate_change_delay' is no setting (write nothing: the delay is computed and learned)"]),
    ("password", "port: /d\nmqtt:\n  password: x", ["3: 'password' is no setting (write 'password_file' or 'password_env': a password does not stand in the configuration)"]),
    ("beside meters", "meters: [{port: /d}]\naddress: 1", ["2: 'address' stands beside 'meters' (a meter's settings belong into its entry of 'meters')"]),
    ("duration", "port: /d\nevery: 5x", ["2: 'every': '5x' is no duration: write a number with s, m, h or d, as in 60s, 15m or 24h"]),
    ("no time", "port: /d\nevery: 0", ["2: 'every': 0 is not between 1s and 744h"]),
    ("rate", "port: /d\nbaudrate: 9601", ["2: 'baudrate': '9601' is none of 300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200"]),
    ("truth", "port: /d\ndtr: 1", ["2: 'dtr': '1' is neither true nor false"]),
    ("choice", "port: /d\nmode: F", ["2: 'mode': 'F' is none of auto, A, B, C, D, E"]),
    ("number", "port: /d\nreads_a_day: ²", ["2: 'reads_a_day': '²' is no whole number from 1 to 1440"]),
    ("seconds", "port: /d\nlatency: -1", ["2: 'latency': '-1' is no number from 0 to 10"]),
    ("mapping for a value", "port: {a: b}", ["1: 'port' must be one value"]),
    ("schedules", "port: /d\nevery: 1h\nreads_a_day: 1", ["3: 'every' and 'reads_a_day' exclude each other (keep one of them)"]),
    ("mode D", "port: /d\nmode: D\naddress: 1", ["3: 'address' has no effect with 'mode: D' (in mode D nothing is sent to the meter)"]),
    ("dialect", "port: /d\ndialect: uh5", ["2: there is no dialect 'uh5' (did you mean 'uh50'?)"]),
    ("dialects", "port: /d\ndialect: zzz", ["2: there is no dialect 'zzz' (known: easymeter-q3d, iskraemeco, uh50)"]),
    ("unsteady port", "port: /dev/ttyUSB0", ["1: warning: /dev/ttyUSB0 may be another adapter after a restart ('obis-gateway ports' shows its name in /dev/serial/by-id)"]),
    ("same name", "meters:\n- {port: /a, name: X}\n- {port: /b, name: x}", ["3: a meter named 'x' is there already (see line 2)"]),
    ("same place", "meters:\n- {port: /a}\n- {port: /a}", ["3: two meters at /a without address (see line 2; meters on one line are told apart by 'address')"]),
    ("listening", "meters:\n- {port: /a, mode: D}\n- {port: /a, address: 1}", ["3: /a listens in mode D and asks no other meter (see line 2)"]),
    ("no TLS", "port: /d\nmqtt: {key: gateway.yaml}", ["2: 'key': there is no file {path}/gateway.yaml", "2: 'key' has no effect without 'tls: true' (add 'tls: true')", "2: 'key' needs 'certificate'"]),
    ("two passwords", "port: /d\nmqtt:\n  username: u\n  password_env: P\n  password_file: p", ["4: 'password_file' and 'password_env' exclude each other (keep one of them)", "5: 'password_file': there is no file {path}/p"]),
    ("no user", "port: /d\nmqtt:\n  password_env: P", ["3: 'password_env' needs 'username'"]),
    ("topic", "port: /d\nmqtt:\n  base_topic: a/#", ["3: 'base_topic': 'a/#' is no topic: no blanks, # or +, no / at its ends"]),
    ("section", "port: /d\nmqtt: localhost", ["2: 'mqtt' must be settings, each 'name: value', indented"]),
    ("tabs", "meters:\n\t- port: /d", ["2: this is not YAML: while scanning for the next token found character '\\t' that cannot start any token (YAML is indented with blanks, not with tabs)"]),
    ("twice", "port: /d\nport: /e", ["2: 'port' stands here a second time (first in line 1; remove one)"]),
    ("tag", "port: !secret head", ["1: the tag !secret is not known here (write the value itself)"]),
    ("list as name", "port: /d\n? [a]\n: b", ["2: a list or mapping stands where a setting's name should"]),
    ("relative port", "port: ttyUSB0", ["1: the port 'ttyUSB0' is no path from the root, as /dev/ttyUSB0 ('obis-gateway ports' lists the ports of this machine)"]),
    ("unknown kind of port", "port: tcp://a:1", ["1: 'tcp://' is no kind of port (a port is /dev/…, socket://host:port, rfc2217://host:port or esphome://host)"]),
    ("network port without number", "port: socket://a?x=1:2", ["1: the port names no host and port number after socket:// (a port is /dev/…, socket://host:port, rfc2217://host:port or esphome://host)"]),
    ("network ports", "meters: [{port: 'socket://[::1]:1'}, {port: 'rfc2217://a:2/?x'}, {port: 'esphome://a/?key=x'}]", []),
    ("alias in itself", "port: &a [*a]", [TOO_MUCH]),
    ("merged into itself", "port: /d\nx: &a {<<: *a}", [TOO_MUCH]),
    ("lists of lists of aliases", "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9))]), [TOO_MUCH]),
    ("merges of merges", "\n".join(["a0: &a0 {x: 1}", *(f"a{n}: &a{n} {{<<: [{','.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 9))]), [TOO_MUCH]),
    ("one list a hundred times", "x: &x [" + "1," * 1000 + "]\nmeters: [" + ",".join(["*x"] * 100) + "]", [TOO_MUCH]),
    ("no list of thresholds", "port: /d\nthresholds: 3 kW", ["2: 'thresholds' must be a list of settings (begin each with '- name: …')"]),
    ("a list in a list", "port: /d\nthresholds:\n  - [3]", ["2: 'thresholds' must be a list of settings (begin each with '- name: …')"]),
    ("a threshold without all", "port: /d\nthresholds:\n  - for: 5m", ["3: the threshold has no 'name' (it becomes the name of its entity)", "3: the threshold has no limit (give 'above' or 'below', as in 'above: 3 kW')"]),
    ("two limits", "port: /d\nthresholds:\n  - name: a\n    above: 1 kW\n    below: 2 kW", ["5: 'above' and 'below' exclude each other (keep one of them; two limits are two thresholds)"]),
    ("no number", "port: /d\nthresholds:\n  - name: a\n    above: kW 3", ["4: 'above': 'kW 3' is no number with a unit: write it as 3 kW"]),
    ("a comma", "port: /d\nthresholds:\n  - name: a\n    below: 0,5 kW", ["4: 'below': '0,5 kW' is no number with a unit: write it as 500 W"]),
    ("negative hysteresis", "port: /d\nthresholds:\n  - {name: a, above: 1, hysteresis: -1}", ["3: 'hysteresis': '-1' is no number with a unit: write it as 200 W"]),
    ("hysteresis in another unit", "port: /d\nthresholds:\n  - {name: a, above: 1 kW, hysteresis: 200 V}", ["3: 'hysteresis' is in V, the limit in kW (use the same)"]),
    ("no register", "port: /d\nthresholds:\n  - {name: a, above: 1, register: power}", ["3: 'register': 'power' is no OBIS code of a register: write it as 16.7.0 or 1-0:16.7.0"]),
    ("too long", "port: /d\nthresholds:\n  - {name: a, above: 1, for: 25h}", ["3: 'for': 25h is not between 0s and 24h"]),
    ("a duration's name", "port: /d\nthresholds:\n  - {name: a, above: 1, fro: 5m}", ["3: 'fro' is no setting (did you mean 'for'?)"]),
    ("one name twice", "port: /d\nthresholds:\n  - {name: High power, above: 1}\n  - {name: high_power, above: 2}", ["4: a threshold named 'high_power' is there already (see line 3)"]),
    ("two wrong limits", "port: /d\nthresholds:\n  - {name: a, above: x}\n  - {name: b, above: y}", ["3: 'above': 'x' is no number with a unit: write it as 3 kW", "4: 'above': 'y' is no number with a unit: write it as 3 kW"]),
    ("a port of none", "port: /d\napi:\n  port: 0", ["3: 'port': '0' is no whole number from 1 to 65535"]),
    ("a key alone", "port: /d\napi:\n  key: ca.pem", ["3: 'key': there is no file {path}/ca.pem", "3: 'key' needs 'certificate'"]),
    ("no certificate", "port: /d\napi:\n  certificate: c.pem", ["3: 'certificate': there is no file {path}/c.pem"]),
    ("hosts with a blank", "port: /d\napi:\n  allowed_hosts: [meter.example, a b]", ["3: 'allowed_hosts': 'a b' is no host name or address (the port has its own setting)"]),
    ("hosts in lists", "port: /d\napi:\n  allowed_hosts: [[a]]", ["3: 'allowed_hosts' must be a list of single values (begin each with '- ')"]),
    ("a token in the file", "port: /d\napi:\n  token: abc", ["3: 'token' is no setting (write nothing: 'obis-gateway pair' gives a code, and the client gets its token for it)"]),
    ("nowhere to go", "port: /d\nmqtt:\n  enabled: no\napi:\n  enabled: no", ["5: neither MQTT nor the API is enabled: readings would go nowhere (enable one of them)"]),
    ("fast in mode D", "port: /d\nmode: D\nfast: [16.7.0]", ["3: 'fast' has no effect with 'mode: D' (in mode D nothing is sent to the meter)"]),
    ("fast in mode A", "port: /d\nmode: A\nfast: [16.7.0]", ["3: 'fast' needs mode C (remove 'mode', or 'fast')"]),
    ("fast of a battery meter", "port: /d\nreads_a_day: 1\nfast: [1.7.0]", ["3: 'fast' and 'reads_a_day' exclude each other (a meter that lives on a battery must be left in peace)"]),
    ("no fast register", "port: /d\nfast: []", ["2: 'fast' names no register (give some, as in 'fast: [16.7.0]', or remove the line)"]),
    ("odd fast register", "port: /d\nfast: ['16.7.0(']", ["2: 'fast': '16.7.0(' is no register: write it as 16.7.0, or as the meter calls it"]),
    ("fast without time", "port: /d\nfast: 16.7.0\nevery: 10s", ["3: warning: 'every' leaves no time for 'fast' between full readouts (with 'fast', the full readouts may be rare: 'every: 5m')"]),
    ("fast_every alone", "port: /d\nfast_every: 1s", ["2: 'fast_every' has no effect without 'fast' (name the registers: 'fast: [16.7.0]')"]),
    ("fast_every as what", "port: /d\nfast: 16.7.0\nfast_every: soon", ["3: 'fast_every': 'soon' is no time: write a number with ms, s or m, as in 0.5s, 500ms or 2m"]),
    ("fast_every too long", "port: /d\nfast: 16.7.0\nfast_every: 61m", ["3: 'fast_every': 61m is not between 0s and 3600s"]),
    ("a password in the file", "port: /d\npassword: 1", ["2: 'password' is no setting (write 'password_file' or 'password_env': a password does not stand in the configuration)"]),
    ("two passwords of a meter", "port: /d\npassword_env: P\npassword_file: p", ["2: 'password_file' and 'password_env' exclude each other (keep one of them)", "3: 'password_file': there is no file {path}/p"]),
    ("a level without password", "port: /d\npassword_level: P2", ["2: 'password_level' has no effect without a password (set 'password_file')"]),
    ("dlms without mode E", "port: /d\nserver: 1/17", ["2: 'server' has no effect without DLMS (write 'mode: E')"]),
    ("dlms in mode C", "port: /d\nmode: C\nclient: 1", ["3: 'client' has no effect without DLMS (remove 'mode', or write 'mode: E')"]),
    ("a level without its secret", "port: /d\nsecurity: high-md5", ["2: 'security: high-md5' needs a secret (set 'password_file')"]),
    ("GMAC without keys", "port: /d\nsecurity: high-gmac", ["2: 'security: high-gmac' needs both keys (set 'encryption_key_file' and 'authentication_key_file')"]),
    ("protection without a key", "port: /d\nmode: E\nprotection: both", ["3: 'protection' needs the encryption key (set 'encryption_key_file')"]),
    ("a key that is none", "port: /d\nencryption_key_env: P\nauthentication_key_env: K", ["2: the encryption key has not 32 hexadecimal digits (ask the operator)"]),
    ("one key of two", "port: /d\nencryption_key_env: K", ["2: 'encryption_key_env' needs the other key as well (set 'authentication_key_file')"]),
    ("a secret that is not used", "port: /d\nsecurity: lowest\npassword_env: P", ["2: 'security: lowest' does not use 'password_env' (write 'security: low')"]),
    ("tcp at a device", "port: /d\ntransport: tcp", ["2: 'transport: tcp' needs a port 'socket://host:4059' (or 'transport: hdlc')"]),
    ("pushed without its frames", "port: /d\nmode: D\nencryption_key_env: K", ["3: 'encryption_key_env' needs 'transport' with 'mode: D' (write hdlc where the meter pushes in HDLC frames, mbus where in M-Bus frames)"]),
    ("pushed over TCP", "port: socket://a:4059\nmode: D\ntransport: tcp", ["3: 'transport' cannot be tcp with 'mode: D' (write hdlc where the meter pushes in HDLC frames, mbus where in M-Bus frames)"]),
    ("pushed with half a key", "port: /d\nmode: D\ntransport: mbus\nauthentication_key_env: K", ["4: 'authentication_key_env' needs the other key as well (set 'encryption_key_file')"]),
    ("pushed with what asks", "port: /d\nmode: D\ntransport: hdlc\nclient: 1", ["4: 'client' has no effect with 'mode: D' (in mode D nothing is sent to the meter)"]),
    ("pushed in seven bits", "port: /d\nmode: D\ntransport: mbus\nformat: 7e1", ["4: 'format: 7e1' has seven bits, and DLMS needs eight (8n1 or 8e1)"]),
    ("M-Bus frames on request", "port: /d\ntransport: mbus", ["2: 'transport: mbus' needs 'mode: D' (M-Bus frames are only listened to)"]),
    ("a format for HDLC", "port: /d\nmode: E\nformat: 7e1", ["3: 'format' has no choice with DLMS: HDLC needs eight bits (remove the line)"]),
    ("programming mode in DLMS", "port: /d\nmode: E\nfast: [16.7.0]\nallow_write: true", ["3: 'fast' has no effect with DLMS (it is of programming mode: remove the line)", "4: 'allow_write' has no effect with DLMS (it is of programming mode: remove the line)"]),
    ("no server", "port: /d\nmode: E\nserver: x", ["3: 'server': 'x' is no server: write it as 1, as 1/17 with the physical device, or as 1/17/4 with the octets of the address"]),
    ("no system title", "port: /d\nmode: E\nsystem_title: 12", ["3: 'system_title': '12' is no system title: it has 16 hexadecimal digits"]),
    ("the same again", "a: &a [[[[[[[[x]]]]]]]]\nb: *a\nport: /d", ["1: nested too deeply", "1: 'a' is no setting (known here: port, name, address, number, dialect, mode, baudrate, max_baudrate, format, dtr, rts, wake_up, latency, every, aligned, reads_a_day, fast, fast_every, fast_publish, fast_change, password_file, password_env, password_level, transport, client, server, security, protection, key_use, encryption_key_file, encryption_key_env, authentication_key_file, authentication_key_env, system_title, short_names, allow_write, connection, thresholds, meters, mqtt, api, store, gateway)", "2: 'b' is no setting (known here: port, name, address, number, dialect, mode, baudrate, max_baudrate, format, dtr, rts, wake_up, latency, every, aligned, reads_a_day, fast, fast_every, fast_publish, fast_change, password_file, password_env, password_level, transport, client, server, security, protection, key_use, encryption_key_file, encryption_key_env, authentication_key_file, authentication_key_env, system_title, short_names, allow_write, connection, thresholds, meters, mqtt, api, store, gateway)"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [row[1:] for row in PROBLEMS], ids=[row[0] for row in PROBLEMS])
def test_each_problem_is_said_with_its_line(text: str, expected: list[str], tmp_path: Path) -> None:
    """One mistake, its sentence."""
    assert sentences(text, tmp_path, P="word", K="0" * 32) == [
        line.replace("{path}", str(tmp_path)) for line in expected
    ]


def test_all_problems_are_said_at_once_in_order(tmp_path: Path) -> None:
    """Nobody wants to correct, run, correct, run."""
    text = "meters:\n  - port: /a\n    evry: 5\n  - name: b\nmqtt:\n  port: 0\ngateway:\n  log_level: loud\nspare: 1\n"
    lines = [int(sentence.split(":")[0]) for sentence in sentences(text, tmp_path)]
    assert lines == [3, 4, 6, 8, 9]


def test_merged_settings_may_be_overridden(tmp_path: Path) -> None:
    """YAML's own way of saying something once for several meters is no duplicate."""
    text = "meters:\n- &a {port: /a, every: 5m}\n- {<<: *a, port: /b}\n"
    settings = check_text(text, tmp_path / "f", environment={}).settings
    assert settings is not None
    assert [(meter.port, meter.every) for meter in settings.meters] == [
        ("/a", timedelta(minutes=5)),
        ("/b", timedelta(minutes=5)),
    ]


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    """Its text form is stars, wherever the settings are printed."""
    text = "port: /d\nmqtt: {username: u, password_env: BROKER_PASSWORD}"
    checked = check_text(text, tmp_path / "f", environment={"BROKER_PASSWORD": "s3cret"})
    assert checked.settings is not None
    assert checked.settings.mqtt.password == Secret("s3cret")
    assert "s3cret" not in repr(checked)
    assert "*****" in repr(checked)


def test_a_meter_s_password_comes_from_a_file_or_the_environment_and_is_never_shown(tmp_path: Path) -> None:
    """As the broker's."""
    (tmp_path / "pw").write_text("12345678\n", "utf-8")
    (tmp_path / "pw").chmod(0o600)
    text = "meters:\n- {port: /a, password_file: pw, password_level: p2}\n- {port: /b, password_env: METER}"
    checked = check_text(text, tmp_path / "f", environment={"METER": "87654321"})
    assert checked.settings is not None
    first, second = checked.settings.meters
    assert (first.password, first.password_level) == (Secret("12345678"), PasswordLevel.P2)
    assert (second.password, second.password_level) == (Secret("87654321"), PasswordLevel.P1)
    assert "12345678" not in repr(checked)
    assert "87654321" not in repr(checked)


def test_what_can_be_no_password_of_a_meter_is_said_without_showing_it(tmp_path: Path) -> None:
    """It stands in the brackets of a command."""
    (said,) = sentences("port: /d\npassword_env: METER", tmp_path, METER="se(cret")
    assert said == (
        "2: what 'password_env' holds can be no password of a meter "
        "(a meter takes up to 32 printable characters without ( ) / and !)"
    )


def test_fast_registers_come_through(tmp_path: Path) -> None:
    """A list or one alone; times with decimals."""
    text = (
        "port: /d\nfast:\n- 16.7.0\n- POWEP\nfast_every: 0\nfast_publish: 500ms\nfast_change: 0.1 kW\nallow_write: yes"
    )
    settings = check_text(text, tmp_path / "f", environment={}).settings
    assert settings is not None
    (meter,) = settings.meters
    assert (meter.fast, meter.fast_every, meter.fast_publish) == (("16.7.0", "POWEP"), 0.0, 0.5)
    assert (meter.fast_change, meter.allow_write) == ((Decimal("0.1"), "kW"), True)
    plain = check_text("port: /d", tmp_path / "f", environment={}).settings
    assert plain is not None
    assert (plain.meters[0].fast, plain.meters[0].fast_every, plain.meters[0].allow_write) == ((), 1.0, False)


def test_an_unset_variable_is_a_warning(tmp_path: Path) -> None:
    """The check may run where the service's environment is not."""
    text = "port: /d\nmqtt: {username: u, password_env: BROKER_PASSWORD}"
    assert sentences(text, tmp_path) == [
        "2: warning: the environment variable BROKER_PASSWORD is not set here (the service needs it when it starts)"
    ]


@pytest.mark.parametrize(
    ("content", "mode", "expected"),
    [
        (b"", 0o600, "3: {file} is empty (its first line must be the password)"),
        (b"\xff", 0o600, "3: {file} cannot be read: it is not UTF-8"),
        (b"x", 0o644, "3: warning: everybody may read {file} (chmod o= {file})"),
    ],
)
def test_a_password_file_is_looked_at(content: bytes, mode: int, expected: str, tmp_path: Path) -> None:
    """What is wrong with the file is said where the file is named."""
    file = tmp_path / "pw"
    file.write_bytes(content)
    file.chmod(mode)
    text = "port: /d\nmqtt:\n  password_file: $CREDENTIALS_DIRECTORY/pw\n  username: u"
    found = sentences(text, tmp_path / "elsewhere", CREDENTIALS_DIRECTORY=str(tmp_path))
    assert found == [expected.replace("{file}", str(file))]


def test_a_file_that_cannot_be_used_says_all_of_it(tmp_path: Path) -> None:
    """The exception's text is every sentence with file and line."""
    file = tmp_path / "f.yaml"
    file.write_text("port: /d\nx: 1\ny: 2\n", "utf-8")
    with pytest.raises(InvalidConfigurationError) as caught:
        load(file, environment={})
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == [f"{file}:2", f"{file}:3"]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"port: \xff", "f:1: a character here is not UTF-8 (save the file as UTF-8)")],
)
def test_other_encodings_are_named(content: bytes, said: str, tmp_path: Path) -> None:
    """Latin-1 is found at its line."""
    (tmp_path / "f").write_bytes(content)
    checked = check_file(tmp_path / "f", environment={})
    assert [problem.sentence("f") for problem in checked.problems] == [said]


def test_no_file_and_too_large_a_file_are_errors_of_their_own(tmp_path: Path) -> None:
    """Both are said in one sentence."""
    with pytest.raises(ConfigurationError, match="there is no such file"):
        check_file(tmp_path / "none", environment={})
    with pytest.raises(ConfigurationError, match="the file cannot be read"):
        check_file(tmp_path, environment={})
    (tmp_path / "large").write_bytes(b"#" * 1_000_001)
    with pytest.raises(ConfigurationError, match="larger than 1 MB"):
        check_file(tmp_path / "large", environment={})


@given(st.text(st.sampled_from("portmeters:-[]{}&*!<\n\t ?|>'\"%@`#,/x1é\x00"), max_size=60))
def test_any_text_ends_in_settings_or_problems(text: str) -> None:
    """No text is too strange to be answered."""
    checked = check_text(text, Path("f"), environment={})
    assert (checked.settings is None) == bool(checked.errors)
