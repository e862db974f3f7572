"""Renewed files that are not read again: by a real Collector, and with an SDK's variables."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from probe.config.loader import load_configuration, load_from_environment
from probe.ledger.ledger import Ledger
from probe.model.diagnosis import Diagnosis
from probe.model.target import Target
from probe.service.pipeline import Pipeline
from tests.lab.credentials import LabPki, Pair
from tests.lab.servers import Collector, StartCollector, serve_collector
from tests.support.pki import write_pem

SLACK = 6.0
"""Seconds; a little more than a backend gets beyond its reload_interval."""


def server_pair(pki: LabPki, folder: Path, *, age: timedelta) -> Pair:
    """Write a server certificate issued `age` ago over the existing one."""
    issued = pki.server_ca.issue(
        "backend", usages=("serverAuth",), not_before=datetime.now(UTC) - age
    )
    return Pair(
        write_pem(folder, "server.pem", issued.pem), write_pem(folder, "server.key", issued.key_pem)
    )


def source_with(folder: Path, pki: LabPki, running: Collector, file: Path) -> Target:
    """Return the target of an exporter on the receiver's host, from the Collector's own file."""
    collector = msgspec.json.decode(file.read_bytes())
    for protocol, port in (("grpc", running.grpc_port), ("http", running.http_port)):
        # It listens on port 0; the file needs the port that it got.
        listen = collector["receivers"]["otlp"]["protocols"][protocol]
        listen["endpoint"] = f"127.0.0.1:{port}"
    collector["exporters"]["otlp_grpc"] = {
        "endpoint": f"localhost:{running.grpc_port}",
        "tls": {
            "ca_file": str(pki.server_ca_file),
            "cert_file": str(pki.client.cert_file),
            "key_file": str(pki.client.key_file),
            "reload_interval": "1h",
        },
    }
    collector["service"]["pipelines"]["traces"]["exporters"] = ["otlp_grpc"]
    seen = folder / "seen.yaml"
    seen.write_bytes(msgspec.json.encode(collector))
    probe = folder / "probe.yaml"
    probe.write_text(f"sources: [{{collector: {seen}}}]\n")
    (target,) = load_configuration(probe, {}).targets
    return target


async def attempts(pipeline: Pipeline, target: Target, *, pause: float = 0.0) -> Diagnosis:
    """Wait `pause` seconds and make one attempt."""
    await asyncio.sleep(pause)
    return (await pipeline.probe_once(target))[2]


def causes(diagnosis: Diagnosis) -> list[str]:
    """Return the causes of the findings."""
    return [finding.cause for finding in diagnosis.findings]


@pytest.mark.parametrize("interval", ["", "500ms"], ids=["never", "with reload_interval"])
def test_a_collector_that_does_not_read_its_certificate_again(
    otelcol: Path, pki: LabPki, tmp_path: Path, interval: str
) -> None:
    """Its receiver names the file: renewed on disk and not served is `backend_not_reloading`.

    With reload_interval the Collector serves the new one, and there is no finding.
    """
    pair = server_pair(pki, tmp_path, age=timedelta(days=30))
    tls = {
        "cert_file": str(pair.cert_file),
        "key_file": str(pair.key_file),
        "client_ca_file": str(pki.client_ca_file),
    } | ({"reload_interval": interval} if interval else {})

    async def watch(target: Target) -> None:
        pipeline = Pipeline(Ledger([target]))
        before = await attempts(pipeline, target)
        assert (before.outcome, causes(before)) == ("confirmed", [])

        server_pair(pki, tmp_path, age=timedelta(minutes=1))
        after = await attempts(pipeline, target, pause=SLACK)
        # The Collector reads its file only in a handshake, and serves the new one in the next.
        after = await attempts(pipeline, target)
        assert after.outcome == "confirmed"
        if interval:
            assert causes(after) == []
            return
        assert causes(after) == ["backend_not_reloading"]
        (finding,) = after.findings
        assert str(pair.cert_file) in finding.fact
        assert "reload_interval of receiver otlp is not set" in finding.fact

    with serve_collector(otelcol, tmp_path, tls) as running:
        target = source_with(tmp_path, pki, running, tmp_path / "collector.yaml")
        asyncio.run(watch(target))


def test_an_sdk_that_was_not_restarted(
    collector: StartCollector, pki: LabPki, tmp_path: Path
) -> None:
    """The probe is confirmed with the renewed files; `exporter_not_reloading` reports the exporter."""
    first, second = (
        pki.client_ca.issue(name, not_after=datetime.now(UTC) + timedelta(days=days))
        for name, days in (("exporter", 3), ("exporter", 90))
    )
    cert = write_pem(tmp_path, "tls.crt", first.pem)
    key = write_pem(tmp_path, "tls.key", first.key_pem)
    (target,) = load_from_environment(
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://localhost:{collector().grpc_port}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            "OTEL_EXPORTER_OTLP_CERTIFICATE": str(pki.server_ca_file),
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(cert),
            "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(key),
        }
    ).targets

    async def watch() -> None:
        own = replace(target, name="own", sources=target.sources[:0])
        pipeline = Pipeline(Ledger([target, own]))
        assert causes(await attempts(pipeline, target)) == []
        await attempts(pipeline, own)

        write_pem(tmp_path, "tls.crt", second.pem)
        write_pem(tmp_path, "tls.key", second.key_pem)
        after = await attempts(pipeline, target)
        assert after.outcome == "confirmed"
        assert causes(after) == ["exporter_not_reloading"]
        (finding,) = after.findings
        assert f"{first.certificate.serial_number:x}" in finding.fact.lower()
        # It is not known whose files these are: so nothing is reported about an exporter.
        assert causes(await attempts(pipeline, own)) == []

        pipeline.credentials.forget_rotations()
        assert causes(await attempts(pipeline, target)) == []

    asyncio.run(watch())
