"""`obis-gateway history`."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from obisgw.cli import main
from obisgw.store.database import Database
from obisgw.store.quality import Quality
from obisgw.store.quarters import Mark
from obisgw.store.rows import Batch, PointRow, RegisterKey

if TYPE_CHECKING:
    from pathlib import Path

IMPORT = RegisterKey("isk_1", "1_0_1_8_0_255", "kWh")
NOON = 1_795_348_800
"""2026-11-22 12:00 UTC."""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a configuration whose store holds two hours."""
    monkeypatch.setenv("TZ", "UTC")
    database = Database(tmp_path / "store.db")
    rows = [PointRow(IMPORT, NOON + 900 * n, Decimal(f"10.{n:03}"), Quality.MEASURED) for n in range(9)]
    database.write(Batch(points=rows, latest={IMPORT: Mark(NOON + 7200.0, Decimal("10.008"))}), "boot")
    database.close()
    file = tmp_path / "obis-gateway.yaml"
    file.write_text(f"meters:\n- port: /dev/ttyS9\ngateway:\n  state_dir: {tmp_path}\n")
    return str(file)


SPAN = ("--since", "2026-11-22T12:00+00:00", "--until", "2026-11-22T14:00+00:00")


def test_the_table_shows_values_and_rises(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line a boundary."""
    assert main(["history", "--config", config, *SPAN]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "isk_1 1-0:1.8.0*255 kWh"
    assert [line.split()[-3:] for line in lines[2:]] == [
        ["10.004", "+0.004", "measured"],
        ["10.008", "+0.004", "measured"],
    ]


def test_other_programs_get_csv_and_json(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Digits as text, times in UTC."""
    assert (
        main(
            [
                "history",
                "isk_1",
                "--config",
                config,
                "--register",
                "1.8.0",
                "--step",
                "quarter",
                "--format",
                "csv",
                *SPAN,
            ]
        )
        == 0
    )
    rows = capsys.readouterr().out.splitlines()
    assert rows[0] == "time,meter,register,unit,value,quality"
    assert rows[1] == "2026-11-22T12:00:00+00:00,isk_1,1-0:1.8.0*255,kWh,10.000,measured"
    assert len(rows) == 10
    assert main(["history", "--config", config, "--format", "json", *SPAN]) == 0
    [counter] = json.loads(capsys.readouterr().out)
    assert counter["points"][-1] == {"at": "2026-11-22T14:00:00+00:00", "value": "10.008", "quality": "measured"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--since", "soon"), "'soon' is no time"),
        (("--since", "2026-11-23", "--until", "2026-11-22"), "lies behind"),
        (("--since", "1800-01-01"), "too long a time"),
        (("--since", "1990-01-01"), "too long a time"),
        (("isk_2",), "there is no meter isk_2"),
        (("--register", "2.8.0"), "no history of 2.8.0"),
    ],
)
def test_what_cannot_be_shown_is_said(
    config: str, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Usage, with what there is instead."""
    assert main(["history", *words, "--config", config]) == 2
    assert said in capsys.readouterr().err


def test_before_the_first_reading_there_is_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And it is said where it would be."""
    file = tmp_path / "obis-gateway.yaml"
    file.write_text(f"meters:\n- port: /dev/ttyS9\ngateway:\n  state_dir: {tmp_path / 'empty'}\n")
    assert main(["history", "--config", str(file)]) == 2
    assert "there is no history yet" in capsys.readouterr().err
