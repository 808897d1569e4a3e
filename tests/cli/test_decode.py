"""`decode` and what it prints of a captured telegram."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from obisgw.cli import main
from obisgw.iec62056_21.block_check import xor_check
from obisgw.iec62056_21.characters import add_parity
from obisgw.iec62056_21.recording import HEADER

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = b"0.0.0(00012345)\r\n1.8.0(0012345.678*kWh)\r\n32.7(230*V)(x[bold])\r\nnonsense\r\n!\r\n"
CHECKED = BLOCK + b"\x03"
TELEGRAM = b"/ISk5MT174-0001\r\n\x02" + CHECKED + bytes([xor_check(CHECKED)])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with the telegram."""
    path = tmp_path / "telegram"
    path.write_bytes(TELEGRAM)
    return path


def decoded(path: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> tuple[int, dict[str, Any], str]:
    """Return status, document and what was said of this content."""
    path.write_bytes(content)
    status = main(["decode", str(path), "--json"])
    said = capsys.readouterr()
    return status, json.loads(said.out), said.err


def test_the_document_has_the_digits_of_the_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One object with identification, checks and registers."""
    status, document, said = decoded(file, capsys, TELEGRAM)
    assert (status, said) == (0, "")
    assert document["identification"]["raw"] == "/ISk5MT174-0001"
    assert document["checks"]["bcc"] == "ok"
    register = document["registers"][1]
    assert (register["obis"], register["value"], register["unit"]) == ("1-0:1.8.0*255", "0012345.678", "kWh")
    assert document["unparsed"] == [{"raw": "nonsense", "reason": document["unparsed"][0]["reason"]}]


@pytest.mark.parametrize(
    "content",
    [TELEGRAM, add_parity(TELEGRAM), TELEGRAM.hex().encode(), TELEGRAM.hex(" ", 1).upper().encode()],
    ids=["bytes", "with parity", "hex", "spaced hex"],
)
def test_bytes_and_hexadecimal_text_say_the_same(
    content: bytes, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """However the capture was kept."""
    expected = decoded(file, capsys, TELEGRAM)[1]["registers"]
    assert decoded(file, capsys, content)[1]["registers"] == expected


def test_a_wrong_block_check_proves_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 1, the reason, and the registers only as unproved."""
    status, document, said = decoded(file, capsys, TELEGRAM.replace(b"0012345.678", b"0012345.679"))
    assert status == 1
    assert document["checks"]["bcc"] == "bad"
    assert document["registers"] == []
    assert document["unproved"][1]["value"] == "0012345.679"
    assert said.startswith(f"obis-gateway: {file}: no value is proved: the block check is wrong")


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff" * 300])
def test_what_is_no_telegram_is_said(content: bytes, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 1, and still one object."""
    status, document, said = decoded(file, capsys, content)
    assert (status, document["registers"]) == (1, [])
    assert "there is no telegram in this capture" in said


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01\x76\x02(\x03)" + bytes(range(256)), "SML"),
        (b"\x7e\xa0\x07\x03\x21\x93\x0f\x01\x7e\x02\x03\x03", "HDLC"),
        (b"\x68\x04\x04\x68\x08\x01\x72\x00\x7b\x16", "M-Bus"),
    ],
)
def test_another_protocol_is_named(content: bytes, name: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 1, nothing proved, even where its bytes hold a frame by chance."""
    for form in (content, content.hex(" ").encode()):
        status, document, said = decoded(file, capsys, form)
        assert (status, document["registers"]) == (1, [])
        assert name in said


def test_a_sign_on_without_data_is_said(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The meter is there; what is missing is its answer."""
    status, document, said = decoded(file, capsys, b"/?!\r\n/LGZ5\\2ZMD4104407.B31\r\n\x06252\r\n\x06252\r\n")
    assert (status, document["mode"], document["registers"]) == (1, None, [])
    assert document["identification"]["manufacturer"] == "LGZ"
    assert "the meter names itself /LGZ5\\2ZMD4104407.B31, and no telegram follows" in said


@pytest.mark.parametrize("sent", [b"/?!\r\n", add_parity(b"/?!\r\n\x01B0\x03q" + bytes(65) + b"/?00000201!\r\n")])
def test_a_capture_of_requests_alone_is_said(sent: bytes, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody shall look for a telegram where the meter was silent."""
    status, _, said = decoded(file, capsys, sent)
    assert status == 1
    assert "there are only requests in this capture (the meter did not answer" in said


def test_hdlc_behind_a_sign_on_of_mode_e_is_named(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The meter was asked to go over to it."""
    sign_on = b"/?!\r\n/LGZ5\\2ZMD4104407.B31\r\n\x06252\r\n\x06252\r\n"
    status, document, said = decoded(file, capsys, sign_on + b"\x7e\xa0\x07\x03\x21\x93\x0f\x01\x7e")
    assert (status, document["identification"]["raw"], document["unparsed"]) == (1, "/LGZ5\\2ZMD4104407.B31", [])
    assert "HDLC" in said


JUNK = {
    "any bytes": lambda: Random(1).randbytes(SIZE),
    "hexadecimal text of any bytes": lambda: Random(1).randbytes(SIZE // 2).hex().encode(),
    "data sets without end": lambda: b"1.8.0(1)\r\n" * (SIZE // 10),
    "brackets without end": lambda: b"1(1)" * (SIZE // 4),
    "end marks": lambda: b"1(1)\r\n!" * (SIZE // 7),
    "empty frames": lambda: b"\x02\x03" * (SIZE // 2),
    "partial blocks": lambda: b"\x021.8.0(1)\r\n\x04A" * (SIZE // 13),
    "identifications": lambda: b"".join(b"/ABC5%06d\r\n" % number for number in range(SIZE // 13)),
    "slashes": lambda: b"/" * SIZE,
    "telegrams of one value": lambda: b"/ABC X\r\n\r\n1(1)\r\n!\r\n" * (SIZE // 20),
    "telegrams of ten thousand values": lambda: (
        (b"/ABC X\r\n\r\n" + b"1(1)\r\n" * 10_000 + b"!\r\n") * (SIZE // 60_015)
    ),
    "the same telegram": lambda: TELEGRAM * (SIZE // len(TELEGRAM)),
    "hexadecimal text with commas": lambda: b"0x2f, " * (SIZE // 6),
    "offsets of a dump": lambda: b"0000\n" * (SIZE // 5),
    "a recording byte by byte": lambda: f"{HEADER}\n".encode() + b"0.000000 rx 2f\n" * (SIZE // 15),
}
SIZE = 10_000_000
BOUNDED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
from obisgw.cli import main
status = main(["decode", "--json", sys.argv[1]])
for line in open("/proc/self/status"):
    if line.startswith("VmHWM:"):
        print(line.split()[1], file=sys.stderr)
sys.exit(status)
"""


@pytest.mark.slow
@pytest.mark.parametrize("junk", JUNK, ids=str)
def test_ten_megabytes_take_neither_long_nor_much_memory(junk: str, file: Path) -> None:
    """Whatever they are: some seconds of processor time, less than 100 MB."""
    file.write_bytes(JUNK[junk]())
    done = subprocess.run([sys.executable, "-c", BOUNDED, str(file)], capture_output=True, check=False)
    *_, resident = done.stderr.split()
    assert done.returncode in {0, 1}
    assert json.loads(done.stdout)
    assert int(resident) < 100_000


def test_what_is_left_out_of_a_large_capture_is_said(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """How much, and that the newest is shown; people get the first lines only."""
    last = b"1(7)\r\n" * 300
    status, document, said = decoded(file, capsys, b"/ABC5X\r\n\r\n1.8.0(1)\r\n!0000\r\n" * 300 + last)
    assert (status, document["registers"]) == (1, [])
    assert [one["value"] for one in document["unproved"]][-300:] == ["7"] * 300
    assert "older messages are left out, the newest are shown" in said
    main(["decode", str(file)])
    assert "more like this (--json has all)" in capsys.readouterr().err


def test_where_the_search_ended_is_said(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A telegram behind a hundred thousand messages is not found, and nobody shall think that it was not there."""
    content = b"\x02\x03A" * 100_000
    status, _, said = decoded(file, capsys, content + TELEGRAM)
    assert status == 1
    assert f"only the first 300000 of {len(content + TELEGRAM)} bytes were looked at" in said


def test_the_table_is_plain_where_no_terminal_is(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Data on standard output, everything about them on standard error."""
    assert main(["decode", str(file)]) == 0
    said = capsys.readouterr()
    cells = [cell.strip() for cell in said.out.splitlines()[1].split("  ") if cell]
    assert cells == ["1-0:1.8.0*255", "Energy import", "0012345.678", "kWh"]
    assert said.err.splitlines()[0] == "ISK MT174-0001: electricity, mode C, block check right"
    assert "not understood: 'nonsense'" in said.err


def test_the_table_on_a_terminal_shows_brackets_as_they_are(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meters' text is no markup."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert main(["decode", str(file)]) == 0
    assert "x[bold]" in capsys.readouterr().out


def test_explain_shows_each_data_set_and_what_becomes_of_it(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Raw, parsed, published."""
    assert main(["decode", str(file), "--explain"]) == 0
    shown = capsys.readouterr().out
    assert "  | <STX>0.0.0(00012345)" in shown
    assert "block check ok (xor), 0 parity errors: all values are proved" in shown
    assert "1.8.0(0012345.678*kWh)\n  code       1-0:1.8.0*255\n  means      Energy import\n" in shown
    assert "  published  active_energy_import = 12345.678 [kWh, energy, total_increasing]" in shown
    assert "not understood: nonsense" in shown


def test_control_characters_do_not_reach_the_terminal(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A meter, or noise, must not command the terminal."""
    file.write_bytes(TELEGRAM.replace(b"x[bold]", b"\x1b[31m\x07"))
    main(["decode", str(file)])
    main(["decode", str(file), "--explain"])
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    assert "\x07" not in said.out + said.err


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Also without naming it."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TELEGRAM)))
    assert main(["decode", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mode"] == "C"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["decode", "/nonexistent"], "the file cannot be read: No such file or directory"),
        (["decode", "-", "--dialect", "nobody"], "nobody"),
        (["decode", "-", "--dialects", "/nonexistent"], "the dialects cannot be read"),
    ],
)
def test_what_cannot_be_opened_is_usage(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2."""
    assert main(words) == 2
    assert said in capsys.readouterr().err


def test_a_terminal_of_an_old_locale_is_no_trouble(file: Path) -> None:
    """What it cannot show is shown in another way."""
    file.write_bytes(b"/ISk5MT174-0001\r\n7-0:3.0.0(00012.345*m3)\r\n!\r\n")
    done = subprocess.run(
        [sys.executable, "-m", "obisgw", "decode", str(file), "--explain"],
        capture_output=True,
        env={"PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert b"\\xb3" in done.stdout


def test_a_reader_that_has_seen_enough_is_no_trouble(file: Path) -> None:
    """`obis-gateway decode … | head -1`."""
    program = f"{sys.executable} -m obisgw decode {file} --explain | head -c 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", program], capture_output=True, check=False)
    assert done.stderr == b""
