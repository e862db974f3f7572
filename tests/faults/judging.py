"""Compares every recorded attempt with the injected truth; pure, so that a wrong history can be tested.

An attempt is judged by the truth over its whole length, from its first step to its record: where
that changed meanwhile, either is right.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, Literal

from tests.faults.truth import Segment, Stall, Timeline, Trouble

Kind = Literal[
    "false_green",
    "wrong_certain",
    "own_trouble_blamed",
    "disturbed",
    "astray",
    "missed",
    "halted",
    "deaf",
    "exit",
]
"""What is wrong with a verdict, or with the lack of one.

`false_green`: confirmed while the fault was in force. `wrong_certain`: certain, and not the cause
(or `also` lists what is not true). `own_trouble_blamed`: the same, while the probe was in trouble.
`disturbed`: a healthy target not confirmed, with no trouble of anybody. `astray`: uncertain, and
the true cause is not among those listed. `missed`: a fault in force over whole attempts, never
found. `halted`: no attempt was made for too long. `deaf`: its pages did not answer for too long. `exit`: the probe ended otherwise than it should.
"""

ABSENT_SERVER: Final = frozenset({"tls_timeout", "tcp_timeout", "unconfirmed"})
"""What is right for a server whose loop did not run, in addition to its truth."""

SLACK: Final = 0.05
"""Seconds by which an attempt's own times may be off."""
TO_BE_FOUND: Final = 2
"""Whole attempts during a fault, without trouble of the probe, of which one must find the fault."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt as the probe's ledger got it."""

    target: str
    begin: float
    end: float
    outcome: str
    cause: str | None = None
    certain: bool = True
    also: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    """Its evidence, for people."""

    @property
    def verdict(self) -> str:
        """The cause of a failure, else the outcome."""
        return self.cause if self.outcome == "failed" and self.cause else self.outcome

    @property
    def named(self) -> frozenset[str]:
        """All causes that it names, certain or possible."""
        return frozenset({self.verdict, *self.also, *self.findings})


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that is wrong, with the truth that it was compared with."""

    kind: Kind
    target: str
    at: float
    said: str
    attempt: Attempt | None = None
    until: float | None = None
    """When it was over, where that is not the attempt's end."""

    @property
    def end(self) -> float:
        """When it was over."""
        if self.until is not None:
            return self.until
        return self.at if self.attempt is None else self.attempt.end


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take, in seconds, and when a stall of a server counts as one."""

    interval: float
    timeout: float

    @property
    def longest_gap(self) -> float:
        """Between two records of a healthy target; a busy machine needs a part of it."""
        return 2 * self.timeout + 3 * self.interval

    @property
    def shortest_stall(self) -> float:
        """A server that is late by less does not alone make an attempt time out."""
        return self.timeout / 4


@dataclass(slots=True)
class History:
    """Everything that a run recorded."""

    attempts: list[Attempt]
    timelines: Mapping[str, Timeline]
    troubles: Sequence[Trouble] = ()
    stalls: Mapping[str, Sequence[Stall]] = field(default_factory=dict)
    up: Sequence[tuple[float, float]] = ()
    """The spans in which the probe ran and had seen every target once."""
    answers: Sequence[float] | None = None
    """When its pages answered; None: they were not requested."""

    def troubled(self, attempt: Attempt) -> bool:
        """Whether the probe had a problem at any time during `attempt`."""
        return any(one.touches(attempt.begin, attempt.end) for one in self.troubles)


@dataclass(slots=True)
class Judgement:
    """The result."""

    complaints: list[Complaint]
    judged: int
    found: int
    """Faults that were in force long enough, and found."""
    verdicts: Counter[str]
    own: int
    """Attempts with `probe_fault` while no fault was injected into the probe."""


def judge(history: History, limits: Limits) -> Judgement:
    """Compare each attempt of `history` with the truth, and check that each fault was found."""
    complaints: list[Complaint] = []
    verdicts: Counter[str] = Counter()
    own = 0
    for attempt in history.attempts:
        verdicts[attempt.verdict] += 1
        if attempt.verdict == "probe_fault" and not history.troubled(attempt):
            own += 1
        complaint = _judge_attempt(history, attempt, limits)
        if complaint is not None:
            complaints.append(complaint)
    missed, found = _judge_detection(history)
    complaints += missed
    complaints += _judge_gaps(history, limits)
    complaints.sort(key=lambda one: one.at)
    return Judgement(complaints, len(history.attempts), found, verdicts, own)


def _judge_attempt(history: History, attempt: Attempt, limits: Limits) -> Complaint | None:
    begin, end = attempt.begin - SLACK, attempt.end + SLACK
    segments = history.timelines[attempt.target].during(begin, end)
    troubles = [one for one in history.troubles if one.touches(begin, end)]
    stalled = any(
        one.end - one.begin > limits.shortest_stall and one.begin <= end and one.end >= begin
        for one in history.stalls.get(attempt.target, ())
    )
    right = frozenset[str]().union(*(segment.truth.right for segment in segments))
    further = frozenset[str]().union(*(segment.truth.further for segment in segments))
    changing = len(segments) > 1 or segments[0].changing
    if stalled:
        right |= ABSENT_SERVER
    kind = _complaint_of(
        attempt, right, right | further, in_trouble=bool(troubles), changing=changing
    )
    if kind is None:
        return None
    said = " → ".join(segment.truth.said for segment in segments)
    said += _meanwhile(history, begin, end)
    return Complaint(kind, attempt.target, attempt.begin, said, attempt)


def _complaint_of(
    attempt: Attempt,
    right: frozenset[str],
    also_right: frozenset[str],
    *,
    in_trouble: bool,
    changing: bool,
) -> Kind | None:
    verdict = attempt.verdict
    healthy = "confirmed" in right
    if verdict == "confirmed":
        return None if healthy else "false_green"
    if verdict == "probe_fault":
        return None  # blames no side
    if verdict == "unconfirmed":
        undisturbed = right == {"confirmed"} and not in_trouble and not changing
        return "disturbed" if undisturbed else None
    if attempt.certain:
        if verdict in right and also_right.issuperset(attempt.also):
            return None
        return "own_trouble_blamed" if in_trouble else "wrong_certain"
    if in_trouble or changing or not right.isdisjoint({verdict, *attempt.also}):
        return None
    return "disturbed" if right == {"confirmed"} else "astray"


def _judge_detection(history: History) -> tuple[list[Complaint], int]:
    missed: list[Complaint] = []
    found = 0
    for target, timeline in history.timelines.items():
        own = [one for one in history.attempts if one.target == target]
        for segment in timeline.segments:
            if segment.changing or not segment.truth.to_find:
                continue
            within = _whole_attempts(history, own, segment, timeline.end_of(segment))
            if any(not segment.truth.to_find.isdisjoint(one.named) for one in within):
                found += 1
            elif len(within) >= TO_BE_FOUND:
                seen = Counter(one.verdict for one in within).most_common(3)
                said = f"{segment.truth.said}: {len(within)} attempts said {dict(seen)}"
                missed.append(Complaint("missed", target, segment.begin, said, within[-1]))
    return missed, found


def _whole_attempts(
    history: History, own: Iterable[Attempt], segment: Segment, end: float
) -> list[Attempt]:
    return [
        one
        for one in own
        if one.begin > segment.begin and one.end < end and not history.troubled(one)
    ]


def _judge_gaps(history: History, limits: Limits) -> list[Complaint]:
    """Find spans without an attempt, or an answer, though nothing halted the probe."""
    halting = [one for one in history.troubles if one.halts]
    deafening = [one for one in history.troubles if one.halts or one.deafens]
    complaints = []
    for target in history.timelines:
        ends = sorted(one.end for one in history.attempts if one.target == target)
        for before, after in _gaps(history, ends, halting, limits):
            said = f"no attempt was made{_meanwhile(history, before, after)}"
            complaints.append(Complaint("halted", target, before, said, until=after))
    if history.answers is not None:
        for before, after in _gaps(history, history.answers, deafening, limits):
            said = f"no page answered{_meanwhile(history, before, after)}"
            complaints.append(Complaint("deaf", "", before, said, until=after))
    return complaints


def _gaps(
    history: History, moments: Sequence[float], excuses: Sequence[Trouble], limits: Limits
) -> Iterator[tuple[float, float]]:
    for begin, end in history.up:
        within = [begin, *(at for at in moments if begin < at < end), end]
        for before, after in pairwise(within):
            excused = sum(max(0.0, min(one.end, after) - max(one.begin, before)) for one in excuses)
            if after - before - excused > limits.longest_gap:
                yield before, after


def _meanwhile(history: History, begin: float, end: float) -> str:
    touched = [one.said for one in history.troubles if one.touches(begin, end)]
    return f", while the probe was {', '.join(touched)}" if touched else ""
