"""`obis-gateway demo`: everything at once, without a meter, a broker or Home Assistant."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from obisgw.errors import MeterError, SinkError
from obisgw.simulator.profile import load_profile

from .demo_broker import HOST, DemoBroker, listens, start_broker
from .demo_client import DemoClient, Received, rows_of
from .show import show_table
from .terminal import out, say
from .values import host_and_port

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

BASE, GATEWAY = "obis_gateway_demo", "obis_gateway_demo"
DISCOVERY = "homeassistant"
PATIENCE = 60.0
EVERY = 5
START, SPEED = "2026-03-02T18:00", 60
"""An evening, when a household is busy; a minute of it each second."""
SHOWN = 4
_LEGEND = "state is what Home Assistant gets, digit by digit; 'disabled' entities wait until you enable them"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--once", action="store_true", help="end by itself after two readings")
    parser.add_argument(
        "--broker", type=host_and_port, metavar="HOST:PORT", help="use this broker (one at 1883, else own)"
    )
    parser.add_argument("--profile", default="household", metavar="NAME", help="the simulated meter (%(default)s)")
    parser.add_argument("--documents", action="store_true", help="print the discovery documents in full")


def run(options: argparse.Namespace) -> int:
    """Show it until interrupted, or for two readings."""
    load_profile(options.profile)  # One that is not there is said before anything is started.
    before = signal.signal(signal.SIGTERM, _interrupted)
    try:
        with tempfile.TemporaryDirectory(prefix="obis-gateway-demo-") as folder, ExitStack() as stack:
            _demo(options, Path(folder), stack)
    except KeyboardInterrupt:
        say("")
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def _demo(options: argparse.Namespace, folder: Path, stack: ExitStack) -> None:
    meter = folder / "meter"
    _title(f"1. A meter: the simulated '{options.profile}' on a pseudo-terminal, with the timing of a real line")
    household = ("--start", START, "--speed", str(SPEED))
    simulate = ("simulate", "--profile", str(options.profile), "--link", str(meter), *household, "--quiet")
    simulator = stack.enter_context(_program(*simulate))
    _until(meter.exists, simulator)
    out(f"   {meter}")
    broker, client = _broker_and_client(options, folder, stack)
    configuration = folder / "obis-gateway.yaml"
    configuration.write_text(
        f"port: {meter}\nevery: {EVERY}s\n"
        f"mqtt: {{host: '{broker.host}', port: {broker.port}, base_topic: {BASE}}}\n"
        "api: {enabled: false}\n"
        f"gateway: {{id: demo, name: OBIS Gateway demonstration, state_dir: {folder}/state, log_level: info}}\n",
        "utf-8",
    )
    _title("3. The service: obis-gateway run --config obis-gateway.yaml, with this configuration")
    for line in configuration.read_text("utf-8").splitlines():
        out(f"   {line}")
    _title("   its log")
    service = stack.enter_context(_program("run", "--config", str(configuration)))
    _watch(options, client, service, broker)


def _broker_and_client(options: argparse.Namespace, folder: Path, stack: ExitStack) -> tuple[DemoBroker, DemoClient]:
    host, port = options.broker or (HOST, 1883)
    found = None
    if options.broker or listens(host, port):
        try:
            found = DemoClient(host, port, BASE, DISCOVERY)
        except SinkError as error:
            if options.broker:
                raise
            out(f"   {error}")
    if found is not None:
        broker = DemoBroker(host, port, f"the one that runs at {host}:{port}; what is shown here is removed at the end")
        client = found
    else:
        broker = start_broker(folder)
        if broker.process is not None:
            stack.callback(_end, broker.process)
        client = DemoClient(broker.host, broker.port, BASE, DISCOVERY)
    stack.callback(client.close)
    if broker.process is None:
        stack.callback(client.clear)
    _title(f"2. A broker: {broker.words}")
    return broker, client


def _watch(
    options: argparse.Namespace, client: DemoClient, service: subprocess.Popen[bytes], broker: DemoBroker
) -> None:
    received = Received()
    readings, last, waited = 0, "", time.monotonic()
    while True:
        topic = client.take(received, 0.5)
        document = _meter_document(received)
        state = received.states.get(document["stat_t"], "") if document else ""
        if document and topic and state and state != last:
            readings, last, waited = readings + 1, state, time.monotonic()
            if readings == 1:
                _show_first(received, document, full=options.documents)
                _show_rows(document, received)
                _connect(broker)
            else:
                _title(f"   reading {readings}")
                _show_rows(document, received, enabled_only=True)
        if options.once and readings >= 2:
            out("\nTwo readings were taken and published. Without --once it goes on until Ctrl-C.")
            return
        if service.poll() is not None:
            raise SinkError("the service ended by itself", where="demo", hint="its log above says why")
        if time.monotonic() - waited > PATIENCE:
            raise MeterError(f"no reading came for {PATIENCE:.0f} s", where="demo", hint="the log above says why")


def _meter_document(received: Received) -> dict[str, Any] | None:
    for document in received.discovery.values():
        if document["dev"].get("via_device") == GATEWAY:
            return document
    return None


def _show_first(received: Received, document: dict[str, Any], *, full: bool) -> None:
    for topic, one in sorted(received.discovery.items()):
        _title(f"4. Discovery document at {topic} ({len(json.dumps(one))} bytes, {len(one['cmps'])} entities)")
        shown = dict(one)
        if not full and one is document:
            energy = [name for name, item in one["cmps"].items() if item.get("dev_cla") == "energy"]
            shown["cmps"] = {name: one["cmps"][name] for name in energy[:SHOWN]}
        elif not full:
            shown["cmps"] = dict(list(one["cmps"].items())[:1])
        out(json.dumps(shown, indent=2, ensure_ascii=False))
        if len(shown["cmps"]) < len(one["cmps"]):
            out(f"   … and {len(one['cmps']) - len(shown['cmps'])} more entities (--documents shows all)")
    _title("5. States")
    for topic, state in sorted(received.states.items()):
        short = state if full or len(state) < 300 else f"{state[:300]} … ({len(state)} bytes)"
        out(f"{topic} {short}")


def _show_rows(document: dict[str, Any], received: Received, *, enabled_only: bool = False) -> None:
    rows = [row for row in rows_of(document, received.states) if not enabled_only or "disabled" not in row[3]]
    _title(f"6. What Home Assistant makes of it: {document['dev'].get('name', 'a device')}")
    show_table(("entity", "state", "unit", "kind"), rows, right=(1,))
    out(f"   {_LEGEND}")


def _connect(broker: DemoBroker) -> None:
    own = broker.process is not None
    _title("7. With a real Home Assistant")
    out("   In Home Assistant: Settings, Devices & services, Add integration, MQTT; there name your broker.")
    if own:
        out("   It and the gateway must use the same broker; this demonstration's own can only be reached from here.")
        out("   Run 'obis-gateway demo --broker HOST:PORT' with Home Assistant's broker: the device appears by itself.")
    else:
        out(f"   If it uses the broker at {broker.host}:{broker.port}, the device is there already.")
    out(
        "   With an optical head: 'obis-gateway ports', then one line, 'port: /dev/serial/by-id/…', in obis-gateway.yaml,"
    )
    out("   then 'obis-gateway run'.")


def _title(text: str) -> None:
    out(f"\n{text}" if text[0].isdigit() else text)


@contextmanager
def _program(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command of this program; its log is seen, its data are not."""
    command = [sys.executable, "-m", "obisgw", *words]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(3.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _until(there: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while not there():
        if process.poll() is not None or time.monotonic() > end:
            raise MeterError("the simulated meter did not start", where="demo", hint="its message is above")
        time.sleep(0.05)
