"""Backends whose certificate the exporter cannot read, whether or not OpenSSL can: served by Go."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab.compiled import go_server
from tests.lab.credentials import LabPki
from tests.lab.exporters.generators import der
from tests.lab.exporters.generators.certificates import ROOT, SERVER_EXTENSIONS, name
from tests.lab.exporters.generators.keys import ec_key
from tests.lab.observation import observe, target
from tests.lab.servers import process, started
from tests.lab.stacks.go import GO
from tests.support.pki import write_pem
from tests.support.required_tools import missing

PROGRAM = Path(__file__).parent / "stacks" / "raw_server.go"
KEY = ec_key(name="unreadable")
HARMLESS = ROOT.certificate(name("backend"), KEY.spki, SERVER_EXTENSIONS)
NEGATIVE_SERIAL = ROOT.certificate(
    name("backend"), KEY.spki, SERVER_EXTENSIONS, serial=der.integer(-5)
)
CUT = HARMLESS[:-20]


def to_pem(raw: bytes, label: str = "CERTIFICATE") -> bytes:
    """Return one block."""
    body = base64.encodebytes(raw).decode()
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n".encode()


@contextmanager
def serve(folder: Path, raw: bytes) -> Iterator[int]:
    """Serve exactly these bytes as the certificate."""
    certificate = write_pem(folder, "served.pem", to_pem(raw))
    key = write_pem(folder, "served.key", to_pem(HARMLESS) + to_pem(KEY.pkcs8, "PRIVATE KEY"))
    command = [str(go_server(PROGRAM)), "-cert", str(certificate), "-key", str(key)]
    with process(command, folder / "raw.log") as log:
        yield int(started(log, r"port \S*:(\d+)")[1])


@pytest.mark.parametrize(
    ("raw", "says"),
    [(NEGATIVE_SERIAL, "negative serial number"), (CUT, "malformed certificate")],
    ids=["OpenSSL reads it", "OpenSSL does not read it"],
)
def test_a_certificate_that_go_does_not_read(
    tmp_path: Path, pki: LabPki, raw: bytes, says: str
) -> None:
    """The handshake stops an exporter there, however far OpenSSL comes with it."""
    if absent := GO.missing():
        missing(f"go: {absent}")
    ca = write_pem(tmp_path, "ca.pem", to_pem(ROOT.own_certificate()))
    with serve(tmp_path, raw) as port:
        watched = target(pki, port, pki.client)
        evidence, diagnosis = observe(replace(watched, tls=replace(watched.tls, ca_file=str(ca))))

    assert (diagnosis.cause, diagnosis.certain) == ("server_cert_unreadable", True), diagnosis
    assert diagnosis.stage == "handshake"
    assert evidence.handshake is not None
    assert says in evidence.handshake.path_faults[0].says


def test_a_certificate_that_another_exporter_may_read(tmp_path: Path, pki: LabPki) -> None:
    """Without what Go refuses, the same server is trusted: nothing but the serial number differs."""
    if absent := GO.missing():
        missing(f"go: {absent}")
    ca = write_pem(tmp_path, "ca.pem", to_pem(ROOT.own_certificate()))
    with serve(tmp_path, HARMLESS) as port:
        watched = target(pki, port, pki.client, depth="tls", timeout=1.0)
        evidence, _ = observe(replace(watched, tls=replace(watched.tls, ca_file=str(ca))))

    assert evidence.handshake is not None
    assert evidence.handshake.server_verified
    assert len(evidence.handshake.verified_paths[0]) == 2
    assert evidence.handshake.used_anchors[0].subject.text.startswith("CN=lab root")
