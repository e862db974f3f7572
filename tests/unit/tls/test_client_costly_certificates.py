"""What a server's certificates may cost: bytes that are read, keys, and CPU of verification."""

import gc
import time
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from probe.attempt.otlp_session import OtlpSession
from probe.model.evidence import Handshake
from probe.otlp.request import build_request
from probe.tls.bindings import VERIFY_BUDGET
from probe.tls.client import MAX_READ, TlsClient
from probe.x509.parse import MAX_WITH_NAMES, read_der
from probe.x509.signature import is_issued_by
from tests.lab.hostile_certificates import CHAINS
from tests.support.loopback_client import CLIENT_CA, SERVER, SERVER_CA
from tests.support.memory_peer import MemoryServer, handshake, server_context, settings_of
from tests.support.sessions import QUIET, Talk, target

KEY = ec.generate_private_key(ec.SECP256R1())
ONE_READ = 0.02
"""Seconds of CPU for which a single certificate may hold the loop."""


class Clock:
    """A clock of CPU that goes on by `step` each time that it is read."""

    def __init__(self, step: float) -> None:
        """Start at nothing."""
        self.step = step
        self.now = 0.0
        self.asked = 0

    def __call__(self) -> float:
        """Return the time, a step further."""
        self.asked += 1
        self.now += self.step
        return self.now


def ended(clock: Clock, *, trusted: bool = False) -> tuple[tuple[str, str], Handshake]:
    """Return how a conversation ends whose server has five needless issuers behind it."""
    plan = replace(settings_of(anchors=(SERVER_CA,) if trusted else (CLIENT_CA,)), cpu_clock=clock)
    context = server_context(chain=[SERVER_CA.certificate] * 5)
    conversation = OtlpSession(
        TlsClient(plan),
        build_request(target(), "mtls-probe/test"),
        purpose="export",
        needs_h2=True,
        quiet=QUIET,
    )
    it = Talk(conversation, MemoryServer(context)).start()
    assert it.conversation.handshake is not None
    if trusted:
        return ("open", "handshake"), it.conversation.handshake
    assert it.conversation.ending is not None
    return (it.conversation.ending.kind, it.conversation.ending.stage), it.conversation.handshake


def test_verification_stops_at_its_budget() -> None:
    """Once a chain has an error, its further signatures are looked at for a few milliseconds."""
    end, seen = ended(Clock(step=VERIFY_BUDGET * 2))

    assert end == ("budget", "handshake")
    assert not seen.server_verified
    assert seen.path_faults


def test_verification_within_its_budget_is_complete() -> None:
    """The same chain, in no time: the ending is about what is wrong with it."""
    end, seen = ended(Clock(step=0.0))

    assert end == ("unverified", "handshake")
    assert seen.path_faults


def test_a_chain_without_an_error_is_not_timed() -> None:
    """A healthy backend costs no look at a clock."""
    clock = Clock(step=VERIFY_BUDGET * 2)
    _, seen = ended(clock, trusted=True)

    assert seen.server_verified
    assert clock.asked == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", CHAINS)
def test_no_certificate_takes_long_to_read(kind: str) -> None:
    """Thousands of names, attributes, extensions or bits: all of a chain's first certificates."""
    spent = []
    chain = CHAINS[kind](KEY)[:3]
    gc.collect()
    gc.disable()  # a collection of what other tests left is not the certificate's
    try:
        for der in chain:
            began = time.thread_time()
            facts = read_der(der)
            spent.append(time.thread_time() - began)
            assert facts.sha256
    finally:
        gc.enable()
    assert max(spent) < ONE_READ


def test_names_of_a_huge_certificate_are_not_read() -> None:
    """Its dates, SANs and key are; the subject says how long the certificate is."""
    (der,) = CHAINS["thousands-of-rdns"](KEY)
    facts = read_der(der)

    assert len(der) > MAX_WITH_NAMES
    assert facts.subject.text.startswith("a name of ")
    assert "DNS:localhost" in facts.sans
    assert facts.not_after > facts.not_before


def test_signatures_of_keys_that_go_refuses_are_not_verified() -> None:
    """RSA beyond 8192 bits, or an exponent beyond 31: one signature would take milliseconds."""
    for kind in ("self-signed-rsa-16384", "issuers-of-one-name"):
        certificate = x509.load_der_x509_certificate(CHAINS[kind](KEY)[1])
        began = time.thread_time()
        for _ in range(100):
            assert not is_issued_by(certificate, certificate)
        assert time.thread_time() - began < ONE_READ


def test_of_a_long_list_of_certificates_the_first_bytes_are_read() -> None:
    """The end entity always is; beyond the bound a certificate is its digest alone."""
    huge = [SERVER_CA.certificate] * 32
    size = len(SERVER_CA.pem)
    seen = handshake(server_context(chain=huge * (MAX_READ // size // 8 + 1)))[0].handshake

    assert seen.server_chain[0].sans
    assert all(certificate.sha256 for certificate in seen.server_chain)
    assert SERVER.certificate.subject.rfc4514_string() == seen.server_chain[0].subject.text
