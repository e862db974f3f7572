"""Hostile names from a peer and a file are harmless on the page, in metrics, log and terminal."""

import asyncio
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from opentelemetry.proto.common.v1.common_pb2 import ArrayValue
from prometheus_client.parser import text_string_to_metric_families

from tests.lab.compiled import go_server
from tests.lab.credentials import LabPki
from tests.lab.hostile_text import PROGRAM, TARGET, harmless, hostile_certificate
from tests.lab.servers import process, started
from tests.support.command_line import ROOT, configuration, environment, running_service
from tests.support.required_tools import missing
from tests.support.span_receiver import Receiver


@pytest.fixture(params=[False, True], ids=["readable", "lone surrogate"])
def surrogate(request: pytest.FixtureRequest) -> bool:
    """Whether the subject is one that no library reads."""
    return bool(request.param)


@pytest.fixture
def watched(pki: LabPki, tmp_path: Path, *, surrogate: bool) -> Iterator[Path]:
    """A configuration with the hostile target, whose server presents the hostile certificate."""
    if shutil.which("go") is None:
        missing("go is not installed")
    pair = hostile_certificate(pki, tmp_path, surrogate=surrogate)
    command = [str(go_server(PROGRAM)), "-cert", str(pair.cert_file), "-key", str(pair.key_file)]
    with process(command, tmp_path / "server.log") as log:
        port = started(log, r"port \S*:(\d+)")[1]
        yield configuration(
            tmp_path,
            {
                "name": TARGET,
                "endpoint": f"localhost:{port}",
                "timeout": "1s",
                "tls": {
                    "ca_file": str(pki.server_ca_file),
                    "cert_file": str(pki.client.cert_file),
                    "key_file": str(pki.client.key_file),
                },
            },
        )


async def test_spans(watched: Path, *, surrogate: bool) -> None:
    """Names, attributes, events and status of every span: what shows them may be a terminal."""
    receiver = Receiver()
    async with receiver.listening() as endpoint:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "50"}
        async with running_service(watched, env) as service:
            async with asyncio.timeout(20):
                while not receiver.spans:
                    await asyncio.sleep(0.1)
            await service.stop()
    texts = [
        value
        for span in receiver.spans
        for message in (span, *span.events)
        for pair in message.attributes
        for value in (pair.key, pair.value.string_value, *_each(pair.value.array_value))
    ]
    texts += [text for span in receiver.spans for text in (span.name, span.status.message)]
    for text in texts:
        harmless(text, "a span")
        assert text.isprintable()
    assert f"probe {TARGET}" in texts
    if not surrogate:
        assert any(r"\x1b[31mred" in text for text in texts)


def _each(array: ArrayValue) -> list[str]:
    return [each.string_value for each in array.values]


async def test_pages_metrics_and_log(watched: Path, *, surrogate: bool) -> None:
    """The name and the subject can be read, and do nothing."""
    async with running_service(watched) as service:
        async with asyncio.timeout(20):
            while "mtls_probe_success{" not in (metrics := (await service.get("/metrics"))[1]):
                await asyncio.sleep(0.1)
        pages = {
            path: (await service.get(path))[1]
            for path in ("/", f"/targets/{quote(TARGET, safe='')}", "/api/v1/targets")
        }
        ended = await service.stop()
    for path, text in pages.items():
        harmless(text, path)
    for path in ("/", f"/targets/{quote(TARGET, safe='')}"):
        assert TARGET not in pages[path]
        assert "&lt;script&gt;alert(1)" in pages[path]
        assert "<img" not in pages[path]
    harmless(metrics, "/metrics")
    if surrogate:
        # No library reads such a name: the certificate is there, and its names are not shown.
        return
    subjects = {
        sample.labels["subject"]
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
        if sample.name == "mtls_probe_certificate_info" and sample.labels["source"] == "server"
    }
    (subject,) = subjects
    assert r"\u202egnp" in subject
    assert "next line" in subject
    harmless(ended.err, "the log")
    assert TARGET in ended.err


@pytest.mark.parametrize("output", ["table", "json", "jsonl", "junit", "prometheus"])
def test_the_terminal(watched: Path, output: str) -> None:
    """On a terminal, where an escape sequence would do something; ours for colour are our own."""
    command = [sys.executable, "-m", "probe", "check", "--config", str(watched), "--output", output]
    text = on_a_terminal(command)
    assert "\x1b[31mred" not in text
    plain = without_colour(text)
    harmless(plain, output)
    assert "script" in plain


def on_a_terminal(command: list[str]) -> str:
    """Run `command` with a pseudo-terminal for all its streams; return what came."""
    ours, theirs = pty.openpty()
    env = environment({"TERM": "xterm-256color", "COLUMNS": "120"})
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, env=env
    ) as process:
        os.close(theirs)
        parts = []
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # EIO: everybody has closed the other end
                break
            if not part:
                break
            parts.append(part)
        process.wait(30)
    os.close(ours)
    return b"".join(parts).decode("utf-8")


def without_colour(text: str) -> str:
    """Return `text` without what a progress line and colours of our own consist of."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
