"""`mtls-probe run` as a process that can be suspended and throttled from outside."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiohttp

from tests.support.attempts import target
from tests.support.command_line import configuration, environment, start_probe

TIMEOUT = 1.0


class Running:
    """A running service that can be suspended."""

    def __init__(self, process: asyncio.subprocess.Process, address: str) -> None:
        """Take the process and the address of its pages."""
        self.process = process
        self.address = address

    def suspend(self) -> None:
        """Stop it where it is."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    async def throttle(self, share: float, seconds: float) -> None:
        """Give it this share of each 100 ms, as a CPU quota does (cpu.max)."""
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            self.suspend()
            await asyncio.sleep(0.1 * (1 - share))
            self.go_on()
            await asyncio.sleep(0.1 * share)

    async def causes(self) -> dict[str, float]:
        """Return how many attempts had each cause since the start."""
        found: dict[str, float] = {}
        for line in (await self._get("/metrics")).decode().splitlines():
            if line.startswith("mtls_probe_failures_by_cause_total{"):
                name = line.split('cause="')[1].split('"')[0]
                found[name] = float(line.rsplit(" ", 1)[1])
        return {name: count for name, count in found.items() if count}

    async def results(self) -> list[dict[str, Any]]:
        """Return the last result of each target."""
        return list(json.loads(await self._get("/api/v1/targets"))["results"])

    async def _get(self, path: str) -> bytes:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{self.address}{path}") as response,
        ):
            return await response.read()


@asynccontextmanager
async def running(
    folder: Path,
    ports: dict[str, int],
    *,
    host: str = "localhost",
    options: Mapping[str, Any] = MappingProxyType({}),
    **more: Any,
) -> AsyncIterator[Running]:
    """Run the service with a target for each of `ports`, looked up by name.

    `options` are those of the process, `more` are keys of each target.
    """
    files = target(folder, 1).tls
    tls = {"ca_file": files.ca_file, "cert_file": files.cert_file, "key_file": files.key_file}
    each = [
        {
            "name": name,
            "endpoint": f"https://{host}:{port}",
            "protocol": "grpc",
            "interval": "1s",
            "timeout": f"{TIMEOUT}s",
            "tls": {**tls, "server_name_override": "localhost"},
            **more,
        }
        for name, port in ports.items()
    ]
    file = configuration(folder, *each)
    process = await start_probe("run", "--config", file, env=environment(), **options)
    assert process.stderr is not None
    log: list[str] = []
    try:
        address = ""
        while not address:
            line = (await asyncio.wait_for(process.stderr.readline(), 20)).decode()
            assert line, log
            log.append(line)
            if '"address"' in line:
                address = line.split('"address": "')[1].split('"')[0]
        drained = asyncio.create_task(process.stderr.read())
        yield Running(process, address)
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        await process.wait()
        await drained
