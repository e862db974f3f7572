"""The whole way: a Collector stops trusting the CA, and a notification says why and what to do."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from probe.alerting.links import Pages
from probe.alerting.rule import Thresholds
from probe.alerting.rule_file import build_rule_group, render_rule_file
from tests.lab.credentials import LabPki
from tests.lab.monitoring import Alertmanager, alertmanager, prometheus
from tests.lab.running_probe import running_probe
from tests.lab.servers import serve_collector
from tests.support.command_line import configuration
from tests.support.pki import write_pem

TARGET = "collector-eu"
PATIENCE = 3.0
"""Seconds that a failure must have lasted; five minutes in the rules that people install."""


def test_from_the_collector_to_the_alert_and_back(
    otelcol: Path, pki: LabPki, tmp_path: Path
) -> None:
    """Each step by the real program: Collector, probe, Prometheus, Alertmanager; then resolved."""
    trusted = write_pem(tmp_path, "client-ca.pem", pki.client_ca.pem)
    tls = {
        "cert_file": str(pki.server.cert_file),
        "key_file": str(pki.server.key_file),
        "client_ca_file": str(trusted),
        "client_ca_file_reload": True,
    }
    rules = tmp_path / "rules.yml"
    pages = Pages(runbooks="https://runbooks.example.com/")
    rules.write_text(
        render_rule_file(build_rule_group(Thresholds(patience=PATIENCE), pages)), "utf-8"
    )
    with serve_collector(otelcol, tmp_path, tls) as collector:  # type: ignore[arg-type]
        entry = {
            "name": TARGET,
            "endpoint": f"localhost:{collector.grpc_port}",
            "interval": "500ms",
            "tls": {
                "ca_file": str(pki.server_ca_file),
                "cert_file": str(pki.client.cert_file),
                "key_file": str(pki.client.key_file),
            },
        }
        with (
            running_probe(configuration(tmp_path, entry)) as probe,
            alertmanager(tmp_path) as held,
            prometheus(
                tmp_path,
                [{"job_name": "mtls-probe", "static_configs": [{"targets": [probe.address]}]}],
                rule_files=[rules],
                alertmanager=held.url.removeprefix("http://"),
            ) as watching,
        ):
            watching.has("mtls_probe_success == 1")
            watching.wait(
                lambda: watching.query("mtls_probe_success offset 4s") != [], 20, "was 4 s old"
            )
            assert held.alerts() == []

            write_pem(tmp_path, "client-ca.pem", pki.other_ca.pem)

            result = probe.becomes(TARGET, "client_ca_untrusted")
            assert result["documented_cause"] == 1
            watching.wait(lambda: "MtlsProbeFailing" in names(watching.alerts()), 30, "fired")
            watching.wait(lambda: held.alerts() != [], 20, "sent it on")
            (alert,) = held.alerts()
            labels, notes = alert["labels"], alert["annotations"]
            assert labels["alertname"] == "MtlsProbeFailing"
            assert (labels["target"], labels["cause"]) == (TARGET, "client_ca_untrusted")
            assert (labels["party"], labels["severity"]) == ("backend", "critical")
            assert "client_ca_file" in notes["fix"]
            assert notes["runbook_url"] == "https://runbooks.example.com/client_ca_untrusted"
            assert quote(TARGET) in notes["dashboard_url"]

            write_pem(tmp_path, "client-ca.pem", pki.client_ca.pem)

            probe.becomes(TARGET, None)
            watching.wait(lambda: watching.alerts() == [], 30, "ceased to fire")
            watching.wait(lambda: resolved(held), 60, "resolved it")


def names(alerts: list[dict[str, Any]]) -> set[str]:
    """Return the names of these alerts."""
    return {alert["labels"]["alertname"] for alert in alerts}


def resolved(held: Alertmanager) -> bool:
    """Whether Alertmanager holds nothing that is still active."""
    return held.alerts() == []
