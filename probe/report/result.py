"""The JSON form of an attempt's result: interfaces.md, section 4, for every output that makes JSON.

Law 10: what a target's owner wrote passes `safe_text` here; what a peer sent has passed it before.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec
import msgspec.structs
from msgspec import UNSET, Struct, UnsetType

from probe.diagnosis.readings.experiment_results import ExperimentResult, read_experiments
from probe.exporters.by_exporter import by_exporter
from probe.exporters.verdict import Verdict
from probe.ledger.target_runtime import TargetRuntime, as_expected
from probe.model.certificate import CertificateFacts
from probe.model.diagnosis import Diagnosis, Party
from probe.model.evidence import Alert, Evidence, Handshake, Stage
from probe.model.finding import Finding
from probe.model.source_state import SourceState
from probe.text.safe_text import safe_text

SCHEMA: Final = "mtls-probe/1"

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC).timestamp()
_LATEST: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()


class ReportedFinding(Struct, frozen=True):
    """A finding next to the attempt, or the file, that it stands with."""

    cause: str
    fact: str
    fix: tuple[str, ...]


class Tls(Struct, frozen=True):
    """What the handshake agreed on; null is not known."""

    version: str | None = None
    cipher: str | None = None
    group: str | None = None
    alpn: str | None = None
    client_certificate_requested: bool | None = None


class Certificate(Struct, frozen=True):
    """One certificate; its dates are RFC 3339."""

    subject: str
    issuer: str
    serial_number: str
    not_before: str
    not_after: str
    sans: tuple[str, ...]
    sha256: str


class Experiment(Struct, frozen=True):
    """One further connection with one thing varied, and what it proved or ruled out (a cause)."""

    varied: str
    at: str
    outcome: str
    proves: str | None
    rules_out: str | None


class Clock(Struct, frozen=True):
    """The best comparison of clocks: `offset_seconds` is remote minus local."""

    offset_seconds: float | None = None
    source: str | None = None


class Result(Struct, frozen=True, kw_only=True):
    """One attempt's result, its fields in the contract's order."""

    target: str
    endpoint: str
    protocol: str
    labels: dict[str, str]
    at: str
    outcome: Literal["confirmed", "failed", "unconfirmed"]
    expected: bool
    stage: Stage
    cause: str | None
    family: str | None
    documented_cause: int
    certain: bool
    also: tuple[str, ...]
    findings: tuple[ReportedFinding, ...]
    party: Party | None
    """Who must act, by this evidence; null unless the attempt failed."""
    facts: tuple[str, ...]
    fix: tuple[str, ...]
    by_exporter: tuple[Verdict, ...]
    """What exporters would do where they differ from the probe; empty where all do the same."""
    alerts: tuple[Alert, ...]
    tls: Tls
    acceptable_cas: tuple[str, ...]
    server_certificates: tuple[Certificate, ...]
    client_certificates: tuple[Certificate, ...]
    clock: Clock
    experiments: tuple[Experiment, ...]
    durations: dict[str, float]
    trace_id: str | UnsetType = UNSET
    """The attempt's own trace, where it is recorded; else its canary's; else it is left out."""


class Document(Struct, frozen=True, omit_defaults=True):
    """Results with their schema, and how each source of targets was.

    `pending` names targets without a finished attempt.
    """

    schema: str
    results: tuple[Result | msgspec.Raw, ...]
    sources: tuple[SourceState, ...] | UnsetType = UNSET
    pending: tuple[str, ...] = ()


def result(evidence: Evidence, diagnosis: Diagnosis) -> Result:
    """Return the result of one attempt from its evidence and what that means."""
    target = evidence.target
    handshake = evidence.handshake
    alerts = handshake.alerts if handshake else ()
    if evidence.recheck is not None:
        alerts += evidence.recheck.handshake.alerts
    failed = diagnosis.outcome == "failed"
    return Result(
        target=safe_text(target.name),
        endpoint=safe_text(target.endpoint),
        protocol=target.protocol,
        labels={safe_text(name): safe_text(value) for name, value in target.labels},
        at=rfc3339(evidence.at, "milliseconds"),
        outcome=diagnosis.outcome,
        expected=as_expected(diagnosis, target.expect_cause),
        stage=diagnosis.stage,
        cause=diagnosis.cause if failed else None,
        family=diagnosis.family if failed else None,
        documented_cause=diagnosis.documented_cause,
        certain=diagnosis.certain,
        also=diagnosis.also,
        findings=report_findings(diagnosis.findings),
        party=diagnosis.party,
        facts=diagnosis.all_facts,
        fix=diagnosis.fix,
        by_exporter=by_exporter(evidence, diagnosis),
        alerts=alerts,
        tls=_tls(handshake),
        acceptable_cas=tuple(name.text for name in handshake.acceptable_cas) if handshake else (),
        server_certificates=tuple(map(certificate, handshake.server_chain)) if handshake else (),
        client_certificates=tuple(map(certificate, evidence.credentials.client_chain)),
        clock=_clock(evidence),
        experiments=tuple(map(_experiment, read_experiments(evidence))),
        durations=evidence.durations,
        trace_id=evidence.canary_trace_id or UNSET,
    )


def result_of(state: TargetRuntime) -> Result | None:
    """Return the result of a target's last attempt, None before the first one ended."""
    if state.evidence is None or state.diagnosis is None:
        return None
    found = result(state.evidence, state.diagnosis)
    if state.trace is None:
        return found
    return msgspec.structs.replace(found, trace_id=state.trace.trace_id)


def document(
    results: Iterable[Result | msgspec.Raw],
    pending: Iterable[str] = (),
    *,
    sources: Iterable[SourceState] | None = None,
) -> bytes:
    """Return the JSON document of `results`, ending in a line break; each may be JSON already.

    Without `sources` it says nothing of them: it is about one target, or about recorded evidence.
    """
    names = tuple(map(safe_text, pending))
    states = UNSET if sources is None else tuple(sources)
    return _encoder.encode(Document(SCHEMA, tuple(results), states, names)) + b"\n"


def line(one: Result) -> bytes:
    """Return one result as a line of JSON (`--output jsonl`)."""
    return _encoder.encode(one) + b"\n"


def rfc3339(seconds: float, timespec: Literal["seconds", "milliseconds"] = "seconds") -> str:
    """Return epoch seconds as RFC 3339 in UTC; what lies beyond years 1 to 9999 is its limit."""
    within = min(max(seconds, _EARLIEST), _LATEST)
    return datetime.fromtimestamp(within, UTC).replace(tzinfo=None).isoformat("T", timespec) + "Z"


_encoder = msgspec.json.Encoder()


def _tls(handshake: Handshake | None) -> Tls:
    if handshake is None:
        return Tls()
    return Tls(
        version=handshake.version or None,
        cipher=handshake.cipher or None,
        group=handshake.group or None,
        alpn=handshake.alpn or None,
        client_certificate_requested=handshake.client_certificate_requested,
    )


def certificate(facts: CertificateFacts) -> Certificate:
    """Return what every JSON says of a certificate."""
    return Certificate(
        subject=facts.subject.text,
        issuer=facts.issuer.text,
        serial_number=facts.serial_number,
        not_before=rfc3339(facts.not_before),
        not_after=rfc3339(facts.not_after),
        sans=facts.sans,
        sha256=facts.sha256,
    )


def report_findings(findings: Iterable[Finding]) -> tuple[ReportedFinding, ...]:
    """Return what every JSON says of findings."""
    return tuple(ReportedFinding(one.cause, one.fact, one.fix) for one in findings)


def _experiment(one: ExperimentResult) -> Experiment:
    return Experiment(
        varied=one.varied,
        at=rfc3339(one.at),
        outcome=one.outcome,
        proves=one.proves or None,
        rules_out=one.rules_out or None,
    )


def _clock(evidence: Evidence) -> Clock:
    if not evidence.clock:
        return Clock()
    best = min(evidence.clock, key=lambda reading: reading.uncertainty)
    return Clock(offset_seconds=best.offset, source=best.source)
