"""Certificates as Kubernetes lays them: cert-manager's Secret volume and spiffe-helper's folder."""

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from probe.credentials.store import CredentialStore
from probe.credentials.tls_context import Credentials
from probe.diagnosis.diagnose import diagnose
from probe.model.evidence import Evidence
from probe.model.target import Endpoint, Target, TlsSettings
from tests.support.attempts import prober
from tests.support.backends import Backend
from tests.support.loopback_client import Start
from tests.support.pki import Authority, Issued

ROOT = Authority.root("cert-manager root")
ISSUER = ROOT.intermediate("cert-manager issuer")
COLLECTOR = ROOT.issue("collector", usages=("serverAuth",))

TRUST_DOMAIN = Authority.root("example.org")
SPIRE = TRUST_DOMAIN.intermediate("SPIRE server")
COLLECTOR_ID = "spiffe://example.org/ns/observability/sa/collector"
EXPORTER_ID = "spiffe://example.org/ns/payments/sa/checkout"
# SVIDs serve on both sides (SPIFFE X.509-SVID §4.4); their subject says nothing.
BOTH = ("clientAuth", "serverAuth")
COLLECTOR_SVID = SPIRE.issue("", sans=(f"URI:{COLLECTOR_ID}",), usages=BOTH)


def secret_volume(folder: Path, generation: str, files: Mapping[str, bytes]) -> None:
    """Write `files` as the kubelet does: a folder of their own, then `..data` swapped to it.

    The names in front are links through `..data` and are made once (Kubernetes' AtomicWriter).
    """
    new = folder / f"..{generation}"
    new.mkdir()
    for name, content in files.items():
        (new / name).write_bytes(content)
    data = folder / "..data"
    old = data.resolve() if data.exists() else None
    (folder / "..data_tmp").symlink_to(new.name)
    (folder / "..data_tmp").replace(data)
    for name in files:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    for link in folder.iterdir():
        if not link.exists():
            link.unlink()
    if old is not None:
        shutil.rmtree(old)


def certificate_secret(issued: Issued, *, ca: bool = True) -> dict[str, bytes]:
    """Return what cert-manager writes: the chain without its root, the key, the issuer's root."""
    files = {"tls.crt": ISSUER.chain_pem(issued), "tls.key": issued.key_pem}
    return files | {"ca.crt": ROOT.pem} if ca else files


def svid_files(issued: Issued) -> dict[str, bytes]:
    """Return what spiffe-helper writes, in its order."""
    return {
        "svid.pem": SPIRE.chain_pem(issued),
        "svid_key.pem": issued.key_pem,
        "svid_bundle.pem": TRUST_DOMAIN.pem,
    }


def of_secret(folder: Path, port: int = 1) -> Target:
    """Return a target with the files of a Secret volume."""
    tls = TlsSettings(
        cert_file=str(folder / "tls.crt"),
        key_file=str(folder / "tls.key"),
        ca_file=str(folder / "ca.crt"),
    )
    return Target(name="t", endpoint=Endpoint("127.0.0.1", port), tls=tls)


def of_spiffe(folder: Path, port: int, server_name_override: str) -> Target:
    """Return a target with spiffe-helper's files."""
    tls = TlsSettings(
        cert_file=str(folder / "svid.pem"),
        key_file=str(folder / "svid_key.pem"),
        ca_file=str(folder / "svid_bundle.pem"),
        server_name_override=server_name_override,
    )
    return Target(name="t", endpoint=Endpoint("127.0.0.1", port), tls=tls)


def sent(credentials: Credentials) -> list[str]:
    """Return the subjects of what is sent."""
    return [certificate.subject.text for certificate in credentials.facts.client_chain]


def verdict(evidence: Evidence) -> str:
    """Return the cause, or the outcome where there is none."""
    diagnosis = diagnose(evidence)
    return diagnosis.cause or diagnosis.outcome


def test_a_secret_of_cert_manager_is_read_whole(tmp_path: Path) -> None:
    """The certificate and its intermediates are sent, ca.crt is trusted, nothing is amiss."""
    secret_volume(tmp_path, "2026_11_23_07_00", certificate_secret(ISSUER.issue("checkout")))
    credentials = CredentialStore().open(of_secret(tmp_path)).read()

    assert credentials.facts.faults == ()
    assert sent(credentials) == ["CN=checkout", "CN=cert-manager issuer"]
    assert [each.subject.text for each in credentials.facts.ca_bundle] == ["CN=cert-manager root"]


def test_a_swap_is_followed_and_the_old_folder_may_go(tmp_path: Path) -> None:
    """No name in front of `..data` changes, and what it pointed to is deleted."""
    files = CredentialStore().open(of_secret(tmp_path))
    for number in range(3):
        issued = ISSUER.issue(f"checkout-{number}")
        secret_volume(tmp_path, f"generation-{number}", certificate_secret(issued))
        credentials = files.read()
        assert credentials.facts.faults == ()
        assert sent(credentials)[0] == f"CN=checkout-{number}"
        assert files.read() is credentials


def test_a_secret_without_a_ca_says_so(tmp_path: Path) -> None:
    """Some issuers leave ca.crt out; when it comes, it is used."""
    files, issued = CredentialStore().open(of_secret(tmp_path)), ISSUER.issue("checkout")
    secret_volume(tmp_path, "without", certificate_secret(issued, ca=False))
    [fault] = files.read().facts.faults
    assert fault.cause == "server_ca_file_missing"
    assert str(tmp_path / "ca.crt") in fault.fact

    secret_volume(tmp_path, "with", certificate_secret(issued))
    assert files.read().facts.faults == ()


async def test_a_swap_between_attempts(start: Start, tmp_path: Path) -> None:
    """The next attempt shows the new certificate, and the backend takes both."""
    backend: Backend = await start(server=COLLECTOR, client_ca=ROOT)
    probe, target = prober(clock=time.time), of_secret(tmp_path, backend.port)
    serials = []
    for generation in ("first", "second"):
        issued = ISSUER.issue("checkout")
        secret_volume(tmp_path, generation, certificate_secret(issued))
        evidence = await probe.attempt(target)
        assert verdict(evidence) == "confirmed"
        serials.append(evidence.credentials.client_chain[0].serial_number)
    assert len(set(serials)) == 2


@pytest.mark.parametrize(
    ("server_name_override", "expected"),
    [
        (COLLECTOR_ID, "confirmed"),
        ("", "server_name_mismatch"),
        (EXPORTER_ID, "server_name_mismatch"),
        (f"{COLLECTOR_ID}/", "server_name_mismatch"),
    ],
)
async def test_a_backend_that_is_named_by_its_spiffe_id_alone(
    start: Start, tmp_path: Path, server_name_override: str, expected: str
) -> None:
    """The ID counts where it is asked for, and only as it is written; a host's name does not."""
    backend: Backend = await start(
        server=COLLECTOR_SVID, chain=SPIRE.intermediates, client_ca=TRUST_DOMAIN
    )
    exporter = SPIRE.issue("", sans=(f"URI:{EXPORTER_ID}",), usages=BOTH)
    for name, content in svid_files(exporter).items():
        (tmp_path / name).write_bytes(content)
    evidence = await prober(clock=time.time).attempt(
        of_spiffe(tmp_path, backend.port, server_name_override)
    )

    assert verdict(evidence) == expected
    assert evidence.handshake is not None
    assert evidence.handshake.offer.server_name == "127.0.0.1"  # an ID is never sent as SNI
    assert evidence.credentials.client_chain[0].sans == (f"URI:{EXPORTER_ID}",)


async def test_spiffe_helper_comes_later_and_writes_in_place(start: Start, tmp_path: Path) -> None:
    """Files that are not there yet are found when they are; a renewal overwrites all three."""
    backend: Backend = await start(
        server=COLLECTOR_SVID, chain=SPIRE.intermediates, client_ca=TRUST_DOMAIN
    )
    probe, target = prober(clock=time.time), of_spiffe(tmp_path, backend.port, COLLECTOR_ID)
    assert verdict(await probe.attempt(target)) == "client_file_missing"

    serials = []
    for _ in range(2):
        renewed = SPIRE.issue("", sans=(f"URI:{EXPORTER_ID}",), usages=BOTH)
        for name, content in svid_files(renewed).items():
            descriptor = os.open(tmp_path / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
        evidence = await probe.attempt(target)
        assert verdict(evidence) == "confirmed"
        serials.append(evidence.credentials.client_chain[0].serial_number)
    assert len(set(serials)) == 2
