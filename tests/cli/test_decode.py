"""`decode` and what it prints of a captured telegram."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from obisgw.cli import main
from obisgw.iec62056_21.block_check import xor_check
from obisgw.iec62056_21.characters import add_parity

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
