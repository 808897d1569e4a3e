"""How a meter is shown, from its settings and from what clients of the API wish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from obisgw.config.values import MeterMode
from obisgw.obis import unit_factor
from obisgw.readings.shown import MeterOptions
from obisgw.readings.thresholds import Threshold, threshold_id

from .diagnostics import without_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from obisgw.config.table import MeterSettings, ThresholdSettings

ThresholdsOf: TypeAlias = "Callable[[str], tuple[Threshold, ...]]"
"""The thresholds that clients of the API wish for a meter, by its id."""


def no_thresholds(_: str) -> tuple[Threshold, ...]:
    """Return none: nobody asks for any."""
    return ()


def options_of(
    settings: MeterSettings,
    every: float,
    own: tuple[Threshold, ...] = (),
    wished: Iterable[Threshold] = (),
    *,
    battery: bool = False,
    has_clock: bool = False,
) -> MeterOptions:
    """Return how a meter is shown. ``every`` is the time between its readings where it is asked.

    ``own`` are the configured thresholds; of those that clients wish, the ones with other ids are added.
    """
    push = settings.mode is MeterMode.D
    pause = settings.every.total_seconds() if settings.every else None
    taken = {one.id for one in own}
    more = {one.id: one for one in wished if one.id not in taken}
    return MeterOptions(
        interval=pause if push else every,
        slot=settings.entry,
        name=settings.name,
        on_request=not push,
        thresholds=(*own, *more.values()),
        port=without_user(settings.port),
        battery=battery,
        has_clock=has_clock,
    )


def threshold_of(settings: ThresholdSettings) -> Threshold:
    """Return a configured threshold."""
    limit = settings.above or settings.below
    unit, hysteresis = None if limit is None else limit.unit, settings.hysteresis
    # Without a unit of its own it is in the limit's; others than its were refused with the configuration.
    factor = unit_factor(hysteresis.unit, unit) if hysteresis.unit else None
    return Threshold(
        id=threshold_id(settings.name),
        name=settings.name,
        register=settings.register,
        above=None if settings.above is None else settings.above.number,
        below=None if settings.below is None else settings.below.number,
        unit=unit,
        hysteresis=hysteresis.number * (factor or 1),
        seconds=settings.duration.total_seconds(),
    )
