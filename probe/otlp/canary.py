"""Depth canary: an Export that holds one item, the probe's own, marked as synthetic.

Pure, and sans-I/O: encoded once per target, as a template. Backends can tell the item by its
attributes and drop it (README, "Canary").
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from secrets import token_bytes
from typing import Any, Final

from probe.model.target import Target
from probe.model.trace_context import TraceContext
from probe.otlp.request import Request, build_request
from probe.otlp.template import PARENT_SPAN_ID, SPAN_ID, TIME, TRACE_ID, with_item
from probe.text.safe_text import safe_text

NAME: Final = "mtls-probe canary"
SYNTHETIC: Final = "test"
"""The value of user_agent.synthetic.type (OTel semantic conventions): neither person nor crawler."""


@dataclass(frozen=True, slots=True)
class Canary:
    """One target's request with its item, to be filled in for each attempt."""

    root: Request
    """Its item belongs to a trace of its own, or to one that is not recorded."""
    child: Request
    """Its item is a child of the attempt's OTLP export."""

    def request(
        self,
        at: float,
        trace: TraceContext | None,
        random: Callable[[int], bytes] = token_bytes,
    ) -> tuple[Request, str]:
        """Return the request of an attempt that begins at `at` (epoch seconds), and its trace id.

        The item belongs to the attempt's trace where there is one; `random` gives other ids.
        """
        if trace is None:
            trace_id = random(16)
            return with_item(self.root, at, trace_id, random(8)), trace_id.hex()
        parent = bytes.fromhex(trace.export_span_id) if trace.sampled else b""
        template = self.child if parent else self.root
        trace_id = bytes.fromhex(trace.trace_id)
        return with_item(template, at, trace_id, random(8), parent), trace.trace_id


def canary(
    target: Target,
    user_agent: str,
    resource: Mapping[str, str],
    context_fields: Sequence[tuple[str, bytes]] = (),
) -> Canary:
    """Encode the request of `target` with one span, data point or log record in it.

    Args:
        target: whose signal says which.
        user_agent: how the probe calls itself.
        resource: attributes of the probe's own resource.
        context_fields: as of `build_request`.

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
    item = {"traces": _span, "metrics": _data_point, "logs": _log_record}[target.signal]
    about = {"service.name": "mtls-probe", **{key: safe_text(resource[key]) for key in resource}}
    name, _, version = user_agent.partition("/")

    def encoded(parent: bytes) -> Request:
        scope = {"name": name, "version": version}
        message: bytes = item({"attributes": _pairs(about)}, scope, _pairs(attributes), parent)
        return build_request(target, user_agent, message, context_fields)

    return Canary(root=encoded(b""), child=encoded(PARENT_SPAN_ID))


def _span(resource: Any, scope: Any, attributes: Any, parent: bytes) -> bytes:
    # Imported on first use: protobuf costs every process some megabytes.
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

    span = Span(
        trace_id=TRACE_ID,
        span_id=SPAN_ID,
        parent_span_id=parent,
        name=NAME,
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=TIME,
        end_time_unix_nano=TIME,
        attributes=attributes,
    )
    spans = ResourceSpans(resource=resource, scope_spans=[ScopeSpans(scope=scope, spans=[span])])
    return bytes(ExportTraceServiceRequest(resource_spans=[spans]).SerializeToString())


def _data_point(resource: Any, scope: Any, attributes: Any, parent: bytes) -> bytes:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
    )
    from opentelemetry.proto.metrics.v1.metrics_pb2 import (
        Exemplar,
        Gauge,
        Metric,
        NumberDataPoint,
        ResourceMetrics,
        ScopeMetrics,
    )

    # What has no trace of its own leads to one by an exemplar.
    trace = Exemplar(time_unix_nano=TIME, as_int=1, trace_id=TRACE_ID, span_id=parent or SPAN_ID)
    point = NumberDataPoint(time_unix_nano=TIME, as_int=1, attributes=attributes, exemplars=[trace])
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


def _log_record(resource: Any, scope: Any, attributes: Any, parent: bytes) -> bytes:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue
    from opentelemetry.proto.logs.v1.logs_pb2 import (
        SEVERITY_NUMBER_INFO,
        LogRecord,
        ResourceLogs,
        ScopeLogs,
    )

    record = LogRecord(
        time_unix_nano=TIME,
        observed_time_unix_nano=TIME,
        severity_number=SEVERITY_NUMBER_INFO,
        body=AnyValue(string_value=NAME),
        trace_id=TRACE_ID,
        # A record has no parent: it stands in the span itself.
        span_id=parent or SPAN_ID,
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
