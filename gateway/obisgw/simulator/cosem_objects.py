"""The objects of a three-phase household meter that speaks DLMS: their values move with the household."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from obisgw.dlms import axdr
from obisgw.dlms.axdr import Data, Tag
from obisgw.dlms.classes import ClassId
from obisgw.dlms.clock import clock_time
from obisgw.dlms.meter import Value
from obisgw.dlms.profile import Column, columns_of, read_range
from obisgw.iec62056_21.vdew.status import Status

from .household import Household
from .recorded import Recorded, Recorder
from .values import Shown, values_at

_W, _WH, _A, _V, _HZ, _NONE = 27, 30, 33, 35, 44, 255
_READ_ONLY = 1
_NULL = axdr.NULL

# Code, name in `values_at`, scaler, unit; numbers are in units of values_at times ten to a power.
_REGISTERS: tuple[tuple[str, str, int, int, int], ...] = (
    ("1.8.0", "imported", 3, 0, _WH),
    ("1.8.1", "imported_1", 3, 0, _WH),
    ("1.8.2", "imported_2", 3, 0, _WH),
    ("2.8.0", "exported", 3, 0, _WH),
    ("2.8.1", "exported_1", 3, 0, _WH),
    ("2.8.2", "exported_2", 3, 0, _WH),
    ("16.7.0", "signed", 3, 0, _W),
    ("1.7.0", "taken", 3, 0, _W),
    ("2.7.0", "given", 3, 0, _W),
    ("36.7.0", "signed_l1", 3, 0, _W),
    ("56.7.0", "signed_l2", 3, 0, _W),
    ("76.7.0", "signed_l3", 3, 0, _W),
    ("32.7.0", "voltage_l1", 1, -1, _V),
    ("52.7.0", "voltage_l2", 1, -1, _V),
    ("72.7.0", "voltage_l3", 1, -1, _V),
    ("31.7.0", "current_l1", 2, -2, _A),
    ("51.7.0", "current_l2", 2, -2, _A),
    ("71.7.0", "current_l3", 2, -2, _A),
    ("13.7.0", "factor", 3, -3, _NONE),
    ("14.7.0", "frequency", 2, -2, _HZ),
)
_PERIODS = 3
_PROFILE = bytes((1, 0, 99, 1, 0, 255))
_LOG = bytes((0, 0, 99, 98, 0, 255))
_CLOCK = bytes((0, 0, 1, 0, 0, 255))
_STATUS = bytes((0, 0, 96, 10, 1, 255))
_EVENT = bytes((0, 0, 96, 11, 0, 255))
_ASSOCIATION = bytes((0, 0, 40, 0, 0, 255))
_COUNTER = bytes((0, 0, 43, 1, 0, 255))
_EVENTS = {Status.POWER_FAILURE: 1, Status.POWER_BACK: 2, Status.SEASON_CHANGED: 3, Status.CLOCK_SET: 5}
_DAYLIGHT, _ADJUSTED, _POWER_DOWN = 0x08, 0x20, 0x80

Objects = dict[tuple[int, bytes, int], Value]


def name(code: str, f: int = 255, a: int = 1) -> bytes:
    """Return the logical name of ``C.D.E``."""
    return bytes((a, 0, *(int(group) for group in code.split(".")), f))


@dataclass
class CosemObjects:
    """The objects of one household's meter. ``now`` gives the second of the household's time."""

    household: Household
    now: Callable[[], float]
    counter: Callable[[], int] = lambda: 0

    def __post_init__(self) -> None:
        self.recorder = Recorder(self.household)
        self._moment: tuple[float, dict[str, object]] = (-1.0, {})

    def objects(self) -> Objects:
        """Return everything, with the list of it."""
        own = dict(self._all())
        own[ClassId.ASSOCIATION_LN, _ASSOCIATION, 2] = self._listed(own)
        return own

    def public(self) -> Objects:
        """Return what the public client sees."""
        shown = {(0, 0, 42), (0, 0, 43), (0, 0, 1), (0, 0, 96)}
        own = {key: value for key, value in self._all() if tuple(key[1][:3]) in shown and key[0] != 7}
        own[ClassId.ASSOCIATION_LN, _ASSOCIATION, 2] = self._listed(own)
        return own

    # --- all of them

    def _all(self) -> Iterator[tuple[tuple[int, bytes, int], Value]]:
        yield from self._about()
        for code, source, places, scaler, unit in _REGISTERS:
            yield from self._register(ClassId.REGISTER, name(code), self._value(source, places), scaler, unit)
        for period in range(1, _PERIODS + 1):
            yield from self._register(ClassId.REGISTER, name("1.8.0", period), self._past(period), 0, _WH)
        maximum = name("1.6.0")
        yield from self._register(ClassId.EXTENDED_REGISTER, maximum, self._value("maximum", 3), 0, _W)
        yield (4, maximum, 4), axdr.unsigned(0)
        yield (4, maximum, 5), lambda _: self._stamp(self._at("maximum_at"))
        yield from self._demand()
        yield from self._stored()
        yield from self._parameters()

    def _about(self) -> Iterator[tuple[tuple[int, bytes, int], Value]]:
        number = self.household.number
        texts = {
            name("42.0.0", a=0): f"OBG{number:0>13}",
            name("96.1.0", a=0): number,
            name("0.0.0"): number,
            name("0.2.0"): "1.07",
        }
        for logical, text in texts.items():
            yield from self._data(logical, axdr.octet_string(text.encode()))
        yield from self._data(name("96.14.0", a=0), lambda _: axdr.octet_string(str(self._text("tariff")).encode()))
        yield from self._data(name("0.1.0"), axdr.unsigned(self.household.months_before % 100))
        yield from self._data(name("97.97.0", a=0), axdr.unsigned(0, 4))
        yield from self._data(name("96.7.21", a=0), axdr.unsigned(len(self.household.outages), 2))
        yield from self._data(_COUNTER, lambda _: axdr.unsigned(self.counter(), 4))
        yield (8, _CLOCK, 1), axdr.octet_string(_CLOCK)
        yield (8, _CLOCK, 2), lambda _: axdr.octet_string(self._encoded(self.household.moment(self.now())))
        yield (8, _CLOCK, 3), axdr.integer(-60, 2)
        yield (8, _CLOCK, 4), axdr.unsigned(0)

    def _demand(self) -> Iterator[tuple[tuple[int, bytes, int], Value]]:
        logical = name("1.4.0")
        yield (5, logical, 1), axdr.octet_string(logical)
        yield (5, logical, 2), self._value("running", 3)
        yield (5, logical, 3), self._value("average", 3)
        yield (5, logical, 4), axdr.structure(axdr.integer(0), axdr.enum(_W))
        yield (5, logical, 5), axdr.unsigned(0)
        yield (5, logical, 6), lambda _: self._stamp(self.household.moment(self.now() // 900 * 900))
        yield (5, logical, 7), lambda _: self._stamp(self.household.moment(self.now() // 900 * 900))
        yield (5, logical, 8), axdr.unsigned(900, 4)
        yield (5, logical, 9), axdr.unsigned(1, 2)

    def _parameters(self) -> Iterator[tuple[tuple[int, bytes, int], Value]]:
        yield from self._object(17, name("41.0.0", a=0), axdr.array(axdr.structure(axdr.unsigned(1, 2), _text("OBG"))))
        yield from self._object(
            19, name("20.0.0", a=0), axdr.enum(1), axdr.enum(0), axdr.enum(5), axdr.enum(0), _text("")
        )
        yield from self._object(
            23,
            name("22.0.0", a=0),
            axdr.enum(5),
            *(axdr.unsigned(1), axdr.unsigned(1), axdr.unsigned(128, 2), axdr.unsigned(128, 2)),
            *(axdr.unsigned(30, 2), axdr.unsigned(120, 2), axdr.unsigned(17, 2)),
        )
        yield from self._object(9, name("10.0.100", a=0), axdr.array())
        yield from self._object(11, name("11.0.0", a=0), axdr.array())
        yield from self._object(6, name("14.0.0", a=0), axdr.array(), axdr.array(), _text("T"))
        yield from self._object(22, name("15.0.0", a=0), axdr.structure(), axdr.enum(1), axdr.array())
        yield from self._object(70, name("96.3.10", a=0), Data(Tag.BOOLEAN, True), axdr.enum(1), axdr.enum(0))  # noqa: FBT003
        # A class that nobody knows: it is shown as it is.
        yield from self._object(8192, name("128.0.0", a=0), axdr.octet_string(b"\x01\x02\x03"))
        yield (ClassId.ASSOCIATION_LN, _ASSOCIATION, 1), axdr.octet_string(_ASSOCIATION)
        yield (ClassId.ASSOCIATION_LN, _ASSOCIATION, 8), axdr.enum(2)

    # --- kinds

    def _data(self, logical: bytes, value: Value) -> Iterator[tuple[tuple[int, bytes, int], Value]]:
        yield from self._object(ClassId.DATA, logical, value)

    def _object(self, class_id: int, logical: bytes, *values: Value) -> Iterator[tuple[tuple[int, bytes, int], Value]]:
        yield (class_id, logical, 1), axdr.octet_string(logical)
        for number, value in enumerate(values, 2):
            yield (class_id, logical, number), value

    def _register(
        self, class_id: int, logical: bytes, value: Value, scaler: int, unit: int
    ) -> Iterator[tuple[tuple[int, bytes, int], Value]]:
        yield from self._object(class_id, logical, value, axdr.structure(axdr.integer(scaler), axdr.enum(unit)))

    def _value(self, source: str, places: int) -> Value:
        def value(_: tuple[int, Data] | None) -> Data:
            shown = self._text(source)
            number = shown.value if isinstance(shown, Shown) else Decimal(str(shown))
            return Data(Tag.DOUBLE_LONG, int(number.scaleb(places)))

        return value

    def _past(self, period: int) -> Value:
        return lambda _: Data(
            Tag.DOUBLE_LONG_UNSIGNED, int(self.household.billing(self.now(), period)[1].imported.scaleb(3))
        )

    def _text(self, source: str) -> object:
        # One moment for all that is asked for within a second.
        now = float(int(self.now()))
        if self._moment[0] != now:
            self._moment = now, values_at(self.household, now)
        return self._moment[1][source]

    def _at(self, source: str) -> datetime:
        at = self._text(source)
        assert isinstance(at, datetime)  # noqa: S101 - the maximum's
        return self.household.moment(self.household.seconds(at))

    # --- times

    def _stamp(self, moment: datetime) -> Data:
        return axdr.octet_string(self._encoded(moment))

    def _encoded(self, moment: datetime) -> bytes:
        local = moment.astimezone(self.household.zone or UTC)
        return clock_time(local, summer=bool(local.dst())).encode()

    # --- what is stored

    def _stored(self) -> Iterator[tuple[tuple[int, bytes, int], Value]]:
        clock = Column(ClassId.CLOCK, _CLOCK, 2)
        load = (clock, Column(1, _STATUS, 2), Column(3, name("1.8.0"), 2), Column(3, name("2.8.0"), 2))
        log = (clock, Column(1, _EVENT, 2))
        for logical, columns, period, rows in (
            (_PROFILE, load, 900, self._quarters),
            (_LOG, log, 0, self._events),
        ):
            yield from self._object(
                ClassId.PROFILE_GENERIC,
                logical,
                self._buffer(rows, columns),
                axdr.array(*(column.data() for column in columns)),
                axdr.unsigned(period, 4),
                axdr.enum(1),
                axdr.structure(*clock.data().items),
                axdr.unsigned(self.recorder.days * 96, 4),
                axdr.unsigned(self.recorder.days * 96, 4),
            )

    def _buffer(
        self, rows: Callable[[datetime | None, datetime | None], Iterator[list[Data]]], columns: tuple[Column, ...]
    ) -> Value:
        def buffer(selector: tuple[int, Data] | None) -> Data:
            since = until = None
            chosen: tuple[Column, ...] = columns
            if selector is not None and selector[0] == 1:
                since, until = read_range(selector[1])
                chosen = columns_of(selector[1].items[3]) or columns
            found = list(rows(since, until))
            if selector is not None and selector[0] == 2:
                first, last = (part.number for part in selector[1].items[:2])
                found = found[max(first, 1) - 1 : last or None]
            places = [place for place, column in enumerate(columns) if column in chosen]
            return axdr.array(*(axdr.structure(*(row[place] for place in places)) for row in found))

        return buffer

    def _quarters(self, since: datetime | None, until: datetime | None) -> Iterator[list[Data]]:
        for row in self.recorder.rows(15, since, until, self.now()):
            energy = self.household.energy_at(row.end)
            yield [
                self._stamp(row.printed),
                axdr.unsigned(self._flags(row)),
                Data(Tag.DOUBLE_LONG_UNSIGNED, int(energy.imported.scaleb(3))),
                Data(Tag.DOUBLE_LONG_UNSIGNED, int(energy.exported.scaleb(3))),
            ]

    def _flags(self, row: Recorded) -> int:
        """Return the profile status of the companion specifications."""
        flags = _DAYLIGHT if self.recorder.in_summer(row.printed) else 0
        if Status.POWER_FAILURE in row.status or Status.POWER_BACK in row.status:
            flags |= _POWER_DOWN
        return flags | (_ADJUSTED if Status.CLOCK_SET in row.status else 0)

    def _events(self, since: datetime | None, until: datetime | None) -> Iterator[list[Data]]:
        for event in self.recorder.events(since, until, self.now()):
            for status, number in _EVENTS.items():
                if status in event.status:
                    yield [self._stamp(event.printed), axdr.unsigned(number)]

    # --- the list

    def _listed(self, own: Objects) -> Data:
        numbers: dict[tuple[int, bytes], list[int]] = {}
        for class_id, logical, number in own:
            numbers.setdefault((class_id, logical), []).append(number)
        association = (int(ClassId.ASSOCIATION_LN), _ASSOCIATION)
        numbers[association] = sorted({1, 2, *numbers.get(association, [])})
        return axdr.array(*(_entry(class_id, logical, some) for (class_id, logical), some in numbers.items()))


def _entry(class_id: int, logical: bytes, numbers: list[int]) -> Data:
    version = 1 if class_id in {ClassId.PROFILE_GENERIC, ClassId.ASSOCIATION_LN} else 0
    rights = [axdr.structure(axdr.integer(number), axdr.enum(_READ_ONLY), _NULL) for number in sorted(numbers)]
    return axdr.structure(
        axdr.unsigned(class_id, 2),
        axdr.unsigned(version),
        axdr.octet_string(logical),
        axdr.structure(axdr.array(*rights), axdr.array()),
    )


def _text(text: str) -> Data:
    return axdr.octet_string(text.encode())
