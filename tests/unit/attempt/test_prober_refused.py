"""Refusals of the client certificate, and the second handshake where no alert came."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from hyperframe.frame import RstStreamFrame, SettingsFrame

from probe.model.target import Depth
from tests.support.attempts import GOOD, STRANGER, end, prober, received, serving, splice, target
from tests.support.loopback_client import Start
from tests.support.memory_peer import MemoryServer, server_context
from tests.support.pki import Issued


@pytest.mark.parametrize(
    ("client", "numbers"),
    [(STRANGER, {"1.2": 48, "1.3": 48}), (None, {"1.2": 40, "1.3": 116})],
    ids=["unknown CA", "none sent"],
)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("depth", ["tls", "otlp"])
async def test_a_refusal_as_go_refuses(
    start: Start,
    tmp_path: Path,
    client: Issued | None,
    numbers: dict[str, int],
    version: str,
    depth: Depth,
) -> None:
    """The alert is in the evidence, at either depth; the request never reached the backend."""
    backend = await start(max_version=version)
    evidence = await prober().attempt(target(tmp_path, backend.port, client, depth=depth))

    assert end(evidence) == ("handshake" if version == "1.2" else "accept", "alert")
    assert received(evidence) == [numbers[version]]
    assert list(backend.requests) == []
    assert evidence.recheck is None


async def test_the_alert_is_never_lost(start: Start, tmp_path: Path) -> None:
    """Not once in sixty attempts, with the RST right behind it."""
    backend = await start()
    refused, probe = target(tmp_path, backend.port, STRANGER), prober()
    seen = [await probe.attempt(refused) for _ in range(60)]
    assert {(end(each), tuple(received(each))) for each in seen} == {(("accept", "alert"), (48,))}


@pytest.mark.parametrize("depth", ["tls", "otlp"])
async def test_a_refusal_without_an_alert_is_asked_again_at_tls12(
    start: Start, tmp_path: Path, depth: Depth
) -> None:
    """grpc-core closes in TLS 1.3; capped at 1.2 the refusal falls inside the handshake."""
    backend = await start(behaviour="grpc_core")
    evidence = await prober().attempt(target(tmp_path, backend.port, STRANGER, depth=depth))

    assert end(evidence) == ("accept", "close")
    assert received(evidence) == []
    assert evidence.recheck is not None
    assert evidence.recheck.handshake.version == "1.2"
    assert not evidence.recheck.handshake.complete
    assert evidence.recheck.handshake.client_certificate_sent
    assert (evidence.recheck.ending.stage, evidence.recheck.ending.kind) == ("handshake", "close")


async def test_the_second_handshake_may_bring_the_alert(start: Start, tmp_path: Path) -> None:
    """A backend that swallows its alert in TLS 1.3 alone says it in TLS 1.2."""
    silent = await start(behaviour="grpc_core")
    talking = await start(max_version="1.2")
    at_first, taken = True, []

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal at_first
        backend, at_first = (silent, False) if at_first else (talking, False)
        taken.append(backend)
        await splice(reader, writer, backend.port)

    async with serving(forward) as port:
        evidence = await prober().attempt(target(tmp_path, port, STRANGER))
    assert taken == [silent, talking]
    assert end(evidence) == ("accept", "close")
    assert evidence.recheck is not None
    assert evidence.recheck.ending.kind == "alert"
    assert [a.number for a in evidence.recheck.handshake.alerts] == [48]


@pytest.mark.parametrize("client", [GOOD, None])
async def test_nobody_is_asked_again_without_need(
    start: Start, tmp_path: Path, client: Issued | None
) -> None:
    """Not after a success, nor where no certificate was sent."""
    backend = await start(behaviour="grpc_core")
    evidence = await prober().attempt(target(tmp_path, backend.port, client))
    assert evidence.recheck is None
    assert evidence.ending.kind == ("answered" if client else "close")


async def test_a_refused_request_is_not_asked_again(tmp_path: Path) -> None:
    """RST_STREAM is a word about the request, not a silent refusal of the certificate."""
    context, taken = server_context(), []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = MemoryServer(context)
        taken.append(server)
        while data := await reader.read(65536):
            writer.write(server.receive(data))
            if server.plain:
                refusal = RstStreamFrame(1, error_code=7)
                writer.write(server.say(SettingsFrame().serialize() + refusal.serialize()))
                break
        writer.close()

    async with serving(serve) as port:
        evidence = await prober().attempt(target(tmp_path, port))
    assert end(evidence) == ("export", "close")
    assert evidence.ending.detail == "RST_STREAM, error code 7"
    assert (evidence.recheck, len(taken)) == (None, 1)


async def test_nginx_refuses_above_tls(start: Start, tmp_path: Path) -> None:
    """The handshake is complete and verified; the refusal is an HTTP 400 with its text."""
    backend = await start(behaviour="nginx", protocol="http/protobuf")
    refused = target(tmp_path, backend.port, STRANGER, protocol="http/protobuf")
    evidence = await prober().attempt(refused)

    assert end(evidence) == ("export", "answered")
    assert evidence.answer is not None
    assert (evidence.answer.http_status, evidence.answer.server) == (400, "nginx")
    assert "SSL certificate error" in evidence.answer.message

    at_tls = await prober().attempt(replace(refused, depth="tls"))
    assert end(at_tls) == ("accept", "application_data")
