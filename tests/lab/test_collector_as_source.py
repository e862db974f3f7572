"""A real Collector's configuration as the source: the probe does what its exporters do."""

import json
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import msgspec
import pytest
from cryptography import x509

from probe.config.loader import load_configuration
from probe.model.target import Target
from tests.lab.credentials import LabPki, Pair
from tests.lab.observation import observe
from tests.lab.peers import listening
from tests.lab.servers import Collector, StartCollector, process, started
from tests.support.pki import write_pem

NAMES = ("otlp_grpc/file", "otlp/pem", "otlp_http/name", "otlphttp")
"""Both protocols, by their newer and their older name."""


@dataclass
class Shown:
    """What a recording server saw of clients in their handshakes."""

    hellos: set[tuple[str, str, str]] = field(default_factory=set)
    """Server name, subject of the client's certificate, protocol by ALPN."""
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def recording(pki: LabPki, shown: Shown) -> Iterator[int]:
    """Run a server that demands a client certificate, writes down what it sees and hangs up."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.server.cert_file, pki.server.key_file)
    context.load_verify_locations(pki.client_ca_file)
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2", "http/1.1"])
    names: dict[int, str] = {}
    context.sni_callback = lambda sock, name, _context: names.update({id(sock._sslobj): name or ""})

    def serve(connection: Any) -> None:
        der = connection.getpeercert(binary_form=True)
        subject = x509.load_der_x509_certificate(der).subject.rfc4514_string()
        name = names.get(id(connection._sslobj), "")
        with shown.lock:
            shown.hellos.add((name, subject, connection.selected_alpn_protocol() or ""))

    with listening(serve, tls=context) as port:
        yield port


def gateway(
    pki: LabPki, folder: Path, grpc_port: int, http_port: int
) -> tuple[Path, dict[str, str]]:
    """Write the configuration of a Collector with four OTLP exporters; return it and its variables.

    Each has a client certificate of its own, so that it is known who comes.
    """
    pairs = {
        name: pki.write(f"client-{number}", pki.client_ca.issue(f"exporter {number}"))
        for number, name in enumerate(NAMES)
    }
    ca = {"ca_file": str(pki.server_ca_file)}

    def pair(name: str) -> dict[str, str]:
        return {"cert_file": str(pairs[name].cert_file), "key_file": str(pairs[name].key_file)}

    quick = {"retry_on_failure": {"enabled": False}, "sending_queue": {"enabled": False}}
    exporters = {
        "otlp_grpc/file": {
            "endpoint": f"localhost:{grpc_port}",
            "tls": {**ca, **pair("otlp_grpc/file")},
            **quick,
        },
        "otlp/pem": {
            "endpoint": "${env:BACKEND_HOST}:${env:GRPC_PORT}",
            "tls": {**ca, "cert_pem": "${env:CERT_PEM}", "key_pem": "${env:KEY_PEM}"},
            "headers": {"x-tenant": "${env:TENANT:-none}"},
            **quick,
        },
        "otlp_http/name": {
            "endpoint": f"https://127.0.0.1:{http_port}",
            "tls": {**ca, **pair("otlp_http/name"), "server_name_override": "localhost"},
            **quick,
        },
        "otlphttp": {
            "endpoint": "https://localhost:${env:HTTP_PORT}",
            "tls": {**ca, **pair("otlphttp"), "min_version": "1.3"},
            **quick,
        },
    }
    clear = {"endpoint": "127.0.0.1:0"}
    configuration = {
        "receivers": {"otlp": {"protocols": {"grpc": clear, "http": clear}}},
        "exporters": exporters,
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": list(NAMES)}},
        },
    }
    file = folder / "gateway.yaml"
    file.write_bytes(msgspec.json.encode(configuration))
    return file, {
        "BACKEND_HOST": "localhost",
        "GRPC_PORT": str(grpc_port),
        "HTTP_PORT": str(http_port),
        "CERT_PEM": pairs["otlp/pem"].cert_file.read_text(),
        "KEY_PEM": pairs["otlp/pem"].key_file.read_text(),
    }


@contextmanager
def run_gateway(
    otelcol: Path, file: Path, variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Collector]:
    """Run the Collector with `file` and these variables."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with process([str(otelcol), f"--config={file}"], file.with_suffix(".log")) as log:
        started(log, "Everything is ready")
        grpc = started(log, r'Starting GRPC server.*"endpoint": "[^"]*:(\d+)"')
        http = started(log, r'Starting HTTP server.*"endpoint": "[^"]*:(\d+)"')
        yield Collector(int(grpc[1]), int(http[1]), log)


def send_span(running: Collector, name: str) -> None:
    """Send one span to the Collector, as an application does: OTLP/HTTP in JSON."""
    span = {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "name": name,
        "kind": 2,
        "startTimeUnixNano": "1544712660000000000",
        "endTimeUnixNano": "1544712661000000000",
    }
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    request = Request(
        f"http://127.0.0.1:{running.http_port}/v1/traces",
        data=body,
        headers={"Content-Type": "application/json"},
    )
    try:
        with urlopen(request, timeout=10) as response:
            response.read()
    except OSError:
        pass  # the answer is an error where an exporter fails, which is what some tests are about


def targets(file: Path, variables: Mapping[str, str], folder: Path) -> dict[str, Target]:
    """Return what the probe makes of the Collector's configuration."""
    probe = folder / "probe.yml"
    probe.write_text(f"sources: [{{collector: {file}}}]\n")
    return {target.name: target for target in load_configuration(probe, variables).targets}


def test_four_exporters_are_four_targets_with_exactly_their_settings(
    otelcol: Path,
    collector: StartCollector,
    pki: LabPki,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The Collector delivers through each of them, and each target is confirmed."""
    backend = collector()
    file, variables = gateway(pki, tmp_path, backend.grpc_port, backend.http_port)

    found = targets(file, variables, tmp_path)

    assert tuple(found) == NAMES
    shown = {
        name: (str(one.endpoint), one.protocol, one.signal, one.tls.server_name_override)
        for name, one in found.items()
    }
    grpc, http = str(backend.grpc_port), str(backend.http_port)
    assert shown == {
        "otlp_grpc/file": (f"localhost:{grpc}", "grpc", "traces", ""),
        "otlp/pem": (f"localhost:{grpc}", "grpc", "traces", ""),
        "otlp_http/name": (f"127.0.0.1:{http}", "http/protobuf", "traces", "localhost"),
        "otlphttp": (f"localhost:{http}", "http/protobuf", "traces", ""),
    }
    assert found["otlp/pem"].tls.cert_pem == variables["CERT_PEM"]
    assert [(name, value.reveal()) for name, value in found["otlp/pem"].headers] == [
        ("x-tenant", "none")
    ]
    assert found["otlphttp"].tls.min_version == "1.3"
    assert {one.tls.ca_file for one in found.values()} == {str(pki.server_ca_file)}
    for one in found.values():
        _, diagnosis = observe(one)
        assert (one.name, diagnosis.outcome, diagnosis.facts) == (
            one.name, "confirmed", diagnosis.facts,
        )  # fmt: skip
    with run_gateway(otelcol, file, variables, monkeypatch) as running:
        before = backend.log.text().count("delivered by a gateway")
        send_span(running, "delivered by a gateway")
        end = time.monotonic() + 10
        while backend.log.text().count("delivered by a gateway") < before + len(NAMES):
            assert time.monotonic() < end, running.log.text()
            time.sleep(0.1)


def test_both_show_the_same_of_themselves(
    otelcol: Path, pki: LabPki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Server name, client certificate and ALPN, as a server sees them."""
    theirs, ours = Shown(), Shown()
    with recording(pki, theirs) as grpc, recording(pki, theirs) as http:
        file, variables = gateway(pki, tmp_path, grpc, http)
        with run_gateway(otelcol, file, variables, monkeypatch) as running:
            end = time.monotonic() + 15
            while len(theirs.hellos) < len(NAMES):
                send_span(running, "looked at")
                assert time.monotonic() < end, (theirs.hellos, running.log.text()[-2000:])
                time.sleep(0.2)
    with recording(pki, ours) as grpc, recording(pki, ours) as http:
        file, variables = gateway(pki, tmp_path, grpc, http)
        for one in targets(file, variables, tmp_path).values():
            observe(one)

    assert ours.hellos == theirs.hellos
    assert {subject for _, subject, _ in ours.hellos} == {
        f"CN=exporter {number}" for number in range(len(NAMES))
    }


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("stranger", "client_ca_untrusted"),
        ("expired", "client_cert_expired"),
        ("name", "server_name_mismatch"),
        ("ca", "server_ca_untrusted"),
    ],
)
def test_where_its_exporter_fails_the_probe_says_why(
    otelcol: Path,
    collector: StartCollector,
    pki: LabPki,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    cause: str,
) -> None:
    """And for the line that the Collector logs, `explain` finds the same cause."""
    backend = collector()
    file, variables = gateway(pki, tmp_path, backend.grpc_port, backend.http_port)
    configuration = msgspec.json.decode(file.read_bytes())
    tls = configuration["exporters"]["otlp_grpc/file"]["tls"]
    tls |= {
        "stranger": in_settings(pki.stranger),
        "expired": in_settings(pki.expired),
        "name": {"server_name_override": "collector.example.com"},
        "ca": {"ca_file": str(pki.other_ca_file)},
    }[fault]
    configuration["service"]["pipelines"]["traces"]["exporters"] = ["otlp_grpc/file"]
    file.write_bytes(msgspec.json.encode(configuration))

    (one,) = targets(file, variables, tmp_path).values()
    _, diagnosis = observe(one)
    assert diagnosis.cause == cause

    with run_gateway(otelcol, file, variables, monkeypatch) as running:
        send_span(running, "lost")
        line = running.log.wait_for(r"[^\n]*Exporting failed[^\n]*", timeout=15)[0]
    explained = subprocess.run(
        [sys.executable, "-m", "probe", "explain", "--output", "json", "-"],
        input=line.encode(),
        capture_output=True,
        env={**os.environ},
        timeout=60,
        check=True,
    )
    candidates = [one["cause"] for one in json.loads(explained.stdout)["candidates"]]
    assert cause in candidates, (line, candidates)


def in_settings(pair: Pair) -> dict[str, str]:
    """Return the settings that name `pair`."""
    return {"cert_file": str(pair.cert_file), "key_file": str(pair.key_file)}


@pytest.mark.parametrize("interval", ["", "200ms"], ids=["never", "with reload_interval"])
def test_who_reads_a_rotated_pair_again(
    otelcol: Path, pki: LabPki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interval: str
) -> None:
    """Without reload_interval the Collector keeps using the old pair: the finding is right."""
    first, second = (pki.client_ca.issue(f"generation {number}") for number in (1, 2))
    cert = write_pem(tmp_path, "tls.crt", first.pem)
    key = write_pem(tmp_path, "tls.key", first.key_pem)
    shown = Shown()
    with recording(pki, shown) as grpc, recording(pki, shown) as http:
        file, variables = gateway(pki, tmp_path, grpc, http)
        configuration = msgspec.json.decode(file.read_bytes())
        tls = configuration["exporters"]["otlp_http/name"]["tls"]
        tls |= in_settings(Pair(cert, key)) | ({"reload_interval": interval} if interval else {})
        configuration["service"]["pipelines"]["traces"]["exporters"] = ["otlp_http/name"]
        file.write_bytes(msgspec.json.encode(configuration))
        with run_gateway(otelcol, file, variables, monkeypatch) as running:
            subjects(running, shown, {"CN=generation 1"})
            write_pem(tmp_path, "tls.crt", second.pem)
            write_pem(tmp_path, "tls.key", second.key_pem)
            time.sleep(0.5)
            shown.hellos.clear()
            subjects(running, shown, {"CN=generation 2" if interval else "CN=generation 1"})
    (one,) = targets(file, variables, tmp_path).values()
    assert one.tls.reload_interval == (0.2 if interval else None)


def subjects(running: Collector, shown: Shown, wanted: set[str]) -> None:
    """Send spans until the server has seen a client, and compare its certificate."""
    end = time.monotonic() + 15
    while not shown.hellos:
        send_span(running, "rotated")
        assert time.monotonic() < end, running.log.text()[-2000:]
        time.sleep(0.2)
    assert {subject for _, subject, _ in shown.hellos} == wanted


@pytest.mark.parametrize(
    "setting",
    [{"insecure": True}, {}],
    ids=["insecure with a CA", "http:// on gRPC"],
)
def test_tls_that_somebody_meant_to_switch_off(
    otelcol: Path,
    pki: LabPki,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    setting: dict[str, bool],
) -> None:
    """The real Collector speaks TLS in both cases, and so does the probe, with a finding."""
    theirs, ours = Shown(), Shown()
    for shown, by_probe in ((theirs, False), (ours, True)):
        with recording(pki, shown) as grpc, recording(pki, shown) as http:
            file, variables = gateway(pki, tmp_path, grpc, http)
            configuration = msgspec.json.decode(file.read_bytes())
            exporter = configuration["exporters"]["otlp_grpc/file"]
            exporter["tls"] |= setting
            if not setting:
                exporter["endpoint"] = f"http://localhost:{grpc}"
            configuration["service"]["pipelines"]["traces"]["exporters"] = ["otlp_grpc/file"]
            file.write_bytes(msgspec.json.encode(configuration))
            if by_probe:
                (one,) = targets(file, variables, tmp_path).values()
                _, diagnosis = observe(one)
                assert "exporter_setting_ignored" in {f.cause for f in diagnosis.findings}
                continue
            with run_gateway(otelcol, file, variables, monkeypatch) as running:
                subjects(running, shown, {"CN=exporter 0"})
    assert ours.hellos == theirs.hellos
