"""An OTLP request as bytes, encoded once per target, and what reads the answer to it.

A `Request` holds header values; its repr does not show them. An Export with nothing in it is enough
for a backend to accept or refuse.
"""

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, Self
from urllib.parse import quote

import h11
from hpack import Encoder
from hyperframe.frame import DataFrame, HeadersFrame, SettingsFrame

from probe.model.runtime import GO_IDS, JAVA_JDK
from probe.model.shared import share
from probe.model.target import Endpoint, Signal, Target
from probe.model.target import Protocol as OtlpProtocol
from probe.model.trace_context import TraceContext
from probe.otlp.exchange import Exchange
from probe.otlp.export_message import GRPC_PREFIX
from probe.otlp.header_blocks import MAX_HEADER_LIST
from probe.otlp.http1 import Http1Exchange
from probe.otlp.http2 import MAX_FRAME, STREAM, Http2Exchange
from probe.otlp.own_fields import Fields, check_value, list_own_fields
from probe.text.host_port import join_host_port

MAX_MESSAGE: Final = MAX_FRAME - GRPC_PREFIX
"""The longest message of a request: it goes out as one DATA frame, within any initial window."""

_SERVICES: Final[dict[Signal, str]] = {
    "traces": "trace.v1.TraceService",
    "metrics": "metrics.v1.MetricsService",
    "logs": "logs.v1.LogsService",
}
_SETTINGS: Final = {
    SettingsFrame.ENABLE_PUSH: 0,
    SettingsFrame.MAX_HEADER_LIST_SIZE: MAX_HEADER_LIST,
}
OPENING: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SettingsFrame(settings=_SETTINGS).serialize()
"""The client's preface with its SETTINGS (RFC 9113 §3.4)."""

_IN_A_PATH: Final = "!$%&'()*+,/:;=?@[]~"
"""What exporters leave in a path as it is, but for letters, digits and `-_.`; measured with Python's.
A Collector's is encoded already."""
_KEEPING_DOTS: Final = GO_IDS | {JAVA_JDK.id}
"""Exporters that send `.` and `..` in a path; URL classes of others resolve them."""
_AUTHORITY: Final = re.compile(r"[!-~]+")

# Values of the width that every trace context has: raw in HTTP/1.1, and in HTTP/2 neither
# compressed nor indexed, so that they can be replaced in the encoded request.
_CONTEXT: Final = TraceContext(
    trace_id="0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    span_id="",
    export_span_id="f18293a4b5c6d7e8",
    sampled=True,
    threshold="7f6e5d4c3b2a19",
)
_TRACEPARENT: Final = _CONTEXT.traceparent.encode()
_TRACESTATE: Final = _CONTEXT.tracestate.encode()


@dataclass(frozen=True, slots=True)
class Request:
    """The bytes that are sent to one target, in either version of HTTP."""

    protocol: OtlpProtocol
    signal: Signal
    h2: bytes = field(repr=False)
    """Preface, SETTINGS and the whole request."""
    http1: bytes = field(repr=False)
    endpoint: Endpoint = field(repr=False)
    """What requests without the target's headers name; they are few, and not kept."""
    user_agent: bytes = field(repr=False)

    @property
    def h2_opening(self) -> bytes:
        """Depth tls: preface and SETTINGS."""
        return OPENING

    @property
    def http1_opening(self) -> bytes:
        """Depth tls: `OPTIONS *`, with none of the target's headers."""
        return self._write_bare(b"OPTIONS *")

    @property
    def h2_bare(self) -> bytes:
        """For the clock: preface, SETTINGS and `HEAD /`, with none of the target's headers."""
        return _encode_bare(encode_authority(self.endpoint), self.user_agent)

    @property
    def http1_bare(self) -> bytes:
        """For the clock: `HEAD /`, with none of the target's headers."""
        return self._write_bare(b"HEAD /")

    def _write_bare(self, line: bytes) -> bytes:
        authority = encode_authority(self.endpoint).encode()
        fields = b"host: %b\r\nuser-agent: %b" % (authority, self.user_agent)
        return b"%b HTTP/1.1\r\n%b\r\n\r\n" % (line, fields)

    def fill_in_context(self, trace: TraceContext) -> Self:
        """Fill in the Trace Context headers of a request that was built with `propagate`."""
        parent, state = trace.traceparent.encode(), trace.tracestate.encode()

        def fill_in(encoded: bytes) -> bytes:
            return encoded.replace(_TRACEPARENT, parent).replace(_TRACESTATE, state)

        return replace(self, h2=fill_in(self.h2), http1=fill_in(self.http1))

    def expect_answer(self, *, h2: bool) -> Exchange:
        """Return what reads the answer to the request, over HTTP/2 or HTTP/1.1."""
        return (Http2Exchange if h2 else Http1Exchange)(self.protocol, self.signal)

    def expect_date(self, *, h2: bool) -> Exchange:
        """Return what reads the answer to the bare `HEAD /`, of which only the Date counts."""
        if h2:
            return Http2Exchange("http/protobuf", self.signal)
        return Http1Exchange("http/protobuf", self.signal, method="HEAD")


def build_request(
    target: Target, user_agent: str, message: bytes = b"", *, propagate: bool = False
) -> Request:
    """Encode the Export of `message` (protobuf, by default nothing) to `target`.

    With `propagate` it has W3C Trace Context headers, to be filled in for each attempt, unless the
    target's own headers have one of the two.

    gRPC follows "gRPC over HTTP/2", HTTP the OTLP specification; authority and reserved headers
    are those of grpc-go and net/http.

    Raises:
        ValueError: where a header, the host or the user agent cannot be sent, or `message` is
            longer than MAX_MESSAGE; the text names the header, never its value.
    """
    if len(message) > MAX_MESSAGE:
        raise ValueError(f"a message of {len(message)} bytes; at most {MAX_MESSAGE} can be sent")
    encode_authority(target.endpoint)  # raises here what a request for the clock would raise later
    agent, authority = share(check_value("user-agent", user_agent)), _authority(target)
    path = _path(target)
    own = list_own_fields(target)
    context = [("traceparent", _TRACEPARENT), ("tracestate", _TRACESTATE)]
    if not propagate or {name for name, _ in own.h2} & {name for name, _ in context}:
        context = []
    grpc = target.protocol == "grpc"
    media = b"application/grpc" if grpc else b"application/x-protobuf"
    fields = [("content-type", media), ("user-agent", agent)]
    body = b"\0" + len(message).to_bytes(GRPC_PREFIX - 1) + message if grpc else message
    if grpc:
        fields.append(("te", b"trailers"))
    else:
        fields.append(("content-length", str(len(message)).encode()))
    scheme = "http" if target.plaintext else "https"
    given = {name for name, _ in own.h2} - {"te"}
    # Of the probe's own, those that the target's headers take the place of.
    fields = [field for field in fields if field[0] not in given]
    return Request(
        protocol=target.protocol,
        signal=target.signal,
        h2=_http2(("POST", scheme, path, authority), fields, own.h2, context, body),
        http1=_http1(
            "POST",
            path,
            authority,
            [*(field for field in fields if field[0] != "te"), *own.http1, *context],
            body,
        ),
        endpoint=target.endpoint,
        user_agent=agent,
    )


@lru_cache(maxsize=256)
def _encode_bare(authority: str, user_agent: bytes) -> bytes:
    return _http2(("HEAD", "https", "/", authority), [("user-agent", user_agent)])


def _http2(
    pseudo: tuple[str, str, str, str],
    fields: Fields,
    own: Fields = (),
    context: Fields = (),
    body: bytes = b"",
) -> bytes:
    """Encode preface, SETTINGS and a request.

    Args:
        pseudo: method, scheme, path and authority.
        fields: the request's other fields.
        own: the target's own fields.
        context: fields to be filled in later.
        body: of the request.
    """
    names = (":method", ":scheme", ":path", ":authority")
    encoder = Encoder()
    # This is the connection's only block. The server's SETTINGS, which may shrink the table, can
    # come before or after it: without a dynamic table it is right in both cases (RFC 7541 §4.2).
    encoder.header_table_size = 0
    block = encoder.encode(
        [(name.encode(), value.encode(), False) for name, value in zip(names, pseudo, strict=True)]
        + [(name.encode(), value, False) for name, value in fields]
        # The target's own may be secrets: never indexed (RFC 7541 §7.1.3).
        + [(name.encode(), value, True) for name, value in own]
    )
    # Huffman's code would give each value another length.
    block += encoder.encode([(name.encode(), value) for name, value in context], huffman=False)
    if len(block) > MAX_FRAME:
        raise ValueError(f"the headers take {len(block)} bytes; at most {MAX_FRAME} can be sent")
    headers = HeadersFrame(STREAM, block, flags=["END_HEADERS", *([] if body else ["END_STREAM"])])
    data = DataFrame(STREAM, body, flags=["END_STREAM"]).serialize() if body else b""
    return bytes(OPENING + headers.serialize() + data)


def _http1(method: str, target: str, authority: str, fields: Fields, body: bytes = b"") -> bytes:
    connection = h11.Connection(h11.CLIENT)
    headers = [(b"host", authority.encode()), *((name.encode(), value) for name, value in fields)]
    if body and not any(name == b"content-length" for name, _ in headers):
        headers.append((b"content-length", str(len(body)).encode()))
    try:
        sent = connection.send(h11.Request(method=method, target=target, headers=headers))
    except h11.LocalProtocolError:
        raise ValueError("the headers are not valid together in HTTP/1.1") from None
    if body:
        sent += connection.send(h11.Data(body))
    return bytes(sent + connection.send(h11.EndOfMessage()))


def _authority(target: Target) -> str:
    """Return :authority, or Host.

    grpc-go takes the name of its TLS credentials where they have one; net/http takes a `host`
    header, as the Collector's HTTP client sets it, and no override.
    """
    own = target.authority
    if target.protocol == "grpc":
        override = target.tls.server_name_override
        if override and not target.plaintext and "://" not in override:
            return _check_authority(override)
    else:
        for name, value in target.headers:
            if name.lower() == "host" and value.reveal():
                return _check_authority(value.reveal())
    if own:
        return _check_authority(own)
    endpoint = target.named_endpoint
    authority = encode_authority(endpoint)
    return authority.rpartition(":")[0] if _leaves_port_out(target, endpoint) else authority


def _leaves_port_out(target: Target, endpoint: Endpoint) -> bool:
    """Whether a request does not name the port: where it was not written, or is the usual one.

    Go writes a port that was written, over gRPC everybody does; other HTTP clients do not write
    the port of the scheme (measured with Python's).
    """
    if target.protocol == "grpc" or target.exporter in GO_IDS:
        return not endpoint.port_given
    return endpoint.port == (80 if target.plaintext else 443)


def encode_authority(endpoint: Endpoint) -> str:
    """Return `host:port` as a request has it: an IPv6 address in brackets, A-labels.

    Raises:
        ValueError: where the host is not valid in a request.
    """
    host = endpoint.host
    if ":" in host:
        host = host.partition("%")[0]  # a zone means nothing to the peer (RFC 6874 §4)
    elif not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            raise ValueError("the endpoint's host cannot be written in ASCII") from None
    return _check_authority(join_host_port(host, endpoint.port))


def _check_authority(text: str) -> str:
    if not _AUTHORITY.fullmatch(text) or any(char in "/?#@\\" for char in text):
        raise ValueError("the host is not valid in a request")
    return text


def _path(target: Target) -> str:
    if target.protocol == "grpc":
        return f"/opentelemetry.proto.collector.{_SERVICES[target.signal]}/Export"
    path = quote(target.endpoint.path, safe=_IN_A_PATH) or f"/v1/{target.signal}"
    path = path if path.startswith("/") else f"/{path}"
    return path if target.exporter in _KEEPING_DOTS else _remove_dots(path)


def _remove_dots(path: str) -> str:
    """Remove the segments `.` and `..` of a path (RFC 3986 §5.2.4)."""
    before, mark, query = path.partition("?")
    left: list[str] = []
    *segments, last = before[1:].split("/")
    for segment in (*segments, "" if last in {".", ".."} else last):
        if segment == "..":
            del left[-1:]
        elif segment != ".":
            left.append(segment)
    if last == "..":
        del left[-2:-1]
    return f"/{'/'.join(left)}{mark}{query}"
