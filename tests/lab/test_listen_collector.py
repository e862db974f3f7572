"""`listen` refuses an exporter with the alert of a real Collector that has the same files."""

import json
from contextlib import ExitStack
from pathlib import Path

import pytest
from OpenSSL import SSL

from tests.lab.credentials import LabPki, Pair
from tests.lab.exporters.programs import PROGRAMS
from tests.lab.exporters.run import ExporterProcess
from tests.lab.listening import export, listen
from tests.lab.servers import StartCollector, serve_collector
from tests.support.loopback_client import client_context, talk

pytestmark = pytest.mark.slow

TRIES = 20
CLIENTS = (
    "none", "client", "stranger", "expired", "not_yet_valid", "wrong_usage", "self_signed",
    "rekeyed", "below_intermediate", "expired_stranger",
)  # fmt: skip


def make_context(client: Pair | None, version: str) -> SSL.Context:
    """Return a client that presents whatever it has."""
    context = client_context(None, version)
    if client is not None:
        context.use_certificate_chain_file(str(client.cert_file))
        context.use_privatekey_file(str(client.key_file))
    return context


def read_alert(port: int, context: SSL.Context, payload: bytes) -> list[int]:
    """Return the alert that ends a handshake; Go's may be lost to the reset behind it."""
    for _ in range(TRIES):
        seen = talk(port, context, payload=payload, patience=0.5)
        alerts = [one for one in seen.alerts if one]
        if alerts or seen.ended not in {"reset", "close"}:
            return alerts
    return []


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_the_alert_is_a_collectors(
    collector: StartCollector, pki: LabPki, tmp_path: Path, version: str
) -> None:
    """For clients of ten kinds, in both versions."""
    port = collector().grpc_port
    with listen(tmp_path, pki.server, pki.client_ca_file) as listening:
        for name in CLIENTS:
            pair = getattr(pki, name) if name != "none" else None
            context = make_context(pair, version)
            there, here = (read_alert(one, context, b"") for one in (port, listening.port))
            assert here == there, name


@pytest.mark.parametrize("kind", ["otlp_grpc", "otlp_http"])
def test_between_two_collectors_telemetry_goes_on(
    otelcol: Path, pki: LabPki, tmp_path: Path, kind: str
) -> None:
    """A Collector's own exporter is described, and what it sends reaches the Collector behind."""
    spans = tmp_path / "spans.json"
    written = {"file": {"path": str(spans), "rotation": {"max_megabytes": 1}}}
    for name in ("before", "behind"):
        (tmp_path / name).mkdir()
    with ExitStack() as stack:
        behind = stack.enter_context(
            serve_collector(otelcol, tmp_path / "behind", None, exporter=written)
        )
        port = behind.grpc_port if kind == "otlp_grpc" else behind.http_port
        options = ("--forward", f"127.0.0.1:{port}")
        listening = stack.enter_context(
            listen(tmp_path / "listen", pki.server, pki.client_ca_file, *options)
        )
        tls = {
            "ca_file": str(pki.server_ca_file),
            "cert_file": str(pki.client.cert_file),
            "key_file": str(pki.client.key_file),
        }
        sends = {kind: {"endpoint": f"https://localhost:{listening.port}", "tls": tls}}
        before = stack.enter_context(
            serve_collector(otelcol, tmp_path / "before", None, exporter=sends)
        )
        python = ExporterProcess(PROGRAMS["python-grpc"])
        stack.callback(python.close)
        answer = export(python, before.grpc_port, None, pki.server_ca_file, "http")
        assert answer.outcome == "ok", answer.text
        line = listening.wait_for(lambda line: line["outcome"] == "confirmed")
    request = line["requests"][0]
    assert line["looks_like"]["exporters"] == ["collector"]
    assert line["looks_like"]["differences"] == 0
    assert (request["signal"], request["items"]) == ("traces", 1)
    assert request["services"] == ["unknown_service:python"]
    assert request["user_agent"].startswith("The Collector of the lab tests")
    document = json.loads(spans.read_text(encoding="utf-8").splitlines()[0])
    assert len(document["resourceSpans"][0]["scopeSpans"][0]["spans"]) == 1
