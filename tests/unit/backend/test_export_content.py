"""An OTLP request is counted, and whatever else comes is said to be uncounted."""

import gzip
import json
import time
import zlib

import pytest
from google.protobuf.json_format import MessageToJson
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from probe.backend.export_content import (
    MAX_SERVICES,
    MAX_UNPACKED,
    Content,
    Signal,
    UncountedError,
    count_grpc,
    count_http,
)
from probe.text.safe_text import safe_text

PROTOBUF = "application/x-protobuf"


def make_spans(service: str = "checkout", spans: int = 3) -> ExportTraceServiceRequest:
    """Return a request for traces with two scopes."""
    request = ExportTraceServiceRequest()
    one = request.resource_spans.add()
    other = one.resource.attributes.add(key="host.name")
    other.value.string_value = "service.name"
    one.resource.attributes.add(key="service.name").value.string_value = service
    first, second = one.scope_spans.add(), one.scope_spans.add()
    second.spans.add(name="last")
    for number in range(spans - 1):
        first.spans.add(name=f"span {number}").attributes.add(key="a").value.int_value = number
    return request


def make_metrics() -> ExportMetricsServiceRequest:
    """Return a request for metrics: two points of a sum, one each of the other kinds."""
    request = ExportMetricsServiceRequest()
    scope = request.resource_metrics.add().scope_metrics.add()
    total = scope.metrics.add(name="sum").sum
    total.data_points.add(as_int=1)
    total.data_points.add(as_double=2.0)
    total.is_monotonic = True
    scope.metrics.add().gauge.data_points.add(as_int=3)
    scope.metrics.add().histogram.data_points.add(count=1)
    scope.metrics.add().exponential_histogram.data_points.add(count=1)
    scope.metrics.add().summary.data_points.add(count=1)
    scope.metrics.add(name="empty")
    return request


def make_logs() -> ExportLogsServiceRequest:
    """Return a request for logs with two records."""
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    scope.log_records.add().body.string_value = "one"
    scope.log_records.add().body.string_value = "two"
    return request


REQUESTS = {"traces": (make_spans(), 3), "metrics": (make_metrics(), 6), "logs": (make_logs(), 2)}


@pytest.mark.parametrize("signal", REQUESTS)
@pytest.mark.parametrize("form", ["protobuf", "json"])
@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
def test_items_are_counted(signal: Signal, form: str, encoding: str) -> None:
    """Spans, data points and log records, in both forms, compressed or not."""
    request, items = REQUESTS[signal]
    media_type = PROTOBUF if form == "protobuf" else "application/json"
    plain = request.SerializeToString() if form == "protobuf" else MessageToJson(request).encode()
    pack = {"": bytes, "gzip": gzip.compress, "deflate": zlib.compress}[encoding]
    content = count_http(pack(plain), encoding, media_type, signal)
    assert content.items == items
    assert content.services == (["checkout"] if signal == "traces" else [])


def frame(message: bytes, compressed: bool = False) -> bytes:
    """Return a gRPC message."""
    return bytes((compressed,)) + len(message).to_bytes(4) + message


def test_grpc_messages_are_counted() -> None:
    """Each message of a request says whether it is compressed."""
    message = make_spans().SerializeToString()
    body = frame(message) + frame(gzip.compress(message), compressed=True)
    assert count_grpc(body, "gzip", "traces").items == 6


@given(st.integers(min_value=1, max_value=200), st.text(max_size=40))
def test_any_number_of_spans_of_any_service(spans: int, service: str) -> None:
    """The count is that of what was made, and names are printable."""
    body = make_spans(service, spans).SerializeToString()
    content = count_http(body, "", PROTOBUF, "traces")
    assert content.items == spans
    assert content.services == [safe_text(service, 100)]


def test_names_are_bounded() -> None:
    """Of many services the first ones are named."""
    request = ExportTraceServiceRequest()
    for number in range(MAX_SERVICES * 2):
        request.MergeFrom(make_spans(f"service {number}"))
    content = count_http(request.SerializeToString(), "", PROTOBUF, "traces")
    assert len(content.services) == MAX_SERVICES


@given(st.binary(max_size=300), st.sampled_from(["", "gzip", "deflate", "zstd", "identity"]))
def test_any_bytes_are_counted_or_not(body: bytes, encoding: str) -> None:
    """Nothing else is raised, whatever is sent."""
    for signal in ("traces", "metrics", "logs"):
        for media_type in (PROTOBUF, "application/json"):
            try:
                assert isinstance(count_http(body, encoding, media_type, signal), Content)
            except UncountedError:
                pass
        try:
            assert isinstance(count_grpc(body, encoding, signal), Content)
        except UncountedError:
            pass


@pytest.mark.parametrize(
    "document",
    [[], {"resourceSpans": 1}, {"resourceSpans": [{"scopeSpans": [{"spans": {}}, 5]}]}, None, "a"],
)
def test_json_of_another_shape_holds_nothing(document: object) -> None:
    """What is not a list has no items."""
    body = json.dumps(document).encode()
    assert count_http(body, "", "application/json", "traces").items == 0


@pytest.mark.parametrize(
    ("body", "encoding", "media_type", "why"),
    [
        (gzip.compress(bytes(MAX_UNPACKED + 1)), "gzip", PROTOBUF, "unfolds to more than 16 MiB"),
        (b"abc", "gzip", PROTOBUF, "not gzip"),
        (b"abc", "zstd", PROTOBUF, "compressed with zstd"),
        (b"[" * 100_000, "", "application/json", "not JSON"),
        (b"\x0a\xff\xff\xff\xff\x0f", "", PROTOBUF, "not protobuf"),
        (b"\x80" * 20, "", PROTOBUF, "not protobuf"),
    ],
)
def test_what_is_not_counted_says_why(
    body: bytes, encoding: str, media_type: str, why: str
) -> None:
    """A bomb, a wrong encoding, and what does not parse."""
    with pytest.raises(UncountedError, match=why):
        count_http(body, encoding, media_type, "traces")


def test_a_message_that_is_cut_is_not_counted() -> None:
    """A gRPC message that is shorter than it says."""
    with pytest.raises(UncountedError, match="cut short"):
        count_grpc(frame(make_spans().SerializeToString())[:-1], "", "traces")


def test_a_gzip_of_endless_parts_is_bounded() -> None:
    """Each part costs as much as all that follow it."""
    body = gzip.compress(b"") * 100_000
    with pytest.raises(UncountedError, match="more than 64 parts"):
        count_http(body, "gzip", PROTOBUF, "traces")


@pytest.mark.parametrize("wrapped", [1, 2])
def test_what_costs_most_to_read_is_bounded(wrapped: int) -> None:
    """15 kB that unfold to millions of empty fields kept every other connection waiting."""
    body = b"\x12\x00" * 4_000_000
    for _ in range(wrapped):
        body = b"\x0a" + encode_varint(len(body)) + body
    started = time.process_time()
    with pytest.raises(UncountedError, match="fields"):
        count_http(gzip.compress(body), "gzip", PROTOBUF, "traces")
    document = b'{"resourceSpans":[' + b"{}," * 4_000_000 + b"{}]}"
    with pytest.raises(UncountedError, match="4 MiB of JSON"):
        count_http(gzip.compress(document), "gzip", "application/json", "traces")
    assert time.process_time() - started < 5


def encode_varint(value: int) -> bytes:
    """Return a varint of protobuf."""
    *more, last = [value >> shift & 0x7F for shift in range(0, max(value.bit_length(), 1), 7)]
    return bytes([*(each | 0x80 for each in more), last])


def test_json_may_have_the_names_of_the_proto_files() -> None:
    """A Collector reads both, so both are counted."""
    document = MessageToJson(make_spans(), preserving_proto_field_name=True).encode()
    assert b"resource_spans" in document
    content = count_http(document, "", "application/json", "traces")
    assert (content.items, content.services) == (3, ["checkout"])
