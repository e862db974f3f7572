"""OTLP is handed on to the one address, and to nobody whose certificate does not verify."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from probe.backend.forward import Forward, NoBackendError
from probe.credentials.load import load_credentials
from probe.model.target import Endpoint, TlsSettings
from tests.support.command_line import NOWHERE
from tests.support.listening import make_grpc_request
from tests.support.loopback_client import CLIENT_CA, OTHER_CA, SERVER_CA, Start, backends
from tests.support.pki import Authority, write_pem


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """A function that starts a backend with TLS."""
    async with backends() as begin:
        yield begin


def to(port: int, folder: Path, ca: Authority = SERVER_CA) -> Forward:
    """Return a forward over TLS that trusts `ca` and presents a client certificate."""
    client = CLIENT_CA.issue("listen")
    settings = TlsSettings(
        ca_file=str(write_pem(folder, "ca.crt", ca.pem)),
        cert_file=str(write_pem(folder, "tls.crt", client.pem)),
        key_file=str(write_pem(folder, "tls.key", client.key_pem)),
    )
    return Forward(Endpoint("localhost", port), load_credentials(settings))


async def test_over_tls_the_backend_answers(start: Start, tmp_path: Path) -> None:
    """It verifies our certificate, and we its own; the protocol is the exporter's."""
    backend = await start()
    forward = to(backend.port, tmp_path)
    assert await forward.learn_protocols() == (b"h2", b"http/1.1")
    connection = await forward.connect((b"h2",))
    assert connection.alpn == "h2"
    await connection.write(make_grpc_request(b""))
    answer = b""
    async with asyncio.timeout(5):
        while b"grpc-status" not in answer and len(answer) < 60:
            answer += await connection.read()
    await connection.end()
    await connection.close()
    assert str(forward) == f"https://localhost:{backend.port}"


async def test_a_backend_that_is_not_trusted_gets_nothing(start: Start, tmp_path: Path) -> None:
    """What exporters send is for nobody else."""
    backend = await start()
    with pytest.raises(NoBackendError, match="not trusted"):
        await to(backend.port, tmp_path, OTHER_CA).connect((b"h2",))


async def test_a_backend_that_is_not_there() -> None:
    """The reason is the system's."""
    host, _, port = NOWHERE.rpartition(":")
    with pytest.raises(NoBackendError, match="refused"):
        await Forward(Endpoint(host, int(port))).learn_protocols()


async def answer_with(first: bytes) -> tuple[asyncio.Server, int]:
    """Start a server without TLS that says `first`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(first)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, int(server.sockets[0].getsockname()[1])


@pytest.mark.parametrize(
    ("first", "protocols"),
    [
        (b"\x00\x00\x00\x04\x00\x00\x00\x00\x00", (b"h2", b"http/1.1")),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", (b"http/1.1",)),
        (b"", (b"http/1.1",)),
    ],
)
async def test_what_a_backend_speaks_is_learnt(first: bytes, protocols: tuple[bytes, ...]) -> None:
    """A server of HTTP/2 answers a preface with SETTINGS."""
    server, port = await answer_with(first)
    async with server:
        assert await Forward(Endpoint("127.0.0.1", port)).learn_protocols() == protocols
