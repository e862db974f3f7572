"""What words in a log mean: a `Pattern` has phrases, and the causes that fit them.

Phrases are written as the runtimes write them and compared in the normal form of `pasted`, so one
phrase matches `SSLV3_ALERT_X`, `sslv3 alert x` and `AlertX`. The same words mean opposite
parties in an exporter's log and in a backend's, so every pattern is read for either side.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from probe.messages.patterns.pasted import normal_form

GAP: Final = "…"
_WIDEST_GAP: Final = 300
_PLACES: Final = 20


class Specificity(IntEnum):
    """How much a pattern says; a lower one does not count where a higher one was found."""

    WRAPPER = 1
    """An envelope around the error: `failed to connect to all addresses`, `UNAVAILABLE`."""
    ENDED = 2
    """How it ended, without a reason: a close, a reset, a deadline."""
    ANSWERED = 3
    """A verdict without its reason: `certificate verify failed`, HTTP 400, a gRPC status."""
    BROAD = 4
    """The fault in a form of which only the family is known: `…host name … does not match`."""
    NAMED = 5
    """The fault in words, or the alert."""


class Reading(NamedTuple):
    """One cause that fits a pattern; `note` says why where that is not obvious."""

    cause: str
    weight: float
    note: str = ""


Readings = tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """Phrases with their causes: `exporter` where the exporter's side printed them, else `backend`."""

    why: str
    phrases: tuple[str, ...]
    exporter: Readings
    backend: Readings
    rank: Specificity = Specificity.NAMED


@dataclass(frozen=True, slots=True)
class Shape:
    """The form of a family of sentences, in normal form; what varies in it is bounded."""

    pattern: Pattern
    regex: re.Pattern[str]


def find_shapes(shapes: Iterable[Shape], words: str) -> Iterator[tuple[Pattern, str]]:
    """Yield the patterns whose shape is in `words`, and the matching words."""
    for shape in shapes:
        if (found := shape.regex.search(words)) is not None:
            yield shape.pattern, found[0].strip()


@dataclass(frozen=True, slots=True)
class Found:
    """A pattern that is in the text, with the phrase that matched and its place in the words."""

    pattern: Pattern
    phrase: str
    start: int
    end: int


def weigh_causes(**weights: float) -> Readings:
    """Return causes with their weights, 0 to 1, best first."""
    return tuple(Reading(cause, weight) for cause, weight in weights.items())


def build_pattern(
    why: str, phrases: tuple[str, ...], rank: Specificity = Specificity.NAMED, **weights: float
) -> Pattern:
    """Return a pattern that means the same in an exporter's and in a backend's log."""
    causes = weigh_causes(**weights)
    return Pattern(why, phrases, causes, causes, rank)


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrase of a pattern, prepared for the search: its parts in normal form."""

    pattern: Pattern
    text: str
    parts: tuple[str, ...]


def split_phrases(patterns: Iterable[Pattern]) -> tuple[Phrase, ...]:
    """Return every phrase of `patterns`."""
    return tuple(
        Phrase(pattern, text, tuple(f" {normal_form(part)} " for part in text.split(GAP)))
        for pattern in patterns
        for text in pattern.phrases
    )


def find_phrases(phrases: Iterable[Phrase], words: str) -> tuple[Found, ...]:
    """Return the patterns that are in `words`, each once, by its longest phrase.

    The longer phrase decides: a phrase completely within it does not count again, so that
    `http: TLS handshake timeout` is not a `timeout` too.
    """
    everywhere = [
        Found(phrase.pattern, phrase.text, start, end)
        for phrase in phrases
        if phrase.parts[0] in words
        for start, end in _find_places(words, phrase.parts)
    ]
    everywhere.sort(key=lambda each: (each.start - each.end, each.start))
    found: dict[int, Found] = {}
    taken: list[tuple[int, int]] = []
    for each in everywhere:
        if not any(a <= each.start and each.end <= b for a, b in taken):
            found.setdefault(id(each.pattern), each)
            taken.append((each.start, each.end))
    return tuple(found.values())


def _find_places(words: str, parts: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """Yield the places of the parts, at most `_PLACES` times: plain searches, without backtracking."""
    after = 0
    for _ in range(_PLACES):
        start = words.find(parts[0], after)
        if start < 0:
            return
        end = after = start + len(parts[0]) - 1
        for part in parts[1:]:
            at = words.find(part, end, end + _WIDEST_GAP + len(part))
            if at < 0:
                break
            end = at + len(part) - 1
        else:
            yield start, end
