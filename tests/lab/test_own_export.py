"""The probe's own export over mTLS: a real Collector that demands a certificate, rotated files."""

import json
from pathlib import Path

import pytest

from tests.lab import servers
from tests.lab.credentials import LabPki
from tests.lab.running_probe import RunningProbe, running_probe
from tests.lab.span_file import SpanFile
from tests.support.command_line import configuration


def events(probe: RunningProbe) -> list[str]:
    """Return the events of the log about telemetry."""
    lines = [json.loads(line) for line in probe.log.text().splitlines() if line.startswith("{")]
    return [line["event"] for line in lines if line["event"].startswith("telemetry")]


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_certificate_that_is_replaced_is_used_without_a_restart(
    otelcol: Path, pki: LabPki, tmp_path: Path, protocol: str
) -> None:
    """With a certificate of another CA no span arrives, and the log says so once; then spans arrive."""
    file = SpanFile(tmp_path / "spans.json")
    cert, key = tmp_path / "own.crt", tmp_path / "own.key"
    cert.write_bytes(pki.stranger.cert_file.read_bytes())
    key.write_bytes(pki.stranger.key_file.read_bytes())
    target = {
        "name": "eu",
        "endpoint": "https://127.0.0.1:1",
        "protocol": "grpc",
        "interval": "200ms",
    }
    with servers.collector(otelcol, tmp_path, pki, exporter=file.exporter) as backend:
        port = backend.grpc_port if protocol == "grpc" else backend.http_port
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://127.0.0.1:{port}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_EXPORTER_OTLP_CERTIFICATE": str(pki.server_ca_file),
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(cert),
            "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(key),
            "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            # Another bundle for programs without a setting of their own: the SDK's variable has precedence.
            "REQUESTS_CA_BUNDLE": str(pki.other_ca_file),
        }
        with running_probe(configuration(tmp_path, target), **variables) as probe:
            probe.log.wait_for("telemetry_export_failed", timeout=20)
            assert file.spans() == []
            cert.write_bytes(pki.client.cert_file.read_bytes())
            key.write_bytes(pki.client.key_file.read_bytes())
            spans = file.wait(bool)
            probe.log.wait_for("telemetry_export_recovered")
            assert events(probe) == ["telemetry_export_failed", "telemetry_export_recovered"]
    assert {span.name for span in spans} >= {"probe eu", "socket connect"}
