"""Connections are accepted, bounded and ended, and an exporter's last alert is read."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from hyperframe.frame import PingFrame
from OpenSSL import SSL

from probe.backend import accepted_sockets
from probe.backend.accepted_sockets import ExporterListener, name_sockets, open_sockets
from probe.backend.exporter_session import ExporterSession
from probe.backend.forward import Forward
from probe.backend.listener_files import ListenerFiles
from probe.model.target import Endpoint
from tests.support.command_line import NOWHERE
from tests.support.listening import diagnose, make_files, make_grpc_request, make_settings
from tests.support.loopback_client import CLIENT_CA, OTHER_CA, client_context, talk
from tests.unit.tls.test_client_hello import HELLO

CLIENT = client_context(CLIENT_CA.issue("exporter"), "1.3")
STRANGER = client_context(OTHER_CA.issue("exporter"), "1.3")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> ListenerFiles:
    """The listener's files."""
    return make_files(tmp_path_factory.mktemp("listen"))


class Running:
    """A listener on loopback, and the sessions that it reported."""

    def __init__(self, files: ListenerFiles, forward: Forward | None = None) -> None:
        """Start it."""
        self.reported: list[ExporterSession] = []
        self.sockets = open_sockets("127.0.0.1", 0)
        self.port = int(name_sockets(self.sockets)[0].rpartition(":")[2])
        settings = make_settings(files, forward=str(forward or ""))
        self.listener = ExporterListener(settings, self.reported.append, forward)
        self.listener.start(self.sockets)

    async def wait_for(self, count: int) -> list[ExporterSession]:
        """Return the sessions once so many were reported."""
        async with asyncio.timeout(5):
            while len(self.reported) < count:
                await asyncio.sleep(0.01)
        return self.reported

    async def close(self) -> None:
        """End it."""
        await self.listener.close()
        for one in self.sockets:
            one.close()


@pytest.fixture
async def running(files: ListenerFiles) -> AsyncIterator[Running]:
    """A listener."""
    made = Running(files)
    yield made
    await made.close()


async def test_an_export_is_reported_while_the_connection_goes_on(running: Running) -> None:
    """And once more when it has ended."""
    seen = await asyncio.to_thread(
        talk, running.port, CLIENT, payload=make_grpc_request(b""), patience=0.3
    )
    assert seen.complete
    sessions = await running.wait_for(2)
    assert sessions[0] is sessions[1]
    assert sessions[0].requests.taken == 1
    assert sessions[0].how_it_ended == "close"


async def test_a_refusal_is_read_by_the_client_and_reported_once(running: Running) -> None:
    """The alert arrives though the client has written more: in none of 50 it is lost."""

    def refuse() -> list[tuple[list[int], str]]:
        return [
            (seen.alerts, seen.ended)
            for seen in (
                talk(running.port, STRANGER, payload=make_grpc_request(b"")) for _ in range(50)
            )
        ]

    seen = await asyncio.to_thread(refuse)
    assert {(tuple(alerts), ended) for alerts, ended in seen} == {((48,), "close")}
    await running.wait_for(50)
    assert len(running.reported) == 50


@pytest.mark.parametrize(
    "data", [b"", HELLO[:20], b"GET", HELLO], ids=["nothing", "a part", "HTTP", "a whole hello"]
)
async def test_a_handshake_that_stops_is_ended(
    running: Running, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    """Whoever sends nothing more holds no connection for ever."""
    monkeypatch.setattr(accepted_sockets, "HANDSHAKE_TIMEOUT", 0.2)
    _, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(data)
    session = (await running.wait_for(1))[0]
    assert session.how_it_ended == "timeout"
    writer.close()


async def test_an_idle_connection_is_ended(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its handshake, too."""
    monkeypatch.setattr(accepted_sockets, "IDLE_TIMEOUT", 0.3)
    seen = await asyncio.to_thread(talk, running.port, CLIENT, patience=3.0)
    assert seen.ended in {"close", "tls"}
    assert (await running.wait_for(1))[0].how_it_ended == "timeout"


async def test_a_reset_is_reported(running: Running) -> None:
    """With what came before it."""
    one = socket.create_connection(("127.0.0.1", running.port))
    one.sendall(HELLO)
    await asyncio.sleep(0.1)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    one.close()
    session = (await running.wait_for(1))[0]
    assert session.how_it_ended in {"reset", "close"}
    assert session.describe().server_name == "backend.example"


async def test_too_many_connections_are_turned_away(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first ones go on; what is turned away is counted."""
    monkeypatch.setattr(accepted_sockets, "MAX_CONNECTIONS", 2)
    opened = [await asyncio.open_connection("127.0.0.1", running.port) for _ in range(5)]
    async with asyncio.timeout(5):
        while running.listener.turned_away < 3:
            await asyncio.sleep(0.01)
    assert not running.reported
    for _, writer in opened:
        writer.close()


async def test_a_flood_of_connections_leaves_it_working(running: Running) -> None:
    """Of 300 that send garbage all are ended, and the next exporter is served."""

    def flood() -> None:
        for number in range(300):
            with socket.create_connection(("127.0.0.1", running.port)) as one:
                one.sendall(bytes((number % 256,)) * 50)

    await asyncio.to_thread(flood)
    seen = await asyncio.to_thread(
        talk, running.port, CLIENT, payload=make_grpc_request(b""), patience=1.0
    )
    assert seen.complete


async def test_a_backend_that_is_not_there_ends_the_connection(files: ListenerFiles) -> None:
    """With --forward: the exporter reads a close, and the report why."""
    host, _, port = NOWHERE.rpartition(":")
    running = Running(files, Forward(Endpoint(host, int(port))))
    try:
        await asyncio.to_thread(talk, running.port, CLIENT, patience=1.0)
        session = (await running.wait_for(1))[0]
        assert session.how_it_ended == "no_backend"
        assert session.describe().detail
    finally:
        await running.close()


async def test_a_backend_that_ends_without_an_answer_is_named(files: ListenerFiles) -> None:
    """With --forward: the exporter is not said to have ended before any request."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    running = Running(files, Forward(Endpoint("127.0.0.1", port)))
    try:
        payload = make_grpc_request(b"")
        await asyncio.to_thread(talk, running.port, CLIENT, payload=payload, patience=1.0)
        session = (await running.wait_for(1))[0]
        assert session.how_it_ended == "no_backend"
        found = diagnose(files, session)
        assert (found.cause, found.stage) == ("otlp_unavailable", "export")
        assert "it ended the connection without an answer" in found.facts[0]
    finally:
        await running.close()
        server.close()


async def test_the_first_export_is_reported_though_other_requests_were(running: Running) -> None:
    """An answer that was none of success came before; whoever waits for --expect sees it at once."""
    health = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    export = (
        b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"
        b"Content-Type: application/x-protobuf\r\n\r\n"
    )

    def ask() -> None:
        connection = SSL.Connection(CLIENT, socket.create_connection(("127.0.0.1", running.port)))
        connection.set_connect_state()
        connection.do_handshake()
        for request, count in ((health, 1), (export, 2), (export, 2)):
            connection.sendall(request)
            assert connection.recv(4096)
            time.sleep(0.2)
            assert len(running.reported) == count
        connection.close()

    await asyncio.to_thread(ask)
    assert len(await running.wait_for(3)) == 3


async def test_an_answer_that_ends_with_the_connection_is_one(files: ListenerFiles) -> None:
    """Without a length, as Go answers plain HTTP at a port of TLS (RFC 9112 §6.3)."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.0 400 Bad Request\r\n\r\nno\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    running = Running(files, Forward(Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])))
    try:
        request = b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
        await asyncio.to_thread(
            talk, running.port, CLIENT, alpn=(b"http/1.1",), payload=request, patience=1.0
        )
        session = (await running.wait_for(1))[0]
        assert session.requests.first[0].answer == "HTTP 400"
        assert diagnose(files, session).cause == "otlp_rejected"
    finally:
        await running.close()
        server.close()


@pytest.mark.slow
async def test_who_reads_nothing_does_not_keep_it_from_ending(running: Running) -> None:
    """Ctrl-C ends it within a second or two, whatever lies in buffers."""
    pings = PingFrame(0, b"12345678").serialize() * 1000

    def fill() -> SSL.Connection:
        sock = socket.create_connection(("127.0.0.1", running.port))
        connection = SSL.Connection(CLIENT, sock)
        connection.set_alpn_protos([b"h2"])
        connection.set_connect_state()
        connection.do_handshake()
        connection.sendall(make_grpc_request(b""))
        sock.settimeout(0.5)
        with suppress(SSL.Error, OSError):
            while True:
                connection.sendall(pings)
        return connection

    connection = await asyncio.to_thread(fill)
    start = asyncio.get_running_loop().time()
    await running.listener.close()
    assert asyncio.get_running_loop().time() - start < 5
    connection.close()


async def test_closing_ends_what_is_open(files: ListenerFiles) -> None:
    """Each connection is reported at the end."""
    running = Running(files)
    _, writer = await asyncio.open_connection("127.0.0.1", running.port)
    await asyncio.sleep(0.05)
    await running.close()
    assert [one.how_it_ended for one in running.reported] == ["close"]
    writer.close()


async def test_a_handshake_that_this_side_ends_blames_nobody(files: ListenerFiles) -> None:
    """Ctrl-C in the middle of it: the exporter did not close the connection."""
    running = Running(files)
    _, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(HELLO)
    await asyncio.sleep(0.1)
    await running.close()
    found = diagnose(files, running.reported[0])
    assert (found.outcome, found.cause) == ("unconfirmed", None)
    assert found.facts == ("listen itself was ended",)
    writer.close()


def test_an_address_that_this_machine_lacks_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """`localhost` has ::1 in a container without IPv6; one that has none of them is an error."""
    here, elsewhere = (
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))
        for address in ("127.0.0.1", "192.0.2.1")
    )
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [elsewhere, here])
    (one,) = open_sockets("localhost", 0)
    assert one.getsockname()[0] == "127.0.0.1"
    one.close()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [elsewhere])
    with pytest.raises(OSError, match="assign requested address"):
        open_sockets("localhost", 0)


def test_a_port_that_is_taken_is_an_error() -> None:
    """Nothing stays open."""
    sockets = open_sockets("127.0.0.1", 0)
    port = sockets[0].getsockname()[1]
    with pytest.raises(OSError, match="in use"):
        open_sockets("127.0.0.1", port)
    for one in sockets:
        one.close()
