"""What an OTLP request holds, counted and not kept: names of services, spans, points, records. Pure.

Requests of all signals are built alike (opentelemetry-proto, collector/*/v1): field 1 has the
resources, whose field 1 is the resource and field 2 the scopes, whose field 2 has the items. The
walk reads these fields alone. It is bounded: while it goes on, no other connection is served.
"""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Literal

import msgspec

from probe.backend.answers import PROFILES_METHOD, PROFILES_PATH
from probe.text.safe_text import safe_text

Signal = Literal["traces", "metrics", "logs", "profiles"]

SIGNALS: Final[Mapping[str, Signal]] = {
    "/v1/traces": "traces",
    "/v1/metrics": "metrics",
    "/v1/logs": "logs",
    PROFILES_PATH: "profiles",
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export": "traces",
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": "metrics",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export": "logs",
    PROFILES_METHOD: "profiles",
}
"""By the path of a request."""

MAX_UNPACKED: Final = 16 << 20
"""Bytes that a compressed body may unfold to; a Collector's own limit for gRPC is 4 MiB."""
MAX_PARTS: Final = 64
"""Of one gzip (RFC 1952 §2.2); each is read in what is left of all."""
MAX_FIELDS: Final = 300_000
"""Of a request; 4 MiB of the smallest spans have less than half of it."""
MAX_JSON: Final = 4 << 20
"""Bytes of JSON that are read: each of its objects takes many times what it is written in."""
MAX_SERVICES: Final = 8
_GRPC_ENCODINGS: Final = frozenset({"", "identity", "gzip", "snappy", "zstd"})
"""What a Collector's receiver unfolds over gRPC (configgrpc)."""
_HTTP_ENCODINGS: Final = frozenset(
    {"", "gzip", "zlib", "deflate", "zstd", "snappy", "x-snappy-framed", "lz4"}
)
"""And over HTTP (confighttp), by exactly these names; `identity` is none of them."""
_GRPC_HEAD: Final = 5
_LENGTH_DELIMITED: Final = 2
_POINTS: Final = frozenset({5, 7, 9, 10, 11})
"""Fields of a Metric: gauge, sum, histogram, exponential histogram, summary; each has its points in 1."""
_JSON_ITEMS: Final[Mapping[Signal, tuple[str, str, str]]] = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
    "profiles": ("resourceProfiles", "scopeProfiles", "profiles"),
}
_JSON_POINTS: Final = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")


@dataclass(slots=True)
class Content:
    """What is counted of one request."""

    items: int = 0
    fields: int = 0
    """Of protobuf, that were read."""
    services: list[str] = field(default_factory=list)

    def name_service(self, name: str) -> None:
        """Take the value of a `service.name`."""
        shown = safe_text(name, 100)
        if shown not in self.services and len(self.services) < MAX_SERVICES:
            self.services.append(shown)


class UncountedError(ValueError):
    """A body that is not counted; its text says why."""


class MalformedError(UncountedError):
    """A body that a Collector refuses, too."""


class EncodingError(MalformedError):
    """One that is compressed by a method that a Collector does not have."""


def count_grpc(body: bytes, encoding: str, signal: Signal) -> Content:
    """Count the messages of a gRPC request's body.

    Raises:
        UncountedError: where they cannot be read.
    """
    content = Content()
    _check_encoding(encoding, _GRPC_ENCODINGS)
    if not body:
        raise MalformedError("it holds no message")
    at = 0
    while at < len(body):
        size = int.from_bytes(body[at + 1 : at + _GRPC_HEAD])
        message = body[at + _GRPC_HEAD : at + _GRPC_HEAD + size]
        if len(message) < size or at + _GRPC_HEAD > len(body):
            raise MalformedError("a message is cut short")
        if body[at] and encoding in {"", "identity"}:
            raise MalformedError("it is marked as compressed, and its header has no method for it")
        _count_protobuf(unpack(message, encoding if body[at] else ""), signal, content)
        at += _GRPC_HEAD + size
    return content


def count_http(body: bytes, encoding: str, media_type: str, signal: Signal) -> Content:
    """Count the body of an OTLP/HTTP request.

    Raises:
        UncountedError: where it cannot be read.
    """
    content = Content()
    _check_encoding(encoding, _HTTP_ENCODINGS)
    plain = unpack(body, encoding)
    if media_type == "application/json":
        if len(plain) > MAX_JSON:
            raise UncountedError(f"it unfolds to more than {MAX_JSON >> 20} MiB of JSON")
        try:
            _count_json(msgspec.json.decode(plain), signal, content)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise MalformedError("it is not JSON") from None
    else:
        _count_protobuf(plain, signal, content)
    return content


def unpack(data: bytes, encoding: str) -> bytes:
    """Return what `data` unfolds to.

    Raises:
        UncountedError: where it is too much, or not compressed by that method.
    """
    if encoding in {"", "identity"} or not data:
        return data
    if encoding not in {"gzip", "zlib", "deflate"}:
        raise UncountedError(f"it is compressed with {safe_text(encoding, 20)}")
    plain = b""
    for _ in range(MAX_PARTS):
        unfolding = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, by its head
        left = MAX_UNPACKED - len(plain) + 1
        try:
            plain += unfolding.decompress(data, left)
        except zlib.error:
            raise MalformedError(f"it is not {encoding}") from None
        if len(plain) > MAX_UNPACKED:
            raise UncountedError(f"it unfolds to more than {MAX_UNPACKED >> 20} MiB")
        if not unfolding.eof:
            raise MalformedError(f"its {encoding} is cut short")
        data = unfolding.unused_data
        if not data or encoding != "gzip":
            return plain
    raise UncountedError(f"it has more than {MAX_PARTS} parts")


def _check_encoding(encoding: str, known: frozenset[str]) -> None:
    if encoding not in known:
        raise EncodingError(
            f"it is compressed with {safe_text(encoding, 20)}, which a Collector does not read"
        )


def _count_protobuf(message: bytes, signal: Signal, content: Content) -> None:
    view = memoryview(message)
    for resource_items in _find(view, 1, content):
        for number, part in _read_fields(resource_items, content):
            if number == 1:
                _read_resource(part, content)
            elif number == 2:
                for item in _find(part, 2, content):
                    content.items += _count_points(item, content) if signal == "metrics" else 1


def _read_resource(resource: memoryview, content: Content) -> None:
    for attribute in _find(resource, 1, content):
        parts = dict(_read_fields(attribute, content))
        if bytes(parts.get(1, b"")) == b"service.name":
            for value in _find(parts.get(2, memoryview(b"")), 1, content):
                content.name_service(bytes(value[:1000]).decode("utf-8", "backslashreplace"))


def _count_points(metric: memoryview, content: Content) -> int:
    return sum(
        1
        for number, data in _read_fields(metric, content)
        if number in _POINTS
        for _ in _find(data, 1, content)
    )


def _find(message: memoryview, wanted: int, content: Content) -> Iterator[memoryview]:
    return (part for number, part in _read_fields(message, content) if number == wanted)


def _read_fields(message: memoryview, content: Content) -> Iterator[tuple[int, memoryview]]:
    """Yield number and content of each length-delimited field; others are passed over."""
    at = 0
    while at < len(message):
        content.fields += 1
        if content.fields > MAX_FIELDS:
            raise UncountedError(f"it has more than {MAX_FIELDS} fields")
        key, at = _read_varint(message, at)
        kind = key & 7
        if kind == 0:
            _, at = _read_varint(message, at)
            continue
        size = {1: 8, 5: 4}.get(kind)
        if kind == _LENGTH_DELIMITED:
            size, at = _read_varint(message, at)
        if size is None or at + size > len(message):
            raise MalformedError("it is not protobuf")
        if kind == _LENGTH_DELIMITED:
            yield key >> 3, message[at : at + size]
        at += size


def _read_varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise MalformedError("it is not protobuf")


def _count_json(document: Any, signal: Signal, content: Content) -> None:
    resources, scopes, items = _JSON_ITEMS[signal]
    for one in _list(document, resources):
        for attribute in _list(_get(one, "resource"), "attributes"):
            name = _get(_get(attribute, "value"), "stringValue")
            if _get(attribute, "key") == "service.name" and isinstance(name, str):
                content.name_service(name)
        for scope in _list(one, scopes):
            found = _list(scope, items)
            if signal == "metrics":
                content.items += sum(
                    len(_list(_get(metric, kind), "dataPoints"))
                    for metric in found
                    for kind in _JSON_POINTS
                )
            else:
                content.items += len(found)


def _get(holder: Any, key: str) -> Any:
    """Return a field by its name in lowerCamelCase, or as in the .proto file: a Collector reads both."""
    if not isinstance(holder, dict):
        return None
    return holder[key] if key in holder else holder.get(_name_as_in_proto(key))


@cache
def _name_as_in_proto(key: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in key)


def _list(holder: Any, key: str) -> list[Any]:
    found = _get(holder, key)
    return found if isinstance(found, list) else []
