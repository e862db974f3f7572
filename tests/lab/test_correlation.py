"""From a Prometheus alert to its exemplar's trace and its log line; targets by resource attributes."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from probe.alerting.links import Pages
from probe.alerting.rule import Thresholds
from probe.alerting.rule_file import build_rule_group, render_rule_file
from tests.lab import servers
from tests.lab.credentials import LabPki, Pair
from tests.lab.monitoring import Prometheus, prometheus
from tests.lab.running_probe import RunningProbe, running_probe
from tests.lab.span_file import ERROR, SpanFile
from tests.support.command_line import ROOT, configuration
from tests.support.ports import reserved_port

HOUR: Final = "1h"
"""Only one attempt, so that exemplar, trace and log line are of the same one."""
PATIENCE: Final = 3.0
"""Seconds that a failure must have lasted; five minutes in the rules that people install."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Two probes of two environments, the Collector that has their spans, and Prometheus."""

    prometheus: Prometheus
    probes: dict[str, RunningProbe]
    file: SpanFile


def documented_rules() -> str:
    """Return the documented alerting rule on the failure rate by environment, as it stands there."""
    text = (ROOT / "docs" / "traces-and-logs.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(groups:\n.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]


def target(name: str, port: int, pki: LabPki, pair: Pair, **more: Any) -> dict[str, Any]:
    """Return a target of the configuration."""
    return {
        "name": name,
        "endpoint": f"https://127.0.0.1:{port}",
        "protocol": "grpc",
        "tls": {
            "ca_file": str(pki.server_ca_file),
            "cert_file": str(pair.cert_file),
            "key_file": str(pair.key_file),
        },
        **more,
    }


@pytest.fixture(scope="module")
def watched(
    otelcol: Path, pki: LabPki, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    """In production a certificate is of another CA; in staging all is well."""
    folder = tmp_path_factory.mktemp("correlation")
    file = SpanFile(folder / "spans.json")
    variables = {
        "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE": str(pki.server_ca_file),
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE": str(pki.client.cert_file),
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY": str(pki.client.key_file),
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    with ExitStack() as stack:
        backend = stack.enter_context(
            servers.collector(otelcol, folder, pki, exporter=file.exporter)
        )
        endpoint = f"https://127.0.0.1:{backend.http_port}/v1/traces"
        variables["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = endpoint
        probes = {}
        refused = {
            "production": stack.enter_context(reserved_port()),
            "staging": backend.grpc_port,
        }
        for name, pair in (("production", pki.stranger), ("staging", pki.client)):
            own = tmp_path_factory.mktemp(name)
            config = configuration(
                own,
                target("payments", backend.grpc_port, pki, pair, interval=HOUR),
                # Fails at another stage, so that the exemplar of "payments" stays.
                target("refunds", refused[name], pki, pki.client, interval="300ms"),
                target("orders", backend.grpc_port, pki, pki.client, interval="300ms"),
                resource={"deployment.environment.name": name},
                telemetry={"sample_successes": 1},
            )
            probes[name] = stack.enter_context(running_probe(config, **variables))
        rules = folder / "rules.yml"
        group = build_rule_group(Thresholds(patience=PATIENCE), Pages("http://pages.example"))
        rules.write_text(render_rule_file(group), "utf-8")
        by_environment = folder / "by-environment.yml"
        by_environment.write_text(documented_rules(), "utf-8")
        scraping = [
            {
                "job_name": "mtls-probe",
                "static_configs": [{"targets": [each.address for each in probes.values()]}],
            }
        ]
        server = stack.enter_context(
            prometheus(folder, scraping, rule_files=[rules, by_environment])
        )
        yield Watched(server, probes, file)


def exemplars(watched: Watched, query: str) -> list[dict[str, str]]:
    """Return the labels of the exemplars that Prometheus has for `query`."""
    found: list[dict[str, str]] = []

    def some() -> bool:
        data = watched.prometheus.get(
            "/api/v1/query_exemplars", query=query, start="0", end="4000000000"
        )["data"]
        found[:] = [each["labels"] for series in data for each in series["exemplars"]]
        return bool(found)

    watched.prometheus.wait(some, 20.0, f"an exemplar of {query}")
    return found


def test_from_the_alert_to_the_trace_to_the_log_line(watched: Watched) -> None:
    """The alert names target and instance; their exemplar's trace says why, and so does the log."""
    firing: list[dict[str, str]] = []

    def fired() -> bool:
        firing[:] = [alert["labels"] for alert in watched.prometheus.alerts()]
        return ("MtlsProbeFailing", "payments") in {
            (labels["alertname"], labels.get("target", "")) for labels in firing
        }

    watched.prometheus.wait(fired, 30.0, "fired MtlsProbeFailing")
    (alert,) = [
        labels
        for labels in firing
        if (labels["alertname"], labels.get("target")) == ("MtlsProbeFailing", "payments")
    ]
    found = [
        labels
        for labels in exemplars(
            watched, f'mtls_probe_duration_seconds_bucket{{instance="{alert["instance"]}"}}'
        )
        if labels["target"] == alert["target"]
    ]
    trace_id, span_id = found[0]["trace_id"], found[0]["span_id"]

    spans = watched.file.wait(lambda spans: any(span.trace_id == trace_id for span in spans))
    (root,) = [span for span in spans if span.trace_id == trace_id and not span.parent]
    assert (root.span_id, root.name, root.status) == (span_id, "probe payments", ERROR)
    assert root.attributes["error.type"] == "client_ca_untrusted"
    assert root.resource["deployment.environment.name"] == "production"

    lines = [
        json.loads(line)
        for line in watched.probes["production"].log.text().splitlines()
        if line.startswith("{")
    ]
    (line,) = [line for line in lines if line.get("trace_id") == trace_id]
    assert (line["span_id"], line["trace_flags"]) == (span_id, "01")
    assert line["event"] == "target_outcome_changed"
    for name in ("error.type", "server.address", "server.port", "mtls_probe.target"):
        assert line[name] == root.attributes[name]


def test_the_traces_of_one_target_only(watched: Watched) -> None:
    """Every span names its target: a query finds all spans of its traces and no others."""
    spans = watched.file.wait(
        lambda spans: (
            {span.attributes["mtls_probe.target"] for span in spans} >= {"payments", "orders"}
        )
    )
    of_one = [span for span in spans if span.attributes["mtls_probe.target"] == "payments"]
    traces = {span.trace_id for span in of_one}
    assert [span for span in spans if span.trace_id in traces] == of_one
    assert {span.resource["deployment.environment.name"] for span in of_one} == {
        "production",
        "staging",
    }


def test_an_alert_by_environment(watched: Watched) -> None:
    """target_info carries the resource: one join, and the documented alerting rule names the environment."""
    firing: list[dict[str, Any]] = []

    def fired() -> bool:
        alerts = watched.prometheus.alerts()
        firing[:] = [each for each in alerts if each["labels"]["alertname"] == "ExportersFailing"]
        return bool(firing)

    watched.prometheus.wait(fired, 30.0, "fired ExportersFailing")
    watched.prometheus.has("mtls_probe_attempts_total > 10")
    (alert,) = firing
    assert alert["labels"]["deployment_environment_name"] == "production"
    assert re.fullmatch(
        r"\d+(\.\d+)?% of attempts fail in production", alert["annotations"]["summary"]
    )
    # The same of spans, by the same names.
    roots = [span for span in watched.file.spans() if not span.parent]
    errors = {
        span.resource["deployment.environment.name"] for span in roots if span.status == ERROR
    }
    assert errors == {"production"}


def test_only_openmetrics_has_exemplars(watched: Watched) -> None:
    """The text format 0.0.4 has no place for them."""
    assert "trace_id" not in watched.probes["production"].get("/metrics")
