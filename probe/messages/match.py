"""Finds the rows of the table in the words of one message. Pure, total, linear in the text.

A row is searched where its rarest pair of words stands; what may stand between two parts is bounded.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from probe.messages.table import Key, Level, MessageTable, Row

Spans = tuple[tuple[int, int], ...]
"""The places of a row's parts: the first word, and the one after the last."""
_PLACES: Final = 50
"""How often the same words are looked at in one message."""


@dataclass(frozen=True, slots=True)
class Match:
    """A row that is in the text, and where."""

    row: Row
    spans: Spans

    @property
    def length(self) -> int:
        """The number of words that match."""
        return sum(end - start for start, end in self.spans)


def find_rows(table: MessageTable, words: Sequence[str]) -> tuple[Match, ...]:
    """Return the rows in `words`, longest first; one within a longer one does not count.

    A family of sentences does not count where a row that says more has one of its words. Markers
    without a meaning count always, and hide no other row.
    """
    places: dict[str, list[int]] = {}
    for at, word in enumerate(words):
        places.setdefault(word, []).append(at)
    found = [*_find_by_key(table, words, words, places)]
    found += _find_by_key(table, list(pairwise(words)), words, places)
    found.sort(key=lambda each: (-each.length, each.spans))
    # The longer text that has each word, by its number; the words that say more than a family.
    taken = [0] * len(words)
    strong = bytearray(len(words))
    kept: dict[Spans, list[Match]] = {}
    for number, match in enumerate(found, 1):
        level = match.row.meaning.level if match.row.meaning is not None else None
        if level is not None:
            # Two libraries may have the very same words.
            hidden = match.spans not in kept and all(
                0 != taken[start] == taken[end - 1] for start, end in match.spans
            )
            covered = any(any(strong[start:end]) for start, end in match.spans)
            if hidden or (covered and level is Level.BROAD):
                continue
            for start, end in match.spans:
                taken[start:end] = [each or number for each in taken[start:end]]
                if level > Level.BROAD:
                    strong[start:end] = bytes([1]) * (end - start)
        kept.setdefault(match.spans, []).append(match)
    return tuple(match for same in kept.values() for match in same)


def _find_by_key(
    table: MessageTable,
    keys: Sequence[Key],
    words: Sequence[str],
    places: Mapping[str, list[int]],
) -> Iterator[Match]:
    """Yield the rows that are found by one of `keys`, which stand where the words stand."""
    tried: Counter[Key] = Counter()
    for at, key in enumerate(keys):
        if (rows := table.by_key.get(key)) is None or tried[key] == _PLACES:
            continue
        tried[key] += 1
        for row, offset in rows:
            if (match := _match_row(row, at - offset, words, places)) is not None:
                yield match


def _match_row(
    row: Row, start: int, words: Sequence[str], places: Mapping[str, list[int]]
) -> Match | None:
    end = start + len(row.parts[0])
    if start < 0 or tuple(words[start:end]) != row.parts[0]:
        return None
    spans = [(start, end)]
    for part in row.parts[1:]:
        following = _find_part(part, spans[-1][1], row.within, words, places)
        if following is None:
            return None
        spans.append(following)
    return Match(row, tuple(spans))


def _find_part(
    part: tuple[str, ...],
    after: int,
    within: int,
    words: Sequence[str],
    places: Mapping[str, list[int]],
) -> tuple[int, int] | None:
    at = places.get(part[0], ())
    for start in at[bisect_left(at, after) :]:
        if start > after + within:
            return None
        if tuple(words[start : start + len(part)]) == part:
            return start, start + len(part)
    return None
