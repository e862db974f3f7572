"""Which causes an error line pasted from a log is compatible with, best first: pure and total.

The words are read as alerts, verdicts on a certificate, faults of files, ends of a connection or
answers, and what they mean depends on the side that printed them (`recognition`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from probe.messages.patterns.alert_meanings import meaning
from probe.messages.patterns.alert_patterns import ALERT_NAMES, AlertSeen, alerts
from probe.messages.patterns.answer_patterns import ANSWER_SIGNS
from probe.messages.patterns.file_patterns import file_phrases, role, untold
from probe.messages.patterns.handshake_patterns import PEER_SIGNS
from probe.messages.patterns.http_statuses import statuses
from probe.messages.patterns.message_families import FAMILIES, LOADING
from probe.messages.patterns.network_patterns import NETWORK_SIGNS
from probe.messages.patterns.pair_patterns import PAIR_SIGNS
from probe.messages.patterns.pasted import Pasted, normal_form, read
from probe.messages.patterns.pattern import (
    Rank,
    Reading,
    Readings,
    Shape,
    Sign,
    find,
    find_shapes,
    phrases_of,
)
from probe.messages.patterns.verification_patterns import VERIFICATION_SIGNS, X509_V_ERR

MOST: Final = 8
"""Candidates that are named at most."""

_PHRASES: Final = phrases_of(
    (*VERIFICATION_SIGNS, *PEER_SIGNS, *PAIR_SIGNS, *NETWORK_SIGNS, *ANSWER_SIGNS)
)
_OTHER_SIDE: Final = 0.45
"""The weight of the other side's reading where nothing says who printed a verdict."""
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


class _Heard(NamedTuple):
    """One sign that was found: what it says, and what it may mean."""

    rank: Rank
    why: str
    readings: Readings


def explain(text: str) -> tuple[Candidate, ...]:
    """Return the causes that `text` is compatible with, best first; empty where it says nothing.

    `text` may have several lines; the first 64 Ki characters are read. Never raises.
    """
    pasted = read(text)
    heard = tuple(_heard(pasted))
    if not heard:
        return ()
    loudest = max(each.rank for each in heard)
    best: dict[str, Candidate] = {}
    for each in heard:
        if each.rank < loudest:
            continue
        for reading in each.readings:
            known = best.get(reading.cause)
            if known is None or known.score < reading.weight:
                why = f"{each.why}; {reading.note}" if reading.note else each.why
                best[reading.cause] = Candidate(reading.cause, round(reading.weight, 2), why)
    # sorted() is stable: of two that score alike, the one that was read first stays first.
    return tuple(sorted(best.values(), key=lambda each: -each.score)[:MOST])


def _heard(pasted: Pasted) -> Iterator[_Heard]:
    seen = alerts(pasted)
    for alert in seen:
        direction = "sent" if alert.sent else "received"
        yield _Heard(
            Rank.NAMED,
            f"alert {alert.name} ({alert.number}) {direction}",
            _of_alert(alert, pasted),
        )
    rest = _without(pasted, seen)
    for number in dict.fromkeys(int(m["number"]) for m in _VERIFY_NUMBER.finditer(rest.words)):
        if (sign := X509_V_ERR.get(number)) is not None:
            why = _says(f"verify error {number}", sign.why)
            yield _Heard(sign.rank, why, _of_side(sign, rest))
    file = role(rest)
    for found in find((*_PHRASES, *file_phrases(file)), rest.words):
        sign = found.sign
        yield _Heard(sign.rank, _says(found.phrase, sign.why), _of_side(sign, rest))
    shapes = (*FAMILIES, Shape(untold(file), LOADING))
    for sign, said in (*find_shapes(shapes, rest.words), *statuses(rest.words)):
        yield _Heard(sign.rank, _says(said, sign.why), _of_side(sign, rest))


def _of_alert(alert: AlertSeen, pasted: Pasted) -> Readings:
    def judged(side: str) -> Readings:
        return meaning(
            alert,
            printed_by_backend=side == "backend",
            withholds=pasted.withholds,
            after_handshake=pasted.after_handshake,
        )

    if pasted.side != "unknown":
        return judged(pasted.side)
    return (*judged("exporter"), *_mirrored(judged("backend")))


def _of_side(sign: Sign, pasted: Pasted) -> Readings:
    if pasted.side == "backend":
        return sign.backend
    if pasted.side == "exporter" or sign.backend == sign.exporter:
        return sign.exporter
    return (*sign.exporter, *_mirrored(sign.backend))


def _mirrored(readings: Readings) -> Readings:
    """Return what the same words mean in the other side's log, as less likely."""
    return tuple(Reading(each.cause, each.weight * _OTHER_SIDE, _SIDE_UNKNOWN) for each in readings)


def _without(pasted: Pasted, seen: tuple[AlertSeen, ...]) -> Pasted:
    """Return the text without the alerts' own names, which are not a second verdict."""
    words = pasted.words
    for alert in seen:
        for name in ALERT_NAMES[alert.number]:
            words = words.replace(f" {normal_form(name)} ", " ")
    return replace(pasted, words=words)


def _says(phrase: str, why: str) -> str:
    return f"“{phrase}”: {why}"
