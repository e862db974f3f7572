"""Which causes an error line pasted from a log is compatible with, best first: pure and total.

The words are read as alerts, verdicts on a certificate, faults of files, ends of a connection or
answers. Their meaning depends on the side that printed them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from probe.messages.patterns.alert_meanings import read_alert
from probe.messages.patterns.alert_patterns import ALERT_NAMES, PrintedAlert, find_alerts
from probe.messages.patterns.answer_patterns import ANSWER_PATTERNS
from probe.messages.patterns.file_patterns import (
    build_unspecific_pattern,
    detect_role,
    list_file_phrases,
)
from probe.messages.patterns.handshake_patterns import PEER_PATTERNS
from probe.messages.patterns.http_statuses import find_statuses
from probe.messages.patterns.message_families import LOADING, SHAPES
from probe.messages.patterns.network_patterns import NETWORK_PATTERNS
from probe.messages.patterns.pair_patterns import PAIR_PATTERNS
from probe.messages.patterns.pasted import Pasted, normal_form, read_paste
from probe.messages.patterns.pattern import (
    Pattern,
    Reading,
    Readings,
    Shape,
    Specificity,
    find_phrases,
    find_shapes,
    split_phrases,
)
from probe.messages.patterns.verification_patterns import VERIFICATION_PATTERNS, X509_V_ERR

MOST_CANDIDATES: Final = 8
"""The largest number of candidates."""

_PHRASES: Final = split_phrases(
    (*VERIFICATION_PATTERNS, *PEER_PATTERNS, *PAIR_PATTERNS, *NETWORK_PATTERNS, *ANSWER_PATTERNS)
)
_OTHER_SIDE: Final = 0.45
"""The weight of the other side's reading where nothing shows which side printed a verdict."""
_SIDE_UNKNOWN: Final = "if the backend's side printed it"

_VERIFY_NUMBER: Final = re.compile(
    r" (?:verify error(?: num)?|verify return code|verify result|certificate verification error"
    r"|x509 verify result|x509 code|verification error|ssl verify result) (?P<number>\d{1,3})(?= )"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One cause that the text is compatible with; `score` runs from 0 to 1."""

    cause: str
    score: float
    why: str


class _Hit(NamedTuple):
    """One pattern that was found, and the causes that fit it."""

    rank: Specificity
    why: str
    readings: Readings


def explain(text: str) -> tuple[Candidate, ...]:
    """Return the causes that `text` is compatible with, best first; empty where it says nothing.

    `text` may have several lines; the first 64 Ki characters are read. Never raises.
    """
    pasted = read_paste(text)
    hits = tuple(_find_hits(pasted))
    if not hits:
        return ()
    highest = max(each.rank for each in hits)
    best: dict[str, Candidate] = {}
    for each in hits:
        if each.rank < highest:
            continue
        for reading in each.readings:
            known = best.get(reading.cause)
            if known is None or known.score < reading.weight:
                why = f"{each.why}; {reading.note}" if reading.note else each.why
                best[reading.cause] = Candidate(reading.cause, round(reading.weight, 2), why)
    # sorted() is stable: of two with the same score, the one that was read first stays first.
    return tuple(sorted(best.values(), key=lambda each: -each.score)[:MOST_CANDIDATES])


def _find_hits(pasted: Pasted) -> Iterator[_Hit]:
    seen = find_alerts(pasted)
    for alert in seen:
        direction = "sent" if alert.sent else "received"
        yield _Hit(
            Specificity.NAMED,
            f"alert {alert.name} ({alert.number}) {direction}",
            _read_alert(alert, pasted),
        )
    rest = _remove_alert_names(pasted, seen)
    for number in dict.fromkeys(int(m["number"]) for m in _VERIFY_NUMBER.finditer(rest.words)):
        if (pattern := X509_V_ERR.get(number)) is not None:
            why = _describe(f"verify error {number}", pattern.why)
            yield _Hit(pattern.rank, why, _choose_side(pattern, rest))
    file = detect_role(rest)
    for found in find_phrases((*_PHRASES, *list_file_phrases(file)), rest.words):
        pattern = found.pattern
        yield _Hit(pattern.rank, _describe(found.phrase, pattern.why), _choose_side(pattern, rest))
    shapes = (*SHAPES, Shape(build_unspecific_pattern(file), LOADING))
    for pattern, said in (*find_shapes(shapes, rest.words), *find_statuses(rest.words)):
        yield _Hit(pattern.rank, _describe(said, pattern.why), _choose_side(pattern, rest))


def _read_alert(alert: PrintedAlert, pasted: Pasted) -> Readings:
    def read_as(side: str) -> Readings:
        return read_alert(
            alert,
            printed_by_backend=side == "backend",
            withholds=pasted.withholds,
            after_handshake=pasted.after_handshake,
        )

    if pasted.side != "unknown":
        return read_as(pasted.side)
    return (*read_as("exporter"), *_mirror(read_as("backend")))


def _choose_side(pattern: Pattern, pasted: Pasted) -> Readings:
    if pasted.side == "backend":
        return pattern.backend
    if pasted.side == "exporter" or pattern.backend == pattern.exporter:
        return pattern.exporter
    return (*pattern.exporter, *_mirror(pattern.backend))


def _mirror(readings: Readings) -> Readings:
    """Return the readings of the same words in the other side's log, with less weight."""
    return tuple(Reading(each.cause, each.weight * _OTHER_SIDE, _SIDE_UNKNOWN) for each in readings)


def _remove_alert_names(pasted: Pasted, seen: tuple[PrintedAlert, ...]) -> Pasted:
    """Return the text without the alerts' own names, which are not a second verdict."""
    words = pasted.words
    for alert in seen:
        for name in ALERT_NAMES[alert.number]:
            words = words.replace(f" {normal_form(name)} ", " ")
    return replace(pasted, words=words)


def _describe(phrase: str, why: str) -> str:
    return f"“{phrase}”: {why}"
