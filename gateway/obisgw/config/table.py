"""Every setting of the gateway, once: type, default, unit, help and check. The reference page is made from this."""

# ruff: noqa: RUF009 - setting() is this table's dataclasses.field()

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from .setting import (
    FUSE,
    TRUTH,
    Setting,
    choice,
    duration,
    listed,
    nested,
    number_of,
    quantity,
    seconds,
    setting,
    settings_of,
    span,
    text,
    whole,
)
from .values import (
    BAUDRATES,
    Fuse,
    KeyUse,
    LineFormat,
    LogLevel,
    MeterMode,
    PasswordLevel,
    Protection,
    Quantity,
    SecurityLevel,
    Transport,
)

if TYPE_CHECKING:
    from pathlib import Path

    from obisgw.secret import Secret

_NAME = text("text", r"[^\x00-\x1f\x7f]{1,64}", "empty, longer than 64 characters, or has control characters")
_CODE = text(
    "OBIS code",
    r"(\d{1,3}-\d{1,3}:)?\d{1,3}\.\d{1,3}(\.\d{1,3})?(\*\d{1,3})?",
    "no OBIS code of a register: write it as 16.7.0 or 1-0:16.7.0",
)
_REGISTER = text(
    "OBIS code or name",
    r"[0-9A-Za-z][0-9A-Za-z_.:*&-]{0,31}",
    "no register: write it as 16.7.0, or as the meter calls it",
)
_PORT = text("path or URL", r"[!-~]{1,400}", "no path or URL: blanks and letters beyond ASCII do not occur in one")
_TOPIC = text("topic", r"[^\x00-\x20#+/][^\x00-\x20#+]{0,99}(?<!/)", "no topic: no blanks, # or +, no / at its ends")
_FILE = text("path", r"[^\x00-\x1f]{1,1000}", "no path")
_VARIABLE = text("variable", r"[A-Za-z_][A-Za-z0-9_]{0,99}", "no name of an environment variable")
_ID = text("identifier", r"[a-z0-9_]{1,32}", "no identifier: use 1 to 32 of a-z, 0-9 and _")
_ADDRESS = text("text", r"[0-9A-Za-z ]{1,32}", "no device address: up to 32 digits, letters and blanks")
_NUMBER = text("text", r"[!-~][ -~]{0,63}", "no meter number")
_DIALECT = text("name", r"[a-z0-9][a-z0-9_.-]{0,63}", "no name of a dialect")
_SERVER = text(
    "number[/number[/octets]]",
    r"\d{1,5}(/\d{1,5}(/[124])?)?",
    "no server: write it as 1, as 1/17 with the physical device, or as 1/17/4 with the octets of the address",
)
_TITLE = text("16 hexadecimal digits", r"[0-9A-Fa-f]{16}", "no system title: it has 16 hexadecimal digits")
_HOST = text("host", r"[0-9A-Za-z_.:\[\]-]{1,253}", "no host name or address (the port has its own setting)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdSettings:
    """A limit that a register's value is watched against."""

    name: str = setting(_NAME, "What you call it: the entity's name.", must=True)
    register: str | None = setting(
        _CODE, "OBIS code of the register, as in `1.7.0`.", shown="the first of `16.7.0`, `1.7.0`, `15.7.0`"
    )
    above: Quantity | None = setting(
        quantity("3 kW"), "On when the value is above this; give either `above` or `below`."
    )
    below: Quantity | None = setting(quantity("500 W"), "On when the value is below this.")
    hysteresis: Quantity = setting(
        quantity("200 W", negative=False),
        "Off again only when the value is back by more than this.",
        default=Quantity(Decimal(0)),
        shown="0",
    )
    duration: timedelta = setting(
        duration(timedelta(0), timedelta(days=1)),
        "On only after the value has been beyond the limit in all readings for so long.",
        default=timedelta(0),
        named="for",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSettings:
    """One meter. ``entry`` is unique: the name, which stands for the meter until its own number is known."""

    entry: str
    line: int = field(compare=False)
    """Where the meter's settings start in the file; moving them there changes nothing."""
    password: Secret | None = None
    """From ``password_file`` or ``password_env``; never from the configuration itself."""
    encryption_key: Secret | None = None
    authentication_key: Secret | None = None
    """From the files or variables that are named; never from the configuration itself."""

    port: str = setting(
        _PORT,
        "Where the optical head is: `/dev/serial/by-id/…` (best: stays the same when adapters change places), "
        "`/dev/serial/by-path/…`, `/dev/ttyUSB0`, or `socket://host:port`, `rfc2217://host:port`, `esphome://host`.",
        must=True,
    )
    name: str | None = setting(_NAME, "What you call the meter.", shown="Meter, Meter 2, …")
    address: str = setting(
        _ADDRESS,
        "Device address in the request; needed where several meters share a line, and by some single ones.",
        default="",
    )
    number: str | None = setting(
        _NUMBER, "The number that the meter must have; another meter on this port is then reported, not published."
    )
    dialect: str | None = setting(
        _DIALECT,
        "What this meter does differently; normally found by its identification.",
        shown="by identification",
    )
    mode: MeterMode = setting(
        choice(MeterMode),
        "`auto` asks and takes mode A, B or C as the meter offers, and E (DLMS) where it offers that and one of the settings "
        "for DLMS is given; `A`, `B`, `C` or `E` asks and insists; `D` listens to a meter that sends unasked, "
        "text or, with `transport`, DLMS.",
        default=MeterMode.AUTO,
    )
    baudrate: int | None = setting(
        number_of(*BAUDRATES),
        "Rate of the request, or in mode D the rate at which the meter sends.",
        unit="baud",
        shown="300; in mode D 9600 or as the dialect says, with DLMS 2400",
    )
    max_baudrate: int | None = setting(
        number_of(*BAUDRATES), "Fastest rate to ask the meter for, where the line or head takes no more.", unit="baud"
    )
    format: LineFormat = setting(
        choice(LineFormat),
        "Characters on the line. The default suits 7E1 and any adapter; `7e1` and the others let the adapter do it. DLMS has "
        "8N1, in M-Bus frames 8E1; a choice, `8n1` or `8e1`, is only where it is pushed.",
        default=LineFormat.SOFTWARE_7E1,
    )
    dtr: bool = setting(
        TRUTH, "State of DTR while the port is open; many heads draw their power from it.", default=True
    )
    rts: bool = setting(
        TRUTH, "State of RTS while the port is open; some heads want it on and some off.", default=False
    )
    wake_up: bool | None = setting(
        TRUTH, "Send the wake-up message in front of the request.", shown="as the dialect says"
    )
    latency: float = setting(
        seconds(0, 10), "Extra patience for slow paths: radio, network, serial servers.", default=0.5, unit="s"
    )
    every: timedelta | None = setting(
        duration(timedelta(seconds=1), timedelta(days=31)),
        "From the start of one readout to the next; in mode D at most one reading in this time is published.",
        shown="60s; in mode D every telegram; for battery meters see `reads_a_day`",
    )
    aligned: bool = setting(
        TRUTH, "Start readouts at full multiples of `every` by the clock (with `15m`: 12:00, 12:15, …).", default=True
    )
    reads_a_day: int | None = setting(
        whole(1, 1440),
        "Read budget in place of `every`, for meters that live on a battery: each read shortens its life.",
        unit="reads a day",
        shown="1 for battery meters",
    )
    fast: tuple[str, ...] = setting(
        listed(_REGISTER),
        "Registers to read again and again between the full readouts, in programming mode: live power.",
        default=(),
    )
    fast_every: float = setting(
        span(0, 3600),
        "From one round of `fast` to the next; `0` is as fast as the meter answers.",
        default=1.0,
        shown="1s",
    )
    fast_publish: float = setting(
        span(0, 3600),
        "Publish changed values of `fast` not more often than this; `0` publishes each change.",
        default=5.0,
        shown="5s",
    )
    fast_change: Quantity = setting(
        quantity("200 W", negative=False),
        "But publish at once when a value has changed by this or more since it was published.",
        default=Quantity(Decimal(200), "W"),
        shown="200 W",
    )
    password_file: Path | None = setting(
        _FILE,
        "File whose first line is the meter's password, for meters that want one in programming mode; "
        "`$CREDENTIALS_DIRECTORY/…` works under systemd.",
    )
    password_env: str | None = setting(_VARIABLE, "Environment variable that holds the meter's password.")
    password_level: PasswordLevel = setting(
        choice(PasswordLevel),
        "`P1` says the password in clear, `P2` as the maker's algorithm makes it (Siemens AMIS, Energomera).",
        default=PasswordLevel.P1,
    )
    transport: Transport | None = setting(
        choice(Transport),
        "DLMS: `optical` signs on in mode E, `hdlc` speaks HDLC at once (8N1, at `baudrate`), `tcp` uses the wrapper over TCP. "
        "With `mode: D` the frames that the meter pushes: `hdlc` or `mbus`.",
        shown="`optical`; with `mode: E` at `socket://…:4059` `tcp`",
    )
    client: int | None = setting(
        whole(1, 127),
        "DLMS: who asks. 16 is the public client, 1 mostly the one with a password.",
        shown="16; with security 1",
    )
    server: str = setting(
        _SERVER,
        "DLMS: the logical device, behind `/` the physical one where the meter has one, and behind another `/` how many "
        "octets the address has (`1/17/4`) where they are more than are needed.",
        default="1",
    )
    security: SecurityLevel | None = setting(
        choice(SecurityLevel),
        "DLMS: how the client proves itself. `low` needs a password, `high-md5`, `high-sha1` and `high-sha256` a shared "
        "secret (in `password_file`; `0x…` for octets), `high-gmac` both keys.",
        shown="`lowest`; with a password `low`",
    )
    protection: Protection | None = setting(
        choice(Protection), "DLMS: how messages are protected with the keys.", shown="`both` with keys, else `none`"
    )
    key_use: KeyUse = setting(
        choice(KeyUse),
        "DLMS: which key ciphers messages, the global one, one drawn for each session, or the global one in a general envelope.",
        default=KeyUse.GLOBAL,
    )
    encryption_key_file: Path | None = setting(
        _FILE, "DLMS: file whose first line is the encryption key (32 hexadecimal digits), from the meter's operator."
    )
    encryption_key_env: str | None = setting(_VARIABLE, "DLMS: environment variable that holds the encryption key.")
    authentication_key_file: Path | None = setting(
        _FILE, "DLMS: file whose first line is the authentication key (32 hexadecimal digits)."
    )
    authentication_key_env: str | None = setting(
        _VARIABLE, "DLMS: environment variable that holds the authentication key."
    )
    system_title: str | None = setting(
        _TITLE, "DLMS: the client's system title, where the meter wants a certain one.", shown="4F42474741544557"
    )
    short_names: bool = setting(
        TRUTH, "DLMS: refer to objects by short names, for older meters that know no others.", default=False
    )
    allow_write: bool = setting(
        TRUTH,
        "Let `obis-gateway write` change this meter; nothing else ever does.",
        default=False,
    )
    connection: Fuse = setting(
        FUSE,
        "Fuses of the connection. A counter that rises faster than it can carry is not believed until it is said again.",
        default=Fuse(3, 63),
    )
    thresholds: tuple[ThresholdSettings, ...] = setting(
        nested("name, above or below, …"), "Limits to watch, each a binary sensor; see below.", default=()
    )

    @property
    def speaks_dlms(self) -> bool:
        """Whether the meter is asked in DLMS where it offers that."""
        set_up = self.transport or self.client or self.security or self.encryption_key or self.authentication_key
        return self.mode is MeterMode.E or (self.mode is MeterMode.AUTO and set_up is not None)

    @property
    def pushes_dlms(self) -> bool:
        """Whether the meter sends DLMS unasked."""
        return self.mode is MeterMode.D and self.transport is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttSettings:
    """The broker and what is published there."""

    password: Secret | None = None
    """From ``password_file`` or ``password_env``; never from the configuration itself."""

    enabled: bool = setting(TRUTH, "Publish by MQTT; `false` where the API alone is used.", default=True)
    host: str = setting(_HOST, "The broker's host name or address.", default="localhost")
    port: int | None = setting(whole(1, 65535), "The broker's port.", shown="1883; with TLS 8883")
    tls: bool = setting(TRUTH, "Encrypt, and check the broker's certificate.", default=False)
    ca: Path | None = setting(_FILE, "File with the authority's certificate.", shown="the system's authorities")
    certificate: Path | None = setting(_FILE, "File with our own certificate, where the broker asks for one.")
    key: Path | None = setting(_FILE, "File with the key of our own certificate.", shown="in the certificate's file")
    username: str | None = setting(_NAME, "User name at the broker.")
    password_file: Path | None = setting(
        _FILE, "File whose first line is the password; `$CREDENTIALS_DIRECTORY/…` works under systemd."
    )
    password_env: str | None = setting(_VARIABLE, "Environment variable that holds the password.")
    base_topic: str = setting(_TOPIC, "First part of all topics that are ours.", default="obis_gateway")
    discovery: bool = setting(TRUTH, "Publish Home Assistant's discovery documents.", default=True)
    discovery_prefix: str = setting(_TOPIC, "Discovery prefix as set in Home Assistant.", default="homeassistant")
    announce_adopted: bool = setting(
        TRUTH,
        "Publish discovery documents also of meters that Home Assistant's integration shows; each is then there twice.",
        default=False,
    )
    topic_tree: bool = setting(
        TRUTH, "Also publish each register on a topic of its own, for uses without Home Assistant.", default=False
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """The API for Home Assistant's integration and the status page."""

    enabled: bool = setting(TRUTH, "Serve the API.", default=True)
    port: int = setting(whole(1, 65535), "TCP port of the API and the status page.", default=8787)
    host: str | None = setting(
        _HOST, "Address of this machine to listen at; `127.0.0.1` for this machine alone.", shown="all"
    )
    certificate: Path | None = setting(_FILE, "File with a certificate in PEM; with it the API speaks TLS only.")
    key: Path | None = setting(_FILE, "File with the certificate's key.", shown="in the certificate's file")
    allowed_hosts: tuple[str, ...] = setting(
        listed(_HOST),
        "Names by which this machine may also be called, such as those of a reverse proxy. Its addresses, its own "
        "name, `localhost` and names in `.local` are always good.",
        default=(),
    )
    announce: bool = setting(TRUTH, "Let Home Assistant find the gateway by itself (zeroconf, mDNS).", default=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """What is remembered of readings."""

    enabled: bool = setting(
        TRUTH, "Keep readings, and what the broker has missed, in `store.db` in the state folder.", default=True
    )
    flush: timedelta = setting(
        duration(timedelta(seconds=1), timedelta(hours=1)),
        "Time between two writings: a power failure costs as much. Memory cards wear by each.",
        default=timedelta(minutes=1),
    )
    raw_days: int = setting(whole(1, 400), "Days for which each reading is kept.", default=14, unit="days")
    quarter_years: int = setting(
        whole(1, 30), "Years for which counters are kept at each quarter hour.", default=3, unit="years"
    )
    hour_years: int = setting(
        whole(1, 100), "Years for which counters are kept at each hour.", default=20, unit="years"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """The gateway itself."""

    id: str = setting(_ID, "Tells this gateway from others at the same broker.", default="gateway")
    name: str = setting(_NAME, "The gateway's name in Home Assistant.", default="OBIS Gateway")
    state_dir: Path | None = setting(
        _FILE,
        "Folder for what must survive a restart: known meters, learned line settings, read counts.",
        shown="`$STATE_DIRECTORY`, else `~/.local/state/obis-gateway`",
    )
    dialects: Path | None = setting(_FILE, "File with dialects of your own, added to those of the program.")
    log_level: LogLevel = setting(choice(LogLevel), "How much the log says.", default=LogLevel.INFO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration."""

    meters: tuple[MeterSettings, ...]
    mqtt: MqttSettings
    gateway: GatewaySettings
    api: ApiSettings = field(default_factory=ApiSettings)
    store: StoreSettings = field(default_factory=StoreSettings)


SECTIONS: dict[str, tuple[Setting, ...]] = {
    "meters": settings_of("meters", MeterSettings),
    "mqtt": settings_of("mqtt", MqttSettings),
    "api": settings_of("api", ApiSettings),
    "store": settings_of("store", StoreSettings),
    "gateway": settings_of("gateway", GatewaySettings),
}
THRESHOLD: tuple[Setting, ...] = settings_of("thresholds", ThresholdSettings)
"""The settings of each entry in a meter's ``thresholds``."""
