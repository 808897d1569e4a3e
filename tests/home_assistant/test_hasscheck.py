"""The published rules for integrations and HACS, as far as a program can tell without Home Assistant's own checkout."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

FALSE_ALARMS = {
    "config_flow.unique_id.uses_device_name": "the unique id is the gateway's own id, which never changes",
    "config_flow.unique_id.uses_ip_address": "the same; the address is data",
    "diagnostics.redaction.used": "redacted by redaction.py, which takes more out than Home Assistant's own function",
    "entity.device_info.set": "set in entity.py, for all platforms",
    "entity.has_entity_name.set": "the same",
    "entity.unique_id.set": "the same",
    "helpers.deprecated_import": "AddConfigEntryEntitiesCallback stands in homeassistant.helpers.entity_platform",
    "manifest.config_flow.true_but_no_class": "ObisGatewayConfigFlow; Home Assistant finds it by its domain",
    "tests.setup_entry.detected": "tests set up by Home Assistant, not by calling the function",
    "tests.unload.detected": "the same",
}


def test_hasscheck_finds_nothing_but_what_it_cannot_see(tmp_path: Path) -> None:
    """A new finding is a fault, or a false alarm with its reason; one that is gone leaves the list."""
    # Without what Python compiles, which beside the integration is taken for another one, and without environments.
    left_out = shutil.ignore_patterns("__pycache__", ".venv*", ".tools", ".git", ".*_cache", ".cache", ".hypothesis")
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT, checkout, ignore=left_out, symlinks=True)
    program = Path(sys.executable).parent / "hasscheck"
    command = [program, "check", "--path", checkout, "--no-config", "--profile", "hub", "--format", "json"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    findings = json.loads(answer.stdout)["findings"]
    said = {
        found["rule_id"]: found["message"] for found in findings if found["status"] not in {"pass", "not_applicable"}
    }
    assert said.keys() == FALSE_ALARMS.keys(), said
    assert len(findings) > 70
