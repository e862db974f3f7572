"""Backends with Go's crypto/tls, in cases that only Go has: weak certificates, and a name policy."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab.credentials import LabPki
from tests.lab.observation import observe, target
from tests.lab.stack import VERSIONS, Serving, TlsVersion
from tests.lab.stacks.go import GO, serve_go
from tests.support.required_tools import missing


@pytest.mark.parametrize("version", VERSIONS)
def test_a_server_with_a_weak_certificate(tmp_path: Path, pki: LabPki, version: TlsVersion) -> None:
    """Signed with SHA-1: Go serves it, other libraries refuse to load it, and our client stops."""
    if absent := GO.missing():
        missing(f"go: {absent}")
    serving = Serving(tls=version, server=pki.server_weak, client_ca_file=pki.client_ca_file)
    with GO.start(tmp_path, serving) as port:
        evidence, diagnosis = observe(target(pki, port, pki.client, protocol="http/protobuf"))
    assert (diagnosis.cause, diagnosis.certain) == ("server_cert_weak", True), diagnosis
    assert evidence.answer is None


@pytest.mark.parametrize("version", VERSIONS)
def test_a_policy_on_names(tmp_path: Path, pki: LabPki, version: TlsVersion) -> None:
    """It verifies the certificate and refuses its name: bad_certificate (42), so not certain."""
    if absent := GO.missing():
        missing(f"go: {absent}")
    serving = Serving(tls=version, server=pki.server, client_ca_file=pki.client_ca_file)
    with serve_go(tmp_path, serving, refuses_names=True) as port:
        _, diagnosis = observe(target(pki, port, pki.client, protocol="http/protobuf"))
    assert (diagnosis.outcome, diagnosis.certain) == ("failed", False), diagnosis
    assert "client_san_rejected" in {diagnosis.cause, *diagnosis.also}, diagnosis


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("exporter", "cause"), [("go-http", "client_ca_untrusted"), ("collector", None)]
)
def test_a_list_that_does_not_name_a_certificate_that_is_taken(
    tmp_path: Path, pki: LabPki, version: TlsVersion, exporter: str, cause: str | None
) -> None:
    """An SDK in Go sends nothing there and is refused; a Collector sends its certificate."""
    if absent := GO.missing():
        missing(f"go: {absent}")
    serving = Serving(tls=version, server=pki.server, client_ca_file=pki.other_ca_file)
    with serve_go(tmp_path, serving, takes_any=True) as port:
        watched = replace(
            target(pki, port, pki.client, protocol="http/protobuf"), exporter=exporter
        )
        evidence, diagnosis = observe(watched)

    assert evidence.answer is not None
    assert (diagnosis.cause, diagnosis.certain) == (cause, True), diagnosis
    assert diagnosis.outcome == ("failed" if cause else "confirmed")
