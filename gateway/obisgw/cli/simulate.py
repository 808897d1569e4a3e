"""`obis-gateway simulate`: be a meter, on a pseudo-terminal or TCP."""

from __future__ import annotations

import argparse
import asyncio
import signal
from dataclasses import replace
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from obisgw.config.values import Protection, SecurityLevel
from obisgw.dlms.meter import MeterSecurity
from obisgw.dlms.security import KEY_LENGTH, Level
from obisgw.errors import ConfigurationError
from obisgw.iec62056_21.identification import Mode
from obisgw.iec62056_21.meter_programming import CommandHeard, PasswordHeard, SessionEnded, Written
from obisgw.iec62056_21.meter_settings import (
    Acknowledged,
    Answered,
    BreakHeard,
    FellBack,
    Ignored,
    MeterEvent,
    RequestHeard,
    Woken,
)
from obisgw.reader.dlms_settings import DlmsSettings
from obisgw.secret import Secret
from obisgw.simulator.cosem_session import CosemOptions
from obisgw.simulator.faults import NAMES
from obisgw.simulator.profile import load_profile, profile_names
from obisgw.simulator.serve import SimulatorOptions, run_simulator

from .terminal import out, say
from .values import device_address, host_and_port, moment, number, whole
from .zones import zone_named

if TYPE_CHECKING:
    from obisgw.simulator.serve import Simulator

_DEFAULTS = SimulatorOptions()


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"profiles: {', '.join(profile_names())}\nfaults: {', '.join(NAMES)}"
    what = parser.add_argument_group("the meter")
    what.add_argument("--profile", default=_DEFAULTS.profile, metavar="NAME", help="which meter (%(default)s)")
    what.add_argument("--telegram", type=Path, metavar="FILE", help="send this captured telegram in its place")
    modes = [mode.value for mode in (Mode.A, Mode.B, Mode.C, Mode.D)]
    what.add_argument("--mode", type=str.upper, choices=modes, help="mode in place of the profile's")
    what.add_argument(
        "--address",
        type=device_address,
        action="append",
        default=[],
        metavar="TEXT",
        help="device address; each further one is one more meter on the same line",
    )
    what.add_argument(
        "--seed", type=whole(0, 2**31), default=_DEFAULTS.seed, metavar="N", help="which household (%(default)s)"
    )
    what.add_argument(
        "--speed",
        type=number(0.001, 1_000_000),
        default=1.0,
        metavar="X",
        help="its time goes so much faster (%(default)s)",
    )
    what.add_argument(
        "--start",
        type=moment_or_now,
        default=_DEFAULTS.start,
        metavar="TIME",
        help="its first moment, as 2026-03-02T07:00, or 'now' (%(default)s)",
    )
    what.add_argument(
        "--timezone", metavar="NAME", help="zone of its clock, as Europe/Berlin (the profile's, or no summer time)"
    )
    what.add_argument(
        "--solar", type=whole(0, 1_000_000), default=_DEFAULTS.solar, metavar="W", help="peak of its roof (%(default)s)"
    )
    what.add_argument(
        "--interval", type=number(0.01, 86_400), metavar="S", help="how often it sends in mode D, seconds"
    )
    what.add_argument(
        "--size", type=whole(1, 1_000_000), metavar="BYTES", help="fill its data up to about so many bytes"
    )
    line = parser.add_argument_group("the line")
    line.add_argument("--link", type=Path, metavar="PATH", help="symbolic link to the pseudo-terminal")
    line.add_argument("--listen", type=host_and_port, metavar="HOST:PORT", help="TCP in place of a pseudo-terminal")
    line.add_argument(
        "--port-baudrate", type=whole(50, 4_000_000), metavar="RATE", help="of TCP: the one rate of the serial server"
    )
    line.add_argument(
        "--echo", type=number(0, 1), metavar="SHARE", help="share of the reader's characters that come back, 0 to 1"
    )
    line.add_argument("--echo-delay", type=number(0, 60), default=0.0, metavar="S", help="and how much later, seconds")
    line.add_argument(
        "--reaction", type=number(0, 60), metavar="S", help="time before each of its messages, seconds (the profile's)"
    )
    line.add_argument("--half-duplex", action="store_true", help="the head does not hear while it sends")
    line.add_argument("--no-parity", dest="parity", action="store_false", help="plain characters without parity bit")
    line.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="FAULT",
        help="name, name=value, name=value@readouts; repeatable",
    )
    _add_dlms(parser)
    parser.add_argument("--quiet", action="store_true", help="say nothing of what happens on the line")


def _add_dlms(parser: argparse.ArgumentParser) -> None:
    dlms = parser.add_argument_group(
        "DLMS", "Any of these makes the meter speak DLMS, in mode E unless --transport is given."
    )
    dlms.add_argument("--transport", choices=["optical", "hdlc", "tcp"], help="tcp needs --listen")
    dlms.add_argument(
        "--security", choices=[one.value for one in SecurityLevel], help="what it asks of clients (lowest)"
    )
    dlms.add_argument("--protection", choices=[one.value for one in Protection], help="what it asks of messages")
    for name, what in (
        ("password", "the password or shared secret"),
        ("encryption-key", "the encryption key, 32 hexadecimal digits"),
        ("authentication-key", "the authentication key"),
    ):
        dlms.add_argument(f"--{name}-file", type=Path, metavar="FILE", help=f"file whose first line is {what}")
    dlms.add_argument("--frame", type=whole(32, 2030), metavar="OCTETS", help="longest information field (128)")
    dlms.add_argument("--window", type=whole(1, 7), metavar="N", help="frames in a row (1)")
    dlms.add_argument("--message", type=whole(64, 65535), metavar="OCTETS", help="longest message (1024)")
    dlms.add_argument("--counter", type=whole(0, 2**32 - 1), metavar="N", help="invocation counter that it expects (0)")
    dlms.add_argument("--no-confirmation", action="store_true", help="go over to HDLC without saying so")
    dlms.add_argument("--readout-instead", action="store_true", help="give the readout of mode C in place of HDLC")


def _cosem(options: argparse.Namespace) -> CosemOptions | None:
    """Return how the meter speaks DLMS, None where nothing is said of it."""
    profile = None if options.telegram else load_profile(options.profile).cosem
    given = (
        *(options.transport, options.security, options.protection, options.frame, options.window, options.message),
        *(options.password_file, options.encryption_key_file, options.counter),
    )
    said = any(one is not None for one in given) or options.no_confirmation or options.readout_instead
    if not said:
        return profile
    usual = profile or CosemOptions()
    meter = DlmsSettings(
        level=SecurityLevel(options.security or "lowest"),
        secret=_secret(options.password_file, "--password-file"),
        encryption_key=_secret(options.encryption_key_file, "--encryption-key-file"),
        authentication_key=_secret(options.authentication_key_file, "--authentication-key-file"),
        protection=Protection(options.protection or "none"),
    ).security(0)
    if meter.keys is None and (meter.control or meter.level is Level.GMAC):
        raise ConfigurationError("needs the keys", where="--protection", hint="give --encryption-key-file as well")
    return replace(
        usual,
        security=MeterSecurity(meter.level, meter.secret, meter.keys, meter.control),
        direct=options.transport in {"hdlc", "tcp"},
        frame=options.frame or usual.frame,
        window=options.window or usual.window,
        most=options.message or usual.most,
        confirms=not options.no_confirmation,
        ascii_only=options.readout_instead,
        least_counter=options.counter or 0,
    )


def _secret(file: Path | None, option: str) -> Secret | None:
    if file is None:
        return None
    try:
        text = file.read_text("utf-8").partition("\n")[0].strip()
        if "key" in option and len(bytes.fromhex(text)) != KEY_LENGTH:
            raise ConfigurationError("a key has 32 hexadecimal digits", where=f"{option} {file}")
    except OSError as error:
        raise ConfigurationError(f"cannot be read: {error.strerror}", where=f"{option} {file}") from error
    except ValueError as error:
        raise ConfigurationError("a key has 32 hexadecimal digits", where=f"{option} {file}") from error
    return Secret(text)


def moment_or_now(text: str) -> datetime | None:
    """Return the moment of local time that ISO 8601 writes as ``text``; None for ``now``."""
    if text == "now":
        return None
    if (start := moment(text)).tzinfo is not None:
        raise argparse.ArgumentTypeError(f"'{text}' has a zone: local time is wanted, as 2026-03-02T07:00")
    return start


def _first_moment(start: datetime | None, zone: tzinfo | None) -> tuple[datetime, float]:
    """Return the full hour at which the household begins, and how many seconds ago that is."""
    if start is not None:
        hour = start.replace(minute=0, second=0, microsecond=0)
        return hour, (start - hour).total_seconds()
    now = datetime.now(zone).replace(tzinfo=None)
    hour = now.replace(minute=0, second=0, microsecond=0)
    return hour, (now - hour).total_seconds()


def run(options: argparse.Namespace) -> int:
    """Simulate until interrupted."""
    _refuse_equal(options.address)
    zone = zone_named(options.timezone) if options.timezone else None
    start, ahead = _first_moment(
        options.start, zone or (None if options.telegram else load_profile(options.profile).zone)
    )
    wanted = SimulatorOptions(
        profile=options.profile,
        telegram=options.telegram,
        mode=Mode(options.mode) if options.mode else None,
        link=options.link,
        listen=options.listen,
        port_baudrate=options.port_baudrate,
        addresses=tuple(options.address) or _DEFAULTS.addresses,
        seed=options.seed,
        speed=options.speed,
        start=start,
        ahead=ahead,
        zone=zone,
        solar=options.solar,
        interval=options.interval,
        size=options.size,
        echo=options.echo,
        echo_delay=options.echo_delay,
        half_duplex=options.half_duplex,
        parity=options.parity,
        faults=tuple(options.fault),
        reaction=options.reaction,
        cosem=_cosem(options),
        wrapped=options.transport == "tcp",
    )
    asyncio.run(_simulate(wanted, quiet=options.quiet))
    return 0


def _refuse_equal(addresses: list[str]) -> None:
    # Leading zeros do not count, and a meter without address answers to every one.
    names = [address.lstrip("0") for address in addresses]
    if len(set(names)) < len(names) or (len(names) > 1 and "" in names):
        hint = "give each its own; '--fault second-meter' has two answer at once"
        raise ConfigurationError("two meters would answer to one request", where="--address", hint=hint)


async def _simulate(options: SimulatorOptions, *, quiet: bool) -> None:
    task = asyncio.current_task()
    if task is None:  # pragma: no cover - it is the loop's first
        raise RuntimeError("not within a task")
    loop = asyncio.get_running_loop()
    for end in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(end, task.cancel)
    begun = loop.time()

    def ready(simulator: Simulator) -> None:
        # The port is what another program reads from here, so it is data.
        out(simulator.port)
        if not quiet:
            say(f"{options.profile} at {simulator.port}; read it with: obis-gateway read {simulator.port}")

    def happened(place: int, event: MeterEvent) -> None:
        if not quiet:
            say(f"{loop.time() - begun:8.2f} s  meter {place + 1}: {_words(event)}")

    try:
        await run_simulator(options, ready, happened)
    except asyncio.CancelledError:
        return


def _words(event: MeterEvent) -> str:  # noqa: C901 - one branch an event
    match event:
        case Woken():
            return "woken up"
        case RequestHeard(request):
            return f"request /{request.command}{request.address}!"
        case Acknowledged(acknowledgement, baudrate):
            return f"acknowledgement {acknowledgement.encode()[1:4].decode('ascii')}: {baudrate} Bd"
        case FellBack():
            return "no acknowledgement: the data go at 300 Bd"
        case Answered(block, started, at):
            return f"{len(block)} bytes of data in {at - started:.2f} s"
        case BreakHeard():
            return "break"
        case PasswordHeard(accepted):
            return "the password is right" if accepted else "a wrong password"
        case CommandHeard(name, address, refused):
            return f"{name} {address}: {'refused' if refused else 'answered'}"
        case Written(address, value):
            return f"{address} is now {value}"
        case SessionEnded():
            return "the session is over: nothing was said for too long"
        case Ignored(raw, reason):
            return f"ignored {raw.hex(' ')}: {reason}"
