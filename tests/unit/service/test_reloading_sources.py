"""A running service and its sources: one that is down or slow holds up nothing else."""

import asyncio
import json
import time
from pathlib import Path

import aiohttp
import pytest

from tests.support.backends import Backend
from tests.support.command_line import RunningService, configuration, running_service
from tests.unit.cli.test_source_commands import inventory, silent_server

pytestmark = pytest.mark.slow

TARGETS = "mtls_probe_targets"
NOTHING = "mtls_probe_nothing_to_probe"
SUCCESSFUL = "mtls_probe_config_last_reload_successful"


def up(source: str) -> str:
    """Return the series of one source."""
    return f'mtls_probe_source_up{{source="{source}"}}'


async def becomes(service: RunningService, series: str, value: float, within: float = 8.0) -> None:
    """Wait until `series` is exactly `value`."""
    async with asyncio.timeout(within):
        while await service.sample(series) != value:
            await asyncio.sleep(0.03)


def group(*addresses: str) -> str:
    """Return a list of targets."""
    return json.dumps([{"targets": addresses}])


async def test_a_list_that_turns_bad_stays_in_force_and_blocks_nothing(
    backend: Backend, tmp_path: Path
) -> None:
    """Its targets go on, the own file and another list are reloaded, and a restart with it starts."""
    bad, other = tmp_path / "bad.json", tmp_path / "other.json"
    bad.write_text(group(f"127.0.0.1:{backend.port}"), "utf-8")
    other.write_text(group("127.0.0.1:1"), "utf-8")
    sources = [{"file_sd": str(bad)}, {"file_sd": str(other)}]
    config = configuration(tmp_path, sources=sources)
    async with running_service(config) as service:
        await becomes(service, TARGETS, 2)
        bad.write_text("[{", "utf-8")
        await becomes(service, up(f"file_sd:{bad}"), 0)
        assert await service.sample(TARGETS) == 2
        assert await service.sample(SUCCESSFUL) == 1
        page = (await service.get("/"))[1]
        assert "is not JSON" in page
        assert "what was read before stays in force" in page
        other.write_text(group("127.0.0.1:1", "127.0.0.1:2"), "utf-8")
        await becomes(service, TARGETS, 3)
        configuration(tmp_path, {"endpoint": "127.0.0.1:3"}, sources=sources)
        await becomes(service, TARGETS, 4)
        states = json.loads((await service.get("/api/v1/targets"))[1])["sources"]
        assert [(state["up"], state["targets"]) for state in states] == [(False, 1), (True, 2)]
        ended = await service.stop()
    # Told when it went down, and not again at each of the other reloads.
    logged = [json.loads(line) for line in ended.err.splitlines()]
    assert [line["source"] for line in logged if line["event"] == "source_down"] == [
        f"file_sd:{bad}"
    ]
    async with running_service(config) as service:
        assert (await service.get("/-/ready"))[0] == 200
        await becomes(service, TARGETS, 3)
        assert await service.sample(up(f"file_sd:{bad}")) == 0
        bad.write_text(group("127.0.0.1:1", "127.0.0.1:4"), "utf-8")
        await becomes(service, up(f"file_sd:{bad}"), 1)
        ended = await service.stop()
    logged = [json.loads(line) for line in ended.err.splitlines()]
    assert "source_up" in [line["event"] for line in logged]


async def test_a_slow_list_holds_up_neither_start_nor_reload(tmp_path: Path) -> None:
    """It is given ten seconds; the service is up, and follows its file, long before that."""
    async with silent_server() as url:
        sources = [{"http_sd": url}]
        config = configuration(tmp_path, {"endpoint": "127.0.0.1:1"}, sources=sources)
        async with running_service(config) as service:
            began = time.monotonic()
            # Not known yet: neither up nor down.
            assert await service.sample(up(f"http_sd:{url}")) is None
            targets = ({"endpoint": "127.0.0.1:1"}, {"endpoint": "127.0.0.1:2"})
            configuration(tmp_path, *targets, sources=sources)
            await becomes(service, TARGETS, 2)
            async with (
                aiohttp.ClientSession() as session,
                session.post(f"http://{service.address}/-/reload") as response,
            ):
                assert response.status == 200
            assert time.monotonic() - began < 9
            await becomes(service, up(f"http_sd:{url}"), 0, within=20)
            assert "did not answer in full within 10 s" in (await service.get("/"))[1]
            assert (await service.stop()).code == 0


async def test_a_list_is_fetched_at_once_and_kept_when_it_turns_bad(
    backend: Backend, tmp_path: Path
) -> None:
    """The first answer gives targets; the next, at a reload, is not a list, and they stay."""
    good = group(f"127.0.0.1:{backend.port}").encode()
    async with inventory([good, b"<html>"]) as url:
        config = configuration(tmp_path, sources=[{"http_sd": url}])
        async with running_service(config) as service:
            await becomes(service, up(f"http_sd:{url}"), 1)
            assert await service.sample(TARGETS) == 1
            assert await service.sample(NOTHING) == 0
            async with (
                aiohttp.ClientSession() as session,
                session.post(f"http://{service.address}/-/reload"),
            ):
                pass
            await becomes(service, up(f"http_sd:{url}"), 0)
            assert await service.sample(TARGETS) == 1
            assert (await service.stop()).code == 0


async def test_a_list_that_is_down_is_asked_again_soon(tmp_path: Path) -> None:
    """Its server comes up after the probe: ten seconds later at most, its targets are there."""
    config_file = tmp_path / "probe.yml"
    answers = [b"", group("127.0.0.1:1").encode()]
    async with inventory(answers) as url:
        gone = url.replace("/collectors", "/nowhere")
        config_file.write_text(
            json.dumps({"sources": [{"http_sd": gone}], "web": {"listen": "127.0.0.1:0"}}), "utf-8"
        )
        async with running_service(config_file) as service:
            await becomes(service, up(f"http_sd:{gone}"), 0)
            assert await service.sample(NOTHING) == 1
            assert "answers 404" in (await service.get("/"))[1]
            config_file.write_text(config_file.read_text("utf-8").replace("nowhere", "collectors"))
            # Its first answer is not a list; the second one is.
            await becomes(service, up(f"http_sd:{url}"), 0)
            await becomes(service, TARGETS, 1, within=25)
            assert await service.sample(NOTHING) == 0
            assert (await service.stop()).code == 0


async def test_a_directory_that_becomes_the_file_is_read_at_once(tmp_path: Path) -> None:
    """A container runtime makes a directory where the file to mount is missing."""
    file = tmp_path / "t.json"
    file.mkdir()
    config = configuration(tmp_path, sources=[{"file_sd": str(file)}])
    async with running_service(config) as service:
        assert await service.sample(up(f"file_sd:{file}")) == 0
        file.rmdir()
        file.write_text(group("127.0.0.1:1"), "utf-8")
        await becomes(service, up(f"file_sd:{file}"), 1)
        assert await service.sample(NOTHING) == 0
        assert (await service.stop()).code == 0
