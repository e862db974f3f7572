"""The trace of an attempt, made of what the ledger holds: its spans, their times and events. Pure.

Evidence has the length of each stage and the time of the beginning; the stages follow one another.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.network_attributes import NETWORK_PEER_ADDRESS

from probe.diagnosis.cause import Cause
from probe.ledger.target_runtime import TargetRuntime
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import STAGES, Evidence, Handshake, Stage
from probe.telemetry import attributes
from probe.telemetry.span import Attributes, SpanEvent, SpanRecord, TraceRecord

LOOKUP: Final = "DNS lookup"
CONNECT: Final = "socket connect"
HANDSHAKE: Final = "TLS client handshake"
EXPORT: Final = "OTLP export"


@dataclass(frozen=True, slots=True)
class _Times:
    """When each stage of an attempt began and ended, epoch seconds."""

    start: Mapping[Stage, float]
    end: Mapping[Stage, float]
    over: float

    @classmethod
    def of(cls, evidence: Evidence) -> "_Times":
        start: dict[Stage, float] = {}
        end: dict[Stage, float] = {}
        at = evidence.at
        for stage in STAGES:
            start[stage] = at
            at += evidence.durations.get(stage, 0.0)
            end[stage] = at
        return cls(start, end, at)


def trace_of(
    state: TargetRuntime, catalogue: Mapping[str, Cause], share_threshold: str
) -> TraceRecord | None:
    """Return the trace of the last attempt of `state`; None where it is not recorded.

    Args:
        state: as it was entered just now.
        catalogue: the causes by id.
        share_threshold: the threshold for an attempt that is one of a share.
    """
    trace, evidence, diagnosis = state.trace, state.evidence, state.diagnosis
    if trace is None or evidence is None or diagnosis is None:
        return None
    times = _Times.of(evidence)
    children = tuple(
        _children(evidence, diagnosis, times, trace.export_span_id, expected=state.expected)
    )
    end = max([times.over, *(child.end for child in children)])
    cause = catalogue.get(diagnosis.cause) if diagnosis.cause is not None else None
    # Every failure and every change is recorded, so that each stands for itself.
    threshold = share_threshold if state.expected and not state.changed else "0"
    return TraceRecord(
        trace_id=trace.trace_id,
        trace_state=f"th:{threshold.rstrip('0') or '0'}",
        root=SpanRecord(
            name=f"probe {evidence.target.name}",
            start=evidence.at,
            end=end,
            attributes={
                **attributes.about(evidence),
                **attributes.attempt(evidence, diagnosis, cause),
                "mtls_probe.expected": state.expected,
            },
            events=tuple(_changes(state, diagnosis, end)),
            error=_because(diagnosis) if diagnosis.cause and not state.expected else None,
            span_id=trace.span_id,
        ),
        children=children,
    )


def _children(
    evidence: Evidence,
    diagnosis: Diagnosis,
    times: _Times,
    export_span_id: str,
    *,
    expected: bool,
) -> Iterator[SpanRecord]:
    failed_at = evidence.ending.stage if diagnosis.cause is not None else None
    # What a target asks for is no error anywhere in its trace.
    why = None if expected else _because(diagnosis)
    about = attributes.about(evidence)

    def ended(*stages: Stage) -> tuple[str | None, Attributes]:
        if failed_at not in stages:
            return None, about
        return why, {**about, ERROR_TYPE: diagnosis.cause or ""}

    host, port = _dialled(evidence)
    stage = evidence.ending.stage
    if stage == "resolve" or (evidence.addresses and evidence.addresses != (host,)):
        error, common = ended("resolve")
        yield SpanRecord(
            name=LOOKUP,
            start=times.start["resolve"],
            end=times.end["resolve"],
            attributes={**attributes.lookup(evidence, host), **common},
            error=error,
        )
    if evidence.connects:
        error, common = ended("connect")
        yield SpanRecord(
            name=CONNECT,
            start=times.start["connect"],
            end=times.end["connect"],
            attributes={**attributes.connect(evidence, port), **common},
            events=tuple(_failed_connects(evidence, times.end["connect"])),
            error=error,
        )
    if evidence.handshake is not None:
        error, common = ended("handshake", "accept")
        yield SpanRecord(
            name=HANDSHAKE,
            start=times.start["handshake"],
            end=times.end["accept"],
            attributes={
                **attributes.handshake(evidence.handshake, evidence.credentials.client_chain),
                **common,
            },
            events=tuple(_tls_events(evidence.handshake, times)),
            error=error,
        )
    if stage == "export" or "export" in evidence.durations:
        error, common = ended("export")
        yield SpanRecord(
            name=EXPORT,
            start=times.start["export"],
            end=times.end["export"],
            attributes={**attributes.export(evidence), **common},
            events=tuple(_rejections(evidence, times.end["export"])),
            error=error,
            kind="client",
            span_id=export_span_id,
        )
    yield from _further(evidence)


def _further(evidence: Evidence) -> Iterator[SpanRecord]:
    """Yield the connections beyond the attempt's own; earlier attempts' are no part of it."""
    recheck = evidence.recheck
    if recheck is not None:
        yield SpanRecord(
            name="experiment tls_1.2",
            start=recheck.at,
            end=recheck.at + recheck.duration,
            attributes={
                **attributes.about(evidence),
                attributes.VARIED: "tls_1.2",
                "mtls_probe.ending.stage": recheck.ending.stage,
                "mtls_probe.ending.kind": recheck.ending.kind,
                **attributes.handshake(recheck.handshake, ()),
            },
            events=_alerts(recheck.handshake, recheck.at + recheck.duration),
        )
    for made in evidence.experiments:
        if not evidence.experiments_reused:
            end = made.at + made.duration
            yield SpanRecord(
                name=f"experiment {made.varied}",
                start=made.at,
                end=end,
                attributes={**attributes.about(evidence), **attributes.experiment(made)},
                events=_alerts(made.handshake, end),
            )


def _changes(state: TargetRuntime, diagnosis: Diagnosis, at: float) -> Iterator[SpanEvent]:
    if len(state.history) < 2 or not state.changed:
        return
    before = state.history[-2]
    found: dict[str, str] = {
        attributes.PREVIOUS_OUTCOME: before.outcome,
        attributes.OUTCOME: diagnosis.outcome,
    }
    if before.cause is not None:
        found[attributes.PREVIOUS_CAUSE] = before.cause
    if diagnosis.cause is not None:
        found[attributes.CAUSE] = diagnosis.cause
    yield SpanEvent("mtls_probe.cause_changed", at, found)


def _failed_connects(evidence: Evidence, at: float) -> Iterator[SpanEvent]:
    for each in evidence.connects:
        if each.error:
            found = {NETWORK_PEER_ADDRESS: each.address, "mtls_probe.errno": each.error}
            yield SpanEvent("mtls_probe.connect_failed", at, found)


def _tls_events(handshake: Handshake, times: _Times) -> Iterator[SpanEvent]:
    if handshake.complete:
        # In TLS 1.3 the backend has not judged our certificate yet (RFC 8446 §4.4.2.4).
        yield SpanEvent("mtls_probe.tls.client_finished", times.end["handshake"], {})
    yield from _alerts(handshake, times.end["accept"])


def _alerts(handshake: Handshake | None, at: float) -> tuple[SpanEvent, ...]:
    alerts = handshake.alerts if handshake is not None else ()
    return tuple(SpanEvent("mtls_probe.tls.alert", at, attributes.alert(alert)) for alert in alerts)


def _rejections(evidence: Evidence, at: float) -> Iterator[SpanEvent]:
    answer = evidence.answer
    if answer is not None and (answer.rejected_items or answer.partial_message):
        found: Attributes = {
            "mtls_probe.partial_success.rejected_items": answer.rejected_items,
            "mtls_probe.partial_success.message": answer.partial_message,
        }
        yield SpanEvent("mtls_probe.partial_success", at, found)


def _because(diagnosis: Diagnosis) -> str:
    return diagnosis.all_facts[0] if diagnosis.all_facts else diagnosis.cause or ""


def _dialled(evidence: Evidence) -> tuple[str, int]:
    """Return where the socket went: the endpoint, or its proxy."""
    target = evidence.target
    host, _, port = target.proxy.rpartition(":")
    return (host.strip("[]"), int(port)) if port.isdecimal() else (target.host, target.port)
