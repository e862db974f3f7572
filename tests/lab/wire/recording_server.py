"""An OTLP backend that accepts everything and writes down what a backend could judge a client by.

It serves HTTP/1.1 and HTTP/2 (gRPC or not), with TLS or without. What is compared is a `Seen`: the
ClientHello's server name, protocols, versions, suites and groups, the client's certificate, and the
request with its pseudo-header fields and fields, without those that differ at each attempt.
"""

import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import h2.config
import h2.connection
import h2.events
import h2.exceptions
from cryptography import x509

from probe.model.client_offer import ClientOffer
from probe.tls.client_hello import read_client_hello
from tests.lab.credentials import LabPki
from tests.lab.peers import HOST

PREFACE: Final = b"PRI * HTTP/2.0"
_HANDSHAKE: Final = 0x16
_MOST: Final = 1 << 20

UNLIKE: Final = frozenset({
    "accept-encoding", "content-encoding", "content-length", "grpc-accept-encoding",
    "grpc-encoding", "grpc-timeout", "user-agent", "traceparent", "tracestate",
})  # fmt: skip
"""Fields that the probe sends otherwise, or not, and says so on the page of what it sends."""


@dataclass(frozen=True, order=True)
class Seen:
    """One connection with its first request, as far as it came."""

    tls: bool
    server_name: str = ""
    alpn: tuple[str, ...] = ()
    offered: tuple[tuple[str, ...], ...] = ()
    """Versions, suites, groups, key shares, signature schemes; suites sorted, as OpenSSL has an
    order of its own for those of TLS 1.3."""
    client: str = ""
    """The subject of the client's certificate."""
    ended: str = ""
    """Why there is no request: the handshake's error, or nothing came."""
    protocol: str = ""
    request: tuple[str, ...] = ()
    """`POST /path` of HTTP/1.1; method, scheme, path and authority of HTTP/2."""
    fields: tuple[tuple[str, str], ...] = ()
    """Sorted, in lower case, without those of UNLIKE."""


@dataclass
class Recording:
    """What one recording server saw."""

    port: int
    seen: list[Seen] = field(default_factory=list)


@contextmanager
def recording_server(pki: LabPki, *, tls: bool = True) -> Iterator[Recording]:
    """Run one; with TLS it asks for a client certificate and takes connections without."""
    listener = socket.create_server((HOST, 0), backlog=64)
    recording = Recording(listener.getsockname()[1])
    context = _make_context(pki) if tls else None
    connections: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        connection.settimeout(15)
        with connection, suppress(OSError):
            _serve(connection, context, recording)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield recording
    finally:
        for each in (listener, *connections):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        thread.join(5)


def _make_context(pki: LabPki) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.server.cert_file, pki.server.key_file)
    context.load_verify_locations(pki.client_ca_file)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def _serve(raw: socket.socket, context: ssl.SSLContext | None, recording: Recording) -> None:
    first = _peek(raw)
    if not first:
        return
    known: dict[str, Any] = {"tls": first[0] == _HANDSHAKE}
    connection = raw
    if first[0] == _HANDSHAKE:
        if context is None:
            recording.seen.append(Seen(tls=True, ended="TLS where there is none"))
            return
        hello = read_client_hello(first)
        known |= {
            "server_name": hello.server_name,
            "alpn": hello.alpn,
            "offered": _list_offer(hello.offer),
        }
        try:
            connection = context.wrap_socket(raw, server_side=True)
        except (ssl.SSLError, OSError) as error:
            recording.seen.append(Seen(**known, ended=getattr(error, "reason", "") or str(error)))
            return
        der = connection.getpeercert(binary_form=True)  # type: ignore[attr-defined]
        if der:
            known["client"] = x509.load_der_x509_certificate(der).subject.rfc4514_string()
    try:
        data = connection.recv(65536)
    except OSError as error:
        data, known["ended"] = b"", str(error)
    if not data:
        recording.seen.append(Seen(**known))
    elif data.startswith(PREFACE[: len(data)]):
        _serve_http2(connection, data, known, recording)
    else:
        _serve_http1(connection, data, known, recording)


def _list_offer(offer: ClientOffer) -> tuple[tuple[str, ...], ...]:
    """Return what of an offer is compared: not what OpenSSL says otherwise without a consequence.

    It does not list versions where TLS 1.3 is not among them, and has one list of schemes for
    handshakes and certificates (probe.tls.offer).
    """
    only13 = offer.min_version == "1.3"
    return (
        (offer.min_version if offer.max_version == "1.3" else "", offer.max_version),
        tuple(sorted(offer.ciphers)),
        offer.groups,
        offer.key_shares,
        tuple(one for one in offer.signature_schemes if not (only13 and "pkcs1" in one)),
    )


def _peek(connection: socket.socket) -> bytes:
    """Return the first record, or the first bytes, which stay to be read."""
    first = connection.recv(5, socket.MSG_PEEK | socket.MSG_WAITALL)
    if len(first) < 5 or first[0] != _HANDSHAKE:
        return first
    (length,) = struct.unpack("!H", first[3:5])
    return connection.recv(5 + length, socket.MSG_PEEK | socket.MSG_WAITALL)


def _serve_http2(
    connection: socket.socket, data: bytes, known: dict[str, Any], recording: Recording
) -> None:
    config = h2.config.H2Configuration(
        client_side=False,
        header_encoding=None,
        validate_inbound_headers=False,
        normalize_inbound_headers=False,
    )
    peer = h2.connection.H2Connection(config)
    peer.initiate_connection()
    connection.sendall(peer.data_to_send())
    grpc = False
    while data:
        try:
            events = peer.receive_data(data)
        except h2.exceptions.ProtocolError as error:
            recording.seen.append(Seen(**known, ended=str(error)))
            return
        for event in events:
            if isinstance(event, h2.events.RequestReceived):
                names = [
                    (n.decode("latin-1"), v.decode("utf-8", "replace")) for n, v in event.headers
                ]
                pseudo = dict(each for each in names if each[0].startswith(":"))
                request = tuple(
                    pseudo.get(f":{n}", "") for n in ("method", "scheme", "path", "authority")
                )
                grpc = dict(names).get("content-type", "").startswith("application/grpc")
                recording.seen.append(
                    Seen(
                        **known,
                        protocol="grpc" if grpc else "h2",
                        request=request,
                        fields=_fields(names),
                    )
                )
            elif isinstance(event, h2.events.DataReceived):
                peer.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                _answer_http2(peer, event.stream_id, grpc=grpc)
        connection.sendall(peer.data_to_send())
        data = connection.recv(65536)


def _answer_http2(peer: h2.connection.H2Connection, stream: int, *, grpc: bool) -> None:
    if grpc:
        peer.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        peer.send_data(stream, bytes(5))
        peer.send_headers(stream, [("grpc-status", "0")], end_stream=True)
    else:
        media = ("content-type", "application/x-protobuf")
        peer.send_headers(stream, [(":status", "200"), media], end_stream=True)


def _serve_http1(
    connection: socket.socket, data: bytes, known: dict[str, Any], recording: Recording
) -> None:
    while b"\r\n\r\n" not in data and len(data) < _MOST:
        more = connection.recv(65536)
        if not more:
            break
        data += more
    head = data.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    line, *lines = head.split("\r\n")
    names = [(n, v.strip()) for n, _, v in (each.partition(":") for each in lines)]
    recording.seen.append(
        Seen(**known, protocol="http/1.1", request=(line,), fields=_fields(names))
    )
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n"
        b"Connection: close\r\n\r\n"
    )


def _fields(names: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(
        sorted(
            (name.lower(), value)
            for name, value in names
            if name.lower() not in UNLIKE and not name.startswith(":")
        )
    )
