"""`obis-gateway objects`: what a meter that speaks DLMS says of itself."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from obisgw.dlms.services import Attribute, GetResult
from obisgw.errors import MeterError, RefusedError
from obisgw.reader.dlms_reader import GaveReadout
from obisgw.reader.memory import Memory
from obisgw.reader.reader import MeterReader
from obisgw.reader.shared_port import SharedPort
from obisgw.readings.cosem_objects import LONG, SECRETS, numbers_of, object_document, object_name, value_text
from obisgw.service.folder import state_folder

from .dialect_options import dialects_of
from .dlms_options import add_dlms, dlms_reader
from .ending import run_signed_off
from .line_options import add_line, reader_settings
from .progress import Progress
from .show import printable, show_table
from .terminal import out

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from obisgw.dlms.objects import MeterObject
    from obisgw.dlms.values import ScalerUnit

_COLUMNS = ("OBIS", "object", "class", "attribute", "value")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_line(parser)
    parser.set_defaults(mode="E")
    add_dlms(parser, password=True)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--no-values", dest="values", action="store_false", help="list the objects, do not read them")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(options: argparse.Namespace) -> int:
    """Read; raises MeterError, RefusedError or LineError (status 1) when that fails."""
    return run_signed_off(_read(options))


async def _read(options: argparse.Namespace) -> None:
    dialects, dialect = dialects_of(options)
    port = SharedPort(options.port)
    progress = Progress(quiet=options.quiet)
    memory = Memory(state_folder(None, os.environ) / "line.json")
    reader = MeterReader(port, reader_settings(options, dialect), dialects, memory, on_event=progress.tell)
    dlms = dlms_reader(reader, options)
    try:
        async with dlms.open() as talk:
            objects, units = await dlms.described(talk)
            asked = _asked(objects) if options.values else []
            found = dict(zip(asked, await talk.get(asked), strict=True))
    except GaveReadout:
        raise RefusedError(
            "the meter gives its readout and does not speak DLMS",
            where=options.port,
            hint="read it by 'obis-gateway read'",
        ) from None
    finally:
        await port.close()
    if not objects:
        raise MeterError("the meter shows no objects", where=options.port, hint="another --client may see some")
    _show(objects, found, units, options)


def _asked(objects: Sequence[MeterObject]) -> list[Attribute]:
    return [
        one.attribute(number)
        for one in objects
        for number in numbers_of(one)
        if number in one.readable and (one.class_id, number) not in LONG | SECRETS
    ]


def _show(
    objects: Sequence[MeterObject],
    found: dict[Attribute, GetResult],
    units: dict[bytes, ScalerUnit],
    options: argparse.Namespace,
) -> None:
    if not options.values:
        _list(objects, options)
        return
    documents: list[dict[str, Any]] = [object_document(one, found, units) for one in objects]
    if options.json:
        out(json.dumps({"objects": documents}, ensure_ascii=False))
        return
    rows: list[tuple[str, ...]] = []
    for document in documents:
        head = document["obis"], document["name"], f"{document['class_name']} ({document['class']})"
        for attribute in document["attributes"] or [{"name": "", "text": ""}]:
            rows.append((*head, attribute["name"], printable(value_text(attribute))))
            head = "", "", ""
    show_table(_COLUMNS, rows)


def _list(objects: Sequence[MeterObject], options: argparse.Namespace) -> None:
    if options.json:
        listed = [
            {"obis": one.obis, "name": object_name(one), "class": one.class_id, "version": one.version}
            for one in objects
        ]
        out(json.dumps({"objects": listed}, ensure_ascii=False))
    else:
        show_table(
            _COLUMNS[:3], [(one.obis, object_name(one), f"{one.class_id} version {one.version}") for one in objects]
        )
