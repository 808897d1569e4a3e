"""What a meter that speaks DLMS says of itself, as a document: each object with its attributes, by number and name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from obisgw.dlms import axdr
from obisgw.dlms.axdr import Data, Tag
from obisgw.dlms.classes import CLASSES, ClassId, attribute_name, class_name
from obisgw.dlms.services import access_result
from obisgw.dlms.values import ScalerUnit, shown
from obisgw.obis import ObisCode, describe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from obisgw.dlms.objects import MeterObject
    from obisgw.dlms.services import Attribute, GetResult

Json = dict[str, object]

_SCALED = frozenset(
    {(ClassId.REGISTER, 2), (ClassId.EXTENDED_REGISTER, 2), *((ClassId.DEMAND_REGISTER, n) for n in (2, 3))}
)
_MOST_SHOWN = 400
LONG = frozenset({(ClassId.PROFILE_GENERIC, 2), (ClassId.ASSOCIATION_LN, 2), (ClassId.ASSOCIATION_SN, 2)})
"""Attributes that are not read for the document: what is stored, and the list itself."""

SECRETS = frozenset({(ClassId.ASSOCIATION_LN, 7), *((ClassId.LOCAL_PORT_SETUP, number) for number in (7, 8, 9))})
"""Passwords, which some meters even show."""


def numbers_of(one: MeterObject) -> tuple[int, ...]:
    """Return the numbers of an object's attributes besides its name: those that it has by its class, and those it shows."""
    known = CLASSES.get(one.class_id)
    by_class = set() if known is None else set(range(2, 2 + len(known.attributes)))
    return tuple(sorted((by_class | one.readable) - {1}))


def object_document(
    one: MeterObject, results: Mapping[Attribute, GetResult], units: Mapping[bytes, ScalerUnit]
) -> Json:
    """Return the JSON object of one object; ``results`` holds what was read of it."""
    return {
        "obis": one.obis,
        "name": object_name(one),
        "class": one.class_id,
        "class_name": class_name(one.class_id),
        "version": one.version,
        "attributes": [_attribute(one, number, results, units) for number in numbers_of(one)],
    }


def object_name(one: MeterObject) -> str:
    """Return what an object is; where its code says nothing, what its class is."""
    description = describe(ObisCode(*one.name), None)
    return class_name(one.class_id) if "register" in dict(description.placeholders) else description.name


def _attribute(
    one: MeterObject, number: int, results: Mapping[Attribute, GetResult], units: Mapping[bytes, ScalerUnit]
) -> Json:
    attribute = one.attribute(number)
    document: Json = {"number": number, "name": attribute_name(one.class_id, number)}
    if (one.class_id, number) in LONG:
        return document | {"not_read": "it may be long"}
    if (one.class_id, number) in SECRETS:
        return document | {"not_read": "it is a secret"}
    result = results.get(attribute)
    if result is None:
        return document | {"refused": "no access"}
    if result.data is None:
        return document | {"refused": access_result(result.error or 0)}
    scale = units.get(one.name) if (one.class_id, number) in _SCALED else None
    text = shown(result.data, scale)
    document |= {"value": _json(result.data), "text": None if text is None else text.text}
    if scale is not None and scale.unit is not None:
        document["unit"] = scale.unit
    if one.class_id not in CLASSES:
        document["raw"] = axdr.encode(result.data).hex().upper()
    return document


def _json(data: Data) -> object:
    match data.value:
        case tuple():
            return [_json(item) for item in data.value]
        case bytes() if data.tag is Tag.BIT_STRING:
            return "".join(f"{octet:08b}" for octet in data.value)[: data.bits]
        case bytes():
            return data.value.hex().upper()
        case float():
            return repr(data.value)
        case _:
            return data.value


def value_text(attribute: Json) -> str:
    """Return an attribute's value for people."""
    if "refused" in attribute:
        return f"refused: {attribute['refused']}"
    if "not_read" in attribute:
        return f"not read: {attribute['not_read']}"
    if (text := attribute["text"]) is None:
        text = str(attribute["value"]).replace("'", "")
    unit, text = attribute.get("unit"), str(text)
    shortened = f"{text[:_MOST_SHOWN]}…" if len(text) > _MOST_SHOWN else text
    return f"{shortened} {unit}" if unit else shortened
