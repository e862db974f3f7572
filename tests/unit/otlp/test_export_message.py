"""Protobuf bodies of OTLP answers: read, partly rejected, broken, arbitrary."""

import gzip
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from probe.model.target import Signal
from probe.otlp.export_message import (
    BrokenBodyError,
    ResponseFacts,
    read_grpc_response,
    read_response,
    read_status_message,
    unfold_gzip,
)


def framed(message: bytes, flag: int = 0) -> bytes:
    """Return `message` with its gRPC prefix."""
    return bytes([flag]) + len(message).to_bytes(4) + message


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
def test_empty_message_is_full_success(signal: Signal) -> None:
    """Nothing in the message means that everything was taken."""
    assert read_response(signal, b"") == ResponseFacts(parses=True)


@pytest.mark.parametrize(
    ("signal", "message", "field"),
    [
        ("traces", ExportTraceServiceResponse, "rejected_spans"),
        ("metrics", ExportMetricsServiceResponse, "rejected_data_points"),
        ("logs", ExportLogsServiceResponse, "rejected_log_records"),
    ],
)
def test_partial_success_is_counted_per_signal(signal: Signal, message: Any, field: str) -> None:
    """What the backend rejected is read with its reason, made safe."""
    partial = {field: 3, "error_message": "too\nold"}
    body = message(partial_success=partial).SerializeToString()
    expected = ResponseFacts(parses=True, rejected_items=3, message="too\\x0aold")
    assert read_response(signal, body) == expected
    assert read_grpc_response(signal, framed(body)) == expected


def test_text_is_no_response() -> None:
    """A page in the body's place does not parse."""
    assert not read_response("traces", b"<html>welcome</html>").parses


@pytest.mark.parametrize("body", [framed(b"") + b"x", framed(b"") * 2])
def test_body_that_is_more_than_one_grpc_message_is_broken(body: bytes) -> None:
    """A unary call has one message: grpc-go 1.84 and grpcio 1.85 fail on more."""
    with pytest.raises(BrokenBodyError, match="more than one"):
        read_grpc_response("traces", body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0\0",
        framed(b"")[:-1],
        framed(b"\x0a\0")[:-1],
        framed(b"", flag=1),
        framed(b"", flag=2),
    ],
)
def test_grpc_message_that_nobody_can_take_out_is_broken(body: bytes) -> None:
    """Cut messages, and compressed ones without a name of their compression, can't be read."""
    with pytest.raises(BrokenBodyError):
        read_grpc_response("traces", body)


def test_gzip_is_unfolded_within_a_bound() -> None:
    """A compressed message is read, one that lacks its end is broken, a bomb is not unfolded."""
    message = framed(gzip.compress(b"\x0a\0"), flag=1)
    assert read_grpc_response("traces", message, encoding=b"gzip").parses
    with pytest.raises(BrokenBodyError):
        unfold_gzip(gzip.compress(b"x" * 100)[:-9], 1000)
    with pytest.raises(BrokenBodyError):
        unfold_gzip(b"hello", 1000)
    with pytest.raises(BrokenBodyError):
        unfold_gzip(gzip.compress(bytes(1 << 24)), 1000)


def test_status_is_read_from_the_wire() -> None:
    """The message of google.rpc.Status is found among other fields."""
    body = b"\x08\x07\x12\x06denied\x1a\x03\x0a\x01x\x25\x00\x00\x00\x00"
    assert read_status_message(body) == "denied"
    assert read_status_message(b"") == ""


@pytest.mark.parametrize(
    "body",
    [
        b"\x12\x06den",
        b"\x12",
        b"\x00\x01",
        b"\x0b\x0c",
        b"\x80" * 11,
        b"\x08\x01" * 300,
        b"\x12\x01\xff",
        b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    ],
)
def test_broken_status_has_no_message(body: bytes) -> None:
    """A cut field, a group, an endless varint and text that is not UTF-8 are not an exception."""
    assert read_status_message(body) == ""


@given(st.binary(max_size=200), st.sampled_from(["traces", "metrics", "logs"]))
def test_readers_are_total(body: bytes, signal: Signal) -> None:
    """No bytes make a reader raise, and every text stays short."""
    assert len(read_response(signal, body).message) <= 256
    assert len(read_grpc_response(signal, framed(body)).message) <= 256
    assert len(read_status_message(body)) <= 256


@pytest.mark.slow
def test_protobuf_is_not_imported_for_healthy_answers() -> None:
    """An empty message costs no import of protobuf."""
    code = (
        "import sys; from probe.otlp.request import build_request; "
        "from probe.otlp.export_message import read_grpc_response as read; "
        "assert read('traces', bytes(5)).parses; assert 'google.protobuf' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
