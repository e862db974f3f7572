"""A client that reports what it sees of a demo backend, for the tests of the demo's room.

It sends whatever certificate it has, whatever the acceptable-CA list says, and reads on after a
failed write, as the probe does.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from hpack import Decoder, Encoder
from hyperframe.frame import DataFrame, Frame, HeadersFrame, SettingsFrame
from OpenSSL import SSL

from tests.support.backends import Backend
from tests.support.http2_bytes import PREFACE
from tests.support.pki import Authority, Issued

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
SERVER_CA = Authority.root("server CA")
CLIENT_CA = Authority.root("client CA")
OTHER_CA = Authority.root("another CA")
SERVER = SERVER_CA.issue("backend", usages=("serverAuth",))

EndedBy = str
Start = Callable[..., Awaitable[Backend]]


@asynccontextmanager
async def backends() -> AsyncIterator[Start]:
    """Yield a function that starts a backend with its arguments; stop them all at the end."""
    running: list[Backend] = []

    async def begin(**arguments: Any) -> Backend:
        backend = Backend(**{"name": "b", "server": SERVER, "client_ca": CLIENT_CA, **arguments})
        await backend.start()
        running.append(backend)
        return backend

    try:
        yield begin
    finally:
        for backend in running:
            await backend.stop()


@dataclass
class Seen:
    """What a client saw of a backend."""

    alerts: list[int] = field(default_factory=list)
    complete: bool = False
    alpn: bytes = b""
    data: bytes = b""
    ended: EndedBy = ""
    acceptable: list[bytes] = field(default_factory=list)


def client_context(
    issued: Issued | None, version: str, *intermediates: x509.Certificate
) -> SSL.Context:
    """Return a client of exactly one TLS version that sends whatever certificate it has."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    number = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}[version]
    context.set_min_proto_version(number)
    context.set_max_proto_version(number)
    context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
    context.set_mode(0x8)
    if issued is not None:
        context.use_certificate(issued.certificate)
        context.use_privatekey(issued.key)
    for each in intermediates:
        context.add_extra_chain_cert(each)
    return context


def talk(
    port: int,
    context: SSL.Context,
    *,
    alpn: tuple[bytes, ...] = (b"h2",),
    payload: bytes = b"",
    patience: float = 2.0,
) -> Seen:
    """Handshake, write `payload`, then read until the backend ends it or patience does."""
    seen = Seen()
    connection = SSL.Connection(context, None)
    connection.set_connect_state()
    if alpn:
        connection.set_alpn_protos(list(alpn))
    alerts = seen.alerts

    def info(_connection: SSL.Connection, where: int, ret: int) -> None:
        if where & 0x4004 == 0x4004:
            alerts.append(ret & 0xFF)

    connection.set_info_callback(info)
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as sock:
        while not seen.ended:
            _turn(connection, seen, payload)
            if payload and answered(seen.data):
                seen.ended = "answered"
            try:
                while True:
                    sock.sendall(connection.bio_read(65536))
            except (SSL.WantReadError, OSError):
                pass
            if seen.ended:
                break
            try:
                raw = sock.recv(65536)
            except TimeoutError:
                seen.ended = "patience"
            except ConnectionResetError:
                seen.ended = "reset"
            else:
                if raw:
                    connection.bio_write(raw)
                else:
                    seen.ended = "close"
        # The way the connection ends is seen on the socket only.
        if seen.ended == "tls":
            try:
                seen.ended = "close" if not sock.recv(1) else "more"
            except ConnectionResetError:
                seen.ended = "reset"
    return seen


def _turn(connection: SSL.Connection, seen: Seen, payload: bytes) -> None:
    try:
        if not seen.complete:
            connection.do_handshake()
            seen.complete = True
            seen.alpn = connection.get_alpn_proto_negotiated()
            seen.acceptable = [name.der() for name in connection.get_client_ca_list()]
            if payload:
                connection.sendall(payload)
        while True:
            seen.data += connection.recv(65536)
    except SSL.WantReadError:
        return
    except SSL.Error:
        seen.ended = "tls"


async def meet(backend: Backend, context: SSL.Context, **arguments: Any) -> Seen:
    """Run `talk` outside the event loop."""
    return await asyncio.to_thread(talk, backend.port, context, **arguments)


def answered(data: bytes) -> bool:
    """Return whether an HTTP/2 response in `data` is at its end."""
    return any("END_STREAM" in frame.flags for frame in frames_of(data))


def grpc_request(path: str = TRACES, method: str = "POST", **headers: str) -> bytes:
    """Return preface, SETTINGS and one request with an empty message."""
    fields = {
        ":method": method,
        ":scheme": "https",
        ":path": path,
        ":authority": "b",
        "content-type": "application/grpc",
        "te": "trailers",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    block = Encoder().encode(list(fields.items()))
    head = HeadersFrame(1, block, flags=["END_HEADERS"])
    body = DataFrame(1, b"\0\0\0\0\0", flags=["END_STREAM"])
    frames = (SettingsFrame(), head, body)
    return PREFACE + b"".join(frame.serialize() for frame in frames)


def frames_of(data: bytes) -> list[Frame]:
    """Return the HTTP/2 frames of `data`."""
    frames = []
    while len(data) >= 9 and len(data) >= 9 + int.from_bytes(data[:3], "big"):
        frame, length = Frame.parse_frame_header(memoryview(data[:9]))
        frame.parse_body(memoryview(data[9 : 9 + length]))
        frames.append(frame)
        data = data[9 + length :]
    return frames


def headers_of(data: bytes) -> dict[str, str]:
    """Return all response headers and trailers in `data`."""
    decoder = Decoder()
    found: dict[str, str] = {}
    for frame in frames_of(data):
        if isinstance(frame, HeadersFrame):
            found |= dict(decoder.decode(frame.data))
    return found
