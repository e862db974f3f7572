"""Telemetry as a part of the service: it costs no attempt, whatever becomes of its spans."""

import json
import re
from pathlib import Path
from time import monotonic

import pytest

from tests.support.backends import Backend
from tests.support.command_line import RunningService, configuration, entry, running_service
from tests.support.demo_pki import PKI
from tests.support.span_receiver import Receiver

pytestmark = pytest.mark.slow

SPANS = "mtls_probe_telemetry_spans_total"
ATTEMPTS = 'mtls_probe_attempts_total{target="healthy"}'
HIDDEN = "nobody-may-see-this"


def variables(endpoint: str, **more: str) -> dict[str, str]:
    """Return what switches telemetry on."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={HIDDEN}",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        **more,
    }


def written(folder: Path, backend: Backend, **more: object) -> Path:
    """Write a configuration of one target, each attempt of which is traced."""
    target = entry(backend, PKI.settings(folder, PKI.exporter()), interval="250ms")
    # Experiments would delay attempts that come so soon after one another.
    return configuration(
        folder,
        target,
        telemetry={"sample_successes": 1, **more},
        experiments={"enabled": False},
    )


async def counted(service: RunningService, result: str, at_least: float) -> None:
    """Wait until so many spans had this end."""
    await service.reaches(f'{SPANS}{{result="{result}"}}', at_least, within=15.0)


async def test_spans_arrive_and_the_end_leaves_none_behind(
    backend: Backend, tmp_path: Path
) -> None:
    """What is recorded by the end is exported on the way out, within the service's own time."""
    receiver = Receiver()
    async with receiver.listening() as endpoint:
        more = variables(endpoint, OTEL_BSP_SCHEDULE_DELAY="60000")
        async with running_service(written(tmp_path, backend), more) as service:
            assert service.said["spans_to"] == f"{endpoint} (http/protobuf)"
            await service.reaches(ATTEMPTS, 3)
            assert receiver.names == []
            began = monotonic()
            ended = await service.stop()
            assert monotonic() - began < 5
    assert ended.code == 0
    assert receiver.names.count("probe healthy") >= 3
    assert receiver.names.count("OTLP export") == receiver.names.count("probe healthy")


async def test_a_backend_that_refuses_costs_spans_and_no_attempt(
    backend: Backend, tmp_path: Path
) -> None:
    """Reported once, with the reason and without a secret; reported again when it accepts them."""
    receiver = Receiver()
    receiver.status = 403
    async with receiver.listening() as endpoint:
        config = written(tmp_path, backend)
        env = variables(
            endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{endpoint}/v1/traces?token={HIDDEN}"
        )
        async with running_service(config, env) as service:
            await counted(service, "failed", 20)
            receiver.status = 200
            await counted(service, "exported", 4)
            assert await service.sample("mtls_probe_schedule_missed_total") == 0
            assert await service.sample(f'{SPANS}{{result="dropped"}}') == 0
            ended = await service.stop()
    lines = [json.loads(line) for line in ended.err.splitlines()]
    lines_of_telemetry = [line for line in lines if line["event"].startswith("telemetry")]
    assert [line["event"] for line in lines_of_telemetry] == [
        "telemetry_export_failed",
        "telemetry_export_recovered",
    ]
    assert "403" in lines_of_telemetry[0]["reason"]
    assert HIDDEN not in ended.err


async def test_a_backend_that_hangs_costs_spans_and_no_attempt(
    backend: Backend, tmp_path: Path
) -> None:
    """The queue has an end; whole traces are dropped, counted, and the schedule goes on."""
    receiver = Receiver()
    receiver.delay = 60.0
    async with receiver.listening() as endpoint:
        more = variables(endpoint, OTEL_BSP_MAX_QUEUE_SIZE="20")
        async with running_service(written(tmp_path, backend), more) as service:
            await counted(service, "dropped", 8)
            before = await service.sample(ATTEMPTS) or 0.0
            await service.reaches(ATTEMPTS, before + 5)
            began = monotonic()
            ended = await service.stop()
            assert monotonic() - began < 5
    assert ended.code == 0


@pytest.mark.parametrize(
    "more",
    [
        {"OTEL_EXPORTER_OTLP_TIMEOUT": "soon"},
        {"OTEL_EXPORTER_OTLP_COMPRESSION": "zip"},
        {"OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere/ca.pem"},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere.pem"},
        {"OTEL_BSP_SCHEDULE_DELAY": "-1"},
        {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "many"},
    ],
    ids=str,
)
async def test_settings_that_the_sdk_does_not_take_cost_no_attempt(
    more: dict[str, str], backend: Backend, tmp_path: Path
) -> None:
    """The probe runs on, and whatever the SDK says of them has the form of the log's own lines."""
    env = variables("https://127.0.0.1:1", **more)
    async with running_service(written(tmp_path, backend), env) as service:
        await service.reaches(ATTEMPTS, 3)
        ended = await service.stop()
    events = [json.loads(line)["event"] for line in ended.err.splitlines()]
    assert ended.code == 0
    assert {"telemetry_disabled", "telemetry_export_failed"} & set(
        events
    ) or "probe_fault" not in events


async def test_one_setting_keeps_the_context_from_backends(tmp_path: Path) -> None:
    """`propagate: false`: traces are recorded, and requests look as they do without telemetry."""
    receiver = Receiver()
    async with receiver.listening() as endpoint:
        target: dict[str, object] = {
            "endpoint": endpoint,
            "protocol": "http/protobuf",
            "interval": "100ms",
        }
        target["tls"] = {"insecure": True}
        for propagate in (True, False):
            telemetry = {"sample_successes": 1, "propagate": propagate}
            config = configuration(tmp_path, target, telemetry=telemetry)
            receiver.contexts.clear()
            async with running_service(config, variables(endpoint)) as service:
                await counted(service, "exported", 4)
                await service.stop()
            assert receiver.contexts
            for context in receiver.contexts:
                assert (context is not None) is propagate
                if context is not None:
                    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", context)


async def test_what_a_scrape_asks_for_is_traced_too(backend: Backend, tmp_path: Path) -> None:
    """One trace for each attempt of /probe: a failure always, a success by its share."""
    tls = PKI.settings(tmp_path, PKI.exporter())
    module = {
        "protocol": backend.protocol,
        "allow": ["127.0.0.1"],
        "tls": {"ca_file": tls.ca_file, "cert_file": tls.cert_file, "key_file": tls.key_file},
    }
    receiver = Receiver()
    async with receiver.listening() as endpoint:
        for share, expected in ((0, ["127.0.0.1:1"]), (1, ["healthy", "127.0.0.1:1"])):
            config = configuration(
                tmp_path, modules={"m": module}, telemetry={"sample_successes": share}
            )
            receiver.spans.clear()
            async with running_service(config, variables(endpoint)) as service:
                for port in (backend.port, 1):
                    status, _ = await service.get(f"/probe?target=127.0.0.1:{port}&module=m")
                    assert status == 200
                await service.stop()
            roots = [name for name in receiver.names if name.startswith("probe ")]
            named = {f"127.0.0.1:{backend.port}": "healthy"}
            assert [named.get(name.split()[-1], name.split()[-1]) for name in roots] == expected
