"""The judge itself: in a history with one mistake, it finds that mistake and no other."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.faults.judging import Attempt, Complaint, History, Limits, judge
from tests.faults.truth import HEALTHY, Stall, Timeline, Trouble, truth

LIMITS = Limits(interval=0.5, timeout=1.0)
REFUSED = truth("nothing listens", "tcp_refused")
BROKEN_FILE = truth("cert_file is gone", findings="client_file_missing")
SUSPENDED = Trouble(11.0, 13.0, "suspended", halts=True)
HUNGRY = Trouble(11.0, 13.0, "without descriptors")


def refused_from_10_to_14() -> Timeline:
    """Return a timeline with one fault, which takes 0.1 s to come and to go."""
    return struck_by(REFUSED)


def struck_by(what: Any) -> Timeline:
    """Return a timeline in which `what` is in force from 10 to 14."""
    timeline = Timeline()
    timeline.change(9.9, what)
    timeline.enter(10.0, what)
    timeline.change(14.0, HEALTHY)
    timeline.enter(14.1, HEALTHY)
    return timeline


def failed(begin: float, end: float, cause: str, **more: Any) -> Attempt:
    """Return an attempt that failed so."""
    return Attempt("one", begin, end, "failed", cause, **more)


def confirmed(begin: float, end: float) -> Attempt:
    """Return an attempt that succeeded."""
    return Attempt("one", begin, end, "confirmed")


def complaints(
    attempts: Sequence[Attempt],
    timeline: Timeline | None = None,
    troubles: Sequence[Trouble] = (),
    **more: Any,
) -> list[Complaint]:
    """Return what the judge finds wrong with `attempts`."""
    timelines = {"one": timeline or refused_from_10_to_14()}
    return judge(History(list(attempts), timelines, troubles, **more), LIMITS).complaints


def kinds(*arguments: Any, **more: Any) -> list[str]:
    """Return the kinds of what the judge finds wrong."""
    return [one.kind for one in complaints(*arguments, **more)]


RIGHT = [
    confirmed(9.0, 9.1),
    failed(9.95, 10.1, "tcp_refused"),
    failed(10.5, 10.6, "tcp_refused"),
    failed(11.0, 11.1, "tcp_refused"),
    failed(13.95, 14.05, "tcp_refused"),
    confirmed(14.2, 14.3),
]


def test_a_right_history_is_right() -> None:
    """Success while healthy and the cause during the fault: nothing is wrong, and the fault is found."""
    history = History(RIGHT, {"one": refused_from_10_to_14()})
    judgement = judge(history, LIMITS)
    assert (judgement.complaints, judgement.judged, judgement.found) == ([], 6, 1)


@pytest.mark.parametrize(
    ("attempt", "kind"),
    [
        (confirmed(10.5, 10.6), "false_green"),
        (failed(10.5, 10.6, "dns_failure"), "wrong_certain"),
        (failed(10.5, 10.6, "tcp_refused", also=("clock_skew",)), "wrong_certain"),
        (failed(10.5, 10.6, "tls_timeout", certain=False, also=("not_tls",)), "astray"),
        (failed(14.5, 14.6, "tcp_refused"), "wrong_certain"),
        (failed(14.5, 14.6, "tcp_refused", certain=False), "disturbed"),
        (Attempt("one", 14.5, 14.6, "unconfirmed"), "disturbed"),
    ],
)
def test_one_wrong_attempt_is_found(attempt: Attempt, kind: str) -> None:
    """A verdict that is not right during its whole length is found, with the kind of mistake."""
    found = complaints([*RIGHT, attempt])
    assert [(one.kind, one.attempt) for one in found] == [(kind, attempt)]


@pytest.mark.parametrize(
    "attempt",
    [
        confirmed(9.85, 10.05),
        failed(9.85, 10.05, "connection_reset"),
        failed(13.9, 14.4, "tcp_refused"),
        failed(10.5, 10.6, "connection_closed", certain=False, also=("tcp_refused",)),
        failed(10.5, 10.6, "probe_fault"),
        Attempt("one", 10.5, 11.5, "unconfirmed"),
    ],
)
def test_what_may_be_is_right(attempt: Attempt) -> None:
    """During a change both truths are right for an attempt; `certain: false` and `unconfirmed` always are."""
    assert complaints([*RIGHT, attempt]) == []


def test_an_experiment_of_an_old_truth_is_no_excuse() -> None:
    """A cause that neither truth allows is also wrong in an attempt during a change."""
    assert kinds([*RIGHT, failed(13.0, 14.4, "protocol_version_mismatch")]) == ["wrong_certain"]


@pytest.mark.parametrize("trouble", [SUSPENDED, HUNGRY])
def test_own_trouble_blames_nobody(trouble: Trouble) -> None:
    """While the probe has a problem, `certain: false` is right for a healthy target, `certain: true` is not."""
    healthy = Timeline()
    doubt = failed(11.5, 11.6, "dns_failure", certain=False)
    fault = failed(11.5, 11.6, "probe_fault")
    assert kinds([doubt, fault], healthy, [trouble]) == []
    blamed = failed(11.5, 11.6, "dns_failure")
    assert kinds([blamed], healthy, [trouble]) == ["own_trouble_blamed"]


def test_excuses_without_trouble_are_counted() -> None:
    """A probe that always reports `probe_fault` would never be wrong, and useless."""
    faults = [failed(at, at + 0.1, "probe_fault") for at in (10.5, 11.5, 13.5)]
    history = History(faults, {"one": refused_from_10_to_14()}, [SUSPENDED])
    assert judge(history, LIMITS).own == 2


def test_own_trouble_excuses_no_false_green() -> None:
    """A success during a fault is wrong also while the probe has a problem."""
    assert kinds([*RIGHT, confirmed(11.5, 11.6)], None, [HUNGRY]) == ["false_green"]


def test_trouble_that_is_over_excuses_nothing() -> None:
    """A healthy target that is blamed after the end of the probe's problem is a mistake."""
    late = failed(13.2, 13.4, "tls_timeout")
    assert kinds([late], Timeline(), [SUSPENDED]) == ["wrong_certain"]


def test_a_server_that_could_not_run_excuses_a_timeout_alone() -> None:
    """Where a server measured that it could not run, a timeout is right, and no other cause."""
    stalls = {"one": [Stall(11.0, 11.9)]}
    slow = failed(11.0, 12.0, "tls_timeout")
    assert kinds([slow], Timeline(), stalls=stalls) == []
    assert kinds([failed(11.0, 12.0, "not_tls")], Timeline(), stalls=stalls) == ["wrong_certain"]
    short = {"one": [Stall(11.0, 11.1)]}
    assert kinds([slow], Timeline(), stalls=short) == ["wrong_certain"]


def test_a_fault_that_is_never_found_is_missed() -> None:
    """Whole attempts that are all uncertain or unconfirmed have missed the fault."""
    silent = [Attempt("one", at, at + 0.1, "unconfirmed") for at in (10.5, 11.0, 11.5)]
    assert kinds(silent) == ["missed"]
    assert kinds(silent[:1]) == []
    assert kinds(silent, None, [Trouble(10.0, 14.0, "suspended")]) == []


def test_a_file_that_stays_unused_must_be_a_finding() -> None:
    """Success with the last good file is right only where the broken one is a finding."""
    timeline = struck_by(BROKEN_FILE)
    quiet = [confirmed(at, at + 0.1) for at in (10.5, 11.0, 11.5)]
    assert kinds(quiet, timeline) == ["missed"]
    said = Attempt("one", 12.0, 12.1, "confirmed", findings=("client_file_missing",))
    assert kinds([*quiet, said], timeline) == []
    assert kinds([failed(12.0, 12.1, "client_file_missing")], timeline) == []
    assert kinds([*quiet, said, failed(13.0, 13.1, "tcp_refused")], timeline) == ["wrong_certain"]


def test_a_probe_that_stops_attempting_is_found() -> None:
    """A gap between attempts is found, unless the probe was suspended for that long."""
    early, late = confirmed(1.0, 1.1), confirmed(8.0, 8.1)
    up = [(0.5, 8.5)]
    assert kinds([early, late], Timeline(), up=up) == ["halted"]
    halted = Trouble(2.0, 7.0, "suspended", halts=True)
    assert kinds([early, late], Timeline(), [halted], up=up) == []
    blocked = Trouble(2.0, 7.0, "stderr blocked")
    assert kinds([early, late], Timeline(), [blocked], up=up) == ["halted"]
    assert kinds([early], Timeline(), up=[(0.5, 2.0), (6.0, 7.0)]) == []


def test_pages_that_stop_answering_are_found() -> None:
    """A gap between answers is found, unless a fault blocks the pages."""
    attempts = [confirmed(at, at + 0.1) for at in range(1, 9)]
    deaf = {"up": [(0.5, 8.5)], "answers": [1.0, 2.0, 7.0, 8.0]}
    assert kinds(attempts, Timeline(), **deaf) == ["deaf"]
    hungry = Trouble(2.0, 6.5, "without descriptors", deafens=True)
    assert kinds(attempts, Timeline(), [hungry], **deaf) == []
    assert kinds(attempts, Timeline(), [Trouble(2.0, 6.5, "flooded")], **deaf) == ["deaf"]
