"""Profiles are data; any captured telegram is one more."""

from __future__ import annotations

from pathlib import Path

import pytest

from obisgw.errors import ConfigurationError
from obisgw.iec62056_21.characters import CharacterFormat, add_parity, strip_parity
from obisgw.iec62056_21.identification import Mode
from obisgw.iec62056_21.recording import HEADER, Chunk, Direction, format_chunk
from obisgw.simulator.household import Household
from obisgw.simulator.profile import load_profile, profile_names, replay_profile
from obisgw.simulator.serve import Simulator, SimulatorOptions
from tests.simulator.hand_clock import HandClock

HOUSE = Household(seed=1)
CAPTURE = b"/ISk5MT174-0001\r\n\x02F.F(00)\r\n1.8.0(000001.5*kWh)\r\n!\r\n\x03\x11"


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_shows_its_household(name: str) -> None:
    """At its start and a day later; seven-bit text that ends with an exclamation mark."""
    profile = load_profile(name)
    early, late = (profile.data(HOUSE)(at) for at in (0.0, 86400.0))
    assert profile.description
    assert early.isascii()
    assert early.rstrip().endswith(b"!")
    assert late != early


def test_an_unknown_profile_names_its_neighbour() -> None:
    """As every unknown word of ours does."""
    with pytest.raises(ConfigurationError, match="did you mean iskra-mt174"):
        load_profile("iskra-mt147")


@pytest.mark.parametrize(
    "capture", [CAPTURE, add_parity(CAPTURE), b"/?!\r\n" + CAPTURE, b"\x7f\x7f" + CAPTURE + b"\x7f"]
)
def test_a_captured_readout_is_sent_again_byte_by_byte(tmp_path: Path, capture: bytes) -> None:
    """Its own block check, right or wrong, included."""
    file = tmp_path / "capture.bin"
    file.write_bytes(capture)
    profile = replay_profile(file)
    assert profile.settings.effective_mode is Mode.C
    clock = HandClock(Simulator(SimulatorOptions(telegram=file)).wire())
    clock.write(add_parity(b"/?!\r\n"))
    heard = clock.listen(60)
    assert strip_parity(heard)[0].startswith(CAPTURE)
    assert strip_parity(heard)[1] == 0


def test_a_recording_is_sent_again_without_what_the_reader_sent(tmp_path: Path) -> None:
    """The acknowledgement and the break in it are not the meter's."""
    at = CAPTURE.index(b"\n") + 1
    chunks = [
        Chunk(0.0, Direction.SENT, b"/?!\r\n"),
        Chunk(0.4, Direction.RECEIVED, CAPTURE[:at]),
        Chunk(1.0, Direction.SENT, b"\x06050\r\n"),
        Chunk(1.5, Direction.RECEIVED, CAPTURE[at:]),
        Chunk(2.5, Direction.SENT, b"\x01B0\x03q"),
    ]
    recorded, saved = tmp_path / "recording", tmp_path / "bytes"
    recorded.write_text("\n".join((HEADER, *map(format_chunk, chunks))) + "\n")
    saved.write_bytes(CAPTURE)
    assert replay_profile(recorded).block == replay_profile(saved).block
    assert replay_profile(recorded).settings == replay_profile(saved).settings


def test_a_captured_push_is_pushed(tmp_path: Path) -> None:
    """At 9600 Bd, a P1 telegram at 115200 Bd without parity."""
    file = tmp_path / "push.txt"
    file.write_bytes(b"/ESY5Q3D\r\n\r\n1-0:1.8.0*255(1.5*kWh)\r\n!\r\n")
    assert replay_profile(file).settings.effective_mode is Mode.D
    assert replay_profile(file).settings.start_baudrate == 9600
    file.write_bytes(b"/ISK5\\2M\r\n\r\n1-0:1.8.1(1.5*kWh)\r\n!4F1B\r\n")
    assert replay_profile(file).settings.start_baudrate == 115200
    assert replay_profile(file).settings.format is CharacterFormat.HARDWARE


@pytest.mark.parametrize("content", [b"", b"1.8.0(1)\r\n", None])
def test_what_is_no_telegram_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """The file is named, and what was expected."""
    file = tmp_path / "nothing"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="nothing") as refusal:
        replay_profile(file)
    assert refusal.value.hint


def test_household_time_may_run_faster() -> None:
    """An hour a second: the counter of the second readout is hours ahead."""
    simulator = Simulator(SimulatorOptions(speed=3600))
    assert simulator.household_time(10.0) == 36_000
