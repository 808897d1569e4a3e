"""Fetch uv's program from the package index with nothing but the standard library.

For machines whose Python has neither pip nor ensurepip. The file must carry a hash that the lock names.
"""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import platform
import re
import ssl
import sys
import urllib.parse
import urllib.request
import zipfile
from io import BytesIO
from pathlib import Path

PIP_FILES = (Path("/etc/pip.conf"), Path.home() / ".pip/pip.conf", Path.home() / ".config/pip/pip.conf")


def configured_index() -> str:
    """Return the index that pip is told to use, or "" where it is told nothing."""
    index = os.environ.get("PIP_INDEX_URL", "")
    if index:
        return index
    for path in PIP_FILES:
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read(path)
        except (configparser.Error, OSError, UnicodeDecodeError) as error:
            print(f"{path} is not readable as pip's configuration: {error}", file=sys.stderr)
            continue
        index = parser.get("global", "index-url", fallback=index)
    return index


def fetch(url: str, accept: str = "*/*") -> bytes:
    """Return what stands at `url`."""
    if not url.startswith("https://") and not url.startswith("http://"):
        raise SystemExit(f"{url} is not an address that can be fetched")
    certificates = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE")
    context = ssl.create_default_context(cafile=certificates or None)
    request = urllib.request.Request(url, headers={"Accept": accept})  # noqa: S310 (checked above)
    with urllib.request.urlopen(request, timeout=60, context=context) as answer:  # noqa: S310
        body: bytes = answer.read()
    return body


def wheel_tag() -> re.Pattern[str]:
    """Return what the file name of this machine's wheel ends in."""
    machine = platform.machine()
    libc = "manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux"
    return re.compile(rf"-py3-none-[^-]*{libc}[^-]*_{re.escape(machine)}(\.[^-]*)?\.whl$")


def main() -> None:
    """Write `uv` into the folder named last, or print pip's index."""
    if sys.argv[1:] == ["--print-index"]:
        print(configured_index())
        return
    lock, folder = Path(sys.argv[1]).read_text(encoding="utf-8"), Path(sys.argv[2])
    block = re.search(r"^uv==(\S+).*\n((?:\s+--hash=.*\n?)+)", lock, re.MULTILINE)
    if block is None:
        raise SystemExit(f"{sys.argv[1]} names no version of uv")
    version, hashes = block[1], set(re.findall(r"sha256:([0-9a-f]{64})", block[2]))

    page = (configured_index() or "https://pypi.org/simple").rstrip("/") + "/uv/"
    listing = fetch(page, "application/vnd.pypi.simple.v1+json, text/html;q=0.1").decode()
    if listing.lstrip().startswith("{"):
        links = [str(file["url"]) for file in json.loads(listing)["files"]]
    else:
        links = re.findall(r'href="([^"]+)"', listing)
    tag = wheel_tag()
    for link in links:
        url = urllib.parse.urldefrag(urllib.parse.urljoin(page, link)).url
        name = urllib.parse.unquote(url.rsplit("/", 1)[-1])
        if not name.startswith(f"uv-{version}-") or not tag.search(name):
            continue
        wheel = fetch(url)
        if hashlib.sha256(wheel).hexdigest() not in hashes:
            raise SystemExit(f"{name} does not carry a hash that {sys.argv[1]} names")
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(BytesIO(wheel)) as archive:
            (folder / "uv").write_bytes(archive.read(f"uv-{version}.data/scripts/uv"))
        (folder / "uv").chmod(0o755)
        return
    raise SystemExit(f"the package index has no uv {version} for {platform.machine()}")


if __name__ == "__main__":
    main()
