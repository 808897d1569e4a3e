"""The telegrams of real meters in ``tests/telegrams``, and what a correct reader gives of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "telegrams"


@dataclass(frozen=True)
class Case:
    """One telegram: its bytes and its description (see the README beside them)."""

    name: str
    raw: bytes
    about: dict[str, Any]

    @property
    def expect(self) -> list[dict[str, Any]]:
        """The data sets in their order."""
        sets: list[dict[str, Any]] = self.about["expect"]
        return sets

    @property
    def refused(self) -> bool:
        """Whether no reading may come out."""
        return self.about["check"].get("valid") is False or bool(self.about.get("expect_error"))

    @property
    def checked(self) -> bool:
        """Whether a block check or CRC proves the telegram."""
        return bool(self.about["check"]["type"] != "none")

    @property
    def profile(self) -> bool:
        """Whether rows without addresses follow a header."""
        return "profile" in self.about["kind"]

    def __str__(self) -> str:
        return self.name


def brackets(entry: dict[str, Any]) -> list[tuple[str, str | None]]:
    """The brackets that an entry of ``expect`` names."""
    several = entry.get("brackets") or [entry]
    return [(one["value"], one["unit"]) for one in several]


def _load() -> list[Case]:
    cases = []
    for description in sorted(FOLDER.glob("*.json")):
        raw = description.with_suffix(".txt").read_bytes()
        cases.append(Case(description.stem, raw, json.loads(description.read_text("utf-8"))))
    return cases


ALL = _load()
SIGN_ONS = [case for case in ALL if case.name in {"identifications", "lgz_zmd4104407_mode_e_signon"}]
TELEGRAMS = [case for case in ALL if case not in SIGN_ONS]
IDENTIFICATIONS = next(case for case in ALL if case.name == "identifications")
