"""The ledger: what `probe.ledger.ledger` remembers of targets and their attempts."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from probe.ledger.history import HISTORY
from probe.ledger.ledger import Ledger
from probe.ledger.target_runtime import TargetRuntime, is_expected
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Ending, Evidence, TargetFacts
from probe.model.finding import Finding
from probe.model.target import Endpoint, Target

CONFIRMED = Diagnosis(outcome="confirmed", stage="export")
UNCONFIRMED = Diagnosis(outcome="unconfirmed", stage="export", certain=False)
REFUSED = Diagnosis(outcome="failed", stage="connect", cause="tcp_refused", family="network")
OPEN = msgspec.structs.replace(
    CONFIRMED, findings=(Finding(cause="client_cert_not_requested", fact="nobody asked", fix=()),)
)
UNRESOLVED = Diagnosis(outcome="failed", stage="resolve", cause="dns_failure", family="network")


def make_target(name: str = "eu", *, expect: str | None = None) -> Target:
    """Return a target called `name`."""
    return Target(name=name, endpoint=Endpoint("eu.example", 4317), expect_cause=expect)


def seen(at: float, **durations: float) -> Evidence:
    """Return evidence of an attempt that began at `at`."""
    facts = TargetFacts(
        name="eu", endpoint="eu.example:4317", host="eu.example", port=4317, protocol="grpc"
    )
    ending = Ending(stage="export", kind="answered")
    return Evidence(target=facts, at=at, ending=ending, durations=durations)


def attempt(at: float = 1.0, **facts: Any) -> Evidence:
    """Return evidence of an attempt at a target with further facts."""
    evidence = seen(at)
    target = msgspec.structs.replace(evidence.target, **facts)
    return msgspec.structs.replace(evidence, target=target)


@pytest.mark.parametrize(
    ("diagnosis", "expect", "expected"),
    [
        (CONFIRMED, None, True),
        (UNCONFIRMED, None, False),
        (REFUSED, None, False),
        (REFUSED, "tcp_refused", True),
        (UNRESOLVED, "tcp_refused", False),
        (CONFIRMED, "tcp_refused", False),
        (OPEN, None, True),
    ],
)
def test_expected_follows_expect(diagnosis: Diagnosis, expect: str | None, expected: bool) -> None:
    """A target is as expected when it is confirmed, or fails with the very cause asked for."""
    assert is_expected(attempt(expect_cause=expect), diagnosis) is expected


@pytest.mark.parametrize(
    ("diagnosis", "before", "after"),
    [
        (REFUSED, True, False),
        (CONFIRMED, True, True),
        (UNRESOLVED, False, False),
        (UNCONFIRMED, False, False),
    ],
)
def test_a_silence_ends(diagnosis: Diagnosis, before: bool, after: bool) -> None:
    """`until` silences one cause until its day; a success is as good, and all that counts then."""
    silence = {"expect_cause": "tcp_refused", "expect_until": 1000.0}
    assert is_expected(attempt(at=999.9, **silence), diagnosis) is before
    assert is_expected(attempt(at=1000.0, **silence), diagnosis) is after


@pytest.mark.parametrize(
    ("diagnosis", "expected"),
    [(CONFIRMED, True), (OPEN, False), (UNCONFIRMED, False), (REFUSED, False)],
)
def test_a_backend_that_must_insist_is_not_open_to_all(
    diagnosis: Diagnosis, expected: bool
) -> None:
    """Confirmed is not enough where a client certificate must be asked for."""
    assert is_expected(attempt(expect_requested=True), diagnosis) is expected


def test_a_new_target_has_no_past() -> None:
    """Before its first attempt a target has no evidence, no times and no counts."""
    ledger = Ledger([make_target()])

    state = ledger.find("eu")

    assert state is not None
    assert (state.evidence, state.last_attempt, state.last_success, state.since) == (None,) * 4
    assert (state.attempts, state.failures, list(state.history)) == (0, 0, [])


def test_record_keeps_the_last_attempt_and_counts() -> None:
    """Each record replaces the evidence and moves counts and times on."""
    target = make_target()
    ledger = Ledger([target])

    ledger.record(target, seen(10.0), CONFIRMED)
    state = ledger.record(target, evidence := seen(20.0), REFUSED)

    assert state is ledger.find("eu")
    assert state.evidence is evidence
    assert state.diagnosis is REFUSED
    assert not state.expected
    assert (state.attempts, state.failures) == (2, 1)
    assert (state.last_attempt, state.last_success) == (20.0, 10.0)
    assert ledger.failures_by_cause == {"tcp_refused": 1}


def test_since_holds_while_outcome_and_cause_do() -> None:
    """`since` is the beginning of the present outcome and cause, not of the last attempt."""
    target = make_target()
    ledger = Ledger([target])
    since = [
        ledger.record(target, seen(at), diagnosis).since
        for at, diagnosis in (
            (1.0, REFUSED),
            (2.0, REFUSED),
            (3.0, UNRESOLVED),
            (4.0, CONFIRMED),
            (5.0, CONFIRMED),
            (6.0, REFUSED),
        )
    ]

    assert since == [1.0, 1.0, 3.0, 4.0, 4.0, 6.0]


def test_an_expected_failure_is_a_success() -> None:
    """A failure that the target must show counts neither for the target nor for the fleet."""
    target = make_target(expect="tcp_refused")
    ledger = Ledger([target])

    state = ledger.record(target, attempt(5.0, expect_cause="tcp_refused"), REFUSED)

    assert state.expected
    assert (state.failures, state.last_success) == (0, 5.0)
    assert not ledger.failures_by_cause


def test_an_unexpected_confirmation_is_a_failure_without_a_cause() -> None:
    """Where mTLS must stay on, being accepted is a failure of the target without a cause."""
    target = make_target(expect="client_cert_not_sent")
    ledger = Ledger([target])

    state = ledger.record(target, attempt(5.0, expect_cause="client_cert_not_sent"), CONFIRMED)

    assert (state.expected, state.failures, state.last_success) == (False, 1, None)
    assert not ledger.failures_by_cause


def test_history_is_bounded_and_keeps_the_newest() -> None:
    """Only the last attempts are remembered, each with its total duration."""
    target = make_target()
    ledger = Ledger([target])

    for at in range(HISTORY + 5):
        state = ledger.record(target, seen(float(at), connect=0.25, export=0.5), CONFIRMED)

    assert len(state.history) == HISTORY
    assert state.history[0].at == 5.0
    newest = state.history[-1]
    assert (newest.at, newest.outcome, newest.cause) == (HISTORY + 4.0, "confirmed", None)
    assert (newest.expected, newest.duration) == (True, 0.75)


def test_listeners_receive_each_record_with_its_state() -> None:
    """A listener is called after the state is up to date."""
    target = make_target()
    ledger = Ledger([target])
    received: list[tuple[TargetRuntime, int]] = []
    ledger.subscribe(lambda state: received.append((state, state.attempts)))

    state = ledger.record(target, seen(1.0), CONFIRMED)
    ledger.record(target, seen(2.0), CONFIRMED)

    assert received == [(state, 1), (state, 2)]


def test_replacing_targets_keeps_the_unchanged() -> None:
    """A reload keeps the state of equal targets, starts changed ones anew, forgets the rest."""
    same, changed, gone = make_target("same"), make_target("changed"), make_target("gone")
    ledger = Ledger([same, changed, gone])
    for target in (same, changed, gone):
        ledger.record(target, seen(1.0), CONFIRMED)
    kept = ledger.find("same")

    ledger.replace_targets([make_target("new"), replace(changed, timeout=1.0), make_target("same")])

    assert [state.target.name for state in ledger] == ["new", "changed", "same"]
    assert len(ledger) == 3
    assert ledger.find("same") is kept
    fresh = ledger.find("changed")
    assert fresh is not None
    assert fresh.attempts == 0
    assert ledger.find("gone") is None


def test_an_attempt_that_outlives_its_target_is_not_entered() -> None:
    """A late result of a target that a reload changed or removed touches nothing."""
    old = make_target()
    ledger = Ledger([old])
    received: list[TargetRuntime] = []
    ledger.subscribe(received.append)
    ledger.replace_targets([replace(old, timeout=1.0)])

    loose = ledger.record(old, seen(1.0), REFUSED)
    ledger.record(make_target("never there"), seen(1.0), REFUSED)

    state = ledger.find("eu")
    assert loose.diagnosis is REFUSED
    assert state is not None
    assert state.attempts == 0
    assert (received, len(ledger), dict(ledger.failures_by_cause)) == ([], 1, {})


def test_two_targets_of_one_name_are_refused() -> None:
    """Names are unique; a bad replacement changes nothing."""
    ledger = Ledger([make_target()])

    with pytest.raises(ValueError, match="'twice'"):
        ledger.replace_targets([make_target("twice"), make_target("twice")])

    assert [state.target.name for state in ledger] == ["eu"]


def test_a_target_that_is_gone_or_changed_takes_its_parts_along() -> None:
    """What a room keeps of a target lives as long as the target does, and no longer."""
    kept, changed, gone = make_target("kept"), make_target("changed"), make_target("gone")
    ledger = Ledger([kept, changed, gone])
    for runtime in ledger:
        runtime.get_store(list).append(runtime.target.name)

    ledger.replace_targets([make_target("kept"), replace(changed, interval=7.0), gone])
    ledger.replace_targets([make_target("kept"), replace(changed, interval=7.0)])
    ledger.replace_targets([make_target("kept"), replace(changed, interval=7.0), gone])

    assert [runtime.get_store(list) for runtime in ledger] == [["kept"], [], []]


def test_a_target_is_known_as_it_is() -> None:
    """One that was changed or removed has no runtime in the ledger; an equal one has."""
    target = Target(name="a", endpoint=Endpoint("h", 1))
    ledger = Ledger([target])
    assert ledger.knows(target)
    assert ledger.knows(Target(name="a", endpoint=Endpoint("h", 1)))
    assert not ledger.knows(Target(name="a", endpoint=Endpoint("h", 2)))
    assert not ledger.knows(Target(name="b", endpoint=Endpoint("h", 1)))
