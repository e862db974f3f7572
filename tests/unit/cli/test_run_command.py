"""`mtls-probe run --listen`: where it serves, whatever the configuration has."""

import asyncio
import json
import signal
import socket
from pathlib import Path

import pytest

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
