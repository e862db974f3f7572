"""The JSON form of an attempt's result, for every output that makes JSON, and evidence as files.

`docs/json.md` describes each field. What a target's owner wrote passes `safe_text` here; what a peer
sent has passed it before. Evidence has no key bytes and no header values.
"""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

import msgspec
import msgspec.structs
from msgspec import UNSET, Struct, UnsetType

from probe.changes.describe_change import describe_change
from probe.comparison.by_exporter import compare_exporters
from probe.comparison.verdict import Verdict
from probe.diagnosis.readings.experiment_results import ExperimentResult, read_experiments
from probe.ledger.target_runtime import TargetRuntime, is_expected
from probe.model.certificate import CertificateFacts
from probe.model.change import Change
from probe.model.diagnosis import Diagnosis, Party
from probe.model.evidence import Alert, Evidence, Handshake, Stage, TargetFacts, to_json
from probe.model.finding import Finding
from probe.model.target import SourceState
from probe.report.address_summary import TargetAddresses
from probe.report.message_table import load_refusal_texts
from probe.text.safe_text import safe_text
from probe.text.time_format import format_day, rfc3339

SCHEMA: Final = "mtls-probe/1"

_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_NOT_IN_FILE_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]+")


class ReportedFinding(Struct, frozen=True):
    """A finding with its attempt or its file."""

    cause: str
    fact: str
    fix: tuple[str, ...]


class ResultTls(Struct, frozen=True):
    """What the handshake agreed on; null is not known."""

    version: str | None = None
    cipher: str | None = None
    group: str | None = None
    alpn: str | None = None
    client_certificate_requested: bool | None = None


class ResultCertificate(Struct, frozen=True):
    """One certificate; its dates are RFC 3339."""

    subject: str
    issuer: str
    serial_number: str
    not_before: str
    not_after: str
    sans: tuple[str, ...]
    sha256: str


class ResultExperiment(Struct, frozen=True):
    """One further connection with one thing varied, and what it proved or ruled out (a cause)."""

    varied: str
    at: str
    outcome: str
    proves: str | None
    rules_out: str | None


class ResultChange(Struct, frozen=True):
    """One thing that was another way in earlier attempts; its texts are for people."""

    what: str
    before: str
    after: str
    at: str
    """When it was first seen as it is now."""
    text: str


class ResultClock(Struct, frozen=True):
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
    exporter: str
    """Whose verdict the outcome is."""
    peer_address: str
    """The address that the attempt was connected to, of the proxy where there is one; or empty."""
    facts: tuple[str, ...]
    fix: tuple[str, ...]
    by_exporter: tuple[Verdict, ...]
    """What other exporters would do where they differ; empty where all do the same."""
    changed: tuple[ResultChange, ...]
    """What changed before the attempt, where it is one of several against the target."""
    alerts: tuple[Alert, ...]
    tls: ResultTls
    acceptable_cas: tuple[str, ...]
    server_certificates: tuple[ResultCertificate, ...]
    client_certificates: tuple[ResultCertificate, ...]
    clock: ResultClock
    experiments: tuple[ResultExperiment, ...]
    durations: dict[str, float]
    expect_until: str | UnsetType = UNSET
    """The day on which the silence about the expected cause ends; left out where there is none."""
    as_of: str | UnsetType = UNSET
    """The moment that files and certificates are judged as of, where that is not `at`."""
    trace_id: str | UnsetType = UNSET
    """The attempt's own trace, where it is recorded; else its canary's; else it is left out."""


class ResultsDocument(Struct, frozen=True, omit_defaults=True):
    """Results with their schema, and how each source of targets was.

    `pending` names targets without a finished attempt.
    """

    schema: str
    results: tuple[Result | msgspec.Raw, ...]
    sources: tuple[SourceState, ...] | UnsetType = UNSET
    pending: tuple[str, ...] = ()
    addresses: tuple[TargetAddresses, ...] = ()
    """Each target of which every address has its own result, as a whole."""


def build_result(evidence: Evidence, diagnosis: Diagnosis) -> Result:
    """Return the result of one attempt from its evidence and what that means."""
    target = evidence.target
    handshake = evidence.handshake
    alerts = handshake.alerts if handshake else ()
    if evidence.recheck is not None:
        alerts += evidence.recheck.handshake.alerts
    failed = diagnosis.outcome == "failed"
    at, later = evidence.at, evidence.later
    is_judged_later = later is not None and later.at == at
    return Result(
        target=safe_text(target.name),
        endpoint=safe_text(target.endpoint),
        protocol=target.protocol,
        labels=_labels(target),
        at=rfc3339(later.attempted_at if later and is_judged_later else at, "milliseconds"),
        outcome=diagnosis.outcome,
        expected=is_expected(evidence, diagnosis),
        stage=diagnosis.stage,
        cause=diagnosis.cause if failed else None,
        family=diagnosis.family if failed else None,
        documented_cause=diagnosis.documented_cause,
        certain=diagnosis.certain,
        also=diagnosis.also,
        findings=report_findings(diagnosis.findings),
        party=diagnosis.party,
        exporter=target.exporter,
        peer_address=evidence.peer_address,
        facts=diagnosis.all_facts,
        fix=diagnosis.fix,
        by_exporter=compare_exporters(evidence, diagnosis, load_refusal_texts()),
        changed=tuple(map(_change, evidence.changed)),
        alerts=alerts,
        tls=_tls(handshake),
        acceptable_cas=tuple(name.text for name in handshake.acceptable_cas) if handshake else (),
        server_certificates=tuple(map(build_certificate, handshake.server_chain))
        if handshake
        else (),
        client_certificates=tuple(map(build_certificate, evidence.credentials.client_chain)),
        clock=_clock(evidence),
        experiments=tuple(map(_experiment, read_experiments(evidence))),
        durations=evidence.durations,
        expect_until=format_day(target.expect_until) if target.expect_until else UNSET,
        as_of=rfc3339(at) if is_judged_later else UNSET,
        trace_id=evidence.canary_trace_id or UNSET,
    )


def find_latest_result(runtime: TargetRuntime) -> Result | None:
    """Return the result of a target's last attempt, None before the first one ended."""
    if runtime.evidence is None or runtime.diagnosis is None:
        return None
    found = build_result(runtime.evidence, runtime.diagnosis)
    if runtime.trace is None:
        return found
    return msgspec.structs.replace(found, trace_id=runtime.trace.trace_id)


def encode_results(
    results: Iterable[Result | msgspec.Raw],
    pending: Iterable[str] = (),
    *,
    sources: Iterable[SourceState] | None = None,
    addresses: Iterable[TargetAddresses] = (),
) -> bytes:
    """Return the JSON document of `results`, ending in a line break; each may be JSON already.

    Without `sources` it says nothing of them: it is about one target, or about recorded evidence.
    """
    names = tuple(map(safe_text, pending))
    states = UNSET if sources is None else tuple(sources)
    document = ResultsDocument(SCHEMA, tuple(results), states, names, tuple(addresses))
    return _encoder.encode(document) + b"\n"


def encode_line(one: Result) -> bytes:
    """Return one result as a line of JSON (`--output jsonl`)."""
    return _encoder.encode(one) + b"\n"


_encoder = msgspec.json.Encoder()


def _labels(target: TargetFacts) -> dict[str, str]:
    labels = {safe_text(name): safe_text(value) for name, value in target.labels}
    return labels | ({"address": target.address} if target.address else {})


def _tls(handshake: Handshake | None) -> ResultTls:
    if handshake is None:
        return ResultTls()
    return ResultTls(
        version=handshake.version or None,
        cipher=handshake.cipher or None,
        group=handshake.group or None,
        alpn=handshake.alpn or None,
        client_certificate_requested=handshake.client_certificate_requested,
    )


def build_certificate(facts: CertificateFacts) -> ResultCertificate:
    """Return what every JSON says of a certificate."""
    return ResultCertificate(
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
    return msgspec.convert(tuple(findings), tuple[ReportedFinding, ...], from_attributes=True)


def _experiment(one: ExperimentResult) -> ResultExperiment:
    return ResultExperiment(
        varied=one.varied,
        at=rfc3339(one.at),
        outcome=one.outcome,
        proves=one.proves or None,
        rules_out=one.rules_out or None,
    )


def _change(change: Change) -> ResultChange:
    return ResultChange(
        what=change.what,
        before="; ".join(change.before),
        after="; ".join(change.after),
        at=rfc3339(change.at, "milliseconds"),
        text=describe_change(change),
    )


def _clock(evidence: Evidence) -> ResultClock:
    if not evidence.clock:
        return ResultClock()
    best = min(evidence.clock, key=lambda reading: reading.uncertainty)
    return ResultClock(offset_seconds=best.offset, source=best.source)


def write_evidence(folder: Path, attempts: Iterable[Evidence]) -> tuple[Path, ...]:
    """Write each of `attempts` to `folder`, made where it is missing; return the files.

    Raises:
        OSError: where a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for evidence in attempts:
        target = evidence.target
        name = f"{target.name}-{target.address}" if target.address else target.name
        path = folder / name_evidence_file(name)
        path.write_bytes(to_json(evidence) + b"\n")
        written.append(path)
    return tuple(written)


def name_evidence_file(target: str) -> str:
    """Return the file's name for a target: its own where that is plain, else made so and unique."""
    if _PLAIN_NAME.fullmatch(target):
        return f"{target}.json"
    digest = hashlib.sha256(target.encode(errors="surrogatepass")).hexdigest()[:8]
    readable = _NOT_IN_FILE_NAMES.sub("-", target).strip("-.")[:80]
    return f"{readable or 'target'}-{digest}.json"
