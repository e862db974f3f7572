"""The trace of an attempt, built from what the ledger holds: spans, their times and events. Pure.

Evidence has the length of each stage and the time of the beginning; the stages follow one another.
The SDK is not needed here: `sdk_tracing` hands a `TraceRecord` to it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final, Literal

from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.network_attributes import NETWORK_PEER_ADDRESS

from probe.diagnosis.cause import Cause
from probe.ledger.target_runtime import TargetRuntime
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import STAGES, Evidence, Experiment, Handshake, Stage
from probe.telemetry import span_attributes
from probe.telemetry.span_attributes import Attributes

LOOKUP: Final = "DNS lookup"
CONNECT: Final = "socket connect"
HANDSHAKE: Final = "TLS client handshake"
EXPORT: Final = "OTLP export"


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened at one moment of a span; `at` is epoch seconds."""

    name: str
    at: float
    attributes: Attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRecord:
    """One span of an attempt's trace; times are epoch seconds."""

    name: str
    start: float
    end: float
    attributes: Attributes
    events: tuple[SpanEvent, ...] = ()
    error: str | None = None
    """Why its status is Error; None where it is unset."""
    kind: Literal["internal", "client"] = "internal"
    span_id: str = ""
    """Where it was decided before the attempt; empty: any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRecord:
    """The trace of one attempt."""

    trace_id: str
    trace_state: str
    root: SpanRecord
    children: tuple[SpanRecord, ...] = ()


def build_trace(
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
    starts = _stage_starts(evidence)
    children = tuple(_stages(state, evidence, diagnosis, starts, trace.export_span_id))
    children += tuple(_extra_connections(evidence))
    end = max([starts[-1], *(child.end for child in children)])
    cause = catalogue.get(diagnosis.cause) if diagnosis.cause is not None else None
    # Every failure and every change is recorded, so that each counts as one.
    threshold = share_threshold if state.expected and not state.changed else "0"
    return TraceRecord(
        trace_id=trace.trace_id,
        trace_state=f"th:{threshold.rstrip('0') or '0'}",
        root=SpanRecord(
            name=f"probe {evidence.target.name}",
            start=evidence.at,
            end=end,
            attributes={
                **span_attributes.describe_target(evidence),
                **span_attributes.describe_attempt(evidence, diagnosis, cause),
                "mtls_probe.expected": state.expected,
            },
            events=tuple(_changes(state, evidence, diagnosis, end)),
            error=_reason(diagnosis) if diagnosis.cause and not state.expected else None,
            span_id=trace.span_id,
        ),
        children=children,
    )


def _stage_starts(evidence: Evidence) -> list[float]:
    """Return when each stage began, and last when the attempt was over; epoch seconds."""
    lengths = [evidence.durations.get(stage, 0.0) for stage in STAGES]
    return list(accumulate(lengths, initial=evidence.at))


def _stages(
    state: TargetRuntime,
    evidence: Evidence,
    diagnosis: Diagnosis,
    starts: Sequence[float],
    export_span_id: str,
) -> Iterator[SpanRecord]:
    """Yield the spans of the stages that the attempt reached."""
    handshake, stage = evidence.handshake, evidence.ending.stage
    host, port = _connected_to(evidence)

    def make(name: str, first: Stage, last: Stage, attributes: Attributes) -> SpanRecord:
        """Return the span of the stages from `first` to `last`."""
        begin, end = STAGES.index(first), STAGES.index(last)
        failed = diagnosis.cause is not None and begin <= STAGES.index(stage) <= end
        common = span_attributes.describe_target(evidence)
        if failed:
            common = {**common, ERROR_TYPE: diagnosis.cause or ""}
        return SpanRecord(
            name=name,
            start=starts[begin],
            end=starts[end + 1],
            attributes={**attributes, **common},
            # A failure that `expect` asks for is not an error anywhere in its trace.
            error=_reason(diagnosis) if failed and not state.expected else None,
        )

    if stage == "resolve" or (evidence.addresses and evidence.addresses != (host,)):
        attributes = span_attributes.describe_lookup(evidence, host)
        yield make(LOOKUP, "resolve", "resolve", attributes)
    if evidence.connects:
        attributes = span_attributes.describe_connect(evidence, port)
        span = make(CONNECT, "connect", "connect", attributes)
        yield replace(span, events=tuple(_failed_connects(evidence, span.end)))
    if handshake is not None:
        attributes = span_attributes.describe_handshake(
            handshake, evidence.credentials.client_chain
        )
        span = make(HANDSHAKE, "handshake", "accept", attributes)
        accept = starts[STAGES.index("accept")]
        yield replace(span, events=tuple(_tls_events(handshake, accept, span.end)))
    if stage == "export" or "export" in evidence.durations:
        span = make(EXPORT, "export", "export", span_attributes.describe_export(evidence))
        events = tuple(_rejections(evidence, span.end))
        yield replace(span, events=events, kind="client", span_id=export_span_id)


def _extra_connections(evidence: Evidence) -> Iterator[SpanRecord]:
    """Yield the connections beyond the attempt's own; those of earlier attempts are not part of it."""
    made = () if evidence.experiments_reused else evidence.experiments
    if (recheck := evidence.recheck) is not None:
        capped = Experiment(
            varied="tls_1.2",
            at=recheck.at,
            duration=recheck.duration,
            ending=recheck.ending,
            handshake=recheck.handshake,
        )
        made = (capped, *made)
    for one in made:
        end = one.at + one.duration
        yield SpanRecord(
            name=f"experiment {one.varied}",
            start=one.at,
            end=end,
            attributes={
                **span_attributes.describe_target(evidence),
                **span_attributes.describe_experiment(one),
            },
            events=_alerts(one.handshake, end),
        )


def _changes(
    state: TargetRuntime, evidence: Evidence, diagnosis: Diagnosis, now: float
) -> Iterator[SpanEvent]:
    if len(state.history) < 2 or not state.changed:
        return
    before = state.history[-2]
    found: dict[str, str] = {
        span_attributes.PREVIOUS_OUTCOME: before.outcome,
        span_attributes.OUTCOME: diagnosis.outcome,
    }
    if before.cause is not None:
        found[span_attributes.PREVIOUS_CAUSE] = before.cause
    if diagnosis.cause is not None:
        found[span_attributes.CAUSE] = diagnosis.cause
    yield SpanEvent("mtls_probe.cause_changed", now, found)
    for change in evidence.changed:
        yield SpanEvent("mtls_probe.changed", change.at, span_attributes.list_change(change))


def _failed_connects(evidence: Evidence, now: float) -> Iterator[SpanEvent]:
    for each in evidence.connects:
        if each.error:
            found = {NETWORK_PEER_ADDRESS: each.address, "mtls_probe.errno": each.error}
            yield SpanEvent("mtls_probe.connect_failed", now, found)


def _tls_events(handshake: Handshake, finished: float, end: float) -> Iterator[SpanEvent]:
    if handshake.complete:
        # In TLS 1.3 the backend has not judged our certificate yet (RFC 8446 §4.4.2.4).
        yield SpanEvent("mtls_probe.tls.client_finished", finished, {})
    yield from _alerts(handshake, end)


def _alerts(handshake: Handshake | None, now: float) -> tuple[SpanEvent, ...]:
    alerts = handshake.alerts if handshake is not None else ()
    return tuple(
        SpanEvent("mtls_probe.tls.alert", now, span_attributes.describe_alert(alert))
        for alert in alerts
    )


def _rejections(evidence: Evidence, now: float) -> Iterator[SpanEvent]:
    answer = evidence.answer
    if answer is not None and (answer.rejected_items or answer.partial_message):
        found: Attributes = {
            "mtls_probe.partial_success.rejected_items": answer.rejected_items,
            "mtls_probe.partial_success.message": answer.partial_message,
        }
        yield SpanEvent("mtls_probe.partial_success", now, found)


def _reason(diagnosis: Diagnosis) -> str:
    return diagnosis.all_facts[0] if diagnosis.all_facts else diagnosis.cause or ""


def _connected_to(evidence: Evidence) -> tuple[str, int]:
    """Return what the socket was connected to: the endpoint, or its proxy."""
    target = evidence.target
    host, _, port = target.proxy.rpartition(":")
    return (host.strip("[]"), int(port)) if port.isdecimal() else (target.host, target.port)
