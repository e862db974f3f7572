"""Without the extra `otel` everything else works; without a destination it is not even imported."""

import json
from pathlib import Path

import pytest

from tests.support.backends import Backend
from tests.support.command_line import ROOT, configuration, entry, run_probe, running_service
from tests.support.demo_pki import PKI

pytestmark = pytest.mark.slow

ATTEMPTS = 'mtls_probe_attempts_total{target="healthy"}'
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
NOT_INSTALLED = """
import sys
from importlib.abc import MetaPathFinder

class NotInstalled(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter", "opentelemetry.semconv",
                            "opentelemetry.trace", "opentelemetry.context", "requests")):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled())
"""
TELLS_WHAT_IT_IMPORTED = """
import atexit, sys
atexit.register(lambda: print("imported", "opentelemetry.sdk" in sys.modules, file=sys.stderr))
"""


def python_with(folder: Path, at_start: str, **more: str) -> dict[str, str]:
    """Return variables under which Python runs `at_start` first."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(at_start, encoding="utf-8")
    return {"PYTHONPATH": f"{folder}:{ROOT}", **more}


def written(folder: Path, backend: Backend) -> Path:
    """Write a configuration of one target."""
    tls = PKI.settings(folder, PKI.exporter())
    return configuration(folder, entry(backend, tls, interval="100ms", depth="canary"))


async def test_the_service_runs_and_says_what_is_missing(backend: Backend, tmp_path: Path) -> None:
    """Attempts, canaries, metrics and the resource are there; only spans go nowhere."""
    env = python_with(tmp_path / "site", NOT_INSTALLED, **ENDPOINT)
    async with running_service(written(tmp_path, backend), env) as service:
        assert service.said["spans_to"] == (
            "nowhere: http://127.0.0.1:1 needs the extra mtls-probe[otel]"
        )
        await service.reaches(ATTEMPTS, 3)
        _, metrics = await service.get("/metrics")
        assert 'target_info{service_instance_id="' in metrics
        assert "telemetry_sdk" not in metrics
        assert "mtls_probe_telemetry" not in metrics
        _, result = await service.get("/api/v1/targets/healthy")
        assert json.loads(result)["results"][0]["outcome"] == "confirmed"
        ended = await service.stop()
    assert ended.code == 0
    assert "trace_id" not in ended.err
    lines = [json.loads(line) for line in ended.err.splitlines()]
    (reported,) = [line for line in lines if line["event"] == "telemetry_disabled"]
    assert reported["level"] == "warning"


async def test_over_grpc_it_names_that_extra(backend: Backend, tmp_path: Path) -> None:
    """The one that brings gRPC's library with it."""
    env = python_with(
        tmp_path / "site", NOT_INSTALLED, **ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL="grpc"
    )
    async with running_service(written(tmp_path, backend), env) as service:
        assert "mtls-probe[otel-grpc]" in service.said["spans_to"]
        await service.stop()


@pytest.mark.parametrize(
    ("variables", "imported"),
    [({}, False), (ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"}, False), (ENDPOINT, True)],
)
async def test_it_is_imported_only_where_spans_go_somewhere(
    backend: Backend, tmp_path: Path, variables: dict[str, str], imported: bool
) -> None:
    """Installed and not asked for, it costs no memory."""
    env = python_with(tmp_path / "site", TELLS_WHAT_IT_IMPORTED, **variables)
    async with running_service(written(tmp_path, backend), env) as service:
        await service.reaches(ATTEMPTS, 1)
        ended = await service.stop()
    assert ended.err.splitlines()[-1] == f"imported {imported}"


async def test_the_other_commands_do_not_ask_for_it(backend: Backend, tmp_path: Path) -> None:
    """`check` probes once and has no trace, whatever the environment says."""
    env = python_with(tmp_path / "site", TELLS_WHAT_IT_IMPORTED, **ENDPOINT)
    ended = await run_probe(
        "check", "--config", written(tmp_path, backend), "--output", "jsonl", env=env
    )
    assert json.loads(ended.out)["outcome"] == "confirmed"
    assert ended.err.splitlines()[-1] == "imported False"
