"""A running service follows the processes that its sources name."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import pytest

from tests.support.backends import Backend
from tests.support.command_line import RunningService, running_service

pytestmark = pytest.mark.slow

TARGETS: Final = "mtls_probe_targets"
WITHIN: Final = 20.0
"""Several looks at what runs."""


@contextmanager
def exporter(backend: Backend, name: str, marker: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process with the variables of an exporter, and the marker on its command line."""
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://127.0.0.1:{backend.port}",
        "OTEL_SERVICE_NAME": name,
    }
    code = "import time; time.sleep(100)"
    with subprocess.Popen([sys.executable, "-c", code, marker], env=variables) as process:
        yield process
        process.kill()


async def becomes(service: RunningService, value: float) -> None:
    """Wait until so many targets are in force."""
    async with asyncio.timeout(WITHIN):
        while await service.sample(TARGETS) != value:
            await asyncio.sleep(0.1)


async def test_processes_come_and_go(backend: Backend, tmp_path: Path) -> None:
    """Each that has the text is a target while it runs; the service is up without any."""
    marker = f"exporter-of-{tmp_path.name}"
    file = tmp_path / "probe.yml"
    source = {"process": {"command": f"100) {marker}"}}
    file.write_bytes(msgspec.json.encode({"sources": [source], "web": {"listen": "127.0.0.1:0"}}))
    async with running_service(file) as service:
        up = f'mtls_probe_source_up{{source="process:100) {marker}"}}'
        assert await service.sample(up) == 0
        with exporter(backend, "first", marker):
            await becomes(service, 1)
            assert await service.sample(up) == 1
            with exporter(backend, "second", marker):
                await becomes(service, 2)
            await becomes(service, 1)
            _, page = await service.get("/")
            assert "first" in page
