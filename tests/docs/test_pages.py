"""Links lead somewhere, named files are there, and tables that must be whole are whole."""

from __future__ import annotations

import errno
import json
import re
import socket
import ssl
from pathlib import Path

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from obisgw.config.table import MqttSettings
from obisgw.errors import ObisGatewayError
from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.events import Failure
from obisgw.iec62056_21.identification import parse_identification
from obisgw.iec62056_21.push import PushSession
from obisgw.iec62056_21.settings import SessionSettings
from obisgw.line.trouble import in_use, lost, open_trouble
from obisgw.mqtt.refusals import disconnected, refused, unreachable
from obisgw.reader.explain import Attempt, explain, explain_silence
from obisgw.reader.programming import not_possible, refused_before, refused_now

from .pages import PAGES, ROOT, anchors, links, name_of, prose, spans

LINKS = [
    pytest.param(page, target, id=f"{name_of(page)}: {target}")
    for page in PAGES
    for target in links(page)
    if "://" not in target and not target.startswith("mailto:")
]
PATHS = [
    pytest.param(span, id=f"{name_of(page)}: {span}")
    for page in PAGES
    for span in spans(page)
    if re.fullmatch(r"(?:docs|gateway|script|tests)/[\w./-]+", span)
]
TROUBLESHOOTING = ROOT / "docs/guides/troubleshooting.md"
PORT = "/dev/serial/by-id/head"
_METER = parse_identification(b"/XYZ5M100")
_LISTENED = PushSession(SessionSettings(), 9600, Dialects.load())
_LISTENED.receive(b"\xce11", 0.0)
_WORD_OF = {code: ReasonCode(PacketTypes.CONNACK, code) for code in ("Not authorized", "Unsupported protocol version")}


@pytest.mark.parametrize(("page", "target"), LINKS)
def test_a_link_leads_to_a_page_and_a_heading(page: Path, target: str) -> None:
    """Relative links only; those with # to a heading that is there."""
    name, _, anchor = target.partition("#")
    to = (page.parent / name).resolve() if name else page
    assert to.exists()
    if anchor:
        assert anchor in anchors(to)


@pytest.mark.parametrize("path", PATHS)
def test_a_file_that_is_named_exists(path: str) -> None:
    """Pages go stale first where they name files."""
    assert (ROOT / path).exists()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_names_no_place_of_one_machine(page: Path) -> None:
    """What works only where it was written does not belong into a page."""
    assert re.search(r"/work/|/root/|/tmp/|/home/\w", page.read_text("utf-8")) is None


def attempt(failure: Failure) -> Attempt:
    known = None if failure in {Failure.SILENCE, Failure.ECHO_ONLY, Failure.GARBAGE} else _METER
    return Attempt(failure, "what was seen", b"", known, 0)


def os_error(number: int) -> OSError:
    return OSError(number, "what the system says")


def untrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError("certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


def handshake_failed() -> ssl.SSLError:
    error = ssl.SSLError(1, "handshake failure")
    error.reason = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
    return error


MESSAGES: list[ObisGatewayError] = [
    *(explain([attempt(failure)], PORT) for failure in Failure),
    refused_before("House", None),
    refused_now("House", "what it said", Dialects.load().named("energomera")),
    *(
        not_possible("House", attempt(failure), Dialects.load().match(None))
        for failure in (Failure.PASSWORD, Failure.UNKNOWN_ALGORITHM, Failure.NO_PROGRAMMING)
    ),
    explain_silence(None, 0, 60.0, PORT),
    explain_silence(_LISTENED, 0, 60.0, PORT),
    explain([Attempt(Failure.GARBAGE, "", b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01", None, 0)], PORT),
    *(open_trouble("/dev/null", os_error(number)) for number in (errno.ENOENT, errno.EIO, errno.ENOTTY, errno.EACCES)),
    open_trouble("/dev/null", os_error(errno.EPROTO)),
    open_trouble("socket://meters:2001", TimeoutError()),
    lost(PORT, None),
    in_use(PORT, []),
    in_use(PORT, [(42, "vzlogger")]),
    *(refused(reason, "broker") for reason in _WORD_OF.values()),
    *(
        unreachable(error, MqttSettings(tls=True), "broker")
        for error in (
            untrusted(),
            handshake_failed(),
            socket.gaierror(),
            ConnectionRefusedError(),
            ConnectionResetError(),
            TimeoutError(),
        )
    ),
    disconnected(ReasonCode(PacketTypes.DISCONNECT, "Session taken over"), "broker"),
    disconnected(ReasonCode(PacketTypes.DISCONNECT, "Keep alive timeout"), "broker"),
]


@pytest.mark.parametrize("error", MESSAGES, ids=lambda error: error.problem)
def test_troubleshooting_knows_the_message(error: ObisGatewayError) -> None:
    """Whoever searches the page for what the program printed finds a row of its table."""
    rows = re.findall(r"^\| `([^`]+)` \|", prose(TROUBLESHOOTING), re.MULTILINE)
    patterns = [".*".join(re.escape(part) for part in row.split("…")) for row in rows]
    assert [pattern for pattern in patterns if re.fullmatch(pattern, error.problem)] != []


def test_every_failure_is_in_the_protocol_page() -> None:
    """The table of failures is whole and has no others."""
    rows = re.findall(r"^\| `([A-Z_]+)` \|", prose(ROOT / "docs/protocol.md"), re.MULTILINE)
    assert rows == [failure.name for failure in Failure]


def test_every_meter_of_the_corpus_is_in_the_readme() -> None:
    """The table of meters says what the tests read: the first part of each model's type number stands in it."""
    table = prose(ROOT / "README.md")
    abouts = [json.loads(file.read_text("utf-8")) for file in sorted((ROOT / "tests/telegrams").glob("*.json"))]
    models = {about["model"] for about in abouts if about.get("model") and not about.get("constructed")}
    numbers = {numbers[0] for model in models if (numbers := re.findall(r"[A-Za-z]*[0-9]\w*", model))}
    assert {"MT174", "UH50"} <= numbers
    assert {number for number in numbers if number not in table} == set()
