"""The backend's own side: a real Collector's receivers and their files, seen from next to them."""

from pathlib import Path
from typing import Any, Final

import pytest

from probe.model.diagnosis import Diagnosis
from tests.lab.credentials import LabPki
from tests.lab.receivers import attempt_all, neighbour
from tests.support.pki import write_pem

SYSTEM_BUNDLE: Final = Path("/etc/ssl/certs/ca-certificates.crt")
NAMES: Final = ("otlp/grpc", "otlp/http")


@pytest.fixture
def tls(pki: LabPki) -> dict[str, Any]:
    """The TLS settings of a receiver with mutual TLS."""
    return {
        "cert_file": str(pki.server.cert_file),
        "key_file": str(pki.server.key_file),
        "client_ca_file": str(pki.client_ca_file),
    }


def findings(diagnosis: Diagnosis) -> list[str]:
    """Return the causes of the findings."""
    return [one.cause for one in diagnosis.findings]


def test_a_receiver_that_refuses_for_want_of_a_certificate(
    otelcol: Path, tls: dict[str, Any], tmp_path: Path
) -> None:
    """The probe has none to show: the receiver is as expected when it refuses for that."""
    with neighbour(otelcol, tmp_path, tls) as backend, backend.running():
        targets = backend.load()
        results = attempt_all(targets)
    assert tuple(results) == NAMES
    for name, (_, diagnosis) in results.items():
        assert targets[name].expect_cause == diagnosis.cause == "client_cert_not_sent", diagnosis
        assert (diagnosis.certain, findings(diagnosis)) == (True, [])


def test_ca_file_in_the_place_of_client_ca_file(
    otelcol: Path, tls: dict[str, Any], pki: LabPki, tmp_path: Path
) -> None:
    """Clients are not asked for a certificate at all: confirmed, with the finding and its line."""
    tls["ca_file"] = tls.pop("client_ca_file")
    with neighbour(otelcol, tmp_path, tls) as backend, backend.running():
        results = attempt_all(backend.load())
        file = backend.file
    for _, diagnosis in results.values():
        assert diagnosis.outcome == "confirmed"
        assert findings(diagnosis) == ["client_cert_not_requested"]
        (finding,) = diagnosis.findings
        assert f"ca_file: {pki.client_ca_file}" in finding.fact
        assert f"{file}:1" in finding.fact
        assert "write client_ca_file in the place of ca_file" in finding.fix[0]


def test_a_receiver_with_a_certificate_of_the_probe(
    otelcol: Path, tls: dict[str, Any], pki: LabPki, tmp_path: Path
) -> None:
    """With a client certificate in `defaults` the receiver must accept the probe."""
    own = {"cert_file": str(pki.client.cert_file), "key_file": str(pki.client.key_file)}
    with (
        neighbour(otelcol, tmp_path, tls, defaults={"tls": own}) as backend,
        backend.running(),
    ):
        results = attempt_all(backend.load())
    for _, diagnosis in results.values():
        assert (diagnosis.outcome, findings(diagnosis)) == ("confirmed", [])


@pytest.mark.parametrize("broken", ["missing", "other key", "not a certificate"])
def test_a_file_with_which_it_does_not_start(
    otelcol: Path, tls: dict[str, Any], pki: LabPki, tmp_path: Path, broken: str
) -> None:
    """A file that the Collector cannot use is the receiver's failure, running or not."""
    with neighbour(otelcol, tmp_path, tls) as backend:
        with backend.running():
            match broken:
                case "missing":
                    tls["client_ca_file"] = str(tmp_path / "nothing.crt")
                case "other key":
                    tls["key_file"] = str(pki.client.key_file)
                case _:
                    tls["cert_file"] = str(write_pem(tmp_path, "text.crt", b"hello\n"))
            backend.tls = tls
            backend.write()
            running = attempt_all(backend.load())
        stopped = attempt_all(backend.load())
    for _, diagnosis in (*running.values(), *stopped.values()):
        assert diagnosis.cause == "receiver_file_unusable", diagnosis


def public_cas() -> bytes:
    """Return some CAs of the system's bundle; without those whose serial number is not positive."""
    blocks = SYSTEM_BUNDLE.read_bytes().split(b"-----BEGIN ")[1:]
    named = [block for block in blocks if b"CERTIFICATE" in block[:20]]
    return b"".join(b"-----BEGIN " + block for block in named[-5:])


def test_a_bundle_of_public_cas(otelcol: Path, tls: dict[str, Any], tmp_path: Path) -> None:
    """client_ca_file is the system's bundle: whoever has a certificate of any CA is accepted."""
    tls["client_ca_file"] = str(write_pem(tmp_path, "bundle.crt", public_cas()))
    with neighbour(otelcol, tmp_path, tls) as backend, backend.running():
        results = attempt_all(backend.load())
    for _, diagnosis in results.values():
        assert diagnosis.cause == "client_cert_not_sent"
        assert findings(diagnosis) == ["client_ca_too_broad"]
