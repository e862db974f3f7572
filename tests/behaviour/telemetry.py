"""The probe's own traces, as a backend of OTLP/HTTP receives them: spans, events, and their attributes."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.behaviour.normal import Json
from tests.behaviour.product import serving
from tests.behaviour.scene import Scene, await_attempts, demo_targets, further_targets

VALUES: Final = frozenset(
    {
        "error.type",
        "mtls_probe.cause",
        "mtls_probe.depth",
        "mtls_probe.family",
        "mtls_probe.outcome",
        "mtls_probe.party",
        "mtls_probe.protocol",
        "mtls_probe.severity",
        "mtls_probe.signal",
        "mtls_probe.stage",
        "service.name",
    }
)
"""Attributes whose values come from closed sets, and are recorded too."""


def traces(scene: Scene) -> Json:
    """Return every kind of span that attempts make, with every attempt traced."""
    whole = {
        "defaults": {"interval": "1h"},
        # An attempt that gets no place for its experiments goes on without them.
        "experiments": {"concurrency": 16},
        "targets": demo_targets(scene) + further_targets(scene),
        "web": {"listen": "127.0.0.1:0"},
        "telemetry": {"sample_successes": 1},
    }
    config = scene.write("traces.json", whole)
    with _receiver() as (port, received):
        variables = {
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{port}/v1/traces",
        }
        with serving(scene.folder, ["run", "--config", config], variables) as running:
            await_attempts(running)
            code = running.stop()
    read = [ExportTraceServiceRequest.FromString(body) for body in received]
    groups = [group for request in read for group in request.resource_spans]
    scopes = [scope for group in groups for scope in group.scope_spans]
    return {
        "exit code": code,
        "resource": _attributes(each.resource.attributes for each in groups),
        "scopes": sorted({scope.scope.name for scope in scopes}),
        "spans": _spans([span for scope in scopes for span in scope.spans]),
    }


@contextmanager
def _receiver() -> Iterator[tuple[int, list[bytes]]]:
    """Accept what is sent, and answer with success; yields the port and the bodies."""
    received: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.server_port, received
    finally:
        server.shutdown()
        server.server_close()


def _spans(spans: list[Span]) -> Json:
    named: dict[str, list[Span]] = {}
    for span in spans:
        named.setdefault(_name(span), []).append(span)
    return {
        name: {
            "kind": sorted({Span.SpanKind.Name(span.kind) for span in group}),
            "status": sorted({Status.StatusCode.Name(span.status.code) for span in group}),
            "within": sorted(_parents(group, spans)),
            "attributes": _attributes(span.attributes for span in group),
            "events": _events(group),
        }
        for name, group in sorted(named.items())
    }


def _name(span: Span) -> str:
    """Return the name of a span; that of a whole attempt is `probe` and the target's name."""
    return "probe TARGET" if span.name.startswith("probe ") else span.name


def _parents(group: list[Span], spans: list[Span]) -> set[str]:
    names = {span.span_id: _name(span) for span in spans}
    return {names.get(span.parent_span_id, "") for span in group if span.parent_span_id}


def _events(group: list[Span]) -> Json:
    named: dict[str, list[Span.Event]] = {}
    for span in group:
        for event in span.events:
            named.setdefault(event.name, []).append(event)
    return {
        name: _attributes(event.attributes for event in events)
        for name, events in sorted(named.items())
    }


def _attributes(of_each: Iterable[Iterable[KeyValue]]) -> dict[str, Json]:
    """Return the type of each attribute, or its values where they come from a closed set."""
    types: dict[str, set[str]] = {}
    for attributes in of_each:
        for attribute in attributes:
            kind = attribute.value.WhichOneof("value") or "none"
            value: Any = getattr(attribute.value, kind, None)
            held = str(value) if attribute.key in VALUES else kind.removesuffix("_value")
            types.setdefault(attribute.key, set()).add(held)
    return {
        key: sorted(held) if key in VALUES else " or ".join(sorted(held))
        for key, held in sorted(types.items())
    }
