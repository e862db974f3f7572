"""How a forecast's entries are worded, the same for a terminal, the page and a calendar. Pure."""

from collections.abc import Sequence
from typing import Final, Literal

from probe.forecast.entry import ForecastEntry
from probe.text.time_format import DAY

Urgency = Literal["bad", "unsure", "good"]

CRITICAL: Final = 14 * DAY
WARNING: Final = 28 * DAY
"""Seconds left below which something is urgent, as the alerting rules have it by default."""


def rank_left(entry: ForecastEntry, now: float) -> Urgency:
    """Return how urgent it is; what needs nobody is not."""
    if not entry.counts:
        return "good"
    if entry.at is None or entry.at - now < CRITICAL:
        return "bad"
    return "unsure" if entry.at - now < WARNING else "good"


def describe_subject(entry: ForecastEntry) -> str:
    """Name what ends, with the certificate's subject where there is one."""
    if not entry.sha256:
        return entry.what
    place = f", certificate {entry.position + 1} of the path" if entry.position else ""
    return f"{entry.what}: {entry.subject}{place}"


def count_names(names: Sequence[str], shown: int = 1) -> str:
    """Return the first names, and how many more there are."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")
