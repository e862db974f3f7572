"""Depth canary: an Export that holds one item, the probe's own, marked as synthetic.

Pure, and sans-I/O. What differs from attempt to attempt (ids and times) has a fixed width in
protobuf, so that a request is encoded once per target and its bytes are filled in. Backends can
tell the item by its attributes and drop it (README, "Canary").
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from probe.handshake.otlp import Request, build_request
from probe.safe_text import safe_text
from probe.target import Target

NAME: Final = "mtls-probe canary"
SYNTHETIC: Final = "test"
"""The value of user_agent.synthetic.type (OTel semantic conventions): neither person nor crawler."""

# Each stands in an encoded request exactly once: chance has no hand in 128 bits, and none of the
# eight bytes of a time can be mistaken for text.
_TRACE_ID: Final = bytes.fromhex("f0e1d2c3b4a5968778695a4b3c2d1e0f")
_SPAN_ID: Final = bytes.fromhex("8e7d6c5b4a39281f")
_TIME: Final = 0xF1F2F3F4F5F6F7F8
_TIME_BYTES: Final = _TIME.to_bytes(8, "little")


@dataclass(frozen=True, slots=True)
class Canary:
    """One target's request with its item, to be filled in for each attempt."""

    template: Request

    def request(self, at: float, trace_id: bytes, span_id: bytes) -> Request:
        """Return the request of an attempt.

        Args:
            at: when it begins, epoch seconds.
            trace_id: 16 bytes, the trace that the item belongs to.
            span_id: 8 bytes.
        """
        time = max(int(at * 1e9), 0).to_bytes(8, "little")
        template = self.template
        return replace(
            template,
            h2=_filled(template.h2, time, trace_id, span_id),
            http1=_filled(template.http1, time, trace_id, span_id),
        )


def canary(target: Target, user_agent: str, resource: Mapping[str, str]) -> Canary:
    """Encode the request of `target` with one span, data point or log record in it.

    Args:
        target: whose signal says which.
        user_agent: how the probe calls itself.
        resource: attributes of the probe's own resource.

    Raises:
        ValueError: as `build_request`.
    """
    attributes: dict[str, str | int | bool] = {
        "user_agent.original": user_agent,
        "user_agent.synthetic.type": SYNTHETIC,
        "server.address": target.endpoint.host,
        "server.port": target.endpoint.port,
        "mtls_probe.canary": True,
        "mtls_probe.target": safe_text(target.name),
    }
    build = {"traces": _span, "metrics": _data_point, "logs": _log_record}[target.signal]
    about = {"service.name": "mtls-probe", **{key: safe_text(resource[key]) for key in resource}}
    name, _, version = user_agent.partition("/")
    message: bytes = build(
        {"attributes": _pairs(about)}, {"name": name, "version": version}, _pairs(attributes)
    )
    return Canary(build_request(target, user_agent, message))


def _filled(template: bytes, time: bytes, trace_id: bytes, span_id: bytes) -> bytes:
    filled = template.replace(_TIME_BYTES, time)
    return filled.replace(_TRACE_ID, trace_id).replace(_SPAN_ID, span_id)


def _span(resource: Any, scope: Any, attributes: Any) -> bytes:
    # Imported on first use: protobuf costs every process some megabytes.
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

    span = Span(
        trace_id=_TRACE_ID,
        span_id=_SPAN_ID,
        name=NAME,
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=_TIME,
        end_time_unix_nano=_TIME,
        attributes=attributes,
    )
    spans = ResourceSpans(resource=resource, scope_spans=[ScopeSpans(scope=scope, spans=[span])])
    return bytes(ExportTraceServiceRequest(resource_spans=[spans]).SerializeToString())


def _data_point(resource: Any, scope: Any, attributes: Any) -> bytes:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
    )
    from opentelemetry.proto.metrics.v1.metrics_pb2 import (
        Gauge,
        Metric,
        NumberDataPoint,
        ResourceMetrics,
        ScopeMetrics,
    )

    point = NumberDataPoint(time_unix_nano=_TIME, as_int=1, attributes=attributes)
    metric = Metric(
        name="mtls_probe.canary",
        description="One data point of each attempt of mtls-probe at depth canary.",
        unit="1",
        gauge=Gauge(data_points=[point]),
    )
    metrics = ResourceMetrics(
        resource=resource, scope_metrics=[ScopeMetrics(scope=scope, metrics=[metric])]
    )
    return bytes(ExportMetricsServiceRequest(resource_metrics=[metrics]).SerializeToString())


def _log_record(resource: Any, scope: Any, attributes: Any) -> bytes:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue
    from opentelemetry.proto.logs.v1.logs_pb2 import (
        SEVERITY_NUMBER_INFO,
        LogRecord,
        ResourceLogs,
        ScopeLogs,
    )

    record = LogRecord(
        time_unix_nano=_TIME,
        observed_time_unix_nano=_TIME,
        severity_number=SEVERITY_NUMBER_INFO,
        body=AnyValue(string_value=NAME),
        trace_id=_TRACE_ID,
        span_id=_SPAN_ID,
        attributes=attributes,
    )
    logs = ResourceLogs(
        resource=resource, scope_logs=[ScopeLogs(scope=scope, log_records=[record])]
    )
    return bytes(ExportLogsServiceRequest(resource_logs=[logs]).SerializeToString())


def _pairs(attributes: Mapping[str, str | int | bool]) -> list[Any]:
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

    def value(given: str | int | bool) -> Any:
        # A bool is an int too.
        if isinstance(given, bool):
            return AnyValue(bool_value=given)
        return AnyValue(int_value=given) if isinstance(given, int) else AnyValue(string_value=given)

    return [KeyValue(key=key, value=value(given)) for key, given in attributes.items()]
