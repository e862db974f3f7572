"""A backend that asks for the certificate by renegotiation: refused as Go refuses, met where others do."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from probe.exporters.offers import RENEGOTIATING
from tests.lab.credentials import LabPki
from tests.lab.exporters.programs import PROGRAMS
from tests.lab.exporters.run import ExporterProcess
from tests.lab.observation import observe, target
from tests.lab.renegotiating_server import renegotiating_server
from tests.support.builds import NotBuiltError
from tests.support.required_tools import missing


@pytest.fixture
def port(pki: LabPki) -> Iterator[int]:
    """The port of the backend."""
    with renegotiating_server(pki) as running:
        yield running


def test_an_exporter_of_go_does_not_renegotiate(port: int, pki: LabPki) -> None:
    """The real Collector says "local error: tls: no renegotiation": the cause has its own name."""
    evidence, found = observe(target(pki, port, pki.client, protocol="http/protobuf"))
    assert (found.cause, found.certain) == ("client_cert_by_renegotiation", True), found
    assert found.also == ()
    assert "the first handshake asked for no client certificate" in found.facts[1]
    assert evidence.handshake is not None
    assert not evidence.handshake.client_certificate_requested


@pytest.mark.parametrize("exporter", ["python-http", "node-http", "curl"])
def test_an_exporter_that_renegotiates_is_confirmed(exporter: str, port: int, pki: LabPki) -> None:
    """Python's, Node's and curl's send their certificate in the second handshake, measured."""
    watched = target(pki, port, pki.client, protocol="http/protobuf")
    evidence, found = observe(replace(watched, exporter=exporter))
    assert found.outcome == "confirmed", found
    assert evidence.handshake is not None
    assert evidence.handshake.client_certificate_sent


@pytest.mark.slow
@pytest.mark.parametrize("program", ["collector-http", "go-http", "python-http", "node-http"])
def test_the_real_exporter_does_the_same(program: str, port: int, pki: LabPki) -> None:
    """Those that the models say renegotiate export, and the others do not."""
    asked = {"id": "x", "kind": "files", "endpoint": f"https://localhost:{port}"}
    asked |= {"cert": str(pki.client.cert_file), "key": str(pki.client.key_file)}
    try:
        process = ExporterProcess(PROGRAMS[program])
    except NotBuiltError as error:
        missing(str(error))
    try:
        answer = process.ask(asked | {"ca": str(pki.server_ca_file)})
    finally:
        process.close()
    assert (answer.outcome == "ok") is (program in RENEGOTIATING), answer
    if program in {"collector-http", "go-http"}:
        assert "tls: no renegotiation" in answer.text
