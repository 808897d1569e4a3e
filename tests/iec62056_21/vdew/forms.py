"""Short ways to what the tests of load profiles need."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from obisgw.iec62056_21.dialects import Dialects
from obisgw.iec62056_21.vdew.form import ProfileForm
from obisgw.iec62056_21.vdew.meter_time import MeterTime, TimeBase
from obisgw.iec62056_21.vdew.parsers import profile_parser
from obisgw.iec62056_21.vdew.periods import Period, PeriodAssembler
from obisgw.iec62056_21.vdew.records import Record

DIALECTS = Dialects.load()
STANDARD = DIALECTS.match(None)
BERLIN = MeterTime(ZoneInfo("Europe/Berlin"))
EARLY, LATE = datetime(2000, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)


def header(
    stamp: str, status: str = "00", period: str = "15", columns: str = "(1)(1.29)(kWh)", kz: str = "P.01"
) -> str:
    """A header line."""
    return f"{kz}({stamp})({status})({period}){columns}\r\n"


def rows(*values: str) -> str:
    """Rows of one column."""
    return "".join(f"({value})\r\n" for value in values)


def records(text: str, form: ProfileForm | None = None) -> list[Record]:
    """What the parser makes of a whole answer."""
    parser = profile_parser(form or ProfileForm(), STANDARD.code_of)
    return [*parser.feed(text.encode("latin-1")), *parser.finish()]


def assembler(
    time: MeterTime = BERLIN, since: datetime = EARLY, until: datetime = LATE, *, mean_of_part: bool = True
) -> PeriodAssembler:
    """An assembler that takes everything."""
    return PeriodAssembler(time, since, until, mean_of_part=mean_of_part)


def periods(
    text: str, zone: str = "Europe/Berlin", base: TimeBase = TimeBase.LOCAL, *, mean_of_part: bool = True
) -> list[Period]:
    """The periods of a whole answer."""
    one = assembler(MeterTime(ZoneInfo(zone), base), mean_of_part=mean_of_part)
    one.take(records(text))
    return one.answered()


def shown(found: list[Period]) -> list[tuple[str, str, tuple[str, ...], str]]:
    """End in UTC, minutes, flags and the first value, each as short text."""
    return [
        (
            f"{one.end:%m-%d %H:%M:%S}".removesuffix(":00"),
            f"{(one.end - one.start).total_seconds() / 60:g}",
            one.status.names,
            str(one.values[0]),
        )
        for one in found
    ]
