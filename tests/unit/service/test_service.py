"""`mtls-probe run`: results at once, an orderly end, rotation, and nobody waits for another."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from cryptography.hazmat.primitives.hashes import SHA256

from probe.config.configuration import Configuration, WebSettings
from probe.diagnosis.kept_reading import KeptDiagnosis
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.target import Endpoint, Target, TlsSettings
from probe.service.run_rounds import run_rounds
from probe.service.service import Service, handle_signals
from tests.support.backends import Backend
from tests.support.command_line import configuration, entry, run_probe, running_service
from tests.support.demo_pki import PKI
from tests.support.pki import Issued, write_pem

pytestmark = pytest.mark.slow


def attempts(name: str) -> str:
    """Return the series that counts the attempts of the target `name`."""
    return f'mtls_probe_attempts_total{{target="{name}"}}'


def fingerprint(issued: Issued) -> str:
    """Return the label by which /metrics tells this certificate from others."""
    return f'fingerprint_sha256="{issued.certificate.fingerprint(SHA256()).hex()}"'


@asynccontextmanager
async def backends(*each: Backend) -> AsyncIterator[None]:
    """Run backends around the body."""
    async with AsyncExitStack() as stack:
        for backend in each:
            await backend.start()
            stack.push_async_callback(backend.stop)
        yield


def silent(name: str = "silent") -> Backend:
    """Return a backend that takes connections and never says a byte."""
    return Backend(name=name, server=PKI.server(), client_ca=PKI.client_ca, behaviour="silent")


async def test_results_come_at_once_and_sigterm_ends_it_with_0(tmp_path: Path) -> None:
    """The first result is on /metrics soon after the start; it is ready, and ends on a signal."""
    backend = PKI.backend("healthy")
    async with backends(backend):
        config = configuration(tmp_path, entry(backend, PKI.settings(tmp_path, PKI.exporter())))
        began = time.monotonic()
        async with running_service(config) as service:
            await service.reaches('mtls_probe_success{target="healthy"}', 1.0)
            # Five seconds are generous, for a busy machine; the benchmark holds the real figure.
            assert time.monotonic() - began < 5.0
            assert await service.get("/-/ready") == (200, "ready\n")
            assert await service.get("/-/healthy") == (200, "healthy\n")
            assert await service.sample("mtls_probe_config_last_reload_successful") == 1.0
            assert await service.sample(attempts("healthy")) == 1.0
            status, page = await service.get("/")
            assert status == 200
            assert "healthy" in page
            ended = await service.stop()
    assert ended.code == 0
    assert '"stopping"' in ended.err


async def test_sigterm_ends_it_within_five_seconds_whatever_a_peer_does(tmp_path: Path) -> None:
    """An attempt that would hang for half a minute does not hold back the end."""
    backend = silent()
    async with backends(backend):
        target = entry(backend, PKI.settings(tmp_path, PKI.exporter()), timeout="30s")
        async with running_service(configuration(tmp_path, target)) as service:
            await service.reaches("mtls_probe_in_flight", 1.0)
            reported = time.monotonic()
            ended = await service.stop()
            assert time.monotonic() - reported < 5.0
    assert ended.code == 0


async def test_sigint_is_as_good_as_sigterm(tmp_path: Path) -> None:
    """Ctrl-C ends the service in the same order and with the same code."""
    config = configuration(tmp_path, {"name": "nobody", "endpoint": "127.0.0.1:1"})
    async with running_service(config) as service:
        os.kill(service.process.pid, signal.SIGINT)
        assert await service.process.wait() == 0


async def test_a_taken_port_is_a_message_and_exit_2(tmp_path: Path) -> None:
    """Where another process listens already, the service says where it wanted to."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        config = configuration(tmp_path, {"endpoint": "127.0.0.1:1"}, web={"listen": address})
        ended = await run_probe("run", "--config", config)
    assert ended.code == 2
    assert f"cannot listen on {address}: " in ended.err
    assert "in use" in ended.err


async def test_a_rotated_certificate_is_used_by_the_next_attempt(tmp_path: Path) -> None:
    """New files are read again without a restart, and that is counted."""
    first, second = PKI.exporter(), PKI.exporter()
    backend = PKI.backend("rotating")
    async with backends(backend):
        target = entry(backend, PKI.settings(tmp_path, first), interval="300ms")
        async with running_service(configuration(tmp_path, target)) as service:
            await service.reaches(attempts("rotating"), 1.0)
            assert fingerprint(first) in (await service.get("/metrics"))[1]
            assert await service.sample("mtls_probe_credentials_reloads_total") == 0.0

            for name, content in (("tls.crt", second.pem), ("tls.key", second.key_pem)):
                new = write_pem(tmp_path, f"{name}.new", content)
                new.rename(tmp_path / name)
            done = await service.sample(attempts("rotating"))
            assert done is not None
            await service.reaches(attempts("rotating"), done + 2)

            _, metrics = await service.get("/metrics")
            assert fingerprint(second) in metrics
            assert fingerprint(first) not in metrics
            # The two renames may fall to both sides of an attempt.
            assert await service.sample("mtls_probe_credentials_reloads_total") in {1.0, 2.0}
            assert await service.sample('mtls_probe_success{target="rotating"}') == 1.0


async def test_a_silent_target_delays_no_other(tmp_path: Path) -> None:
    """While one target's attempts hang, the other's go on at their interval."""
    healthy, hanging = PKI.backend("healthy"), silent()
    tls = PKI.settings(tmp_path, PKI.exporter())
    async with backends(healthy, hanging):
        config = configuration(
            tmp_path,
            entry(healthy, tls, interval="200ms"),
            entry(hanging, tls, interval="200ms", timeout="20s"),
        )
        async with running_service(config) as service:
            await service.reaches("mtls_probe_schedule_missed_total", 1.0)
            before = await service.sample(attempts("healthy"))
            await asyncio.sleep(2.0)
            after = await service.sample(attempts("healthy"))
            assert before is not None
            assert after is not None
            assert after - before >= 5
            assert await service.sample(attempts("silent")) == 0.0
            assert await service.sample('mtls_probe_success{target="healthy"}') == 1.0


async def test_a_fault_of_ours_is_shown_and_stops_nothing(tmp_path: Path) -> None:
    """A target that the probe itself fails at has probe_fault, again and again; others go on."""
    # The configuration lets no unknown cipher suite through, and the probe relies on that.
    broken = Target(
        name="broken",
        endpoint=Endpoint("127.0.0.1", 1),
        interval=0.2,
        tls=TlsSettings(cipher_suites=("TLS_OF_NOBODY",)),
    )
    healthy = PKI.backend("healthy")
    async with backends(healthy):
        good = Target(
            name="healthy",
            endpoint=Endpoint("127.0.0.1", healthy.port),
            interval=0.2,
            tls=PKI.settings(tmp_path, PKI.exporter()),
        )
        service = Service(
            Configuration(targets=(broken, good), web=WebSettings(host="127.0.0.1", port=0))
        )
        async with service.run() as address, aiohttp.ClientSession() as session:
            async with asyncio.timeout(5):
                while min(state.attempts for state in service.ledger) < 3:
                    await asyncio.sleep(0.02)
            async with session.get(f"http://{address}/metrics") as response:
                metrics = await response.text()
            async with session.get(f"http://{address}/-/ready") as response:
                assert response.status == 200
    assert 'cause="probe_fault"' in metrics
    assert 'mtls_probe_success{target="broken"} 0' in metrics
    assert 'mtls_probe_success{target="healthy"} 1' in metrics


async def test_a_bug_of_the_diagnosis_is_a_fault_of_ours_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What raises after the attempt is not blamed on the target either."""

    def buggy(_kept: KeptDiagnosis, _evidence: Evidence) -> Diagnosis:
        raise ZeroDivisionError("division\x1b[31m by zero")

    monkeypatch.setattr(KeptDiagnosis, "read", buggy)
    target = Target(name="t", endpoint=Endpoint("127.0.0.1", 1))
    ((_, evidence, diagnosis),) = await run_rounds([target], concurrency=1)
    assert diagnosis.cause == "probe_fault"
    assert evidence.ending.detail == r"ZeroDivisionError: division\x1b[31m by zero"


async def test_signals_are_left_as_they_were() -> None:
    """The handlers are there for as long as somebody waits, and not longer."""
    before = signal.getsignal(signal.SIGTERM)
    stopped = asyncio.Event()
    with handle_signals(stopped.set, signal.SIGTERM):
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(5):
            await stopped.wait()
    assert signal.getsignal(signal.SIGTERM) in {before, signal.SIG_DFL}
