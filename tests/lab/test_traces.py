"""The probe's own traces, as a real Collector receives them over mTLS and writes them to a file."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from probe import __version__
from probe.demo.scenarios import SCENARIOS
from probe.diagnosis.catalogue import CATALOGUE
from tests.lab import servers
from tests.lab.credentials import LabPki
from tests.lab.faulty_backends import faulty_backends
from tests.lab.running_probe import RunningProbe, running_probe
from tests.lab.span_file import ERROR, SpanFile, Written
from tests.support.command_line import configuration

NAMES: Final = {"DNS lookup", "socket connect", "TLS client handshake", "OTLP export"}
STAGES: Final = {
    "resolve": "DNS lookup",
    "connect": "socket connect",
    "handshake": "TLS client handshake",
    "accept": "TLS client handshake",
    "export": "OTLP export",
}
EXPECTED: Final = {scenario.name: scenario.expected for scenario in SCENARIOS}


@dataclass(frozen=True, slots=True)
class ExportedTraces:
    """Traces by target, and the probe's own result for each."""

    probe: RunningProbe
    spans: list[Written]

    def roots(self, target: str) -> list[Written]:
        """Return the roots of `target`, in order."""
        found = [span for span in self.spans if span.name == f"probe {target}"]
        return sorted(found, key=lambda span: span.start)

    def children(self, root: Written) -> dict[str, Written]:
        """Return the other spans of the trace, by name."""
        return {
            span.name: span
            for span in self.spans
            if span.trace_id == root.trace_id and span is not root
        }


def own_export(pki: LabPki, port: int, **more: str) -> dict[str, str]:
    """Return the SDK's variables for an export over mTLS."""
    return {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"https://127.0.0.1:{port}/v1/traces",
        "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE": str(pki.server_ca_file),
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE": str(pki.client.cert_file),
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY": str(pki.client.key_file),
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        **more,
    }


@pytest.fixture(scope="module")
def exported(
    otelcol: Path, pki: LabPki, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ExportedTraces]:
    """Targets that each fail with another cause, and the traces that the Collector wrote."""
    folder = tmp_path_factory.mktemp("traces")
    file = SpanFile(folder / "spans.json")
    with ExitStack() as stack:
        backend = stack.enter_context(
            servers.collector(otelcol, folder, pki, exporter=file.exporter)
        )
        probe = stack.enter_context(
            faulty_backends(
                tmp_path_factory.mktemp("fleet"),
                **own_export(
                    pki,
                    backend.http_port,
                    OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=lab,team=platform",
                    K8S_POD_NAME="probe-0",
                ),
            )
        )
        failing = [f"probe {name}" for name, cause in EXPECTED.items() if cause]
        wanted = {f"probe {name}" for name in EXPECTED}

        def enough(spans: list[Written]) -> bool:
            names = Counter(span.name for span in spans)
            gone = [span for span in spans if span.name == "probe backend-gone"]
            return (
                wanted <= names.keys()
                and min(names[name] for name in failing) >= 4
                and any(span.status == ERROR for span in gone)
            )

        yield ExportedTraces(probe, file.wait(enough))


def test_every_span_has_the_probes_resource(exported: ExportedTraces) -> None:
    """The same attributes on all of them, and as labels of target_info on /metrics."""
    (resource,) = {tuple(sorted(span.resource.items())) for span in exported.spans}
    found = dict(resource)
    assert found["service.name"] == "mtls-probe"
    assert found["service.version"] == __version__
    assert found["deployment.environment.name"] == "lab"
    assert (found["team"], found["k8s.pod.name"]) == ("platform", "probe-0")
    assert found["telemetry.sdk.language"] == "python"
    (line,) = [
        line
        for line in exported.probe.get("/metrics").splitlines()
        if line.startswith("target_info{")
    ]
    for name, value in found.items():
        assert f'{name.replace(".", "_")}="{value}"' in line
    assert line.count('="') == len(found)
    assert {span.scope for span in exported.spans} == {f"mtls-probe {__version__}"}


def test_a_trace_is_one_attempt(exported: ExportedTraces) -> None:
    """One root, whose children have its id as parent and follow each other within it."""
    traces: dict[str, list[Written]] = {}
    for span in exported.spans:
        traces.setdefault(span.trace_id, []).append(span)
    assert len(traces) > len(EXPECTED)
    for spans in traces.values():
        (root,) = [span for span in spans if not span.parent]
        assert root.name == f"probe {root.attributes['mtls_probe.target']}"
        children = [span for span in spans if span is not root]
        for child in children:
            assert child.parent == root.span_id
            assert root.start <= child.start <= child.end <= root.end
            assert child.kind == ("client" if child.name == "OTLP export" else "internal")
            for name in ("mtls_probe.target", "server.address", "server.port"):
                assert child.attributes[name] == root.attributes[name]
        own = [child for child in children if child.name in NAMES]
        assert len({child.name for child in own}) == len(own)
        ordered = sorted(own, key=lambda child: child.start)
        for before, after in pairwise(ordered):
            assert before.end <= after.start + 1_000


@pytest.mark.parametrize("target", EXPECTED)
def test_success_and_each_documented_cause(exported: ExportedTraces, target: str) -> None:
    """error.type is the cause, on the root and on the stage that failed; a success has none."""
    cause = EXPECTED[target]
    root = exported.roots(target)[-1]
    children = exported.children(root)
    result = exported.probe.result(target)
    assert result is not None
    attributes = root.attributes
    assert (attributes.get("error.type"), result["cause"]) == (cause, cause)
    assert attributes["mtls_probe.outcome"] == result["outcome"]
    assert attributes["mtls_probe.stage"] == result["stage"]
    assert attributes["mtls_probe.certain"] == result["certain"]
    assert attributes["mtls_probe.label.team"] == "payments"
    assert attributes["mtls_probe.expected"] is (cause is None)
    failed = {name for name, child in children.items() if "error.type" in child.attributes}
    if cause is None:
        assert (root.status, failed) == (0, set())
        assert {child.status for child in children.values()} == {0}
        # The first success also asks whether the backend insists on a certificate.
        stages = {name for name in children if not name.startswith("experiment ")}
        assert stages == {"socket connect", "TLS client handshake", "OTLP export"}
        return
    assert root.status == ERROR
    assert root.why in attributes["mtls_probe.facts"]
    stage = STAGES.get(result["stage"])
    assert failed == ({stage} if stage else set())
    if stage:
        assert children[stage].status == ERROR
        assert children[stage].attributes["error.type"] == cause
    known = CATALOGUE[cause]
    assert attributes["mtls_probe.family"] == known.family
    assert attributes["mtls_probe.documented_cause"] == known.documented_cause
    assert (attributes["mtls_probe.party"], attributes["mtls_probe.severity"]) == (
        result["party"],
        known.severity,
    )


def test_all_six_documented_causes_are_among_them(exported: ExportedTraces) -> None:
    """The targets include one of each number."""
    numbers = {span.attributes.get("mtls_probe.documented_cause") for span in exported.spans}
    assert {1, 2, 3, 4, 5, 6} <= numbers


def test_a_handshake_says_what_was_negotiated(exported: ExportedTraces) -> None:
    """By the names of the semantic conventions, on a success."""
    root = exported.roots("healthy-grpc")[-1]
    seen = exported.children(root)["TLS client handshake"].attributes
    assert seen["tls.protocol.name"] == "tls"
    assert seen["tls.protocol.version"] == "1.3"
    assert seen["tls.established"] is True
    assert seen["tls.next_protocol"] == "h2"
    assert seen["tls.cipher"].startswith("TLS_")
    assert seen["tls.curve"]
    for side in ("client", "server"):
        assert seen[f"tls.{side}.subject"].startswith("CN=")
        assert seen[f"tls.{side}.issuer"].startswith("CN=")
        assert seen[f"tls.{side}.not_after"].endswith("Z")
        assert len(seen[f"tls.{side}.hash.sha256"]) == 64
    assert seen["mtls_probe.tls.client_certificate.sent"] is True
    names = [event[0] for event in exported.children(root)["TLS client handshake"].events]
    assert names == ["mtls_probe.tls.client_finished"]
    export = exported.children(root)["OTLP export"].attributes
    assert export["rpc.system.name"] == "grpc"
    assert export["rpc.method"] == ("opentelemetry.proto.collector.trace.v1.TraceService/Export")
    assert export["rpc.response.status_code"] == "OK"
    over_http = exported.children(exported.roots("healthy-http")[-1])["OTLP export"].attributes
    assert over_http["http.request.method"] == "POST"
    assert over_http["http.response.status_code"] == 200
    assert "rpc.system.name" not in over_http


def test_an_alert_is_an_event_with_its_number(exported: ExportedTraces) -> None:
    """On the handshake that it ended; one that no alert ended has none."""
    root = exported.roots("documented-cause-1-client-ca-untrusted")[-1]
    alerts = [
        (name, found)
        for name, _, found in exported.children(root)["TLS client handshake"].events
        if name == "mtls_probe.tls.alert"
    ]
    assert alerts == [
        (
            "mtls_probe.tls.alert",
            {
                "mtls_probe.tls.alert.direction": "received",
                "mtls_probe.tls.alert.level": "fatal",
                "mtls_probe.tls.alert.number": 48,
                "mtls_probe.tls.alert.name": "unknown_ca",
            },
        )
    ]


def test_a_change_is_an_event_on_the_attempt_that_saw_it(exported: ExportedTraces) -> None:
    """From confirmed to a cause, once; the first attempt of a target is not a change."""
    roots = exported.roots("backend-gone")
    changes = [(root, event) for root in roots for event in root.events]
    ((root, (name, _, found)),) = changes
    assert name == "mtls_probe.cause_changed"
    assert found == {
        "mtls_probe.previous.outcome": "confirmed",
        "mtls_probe.outcome": "failed",
        "mtls_probe.cause": "tcp_refused",
    }
    assert root.status == ERROR
    assert roots[0].events == ()


def test_successes_are_sampled_and_failures_are_not(exported: ExportedTraces) -> None:
    """Each failure is a trace with weight 1; few successes are traced."""
    failing = "documented-cause-3-client-cert-expired"
    metrics = exported.probe.get("/api/v1/targets/" + failing)
    assert json.loads(metrics)["results"]
    assert len(exported.roots(failing)) >= 4
    assert len(exported.roots("healthy-grpc")) < 4
    assert {root.trace_state for root in exported.roots(failing)} == {"ot=th:0"}


def test_what_became_of_the_spans_is_counted(exported: ExportedTraces) -> None:
    """At least as many spans were exported as were read; none failed, none was dropped."""
    shown: dict[str, Any] = {
        line.split('"')[1]: float(line.split()[-1])
        for line in exported.probe.get("/metrics").splitlines()
        if line.startswith("mtls_probe_telemetry_spans_total{")
    }
    assert shown["exported"] >= len(exported.spans)
    assert (shown["failed"], shown["dropped"]) == (0, 0)


def test_further_handshakes_are_spans_of_their_attempt(
    otelcol: Path, pki: LabPki, s_server: servers.StartSServer, tmp_path: Path
) -> None:
    """One for each experiment, over gRPC this time; the next attempt, which has made none, has none."""
    picky = s_server("-groups", "P-521")
    file = SpanFile(tmp_path / "spans.json")
    target = {
        "name": "picky",
        "endpoint": f"https://127.0.0.1:{picky.port}",
        "protocol": "grpc",
        "interval": "500ms",
        "tls": {
            "ca_file": str(pki.server_ca_file),
            "cert_file": str(pki.client.cert_file),
            "key_file": str(pki.client.key_file),
            "curve_preferences": ["X25519"],
        },
    }
    with ExitStack() as stack:
        backend = stack.enter_context(
            servers.collector(otelcol, tmp_path, pki, exporter=file.exporter)
        )
        variables = own_export(pki, backend.grpc_port, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
        variables["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = f"https://127.0.0.1:{backend.grpc_port}"
        probe = stack.enter_context(running_probe(configuration(tmp_path, target), **variables))
        probe.becomes("picky", "no_shared_group")
        spans = file.wait(lambda spans: sum(span.name == "probe picky" for span in spans) >= 3)
    exported = ExportedTraces(probe, spans)
    first, *later = exported.roots("picky")
    made = {
        name: span
        for name, span in exported.children(first).items()
        if name.startswith("experiment ")
    }
    assert "experiment every_group" in made
    for name, span in made.items():
        assert name == f"experiment {span.attributes['mtls_probe.varied']}"
        assert span.end > span.start
        assert span.attributes["mtls_probe.ending.stage"] == "handshake"
    assert made["experiment every_group"].attributes["tls.curve"]
    for root in later:
        assert not any(name.startswith("experiment ") for name in exported.children(root))
