"""The architecture's one way, kept by import-linter's contracts in pyproject.toml."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CONTRACT = """\
[importlinter]
root_package = planted
include_external_packages = true

[importlinter:contract:layers]
name = layers
type = layers
layers =
    planted.cli
    planted.obis

[importlinter:contract:core]
name = core
type = forbidden
source_modules = planted.obis
forbidden_modules = asyncio
"""


def lint_imports(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the contracts of `folder` in a process of its own."""
    code = (
        "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache", *options], cwd=folder, capture_output=True, text=True, check=False
    )


def test_imports_go_one_way_and_the_core_does_no_io(root: Path) -> None:
    """Every contract of pyproject.toml holds."""
    result = lint_imports(root)
    assert result.returncode == 0, result.stdout + result.stderr


def test_an_upward_and_an_indirect_io_import_are_caught(tmp_path: Path) -> None:
    """The same kinds of contract fail on planted imports, so that passing means something."""
    package = tmp_path / "planted"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "cli.py").write_text("import asyncio\n")
    (package / "obis.py").write_text("import planted.cli\n")
    (tmp_path / ".importlinter").write_text(CONTRACT)
    result = lint_imports(tmp_path)
    assert result.returncode == 1
    assert "Contracts: 0 kept, 2 broken" in result.stdout, result.stdout + result.stderr


def test_only_the_command_write_can_change_a_meter(root: Path) -> None:
    """Whoever can make a permission is found by its name, and no module but one can even import it."""
    package = root / "gateway" / "obisgw"
    naming = {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if re.search(
            r"\bWritePermission\b|\bWriting(?:Session|Conversation)\b|\b(?:iec62056_21|dlms)\.writing\b|\bfrom \.writing\b",
            file.read_text(),
        )
    }
    assert naming == {"permission.py", "dlms/writing.py", "iec62056_21/writing.py", "cli/write.py"}


@pytest.mark.parametrize("module", ["service/port.py", "mqtt/publisher.py", "web/routes.py", "reader/reader.py"])
@pytest.mark.parametrize("writing", ["iec62056_21", "dlms"])
def test_an_import_of_what_writes_is_caught(root: Path, tmp_path: Path, module: str, writing: str) -> None:
    """The contract of pyproject.toml fails on the real package with one planted line."""
    shutil.copytree(root / "gateway" / "obisgw", tmp_path / "obisgw", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", tmp_path)
    with (tmp_path / "obisgw" / module).open("a") as file:
        file.write(f"\nimport obisgw.{writing}.writing\n")
    result = lint_imports(tmp_path)
    assert result.returncode == 1
    assert "only the command `write` can change a meter BROKEN" in result.stdout
