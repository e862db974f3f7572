"""Why the probe exists: a TLS 1.3 probe that stops at the handshake is green where telemetry stops.

In TLS 1.3 the client's handshake is complete before the server has judged its certificate (RFC
8446 §4.4.2, figure 1). The naive probe here does what blackbox_exporter's tcp prober does, with
Python's own TLS: connect and do_handshake.
"""

import socket
import ssl

import pytest

from tests.lab.credentials import LabPki, Pair
from tests.lab.servers import HOST, StartCollector

REFUSED = ["stranger", "none", "expired"]
"""Another CA's certificate, no certificate, and one that has expired."""

REFUSALS = (ssl.SSLError, ConnectionError)
"""An alert, or the RST that Go sends right behind it and that may overtake it."""


def pair(pki: LabPki, name: str) -> Pair | None:
    """Return the files of the client certificate called `name`; None for none."""
    return None if name == "none" else getattr(pki, name)


def naive_probe(pki: LabPki, port: int, client: Pair | None) -> ssl.SSLSocket:
    """Connect, complete the handshake, and call that a success; returns the open connection."""
    context = ssl.create_default_context(cafile=pki.server_ca_file)
    context.set_alpn_protocols(["h2"])
    if client is not None:
        context.load_cert_chain(client.cert_file, client.key_file)
    connection = socket.create_connection((HOST, port), timeout=5)
    try:
        established = context.wrap_socket(
            connection, server_hostname="localhost", do_handshake_on_connect=False
        )
    except BaseException:
        connection.close()
        raise
    try:
        established.do_handshake()
    except BaseException:
        established.close()
        raise
    return established


@pytest.mark.parametrize("name", REFUSED)
def test_a_naive_tls13_probe_reports_success_where_the_collector_refuses(
    pki: LabPki, collector: StartCollector, name: str
) -> None:
    """The handshake with a real Collector returns without error, whatever the certificate."""
    port = collector(min_version="1.3", max_version="1.3").grpc_port
    with naive_probe(pki, port, pair(pki, name)) as established:
        assert established.version() == "TLSv1.3"


@pytest.mark.parametrize("name", REFUSED)
def test_the_refusal_arrives_after_the_naive_probe_has_reported_success(
    pki: LabPki, collector: StartCollector, name: str
) -> None:
    """A client that reads a moment longer sees that the Collector has refused the certificate."""
    port = collector(min_version="1.3", max_version="1.3").grpc_port
    with naive_probe(pki, port, pair(pki, name)) as established, pytest.raises(REFUSALS):
        established.recv(1)


@pytest.mark.parametrize("name", REFUSED)
def test_the_same_naive_probe_fails_under_tls12(
    pki: LabPki, collector: StartCollector, name: str
) -> None:
    """In TLS 1.2 the judgement is part of the handshake, so that even a naive probe sees it."""
    port = collector(min_version="1.2", max_version="1.2").grpc_port
    with pytest.raises(REFUSALS):
        naive_probe(pki, port, pair(pki, name))


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_the_collector_accepts_the_right_certificate(
    pki: LabPki, collector: StartCollector, version: str
) -> None:
    """The refusals above are about the certificate: the Collector answers the right one."""
    port = collector(min_version=version, max_version=version).grpc_port
    with naive_probe(pki, port, pki.client) as established:
        assert established.recv(1) == b"\x00"
