"""What an HTTP/2 backend writes, and the exchange that reads it."""

import h2.config
import h2.connection
import hpack
from hyperframe.frame import SettingsFrame

from probe.model.target import Endpoint, Protocol, Target
from probe.otlp.http2 import Http2Exchange
from probe.otlp.request import build_request

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client sends first (RFC 9113 §3.4)."""
SETTINGS = SettingsFrame(settings={SettingsFrame.MAX_CONCURRENT_STREAMS: 100}).serialize()
Fields = list[tuple[str, str]]


def conversation(
    head: Fields,
    body: bytes | None = None,
    trailers: Fields | None = None,
    *,
    protocol: Protocol = "grpc",
) -> bytes:
    """Return all bytes of a real HTTP/2 server that gives this answer to our request."""
    target = Target(name="t", endpoint=Endpoint("h", 4317), protocol=protocol)
    server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    server.initiate_connection()
    server.receive_data(build_request(target, "probe").h2)
    server.send_headers(1, head, end_stream=body is None and trailers is None)
    if body is not None:
        server.send_data(1, body, end_stream=trailers is None)
    if trailers is not None:
        server.send_headers(1, trailers, end_stream=True)
    return server.data_to_send()


def feed(raw: bytes, *, protocol: Protocol = "grpc", eof: bool = False) -> Http2Exchange:
    """Return an exchange that was fed `raw`."""
    exchange = Http2Exchange(protocol, "traces")
    exchange.receive(raw)
    if eof:
        exchange.receive_eof()
    return exchange


def block(*fields: tuple[str, str]) -> bytes:
    """Return a header block as a fresh encoder writes it."""
    return bytes(hpack.Encoder().encode(fields))


def framed(kind: int, flags: int, stream: int, body: bytes) -> bytes:
    """Return a frame with any header and body."""
    head = len(body).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4)
    return head + body


GRPC_HEAD: Fields = [(":status", "200"), ("content-type", "application/grpc")]
HEALTHY = conversation(GRPC_HEAD, bytes(5), [("grpc-status", "0"), ("grpc-message", "")])
