"""All that is kept of one target while the probe runs, in one object that is dropped whole.

What is known of the target are plain fields, which every output reads. What a room keeps for
itself (the setup of its attempts, its experiments, its rendered metric lines, what the log has
reported) is a part of the same object, under a type of that room. No I/O and no clock: every time
is an `Evidence.at`.
"""

from dataclasses import dataclass, field
from typing import Final, TypeVar

from probe.ledger.history import History
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.target import Target
from probe.model.trace_context import TraceContext

NOT_REQUESTED: Final = "client_cert_not_requested"
"""The finding that contradicts `expect: {client_certificate_requested: true}`."""

_Store = TypeVar("_Store")


@dataclass(slots=True, eq=False)
class TargetRuntime:
    """What is known of one target, and what rooms keep for it.

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
    history: History = field(default_factory=History)
    _stores: list[object] = field(default_factory=list)
    """One of each type; a dict of so few takes three times as much."""

    @property
    def trace(self) -> TraceContext | None:
        """The trace of the last attempt, None if it is not exported.

        Sampling at the start cannot know the outcome: failures and changes are always exported.
        """
        trace = self.evidence.trace if self.evidence is not None else None
        if trace is None or trace.sampled or self.changed or not self.expected:
            return trace
        return None

    def get_store(self, kind: type[_Store]) -> _Store:
        """Return the target's object of type `kind`; the first call makes it.

        It must not refer to the runtime: objects made at the start are exempt from garbage
        collection of cycles, and a cycle of them would never be freed.
        """
        for store in self._stores:
            if type(store) is kind:
                return store
        made = kind()
        self._stores.append(made)
        return made

    def keep_store(self, store: object) -> None:
        """Take over an object from the runtime that this one replaces."""
        self._stores = [each for each in self._stores if type(each) is not type(store)]
        self._stores.append(store)

    def record(self, evidence: Evidence, diagnosis: Diagnosis) -> None:
        """Enter one attempt."""
        before = self.diagnosis
        self.changed = (
            before is None or before.outcome != diagnosis.outcome or before.cause != diagnosis.cause
        )
        if self.changed:
            self.since = evidence.at
        self.evidence, self.diagnosis = evidence, diagnosis
        self.expected = is_expected(evidence, diagnosis)
        self.attempts += 1
        self.last_attempt = evidence.at
        if self.expected:
            self.last_success = evidence.at
        else:
            self.failures += 1
        self.history.add(
            evidence.at,
            sum(evidence.durations.values()),
            (diagnosis.outcome, diagnosis.cause, self.expected),
        )


def find_expected_cause(evidence: Evidence) -> str | None:
    """Return the cause that the attempt had to end with; None where it had to be confirmed.

    With an end (`expect: {until: …}`) it is a silence: before it a success is as good, from it on
    only a success is.
    """
    target = evidence.target
    return None if target.expect_until else target.expect_cause


def is_expected(evidence: Evidence, diagnosis: Diagnosis) -> bool:
    """Return whether the outcome is the one that the target asks for; by default `confirmed`."""
    target = evidence.target
    if (wanted := find_expected_cause(evidence)) is not None:
        return diagnosis.outcome == "failed" and diagnosis.cause == wanted
    if diagnosis.outcome != "confirmed":
        silenced = evidence.at < target.expect_until and diagnosis.outcome == "failed"
        return silenced and diagnosis.cause == target.expect_cause
    return not target.expect_requested or all(
        finding.cause != NOT_REQUESTED for finding in diagnosis.findings
    )
