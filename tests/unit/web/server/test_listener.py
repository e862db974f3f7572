"""Two thousand slow connections to the web side: probing, health and memory stay as they should."""

import asyncio
import math
import re
import resource
import signal
import socket
import ssl
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web

from probe.web.server.connections import Connection, Connections
from probe.web.server.listener import serve_application
from tests.support.command_line import ROOT, configuration, entry, environment
from tests.support.demo_pki import PKI
from tests.support.web_files import PAIR, ServerPki

pytestmark = pytest.mark.slow

CONNECTIONS: Final = 2000
SECONDS: Final = 12.0
"""How long the flood lasts once it has opened them all."""
RESIDENT: Final = 150 * 1024
"""KiB."""
SILENT: Final = 600
"""Further targets, which make the pages and metrics large."""


class Flooded:
    """A service under a flood, asked as an orchestrator and a scraper would ask."""

    def __init__(self, process: asyncio.subprocess.Process, address: str, tls: bool) -> None:
        """Know where it listens."""
        self.process = process
        self.host, _, port = address.rpartition(":")
        self.port = int(port)
        self.lost: list[str] = []
        """Why health was not answered."""
        self._context: ssl.SSLContext | None = None
        if tls:
            self._context = ssl.create_default_context()
            self._context.check_hostname = False
            self._context.verify_mode = ssl.CERT_NONE

    async def get(self, path: str) -> tuple[str, float]:
        """Return a page's text on a new connection, and the seconds that it took."""
        began = time.monotonic()
        reader, writer = await asyncio.open_connection(
            self.host,
            self.port,
            ssl=self._context,
            server_hostname="localhost" if self._context else None,
        )
        try:
            writer.write(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            answer = await asyncio.wait_for(reader.read(-1), 20)
        finally:
            writer.transport.abort()
        assert answer.startswith(b"HTTP/1.0 200"), answer[:200]
        return answer.decode(), time.monotonic() - began

    async def health(self) -> float:
        """Return the seconds until health was answered; endless where it was not."""
        try:
            return (await self.get("/-/healthy"))[1]
        except (AssertionError, OSError, TimeoutError) as error:
            self.lost.append(repr(error))
            return math.inf

    @property
    def resident(self) -> int:
        """Return the resident memory in KiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])  # type: ignore[index]

    @property
    def descriptors(self) -> int:
        """Return how many are open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))


@asynccontextmanager
async def service(file: Path, *, tls: bool, descriptors: int) -> AsyncIterator[Flooded]:
    """Run the service; its log goes to a file, which no reader can hold up."""
    log = file.with_suffix(".log")
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "probe", "run", "--config", str(file),
            stdout=output, stderr=output, cwd=ROOT, env=environment(),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors)),
        )  # fmt: skip
        try:
            async with asyncio.timeout(30):
                while (
                    found := re.search(r'"address":\s*"([^"]+)"', log.read_text("utf-8"))
                ) is None:
                    await asyncio.sleep(0.1)
            yield Flooded(process, found[1], tls)
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 15) == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert "probe_fault" not in log.read_text("utf-8")


@asynccontextmanager
async def flood(target: Flooded, *, tls: bool) -> AsyncIterator[None]:
    """Hold the connections, once all have been opened, until the body ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.web_flood", target.host, str(target.port),
        str(CONNECTIONS), "tls" if tls else "plain",
        stdout=asyncio.subprocess.PIPE, cwd=ROOT, env=environment(),
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 90) == b"ready\n"
        yield
    finally:
        process.kill()
        await process.wait()


def slowdown() -> float:
    """Return how many times longer work takes here than on a machine that does nothing else."""
    wall, cpu = time.perf_counter(), time.thread_time()
    while time.thread_time() - cpu < 0.2:
        pass
    return (time.perf_counter() - wall) / 0.2


def value(metrics: str, series: str) -> float:
    """Return a sample of `/metrics`."""
    return float(re.search(rf"^{re.escape(series)} (\S+)$", metrics, re.MULTILINE)[1])  # type: ignore[index]


@pytest.mark.serial
@pytest.mark.parametrize(
    ("tls", "descriptors"),
    [(False, 4096), (True, 4096), (False, 512)],
    ids=["plain", "tls", "few descriptors"],
)
async def test_two_thousand_slow_connections_of_every_kind(
    tmp_path: Path, tls: bool, descriptors: int
) -> None:
    """Healthy targets stay confirmed, health answers within a second, memory stays bounded."""
    names = [f"healthy-{number}" for number in range(5)]
    each = [PKI.backend(name) for name in names]
    web: dict[str, Any] = {"listen": "127.0.0.1:0"}
    if tls:
        web["config_file"] = str(ServerPki(tmp_path).write({"tls_server_config": PAIR}))
    async with AsyncExitStack() as stack:
        for backend in each:
            await backend.start()
            stack.push_async_callback(backend.stop)
        targets = [
            entry(one, PKI.settings(tmp_path, PKI.exporter()), interval="1s") for one in each
        ]
        targets += [
            {"name": f"silent-{number}", "endpoint": "127.0.0.1:1", "interval": "1h"}
            for number in range(SILENT)
        ]
        file = configuration(tmp_path, *targets, web=web, concurrency=50)
        probe = await stack.enter_async_context(service(file, tls=tls, descriptors=descriptors))
        async with asyncio.timeout(60):
            while (
                'mtls_probe_success{target="silent-599"} 0' not in (await probe.get("/metrics"))[0]
            ):
                await asyncio.sleep(0.5)

        before, _ = await probe.get("/metrics")
        async with flood(probe, tls=tls):
            waits, memory, held = [], [], []
            contention = max(1.0, await asyncio.to_thread(slowdown))
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                waits.append(await probe.health())
                memory.append(probe.resident)
                held.append(probe.descriptors)
                await asyncio.sleep(0.2)
            contention = max(contention, await asyncio.to_thread(slowdown))
            metrics, scrape = await probe.get("/metrics")

    figures = f"{contention=:.1f} {sorted(waits)[len(waits) // 2]=:.3f} {max(waits)=:.2f} {max(memory)=} {max(held)=} {scrape=:.2f} {probe.lost}"
    print(figures)  # noqa: T201  # shown where it fails, or with -s
    # Other tests may take most of the machine: then everything takes as many times longer.
    assert sorted(waits)[len(waits) * 9 // 10] < 1.0 * contention, figures
    # Nobody goes unanswered; the slowest falls into the rush of 2,000 that connect at once.
    assert max(waits) < 1.5 * contention, figures
    assert max(memory) < RESIDENT, figures
    assert max(held) < descriptors, figures
    assert value(metrics, 'mtls_probe_web_connections_ended_total{reason="full"}') > 0
    limit = value(metrics, "mtls_probe_web_connections_limit")
    assert value(metrics, "mtls_probe_web_connections") <= limit
    for name in names:
        assert value(metrics, f'mtls_probe_failures_total{{target="{name}"}}') == 0, name
        series = f'mtls_probe_attempts_total{{target="{name}"}}'
        assert value(metrics, series) - value(before, series) >= SECONDS * 0.8, name


async def test_what_lies_unread_is_seen() -> None:
    """Bytes of the peer are unread from when they come until they are read, and not after an end."""
    seen: list[tuple[Connection, bool]] = []

    class Seeing(Connections):
        def admit(self, connection: Connection) -> None:
            super().admit(connection)
            seen.append((connection, connection.has_unread()))

    at = "127.0.0.1", 0
    async with serve_application(web.Application(), *at, connections=Seeing(16)) as address:
        for request in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b""):
            with socket.create_connection(address) as client:
                client.sendall(request)
                while not seen:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.1)
                connection, unread = seen.pop()
                assert unread == bool(request)
                assert not connection.has_unread(), "it has been read"
            await asyncio.sleep(0.1)
            assert not connection.has_unread(), "it has been closed"
