"""`mtls-probe run` suspended, throttled, or beside a busy loop: its own trouble is nobody else's.

The process is stopped and continued from outside (SIGSTOP, SIGCONT), as a paused machine, a CPU
quota or a debugger does; the backends run on.
"""

import asyncio
import json
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.unit.attempting import target
from tests.unit.command_line import configuration, environment, start_probe
from tests.unit.loopback_client import Start
from tests.unit.stalling import stalling

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
    folder: Path, ports: dict[str, int], *, host: str = "localhost", **more: Any
) -> AsyncIterator[Running]:
    """Run the service with a target for each of `ports`, looked up by name."""
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
    process = await start_probe("run", "--config", file, env=environment())
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


async def test_a_suspended_probe_blames_no_healthy_target(start: Start, tmp_path: Path) -> None:
    """Stopped at random moments for longer than the timeout, it goes on where it was."""
    chance = random.Random(7)
    backend = await start()
    ports = {f"healthy-{n}": backend.port for n in range(10)}
    async with running(tmp_path, ports) as probe:
        await asyncio.sleep(1.5)
        for _ in range(6):
            await asyncio.sleep(0.2 + chance.random() * 0.6)
            probe.suspend()
            await asyncio.sleep(TIMEOUT * (0.8 + chance.random()))
            probe.go_on()
        await asyncio.sleep(0.5)
        assert set(await probe.causes()) <= {"probe_fault"}


async def test_a_suspended_probe_says_so(start: Start, tmp_path: Path) -> None:
    """Stopped in the middle of an attempt: the fact says for how long, and nothing is blamed."""
    backend = await start()
    # Each answer is held back a little, so that there is a middle of an attempt to be stopped in.
    async with (
        stalling(backend.port, lambda _n: 0.7) as port,
        running(tmp_path, {"slow": port}) as probe,
    ):
        for _ in range(20):
            probe.suspend()
            await asyncio.sleep(TIMEOUT * 1.3)
            probe.go_on()
            await asyncio.sleep(0.3)
            (result,) = await probe.results() or [None]
            if result is not None and result["cause"] == "probe_fault":
                break
        assert result is not None
        assert result["cause"] == "probe_fault", result
        assert "held up for" in result["facts"][0]
        assert set(await probe.causes()) == {"probe_fault"}


@pytest.mark.parametrize("share", [0.05, 0.15])
async def test_a_throttled_probe_blames_no_healthy_target(
    start: Start, tmp_path: Path, share: float
) -> None:
    """A share of a core that is far too small for so many targets."""
    backend = await start()
    ports = {f"healthy-{n}": backend.port for n in range(40)}
    async with running(tmp_path, ports) as probe:
        await probe.throttle(share, 10.0)
        await asyncio.sleep(0.5)
        assert set(await probe.causes()) <= {"probe_fault"}


async def test_a_target_that_stalls_is_blamed_for_certain(start: Start, tmp_path: Path) -> None:
    """Nothing holds the process up: what is silent, refused or closed is the target's."""
    silent, closing = await start(behaviour="silent"), await start(behaviour="close")
    async with running(tmp_path, {"silent": silent.port, "closing": closing.port}) as probe:
        for _ in range(40):
            await asyncio.sleep(0.25)
            seen = {one["target"]: one for one in await probe.results()}
            if len(seen) == 2 and seen["silent"]["cause"] == "tls_timeout":
                break
    assert (seen["silent"]["cause"], seen["silent"]["certain"]) == ("tls_timeout", True)
    assert seen["closing"]["cause"] == "connection_closed"
    assert "probe_fault" not in seen["closing"]["also"]


async def test_beside_busy_loops_nothing_healthy_is_blamed(start: Start, tmp_path: Path) -> None:
    """More processes than cores want to run."""
    backend = await start()
    ports = {f"healthy-{n}": backend.port for n in range(20)}
    busy = [
        await asyncio.create_subprocess_exec("sh", "-c", "while :; do :; done")
        for _ in range(os.cpu_count() or 2)
    ]
    try:
        async with running(tmp_path, ports) as probe:
            await asyncio.sleep(6)
            assert set(await probe.causes()) <= {"probe_fault"}
    finally:
        for each in busy:
            each.kill()
            await each.wait()
