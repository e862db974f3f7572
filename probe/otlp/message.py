"""What the protobuf bodies of OTLP answers say, as plain values; sans-I/O and total (laws 1, 2).

The response messages are read by opentelemetry-proto. google.rpc.Status, the body of an OTLP/HTTP
error, is not part of it: of that message the two fields of interest are read from the wire.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from probe.model.target import Signal
from probe.text.safe_text import safe_text

GRPC_PREFIX: Final = 5
"""Bytes before each gRPC message: the compressed flag and a length (gRPC over HTTP/2)."""

_MAX_FIELDS: Final = 256
_GZIP: Final = zlib.MAX_WBITS | 16
"""zlib's window size for gzip framing (RFC 1952) alone."""
_MAX_VARINT: Final = 10


@dataclass(frozen=True, slots=True)
class ResponseFacts:
    """What an Export response says; `message` is safe to show."""

    parses: bool
    rejected_items: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class StatusFacts:
    """What a google.rpc.Status says; `message` is safe to show."""

    code: int = 0
    message: str = ""


_EMPTY: Final = ResponseFacts(parses=True)
_UNREADABLE: Final = ResponseFacts(parses=False)


def read_response(signal: Signal, body: bytes) -> ResponseFacts:
    """Read an Export<Signal>ServiceResponse (OTLP specification, "Partial Success").

    An empty message is one with nothing in it, which is what full success looks like.
    """
    if not body:
        return _EMPTY
    # Imported on first use: healthy backends answer with an empty message, and protobuf with the
    # generated modules costs every process some megabytes.
    from google.protobuf.message import (  # type: ignore[import-untyped]  # it ships no types
        DecodeError,
    )
    from opentelemetry.proto.collector.logs.v1 import (
        logs_service_pb2 as logs,
    )
    from opentelemetry.proto.collector.metrics.v1 import (
        metrics_service_pb2 as metrics,
    )
    from opentelemetry.proto.collector.trace.v1 import (
        trace_service_pb2 as trace,
    )

    try:
        if signal == "traces":
            partial = trace.ExportTraceServiceResponse.FromString(body).partial_success
            rejected = partial.rejected_spans
        elif signal == "metrics":
            partial = metrics.ExportMetricsServiceResponse.FromString(body).partial_success
            rejected = partial.rejected_data_points
        else:
            partial = logs.ExportLogsServiceResponse.FromString(body).partial_success
            rejected = partial.rejected_log_records
    except DecodeError:
        return _UNREADABLE
    return ResponseFacts(
        parses=True, rejected_items=int(rejected), message=safe_text(partial.error_message)
    )


class BrokenBodyError(ValueError):
    """A body whose framing is wrong, so that nobody can read it to its end; its text is a fact."""


def read_grpc_response(
    signal: Signal, body: bytes, *, encoding: bytes = b"", most: int = 65_535
) -> ResponseFacts:
    """Read a unary gRPC body: one length-prefixed message and nothing after it.

    `encoding` is its grpc-encoding; `most` bounds what a compressed message unfolds to.

    Raises:
        BrokenBodyError: where no gRPC client could take the message out (grpc-go: recvAndDecompress
            and checkRecvPayload, rpc_util.go).
    """
    if len(body) < GRPC_PREFIX:
        raise BrokenBodyError(f"a gRPC message of {len(body)} bytes, less than its prefix")
    declared, message = int.from_bytes(body[1:GRPC_PREFIX]), body[GRPC_PREFIX:]
    if declared > len(message):
        raise BrokenBodyError(f"a gRPC message of {declared} bytes of which {len(message)} came")
    if declared < len(message):
        raise BrokenBodyError("more than one gRPC message, where a unary call has one")
    if body[0] > 1:
        raise BrokenBodyError(f"a gRPC message whose compressed flag is {body[0]}")
    if body[0] == 1:
        if encoding.strip().lower() != b"gzip":
            raise BrokenBodyError("a compressed gRPC message without a grpc-encoding that we know")
        return read_response(signal, unfold_gzip(message, most))
    return read_response(signal, message)


def unfold_gzip(body: bytes, most: int) -> bytes:
    """Return what `body` unfolds to.

    Raises:
        BrokenBodyError: where it is not gzip (RFC 1952), lacks its end, or is more than `most` bytes.
    """
    unfolding = zlib.decompressobj(_GZIP)
    try:
        data = unfolding.decompress(body, most + 1)
    except zlib.error:
        raise BrokenBodyError("gzip that cannot be unfolded") from None
    if len(data) > most:
        raise BrokenBodyError(f"gzip that unfolds to more than {most} bytes")
    if not unfolding.eof:
        raise BrokenBodyError("gzip that lacks its end")
    return data


def read_status(body: bytes) -> StatusFacts | None:
    """Read a google.rpc.Status; None where `body` is no protobuf message.

    Field 1 is the code, field 2 the message (google/rpc/status.proto).
    """
    code, message = 0, b""
    try:
        for field, value in _fields(body):
            if field == 1 and isinstance(value, int):
                code = value & 0x7FFFFFFF
            elif field == 2 and isinstance(value, bytes):
                message = value
    except ValueError:
        return None
    return StatusFacts(code, safe_text(message))


def _fields(body: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield each field of a message by its wire type (protobuf encoding guide)."""
    at = 0
    for _ in range(_MAX_FIELDS):
        if at == len(body):
            return
        tag, at = _varint(body, at)
        field, wire_type = tag >> 3, tag & 7
        if field == 0:
            raise ValueError("a field has number 0")
        if wire_type == 0:
            value, at = _varint(body, at)
            yield field, value
            continue
        if wire_type == 2:
            length, at = _varint(body, at)
        elif wire_type in {1, 5}:
            length = 8 if wire_type == 1 else 4
        else:
            raise ValueError("a group, which google.rpc.Status has not")
        if length > len(body) - at:
            raise ValueError("a field is cut off")
        yield field, body[at : at + length]
        at += length
    raise ValueError("too many fields")


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(body[at : at + _MAX_VARINT]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, at + index + 1
    raise ValueError("a varint has no end")
