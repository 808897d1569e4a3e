"""A folder for a real Home Assistant: its configuration, the state of one that has been set up, and our integration."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
ENVIRONMENT: Final = ROOT / ".venv-hass"
HASS: Final = ENVIRONMENT / "bin" / "hass"

CONFIGURATION: Final = """\
homeassistant:
  name: Home
  auth_mfa_modules: []
  unit_system: metric
  time_zone: Europe/Prague
  country: CZ
  currency: EUR
automation: !include automations.yaml
config:
energy:
frontend:
history:
input_boolean:
logbook:
recorder:
  commit_interval: 0
script:
sun:
"""
"""Not default_config: it wants Bluetooth, cloud, go2rtc and more that have nothing to do here."""

_STAND_INS: Final = {
    # Distribution: who asks for it, its module, what is imported from it.
    "PyTurboJPEG": ("camera", "turbojpeg", "TurboJPEG"),
    "pymicro-vad": ("assist_pipeline", "pymicro_vad", "MicroVad"),
    "pyspeex-noise": ("assist_pipeline", "pyspeex_noise", "AudioProcessor"),
}
"""Camera pictures and voice need a compiler or a library of the system; they are always loaded and never used here."""


def prepare(folder: Path, *, port: int, zeroconf: bool) -> dict[str, str]:
    """Lay out ``folder`` and return the environment variables that ``hass -c folder`` is to be started with."""
    (folder / "custom_components").mkdir(parents=True)
    (folder / "custom_components" / "obis_gateway").symlink_to(ROOT / "custom_components" / "obis_gateway")
    discovery = "zeroconf:\n" if zeroconf else ""
    (folder / "configuration.yaml").write_text(CONFIGURATION + discovery, "utf-8")
    (folder / "automations.yaml").write_text("[]\n", "utf-8")
    _store(folder, "http", 3, {"stable": _http(port), "pending": None, "yaml_migration_done": True})
    # What these steps of the first start would do needs the internet.
    _store(folder, "onboarding", 4, {"done": ["analytics", "core_config", "integration"]})
    programs = folder / "programs"
    programs.mkdir()
    _program(programs / "ffmpeg", 'echo "ffmpeg version 7.1 Copyright"')
    modules = folder / "stand_ins"
    for distribution, (domain, module, name) in _STAND_INS.items():
        _stand_in(modules, distribution, _wanted(domain, distribution), module, name)
    return {
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONPATH": str(modules),
        # A requirement that is not installed is an error at once, not a download.
        "UV_OFFLINE": "1",
    }


def version() -> str:
    """Return the version of the Home Assistant that is installed."""
    (found,) = ENVIRONMENT.glob("lib/python*/site-packages/homeassistant-*.dist-info")
    return found.name.removeprefix("homeassistant-").removesuffix(".dist-info")


def _components() -> Path:
    (found,) = ENVIRONMENT.glob("lib/python*/site-packages/homeassistant/components")
    return found


def _wanted(domain: str, distribution: str) -> str:
    manifest = json.loads((_components() / domain / "manifest.json").read_text("utf-8"))
    (found,) = [one for one in manifest["requirements"] if one.partition("==")[0] == distribution]
    return str(found.partition("==")[2])


def _stand_in(folder: Path, distribution: str, wanted: str, module: str, name: str) -> None:
    metadata = folder / f"{distribution.replace('-', '_')}-{wanted}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {wanted}\n", "utf-8")
    (folder / f"{module}.py").write_text(f"class {name}:\n    pass\n", "utf-8")


def _program(file: Path, line: str) -> None:
    file.write_text(f"#!/bin/sh\n{line}\n", "utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def _http(port: int) -> dict[str, object]:
    return {
        "server_host": ["127.0.0.1"],
        "server_port": port,
        "cors_allowed_origins": [],
        "login_attempts_threshold": -1,
        "ip_ban_enabled": True,
        "ssl_profile": "intermediate_v6",
        "use_x_frame_options": True,
    }


def _store(folder: Path, key: str, storage_version: int, data: dict[str, object]) -> None:
    (folder / ".storage").mkdir(exist_ok=True)
    document = {"version": storage_version, "minor_version": 1, "key": key, "data": data}
    (folder / ".storage" / key).write_text(json.dumps(document), "utf-8")
