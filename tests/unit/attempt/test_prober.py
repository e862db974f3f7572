"""One attempt, from files to an answer, against real backends on loopback."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uvloop

from probe.model.evidence import STAGES, ConnectTry
from probe.model.target import Depth, Protocol
from tests.support.attempts import (
    AT,
    GOOD,
    PROTOCOLS,
    STRANGER,
    TOKEN,
    end,
    prober,
    target,
)
from tests.support.backends import Backend, Behaviour
from tests.support.loopback_client import Start, backends
from tests.support.pki import write_pem


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
async def test_a_healthy_backend(
    start: Start, tmp_path: Path, protocol: Protocol, version: str
) -> None:
    """It answers; the evidence holds every stage's share, and the request was what OTLP asks."""
    backend = await start(protocol=protocol, max_version=version)
    evidence = await prober().attempt(target(tmp_path, backend.port, protocol=protocol))

    assert end(evidence) == ("export", "answered")
    assert evidence.at == AT
    assert evidence.peer_address == "127.0.0.1"
    assert evidence.connects == (ConnectTry(address="127.0.0.1"),)
    assert evidence.answer is not None
    assert evidence.answer.http_status == 200
    assert evidence.answer.received_at == AT
    seen = evidence.handshake
    assert seen is not None
    assert (seen.complete, seen.version, seen.alpn) == (True, version, "h2")
    assert seen.client_certificate_sent
    assert [name.text for name in seen.acceptable_cas] == ["CN=client CA"]
    assert evidence.credentials.client_chain[0].subject.text == "CN=exporter"
    assert evidence.recheck is None
    (request,) = backend.requests
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["user-agent"].startswith("mtls-probe/test")


async def test_durations_by_stage(start: Start, tmp_path: Path) -> None:
    """Each stage that was reached has one, none is negative, and together they are the attempt."""
    backend = await start()
    probing, tried = prober(), target(tmp_path, backend.port)
    await probing.attempt(tried)  # what is made once for a target belongs to no stage
    shares = []
    for _ in range(5):
        before = time.monotonic()
        evidence = await probing.attempt(tried)
        took = time.monotonic() - before
        assert tuple(evidence.durations) == STAGES
        assert min(evidence.durations.values()) >= 0
        shares.append(sum(evidence.durations.values()) / took)

    assert max(shares) <= 1
    assert max(shares) > 0.5  # a busy machine takes its time between the stages, too


@pytest.mark.parametrize(
    ("behaviour", "stage", "kind"),
    [
        ("silent", "handshake", "timeout"),
        ("mute", "export", "timeout"),
        ("close", "handshake", "close"),
        ("reset", "handshake", "reset"),
        ("plaintext", "handshake", "not_tls"),
    ],
)
async def test_a_backend_that_breaks_off(
    start: Start, tmp_path: Path, behaviour: Behaviour, stage: str, kind: str
) -> None:
    """Each behaviour is distinguished from the others, and none is a success."""
    backend = await start(behaviour=behaviour)
    evidence = await prober().attempt(target(tmp_path, backend.port, timeout=0.3))
    assert end(evidence) == (stage, kind)
    assert evidence.answer is None
    assert evidence.recheck is None


@pytest.mark.parametrize("behaviour", ["silent", "mute"])
@pytest.mark.parametrize("depth", ["tls", "otlp"])
async def test_the_deadline_is_kept(
    start: Start, tmp_path: Path, behaviour: Behaviour, depth: Depth
) -> None:
    """A silent peer has `timeout` seconds, whatever the depth."""
    backend = await start(behaviour=behaviour)
    before = time.monotonic()
    evidence = await prober().attempt(target(tmp_path, backend.port, timeout=0.2, depth=depth))
    assert evidence.ending.kind == "timeout"
    assert 0.19 <= time.monotonic() - before < 0.6


def test_the_same_on_uvloop(tmp_path: Path) -> None:
    """The loop of the service: a refusal, a success, and a silent peer."""

    async def three() -> list[tuple[str, str]]:
        async with backends() as begin:
            picky, silent = await begin(), await begin(behaviour="silent")
            probe = prober()
            return [
                end(await probe.attempt(target(tmp_path, picky.port, STRANGER))),
                end(await probe.attempt(target(tmp_path, picky.port))),
                end(await probe.attempt(target(tmp_path, silent.port, timeout=0.1))),
            ]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(three()) == [
            ("accept", "alert"),
            ("export", "answered"),
            ("handshake", "timeout"),
        ]


async def test_depth_tls_is_confirmed_without_a_request(start: Start, tmp_path: Path) -> None:
    """SETTINGS after our last flight, and no refusal in the quiet time."""
    backend = await start()
    evidence = await prober().attempt(target(tmp_path, backend.port, depth="tls"))
    assert end(evidence) == ("accept", "application_data")
    assert list(backend.requests) == []


async def test_a_fault_of_the_files_connects_nowhere(start: Start, tmp_path: Path) -> None:
    """The exporter would not start either."""
    backend = await start()
    broken = target(tmp_path, backend.port)
    (tmp_path / "tls.key").unlink()
    evidence = await prober().attempt(broken)
    assert end(evidence) == ("load", "credentials")
    assert evidence.credentials.faults
    assert (evidence.connects, evidence.handshake) == ((), None)


async def test_a_rotation_is_used_by_the_next_attempt(start: Start, tmp_path: Path) -> None:
    """The same target, new files: another context, another verdict."""
    backend, probe = await start(), prober()
    rotating = target(tmp_path, backend.port, STRANGER)
    first = await probe.attempt(rotating)
    write_pem(tmp_path, "tls.crt", GOOD.pem)
    write_pem(tmp_path, "tls.key", GOOD.key_pem)
    second = await probe.attempt(rotating)
    assert (end(first), end(second)) == (("accept", "alert"), ("export", "answered"))


async def test_a_target_that_changes_under_its_name(
    start: Start, refused_port: int, tmp_path: Path
) -> None:
    """Nothing of the old one is used."""
    backend, probe = await start(), prober()
    old = target(tmp_path, refused_port)
    assert end(await probe.attempt(old)) == ("connect", "refused")
    assert end(await probe.attempt(target(tmp_path, backend.port))) == ("export", "answered")


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(hours=2), timedelta(hours=-2)])
async def test_the_backend_s_clock_is_read_from_its_date(
    start: Start, tmp_path: Path, ahead: timedelta
) -> None:
    """Remote minus local, to the second; a gRPC answer without a Date has no reading."""
    backend = await start(protocol="http/protobuf", clock_offset=ahead, client_ca=None)
    evidence = await prober(clock=time.time).attempt(
        target(tmp_path, backend.port, protocol="http/protobuf")
    )
    (reading,) = evidence.clock
    assert reading.source == "http_date"
    assert reading.offset == pytest.approx(ahead.total_seconds(), abs=reading.uncertainty + 0.5)

    grpc = await start()
    assert (await prober().attempt(target(tmp_path, grpc.port))).clock == ()


async def test_in_plaintext(start: Start, tmp_path: Path) -> None:
    """An `http://` endpoint is spoken to without TLS; a TLS backend is no HTTP then."""
    plain = await start(behaviour="plaintext", protocol="http/protobuf")
    arguments: dict[str, Any] = {"protocol": "http/protobuf", "scheme": "http"}
    answered = await prober().attempt(target(tmp_path, plain.port, **arguments))
    assert end(answered) == ("export", "answered")
    assert answered.answer is not None
    assert (answered.answer.http_status, answered.handshake) == (400, None)
    assert "handshake" not in answered.durations

    backend = await start(protocol="http/protobuf")
    garbage = await prober().attempt(target(tmp_path, backend.port, **arguments))
    assert end(garbage) in {("export", "garbage"), ("export", "close")}


async def test_cancellation_goes_through(start: Start, tmp_path: Path) -> None:
    """An attempt that is cancelled closes its socket and raises nothing else."""
    backend = await start(behaviour="silent")
    running = asyncio.create_task(prober().attempt(target(tmp_path, backend.port)))
    async with asyncio.timeout(5):
        while not backend._connections:
            await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await asyncio.sleep(0.02)
    assert len(backend._connections) == 0


async def test_no_attempt_leaves_a_descriptor_open(
    start: Start, refused_port: int, tmp_path: Path
) -> None:
    """Whatever its end, also after a second handshake."""
    good, silent = await start(), await start(behaviour="grpc_core")
    probe = prober()

    async def each() -> None:
        for port, client in ((good.port, GOOD), (silent.port, STRANGER), (refused_port, None)):
            await probe.attempt(target(tmp_path, port, client))
        await asyncio.sleep(0.02)

    await each()
    before = descriptors()
    for _ in range(5):
        await each()
    assert descriptors() <= before


def descriptors() -> int:
    """Return how many file descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_backend_is_what_the_tests_start() -> None:
    """All behaviours that a demo backend has are tried in this file."""
    tried = {"collector", "grpc_core", "nginx", "silent", "mute", "close", "reset", "plaintext"}
    assert set(Behaviour.__args__) == tried  # type: ignore[attr-defined]  # a Literal has them
    assert Backend.behaviour == "collector"
