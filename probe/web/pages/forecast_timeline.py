"""The timeline of a forecast as SVG takes it: one line for each entry, from now to where it ends.

Pure. Places are percentages, so that a drawing is as wide as its page and its letters keep their
size; the table below it says the same in words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from probe.diagnosis.cause import PARTIES
from probe.forecast.entry import KINDS, ForecastEntry, describe_moment
from probe.report.forecast_words import Urgency, rank_left
from probe.text.time_format import DAY

MOST_DRAWN: Final = 24
"""Entries; the table has the others."""
ROW: Final = 44
"""Height of a line with the words above it."""
TOP: Final = 28
"""Height of the axis."""
_SHORT_LABEL: Final = 44
"""Characters that fit above a line on a phone."""
_LONG_LABEL: Final = 130
"""Characters that fit on a screen."""
FIRST_PLACE: Final = 2.0
_LAST_PLACE: Final = 97.0
"""Percentages of the width that now and the horizon are at: marks next to them are whole."""
_MOST_TICKS: Final = 4


@dataclass(frozen=True, slots=True)
class Tick:
    """One moment of the axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """One entry: where its line ends, and the words above it."""

    number: int
    x: float
    y: int
    urgency: Urgency
    short: str
    long: str
    """The same with who must act, and where."""
    known: bool
    """Whether its moment is known; else the line is dashed to the horizon."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole drawing."""

    height: int
    ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    left_out: int
    label: str


def draw_timeline(entries: Sequence[ForecastEntry], now: float, horizon: float) -> Timeline:
    """Return the timeline of `entries`, which are in order, from `now` to `horizon` seconds later."""
    shown = entries[:MOST_DRAWN]
    marks = tuple(
        Mark(
            number=number,
            x=_LAST_PLACE if one.at is None else _place(one.at - now, horizon),
            y=TOP + (number - 1) * ROW,
            urgency=rank_left(one, now),
            short=_cut(" · ".join(_list_parts(one, now)).replace("CN=", "", 1), _SHORT_LABEL),
            long=_cut(
                " · ".join([*_list_parts(one, now), one.where, PARTIES[one.party]]), _LONG_LABEL
            ),
            known=one.at is not None,
        )
        for number, one in enumerate(shown, 1)
    )
    left_out = len(entries) - len(shown)
    more = f", and {left_out} more in the table" if left_out else ""
    return Timeline(
        height=TOP + len(shown) * ROW + 8,
        ticks=_list_ticks(now, horizon),
        marks=marks,
        left_out=left_out,
        label=f"Timeline of the first {len(shown)} of what ends{more}; the table below says the same",
    )


def _place(left: float, horizon: float) -> float:
    """Return the percentage of the width for what ends in `left` seconds; what has ended is at now."""
    share = min(max(left / horizon, 0.0), 1.0)
    return round(FIRST_PLACE + share * (_LAST_PLACE - FIRST_PLACE), 2)


def _list_parts(entry: ForecastEntry, now: float) -> list[str]:
    moment = "time not known" if entry.at is None else describe_moment(entry, now)
    return [moment, KINDS[entry.kind], *filter(None, [entry.subject])]


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _list_ticks(now: float, horizon: float) -> tuple[Tick, ...]:
    """Return a few moments as calendars have them: hours, days, months or years."""
    ticks = [Tick(FIRST_PLACE, "now")]
    steps = horizon / (_MOST_TICKS - 1)
    try:
        begins = datetime.fromtimestamp(now, UTC)
        for count in range(1, _MOST_TICKS):
            at = begins + timedelta(seconds=steps * count)
            ticks.append(Tick(_place(steps * count, horizon), _name(at, horizon)))
    except (OverflowError, ValueError, OSError):  # a horizon beyond the calendar's last year
        return tuple(ticks)
    return tuple(ticks)


def _name(at: datetime, horizon: float) -> str:
    if horizon < 3 * DAY:
        return at.strftime("%d %b %H:%M")
    return at.strftime("%b %Y") if horizon > 400 * DAY else at.strftime("%d %b")
