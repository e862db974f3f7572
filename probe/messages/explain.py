"""Which causes a pasted text is compatible with, best first: pure and total.

Every row that is found is a piece of evidence with the causes that it fits. The strongest decides;
the others narrow what it leaves open. What remains open is a tie: one score for all of it.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from probe.messages.match import Match, find_rows
from probe.messages.normal_form import normalize_text
from probe.messages.paste import Paste, PastedMessage, read_paste
from probe.messages.table import SIDES, Level, Meaning, MessageTable, Side

MOST_CANDIDATES: Final = 8
"""The largest number of candidates."""
_SCORES: Final = {
    Level.REASON: 0.95,
    Level.ALERT: 0.85,
    Level.BROAD: 0.75,
    Level.ANSWER: 0.65,
    Level.ENDED: 0.5,
    Level.WRAPPER: 0.35,
}
"""One score for each level: they order the answers, and are not probabilities."""
_POSSIBLE: Final = 0.5
"""The share of a cause that is possible, and not what the text usually means."""
_OFF_TOPIC: Final = 0.3
"""The highest score where nothing shows that the text is about TLS or telemetry."""
_OTHER_SIDE: Final = "if the backend printed it"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One cause that the text is compatible with; `score` runs from 0 to 1."""

    cause: str
    score: float
    why: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a text says: its candidates, who printed it, and what holds for that exporter."""

    candidates: tuple[Candidate, ...]
    exporter: str | None = None
    """The id of the exporter that printed it, where the text shows it."""
    advice: tuple[str, ...] = ()
    line: int = 0
    """The line of the paste with the message that decides; 0 where none does."""

    @property
    def tied(self) -> int:
        """How many candidates share the highest score."""
        scores = [each.score for each in self.candidates]
        return scores.count(scores[0]) if scores else 0


@dataclass(frozen=True, slots=True)
class _Evidence:
    """One row that was found in one message."""

    level: Level
    why: str
    causes: tuple[str, ...]
    possible: tuple[str, ...]
    other_side: tuple[str, ...]
    generic: bool
    sent: bool
    """An alert that its side sent follows from what this side found."""
    record: int
    depth: int
    length: int
    """How many words match: the longer text says more."""
    line: int


def explain(text: str, table: MessageTable) -> Explanation:
    """Return the causes that `text` is compatible with, best first; none where it says nothing.

    `text` is a paste of one line or many, of which `paste.LONGEST` characters are read. Never raises.
    """
    paste = read_paste(text)
    found = [(message, find_rows(table, message.words)) for message in paste.messages]
    # A marker in any line shows who printed the text, also one in a frame of a stack.
    shown = [who for mark, who in table.anywhere if mark in paste.everything]
    runtime = next((who for who in shown if who not in SIDES), None)
    named = {match.row.side for _, matches in found for match in matches} - {None}
    sides = named or {who for who in shown if who in SIDES}
    shared = sides.pop() if len(sides) == 1 else None
    evidence = [each for message, matches in found for each in _weigh(message, matches, shared)]
    ranked = sorted(
        (each for each in evidence if each.level > Level.CONTEXT and each.causes),
        key=lambda each: (-each.level, each.sent, -each.depth, -each.length),
    )
    if not ranked:
        return Explanation((), runtime)
    candidates = _judge(ranked, [each for each in evidence if each.level is Level.CONTEXT])
    if not _is_on_topic(evidence, [each for _, rows in found for each in rows], table, paste):
        share = _OFF_TOPIC / candidates[0].score
        candidates = [replace(each, score=each.score * min(1.0, share)) for each in candidates]
    rounded = tuple(replace(each, score=round(each.score, 2)) for each in candidates)
    first = {each.cause for each in rounded if each.score == rounded[0].score}
    advice = tuple(
        each.text for each in table.advice if runtime in each.exporters and first & set(each.causes)
    )
    return Explanation(rounded[:MOST_CANDIDATES], runtime, advice, ranked[0].line)


def _is_on_topic(
    evidence: Sequence[_Evidence], found: Sequence[Match], table: MessageTable, paste: Paste
) -> bool:
    """Return whether anything in the paste, also a frame or a name, is about TLS or telemetry."""
    if any(not each.generic and each.level > Level.CONTEXT for each in evidence):
        return True
    if any(each.row.topic for each in found):
        return True
    words = tuple(dict.fromkeys(normalize_text(paste.everything)))
    return any(each.row.topic for each in find_rows(table, words))


def _choose_side(match: Match, showing: Sequence[Match]) -> Side | None:
    """Return who printed `match`: the nearest row before it that shows it, or the first after it.

    Lines of both sides are pasted together, and an envelope stands before what it encloses.
    """
    if match.row.side is not None or not showing:
        return match.row.side
    at = bisect_right(showing, match.spans[0][0], key=lambda each: each.spans[0][0])
    return showing[max(at - 1, 0)].row.side


def _weigh(
    message: PastedMessage, matches: Sequence[Match], shared: Side | None
) -> Iterator[_Evidence]:
    numbers = {each.row.alert for each in matches if each.row.numbered} - {None}
    sent = {each.row.alert for each in matches if each.row.sent}
    showing: list[Match] = []
    for each in sorted(matches, key=lambda each: (each.spans[0][0], -each.length)):
        if each.row.side and (not showing or each.spans[-1][1] > showing[-1].spans[-1][1]):
            showing.append(each)
    for match in matches:
        row, meaning = match.row, match.row.meaning
        if meaning is None:
            continue
        if row.alert is not None and numbers and row.alert not in numbers:
            continue  # a number is more certain than a name
        if row.alert in sent and row.alert is not None and not row.sent:
            continue  # Erlang names the alert that it sent before it says that it sent it
        side = _choose_side(match, showing) or shared
        received = row.alert is not None and not row.sent
        causes, possible = _read(meaning, side or "exporter", received=received)
        other, _ = _read(meaning, "backend", received=received) if side is None else ((), ())
        yield _Evidence(
            # The alert that a side sends says what that side found.
            Level.REASON if row.sent and meaning.level is Level.ALERT else meaning.level,
            f"“{row.text}”: {meaning.why}",
            causes,
            possible,
            tuple(each for each in other if each not in causes),
            meaning.generic,
            row.sent,
            message.record,
            message.depth,
            match.length,
            message.line,
        )


def _read(
    meaning: Meaning, printed_by: Side, *, received: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the causes, and the possible ones. An alert that was received judges its reader."""
    if (printed_by == "exporter") != received:
        return meaning.server, meaning.also_server
    return meaning.client, meaning.also_client


def _judge(ranked: Sequence[_Evidence], circumstances: Sequence[_Evidence]) -> list[Candidate]:
    deciding = ranked[0]
    ties = {deciding.record: list(deciding.causes)}
    why = dict.fromkeys(deciding.causes, deciding.why)
    for each in ranked[1:]:
        if each.level <= Level.ENDED:
            break
        record = each.record if each.record in ties else deciding.record
        fits = {*each.causes, *each.possible}
        common = [cause for cause in ties[record] if cause in fits]
        if common:
            ties[record] = common
        elif each.level is deciding.level and each.record not in ties and not each.sent:
            # Two problems in one paste, of which neither follows from the other.
            ties[each.record] = list(each.causes)
            for cause in each.causes:
                why.setdefault(cause, each.why)
    tie = [cause for causes in ties.values() for cause in causes]
    for each in circumstances:
        tie = [cause for cause in tie if cause in each.causes] or tie
    score = _SCORES[deciding.level]
    scores = dict.fromkeys(tie, score)
    for cause in deciding.other_side:
        scores.setdefault(cause, score * _POSSIBLE)
        why.setdefault(cause, f"{deciding.why}; {_OTHER_SIDE}")
    for cause in (*deciding.causes, *deciding.possible):
        scores.setdefault(cause, score * _POSSIBLE)
        why.setdefault(cause, deciding.why)
    # sorted() is stable: of one score, what the meaning names first is the most usual.
    ordered = sorted(scores, key=lambda cause: -scores[cause])
    return [Candidate(cause, scores[cause], why[cause]) for cause in ordered]
