"""The canary's bytes: one item of the probe's own, encoded once and filled in for each attempt."""

from dataclasses import replace

import msgspec.structs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from probe.model.target import Endpoint, Signal, Target
from probe.model.trace_context import ALWAYS, TraceContext
from probe.otlp.canary import NAME, build_canary
from probe.otlp.export_message import GRPC_PREFIX
from probe.otlp.request import Request

AGENT = "mtls-probe/1.2"
AT = 1_795_341_600.25
TRACE_ID, SPAN_ID = bytes(range(1, 17)), bytes(range(101, 109))
IDS = {16: TRACE_ID, 8: SPAN_ID}.__getitem__
TRACE = TraceContext(
    trace_id="11" * 16, span_id="22" * 8, export_span_id="33" * 8, sampled=True, threshold=ALWAYS
)
SIGNALS: tuple[Signal, ...] = ("traces", "metrics", "logs")
TARGET = Target(name="eu", endpoint=Endpoint("collector.example.com", 4317), depth="canary")


def body(request: Request) -> bytes:
    """Return the message, as HTTP/1.1 carries it: behind the empty line."""
    sent = request.http1.partition(b"\r\n\r\n")[2]
    return sent[GRPC_PREFIX:] if request.protocol == "grpc" else sent


def filled(target: Target, resource: dict[str, str] | None = None) -> Request:
    """Return the request of one attempt."""
    return build_canary(target, AGENT, resource or {}).build_request(AT, None, IDS)[0]


def plain(attributes: object) -> dict[str, object]:
    """Return attributes as plain values."""
    found = {}
    for pair in attributes:  # type: ignore[attr-defined]
        kind = pair.value.WhichOneof("value")
        found[pair.key] = getattr(pair.value, kind)
    return found


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_span_is_the_probes_own_and_marked_as_synthetic(protocol: str) -> None:
    """Ids and times are this attempt's; backends can filter it by attributes."""
    target = replace(TARGET, protocol=protocol)
    read = ExportTraceServiceRequest.FromString(
        body(filled(target, {"deployment.environment.name": "prod"}))
    )
    (spans,) = read.resource_spans
    assert plain(spans.resource.attributes) == {
        "service.name": "mtls-probe",
        "deployment.environment.name": "prod",
    }
    (scope,) = spans.scope_spans
    assert (scope.scope.name, scope.scope.version) == ("mtls-probe", "1.2")
    (span,) = scope.spans
    assert (span.name, span.trace_id, span.span_id) == (NAME, TRACE_ID, SPAN_ID)
    assert span.start_time_unix_nano == span.end_time_unix_nano == int(AT * 1e9)
    assert plain(span.attributes) == {
        "user_agent.original": AGENT,
        "user_agent.synthetic.type": "test",
        "server.address": "collector.example.com",
        "server.port": 4317,
        "mtls_probe.canary": True,
        "mtls_probe.target": "eu",
    }


def test_metrics_and_logs_hold_one_item_too() -> None:
    """The target's signal says which; its attributes are the same."""
    metrics = ExportMetricsServiceRequest.FromString(
        body(filled(replace(TARGET, signal="metrics")))
    )
    (metric,) = metrics.resource_metrics[0].scope_metrics[0].metrics
    (point,) = metric.gauge.data_points
    assert (metric.name, point.as_int) == ("mtls_probe.canary", 1)
    assert point.time_unix_nano == int(AT * 1e9)
    (exemplar,) = point.exemplars
    assert (exemplar.trace_id, exemplar.span_id) == (TRACE_ID, SPAN_ID)
    logs = ExportLogsServiceRequest.FromString(body(filled(replace(TARGET, signal="logs"))))
    (record,) = logs.resource_logs[0].scope_logs[0].log_records
    assert (record.body.string_value, record.trace_id) == (NAME, TRACE_ID)
    assert record.time_unix_nano == record.observed_time_unix_nano == int(AT * 1e9)
    assert plain(point.attributes) == plain(record.attributes)


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_both_versions_of_http_carry_the_same_message(signal: Signal, protocol: str) -> None:
    """HTTP/2 ends with the DATA frame that holds it, of the length that was announced."""
    request = filled(replace(TARGET, signal=signal, protocol=protocol))
    assert request.h2.endswith(body(request))
    if protocol != "grpc":
        assert f"content-length: {len(body(request))}".encode() in request.http1.lower()


@given(st.floats(0, 4e9), st.binary(min_size=16, max_size=16), st.binary(min_size=8, max_size=8))
@settings(max_examples=100, deadline=None)
def test_whatever_is_filled_in_the_rest_stays(at: float, trace_id: bytes, span_id: bytes) -> None:
    """The lengths are those of the template, and it reads back as what was put in."""
    made = build_canary(TARGET, AGENT, {})
    request, reported = made.build_request(at, None, {16: trace_id, 8: span_id}.__getitem__)
    assert reported == trace_id.hex()
    assert len(request.h2) == len(made.root.h2)
    assert len(request.http1) == len(made.root.http1)
    span = (
        ExportTraceServiceRequest.FromString(body(request))
        .resource_spans[0]
        .scope_spans[0]
        .spans[0]
    )
    assert (span.trace_id, span.span_id) == (trace_id, span_id)
    assert span.start_time_unix_nano == int(at * 1e9)


@pytest.mark.parametrize("sampled", [True, False])
def test_it_belongs_to_the_attempts_trace(sampled: bool) -> None:
    """A child of the OTLP export, which nobody can see where the trace is not recorded."""
    made = build_canary(TARGET, AGENT, {})
    request, reported = made.build_request(AT, msgspec.structs.replace(TRACE, sampled=sampled), IDS)
    read = ExportTraceServiceRequest.FromString(body(request))
    (span,) = read.resource_spans[0].scope_spans[0].spans
    assert (span.trace_id.hex(), reported) == (TRACE.trace_id, TRACE.trace_id)
    assert span.span_id == SPAN_ID
    assert span.parent_span_id.hex() == (TRACE.export_span_id if sampled else "")


def test_a_log_record_stands_in_the_export() -> None:
    """A record has no parent: its span is the export itself."""
    request, _ = build_canary(replace(TARGET, signal="logs"), AGENT, {}).build_request(
        AT, TRACE, IDS
    )
    (record,) = (
        ExportLogsServiceRequest.FromString(body(request))
        .resource_logs[0]
        .scope_logs[0]
        .log_records
    )
    assert (record.trace_id.hex(), record.span_id.hex()) == (TRACE.trace_id, TRACE.export_span_id)


@given(st.text(max_size=80), st.text(max_size=80))
@settings(max_examples=60, deadline=None)
def test_no_name_breaks_the_message(name: str, value: str) -> None:
    """Lone surrogates cannot be protobuf text; what a target is called has been made safe."""
    made = build_canary(replace(TARGET, name=name), AGENT, {"team": value})
    ExportTraceServiceRequest.FromString(body(made.build_request(AT, None, IDS)[0]))
