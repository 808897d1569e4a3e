"""Write every generated file, or with --check say which differ from what the code gives.

Each module beside this one is a generator: its `documents()` returns the text of each file
by its path from the root of the checkout.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GENERATORS = Path(__file__).resolve().parent


def documents() -> dict[Path, str]:
    """Return the text of each generated file by its path."""
    found: dict[Path, str] = {}
    for module in pkgutil.iter_modules([str(GENERATORS)]):
        if module.name != "__main__":
            generator = importlib.import_module(module.name)
            found |= {ROOT / path: text for path, text in generator.documents().items()}
    return found


def main() -> int:
    """Return 0 when all files are, or with --check were, as the code gives them; else 1."""
    parser = argparse.ArgumentParser(prog="script/generate", description="Write the files that are made from the code.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is out of date")
    check = parser.parse_args().check
    stale = {
        path: text
        for path, text in sorted(documents().items())
        if not path.exists() or path.read_text(encoding="utf-8") != text
    }
    for path, text in stale.items():
        name = path.relative_to(ROOT)
        if check:
            print(f"{name} is out of date: run script/generate", file=sys.stderr)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {name}", file=sys.stderr)
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
