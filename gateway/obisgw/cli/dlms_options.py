"""Options of the commands that talk DLMS to a meter, as in the configuration. Secrets come from files or the environment."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from obisgw.config.rules import OF_DLMS, dlms_problems, is_dlms, is_pushed_dlms, key_of, password_of
from obisgw.config.values import KeyUse, LineFormat, MeterMode, Protection, SecurityLevel, Transport
from obisgw.errors import ConfigurationError

from .values import whole

if TYPE_CHECKING:
    from obisgw.config.table import MeterSettings
    from obisgw.dlms.push import PushKeys
    from obisgw.reader.dlms_reader import DlmsReader
    from obisgw.reader.reader import MeterReader

_OPTIONS = (
    *(
        "transport",
        "client",
        "server",
        "security",
        "protection",
        "key_use",
        "system_title",
        "short_names",
        "format",
        "wake_up",
    ),
    *("encryption_key_file", "encryption_key_env", "authentication_key_file", "authentication_key_env"),
    *("password_file", "password_env"),
)
_PASSWORDS = ("password_file", "password_env")
_KINDS: dict[str, Any] = {
    "transport": Transport,
    "security": SecurityLevel,
    "protection": Protection,
    "key_use": KeyUse,
    "format": LineFormat,
}
_SERVER = re.compile(r"[0-9]{1,5}(/[0-9]{1,5}(/[124])?)?")
_TITLE = re.compile(r"[0-9A-Fa-f]{16}")


def add_dlms(parser: argparse.ArgumentParser, *, password: bool) -> None:
    """Add how a meter is asked in DLMS; ``password``: also where its password is."""
    group = parser.add_argument_group("DLMS (mode E, or HDLC and TCP without sign-on)")
    group.add_argument(
        "--transport",
        choices=[one.value for one in Transport],
        help="optical (mode E), hdlc or tcp; in mode D hdlc or mbus",
    )
    group.add_argument("--client", type=whole(1, 127), metavar="N", help="who asks: 16 is the public client")
    group.add_argument(
        "--server", type=_server, metavar="N[/N[/OCTETS]]", help="logical device, physical one, size of the address (1)"
    )
    group.add_argument(
        "--security", choices=[one.value for one in SecurityLevel], help="how the client proves itself (lowest)"
    )
    group.add_argument(
        "--protection", choices=[one.value for one in Protection], help="of messages (both, where keys are given)"
    )
    group.add_argument("--key-use", choices=[one.value for one in KeyUse], help="which key ciphers messages (global)")
    group.add_argument("--system-title", type=_title, metavar="HEX", help="the client's system title")
    group.add_argument("--short-names", action="store_true", default=None, help="refer to objects by short names")
    _add_keys(group)
    if password:
        one = group.add_mutually_exclusive_group()
        one.add_argument("--password-file", type=Path, metavar="FILE", help="file whose first line is the password")
        one.add_argument("--password-env", metavar="NAME", help="environment variable that holds the password")
        group.add_argument(
            "--password-again",
            action="store_true",
            help="say password and keys although this meter has refused them before",
        )


def add_keys(parser: argparse.ArgumentParser) -> None:
    """Add where the owner's keys are, for what meters send unasked."""
    _add_keys(parser.add_argument_group("DLMS"))


def _add_keys(group: argparse._ArgumentGroup) -> None:
    for key in ("encryption", "authentication"):
        one = group.add_mutually_exclusive_group()
        one.add_argument(f"--{key}-key-file", type=Path, metavar="FILE", help=f"file whose first line is the {key} key")
        one.add_argument(f"--{key}-key-env", metavar="NAME", help=f"environment variable that holds the {key} key")


def _server(text: str) -> str:
    if not _SERVER.fullmatch(text):
        raise argparse.ArgumentTypeError(f"'{text}' is no server: write it as 1 or 1/17")
    return text


def _title(text: str) -> str:
    if not _TITLE.fullmatch(text):
        raise argparse.ArgumentTypeError("a system title has 16 hexadecimal digits")
    return text


def asks_dlms(options: argparse.Namespace, *, passwords: bool = True) -> bool:
    """Tell whether the meter is to be asked in DLMS. ``passwords``: they are of use without it as well.

    Raises ConfigurationError for options that have no effect.
    """
    values = _values(options)
    if is_dlms(values):
        return True
    unused = [name for name in (*OF_DLMS, *(() if passwords else _PASSWORDS)) if name in values]
    if unused:
        raise ConfigurationError("has no effect without DLMS", where=_option(unused[0]), hint="give --mode E")
    return False


def listens_dlms(options: argparse.Namespace) -> bool:
    """Tell whether the meter sends DLMS unasked."""
    return is_pushed_dlms(_values(options))


def keys_of(options: argparse.Namespace) -> PushKeys | None:
    """Return the keys of a command without a port. Raises ConfigurationError for what does not fit together."""
    from obisgw.reader.dlms_push import push_keys  # noqa: PLC0415 - heavy

    options = argparse.Namespace(**vars(options), mode="D", transport="hdlc", port=options.file)
    meter = dlms_meter(options)
    return push_keys(meter.encryption_key, meter.authentication_key)


def _values(options: argparse.Namespace) -> dict[str, Any]:
    values = {name: value for name in _OPTIONS if (value := getattr(options, name, None)) is not None}
    values |= {name: kind(values[name]) for name, kind in _KINDS.items() if name in values}
    return values | {"mode": MeterMode(options.mode), "port": options.port}


def dlms_meter(options: argparse.Namespace) -> MeterSettings:
    """Return the meter as a configuration would have it. Raises ConfigurationError for what does not fit together."""
    from obisgw.config.table import MeterSettings  # noqa: PLC0415 - it brings the configuration's library along

    values = _values(options)
    lines = dict.fromkeys(values, 0)
    problems = list(dlms_problems(values, lines))
    for name in ("password_file", "encryption_key_file", "authentication_key_file"):
        if name in values and not values[name].is_file():
            raise ConfigurationError(f"there is no file {values[name]}", where=_option(name))
    secrets: dict[str, Any] = {}
    secrets["password"], found = password_of(values, lines, os.environ)
    problems += found
    for key in ("encryption_key", "authentication_key"):
        secrets[key], found = key_of(key, values, lines, os.environ)
        problems += found
    for name in ("password_env", "encryption_key_env", "authentication_key_env"):
        if name in values and values[name] not in os.environ:
            raise ConfigurationError(
                "the environment has no such variable", where=_option(name), hint="export it before the command"
            )
    for problem in problems:
        if not problem.warning:
            text = re.sub(r"'([a-z_]+)'", lambda name: _option(name[1]), problem.problem)
            hint = re.sub(r"'([a-z_]+)(: ([a-z0-9-]+))?'", lambda name: _option(name[1]), problem.hint or "")
            raise ConfigurationError(text, where=options.port, hint=hint or None)
    given = {name: values[name] for name in _OPTIONS if name in values}
    return MeterSettings(entry=options.port, line=0, port=options.port, mode=values["mode"], **secrets, **given)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def dlms_reader(reader: MeterReader, options: argparse.Namespace) -> DlmsReader:
    """Return what asks the meter in DLMS."""
    # Whoever reads without DLMS needs none of it.
    from obisgw.reader.dlms_reader import DlmsReader  # noqa: PLC0415
    from obisgw.service.dlms_edge import DlmsKept, dlms_settings_of  # noqa: PLC0415
    from obisgw.service.folder import state_folder  # noqa: PLC0415

    kept = DlmsKept.of(state_folder(None, os.environ))
    settings = dlms_settings_of(dlms_meter(options))
    return DlmsReader(reader, settings, kept.counters, kept.objects, again=bool(options.password_again))
