"""The ledger: what is known of each target, kept in memory and entered by `record`.

Law 1: it imports nothing further down the line. Law 7: it has no I/O and no clock; every time in
it is an `Evidence.at`.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.record import Record
from probe.model.target import Target
from probe.model.trace_context import TraceContext

HISTORY: Final = 60
"""How many attempts of a target are remembered."""


class HistoryEntry(Record, frozen=True, gc=False):
    """One past attempt in short; `at` is epoch seconds, `duration` seconds over all stages."""

    at: float
    outcome: str
    cause: str | None
    expected: bool
    duration: float


@dataclass(slots=True, eq=False, weakref_slot=True)
class TargetState:
    """What is known of one target; only the ledger writes to it.

    Times are epoch seconds and None before they first apply.
    """

    target: Target
    evidence: Evidence | None = None
    diagnosis: Diagnosis | None = None
    expected: bool = False
    """Whether the last attempt ended as the target's `expect` asks."""
    changed: bool = False
    """Whether the last attempt ended otherwise than the one before it; the first one does."""
    attempts: int = 0
    failures: int = 0
    """Attempts that did not end as expected."""
    last_attempt: float | None = None
    last_success: float | None = None
    """The last attempt that ended as expected."""
    since: float | None = None
    """When the present outcome and cause were first seen without a break."""
    history: deque[HistoryEntry] = field(default_factory=lambda: deque(maxlen=HISTORY))

    @property
    def trace(self) -> TraceContext | None:
        """The trace of the last attempt, where it is recorded: the head cannot know the end."""
        trace = self.evidence.trace if self.evidence is not None else None
        if trace is None or trace.sampled or self.changed or not self.expected:
            return trace
        return None


Listener = Callable[[TargetState], None]


class Ledger:
    """The state of every target and the counts of the fleet."""

    def __init__(self, targets: Iterable[Target] = ()) -> None:
        """Open a page for each of `targets`.

        Raises:
            ValueError: where two targets share a name.
        """
        self._states: dict[str, TargetState] = {}
        self._listeners: list[Listener] = []
        self.failures_by_cause: Counter[str] = Counter()
        """Unexpected failures since the start, by cause."""
        self.in_flight = 0
        self.missed = 0
        """Attempts that the schedule had to leave out."""
        self.replace_targets(targets)

    def __len__(self) -> int:
        """Count the targets."""
        return len(self._states)

    def __iter__(self) -> Iterator[TargetState]:
        """Iterate over the targets in the order of the configuration."""
        return iter(self._states.values())

    def state(self, name: str) -> TargetState | None:
        """Return the state of the target called `name`, None where there is none."""
        return self._states.get(name)

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` with the target's state after each record, in the same thread."""
        self._listeners.append(listener)

    def replace_targets(self, targets: Iterable[Target]) -> None:
        """Follow a reload: keep the state of unchanged targets, forget the others.

        Raises:
            ValueError: where two targets share a name; nothing is replaced then.
        """
        states: dict[str, TargetState] = {}
        for target in targets:
            if target.name in states:
                raise ValueError(f"two targets are called {target.name!r}")
            known = self._states.get(target.name)
            unchanged = known is not None and known.target == target
            states[target.name] = known if known and unchanged else TargetState(target)
        self._states = states

    def attempt_started(self) -> None:
        """Count one more attempt in flight."""
        self.in_flight += 1

    def attempt_finished(self) -> None:
        """Count one attempt less in flight, however it ended."""
        self.in_flight -= 1

    def attempt_missed(self) -> None:
        """Count an attempt that the schedule left out."""
        self.missed += 1

    def record(self, target: Target, evidence: Evidence, diagnosis: Diagnosis) -> TargetState:
        """Enter one attempt and tell the listeners.

        An attempt that outlives its target (a reload removed or changed it) is entered nowhere:
        the state returned then is a loose one.
        """
        state = self._states.get(target.name)
        if state is None or (state.target is not target and state.target != target):
            loose = TargetState(target)
            _enter(loose, evidence, diagnosis)
            return loose
        _enter(state, evidence, diagnosis)
        if diagnosis.cause is not None and not state.expected:
            self.failures_by_cause[diagnosis.cause] += 1
        for listener in self._listeners:
            listener(state)
        return state


def alone(target: Target, evidence: Evidence, diagnosis: Diagnosis) -> TargetState:
    """Return the state of a target with one attempt that no ledger keeps: no change of anything."""
    state = TargetState(target)
    _enter(state, evidence, diagnosis)
    state.changed = False
    return state


def as_expected(diagnosis: Diagnosis, expect_cause: str | None) -> bool:
    """Return whether the outcome is the one asked for; by default that is `confirmed`."""
    if expect_cause is None:
        return diagnosis.outcome == "confirmed"
    return diagnosis.outcome == "failed" and diagnosis.cause == expect_cause


def _enter(state: TargetState, evidence: Evidence, diagnosis: Diagnosis) -> None:
    at = evidence.at
    before = state.diagnosis
    state.changed = (
        before is None or before.outcome != diagnosis.outcome or before.cause != diagnosis.cause
    )
    if state.changed:
        state.since = at
    expected = as_expected(diagnosis, state.target.expect_cause)
    state.evidence = evidence
    state.diagnosis = diagnosis
    state.expected = expected
    state.attempts += 1
    state.last_attempt = at
    if expected:
        state.last_success = at
    else:
        state.failures += 1
    state.history.append(
        HistoryEntry(
            at=at,
            outcome=diagnosis.outcome,
            cause=diagnosis.cause,
            expected=expected,
            duration=sum(evidence.durations.values()),
        )
    )
