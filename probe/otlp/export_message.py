"""The protobuf bodies of OTLP answers as plain values; only broken framing raises."""

import json
import zlib
from dataclasses import dataclass
from typing import Final

from probe.model.target import Signal
from probe.text.safe_text import safe_text

GRPC_PREFIX: Final = 5
"""Bytes before each gRPC message: the compressed flag and a length (gRPC over HTTP/2)."""

_GZIP: Final = zlib.MAX_WBITS | 16
"""zlib's window size for gzip framing (RFC 1952) only."""


@dataclass(frozen=True, slots=True)
class ResponseFacts:
    """What an Export response says; `message` is safe to show."""

    parses: bool
    rejected_items: int = 0
    message: str = ""


class BrokenBodyError(ValueError):
    """A body whose framing is wrong, so that nobody can read it to its end; its text is a fact."""


def read_response(signal: Signal, body: bytes) -> ResponseFacts:
    """Read an Export<Signal>ServiceResponse (OTLP specification, "Partial Success").

    An empty message is one with nothing in it, which is what full success looks like.
    """
    if not body:
        return ResponseFacts(parses=True)
    # Imported on first use: healthy backends answer with an empty message, and protobuf with the
    # generated modules costs every process some megabytes.
    from google.protobuf.message import (  # type: ignore[import-untyped]  # it ships no types
        DecodeError,
    )
    from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
    from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace

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
        return ResponseFacts(parses=False)
    return ResponseFacts(
        parses=True, rejected_items=int(rejected), message=safe_text(partial.error_message)
    )


def read_json_response(body: bytes) -> ResponseFacts | None:
    """Read the same message in JSON; None where it is another document.

    Some backends answer a request in Protobuf so, and every exporter takes it. The one field of the
    three messages has the same name; what it counts has a name of each (int64 may be a string).
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not found.keys() <= {"partialSuccess", "partial_success"}:
        return None
    partial = next(iter(found.values()), None) or {}
    if not isinstance(partial, dict):
        return None
    counts = [partial[name] for name in partial if name.lower().startswith("rejected")]
    message = partial.get("errorMessage", partial.get("error_message", ""))
    try:
        rejected = sum(map(int, counts))
    except (TypeError, ValueError, OverflowError):
        return None
    return ResponseFacts(
        parses=True, rejected_items=rejected, message=safe_text(str(message or ""))
    )


def read_grpc_response(
    signal: Signal, body: bytes, *, encoding: bytes = b"", limit: int = 65_535
) -> ResponseFacts:
    """Read a unary gRPC body: one length-prefixed message and nothing after it.

    `encoding` is its grpc-encoding; `limit` bounds what a compressed message unfolds to.

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
        message = unfold_gzip(message, limit)
    return read_response(signal, message)


def unfold_gzip(body: bytes, limit: int) -> bytes:
    """Return what `body` unfolds to.

    Raises:
        BrokenBodyError: where it is not gzip (RFC 1952), lacks its end, or is more than `limit`
            bytes.
    """
    unfolding = zlib.decompressobj(_GZIP)
    try:
        data = unfolding.decompress(body, limit + 1)
    except zlib.error:
        raise BrokenBodyError("gzip that cannot be unfolded") from None
    if len(data) > limit:
        raise BrokenBodyError(f"gzip that unfolds to more than {limit} bytes")
    if not unfolding.eof:
        raise BrokenBodyError("gzip that lacks its end")
    return data


def read_status_message(body: bytes) -> str:
    """Return the message of a google.rpc.Status, the body of an OTLP/HTTP error; safe to show.

    It is empty where `body` is not such a message. google.rpc.Status (an integer in field 1, a
    string in field 2) is not part of opentelemetry-proto; ExportTracePartialSuccess has the same
    fields on the wire.
    """
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace

    try:
        return safe_text(trace.ExportTracePartialSuccess.FromString(body).error_message)
    except DecodeError:
        return ""
