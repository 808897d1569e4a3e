"""Discovery documents: what is in them, how they grow, and their frozen form for real meters."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from obisgw.iec62056_21.capture import telegrams_in
from obisgw.iec62056_21.dialects import Dialects
from obisgw.mqtt.discovery import MOST_REGISTERS, MeterDocument, gateway_document
from obisgw.mqtt.meter import MeterTopics
from obisgw.mqtt.topics import Topics
from obisgw.readings.derive import Derived, DerivedState, derive
from obisgw.readings.identity import identity_of
from obisgw.readings.published import published
from obisgw.readings.reading import Reading
from obisgw.readings.registers import registers_of
from obisgw.readings.shown import GatewayInfo, MeterOptions

from .samples import GATEWAY, HOUSEHOLD, METER, reading, register

TELEGRAMS = Path(__file__).parent.parent / "telegrams"
SNAPSHOTS = Path(__file__).parent / "snapshots"
OPTIONS = MeterOptions(interval=60)
TOPICS = Topics()

# Home Assistant 2025.4 refuses the whole document for one key at the top or in the device that it does not know.
TOP = {"dev", "o", "stat_t", "avty", "avty_mode", "qos", "cmps"}
DEVICE = {"ids", "name", "mf", "mdl", "sn", "sw", "sa", "via_device"}
COMPONENT = {
    "p", "uniq_id", "name", "val_tpl", "dev_cla", "stat_cla", "unit_of_meas", "sug_dsp_prc", "exp_aft", "ent_cat", "en",
    "default_entity_id", "obj_id", "json_attr_t", "json_attr_tpl", "ops", "ic", "evt_typ", "stat_t", "avty", "cmd_t", "pl_prs",
}  # fmt: skip


def document_of(telegram: str) -> dict[str, Any]:
    """Return the document that a real telegram makes."""
    message = telegrams_in((TELEGRAMS / telegram).read_bytes(), Dialects.load()).messages[0]
    registers, unparsed = registers_of(message.telegram, message.dialect)
    meter = identity_of(message.telegram.identification, registers, message.dialect, "home")
    topics = MeterTopics(meter, OPTIONS, GatewayInfo(version="1.2.3"), TOPICS)
    at = datetime(2026, 11, 22, tzinfo=UTC)
    taken = Reading(meter, at, 1.0, registers, unparsed, message.telegram)
    topics.read(taken, derive(DerivedState(), taken)[1], tree=False)
    found: dict[str, Any] = json.loads(topics.discovery().payload)
    return found


@pytest.mark.parametrize("telegram", ["isk_me162_0033.txt", "lgz_e350_zmf100ac_m26_swiss.txt", "lug_uh50_kwh.txt"])
def test_documents_are_as_they_were(telegram: str) -> None:
    """What changes here changes in people's homes: look at the difference, then delete the file to write it anew."""
    path = SNAPSHOTS / telegram.replace(".txt", ".json")
    found = json.dumps(document_of(telegram), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    if not path.exists():
        path.write_text(found, "utf-8")
        pytest.fail(f"{path} was missing and is written: look at it, and add it")
    assert found == path.read_text("utf-8")


@pytest.mark.parametrize("telegram", sorted(path.name for path in TELEGRAMS.glob("*.txt")))
def test_only_keys_that_the_oldest_home_assistant_knows(telegram: str) -> None:
    """For every meter that we have: known keys, one unique id an entity, and no empty value."""
    if (
        telegram == "p01_error_answer.txt"
        or not telegrams_in((TELEGRAMS / telegram).read_bytes(), Dialects.load()).messages
    ):
        return
    document = document_of(telegram)
    assert set(document) <= TOP
    assert set(document["dev"]) <= DEVICE
    for component in document["cmps"].values():
        assert set(component) <= COMPONENT
        assert None not in component.values()
    unique_ids = [component["uniq_id"] for component in document["cmps"].values()]
    assert len(set(unique_ids)) == len(unique_ids)
    entity_ids = [c["default_entity_id"] for c in document["cmps"].values() if "default_entity_id" in c]
    assert len(set(entity_ids)) == len(entity_ids)


def test_the_gateways_own_document_has_known_keys() -> None:
    """The same rules."""
    document = json.loads(gateway_document(GATEWAY, TOPICS))
    assert set(document) <= TOP
    assert set(document["dev"]) <= DEVICE
    assert list(document["cmps"]) == ["meters", "last_read", "version"]


def test_three_hundred_registers_stay_below_a_hundred_kilobytes() -> None:
    """Fifteen months of an MT174: brokers and Home Assistant take that."""
    document = document_of("isk_mt174_0001_15_months.txt")
    own = len(MeterDocument(METER, GATEWAY, TOPICS, OPTIONS).payload())
    size = len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())
    registers = sum(component["p"] == "sensor" for component in document["cmps"].values())
    assert registers > 340
    assert (size - own) / registers * 300 + own < 100_000


def grown(document: MeterDocument, *lines: str, tariffs: tuple[str, ...] = ()) -> MeterDocument:
    """Return the document after a telegram of these lines."""
    return document.grown(tuple(published(register(line) for line in lines)), tariffs)


EMPTY = MeterDocument(METER, GATEWAY, TOPICS, OPTIONS)


def test_a_document_only_grows() -> None:
    """A register that is missing stays; one that came without its unit for once keeps it."""
    full = grown(EMPTY, *HOUSEHOLD, tariffs=("t1", "t2"))
    assert grown(full, "1.8.0(2*kWh)") is full
    assert grown(full, "1.8.0(2)") is full
    more = grown(full, "1.8.3(0*kWh)", tariffs=("t1", "t3"))
    assert set(more.registers) - set(full.registers) == {"1_0_1_8_3_255"}
    assert more.tariffs == ("t1", "t2", "t3")


def test_a_unit_that_came_later_is_taken() -> None:
    """The first telegram had lost it."""
    bare = grown(EMPTY, "1.8.0(2)")
    assert "unit_of_meas" not in bare.registers["1_0_1_8_0_255"]
    assert grown(bare, "1.8.0(2*kWh)").registers["1_0_1_8_0_255"]["unit_of_meas"] == "kWh"


def test_a_document_has_an_end() -> None:
    """Damage that no check found must not fill the broker."""
    full = grown(EMPTY, *(f"X{number}(1)" for number in range(MOST_REGISTERS + 5)))
    assert len(full.registers) == MOST_REGISTERS
    assert full.full
    assert grown(full, "1.8.0(2*kWh)") is full


def test_what_is_retained_is_taken_over() -> None:
    """Registers and tariffs of an earlier run; not its other entities, which are removed once."""
    before = json.loads(grown(EMPTY, *HOUSEHOLD, tariffs=("t1", "t2")).payload())
    before["cmps"]["bygone"] = {"p": "sensor", "uniq_id": "x"}
    before["cmps"]["removed"] = {"p": "sensor"}
    retained = json.dumps(before).encode()
    merged = grown(EMPTY, "1.8.0(2*kWh)", "1.8.3(2*kWh)").with_retained(retained)
    assert len(merged.registers) == len(HOUSEHOLD) + 1
    assert merged.tariffs == ("t1", "t2")
    assert merged.firmware == "V1.07"
    assert dict(merged.obsolete) == {"bygone": "sensor"}
    assert json.loads(merged.payload())["cmps"]["bygone"] == {"p": "sensor"}
    assert "bygone" not in json.loads(merged.without_obsolete().payload())["cmps"]
    assert merged.without_obsolete().with_retained(merged.payload()) == merged.without_obsolete()


@pytest.mark.parametrize(
    "retained", [b"", b"{", b"[]", b'{"cmps": 3}', b'{"cmps": {"1_0_1_8_0_255": 3}}', b"\xff", b"null"]
)
def test_what_is_no_document_changes_nothing(retained: bytes) -> None:
    """Anybody may write to the broker."""
    assert EMPTY.with_retained(retained) is EMPTY


def test_entities_expire_after_three_intervals() -> None:
    """Not those of past billing periods, and none of a meter that sends when it likes."""
    document = grown(EMPTY, *HOUSEHOLD, tariffs=("t1", "t2"))
    components = json.loads(document.payload())["cmps"]
    assert components["1_0_1_8_0_255"]["exp_aft"] == components["tariff"]["exp_aft"] == 180
    assert "exp_aft" not in components["1_0_1_8_0_1"]
    assert "exp_aft" not in components["failures"]
    daily = document.with_options(METER, MeterOptions(interval=86400, on_request=False))
    components = json.loads(daily.payload())["cmps"]
    assert components["1_0_1_8_0_255"]["exp_aft"] == 3 * 86400
    assert components["read_now"] == {"p": "button"}
    assert "read_now" not in json.loads(daily.without_obsolete().payload())["cmps"]
    assert "exp_aft" not in str(json.loads(document.with_options(METER, MeterOptions()).payload()))


def test_long_text_is_cut_for_home_assistant() -> None:
    """Its states have 255 characters."""
    document = grown(EMPTY, "0.2.0(V1.07)")
    assert "v[:255]" in document.registers["1_0_0_2_0_255"]["val_tpl"]
    assert document.firmware == "V1.07"


def test_a_reading_without_registers_makes_a_device_all_the_same() -> None:
    """With its health and its button."""
    topics = MeterTopics(METER, OPTIONS, GATEWAY, TOPICS)
    grew, state = topics.read(reading(), Derived(), tree=True)
    assert (grew, len(state)) == (False, 1)
    assert {"read_now", "events", "last_success"} <= json.loads(topics.discovery().payload)["cmps"].keys()


def test_a_meter_that_tells_the_time_has_its_clock_s_deviation_as_an_entity() -> None:
    """Diagnostic; the others have none."""
    plain = MeterDocument(METER, GATEWAY, TOPICS, OPTIONS)
    assert "clock_deviation" not in plain.own
    clock = plain.with_options(METER, MeterOptions(interval=60, has_clock=True)).own["clock_deviation"]
    assert clock["ent_cat"] == "diagnostic"
    assert (clock["dev_cla"], clock["unit_of_meas"], clock["stat_t"]) == ("duration", "s", TOPICS.health(METER.id))
    assert set(clock) <= COMPONENT
    document = plain.with_options(METER, MeterOptions(interval=60, has_clock=True))
    assert document.with_options(METER, OPTIONS).obsolete == {"clock_deviation": "sensor"}
