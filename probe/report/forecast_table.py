"""A forecast as a table for a terminal. All text has passed `safe_text`."""

import sys
from collections.abc import Sequence
from typing import Final, TextIO

from rich.text import Text

from probe.diagnosis.cause import PARTIES
from probe.forecast.entry import SURENESS, ForecastEntry, describe_moment, describe_time
from probe.report.console import make_console, make_table
from probe.report.forecast_words import count_names, describe_subject, rank_left
from probe.text.time_format import DAY, format_duration

_COLUMNS: Final = ("ENDS", "UTC", "WHAT", "WHO MUST ACT", "SURE", "TARGETS")
_UNBROKEN: Final = 100_000
_STYLES: Final = {"bad": "red", "unsure": "yellow", "good": ""}


def print_forecast(
    entries: Sequence[ForecastEntry],
    now: float,
    within: float,
    stream: TextIO | None = None,
    *,
    verbose: bool = False,
) -> None:
    """Print what ends within `within` seconds of `now`; where `verbose`, with why and what to do."""
    console = make_console(stream or sys.stdout)
    if not console.is_terminal:
        console.width = _UNBROKEN
    table = make_table(_COLUMNS)
    for one in entries:
        style = _STYLES[rank_left(one, now)] if one.counts else "dim"
        table.add_row(
            Text(describe_moment(one, now), style=style),
            Text(describe_time(one).removesuffix(" UTC")),
            Text(describe_subject(one)),
            Text(PARTIES[one.party]),
            Text(SURENESS[one.sure]),
            Text(count_names(one.targets)),
        )
    if entries:
        console.print(table)
        console.print()
    for one in entries if verbose else ():
        text = Text()
        text.append(f"{describe_moment(one, now)}: {describe_subject(one)}\n", style="bold")
        text.append(f"  {one.why}\n")
        text.append(f"  targets: {', '.join(one.targets)}\n")
        for number, step in enumerate(one.fix, 1):
            text.append(f"  {number}. {step}\n")
        console.print(text, soft_wrap=True)
    console.print(Text(summarize_forecast(entries, now, within)), soft_wrap=True)


def summarize_forecast(entries: Sequence[ForecastEntry], now: float, within: float) -> str:
    """Say in one sentence how much there is, and when the first of it breaks."""
    days = f"{within / DAY:g}"
    span = format_duration(within) if within < DAY else f"{days} day{'' if days == '1' else 's'}"
    acting = [one for one in entries if one.counts]
    others = len(entries) - len(acting)
    parts: list[str] = []
    ended = sum(one.at is not None and one.at <= now for one in acting)
    unknown = sum(one.at is None for one in acting)
    if ended:
        parts.append(f"{ended} ended already")
    if coming := [one for one in acting if one.at is not None and one.at > now]:
        parts.append(f"the {'next' if ended else 'first'} {describe_moment(coming[0], now)}")
    if unknown:
        parts.append(f"{unknown} at a time that is not known")
    renews = f"{others} more {'renews by itself' if others == 1 else 'renew by themselves'}"
    tail = f"; {renews}" if others else ""
    if not acting:
        return f"nothing breaks by itself within {span}{tail}"
    number = "1 thing breaks" if len(acting) == 1 else f"{len(acting)} things break"
    return f"{number} within {span}: {', '.join(parts)}{tail}"
