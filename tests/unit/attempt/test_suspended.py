"""`mtls-probe run` suspended, throttled, or with a busy loop: no target is blamed for it.

The process is stopped and continued from outside (SIGSTOP, SIGCONT), as a paused machine, a CPU
quota or a debugger does; the backends run on.
"""

import asyncio
import os
import random
import resource
import socket
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.support.loopback_client import Start
from tests.support.stalling_relay import stalling
from tests.support.suspended_service import TIMEOUT, running

pytestmark = pytest.mark.slow


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
        for _ in range(80):
            await asyncio.sleep(0.25)
            found = {
                (one["target"], one["cause"], one["certain"], "probe_fault" in one["also"])
                for one in await probe.results()
            }
            if found == {
                ("silent", "tls_timeout", True, False),
                ("closing", "connection_closed", False, False),
            }:
                return
    raise AssertionError(found)


@pytest.mark.serial
async def test_with_busy_loops_nothing_healthy_is_blamed(start: Start, tmp_path: Path) -> None:
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


async def test_idle_connections_to_the_web_port_blame_no_target(
    start: Start, tmp_path: Path
) -> None:
    """They take every descriptor: what cannot be looked up or connected to then is not to blame."""
    backend = await start()

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    ports = {f"healthy-{n}": backend.port for n in range(5)}
    async with running(tmp_path, ports, options={"preexec_fn": limit}) as probe:
        host, port = probe.address.rsplit(":", 1)
        with ExitStack() as stack:
            for _ in range(120):
                idle = stack.enter_context(socket.socket())
                idle.setblocking(False)
                with suppress(BlockingIOError):
                    idle.connect((host, int(port)))
            await asyncio.sleep(4)
        await asyncio.sleep(1.5)
        assert set(await probe.causes()) <= {"probe_fault"}
        assert {one["outcome"] for one in await probe.results()} == {"confirmed"}
