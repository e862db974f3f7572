"""What an attempt means as of another moment: its files and the server's certificates at that time.

Pure, and by the same judgements as ever: the moment is data. What the network said is of the
attempt, so that a failure of now stays one, and nothing is confirmed that now is not.
"""

from typing import Final

from msgspec.structs import replace

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.diagnose import diagnose
from probe.diagnosis.fixes.client_fixes import renew_client_certificate, renew_issuer
from probe.diagnosis.fixes.steps import fill_steps
from probe.diagnosis.readings.clock_readings import judge_clocks
from probe.diagnosis.readings.enforcement import describe_acceptance_of_anyone
from probe.diagnosis.readings.used_certificates import find_client_path, list_issuers_above
from probe.model.certificate import CertificateFacts
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import ClockReading, Ending, Evidence
from probe.model.finding import Finding
from probe.model.later_judgement import LaterJudgement
from probe.text.time_format import format_duration, format_time
from probe.x509.validity import (
    describe_beginning,
    describe_expired,
    find_expired,
    find_invalid,
    find_not_yet_valid,
    is_expired,
)

GIVEN: Final = ClockReading("--at", offset=0.0, uncertainty=0.0)
"""The moment is given: by no clock is it another one."""

_EARLY: Final = "client_cert_not_yet_valid"
_EXPIRED: Final = "client_cert_expired"


def judge_as_of(evidence: Evidence, at: float) -> tuple[Evidence, Diagnosis]:
    """Return what the exporter would see at `at`, and what that means.

    The evidence is that of the attempt with the moment and the judgement of the server's
    certificates changed; its `later` holds that judgement, where there is one.
    """
    now = diagnose(evidence)
    seen = _put_moment(evidence, at)
    diagnosis = _judge(evidence, seen, now)
    if diagnosis.outcome != now.outcome:
        seen = replace(seen, experiments=())  # they decided about what happened now
    return seen, replace(diagnosis, facts=(_describe(evidence, at, now), *diagnosis.facts))


def _judge(evidence: Evidence, seen: Evidence, now: Diagnosis) -> Diagnosis:
    later = evidence.later
    client = _judge_client(evidence, seen.at, now)
    if later is not None and later.seen and not later.server_verified:
        refused = _judge_server(seen)
        if client is None or client.cause is None:
            return refused
        return replace(
            refused,
            also=tuple(dict.fromkeys((*refused.also, client.cause))),
            facts=(*refused.facts, client.facts[0]),
            findings=tuple(one for one in refused.findings if one.cause != client.cause),
        )
    if evidence.ending.kind == "unverified":
        return _leave_open(
            now,
            "the backend's certificates are trusted then; now they are not, and the attempt ended "
            "before the backend judged the exporter",
        )
    if client is not None:
        return client
    if now.cause == _EARLY:
        return _leave_open(now, "the client certificate is valid then; now it is not yet")
    if now.outcome == "failed":
        # Of now: at another moment the same evidence could not have come about.
        return replace(now, facts=("it fails now, whatever the moment", *now.facts))
    found = diagnose(seen)
    accepted = [one for one in found.findings if one.cause not in {_EXPIRED, _EARLY}]
    dated = _find_harmless(evidence, seen.at)
    if dated is None:
        return found
    return replace(found, findings=(*accepted, dated))


def _put_moment(evidence: Evidence, at: float) -> Evidence:
    later = evidence.later or LaterJudgement(at, attempted_at=evidence.at)
    handshake = evidence.handshake
    if not later.seen or handshake is None:
        return replace(evidence, at=at, later=later, other_paths=())
    handshake = replace(
        handshake,
        path_faults=later.path_faults,
        server_verified=later.server_verified,
        verified_paths=later.verified_paths,
        used_anchors=later.used_anchors,
    )
    return replace(evidence, at=at, handshake=handshake, other_paths=later.other_paths)


def _judge_server(seen: Evidence) -> Diagnosis:
    """Return what an attempt means that ends over the server's certificates."""
    stopped = replace(
        seen,
        ending=Ending(stage="handshake", kind="unverified"),
        answer=None,
        recheck=None,
        experiments=(),
        clock=(GIVEN,),
    )
    found, of_clock = diagnose(stopped), judge_clocks(stopped).facts
    return replace(found, facts=tuple(fact for fact in found.facts if fact not in of_clock))


def _leave_open(now: Diagnosis, fact: str) -> Diagnosis:
    """Return that nobody knows what the backend says then: what stops the attempt now is over."""
    return Diagnosis(
        outcome="unconfirmed",
        stage=now.stage,
        certain=False,
        findings=now.findings,
        facts=(fact,),
        would_decide="an attempt at that time",
    )


def _judge_client(evidence: Evidence, at: float, now: Diagnosis) -> Diagnosis | None:
    """Return the failure where the backend accepts the client's chain now, and it is outside its dates then."""
    if now.outcome == "failed" or _find_harmless(evidence, at) is not None:
        return None
    sent = evidence.handshake is not None and evidence.handshake.client_certificate_sent
    if not sent:
        return None
    path = find_client_path(evidence).certificates
    if (faulty := find_invalid(path, at)) is not None:
        fix = renew_client_certificate(evidence, faulty)
        return _fail(evidence, now, _name_cause(faulty, at), _date(faulty, at), fix)
    for issuer in list_issuers_above(evidence):
        one = issuer.certificate
        if find_invalid([one], at) is None:
            continue
        fact = f"our certificate rests on a CA in {issuer.path}: {_date(one, at)}"
        found = _fail(evidence, now, _name_cause(one, at), fact, renew_issuer(issuer))
        decides = "the dates of that CA's certificate in the backend's client CA file"
        return replace(found, certain=False, party="backend", would_decide=decides)
    return None


def _find_harmless(evidence: Evidence, at: float) -> Finding | None:
    """Return the finding that the client's chain is outside its dates then, where that stops nobody.

    The backend does not look at it: it takes clients without one, or one that is outside its dates
    already.
    """
    path = find_client_path(evidence).certificates
    faulty = find_invalid(path, at)
    if faulty is None:
        return None
    anyone = describe_acceptance_of_anyone(evidence)
    if not anyone and find_invalid(path, evidence.at) is None:
        return None
    why = anyone or "the backend accepts it now, outside its dates"
    return Finding(
        cause=_name_cause(faulty, at),
        fact=f"{_date(faulty, at)}; {why}",
        fix=fill_steps(
            renew_client_certificate(evidence, faulty), evidence.target, evidence.credentials.served
        ),
    )


def _fail(
    evidence: Evidence, now: Diagnosis, cause_id: str, fact: str, fix: tuple[str, ...]
) -> Diagnosis:
    cause = CATALOGUE[cause_id]
    return Diagnosis(
        outcome="failed",
        stage="accept",
        cause=cause.id,
        family=cause.family,
        documented_cause=cause.documented_cause,
        findings=tuple(one for one in now.findings if one.cause != cause.id),
        facts=(fact, "the backend asks for a client certificate and accepts this one now"),
        fix=fill_steps(fix, evidence.target, evidence.credentials.served),
        party=cause.party,
    )


def _name_cause(certificate: CertificateFacts, at: float) -> str:
    return _EXPIRED if is_expired(certificate, at) else _EARLY


def _date(certificate: CertificateFacts, at: float) -> str:
    if find_expired([certificate], at) is not None:
        return describe_expired(certificate, at)
    assert find_not_yet_valid([certificate], at) is not None
    return describe_beginning(certificate, at)


def _describe(evidence: Evidence, at: float, now: Diagnosis) -> str:
    away = format_duration(at - evidence.at)
    when = f"{away} after the attempt" if at >= evidence.at else f"{away} before the attempt"
    outcome = now.outcome if now.cause is None else f"{now.outcome} ({now.cause})"
    unseen = evidence.later is None or not evidence.later.seen
    what = "files" if unseen else "files and the backend's certificates"
    return (
        f"judged as of {format_time(at)}, {when}: {what} by their dates then; what the backend said "
        f"is of now: {outcome}"
    )
