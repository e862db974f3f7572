"""An OTLP/HTTP backend that asks for the client certificate by TLS 1.2 renegotiation (RFC 5246 §7.4.1.1).

As Apache httpd does for a location with SSLVerifyClient, and IIS by default: the first handshake asks
for nothing, and once the request has come, OpenSSL sends a HelloRequest.
"""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from OpenSSL import SSL

from tests.lab.credentials import LabPki
from tests.lab.servers import HOST

TIMEOUT: Final = 10.0
TAKEN: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)
_NO_RESUMPTION: Final = 1 << 16
"""SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION: a resumed session would bring no certificate."""


@contextmanager
def renegotiating_server(pki: LabPki) -> Iterator[int]:
    """Serve until the end, and yield the port."""
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.use_certificate_chain_file(str(pki.server.cert_file))
    context.use_privatekey_file(str(pki.server.key_file))
    context.load_verify_locations(str(pki.client_ca_file))
    context.set_session_id(b"lab")
    context.set_options(_NO_RESUMPTION)
    with socket.create_server((HOST, 0)) as listener:
        threading.Thread(target=_serve, args=(listener, context), daemon=True).start()
        yield listener.getsockname()[1]


def _serve(listener: socket.socket, context: SSL.Context) -> None:
    while True:
        try:
            sock, _ = listener.accept()
        except OSError:
            return  # closed: the test has ended
        threading.Thread(target=_answer, args=(sock, context), daemon=True).start()


def _answer(sock: socket.socket, context: SSL.Context) -> None:
    sock.settimeout(TIMEOUT)
    connection = SSL.Connection(context, None)
    connection.set_accept_state()
    asked, renegotiated = b"", False
    with sock, suppress(OSError):
        while received := sock.recv(65536):
            connection.bio_write(received)
            try:
                asked += _read(connection)
                if _is_whole(asked) and not renegotiated:
                    renegotiated = True
                    connection.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
                    connection.renegotiate()
                    connection.do_handshake()  # sends the HelloRequest
                elif renegotiated and not connection.renegotiate_pending():
                    assert connection.get_peer_certificate(as_cryptography=True) is not None
                    connection.sendall(TAKEN)
                    connection.shutdown()
                    _flush(connection, sock)
                    return
            except SSL.Error:
                _flush(connection, sock)  # its alert
                return
            _flush(connection, sock)


def _read(connection: SSL.Connection) -> bytes:
    """Return the application data that has come; handshake messages are answered meanwhile."""
    data = b""
    with suppress(SSL.WantReadError):
        while True:
            data += connection.recv(65536)
    return data


def _is_whole(asked: bytes) -> bool:
    """Return whether the request has come with its body: OpenSSL takes none of it once it asks."""
    head, end, body = asked.partition(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length: *(\d+)", head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


def _flush(connection: SSL.Connection, sock: socket.socket) -> None:
    with suppress(SSL.WantReadError):
        while True:
            sock.sendall(connection.bio_read(65536))
