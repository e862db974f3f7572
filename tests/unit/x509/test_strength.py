"""Which keys and signatures are weak, and in whose eyes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.model.certificate import CertificateFacts, Name
from probe.x509.parse import read_facts
from probe.x509.strength import (
    SMALLEST_RSA_BITS,
    SMALLEST_RSA_BITS_OF_GO,
    WEAK_HASHES,
    find_weak_key,
    find_weak_signature,
    find_weakness_for_go,
)
from tests.support.pki import Authority

HASHES = (*sorted(WEAK_HASHES), "sha224", "sha256", "sha384", "sha512", "")


def facts(
    name: str = "c",
    *,
    key_type: str = "EC",
    key_bits: int = 256,
    signature_hash: str = "sha256",
    self_signed: bool = False,
) -> CertificateFacts:
    """Return a certificate with these strengths."""
    return CertificateFacts(
        subject=Name(text=f"CN={name}", digest="1"),
        issuer=Name(text="CN=CA", digest="2"),
        serial_number="01",
        not_before=0.0,
        not_after=0.0,
        sha256="00",
        key_type=key_type,
        key_bits=key_bits,
        signature_hash=signature_hash,
        self_signed=self_signed,
    )


CERTIFICATES = st.builds(
    facts,
    st.sampled_from(["leaf", "issuer"]),
    key_type=st.sampled_from(["RSA", "EC", "Ed25519", "DSA", ""]),
    key_bits=st.integers(0, 8192),
    signature_hash=st.sampled_from(HASHES),
    self_signed=st.booleans(),
)


@pytest.mark.parametrize("name", HASHES)
def test_a_weak_signature_says_whose_it_is(name: str) -> None:
    """MD2, MD4, MD5 and SHA-1; a scheme without a hash of its own is none of them."""
    chain = (facts("leaf"), facts("issuer", signature_hash=name))
    weak = find_weak_signature(chain)
    said = f"CN=issuer is signed with {name.upper()}" if name in WEAK_HASHES else "None"
    assert str(weak) == said


def test_nobody_checks_a_root_s_own_signature() -> None:
    """RFC 5280 §6.1: a self-signed certificate is trusted for being there."""
    assert find_weak_signature((facts(signature_hash="sha1", self_signed=True),)) is None
    assert find_weak_signature((facts(signature_hash="sha1"),))


@pytest.mark.parametrize(
    ("bits", "weak", "refused"),
    [
        (0, False, False),
        (512, True, True),
        (1023, True, True),
        (1024, True, False),
        (2048,) + (False,) * 2,
    ],
)
def test_rsa_keys_by_size(bits: int, weak: bool, refused: bool) -> None:
    """OpenSSL's level 2 asks for 2048 bits, Go for 1024; an unknown size is not judged."""
    chain = (facts(), facts("old", key_type="RSA", key_bits=bits))
    assert (find_weak_key(chain) is not None) is weak
    assert (find_weakness_for_go(chain) is not None) is refused
    assert str(find_weak_key(chain)) == (
        f"CN=old has an RSA key of {bits} bits" if weak else "None"
    )


def test_other_keys_are_not_judged_by_rsa_s_measure() -> None:
    """256 bits of EC are plenty."""
    assert find_weak_key((facts(), facts(key_type="Ed25519"))) is None


def test_real_certificates_are_judged_alike() -> None:
    """What the certificate reader says is what is judged here."""
    ca = Authority.root("CA")
    weak = read_facts(ca.issue("weak", key_type="rsa1024").certificate)
    sha1 = read_facts(ca.issue("sha1", signature_hash="sha1").certificate)
    fine = read_facts(ca.issue("fine").certificate)

    assert str(find_weak_key((fine, weak))) == "CN=weak has an RSA key of 1024 bits"
    assert str(find_weakness_for_go((fine, sha1))) == "CN=sha1 is signed with SHA1"
    assert find_weakness_for_go((fine, weak, read_facts(ca.certificate))) is None


@settings(max_examples=150)
@given(st.lists(CERTIFICATES, max_size=4))
def test_a_chain_is_as_weak_as_its_weakest(chain: list[CertificateFacts]) -> None:
    """No order changes the verdict, one weak certificate decides it, and Go refuses no more."""
    for judge in (find_weak_signature, find_weak_key, find_weakness_for_go):
        alone = [judge((certificate,)) for certificate in chain]
        assert judge(chain) in [None, *alone]
        assert (judge(chain) is not None) is any(alone)
        assert (judge(chain[::-1]) is not None) is any(alone)
    if find_weakness_for_go(chain):
        assert find_weak_signature(chain) or find_weak_key(chain)
    assert SMALLEST_RSA_BITS_OF_GO < SMALLEST_RSA_BITS
