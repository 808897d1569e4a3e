"""Objects of DLMS meters by their codes: a list of them is read by people."""

from __future__ import annotations

import re

import pytest

from obisgw.dlms.classes import class_name
from obisgw.dlms.objects import MeterObject
from obisgw.obis import Category, Medium, ObisCode, ValueKind, describe
from obisgw.obis.dlms_objects import usual_objects
from obisgw.readings.cosem_objects import object_name
from obisgw.simulator.serve import Simulator

NAMES = [
    ("0-0:1.0.0", "Clock"),
    ("0-0:1.0.1", "Clock 1"),
    ("0-0:2.0.0", "Modem settings"),
    ("0-0:10.0.0", "Global reset scripts"),
    ("0-0:10.0.1", "Billing reset scripts"),
    ("0-0:10.0.100", "Tariff scripts"),
    ("0-0:10.0.106", "Disconnect scripts"),
    ("0-0:10.0.150", "Script table 150"),
    ("0-0:11.0.0", "Special days table"),
    ("0-0:12.0.0", "Schedule"),
    ("0-0:13.0.0", "Activity calendar"),
    ("0-0:14.0.0", "Register activation"),
    ("0-0:15.0.0", "Billing reset schedule"),
    ("0-0:15.0.1", "Disconnect schedule"),
    ("0-0:15.0.9", "Single action schedule 9"),
    ("0-0:16.0.0", "Register monitor"),
    ("0-0:16.1.0", "Alarm monitor"),
    ("0-0:20.0.0", "Local port settings"),
    ("0-0:22.0.0", "HDLC settings"),
    ("0-0:25.0.0", "TCP and UDP settings"),
    ("0-0:25.1.0", "IPv4 settings"),
    ("0-0:25.9.0", "Push settings"),
    ("0-2:25.9.0", "Push settings channel 2"),
    ("0-0:40.0.0", "Current association"),
    ("0-0:40.0.3", "Association 3"),
    ("0-0:41.0.0", "SAP assignment"),
    ("0-0:42.0.0", "Logical device name"),
    ("0-0:43.0.0", "Security settings"),
    ("0-0:43.1.0", "Invocation counter"),
    ("0-0:43.1.1", "Invocation counter 1"),
    ("0-0:44.0.0", "Firmware transfer"),
    ("0-0:96.3.10", "Disconnect control"),
    ("0-0:96.3.1", "Input and output state 1"),
    ("1-0:0.2.0", "Firmware"),
    ("1-0:99.1.0", "Load profile 1"),
    ("1-0:99.98.0", "Event log"),
    ("0-0:99.98.2", "Event log 2"),
]


@pytest.mark.parametrize(("address", "name"), NAMES)
def test_objects_have_names(address: str, name: str) -> None:
    """As the list of a meter's objects shows them."""
    code = ObisCode.parse(address, Medium.ELECTRICITY)
    assert code is not None
    assert describe(code, None).name == name


def test_a_code_of_a_medium_is_none_of_them() -> None:
    """Group A tells them apart."""
    abstract = {describe(ObisCode(0, 0, *groups), None).key for groups in usual_objects()}
    electrical = {describe(ObisCode(1, 0, *groups), None).key for groups in usual_objects()}
    assert abstract.isdisjoint(electrical)


def test_each_object_has_a_key_of_its_own() -> None:
    """Two registers of one key would be one entity."""
    keys = [describe(ObisCode(0, 0, *groups), None).key for groups in usual_objects()]
    assert len(set(keys)) == len(keys)


def test_objects_tell_about_the_meter_and_are_off_by_default() -> None:
    """Whoever wants them in Home Assistant switches them on."""
    for groups in usual_objects():
        description = describe(ObisCode(0, 0, *groups), None)
        assert description.category is Category.DIAGNOSTIC, groups
        assert not description.enabled_by_default, groups
        kind = ValueKind.NUMBER if groups[:2] == (43, 1) else ValueKind.TEXT
        assert description.kind is kind, groups


def test_every_object_of_the_simulated_meter_has_a_name() -> None:
    """But the one whose class and code nobody knows."""
    simulator = Simulator("household-e")
    own = simulator.cosem_meter(simulator.households[0]).secured.objects
    objects = {(class_id, name): MeterObject(class_id, 0, name, frozenset({2})) for class_id, name, _ in own}
    nameless = [one.obis for one in objects.values() if re.search(r"\d+\.\d+\.\d+", describe_of(one))]
    assert nameless == ["0-0:128.0.0*255"]


def describe_of(one: MeterObject) -> str:
    """Return what the catalogue says: where nothing is known, the code."""
    return describe(ObisCode(*one.name), None).name


def test_where_the_code_says_nothing_the_class_does() -> None:
    """A name that begins like that of an unknown register is a name all the same."""
    monitor = MeterObject(21, 0, bytes((0, 0, 16, 0, 3, 255)), frozenset({2}))
    unknown = MeterObject(21, 0, bytes((0, 0, 128, 0, 3, 255)), frozenset({2}))
    assert object_name(monitor) == "Register monitor 3"
    assert object_name(unknown) == class_name(21)
