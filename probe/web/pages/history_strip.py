"""The history strip: a target's last attempts as bars whose height says how each ended.

Pure, from the ledger's entries; colour only repeats what height and the label in words say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from probe.ledger.history import HISTORY, HistoryEntry
from probe.report.outcome import MOOD_WORDS, Mood, find_mood
from probe.text.time_format import rfc3339

STEP: Final = 4
"""Units from one bar to the next; a bar is three wide."""
WIDTH: Final = HISTORY * STEP
HEIGHT: Final = 16

_HEIGHTS: Final[dict[Mood, int]] = {"good": 5, "unsure": 10, "bad": HEIGHT}


@dataclass(frozen=True, slots=True)
class Bar:
    """One attempt: where its bar stands, and what it was, in words."""

    mood: Mood
    x: int
    y: int
    height: int
    title: str


@dataclass(frozen=True, slots=True)
class Strip:
    """The strip as SVG takes it: one path for each mood, the newest attempt at the right."""

    label: str
    paths: tuple[tuple[Mood, str], ...]


def draw_strip(history: Sequence[HistoryEntry]) -> Strip:
    """Return the strip of `history`, which stands oldest first."""
    moods = [find_mood(entry.outcome, expected=entry.expected) for entry in history]
    paths: dict[Mood, list[str]] = {}
    for place, mood in enumerate(moods, HISTORY - len(moods)):
        # One path for each mood keeps a page of hundreds of targets small.
        high = _HEIGHTS[mood]
        paths.setdefault(mood, []).append(f"M{place * STEP} {HEIGHT - high}h3v{high}h-3z")
    return Strip(_label(moods), tuple((mood, "".join(parts)) for mood, parts in paths.items()))


def draw_bars(history: Sequence[HistoryEntry]) -> tuple[Bar, ...]:
    """Return a bar for each attempt of `history`, to be shown with its title."""
    return tuple(
        Bar(mood, place * STEP, HEIGHT - _HEIGHTS[mood], _HEIGHTS[mood], _title(entry))
        for place, entry in enumerate(history, HISTORY - len(history))
        for mood in (find_mood(entry.outcome, expected=entry.expected),)
    )


def _label(moods: Sequence[Mood]) -> str:
    if not moods:
        return "no attempt yet"
    counted = ((moods.count(mood), words) for mood, words in MOOD_WORDS.items())
    counts = ", ".join(f"{count} {words}" for count, words in counted if count)
    return f"last attempt: {counts}" if len(moods) == 1 else f"last {len(moods)} attempts: {counts}"


def _title(entry: HistoryEntry) -> str:
    cause = f" ({entry.cause})" if entry.cause else ""
    return f"{rfc3339(entry.at)} {entry.outcome}{cause}"
