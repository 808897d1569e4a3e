"""What is not enabled takes no memory: its libraries are not imported."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

PROGRAM = """
import asyncio, sys
from pathlib import Path
from obisgw.config.load import load
from obisgw.service.run import _Service, read_configuration
folder = Path(sys.argv[1])
settings, dialects, _ = read_configuration(folder / "f.yaml", {})
_Service(folder / "f.yaml", {}, settings, dialects, folder)
print(*sorted({name.partition(".")[0] for name in sys.modules} & {"aiohttp", "zeroconf", "paho", "ssl", "sqlite3", "http", "difflib"}))
print(*sorted(name for name in sys.modules if name.startswith(("obisgw.dlms", "cryptography"))))
"""


@pytest.mark.parametrize(
    ("text", "imported"),
    [
        ("api: {enabled: false}\nstore: {enabled: false}", {"paho", "ssl"}),
        ("api: {enabled: false}", {"paho", "ssl", "sqlite3"}),
        ("mqtt: {enabled: false}\nstore: {enabled: false}", {"aiohttp", "http", "ssl"}),
    ],
)
def test_only_what_is_enabled_is_imported(text: str, imported: set[str], tmp_path: Path) -> None:
    """MQTT without the API, and the API without MQTT; the announcement's library comes when it is announced.

    paho's own libraries for proxies are left out too, and what only a wrong configuration needs.
    """
    (tmp_path / "f.yaml").write_text(f"port: /dev/x\n{text}\n", "utf-8")
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    # Neither speaks DLMS.
    assert set(result.stdout.split()) <= imported, result.stdout


def test_keys_are_what_brings_the_library_for_them(tmp_path: Path) -> None:
    """A DLMS meter without keys does without it."""
    (tmp_path / "f.yaml").write_text("port: /dev/x\nmode: E\napi: {enabled: false}\n", "utf-8")
    made = PROGRAM.replace("_Service(", "service = _Service(") + "service._edges.edge_of(settings.meters[0])\n"
    made += "print('dlms' if 'obisgw.dlms.association' in sys.modules else '', 'cryptography' in sys.modules)\n"
    result = subprocess.run([sys.executable, "-c", made, str(tmp_path)], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "dlms False"
