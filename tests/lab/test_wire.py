"""What a Collector's exporters put on the wire, and what the probe does for them: a backend sees the same."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.lab import observation
from tests.lab.credentials import LabPki
from tests.lab.stack import Serving
from tests.lab.stacks.go import serve_go
from tests.lab.wire.cases import list_cases
from tests.lab.wire.collector_exporters import (
    Bench,
    Case,
    run_collector,
    run_probe,
    with_exporters,
)

pytestmark = pytest.mark.slow


def test_a_backend_sees_the_same_of_exporters_and_of_the_probe(
    otelcol: Path, pki: LabPki, tmp_path: Path
) -> None:
    """ClientHello, client certificate, and the first request: over gRPC, HTTP/2 and HTTP/1.1."""
    cases = list_cases(pki)
    with ExitStack() as stack:
        theirs, ours = Bench(pki, stack), Bench(pki, stack)
        for case in cases:
            theirs.add(case)
            ours.add(case)
        exporters = {case.id: theirs.settings(case) for case in cases}
        run_collector(otelcol, tmp_path, with_exporters(exporters), theirs, cases)
        exporters = {case.id: ours.settings(case) for case in cases}
        targets = run_probe(tmp_path, with_exporters(exporters))

        assert [target.name for target in targets if target.faults] == []
        assert len(targets) == len(cases)
        different = {
            case.id: (theirs.first_request(case), ours.first_request(case))
            for case in cases
            if theirs.first_request(case) != ours.first_request(case)
        }
    assert different == {}


def own_exporters(pki: LabPki) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return section, kind of stage and settings of a Collector's own exporters, by name."""
    files = {
        "certificate": str(pki.server_ca_file),
        "client_certificate": str(pki.client.cert_file),
        "client_key": str(pki.client.key_file),
    }
    pairs = [{"name": "X-A", "value": "b"}]
    return {
        "traces": (
            "processors",
            "simple",
            {"protocol": "http/protobuf", "endpoint": "https://LOCALHOST:{tls}/a b?x=1", **files},
        ),
        "metrics": (
            "readers",
            "periodic",
            {"protocol": "grpc", "endpoint": "http://localhost:{tls}", "headers": pairs, **files},
        ),
        "logs": (
            "processors",
            "simple",
            {"protocol": "http/protobuf", "endpoint": "localhost:{plain}", "insecure": True},
        ),
    }


def test_a_collectors_own_telemetry_goes_where_the_probe_does(
    otelcol: Path, pki: LabPki, tmp_path: Path
) -> None:
    """The exporters of `service.telemetry` are the Go SDK's, with keys of their own."""
    own = own_exporters(pki)
    cases = [Case(signal, settings) for signal, (_, _, settings) in own.items()]

    def configure(bench: Bench) -> dict[str, Any]:
        configuration = with_exporters({})
        sections = {}
        for case in cases:
            stages, kind, _ = own[case.id]
            stage = {"exporter": {"otlp": bench.settings(case)}}
            if kind == "periodic":
                stage["interval"] = 300
            sections[case.id] = {stages: [{kind: stage}]}
        configuration["exporters"] = {"debug": {}}
        configuration["service"] = {
            "telemetry": sections,
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}},
        }
        return configuration

    with ExitStack() as stack:
        theirs, ours = Bench(pki, stack), Bench(pki, stack)
        for case in cases:
            theirs.add(case)
            ours.add(case)
        run_collector(otelcol, tmp_path, configure(theirs), theirs, cases)
        targets = run_probe(tmp_path, configure(ours))
        assert [target.name for target in targets] == [f"service.telemetry/{one}" for one in own]
        for case in cases:
            assert ours.first_request(case) == theirs.first_request(case), case.id


def test_a_key_on_a_curve_that_is_not_offered(pki: LabPki, tmp_path: Path) -> None:
    """Go takes it in TLS 1.2, as the real Collector was seen to do; so does the probe for it."""
    serving = Serving(server=pki.server, client_ca_file=pki.client_ca_file, tls="1.2")
    with serve_go(tmp_path, serving) as port:
        target = observation.target(
            pki, port, pki.client, protocol="http/protobuf", curve_preferences=("X25519",)
        )
        _, diagnosis = observation.observe(target)
        assert diagnosis.outcome == "confirmed", diagnosis.facts
