"""The demo's backends negotiate, refuse and break off as the servers do that they stand for."""

import asyncio
import socket
from dataclasses import dataclass
from typing import Any

import pytest
import uvloop
from OpenSSL import SSL

from tests.support.backends import Backend
from tests.support.http2_bytes import PREFACE
from tests.support.loopback_client import (
    CLIENT_CA,
    OTHER_CA,
    SERVER,
    EndedBy,
    Seen,
    Start,
    client_context,
    grpc_request,
    headers_of,
    meet,
    talk,
)


async def test_alert_is_never_lost_to_the_reset(start: Start) -> None:
    """The RST behind the alert overtakes it in none of 200 refusals."""
    backend = await start()
    context = client_context(OTHER_CA.issue("e"), "1.3")

    def refusals() -> list[Seen]:
        return [talk(backend.port, context) for _ in range(200)]

    seen = await asyncio.to_thread(refusals)
    assert {(tuple(each.alerts), each.ended) for each in seen} == {((48,), "reset")}


def test_backend_runs_on_uvloop() -> None:
    """On uvloop, which buffers writes differently, the alert arrives before the RST too."""

    async def round_trip() -> Seen:
        backend = Backend(name="b", server=SERVER, client_ca=CLIENT_CA)
        await backend.start()
        try:
            return await meet(backend, client_context(OTHER_CA.issue("e"), "1.3"))
        finally:
            await backend.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        seen = runner.run(round_trip())
    assert (seen.alerts, seen.ended) == ([48], "reset")


@pytest.mark.parametrize(
    ("version", "limits"), [("1.2", {"min_version": "1.3"}), ("1.3", {"max_version": "1.2"})]
)
async def test_version_limits(start: Start, version: str, limits: dict[str, str]) -> None:
    """A client of no common version gets protocol_version."""
    seen = await meet(await start(**limits), client_context(CLIENT_CA.issue("e"), version))
    assert seen.alerts == [70]


async def test_ciphers_can_be_narrowed(start: Start) -> None:
    """A TLS 1.2 client gets handshake_failure where no cipher is shared."""
    backend = await start(ciphers="ECDHE-RSA-AES128-SHA")
    seen = await meet(backend, client_context(CLIENT_CA.issue("e"), "1.2"))
    assert seen.alerts == [40]


@dataclass(frozen=True)
class Choice:
    """What is offered to a backend of which protocol, and how the connection then goes."""

    protocol: str
    offered: tuple[bytes, ...]
    alpn: bytes
    alerts: tuple[int, ...]
    ended: EndedBy


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize(
    "choice",
    [
        Choice("grpc", (b"h2", b"http/1.1"), b"h2", (), "patience"),
        Choice("grpc", (b"http/1.1",), b"", (), "close"),
        Choice("grpc", (), b"", (), "close"),
        Choice("grpc", (b"foo",), b"", (120,), "close"),
        Choice("http/protobuf", (b"http/1.1", b"h2"), b"h2", (), "patience"),
        Choice("http/protobuf", (b"http/1.1",), b"http/1.1", (), "patience"),
        Choice("http/protobuf", (), b"", (), "patience"),
        Choice("http/protobuf", (b"foo",), b"", (120,), "close"),
    ],
    ids=str,
)
async def test_application_protocol_is_chosen_as_go_does(
    start: Start, choice: Choice, version: str
) -> None:
    """A gRPC backend takes h2 only, HTTP prefers it; a stranger's protocol brings alert 120."""
    context = client_context(CLIENT_CA.issue("e"), version)
    backend = await start(protocol=choice.protocol)
    seen = await meet(backend, context, alpn=choice.offered, patience=1.0)
    assert (seen.alpn, tuple(seen.alerts), seen.ended) == (choice.alpn, choice.alerts, choice.ended)
    assert bool(seen.data) is (choice.alpn == b"h2"), "SETTINGS come at once, HTTP/1.1 waits"


@pytest.mark.parametrize(
    ("behaviour", "alerts", "ended", "complete"),
    [
        ("grpc_core", [], "close", True),
        ("silent", [], "patience", False),
        ("mute", [], "patience", True),
        ("close", [], "close", False),
        ("reset", [], "reset", False),
    ],
)
async def test_other_behaviours(
    start: Start, behaviour: str, alerts: list[int], ended: str, complete: bool
) -> None:
    """Backends that are no Collector end a connection in their own way, never with an alert."""
    issued = CLIENT_CA.issue("e") if behaviour == "mute" else OTHER_CA.issue("e")
    backend = await start(behaviour=behaviour)
    seen = await meet(backend, client_context(issued, "1.3"), patience=1.0)
    assert (seen.alerts, seen.ended, seen.complete) == (alerts, ended, complete)
    assert seen.data == b""


async def test_clear_text_backend(start: Start) -> None:
    """A backend without TLS answers a ClientHello with HTTP/1.1 in plaintext."""
    backend = await start(behaviour="plaintext")
    reader, writer = await asyncio.open_connection("127.0.0.1", backend.port)
    writer.write(b"\x16\x03\x01\x00\x05hello")
    assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    writer.close()
    await writer.wait_closed()


async def test_backend_remembers_alerts_of_both_directions(start: Start) -> None:
    """What the backend sent, and what a client that does not trust it sent, is on record."""
    backend = await start()
    await meet(backend, client_context(OTHER_CA.issue("e"), "1.3"))
    assert [(each.direction, each.number) for each in backend.alerts] == [("sent", 48)]
    distrustful = client_context(None, "1.3")
    distrustful.set_verify(SSL.VERIFY_PEER)
    await meet(backend, distrustful)
    assert (backend.alerts[-1].direction, backend.alerts[-1].number) == ("received", 48)


async def test_backend_starts_again_on_the_same_port(start: Start) -> None:
    """A stopped backend refuses connections, and comes back where it was."""
    backend = await start()
    port = backend.port
    held = socket.create_connection(("127.0.0.1", port))
    await asyncio.sleep(0.05)
    await backend.stop()
    held.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    with pytest.raises(RuntimeError):
        _ = backend.port
    await backend.stop()
    await backend.start(port)
    context = client_context(CLIENT_CA.issue("e"), "1.3")
    assert (await meet(backend, context, patience=1.0)).data
    assert backend.port == port


async def test_garbage_and_sudden_ends_raise_nothing(start: Start) -> None:
    """Clients that talk nonsense, or go at any point, leave no exception in the loop."""
    trouble: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: trouble.append(context))
    backend = await start()

    def disturb() -> None:
        for data in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b"\xff" * 70000):
            with socket.create_connection(("127.0.0.1", backend.port)) as sock:
                sock.sendall(data)
        context = client_context(CLIENT_CA.issue("e"), "1.3")
        for payload in (b"nonsense", PREFACE + b"\xff" * 40, grpc_request()[:-7]):
            talk(backend.port, context, payload=payload, patience=0.1)

    await asyncio.to_thread(disturb)
    healthy = client_context(CLIENT_CA.issue("e"), "1.3")
    seen = await meet(backend, healthy, payload=grpc_request())
    assert headers_of(seen.data)["grpc-status"] == "0"
    assert trouble == []
