"""What `check -v` says was proven: address, TLS, both certificates with their ends, the answer."""

from probe.report.proofs import list_proofs
from tests.support.certificate_facts import EXPORTER
from tests.support.evidence import (
    answered_attempt,
    complete_handshake,
    held_credentials,
    target,
    unconnected_attempt,
)


def test_a_success_says_what_it_proves() -> None:
    """Where it connected to, what was agreed, who is who until when, and what came back."""
    evidence = answered_attempt(credentials=held_credentials(EXPORTER))
    text = "\n".join(list_proofs(evidence))
    assert f"connected to {evidence.peer_address}:4317" in text
    assert "TLS 1.3, TLS_AES_128_GCM_SHA256" in text
    assert "server certificate: " in text
    assert "a client certificate was asked for" in text
    assert "client certificate: CN=" in text
    assert text.count("ends in ") == 2
    assert "answer: gRPC status 0 (OK)" in text


def test_tls_without_mutual_tls_says_so() -> None:
    """A backend that asks for no certificate, and a certificate that nobody verified."""
    handshake = complete_handshake(
        client_certificate_requested=False, client_certificate_sent=False
    )
    evidence = answered_attempt(handshake=handshake, target=target(insecure_skip_verify=True))
    text = "\n".join(list_proofs(evidence))
    assert "this is not mutual TLS" in text
    assert "not verified (insecure_skip_verify)" in text


def test_an_attempt_without_a_connection_proves_nothing() -> None:
    """Neither an address nor TLS is made up."""
    assert list(list_proofs(unconnected_attempt("refused", "ECONNREFUSED"))) == []
