"""The lab's own servers and peers do what their names say; the scenario tests depend on that."""

import socket
import ssl
from collections.abc import Callable

import pytest

from tests.lab import peers
from tests.lab.credentials import LabPki, Pair
from tests.lab.servers import HOST, StartSServer


def connect(port: int, *, timeout: float = 5.0) -> socket.socket:
    """Return a connection to `port`."""
    return socket.create_connection((HOST, port), timeout=timeout)


def send_and_receive(connection: socket.socket) -> bytes:
    """Send the beginning of a TLS record; return the first byte of the answer."""
    connection.sendall(b"\x16\x03\x01")
    return connection.recv(1)


def tls(pki: LabPki, port: int, client: Pair | None) -> ssl.SSLSocket:
    """Return a TLS connection to `port` whose handshake is complete."""
    context = ssl.create_default_context(cafile=pki.server_ca_file)
    context.set_alpn_protocols(["h2"])
    if client is not None:
        context.load_cert_chain(client.cert_file, client.key_file)
    with connect(port) as connection:
        return context.wrap_socket(connection, server_hostname="localhost")


@pytest.mark.parametrize(
    ("behaviour", "first"),
    [
        ("ssh", peers.SSH_BANNER),
        ("http", peers.HTTP_TEXT),
        ("http2", peers.HTTP2_SETTINGS),
        ("garbage", peers.GARBAGE[:16]),
    ],
)
def test_a_speaking_peer_says_its_text(
    tcp_peer: Callable[[peers.Behaviour], int], behaviour: peers.Behaviour, first: bytes
) -> None:
    """A peer of another protocol sends its whole text, whatever it received."""
    with connect(tcp_peer(behaviour)) as connection:
        connection.sendall(b"\x16\x03\x01")
        assert connection.recv(len(first), socket.MSG_WAITALL) == first


def test_a_closing_peer_ends_with_fin(tcp_peer: Callable[[peers.Behaviour], int]) -> None:
    """`close` is an orderly end: the reader sees end of file, having sent nothing."""
    with connect(tcp_peer("close")) as connection:
        assert connection.recv(1) == b""


def test_a_peer_that_closes_later_waits_for_the_first_bytes(
    tcp_peer: Callable[[peers.Behaviour], int],
) -> None:
    """`close_later` sends nothing until it receives something, and then closes in order."""
    with connect(tcp_peer("close_later"), timeout=0.3) as connection:
        with pytest.raises(TimeoutError):
            connection.recv(1)
        assert send_and_receive(connection) == b""


@pytest.mark.parametrize("behaviour", ["reset", "reset_later"])
def test_a_resetting_peer_ends_with_rst(
    tcp_peer: Callable[[peers.Behaviour], int], behaviour: peers.Behaviour
) -> None:
    """`reset` and `reset_later` end a connection by force."""
    port = tcp_peer(behaviour)
    # An RST sent at once may be here before connect returns.
    with pytest.raises(ConnectionError), connect(port) as connection:
        send_and_receive(connection)


def test_a_silent_peer_keeps_the_connection(
    tcp_peer: Callable[[peers.Behaviour], int],
) -> None:
    """`silent` accepts and sends nothing."""
    with connect(tcp_peer("silent"), timeout=0.3) as connection, pytest.raises(TimeoutError):
        send_and_receive(connection)


@pytest.mark.parametrize("tickets", [0, 2])
def test_the_silent_tls13_peer_completes_the_handshake_and_says_nothing(
    pki: LabPki, silent_tls13_peer: Callable[..., int], tickets: int
) -> None:
    """The handshake completes with a client certificate, and no application data follows."""
    with tls(pki, silent_tls13_peer(tickets=tickets), pki.client) as established:
        assert established.version() == "TLSv1.3"
        assert established.selected_alpn_protocol() == "h2"
        established.settimeout(0.3)
        with pytest.raises(TimeoutError):
            established.recv(1)


def test_a_refused_port_refuses(refused_port: int) -> None:
    """Nothing listens there, and nothing can begin to."""
    with pytest.raises(ConnectionRefusedError):
        connect(refused_port)


def test_a_full_backlog_leaves_a_connection_unanswered(full_backlog_port: int) -> None:
    """A connection is neither accepted nor refused: the client waits until it gives up."""
    with pytest.raises(TimeoutError):
        connect(full_backlog_port, timeout=0.5)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_s_server_accepts_the_right_certificate_and_refuses_none(
    pki: LabPki, s_server: StartSServer, version: str
) -> None:
    """`openssl s_server` speaks the version asked for and demands a client certificate."""
    server = s_server(tls=version)
    with tls(pki, server.port, pki.client) as established:
        assert established.version() == f"TLSv{version}"
    with pytest.raises((ssl.SSLError, ConnectionError)), tls(pki, server.port, None) as refused:
        refused.recv(1)
    server.log.wait_for("peer did not return a certificate")
