"""The example Collector of `config/otelcol` loads in the real Collector and demands certificates."""

import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.lab.credentials import LabPki, Pair
from tests.lab.servers import HOST, Collector, run_collector

EXAMPLE = Path(__file__).parents[2] / "config" / "otelcol" / "collector.yaml"


@pytest.fixture
def example(otelcol: Path, pki: LabPki, tmp_path: Path) -> Iterator[Collector]:
    """The example, started with the lab's files and with free ports in place of its own."""
    tls = {
        "cert_file": str(pki.server.cert_file),
        "key_file": str(pki.server.key_file),
        "client_ca_file": str(pki.client_ca_file),
    }
    listen = {"endpoint": f"{HOST}:0", "tls": tls}
    replaced = {"receivers": {"otlp": {"protocols": {"grpc": listen, "http": listen}}}}
    overlay = f"--config=yaml:{msgspec.json.encode(replaced).decode()}"
    with run_collector(
        otelcol, [f"--config={EXAMPLE}", overlay], tmp_path / "collector.log"
    ) as running:
        yield running


def first_byte(pki: LabPki, port: int, client: Pair | None) -> bytes:
    """Return the first byte that the server at `port` sends over gRPC's ALPN."""
    context = ssl.create_default_context(cafile=pki.server_ca_file)
    context.set_alpn_protocols(["h2"])
    if client is not None:
        context.load_cert_chain(client.cert_file, client.key_file)
    with (
        socket.create_connection((HOST, port), timeout=5) as connection,
        context.wrap_socket(connection, server_hostname="localhost") as established,
    ):
        return established.recv(1)


def test_the_example_is_valid_as_it_stands(otelcol: Path) -> None:
    """`otelcol validate` finds nothing wrong with the file itself."""
    validated = subprocess.run(
        [otelcol, "validate", f"--config={EXAMPLE}"], capture_output=True, text=True, check=False
    )
    assert validated.returncode == 0, validated.stderr


def test_the_example_serves_who_shows_a_certificate_and_no_one_else(
    pki: LabPki, example: Collector
) -> None:
    """Both of its ports accept the right client certificate and refuse a client without one."""
    for port in (example.grpc_port, example.http_port):
        assert first_byte(pki, port, pki.client) == b"\x00"
        with pytest.raises((ssl.SSLError, ConnectionError)):
            first_byte(pki, port, None)
