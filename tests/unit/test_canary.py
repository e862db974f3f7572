"""The canary's bytes: one item of the probe's own, encoded once and filled in for each attempt."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from probe.handshake.canary import NAME, canary
from probe.handshake.otlp import Request
from probe.handshake.otlp_message import GRPC_PREFIX
from probe.target import Endpoint, Signal, Target

AGENT = "mtls-probe/1.2"
AT = 1_795_341_600.25
TRACE_ID, SPAN_ID = bytes(range(1, 17)), bytes(range(101, 109))
SIGNALS: tuple[Signal, ...] = ("traces", "metrics", "logs")
TARGET = Target(name="eu", endpoint=Endpoint("collector.example.com", 4317), depth="canary")


def body(request: Request) -> bytes:
    """Return the message, as HTTP/1.1 carries it: behind the empty line."""
    sent = request.http1.partition(b"\r\n\r\n")[2]
    return sent[GRPC_PREFIX:] if request.protocol == "grpc" else sent


def filled(target: Target, resource: dict[str, str] | None = None) -> Request:
    """Return the request of one attempt."""
    return canary(target, AGENT, resource or {}).request(AT, TRACE_ID, SPAN_ID)


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
    made = canary(TARGET, AGENT, {})
    request = made.request(at, trace_id, span_id)
    assert len(request.h2) == len(made.template.h2)
    assert len(request.http1) == len(made.template.http1)
    span = (
        ExportTraceServiceRequest.FromString(body(request))
        .resource_spans[0]
        .scope_spans[0]
        .spans[0]
    )
    assert (span.trace_id, span.span_id) == (trace_id, span_id)
    assert span.start_time_unix_nano == int(at * 1e9)


@given(st.text(max_size=80), st.text(max_size=80))
@settings(max_examples=60, deadline=None)
def test_no_name_breaks_the_message(name: str, value: str) -> None:
    """Lone surrogates cannot be protobuf text; what a target is called has been made safe."""
    made = canary(replace(TARGET, name=name), AGENT, {"team": value})
    ExportTraceServiceRequest.FromString(body(made.request(AT, TRACE_ID, SPAN_ID)))
