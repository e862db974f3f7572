"""The page of what will break by itself: a drawn timeline, and the same as a table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import msgspec

from probe.diagnosis.cause import PARTIES
from probe.forecast.entry import KINDS, SURENESS, ForecastEntry, describe_moment
from probe.forecast.forecast import ForecastMaker, SeenTarget, list_unseen
from probe.forecast.renewals import RenewalHistory
from probe.ledger.ledger import Ledger
from probe.ledger.replicas import list_results
from probe.report.calendar_file import list_calendar_parts
from probe.report.forecast_document import build_forecast, encode_forecast
from probe.report.forecast_table import summarize_forecast
from probe.report.forecast_words import Urgency, count_names, rank_left
from probe.text.time_format import DAY, rfc3339
from probe.web.pages.forecast_timeline import FIRST_PLACE, MOST_DRAWN, TOP, draw_timeline
from probe.web.pages.rendering import list_frame_values, load_template

DEFAULT_DAYS: Final = 90
CHOICES: Final = (7, 30, 90, 365, 3650)
"""Days to look ahead that the page offers; another number may stand in its address."""
MOST_DAYS: Final = 36500
MOST_SHOWN: Final = 250
"""Entries that the page lists; the JSON has all."""
BATCH: Final = 20
"""Targets that are looked at in one go."""
UNSEEN_SHOWN: Final = 20
TARGETS_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """One entry as the table has it."""

    number: int
    entry: ForecastEntry
    kind: str
    moment: str
    at: str
    """RFC 3339; empty where it is not known."""
    urgency: Urgency
    party: str
    sure: str
    targets: str


@dataclass(slots=True)
class Foreseen:
    """What is foreseen of all targets, once every part of it was made."""

    now: float
    within: float
    entries: tuple[ForecastEntry, ...] = ()
    unseen: tuple[tuple[str, str], ...] = ()
    pending: int = 0
    """Targets without a finished attempt."""


def read_days(query: Mapping[str, str]) -> int:
    """Return how many days ahead the page's address asks to look; what it cannot read is 90."""
    text = query.get("days", "")
    days = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else DEFAULT_DAYS
    return min(max(days, 1), MOST_DAYS)


def foresee(ledger: Ledger, now: float, days: int) -> Iterator[Foreseen | None]:
    """Yield None while targets are looked at, a few at a time, and last what is foreseen of them."""
    within = days * DAY
    maker, pending = ForecastMaker(now, within), 0
    unseen: list[tuple[str, str]] = []
    for count, runtime in enumerate(list(ledger), 1):
        if runtime.diagnosis is None:
            pending += 1
        for result in list_results(runtime):
            if result.evidence is None or result.diagnosis is None:
                continue
            history = result.get_store(RenewalHistory)
            seen = SeenTarget(result.evidence, result.diagnosis, history)
            maker.add(seen)
            unseen += list_unseen([seen])
        if not count % BATCH:
            yield None
    made = Foreseen(now, within, maker.finish(), tuple(unseen), pending)
    yield None
    yield made


def render_forecast_page(ledger: Ledger, now: float, query: Mapping[str, str]) -> Iterator[bytes]:
    """Yield the page part by part, as of `now` (epoch seconds); an empty part is only a pause."""
    days = read_days(query)
    for made in foresee(ledger, now, days):
        if made is None:
            yield b""
        else:
            yield from _render(made, days)


def render_forecast_json(ledger: Ledger, now: float, query: Mapping[str, str]) -> Iterator[bytes]:
    """Yield the same as JSON."""
    for made in foresee(ledger, now, read_days(query)):
        if made is None:
            yield b""
        else:
            yield from _json_parts(made)


def render_forecast_calendar(
    ledger: Ledger, now: float, query: Mapping[str, str]
) -> Iterator[bytes]:
    """Yield the same as a calendar, without what renews by itself: it would remind of nothing."""
    waiting: list[bytes] = []
    for made in foresee(ledger, now, read_days(query)):
        if made is None:
            yield b""
        else:
            counting = [one for one in made.entries if one.counts]
            for number, part in enumerate(list_calendar_parts(counting, now)):
                waiting.append(part)
                if not number % BATCH:
                    yield b"".join(waiting)
                    waiting.clear()
            yield b"".join(waiting)


def _json_parts(made: Foreseen) -> Iterator[bytes]:
    """Yield the JSON document, a part for each `BATCH` of entries."""
    empty = encode_forecast(build_forecast((), made.unseen, made.now, made.within))
    before, items, after = empty.partition(b'"forecast":[')
    yield before + items
    for start in range(0, len(made.entries), BATCH):
        part = build_forecast(made.entries[start : start + BATCH], (), made.now, made.within)
        yield (b"," if start else b"") + msgspec.json.encode(part.forecast)[1:-1]
    yield after


def _render(made: Foreseen, days: int) -> Iterator[bytes]:
    now, entries = made.now, made.entries
    stream = load_template("forecast.html").stream(
        list_frame_values(),
        days=days,
        choices=CHOICES,
        summary=summarize_forecast(entries, now, made.within),
        timeline=draw_timeline(entries, now, made.within),
        top=TOP,
        first=FIRST_PLACE,
        most_drawn=MOST_DRAWN,
        rows=_build_rows(entries[:MOST_SHOWN], now),
        left_out=max(len(entries) - MOST_SHOWN, 0),
        unseen=made.unseen[:UNSEEN_SHOWN],
        unseen_left_out=max(len(made.unseen) - UNSEEN_SHOWN, 0),
        pending=made.pending,
        query=urlencode({"days": days}),
        now=rfc3339(now),
    )
    stream.enable_buffering(50)
    yield from (part.encode() for part in stream)


def _build_rows(entries: Sequence[ForecastEntry], now: float) -> list[ForecastRow]:
    return [
        ForecastRow(
            number=number,
            entry=one,
            kind=KINDS[one.kind],
            moment=describe_moment(one, now),
            at="" if one.at is None else rfc3339(one.at),
            urgency=rank_left(one, now),
            party=PARTIES[one.party],
            sure=SURENESS[one.sure],
            targets=count_names(one.targets, TARGETS_SHOWN),
        )
        for number, one in enumerate(entries, 1)
    ]
