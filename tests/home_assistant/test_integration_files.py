"""The integration's files agree with each other and with the gateway, as HACS and Home Assistant ask it."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from PIL import Image

from custom_components.obis_gateway.const import DOMAIN
from custom_components.obis_gateway.issues import GUIDES
from obisgw import __version__
from obisgw.obis import ValueKind
from obisgw.obis.usual import usual_descriptions
from obisgw.web.announce import SERVICE
from tests.docs.pages import anchors
from tests.home_assistant.files import CODE, FOLDER, MANIFEST, ROOT, SAID, docstrings


def test_the_manifest_is_in_order() -> None:
    """Domain and name first, then by the alphabet; with all that a custom integration needs, and no library."""
    assert list(MANIFEST) == ["domain", "name", *sorted(MANIFEST.keys() - {"domain", "name"})]
    wanted = {"codeowners", "config_flow", "documentation", "integration_type", "iot_class", "issue_tracker", "version"}
    assert wanted <= MANIFEST.keys()
    kind = MANIFEST["domain"], MANIFEST["integration_type"], MANIFEST["iot_class"], MANIFEST["requirements"]
    assert kind == (DOMAIN, "hub", "local_push", [])


def test_gateway_and_integration_have_one_version() -> None:
    """They are released together."""
    assert MANIFEST["version"] == __version__


def test_the_gateway_is_found_by_what_it_announces() -> None:
    """The same service type on both sides."""
    assert MANIFEST["zeroconf"] == [SERVICE]


def test_the_oldest_home_assistant_is_the_one_that_is_tested() -> None:
    """hacs.json promises what the lock of the minimum holds."""
    hacs = json.loads((ROOT / "hacs.json").read_text("utf-8"))
    assert hacs.keys() <= {"name", "homeassistant", "content_in_root", "zip_release", "filename", "hide_default_branch"}
    lock = (ROOT / "requirements-ha-minimum.lock").read_text("utf-8")
    tested = re.search(r"^homeassistant==(\d+\.\d+)\.\d+ ", lock, re.MULTILINE)
    assert tested is not None
    assert hacs["homeassistant"] == f"{tested[1]}.0"
    assert [
        folder.name for folder in (ROOT / "custom_components").iterdir() if (folder / "manifest.json").exists()
    ] == [DOMAIN]


@pytest.mark.parametrize(
    ("name", "shortest", "is_square"),
    [
        ("icon.png", 256, True),
        ("icon@2x.png", 512, True),
        ("logo.png", 256, False),
        ("logo@2x.png", 512, False),
        ("dark_logo.png", 256, False),
        ("dark_logo@2x.png", 512, False),
    ],
)
def test_brand_images_have_the_size_that_is_asked_for(name: str, shortest: int, is_square: bool) -> None:  # noqa: FBT001
    """Without an empty edge, transparent, interlaced."""
    with Image.open(FOLDER / "brand" / name) as image:
        assert min(image.size) == shortest
        assert (image.width == image.height) is is_square
        assert image.getbbox() == (0, 0, *image.size)
        assert image.mode == "RGBA"
        assert image.info["interlace"]


def test_no_knowledge_of_codes_is_in_the_integration() -> None:
    """It comes from the gateway: a code, or the name of a quantity, would be a second table."""
    written = SAID - docstrings(CODE.values())
    assert {text for text in written if re.search(r"(?<![\d.])\d{1,2}\.\d{1,2}(\.\d{1,3})(?![\d.])", text)} == set()
    quantities = {one.translation_key for one in usual_descriptions() if one.kind is ValueKind.NUMBER}
    # The same words, for something else.
    assert written & quantities == {"power", "register"}


def test_every_guide_that_a_notice_names_is_there() -> None:
    """Page and heading."""
    assert GUIDES.endswith("/docs/guides")
    named = {text for text in SAID if re.fullmatch(r"[a-z0-9-]+\.md(#[a-z0-9-]+)?", text)}
    assert named
    for target in named:
        page, _, anchor = target.partition("#")
        path = ROOT / "docs" / "guides" / page
        assert path.is_file(), target
        assert not anchor or anchor in anchors(path), target
    assert (ROOT / MANIFEST["documentation"].partition("/blob/main/")[2]).is_file()


def test_the_quality_scale_is_answered_whole() -> None:
    """Each rule is done, or exempt with the reason."""
    rules = yaml.safe_load((FOLDER / "quality_scale.yaml").read_text("utf-8"))["rules"]
    assert len(rules) == 54
    for rule, answer in rules.items():
        if answer != "done":
            assert answer["status"] in {"done", "exempt"}, rule
            assert answer["comment"].endswith("."), rule
    assert MANIFEST["quality_scale"] == "platinum"
