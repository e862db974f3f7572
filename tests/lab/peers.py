"""Small peers on loopback threads that misbehave in one known way each.

None of them is OTLP: they speak no TLS at all, or become silent where a backend would answer.
"""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, Literal

from tests.lab.credentials import LabPki

HOST: Final = "127.0.0.1"
LONGEST: Final = 60.0
"""Seconds after which a peer gives up on its own."""

Behaviour = Literal[
    "silent", "garbage", "ssh", "http", "http2", "close", "close_later", "reset", "reset_later"
]

SSH_BANNER: Final = b"SSH-2.0-OpenSSH_9.2\r\n"
HTTP_TEXT: Final = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
    b"Connection: close\r\n\r\nhello"
)
HTTP2_SETTINGS: Final = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
GARBAGE: Final = bytes(range(0x80, 0x100)) * 8

Serve = Callable[[socket.socket], None]


@contextmanager
def listening(serve: Serve, *, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Run `serve` on every connection, each in a thread; yields the port.

    With `tls`, a handshake comes first.
    """
    server = socket.create_server((HOST, 0), backlog=64)
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            if isinstance(connection, ssl.SSLSocket):
                connection.do_handshake()
            serve(connection)

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            connection.settimeout(LONGEST)
            if tls is not None:
                connection = tls.wrap_socket(
                    connection, server_side=True, do_handshake_on_connect=False
                )
            connections.append(connection)
            thread = threading.Thread(target=one, args=(connection,), daemon=True)
            threads.append(thread)
            thread.start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield server.getsockname()[1]
    finally:
        # Only shutdown wakes a thread that waits in accept or recv; close does not.
        for each in (server, *connections):
            with suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)
        server.close()
        for thread in (acceptor, *threads):
            thread.join(5)


@contextmanager
def tcp_peer(behaviour: Behaviour) -> Iterator[int]:
    """Run a peer that speaks no TLS; yields its port.

    silent: reads and never answers. garbage: bytes of no protocol. ssh: its banner, unasked.
    http: 400 to the first bytes. http2: a SETTINGS frame in plaintext, as gRPC without TLS sends it.
    close, reset: FIN or RST as soon as it accepts; close_later, reset_later: after the first bytes.
    """
    with listening(_BEHAVIOURS[behaviour]) as port:
        yield port


@contextmanager
def silent_tls13_peer(
    pki: LabPki, *, alpn: str = "h2", tickets: int = 2, ask_for_certificate: bool = True
) -> Iterator[int]:
    """Run a peer that completes a mutual TLS 1.3 handshake, and then sends nothing; yields its port.

    It sends `tickets` session tickets, as they belong to the handshake's end, and no data.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(pki.server.cert_file, pki.server.key_file)
    context.num_tickets = tickets
    if alpn:
        context.set_alpn_protocols([alpn])
    if ask_for_certificate:
        context.load_verify_locations(pki.client_ca_file)
        context.verify_mode = ssl.CERT_REQUIRED

    with listening(_silent, tls=context) as port:
        yield port


@contextmanager
def full_backlog_port() -> Iterator[int]:
    """Hold a port whose queue of connections is full: Linux answers no further SYN."""
    with socket.socket() as holder:
        holder.bind((HOST, 0))
        holder.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        try:
            for each in waiting:
                each.setblocking(False)
                each.connect_ex(holder.getsockname())
            yield holder.getsockname()[1]
        finally:
            for each in waiting:
                each.close()


def _silent(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def _says(text: bytes, *, first: bool) -> Serve:
    def serve(connection: socket.socket) -> None:
        if not first:
            connection.recv(65536)
        connection.sendall(text)
        # Unread bytes at close would turn the FIN into a RST that overtakes the text.
        connection.shutdown(socket.SHUT_WR)
        _silent(connection)

    return serve


def _close(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)
    _silent(connection)


def _close_later(connection: socket.socket) -> None:
    connection.recv(65536)
    _close(connection)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _reset_later(connection: socket.socket) -> None:
    connection.recv(65536)
    _reset(connection)


_BEHAVIOURS: Final[dict[Behaviour, Serve]] = {
    "silent": _silent,
    "garbage": _says(GARBAGE, first=True),
    "ssh": _says(SSH_BANNER, first=True),
    "http": _says(HTTP_TEXT, first=False),
    "http2": _says(HTTP2_SETTINGS, first=True),
    "close": _close,
    "close_later": _close_later,
    "reset": _reset,
    "reset_later": _reset_later,
}
