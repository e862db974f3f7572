"""Whether a backend insists on a client certificate, asked of a real Collector and a real nginx."""

from pathlib import Path

import pytest

from probe.model.target import Protocol
from tests.lab.credentials import LabPki
from tests.lab.nginx import run_nginx
from tests.lab.observation import observe, target
from tests.lab.servers import serve_collector
from tests.support.ports import reserved_port

OPEN = "client_cert_not_requested"


@pytest.mark.parametrize(
    ("key", "found"), [("client_ca_file", set()), ("ca_file", {OPEN})], ids=["right", "misplaced"]
)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_receiver_with_its_client_cas_in_the_wrong_key(
    otelcol: Path, tmp_path: Path, pki: LabPki, key: str, found: set[str], version: str
) -> None:
    """ca_file says nothing about clients: every one is accepted, and none is asked."""
    tls = {
        "cert_file": str(pki.server.cert_file),
        "key_file": str(pki.server.key_file),
        key: str(pki.client_ca_file),
        "max_version": version,
    }
    ports: list[tuple[int, Protocol]] = []
    with serve_collector(otelcol, tmp_path, tls) as running:
        ports += [(running.grpc_port, "grpc"), (running.http_port, "http/protobuf")]
        for port, protocol in ports:
            _, diagnosis = observe(target(pki, port, pki.client, protocol=protocol))
            assert diagnosis.outcome == "confirmed", diagnosis
            assert {finding.cause for finding in diagnosis.findings} == found, diagnosis


@pytest.mark.parametrize(
    ("verify", "found"), [("on", set()), ("optional", {OPEN}), ("off", {OPEN})]
)
def test_nginx_by_how_it_verifies_clients(
    tmp_path: Path, pki: LabPki, verify: str, found: set[str]
) -> None:
    """It finishes the handshake with everyone, so only an answer to a request decides."""
    with reserved_port() as port:
        http = f"""
server {{
  listen 127.0.0.1:{port} ssl;
  ssl_certificate {pki.server.cert_file};
  ssl_certificate_key {pki.server.key_file};
  ssl_client_certificate {pki.client_ca_file};
  ssl_verify_client {verify};
  location / {{ default_type application/x-protobuf; return 200 ""; }}
}}"""
        with run_nginx(tmp_path, port, http=http):
            _, diagnosis = observe(target(pki, port, pki.client, protocol="http/protobuf"))
    assert diagnosis.outcome == "confirmed", diagnosis
    assert {finding.cause for finding in diagnosis.findings} == found, diagnosis
