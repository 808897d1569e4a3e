"""A simulated meter's load profile and log book as the meter prints them: each maker's form is data.

`Memory.records` gives what `MeterProgramming.records` wants: by address, a function from the argument of a command to
the data of its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Final

from obisgw.iec62056_21.vdew.meter_time import Convention, MeterTime, TimeBase
from obisgw.iec62056_21.vdew.status import VDEW_BITS, Status
from obisgw.iec62056_21.vdew.time_stamps import Season, TimeStamp, format_time_stamp, parse_time_stamp

from .household import Energy, Household
from .recorded import Happened, Recorded, Recorder
from .values import Shown

_DAY: Final = timedelta(days=1)
_MINUTES: Final = 1440
_BITS: Final = {flag: bit for bit, flag in VDEW_BITS.items()}
_HOUR: Final = Decimal(3600)


class Amount(Enum):
    """What a column shows of a counter."""

    POWER = "power"
    """Mean power of the row."""

    INCREMENT = "increment"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """``source`` is an attribute of `Energy`, or empty for a column that stays ``0``; ``digits`` as in templates."""

    address: str
    unit: str
    amount: Amount
    source: str
    digits: str


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """One load profile. ``period`` in minutes.

    ``layout``: ``headers``, ``rows`` (each with its own time, as Turkish meters) or ``days`` (one asked for by its date,
    as Energomera's). ``seasons``: how the season digit is written. ``seconds``: stamps have them. ``status_digits`` of
    the status word; ``summer_bit``: 08 says that summer time is in force. ``midnight``: a new header each day.
    ``honours_season``: the digit of a request is looked at; else its time is the meter's own clock. ``late``: minutes
    by which answers begin too late. ``empty``: the answer where nothing is stored.
    """

    columns: tuple[StoredColumn, ...]
    period: int = 15
    layout: str = "headers"
    seasons: Convention = Convention.SEASONS
    seconds: bool = True
    status_digits: int = 8
    summer_bit: bool = False
    midnight: bool = False
    honours_season: bool = True
    late: int = 0
    empty: str = "{address}(ERROR)"


@dataclass(frozen=True, slots=True)
class StoredLogBook:
    """The log book. ``numbers``: events have numbers under ``number_address`` in place of status bits, by flag.

    ``words``: status words in place of bits, by flag. ``shuffled``: not in time order.
    """

    seasons: Convention = Convention.SEASONS
    status_digits: int = 8
    number_address: str = ""
    numbers: dict[str, int] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    shuffled: bool = False
    empty: str = "{address}(ERROR)"


@dataclass(frozen=True, slots=True)
class MemoryForm:
    """What a meter stores, by address. ``days`` deep; ``wrong_clock``: its clock was wrong for a day, once."""

    profiles: dict[str, StoredProfile]
    log_books: dict[str, StoredLogBook]
    days: int = 400
    wrong_clock: bool = False


class Memory:
    """The memory of one household's meter."""

    def __init__(self, household: Household, form: MemoryForm) -> None:
        self.household = household
        self.form = form
        self._known = 0.0, household.energy_at(0)
        self.recorder = Recorder(household, days=form.days, wrong_clock=form.wrong_clock)

    def records(self) -> dict[str, Callable[[str, float], bytes]]:
        """Return what is stored: by address, from argument and second of the household's time to an answer's data."""
        profiles = {address: self._of_profile(address, one) for address, one in self.form.profiles.items()}
        return profiles | {address: self._of_log_book(address, one) for address, one in self.form.log_books.items()}

    def _of_profile(self, address: str, profile: StoredProfile) -> Callable[[str, float], bytes]:
        def answer(argument: str, now: float) -> bytes:
            if profile.layout == "days":
                lines: Iterable[str] = self._day(address, profile, argument, now)
            else:
                since, until = self._asked(argument, profile.seasons, honoured=profile.honours_season)
                if since is not None:
                    since += timedelta(minutes=profile.late)
                rows = (
                    self.recorder.days_of(since, until, now)
                    if profile.period == _MINUTES
                    else self.recorder.rows(profile.period, since, until, now)
                )
                lines = (
                    self._rows(address, profile, rows)
                    if profile.layout == "rows"
                    else self._headed(address, profile, rows)
                )
            return _text(lines, profile.empty.format(address=address))

        return answer

    def _of_log_book(self, address: str, log_book: StoredLogBook) -> Callable[[str, float], bytes]:
        def answer(argument: str, now: float) -> bytes:
            since, until = self._asked(argument, log_book.seasons, honoured=True)
            events = self.recorder.events(since, until, now)
            if log_book.shuffled:
                # Some meters write their log book in rings of a few lines.
                events = [one for start in range(0, len(events), 3) for one in reversed(events[start : start + 3])]
            return _text(
                (self._event(address, log_book, one) for one in events), log_book.empty.format(address=address)
            )

        return answer

    # --- times

    def _time(self, seasons: Convention) -> MeterTime:
        base = TimeBase.STANDARD if seasons is Convention.STANDARD else TimeBase.LOCAL
        return MeterTime(self.household.zone or UTC, base)

    def _stamp(self, moment: datetime, seasons: Convention, *, seconds: bool = True) -> str:
        return format_time_stamp(self._time(seasons).stamp(moment, seasons), seconds=seconds)

    def _asked(self, argument: str, seasons: Convention, *, honoured: bool) -> tuple[datetime | None, datetime | None]:
        """Return from when and until when a request asks, None where it leaves that open."""
        time = self._time(seasons)
        moments: list[datetime | None] = []
        for text in (*argument.split(";"), "", "")[:2]:
            stamp = parse_time_stamp(text)
            if stamp is not None and not honoured:
                season = Season.STANDARD if seasons is Convention.STANDARD else None
                stamp = TimeStamp(stamp.local, season)
            moments.append(None if stamp is None else time.utc(stamp))
        return moments[0], moments[1]

    # --- profiles

    def _headed(self, address: str, profile: StoredProfile, rows: Iterable[Recorded]) -> Iterator[str]:
        step = timedelta(minutes=profile.period)
        columns = "".join(f"({column.address})({column.unit})" for column in profile.columns)
        expected: datetime | None = None
        for row in rows:
            if row.printed != expected or row.status or (profile.midnight and self._begins_day(row.printed - step)):
                stamp = self._stamp(row.printed, profile.seasons, seconds=profile.seconds)
                status = self._word(row.status, row.printed, profile)
                yield f"{address}({stamp})({status})({profile.period})({len(profile.columns)}){columns}"
            expected = row.printed + step
            yield "".join(f"({value})" for value in self._values(profile, row))

    def _rows(self, address: str, profile: StoredProfile, rows: Iterable[Recorded]) -> Iterator[str]:
        for row in rows:
            local = self._time(profile.seasons).stamp(row.printed, Convention.BARE).local
            values = "".join(f"({value})" for value in self._values(profile, row))
            yield f"{address}({local:%y-%m-%d,%H:%M}){values}({self._word(row.status, row.printed, profile)})"

    def _day(self, address: str, profile: StoredProfile, argument: str, now: float) -> Iterator[str]:
        try:
            day = datetime.strptime(argument, "%d.%m.%y")  # noqa: DTZ007 - a meter's clock knows no zone
        except ValueError:
            return
        begin, end = self.household.seconds(day), min(self.household.seconds(day + _DAY), int(now))
        oldest = self.household.seconds(self.household.clock(now)) - self.form.days * 86_400
        if not oldest <= begin < end:
            return
        row = Recorded(self.household.moment(end), Status(0), begin, end, max(end - begin, 1))
        for place, value in enumerate(self._values(profile, row)):
            yield f"{'' if place else address}({value})"

    def _begins_day(self, moment: datetime) -> bool:
        zone = self.household.zone
        local = moment if zone is None else moment.astimezone(zone)
        return not (local.hour or local.minute)

    def _word(self, status: Status, moment: datetime, profile: StoredProfile) -> str:
        word = sum(_BITS[flag] for flag in status if not (profile.summer_bit and flag is Status.SEASON_CHANGED))
        if profile.summer_bit and self.recorder.in_summer(moment):
            word |= _BITS[Status.SEASON_CHANGED]
        return f"{word:0{profile.status_digits}X}"

    def _values(self, profile: StoredProfile, row: Recorded) -> Iterator[str]:
        before, after = self._energy_at(row.begin), self._energy_at(row.end)
        for column in profile.columns:
            value = Decimal(0)
            if column.source:
                total: Decimal = getattr(after, column.source)
                added = total - getattr(before, column.source)
                match column.amount:
                    case Amount.TOTAL:
                        value = total
                    case Amount.INCREMENT:
                        value = added
                    case Amount.POWER:
                        value = added * _HOUR / row.averaged
            yield format(Shown(value), column.digits)

    def _energy_at(self, t: float) -> Energy:
        """Return the counters; most rows begin where the one before them ended."""
        if t != self._known[0]:
            self._known = t, self.household.energy_at(t)
        return self._known[1]

    # --- log books

    def _event(self, address: str, log_book: StoredLogBook, event: Happened) -> str:
        stamp = self._stamp(event.printed, log_book.seasons)
        (name,) = event.status.names
        word = log_book.words.get(name, f"{_BITS[event.status]:0{log_book.status_digits}X}")
        if log_book.number_address:
            first = log_book.number_address
            number = log_book.numbers.get(name, 0)
            return f"{address}({stamp})({'0' * log_book.status_digits})()(2)({first}.0)()({first}.10)()({number})(0)"
        if event.after is None:
            return f"{address}({stamp})({word})()(0)"
        after = self._stamp(event.after, log_book.seasons)
        digit, date, clock = after[: len(after) % 2], after[-12:-6], after[-6:]
        return f"{address}({stamp})({word})()(2)(0.9.1)()(0.9.2)()({digit}{clock})({digit}{date})"


def _text(lines: Iterable[str], empty: str) -> bytes:
    text = "".join(f"{line}\r\n" for line in lines)
    return (text or empty).encode("ascii")
