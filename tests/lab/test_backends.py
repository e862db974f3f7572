"""OpenSSL's s_server and peers that misbehave: the right cause, and never a false green."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from tests.lab import peers
from tests.lab.credentials import LabPki
from tests.lab.observation import observe, target
from tests.lab.servers import StartSServer

VERSIONS = ("1.2", "1.3")


@pytest.mark.parametrize("depth", ["otlp", "tls"])
def test_a_silent_tls13_peer_is_unconfirmed(
    silent_tls13_peer: Callable[..., int], pki: LabPki, depth: str
) -> None:
    """A finished TLS 1.3 handshake and then silence proves nothing: no success, no cause."""
    port = silent_tls13_peer()
    _, diagnosis = observe(target(pki, port, pki.client, depth=depth, timeout=1.0))  # type: ignore[arg-type]  # a Depth
    assert (diagnosis.outcome, diagnosis.cause, diagnosis.family) == ("unconfirmed", None, None)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("client", "cause", "alerts"),
    [
        ("stranger", "client_ca_untrusted", {48}),
        ("expired", "client_cert_expired", {45}),
        (None, "client_cert_not_sent", {40, 116}),
    ],
)
def test_s_server_refuses_by_the_documented_alert(
    s_server: StartSServer,
    pki: LabPki,
    version: str,
    client: str | None,
    cause: str,
    alerts: set[int],
) -> None:
    """OpenSSL's own server, TLS 1.2 and 1.3."""
    port = s_server(tls=version).port
    pair = getattr(pki, client) if client else None
    evidence, diagnosis = observe(target(pki, port, pair))
    assert diagnosis.cause == cause, diagnosis.facts
    assert evidence.handshake is not None
    assert {alert.number for alert in evidence.handshake.alerts if alert.number} & alerts


@pytest.mark.parametrize("version", VERSIONS)
def test_s_server_that_accepts_and_says_nothing_is_unconfirmed(
    s_server: StartSServer, pki: LabPki, version: str
) -> None:
    """Session tickets arrive from s_server, and prove nothing."""
    port = s_server(tls=version).port
    _, diagnosis = observe(target(pki, port, pki.client, timeout=1.0))
    assert diagnosis.outcome == "unconfirmed"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_server_without_h2_is_an_alpn_mismatch(
    s_server: StartSServer, pki: LabPki, version: str
) -> None:
    """grpc-go stops where the server does not choose h2, and so does the probe."""
    port = s_server(tls=version, alpn="").port
    _, diagnosis = observe(target(pki, port, pki.client))
    assert diagnosis.cause == "alpn_mismatch"


@pytest.mark.parametrize(
    ("wanted", "offered"), [("1.3", "1.2"), ("1.2", "1.3")], ids=["too new", "too old"]
)
def test_no_version_in_common(
    s_server: StartSServer, pki: LabPki, wanted: str, offered: str
) -> None:
    """The exporter's version limits and the backend's do not meet."""
    port = s_server(tls=offered).port
    _, diagnosis = observe(target(pki, port, pki.client, min_version=wanted, max_version=wanted))
    assert diagnosis.cause == "protocol_version_mismatch"


def test_a_ca_that_did_not_issue_the_server_is_untrusted(
    s_server: StartSServer, pki: LabPki
) -> None:
    """The exporter's ca_file holds another CA."""
    port = s_server().port
    evidence, diagnosis = observe(target(pki, port, pki.client, ca_file=str(pki.other_ca_file)))
    assert diagnosis.cause == "server_ca_untrusted"
    assert evidence.answer is None


def test_another_name_is_a_mismatch(s_server: StartSServer, pki: LabPki) -> None:
    """The name to verify is not among the server's SANs."""
    port = s_server().port
    _, diagnosis = observe(
        target(pki, port, pki.client, server_name_override="collector.example.com")
    )
    assert diagnosis.cause == "server_name_mismatch"


@pytest.mark.parametrize(
    ("behaviour", "causes"),
    [
        ("silent", {"tls_timeout"}),
        ("garbage", {"not_tls"}),
        ("ssh", {"not_tls"}),
        ("http", {"not_tls"}),
        ("close", {"connection_closed", "connection_reset"}),
        ("reset", {"connection_reset"}),
    ],
)
def test_peers_without_tls_are_named(
    tcp_peer: Callable[[peers.Behaviour], int],
    pki: LabPki,
    behaviour: peers.Behaviour,
    causes: set[str],
) -> None:
    """A peer that is not a TLS server gets its true cause, within the deadline."""
    port = tcp_peer(behaviour)
    began = time.monotonic()
    _, diagnosis = observe(target(pki, port, pki.client, timeout=1.0))
    assert diagnosis.cause in causes, diagnosis
    assert time.monotonic() - began < 3.0


def test_nothing_listens(refused_port: int, pki: LabPki) -> None:
    """A closed port refuses."""
    _, diagnosis = observe(target(pki, refused_port, pki.client))
    assert diagnosis.cause == "tcp_refused"


def test_an_address_that_does_not_answer(full_backlog_port: int, pki: LabPki) -> None:
    """A SYN that nobody answers ends at the deadline."""
    _, diagnosis = observe(target(pki, full_backlog_port, pki.client, timeout=1.0))
    assert diagnosis.cause == "tcp_timeout"


def test_a_missing_file_ends_at_load_and_connects_nowhere(
    s_server: StartSServer, pki: LabPki, tmp_path: Path
) -> None:
    """An exporter would not even start with it."""
    port = s_server().port
    evidence, diagnosis = observe(
        target(pki, port, pki.client, cert_file=str(tmp_path / "nowhere.crt"))
    )
    assert (diagnosis.cause, diagnosis.stage) == ("client_file_missing", "load")
    assert not evidence.connects


def ocsp_answer(pki: LabPki, folder: Path, *, revoked: bool) -> Path:
    """Write an OCSP answer of the server CA about the server's certificate."""
    now = datetime.now(UTC)
    certificate = x509.load_pem_x509_certificate(pki.server.cert_file.read_bytes())
    issuer = pki.server_ca.issued
    answer = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=certificate,
            issuer=issuer.certificate,
            algorithm=hashes.SHA256(),
            cert_status=ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
            this_update=now,
            next_update=now + timedelta(days=1),
            revocation_time=now if revoked else None,
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.NAME, issuer.certificate)
        .sign(issuer.key, hashes.SHA256())
    )
    file = folder / "answer.der"
    file.write_bytes(answer.public_bytes(serialization.Encoding.DER))
    return file


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("revoked", [True, False])
def test_a_stapled_answer_is_read(
    s_server: StartSServer, pki: LabPki, tmp_path: Path, version: str, revoked: bool
) -> None:
    """The server staples its CA's OCSP answer about its own certificate."""
    file = ocsp_answer(pki, tmp_path, revoked=revoked)
    port = s_server("-status_file", str(file), tls=version).port
    evidence, diagnosis = observe(target(pki, port, pki.client, timeout=1.0))
    assert evidence.handshake is not None
    assert evidence.handshake.stapled_status == ("revoked" if revoked else "good")
    assert 86_000 < evidence.handshake.staple_until - evidence.at <= 86_400
    found = {finding.cause for finding in diagnosis.findings}
    assert ("server_cert_revoked" in found) is revoked


@pytest.mark.parametrize("version", VERSIONS)
def test_a_backend_that_takes_no_signatures_of_our_key(
    s_server: StartSServer, pki: LabPki, version: str
) -> None:
    """It accepts only RSA signatures, our key is EC: our TLS sends no certificate at all."""
    port = s_server("-client_sigalgs", "RSA+SHA256:rsa_pss_rsae_sha256", tls=version).port
    _, diagnosis = observe(target(pki, port, pki.client))
    assert diagnosis.outcome == "failed"
    assert "no_shared_signature_algorithm" in {diagnosis.cause, *diagnosis.also}, diagnosis


@pytest.mark.parametrize("version", VERSIONS)
def test_a_backend_that_shares_no_signature_algorithm(
    s_server: StartSServer, pki: LabPki, version: str
) -> None:
    """Its own key can make no signature that it allows: the alert is misleading in every variation."""
    port = s_server("-sigalgs", "ed25519", tls=version).port
    _, diagnosis = observe(target(pki, port, pki.client))
    # In TLS 1.3 OpenSSL answers protocol_version (70) to it.
    cause = {"1.2": "handshake_rejected", "1.3": "protocol_version_mismatch"}[version]
    assert (diagnosis.cause, diagnosis.certain) == (cause, False), diagnosis
    # At TLS 1.2 suites that do not fit the backend's key look the same.
    suites = ("no_shared_cipher",) if version == "1.2" else ()
    assert diagnosis.also == (*suites, "no_shared_signature_algorithm")
