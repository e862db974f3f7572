"""Nothing probed is never well: what commands say and return of sources that cannot be read."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from tests.support.backends import Backend
from tests.support.command_line import Ended, command, configuration, entry, run_commands, run_probe
from tests.support.demo_pki import PKI

pytestmark = pytest.mark.slow

GONE: Final = "http://127.0.0.1:1/collectors?token=s3cret-token"


@asynccontextmanager
async def silent_server() -> AsyncIterator[str]:
    """Yield the URL of a server that takes connections and never answers."""
    ended = asyncio.Event()

    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/collectors"
    finally:
        ended.set()
        server.close()


@asynccontextmanager
async def inventory(answers: list[bytes]) -> AsyncIterator[str]:
    """Serve `answers` in turn, the last one for ever; yield the URL."""
    asked = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        body = answers[min(asked, len(answers)) - 1]
        return web.Response(body=body, content_type="application/json")

    application = web.Application()
    application.router.add_get("/collectors", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/collectors"
    finally:
        await runner.cleanup()


def read_json(ended: Ended) -> bool:
    """Return whether the document says that a source is down."""
    return not all(source["up"] for source in ended.document["sources"])


def read_lines(ended: Ended) -> bool:
    """Read each line; the sources stand on stderr alone."""
    assert all(json.loads(line)["target"] for line in ended.out.splitlines())
    return "error: source " in ended.err


def read_junit(ended: Ended) -> bool:
    """Return whether a case says that a source is down."""
    root = ET.fromstring(ended.out)
    return bool(root.findall(".//failure[@type='source_down']"))


def read_metrics(ended: Ended) -> bool:
    """Return whether a series says that a source is down."""
    families = {one.name: one for one in text_string_to_metric_families(ended.out)}
    return 0 in [sample.value for sample in families["mtls_probe_source_up"].samples]


READERS: Final = {
    "json": read_json,
    "jsonl": read_lines,
    "junit": read_junit,
    "prometheus": read_metrics,
}


def broken(folder: Path) -> dict[str, dict[str, Any]]:
    """Return one source of each way to be down, by what is wrong with it."""
    pipeline = "service: {pipelines: {traces: {receivers: [nop], exporters: [debug]}}}"
    (folder / "none.yaml").write_text(f"receivers: {{nop: }}\nexporters: {{debug: }}\n{pipeline}")
    (folder / "shape.yaml").write_text("a: [b", "utf-8")
    (folder / "folder.json").mkdir()
    return {
        "http_sd is down": {"http_sd": GONE},
        "a pattern that matches nothing": {"file_sd": f"{folder}/targets/*.yaml"},
        "a file without an exporter": {"collector": str(folder / "none.yaml")},
        "a file of another shape": {"sdk": str(folder / "shape.yaml")},
        "a directory": {"file_sd": str(folder / "folder.json")},
        "a file that is not there": {"collector": str(folder / "missing.yaml")},
        "no variable set": {"sdk": "environment"},
    }


@pytest.mark.parametrize("output", READERS)
async def test_check_exits_1_and_its_document_parses(
    backend: Backend, tmp_path: Path, output: str
) -> None:
    """For each way to be down, with another target that is confirmed; no secret is shown."""
    target = entry(backend, PKI.settings(tmp_path, PKI.exporter()))
    runs = []
    for number, source in enumerate(broken(tmp_path).values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        config = configuration(folder, target, sources=[source])
        runs.append(command("check", "--config", config, "--output", output))
    for ended, wrong in zip(await run_commands(*runs), broken_names(), strict=True):
        assert ended.code == 1, wrong
        assert READERS[output](ended), wrong
        assert "error: source " in ended.err, wrong
        assert "s3cret" not in ended.out + ended.err
        if output == "json":
            assert [one["outcome"] for one in ended.document["results"]] == ["confirmed"], wrong


def broken_names() -> tuple[str, ...]:
    """Return the ways of `broken`, in their order."""
    return (
        "http_sd is down",
        "a pattern that matches nothing",
        "a file without an exporter",
        "a file of another shape",
        "a directory",
        "a file that is not there",
        "no variable set",
    )


async def test_validate_exits_1_for_each_but_asks_no_server(tmp_path: Path) -> None:
    """It connects nowhere: it reports that a list is left out, which is not a fault."""
    runs = []
    for number, source in enumerate(broken(tmp_path).values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        config = configuration(folder, {"endpoint": "127.0.0.1:1"}, sources=[source])
        runs.append(command("validate", "--config", config, "--output", "json"))
    for ended, wrong in zip(await run_commands(*runs), broken_names(), strict=True):
        left_out = wrong == "http_sd is down"
        assert ended.code == (0 if left_out else 1), wrong
        if left_out:
            assert "connects nowhere" in ended.document["warnings"][0]
        else:
            assert [source["up"] for source in ended.document["sources"]] == [False], wrong


async def test_no_target_at_all_is_1(tmp_path: Path) -> None:
    """A list that says that it is empty is up; but then there is nothing to probe, and that is said."""
    (tmp_path / "t.json").write_text("[]", "utf-8")
    config = configuration(tmp_path, sources=[{"file_sd": str(tmp_path / "t.json")}])
    for name in ("check", "validate"):
        ended = await run_probe(name, "--config", config, "--output", "json")
        assert ended.code == 1
        assert [source["up"] for source in ended.document["sources"]] == [True]
        assert "there is nothing to probe" in ended.err
    junit = await run_probe("check", "--config", config, "--output", "junit")
    assert ET.fromstring(junit.out).find(".//failure[@type='nothing_to_probe']") is not None


async def test_modules_alone_are_valid_and_nothing_to_check(tmp_path: Path) -> None:
    """`/probe` needs no target: such a file is right, and a round over it still probes nothing."""
    config = configuration(tmp_path, modules={"m": {"allow": ["*"]}})
    assert (await run_probe("validate", "--config", config)).code == 0
    ended = await run_probe("check", "--config", config)
    assert ended.code == 1
    assert "nothing to probe here" in ended.err


async def test_check_waits_for_its_sources_too(backend: Backend, tmp_path: Path) -> None:
    """An init container: the file with the targets is written by another one, a moment later."""
    target = entry(backend, PKI.settings(tmp_path, PKI.exporter()))
    file = tmp_path / "late.json"
    config = configuration(
        tmp_path,
        defaults={"tls": target["tls"], "protocol": "grpc"},
        sources=[{"file_sd": str(file)}],
    )

    async def write_late() -> None:
        await asyncio.sleep(2)
        file.write_text(json.dumps([{"targets": [f"127.0.0.1:{backend.port}"]}]), "utf-8")

    ended, _ = await asyncio.gather(
        run_probe("check", "--config", config, "--wait", "25s", "--output", "json"), write_late()
    )
    assert ended.code == 0, ended.err
    assert ended.document["sources"][0]["up"] is True
    assert ended.err == ""


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({}, "neither OTEL_EXPORTER_OTLP_ENDPOINT nor one of "),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "ftp://x"},
            "environment: OTEL_EXPORTER_OTLP_ENDPOINT: the scheme is unknown",
        ),
    ],
)
@pytest.mark.parametrize("command", ["check", "validate"])
async def test_without_any_target_the_reason_is_all_there_is(
    command: str, environ: dict[str, str], reason: str
) -> None:
    """No table without rows, and the reason once: neither it nor the environment is named twice."""
    ended = await run_probe(command, env=environ)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"error: there is nothing to probe: {reason}")
    assert ended.err.count("error:") == ended.err.count("nothing to probe") == 1
    assert ended.err.lower().count("environment:") == reason.count("environment:")


async def test_the_environment_among_other_sources_is_named_once(tmp_path: Path) -> None:
    """Where a file names it, its line says which source it is, and only once."""
    config = configuration(tmp_path, {"endpoint": "127.0.0.1:1"}, sources=[{"sdk": "environment"}])
    ended = await run_probe(
        "validate", "--config", config, env={"OTEL_EXPORTER_OTLP_ENDPOINT": "ftp://x"}
    )
    assert ended.code == 1
    assert "error: source environment: OTEL_EXPORTER_OTLP_ENDPOINT: the scheme" in ended.err
    assert "TARGET" in ended.out
