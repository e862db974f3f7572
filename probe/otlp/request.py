"""An OTLP exchange as bytes: the request, encoded once per target, and who listens to the answer.

Law 1: no asyncio, socket, file or clock. Law 11: a `Request` holds header values; its repr does
not show them. An Export with nothing in it is enough to be judged (interfaces.md, section 3).
"""

import base64
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

import h11
from hpack import Encoder
from hyperframe.frame import DataFrame, HeadersFrame, SettingsFrame

from probe.model.target import Endpoint, Signal, Target
from probe.model.target import Protocol as OtlpProtocol
from probe.otlp.exchange import Exchange
from probe.otlp.header_blocks import MAX_HEADER_LIST
from probe.otlp.http1 import Http1Exchange
from probe.otlp.http2 import MAX_FRAME, STREAM, Http2Exchange
from probe.otlp.message import GRPC_PREFIX

MAX_MESSAGE: Final = MAX_FRAME - GRPC_PREFIX
"""The longest message of a request: it goes out as one DATA frame, within any initial window."""

_SERVICES: Final[dict[Signal, str]] = {
    "traces": "trace.v1.TraceService",
    "metrics": "metrics.v1.MetricsService",
    "logs": "logs.v1.LogsService",
}
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
OPENING: Final = (
    _PREFACE
    + SettingsFrame(
        settings={
            SettingsFrame.ENABLE_PUSH: 0,
            SettingsFrame.MAX_HEADER_LIST_SIZE: MAX_HEADER_LIST,
        }
    ).serialize()
)
_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_AUTHORITY: Final = re.compile(r"[!-~]+")
# What the exchange itself decides: framing, media type, the probe's own name.
_OURS: Final = frozenset(
    {
        "connection",
        "content-length",
        "content-type",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)

_Fields = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Request:
    """The bytes that one target is asked with, in either version of HTTP."""

    protocol: OtlpProtocol
    signal: Signal
    h2: bytes = field(repr=False)
    """Preface, SETTINGS and the whole request."""
    h2_opening: bytes = field(repr=False)
    """Depth tls: preface and SETTINGS."""
    http1: bytes = field(repr=False)
    http1_opening: bytes = field(repr=False)
    """Depth tls: `OPTIONS *`, with none of the target's headers."""
    h2_bare: bytes = field(repr=False)
    """For the clock: preface, SETTINGS and `HEAD /`, with none of the target's headers."""
    http1_bare: bytes = field(repr=False)
    """For the clock: `HEAD /`, with none of the target's headers."""


def build_request(
    target: Target,
    user_agent: str,
    message: bytes = b"",
    context_fields: Sequence[tuple[str, bytes]] = (),
) -> Request:
    """Encode the Export of `message` (protobuf, by default nothing) to `target`.

    `context_fields` go out as they are, for what is filled in later; a header of the target's own
    of the same name has precedence over all of them.

    gRPC follows "gRPC over HTTP/2", HTTP the OTLP specification; authority and reserved headers
    are those of grpc-go and net/http.

    Raises:
        ValueError: where a header, the host or the user agent cannot be sent, or `message` is
            longer than MAX_MESSAGE; the text names the header, never its value.
    """
    if len(message) > MAX_MESSAGE:
        raise ValueError(f"a message of {len(message)} bytes; at most {MAX_MESSAGE} can be sent")
    agent = _value("user-agent", user_agent)
    authority, bare_authority = _authority(target), _endpoint_authority(target.endpoint)
    path = _path(target)
    extra = _target_fields(target)
    own = {name for name, _ in extra}
    context = [] if any(name in own for name, _ in context_fields) else list(context_fields)
    grpc = target.protocol == "grpc"
    fields: _Fields = [
        ("content-type", b"application/grpc" if grpc else b"application/x-protobuf"),
        ("user-agent", agent),
    ]
    body = b"\0" + len(message).to_bytes(GRPC_PREFIX - 1) + message if grpc else message
    if grpc:
        fields.append(("te", b"trailers"))
    else:
        fields.append(("content-length", str(len(message)).encode()))
    return Request(
        protocol=target.protocol,
        signal=target.signal,
        h2=_h2(authority, path, fields, extra, context, body, plaintext=target.plaintext),
        h2_opening=OPENING,
        http1=_http1("POST", path, authority, fields + extra + context, body),
        http1_opening=_http1("OPTIONS", "*", bare_authority, fields[1:2]),
        h2_bare=_h2_bare(bare_authority, agent),
        http1_bare=_http1("HEAD", "/", bare_authority, fields[1:2]),
    )


def http2_exchange(request: Request) -> Exchange:
    """Listen to the answer to `request` over HTTP/2."""
    return Http2Exchange(request.protocol, request.signal)


def http1_exchange(request: Request) -> Exchange:
    """Listen to the answer to `request` over HTTP/1.1."""
    return Http1Exchange(request.protocol, request.signal)


def bare_exchange(request: Request, *, h2: bool) -> Exchange:
    """Listen to the answer to the bare `HEAD /` of `request`, of which only the Date counts."""
    if h2:
        return Http2Exchange("http/protobuf", request.signal)
    return Http1Exchange("http/protobuf", request.signal, method="HEAD")


def _h2(
    authority: str,
    path: str,
    fields: _Fields,
    extra: _Fields,
    context: _Fields,
    body: bytes,
    *,
    plaintext: bool,
) -> bytes:
    pseudo = _pseudo("POST", "http" if plaintext else "https", path, authority)
    encoder = _encoder()
    block = encoder.encode(
        [(name.encode(), value, False) for name, value in pseudo + fields]
        # The target's own may be secrets: never indexed (RFC 7541 §7.1.3).
        + [(name.encode(), value, True) for name, value in extra]
    )
    # Huffman's code would give each value another length.
    block += encoder.encode([(name.encode(), value) for name, value in context], huffman=False)
    if len(block) > MAX_FRAME:
        raise ValueError(f"the headers take {len(block)} bytes; at most {MAX_FRAME} can be sent")
    headers = HeadersFrame(STREAM, block, flags=["END_HEADERS", *([] if body else ["END_STREAM"])])
    data = DataFrame(STREAM, body, flags=["END_STREAM"]).serialize() if body else b""
    return bytes(OPENING + headers.serialize() + data)


def _h2_bare(authority: str, agent: bytes) -> bytes:
    fields = [*_pseudo("HEAD", "https", "/", authority), ("user-agent", agent)]
    block = _encoder().encode([(name.encode(), value, False) for name, value in fields])
    head = HeadersFrame(STREAM, block, flags=["END_HEADERS", "END_STREAM"])
    return bytes(OPENING + head.serialize())


def _encoder() -> Encoder:
    """Return an encoder of a whole connection's only block.

    The server's SETTINGS, which may shrink the table, can come before or after these bytes: with
    no dynamic table at all, announced at the block's start, they are right in both cases (RFC
    7541 §4.2).
    """
    encoder = Encoder()
    encoder.header_table_size = 0
    return encoder


def _pseudo(method: str, scheme: str, path: str, authority: str) -> _Fields:
    return [
        (":method", method.encode()),
        (":scheme", scheme.encode()),
        (":path", path.encode()),
        (":authority", authority.encode()),
    ]


def _http1(method: str, target: str, authority: str, fields: _Fields, body: bytes = b"") -> bytes:
    connection = h11.Connection(h11.CLIENT)
    headers = [(b"host", authority.encode()), *((n.encode(), v) for n, v in fields if n != "te")]
    if body and not any(name == b"content-length" for name, _ in headers):
        headers.append((b"content-length", str(len(body)).encode()))
    sent = connection.send(h11.Request(method=method, target=target, headers=headers))
    if body:
        sent += connection.send(h11.Data(body))
    return bytes(sent + connection.send(h11.EndOfMessage()))


def _authority(target: Target) -> str:
    """Return :authority, or Host.

    grpc-go takes the name of its TLS credentials where they have one; net/http takes a `host`
    header, as the Collector's HTTP client sets it, and no override.
    """
    if target.protocol == "grpc":
        override = target.tls.server_name_override
        if override and not target.plaintext and "://" not in override:
            return _checked_authority(override)
    else:
        for name, value in target.headers:
            if name.lower() == "host" and value.reveal():
                return _checked_authority(value.reveal())
    return _endpoint_authority(target.endpoint)


def _endpoint_authority(endpoint: Endpoint) -> str:
    host = endpoint.host
    if ":" in host:
        # A zone means nothing to the other side (RFC 6874 §4).
        host = f"[{host.partition('%')[0]}]"
    elif not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            raise ValueError("the endpoint's host cannot be written in ASCII") from None
    return _checked_authority(f"{host}:{endpoint.port}")


def _checked_authority(text: str) -> str:
    if not _AUTHORITY.fullmatch(text) or any(char in "/?#@\\" for char in text):
        raise ValueError("the host cannot stand in a request")
    return text


def _path(target: Target) -> str:
    if target.protocol == "grpc":
        return f"/opentelemetry.proto.collector.{_SERVICES[target.signal]}/Export"
    path = quote(target.endpoint.path, safe=string.punctuation) or f"/v1/{target.signal}"
    return path if path.startswith("/") else f"/{path}"


def _target_fields(target: Target) -> _Fields:
    grpc = target.protocol == "grpc"
    fields: _Fields = []
    for raw_name, secret in target.headers:
        name = raw_name.lower()
        if not _NAME.fullmatch(name):
            raise ValueError(f"{raw_name!r} is no name of a header")
        if name in _OURS or (grpc and name.startswith("grpc-")):
            continue
        text = secret.reveal()
        if grpc and name.endswith("-bin"):
            # Binary metadata travels as unpadded base64 (gRPC over HTTP/2, Custom-Metadata).
            fields.append((name, base64.b64encode(text.encode()).rstrip(b"=")))
        else:
            fields.append((name, _value(name, text, ascii_only=grpc)))
    return fields


def _value(name: str, text: str, *, ascii_only: bool = False) -> bytes:
    """Check a field value (RFC 9110 §5.5): no control character but the tab, so no injection."""
    value = text.strip(" \t")
    if any((ord(c) < 0x20 and c != "\t") or ord(c) == 0x7F for c in value):
        raise ValueError(f"the value of the header {name!r} holds a control character")
    if ascii_only and not value.isascii():
        raise ValueError(f"the value of the header {name!r} is not ASCII, which gRPC needs")
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"the value of the header {name!r} is no text") from None
