"""`mtls-probe run --listen`: where it serves, whatever the configuration has."""

import asyncio
import json
import signal
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from probe.cli.run_command import UVLOOP_FROM, estimate_attempts, run_in_loop
from probe.config.configuration import Configuration, WebSettings
from probe.model.module import AllowList, Module
from probe.model.target import Endpoint, Target
from tests.support.command_line import NOWHERE, configuration, finish, start_probe

pytestmark = pytest.mark.slow


async def read_event(process: asyncio.subprocess.Process, event: str) -> dict[str, str]:
    """Wait for a line of the log; return it."""
    assert process.stderr is not None
    async with asyncio.timeout(20):
        while True:
            said: dict[str, str] = json.loads(await process.stderr.readline())
            if said["event"] == event:
                return said


async def test_listen_comes_before_the_configuration(tmp_path: Path) -> None:
    """The file's address may be taken or change: it has no part then, also when it is read again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        target = {"endpoint": NOWHERE}
        config = configuration(tmp_path, target, web={"listen": f"127.0.0.1:{port}"})
        process = await start_probe("run", "--config", config, "--listen", "127.0.0.1:0")
        address = (await read_event(process, "listening"))["address"]
        assert not address.endswith(f":{port}")
        configuration(tmp_path, target, web={"listen": "127.0.0.1:1"})
        process.send_signal(signal.SIGHUP)
        await read_event(process, "config_reloaded")
    process.send_signal(signal.SIGTERM)
    ended = await finish(process)
    assert ended.code == 0
    assert "config_restart_required" not in ended.err


def test_uvloop_runs_where_it_pays() -> None:
    """Not for a few targets, whose attempts cost the same without it, in 2 MB less."""
    one = Target(name="one", endpoint=Endpoint("localhost", 4317), interval=30.0)
    fleet = tuple(replace(one, name=str(number)) for number in range(1000))

    assert estimate_attempts(Configuration(targets=(one,))) < UVLOOP_FROM
    assert estimate_attempts(Configuration(targets=fleet)) > UVLOOP_FROM
    assert (
        estimate_attempts(Configuration(modules={"m": Module("m", {}, None, AllowList())}))
        > UVLOOP_FROM
    )
    # Its pages may be served over TLS.
    assert estimate_attempts(Configuration(web=WebSettings(config_file="web.yml"))) > UVLOOP_FROM


@pytest.mark.parametrize(("attempts", "expected"), [(1.0, "asyncio"), (1000.0, "uvloop")])
def test_a_loop_is_made_for_as_many_attempts(attempts: float, expected: str) -> None:
    """The loop that `run` makes is asyncio's own or uvloop's."""

    async def name_loop() -> str:
        return type(asyncio.get_running_loop()).__module__.partition(".")[0]

    assert run_in_loop(name_loop(), attempts=attempts) == expected
