"""Only the SDK's four variables: `check` and `run` against the real Collector."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.lab.credentials import LabPki, Pair
from tests.lab.servers import Log, StartCollector, serve_collector
from tests.support.command_line import ROOT
from tests.support.pki import write_pem

PORT = 9943
"""The default: without a file, nothing chooses another."""
LIMIT = 20.0


def variables(pki: LabPki, endpoint: str, client: Pair, **more: str) -> dict[str, str]:
    """Return a whole environment: the four variables, and what any process needs to start."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(pki.server_ca_file),
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(client.cert_file),
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(client.key_file),
        **more,
    }


def check(environment: dict[str, str], folder: Path) -> tuple[int, dict[str, object]]:
    """Run `mtls-probe check --output json`; return its exit code and its only result."""
    ended = subprocess.run(
        [sys.executable, "-m", "probe", "check", "--output", "json"],
        env=environment,
        cwd=folder,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.stdout, ended.stderr.decode()
    (result,) = json.loads(ended.stdout)["results"]
    return ended.returncode, result


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_check_needs_no_file(
    collector: StartCollector, pki: LabPki, tmp_path: Path, protocol: str
) -> None:
    """Confirmed where the Collector trusts the exporter's CA; the cause and exit 1 where not."""
    ports = {}
    for trusts, running in (
        ("ours", collector()),
        ("another", collector(client_ca_file=pki.other_ca_file)),
    ):
        ports[trusts] = running.grpc_port if protocol == "grpc" else running.http_port
    wanted = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol}

    code, result = check(
        variables(pki, f"https://localhost:{ports['ours']}", pki.client, **wanted), tmp_path
    )
    assert (code, result["outcome"]) == (0, "confirmed")
    assert (result["target"], result["protocol"]) == ("sdk", protocol)

    code, result = check(
        variables(pki, f"https://localhost:{ports['another']}", pki.client, **wanted), tmp_path
    )
    assert (code, result["cause"]) == (1, "client_ca_untrusted")


def test_the_protocol_that_nobody_chose_is_a_fact(
    collector: StartCollector, pki: LabPki, tmp_path: Path
) -> None:
    """Then any port but 4317 means OTLP/HTTP, and SDKs differ: the result says so."""
    endpoint = f"https://localhost:{collector().http_port}"
    code, result = check(variables(pki, endpoint, pki.client), tmp_path)
    assert (code, result["protocol"]) == (0, "http/protobuf")
    assert any("OTEL_EXPORTER_OTLP_PROTOCOL" in fact for fact in result["facts"])  # type: ignore[attr-defined]


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_backend_of_metrics_alone_is_asked_for_metrics(
    otelcol: Path, pki: LabPki, tmp_path: Path, protocol: str
) -> None:
    """Without a pipeline for traces the Collector does not serve them: only a target that sends them fails."""
    tls = {
        "cert_file": str(pki.server.cert_file),
        "key_file": str(pki.server.key_file),
        "client_ca_file": str(pki.client_ca_file),
    }
    wanted = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
    with serve_collector(otelcol, tmp_path, tls, signals=("metrics",)) as running:
        port = running.grpc_port if protocol == "grpc" else running.http_port
        sent = variables(pki, f"https://localhost:{port}", pki.client, **wanted)
        everything = check(sent, tmp_path)
        metrics = check(sent | {"OTEL_TRACES_EXPORTER": "none"}, tmp_path)

    assert (everything[0], everything[1]["cause"]) == (1, "otlp_not_served")
    assert (metrics[0], metrics[1]["outcome"]) == (0, "confirmed")
    assert "OTEL_TRACES_EXPORTER has no OTLP exporter: traces are not probed" in metrics[1]["facts"]  # type: ignore[operator]  # a list of words


def test_a_bundle_of_requests_own_stops_pythons_exporter(
    collector: StartCollector, pki: LabPki, tmp_path: Path
) -> None:
    """The backend accepts the probe; the real exporter fails, and a finding says why."""
    endpoint = f"https://localhost:{collector().http_port}"
    well = variables(pki, endpoint, pki.client, OTEL_EXPORTER_OTLP_TIMEOUT="1")
    trapped = well | {"REQUESTS_CA_BUNDLE": str(pki.other_ca_file)}
    program = (
        "from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter\n"
        "print(OTLPSpanExporter().export(()).name)\n"
    )
    ended = [
        subprocess.run(
            [sys.executable, "-c", program], env=env, capture_output=True, timeout=60, check=True
        ).stdout.strip()
        for env in (well, trapped)
    ]
    assert ended == [b"SUCCESS", b"FAILURE"]

    code, result = check(trapped, tmp_path)
    assert (code, result["outcome"]) == (0, "confirmed")
    facts = [finding["fact"] for finding in result["findings"]]  # type: ignore[attr-defined]
    assert any("REQUESTS_CA_BUNDLE is set, and comes before it" in fact for fact in facts)
    assert not any("REQUESTS" in str(finding) for finding in check(well, tmp_path)[1]["findings"])  # type: ignore[attr-defined]


def test_run_needs_no_file(otelcol: Path, pki: LabPki, tmp_path: Path) -> None:
    """It serves its results; soon after the Collector stops trusting the CA, the cause is on the page."""
    trusted = write_pem(tmp_path, "client-ca.pem", pki.client_ca.pem)
    tls = {
        "cert_file": str(pki.server.cert_file),
        "key_file": str(pki.server.key_file),
        "client_ca_file": str(trusted),
        "client_ca_file_reload": True,
    }
    with serve_collector(otelcol, tmp_path, tls) as running:  # type: ignore[arg-type]
        endpoint = f"https://localhost:{running.grpc_port}"
        environment = variables(pki, endpoint, pki.client, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
        with service(environment, tmp_path):
            appears('mtls_probe_success{target="sdk"} 1')
            assert "sdk" in page("/")
            write_pem(tmp_path, "client-ca.pem", pki.other_ca.pem)
            # The interval is the default of half a minute; a reload asks for no attempt.
            appears('mtls_probe_cause{target="sdk",cause="client_ca_untrusted"', within=45.0)
            assert 'mtls_probe_success{target="sdk"} 0' in page("/metrics")


@contextmanager
def service(environment: dict[str, str], folder: Path) -> Iterator[None]:
    """Run `mtls-probe run` and nothing else."""
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("0.0.0.0", PORT))  # it prints why it fails where the port is in use
    log = Log(folder / "run.log")
    with (
        log.path.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "probe", "run"],
            env=environment,
            cwd=folder,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            log.wait_for("listening", timeout=LIMIT)
            yield
        finally:
            process.terminate()
            assert process.wait(10) == 0, log.text()


def page(path: str) -> str:
    """Return what the service shows."""
    with urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=10) as response:
        return str(response.read().decode())


def appears(series: str, within: float = LIMIT) -> None:
    """Wait until a line of /metrics begins so.

    Raises:
        AssertionError: with all lines, where none does.
    """
    end = time.monotonic() + within
    while series not in (text := page("/metrics")):
        assert time.monotonic() < end, text
        time.sleep(0.2)
