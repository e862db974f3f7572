"""diagnose(evidence) -> Diagnosis: pure, total, and reading no clock.

Law 5: every match is a fact with its proof; the cause that explains the others is primary, what
else is proven goes to `also`, and what evidence can't decide is said to be uncertain. Law 6: a
cause that does not apply is not asked.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from probe.diagnosis.catalogue import BY_ENDING, CATALOGUE
from probe.diagnosis.cause import Cause, Match, Strength
from probe.diagnosis.fixes.steps import fill_steps
from probe.diagnosis.readings.experiment_facts import describe_experiments
from probe.diagnosis.readings.observed import is_confirmed, is_unanswered
from probe.diagnosis.readings.own_delay import DECIDES, describe_own_delay
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.finding import Finding


def diagnose(evidence: Evidence, catalogue: Mapping[str, Cause] = CATALOGUE) -> Diagnosis:
    """Say what `evidence` means: the outcome, and where it failed exactly one primary cause."""
    diagnosis = _judge(evidence, catalogue)
    notes = evidence.target.notes
    return replace(diagnosis, facts=diagnosis.facts + notes) if notes else diagnosis


def _judge(evidence: Evidence, catalogue: Mapping[str, Cause]) -> Diagnosis:
    # A success is asked only for what can be a finding: the same causes at either depth.
    kind = "application_data" if is_confirmed(evidence) else evidence.ending.kind
    matches = [
        (cause, match) for cause in BY_ENDING[kind] if (match := cause.match(evidence)) is not None
    ]
    findings = tuple(
        Finding(cause=cause.id, fact=fact, fix=fill_steps(fix or cause.fix, evidence.target))
        for cause, match in matches
        if match.strength is Strength.FINDING
        for fact, fix in (match.each or ((fact, match.fix) for fact in match.facts))
    )
    fitting = [(cause, match) for cause, match in matches if match.strength < Strength.FINDING]
    if not fitting:
        return _diagnose_without_cause(evidence, findings, catalogue)
    return _diagnose_failure(evidence, fitting, findings)


def _diagnose_without_cause(
    evidence: Evidence, findings: tuple[Finding, ...], catalogue: Mapping[str, Cause]
) -> Diagnosis:
    stage = evidence.ending.stage
    if is_confirmed(evidence):
        return Diagnosis(
            outcome="confirmed", stage=stage, findings=findings, facts=_describe_proof(evidence)
        )
    if is_unanswered(evidence):
        return Diagnosis(
            outcome="unconfirmed",
            stage=stage,
            certain=False,
            findings=findings,
            facts=(_describe_silence(evidence),),
        )
    cause = catalogue["unexplained"]
    ending = evidence.ending
    return Diagnosis(
        outcome="failed",
        stage=stage,
        cause=cause.id,
        family=cause.family,
        certain=False,
        findings=findings,
        facts=(f"the attempt ended at {ending.stage}: {ending.kind} {ending.detail}".rstrip(),),
        fix=fill_steps(cause.fix, evidence.target),
        party=cause.party,
    )


def _diagnose_failure(
    evidence: Evidence, fitting: list[tuple[Cause, Match]], findings: tuple[Finding, ...]
) -> Diagnosis:
    ranked = sorted(fitting, key=lambda pair: pair[1].strength)
    matched = {cause.id: match.strength for cause, match in ranked}
    standing = [
        (cause, match)
        for cause, match in ranked
        if all(matched.get(by, Strength.FINDING) > match.strength for by in cause.explained_by)
    ]
    primary, proof = (standing or ranked)[0]
    others = [(cause.id, match) for cause, match in standing if cause is not primary]
    proven = [id_ for id_, match in others if match.strength <= Strength.PROVEN]
    certain = not proof.possible
    possible = list(proof.possible)
    if not certain:
        possible += [id_ for id_, match in others if match.strength is Strength.FITS]
    possible = [id_ for id_ in dict.fromkeys(possible) if id_ != primary.id and id_ not in proven]
    facts = list(proof.facts)
    facts += [
        fact
        for cause, match in ranked
        if cause.id in proven
        for fact in match.facts
        if fact not in facts
    ]
    facts += describe_experiments(evidence)
    decides = proof.decides if proof.possible else ""
    delay = describe_own_delay(evidence)
    if delay:
        certain, decides = False, decides or DECIDES
        possible.append("probe_fault")
        facts.append(delay)
    return Diagnosis(
        outcome="failed",
        stage=evidence.ending.stage,
        cause=primary.id,
        family=primary.family,
        documented_cause=primary.documented_cause,
        certain=certain,
        also=tuple(proven + possible),
        findings=findings,
        facts=tuple(dict.fromkeys(facts)),
        would_decide=decides,
        fix=fill_steps(proof.fix or primary.fix, evidence.target),
        party=proof.party or primary.party,
    )


def _describe_silence(evidence: Evidence) -> str:
    limit = f"within {evidence.target.timeout:g} s"
    if evidence.answer is not None:
        status = evidence.answer.http_status
        return f"HTTP {status} came, and the end of its body did not {limit}"
    if evidence.target.plaintext:
        return f"the backend gave no answer {limit}; a connection alone proves nothing"
    return f"the backend gave no answer {limit}; a finished handshake alone proves nothing"


def _describe_proof(evidence: Evidence) -> tuple[str, ...]:
    answer = evidence.answer
    if answer is None:
        return (
            "application data arrived after the client's last flight and no refusal followed; "
            "backends that judge a certificate above TLS (nginx) need depth otlp",
        )
    said = (
        f"HTTP {answer.http_status}"
        if answer.grpc_status is None
        else f"gRPC status {answer.grpc_status}"
    )
    fact = f"the backend answered the Export request with {said}"
    if not evidence.canary_trace_id:
        return (fact,)
    return (
        f"{fact}, and so took the probe's own item: look for trace id {evidence.canary_trace_id}",
        "a backend that answers before it writes (a Collector's file exporter with a buffer, a "
        "sending_queue, a batch processor) shows a full disk or a missing right at a later item "
        "only, or in its own log",
    )
