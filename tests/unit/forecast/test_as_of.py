"""Attempts judged as of another moment: never green where the dates are over by then."""

from typing import Any, Final

import msgspec.structs
import pytest

from probe.diagnosis.diagnose import diagnose
from probe.forecast.as_of import judge_as_of
from probe.model.certificate import CertificateFacts
from probe.model.evidence import Evidence, Experiment
from probe.model.later_judgement import LaterJudgement
from probe.model.path_fault import PathFault
from tests.support.certificate_facts import (
    AT,
    BACKEND,
    DAY,
    OTHER_CA,
    SERVER_CA,
    authority,
    exporter,
)
from tests.support.evidence import (
    TAKEN,
    answered_attempt,
    complete_handshake,
    held_credentials,
    refused_attempt,
    unconnected_attempt,
    unverified_attempt,
)

EXPIRED: Final = PathFault(kind="expired", position=0, sha256=BACKEND.sha256)


def at(days: float, evidence: Evidence, *faults: PathFault, seen: bool = True) -> Evidence:
    """Return `evidence` with the judgement of its server's certificates as of so many days later."""
    later = LaterJudgement(
        AT + days * DAY,
        AT,
        path_faults=faults,
        server_verified=not faults,
        verified_paths=() if faults else ((BACKEND.sha256, SERVER_CA.sha256),),
        used_anchors=() if faults else (SERVER_CA,),
        seen=seen,
    )
    return msgspec.structs.replace(evidence, later=later)


def judged(days: float, evidence: Evidence) -> tuple[str, str | None, bool]:
    """Return outcome, cause and certainty as of so many days later."""
    _, diagnosis = judge_as_of(evidence, AT + days * DAY)
    return diagnosis.outcome, diagnosis.cause, diagnosis.certain


def with_client(own: CertificateFacts, **fields: Any) -> Evidence:
    """Return an attempt whose client certificate is `own`; the backend took it."""
    return answered_attempt(credentials=held_credentials(own), **fields)


def test_what_lasts_stays_confirmed_and_says_as_of_when() -> None:
    """With what ends soon after that moment as a finding."""
    own = exporter(ends=20)
    seen, diagnosis = judge_as_of(at(10, with_client(own)), AT + 10 * DAY)
    assert diagnosis.outcome == "confirmed"
    assert diagnosis.facts[0] == (
        "judged as of 2026-12-02 10:00:00 UTC, 10 days after the attempt: files and the backend's "
        "certificates by their dates then; what the backend said is of now: confirmed"
    )
    assert "expires in 10 days" in diagnosis.findings[0].fact
    assert (seen.at, seen.later and seen.later.attempted_at) == (AT + 10 * DAY, AT)


def test_a_chain_that_has_expired_by_then_is_the_cause_that_will_be_in_force() -> None:
    """Though the handshake works now."""
    evidence = at(300, with_client(exporter(ends=400)), EXPIRED)
    assert diagnose(evidence).outcome == "confirmed"
    assert judged(300, evidence) == ("failed", "server_cert_expired", True)
    _, diagnosis = judge_as_of(evidence, AT + 300 * DAY)
    assert diagnosis.party == "backend"
    assert any("expired 25 days ago" in fact for fact in diagnosis.facts)
    assert not any("--at" in fact for fact in diagnosis.facts)


def test_a_client_certificate_that_has_expired_by_then_fails() -> None:
    """Documented cause 3, with the file that has to be renewed."""
    evidence = at(30, with_client(exporter(ends=20)))
    assert judged(30, evidence) == ("failed", "client_cert_expired", True)
    _, diagnosis = judge_as_of(evidence, AT + 30 * DAY)
    assert (diagnosis.documented_cause, diagnosis.party, diagnosis.stage) == (
        3,
        "exporter",
        "accept",
    )
    assert "CN=checkout expired 10 days ago, on 2026-12-12 10:00:00 UTC" in diagnosis.facts
    assert any("Renew the exporter's certificate" in step for step in diagnosis.fix)


def test_both_sides_expired_are_both_named() -> None:
    """The exporter stops over the server's; the client's would be next."""
    _, diagnosis = judge_as_of(at(300, with_client(exporter(ends=20)), EXPIRED), AT + 300 * DAY)
    assert (diagnosis.cause, diagnosis.also) == ("server_cert_expired", ("client_cert_expired",))
    assert not diagnosis.findings


def test_the_ca_of_the_client_certificate_may_end_first() -> None:
    """Not certain: the backend may hold another copy of it."""
    ca = authority("Exporter client CA", ends=50)
    held = held_credentials(exporter(ca, ends=400), at_hand=(ca,))
    evidence = at(60, answered_attempt(credentials=held))
    assert judged(60, evidence) == ("failed", "client_cert_expired", False)
    _, diagnosis = judge_as_of(evidence, AT + 60 * DAY)
    assert diagnosis.party == "backend"


def test_a_moment_before_a_certificate_began() -> None:
    """The same judgement, the other end."""
    early = PathFault(kind="not_yet_valid", position=0, sha256=BACKEND.sha256)
    assert judged(-100, at(-100, answered_attempt(), early)) == (
        "failed",
        "server_cert_not_yet_valid",
        True,
    )
    assert judged(-100, at(-100, answered_attempt()))[1] == "client_cert_not_yet_valid"


def test_a_backend_that_looks_at_no_client_certificate_goes_on() -> None:
    """Where it asks for none, takes clients without one, or takes an expired one now."""
    own = exporter(ends=20)
    open_door = complete_handshake(
        client_certificate_requested=False, client_certificate_sent=False
    )
    anyone = Experiment(
        varied="no_client_certificate",
        at=AT,
        ending=with_client(own).ending,
        handshake=complete_handshake(client_certificate_sent=False),
        answer=TAKEN,
    )
    for evidence in (
        with_client(own, handshake=open_door),
        with_client(own, experiments=(msgspec.structs.replace(anyone, varied="unvaried"), anyone)),
        with_client(exporter(ends=-1)),
    ):
        assert judged(30, at(30, evidence))[:2] == ("confirmed", None)
        _, diagnosis = judge_as_of(at(30, evidence), AT + 30 * DAY)
        (dated,) = [one for one in diagnosis.findings if one.cause == "client_cert_expired"]
        assert "expired" in dated.fact


def test_what_fails_now_fails_as_it_does_now() -> None:
    """An expired certificate of then is not why a backend refuses now."""
    refused = refused_attempt(48, exporter(ends=20), listed=(OTHER_CA,))
    assert judged(30, at(30, refused))[:2] == ("failed", "client_ca_untrusted")
    _, diagnosis = judge_as_of(at(30, refused), AT + 30 * DAY)
    assert "it fails now, whatever the moment" in diagnosis.facts
    down = unconnected_attempt("refused", "ECONNREFUSED")
    assert judged(30, down) == ("failed", "tcp_refused", diagnose(down).certain)
    seen, _ = judge_as_of(down, AT + 30 * DAY)
    assert seen.later is not None
    assert not seen.later.seen


@pytest.mark.parametrize("days", [30, -30])
def test_a_fault_of_now_that_is_over_by_then_leaves_the_rest_open(days: float) -> None:
    """The attempt ended before the backend judged the exporter: that is not a success."""
    evidence = unverified_attempt(BACKEND, shake={"path_faults": (EXPIRED,)})
    assert judged(days, at(days, evidence)) == ("unconfirmed", None, False)
