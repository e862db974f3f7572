"""What a server's certificates may cost: bytes that are read, and keys."""

import gc
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL, crypto

from probe.model.evidence import Handshake
from probe.tls.client import MAX_READ, TlsClient
from probe.x509.parse import MAX_WITH_NAMES, read_der
from probe.x509.signature import is_issued_by
from tests.lab.hostile_certificates import CHAINS
from tests.support.loopback_client import SERVER, SERVER_CA
from tests.support.memory_peer import MemoryServer, handshake, server_context, settings_of
from tests.support.pki import Issued

KEY = ec.generate_private_key(ec.SECP256R1())
ONE_READ = 0.02
"""Seconds of CPU for which a single certificate may hold the loop."""
LISTED = 3300
"""Names of CAs that fill the 64 KiB of a list."""

_T = TypeVar("_T")


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


def take_steps(context: SSL.Context) -> tuple[float, Handshake]:
    """Return the CPU of the longest step of a handshake, and what was seen.

    Between two steps the event loop goes on with others: what comes is read, the server is judged
    before anything is sent, and certificates are described once the connection is over.
    """
    client, server = TlsClient(settings_of()), MemoryServer(context)
    longest = 0.0

    def take(step: Callable[[], _T]) -> _T:
        nonlocal longest
        began = time.thread_time()
        result = step()
        longest = max(longest, time.thread_time() - began)
        return result

    take(client.start)
    while (output := client.take_output()) and (back := server.receive(output)):
        take(partial(client.receive, back))
    take(lambda: client.is_server_verified)
    seen = take(lambda: client.handshake)
    return longest, seen


@pytest.mark.serial
@pytest.mark.slow
@pytest.mark.parametrize("kind", CHAINS)
def test_no_step_of_a_handshake_takes_long(kind: str) -> None:
    """However large the chain is that OpenSSL takes: of its hundred certificates or 10,000 names."""
    certificates = [x509.load_der_x509_certificate(der) for der in CHAINS[kind](KEY)]
    context = server_context(server=Issued(certificates[0], KEY), chain=certificates[1:], named=())
    taken = [take_steps(context) for _ in range(3)]
    assert all(seen.server_chain for _, seen in taken)
    assert min(longest for longest, _ in taken) < ONE_READ


@pytest.mark.serial
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_long_list_of_acceptable_cas_does_not_take_long() -> None:
    """Of as many names as fit into a CertificateRequest the first are read."""
    names = [crypto.X509().get_subject() for _ in range(LISTED)]
    for number, name in enumerate(names):
        name.CN = f"{number:x}"
    context = server_context(named=(), serves=lambda made: made.set_client_ca_list(names))
    taken = [take_steps(context) for _ in range(3)]
    assert all(len(seen.acceptable_cas) == 256 for _, seen in taken)
    assert min(longest for longest, _ in taken) < ONE_READ


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
