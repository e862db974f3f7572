"""diagnose(evidence) -> Diagnosis: pure, total, and reading no clock.

Every match is a fact with its proof: the cause that explains the others is primary, what else is
proven goes to `also`, and what evidence can't decide is said to be uncertain ("proof" in
docs/architecture.md).
"""

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from probe.diagnosis.catalogue import CATALOGUE, Catalogue
from probe.diagnosis.cause import Cause, Match, Strength
from probe.diagnosis.fixes.steps import fill_steps
from probe.diagnosis.readings.backend_decision import is_confirmed, is_unanswered
from probe.diagnosis.readings.experiment_results import describe_experiments, is_reproduced
from probe.diagnosis.readings.receiver_attempt import list_receiver_findings
from probe.diagnosis.readings.receiver_judgement import NOT_REQUESTED
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.finding import Finding
from probe.text.safe_text import safe_text

_ANOTHER_ATTEMPT: Final = "another attempt while the probe's process gets its CPU time"
_REQUEST_TIMEOUT: Final = 408
_MAY_BE_OUR_DELAY: Final = frozenset({"close", "reset", "proxy"})


def diagnose(evidence: Evidence, catalogue: Catalogue = CATALOGUE) -> Diagnosis:
    """Say what `evidence` means: the outcome, and where it failed exactly one primary cause."""
    # A confirmed attempt can only have findings; look for the same ones at depth tls and otlp.
    kind = "application_data" if is_confirmed(evidence) else evidence.ending.kind
    matches = [
        (cause, match)
        for cause in catalogue.select_by_ending(kind)
        if (match := cause.match(evidence)) is not None
    ]
    findings = tuple(
        Finding(
            cause=cause.id,
            fact=fact,
            fix=fill_steps(fix or cause.fix, evidence.target, evidence.credentials.served),
        )
        for cause, match in matches
        if match.strength is Strength.FINDING
        for fact, fix in (match.each or ((fact, match.fix) for fact in match.facts))
    )
    of_receiver = list_receiver_findings(evidence)
    # The receiver's own file says better than the handshake why nobody is asked.
    asked = {one.cause for one in of_receiver} & {NOT_REQUESTED}
    findings = (*(one for one in findings if one.cause not in asked), *of_receiver)
    fitting = [(cause, match) for cause, match in matches if match.strength < Strength.FINDING]
    if fitting:
        diagnosis = _diagnose_failure(evidence, fitting)
    else:
        diagnosis = _diagnose_without_cause(evidence, catalogue["unexplained"])
    facts = (*diagnosis.facts, *_describe_place(evidence), *evidence.target.notes)
    # What ended the attempt is said once.
    findings = tuple(one for one in findings if one.cause != diagnosis.cause)
    return replace(diagnosis, findings=findings, facts=facts)


def _describe_place(evidence: Evidence) -> Iterator[str]:
    """Say whose files and network the attempt was made with, where they are not the probe's own."""
    network, root = evidence.network, evidence.credentials.root
    if root:
        yield f"paths are those of {evidence.target.runs_in}; outside of it they begin with {root}"
    if network is None or network.network == "closed":
        return
    if network.network == "entered":
        yield f"the attempt was made from the network of {network.process}"
    if network.look_up == "files" and evidence.addresses != (evidence.target.host,):
        servers = ", ".join(map(safe_text, network.name_servers))
        yield (
            f"names were looked up as {network.process} does: with hosts and resolv.conf of its root "
            f"(name server {servers})"
        )


def _find_other_network(evidence: Evidence) -> str:
    """Return what would decide a failure that the network may be the reason of; else nothing.

    What cannot be resolved or reached from here may well be from the exporter's own network.
    """
    network, ending = evidence.network, evidence.ending
    if network is None or network.network != "closed" or ending.kind == "probe_fault":
        return ""
    if ending.stage not in {"resolve", "connect"}:
        return ""
    return f"the same attempt from the network of {network.process}, with {network.right}"


def _diagnose_without_cause(evidence: Evidence, unexplained: Cause) -> Diagnosis:
    ending = evidence.ending
    if is_confirmed(evidence):
        return Diagnosis(outcome="confirmed", stage=ending.stage, facts=_describe_proof(evidence))
    if is_unanswered(evidence):
        silence = _describe_silence(evidence)
        return Diagnosis(outcome="unconfirmed", stage=ending.stage, certain=False, facts=(silence,))
    return Diagnosis(
        outcome="failed",
        stage=ending.stage,
        cause=unexplained.id,
        family=unexplained.family,
        certain=False,
        facts=(f"the attempt ended at {ending.stage}: {ending.kind} {ending.detail}".rstrip(),),
        fix=fill_steps(unexplained.fix, evidence.target, evidence.credentials.served),
        party=unexplained.party,
    )


def _diagnose_failure(evidence: Evidence, fitting: list[tuple[Cause, Match]]) -> Diagnosis:
    ranked = sorted(fitting, key=lambda pair: pair[1].strength)
    strengths = {cause.id: match.strength for cause, match in ranked}
    standing = [
        (cause, match)
        for cause, match in ranked
        if all(strengths.get(by, Strength.FINDING) > match.strength for by in cause.explained_by)
    ]
    primary, proof = (standing or ranked)[0]
    others = [(cause.id, match) for cause, match in standing if cause is not primary]
    proven = [id_ for id_, match in others if match.strength <= Strength.PROVEN]
    certain = not proof.possible
    possible = list(proof.possible)
    if not certain:
        possible += [id_ for id_, match in others if match.strength is Strength.FITS]
    possible = [id_ for id_ in dict.fromkeys(possible) if id_ not in {primary.id, *proven}]
    facts = list(proof.facts)
    facts += [fact for cause, match in ranked if cause.id in proven for fact in match.facts]
    facts += describe_experiments(evidence)
    decides = proof.decides if proof.possible else ""
    if delay := _describe_own_delay(evidence):
        certain, decides = False, decides or _ANOTHER_ATTEMPT
        possible.append("probe_fault")
        facts.append(delay)
    if other := _find_other_network(evidence):
        certain, decides = False, decides or other
    return Diagnosis(
        outcome="failed",
        stage=evidence.ending.stage,
        cause=primary.id,
        family=primary.family,
        documented_cause=primary.documented_cause,
        certain=certain,
        also=tuple(proven + possible),
        facts=tuple(dict.fromkeys(facts)),
        would_decide=decides,
        fix=fill_steps(proof.fix or primary.fix, evidence.target, evidence.credentials.served),
        party=proof.party or primary.party,
    )


def _describe_own_delay(evidence: Evidence) -> str:
    """Return the fact that the attempt may have ended because of our own delay; empty: it did not.

    A process that was suspended, or short of CPU time, answers late; some peers then close, reset
    or say "request timeout". That proves nothing, unless the same handshake ends in the same way
    while nothing delays the process.
    """
    if not evidence.held_up or is_reproduced(evidence):
        return ""
    kind, answer = evidence.ending.kind, evidence.answer
    timed_out = kind == "answered" and answer is not None and answer.http_status == _REQUEST_TIMEOUT
    if kind not in _MAY_BE_OUR_DELAY and not timed_out:
        return ""
    return (
        f"the probe's own process was held up for {evidence.held_up:.1f} s of this attempt "
        "(suspended, or short of CPU time): the other side may have given up on it"
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
