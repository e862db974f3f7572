"""Depth canary: an Export that holds one item, the probe's own, marked as synthetic.

Pure: encoded once per target, and ids and times are filled in for each attempt. Backends can
recognise the item by its attributes and drop it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from secrets import token_bytes
from typing import Any, Final

from probe.model.target import Signal, Target
from probe.model.trace_context import TraceContext
from probe.otlp.request import Request, build_request
from probe.text.safe_text import safe_text

NAME: Final = "mtls-probe canary"
SYNTHETIC: Final = "test"
"""The value of user_agent.synthetic.type (OTel semantic conventions): neither person nor crawler."""

# Each stands in an encoded request exactly where it is meant: 128 bits do not recur by chance, and
# none of the eight bytes of a time can be mistaken for text.
_TRACE_ID: Final = bytes.fromhex("f0e1d2c3b4a5968778695a4b3c2d1e0f")
_SPAN_ID: Final = bytes.fromhex("8e7d6c5b4a39281f")
_PARENT_SPAN_ID: Final = bytes.fromhex("9f8e7d6c5b4a3928")
_TIME: Final = 0xF1F2F3F4F5F6F7F8
_TIME_BYTES: Final = _TIME.to_bytes(8, "little")


@dataclass(frozen=True, slots=True)
class Canary:
    """One target's request with its item, to be filled in for each attempt."""

    root: Request
    """Its item belongs to a trace of its own, or to one that is not recorded."""
    child: Request
    """Its item is a child of the attempt's OTLP export."""

    def build_request(
        self, at: float, trace: TraceContext | None, random: Callable[[int], bytes] = token_bytes
    ) -> tuple[Request, str]:
        """Return the request of an attempt that begins at `at` (epoch seconds), and its trace id.

        The item belongs to the attempt's trace where there is one; `random` gives other ids.
        """
        template, parent = self.root, b""
        trace_id = random(16) if trace is None else bytes.fromhex(trace.trace_id)
        if trace is not None and trace.sampled:
            template, parent = self.child, bytes.fromhex(trace.export_span_id)
        span_id = random(8)
        time = max(int(at * 1e9), 0).to_bytes(8, "little")

        def fill_in(encoded: bytes) -> bytes:
            with_ids = encoded.replace(_TRACE_ID, trace_id).replace(_SPAN_ID, span_id)
            return with_ids.replace(_TIME_BYTES, time).replace(_PARENT_SPAN_ID, parent)

        request = replace(template, h2=fill_in(template.h2), http1=fill_in(template.http1))
        return request, trace_id.hex()


def build_canary(
    target: Target, user_agent: str, resource: Mapping[str, str], *, propagate: bool = False
) -> Canary:
    """Encode the request of `target` with one span, data point or log record in it.

    Args:
        target: whose signal says which.
        user_agent: how the probe calls itself.
        resource: attributes of the probe's own resource.
        propagate: as of `build_request`.

    Raises:
        ValueError: as `build_request`.
    """
    attributes = _pairs({
        "user_agent.original": user_agent,
        "user_agent.synthetic.type": SYNTHETIC,
        "server.address": target.endpoint.host,
        "server.port": target.endpoint.port,
        "mtls_probe.canary": True,
        "mtls_probe.target": safe_text(target.name),
    })  # fmt: skip
    service = {"service.name": "mtls-probe", **{key: safe_text(resource[key]) for key in resource}}
    name, _, version = user_agent.partition("/")
    about = {"resource": {"attributes": _pairs(service)}}
    scope = {"name": name, "version": version}

    def encode(parent: bytes) -> Request:
        message = _encode_item(target.signal, about, scope, attributes, parent)
        return build_request(target, user_agent, message, propagate=propagate)

    return Canary(root=encode(b""), child=encode(_PARENT_SPAN_ID))


def _encode_item(signal: Signal, about: Any, scope: Any, attributes: Any, parent: bytes) -> bytes:
    """Return the Export message; protobuf's constructors take dicts for the messages within."""
    # Imported on first use: protobuf costs every process some megabytes.
    from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
    from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace

    message: Any
    if signal == "traces":
        span = {
            "trace_id": _TRACE_ID,
            "span_id": _SPAN_ID,
            "parent_span_id": parent,
            "name": NAME,
            "kind": "SPAN_KIND_CLIENT",
            "start_time_unix_nano": _TIME,
            "end_time_unix_nano": _TIME,
            "attributes": attributes,
        }
        spans = about | {"scope_spans": [{"scope": scope, "spans": [span]}]}
        message = trace.ExportTraceServiceRequest(resource_spans=[spans])
    elif signal == "metrics":
        point = {
            "time_unix_nano": _TIME,
            "as_int": 1,
            "attributes": attributes,
            # A data point has no trace of its own: an exemplar leads to one.
            "exemplars": [
                {
                    "time_unix_nano": _TIME,
                    "as_int": 1,
                    "trace_id": _TRACE_ID,
                    "span_id": parent or _SPAN_ID,
                }
            ],
        }
        metric = {
            "name": "mtls_probe.canary",
            "description": "One data point of each attempt of mtls-probe at depth canary.",
            "unit": "1",
            "gauge": {"data_points": [point]},
        }
        points = about | {"scope_metrics": [{"scope": scope, "metrics": [metric]}]}
        message = metrics.ExportMetricsServiceRequest(resource_metrics=[points])
    else:
        record = {
            "time_unix_nano": _TIME,
            "observed_time_unix_nano": _TIME,
            "severity_number": "SEVERITY_NUMBER_INFO",
            "body": {"string_value": NAME},
            "trace_id": _TRACE_ID,
            # A record has no parent: it belongs to the span itself.
            "span_id": parent or _SPAN_ID,
            "attributes": attributes,
        }
        records = about | {"scope_logs": [{"scope": scope, "log_records": [record]}]}
        message = logs.ExportLogsServiceRequest(resource_logs=[records])
    return bytes(message.SerializeToString())


def _pairs(attributes: Mapping[str, str | int | bool]) -> list[dict[str, object]]:
    kinds = {bool: "bool_value", int: "int_value", str: "string_value"}
    return [{"key": key, "value": {kinds[type(value)]: value}} for key, value in attributes.items()]
