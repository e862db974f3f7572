"""Finds the rows of the table in the words of one message. Pure, total, linear in the text.

A row is searched where its rarest word stands; what may stand between two parts is bounded.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from probe.messages.table import Level, MessageTable, Row

_PLACES: Final = 50
"""How often a row's rarest word is looked at in one message."""


@dataclass(frozen=True, slots=True)
class Match:
    """A row that is in the text, with the places (first word, after the last) of its parts."""

    row: Row
    spans: tuple[tuple[int, int], ...]

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
    found = [
        match
        for word in places.keys() & table.by_word.keys()
        for row, offset in table.by_word[word]
        if all(each in places for part in row.parts for each in part)
        for match in _find_row(row, offset, words, places)
    ]
    found.sort(key=lambda each: (-each.length, each.spans))
    taken: list[tuple[int, int]] = []
    strong: list[tuple[int, int]] = []
    kept: list[Match] = []
    for match in found:
        verdict = match.row.meaning is not None
        if (
            verdict
            and all(any(a <= start and end <= b for a, b in taken) for start, end in match.spans)
            and not _is_equal(match, kept)
        ):
            continue
        level = match.row.meaning.level if match.row.meaning is not None else Level.CONTEXT
        if level is Level.BROAD and any(
            a < end and start < b for start, end in match.spans for a, b in strong
        ):
            continue
        kept.append(match)
        if verdict:
            taken.extend(match.spans)
        if level > Level.BROAD:
            strong.extend(match.spans)
    return tuple(kept)


def _is_equal(match: Match, kept: Sequence[Match]) -> bool:
    """Return whether another verdict has the very same words, as two libraries may have."""
    return any(each.row.meaning is not None and each.spans == match.spans for each in kept)


def _find_row(
    row: Row, offset: int, words: Sequence[str], places: Mapping[str, list[int]]
) -> Iterator[Match]:
    first = row.parts[0]
    for at in places[first[offset]][:_PLACES]:
        start = at - offset
        if start < 0 or tuple(words[start : start + len(first)]) != first:
            continue
        spans = [(start, start + len(first))]
        for part in row.parts[1:]:
            following = _find_part(part, spans[-1][1], row.within, words, places)
            if following is None:
                break
            spans.append(following)
        else:
            yield Match(row, tuple(spans))


def _find_part(
    part: tuple[str, ...],
    after: int,
    within: int,
    words: Sequence[str],
    places: Mapping[str, list[int]],
) -> tuple[int, int] | None:
    at = places[part[0]]
    for start in at[bisect_left(at, after) :]:
        if start > after + within:
            return None
        if tuple(words[start : start + len(part)]) == part:
            return start, start + len(part)
    return None
