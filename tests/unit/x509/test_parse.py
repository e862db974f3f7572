"""What `read_facts` reads of a certificate, and that nothing in one stops it."""

import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.text.safe_text import LIMIT
from probe.x509.parse import (
    MAX_SANS,
    UNREADABLE,
    make_name,
    parse_certificate,
    parse_name,
    read_der,
    read_facts,
)
from probe.x509.signature import is_issued_by
from tests.support.pki import Authority, KeyType, issue, name_of

KEY = ec.generate_private_key(ec.SECP384R1())
CA = issue("CA", ca=True)
FULL = issue(
    "client",
    CA,
    key=KEY,
    extensions=(
        x509.SubjectAlternativeName(
            [
                x509.DNSName("client.example.com"),
                x509.IPAddress(ipaddress.ip_address("::1")),
                x509.UniformResourceIdentifier("spiffe://example.org/client"),
                x509.RFC822Name("ops@example.com"),
                x509.DirectoryName(name_of("elsewhere")),
            ]
        ),
        x509.ExtendedKeyUsage(
            [ExtendedKeyUsageOID.CLIENT_AUTH, x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.2")]
        ),
        x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=True,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=False,
            crl_sign=False,
            encipher_only=False,
            decipher_only=False,
        ),
        x509.SubjectKeyIdentifier.from_public_key(KEY.public_key()),
        x509.AuthorityKeyIdentifier.from_issuer_public_key(CA.key.public_key()),
        x509.AuthorityInformationAccess(
            [
                x509.AccessDescription(
                    AuthorityInformationAccessOID.CA_ISSUERS,
                    x509.UniformResourceIdentifier("http://ca.example.com/ca.der"),
                ),
                x509.AccessDescription(
                    AuthorityInformationAccessOID.OCSP,
                    x509.UniformResourceIdentifier("http://ocsp.example.com"),
                ),
            ]
        ),
    ),
)


def test_every_field_is_read() -> None:
    """Names, identifiers, usages and key ids stand as RFC 5280 names them."""
    facts = read_facts(FULL.certificate)

    assert facts.subject.text == "CN=client"
    assert facts.issuer == make_name(CA.certificate.subject)
    assert facts.sans == (
        "DNS:client.example.com",
        "IP:::1",
        "URI:spiffe://example.org/client",
        "email:ops@example.com",
    )
    assert facts.extended_key_usage == ("clientAuth", "1.3.6.1.4.1.311.20.2.2")
    assert facts.key_usage == ("digitalSignature", "keyEncipherment")
    assert (facts.key_type, facts.key_bits, facts.signature_hash) == ("EC", 384, "sha256")
    assert len(facts.subject_key_id) == len(facts.authority_key_id) == 40
    assert facts.aia_issuers == ("http://ca.example.com/ca.der",)
    assert facts.not_after - facts.not_before == 91 * 86400
    assert int(facts.serial_number, 16) == FULL.certificate.serial_number
    assert not facts.is_ca
    assert not facts.self_signed


def test_absent_usages_are_none_and_a_root_is_self_signed() -> None:
    """An absent extension allows any use, which None says; a root signed itself."""
    facts = read_facts(CA.certificate)

    assert facts.extended_key_usage is None
    assert facts.key_usage is None
    assert facts.is_ca
    assert facts.self_signed


def test_a_self_issued_certificate_is_not_self_signed() -> None:
    """Equal names alone prove nothing: the signature must be its own."""
    other = issue("CA", CA, ca=True)

    facts = read_facts(other.certificate)

    assert facts.subject == facts.issuer
    assert not facts.self_signed
    assert is_issued_by(other.certificate, CA.certificate)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (rsa.generate_private_key(65537, 1024), ("RSA", 1024, "sha256")),
        (ed25519.Ed25519PrivateKey.generate(), ("Ed25519", 256, "")),
    ],
    ids=["rsa", "ed25519"],
)
def test_key_kinds(key: rsa.RSAPrivateKey, expected: tuple[str, int, str]) -> None:
    """A key's kind, its size, and the hash of its signature, where the scheme has one."""
    facts = read_facts(issue("self", key=key).certificate)

    assert (facts.key_type, facts.key_bits, facts.signature_hash) == expected


def test_a_name_is_equal_by_its_der() -> None:
    """The digest of a name in a certificate is that of the same name in an acceptable-CA list."""
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Prüfstelle"),
        ]
    )

    assert parse_name(name.public_bytes()) == make_name(name)
    assert make_name(name).text == "O=Prüfstelle,C=DE"
    assert parse_name(b"\x30\x03junk").text == "unreadable name"


def test_hostile_text_is_made_safe() -> None:
    """Terminal escapes and endless names come out printable and short; SANs are counted out."""
    hostile = issue(
        "\x1b[31m\u202e" + "x" * 50,
        extensions=(
            x509.SubjectAlternativeName(
                [x509.DNSName(f"{n}.example.com\x07") for n in range(2 * MAX_SANS)]
            ),
        ),
    )

    facts = read_facts(hostile.certificate)

    assert facts.subject.text.isprintable()
    assert len(facts.sans) == MAX_SANS
    assert all(san.isprintable() and len(san) <= LIMIT for san in facts.sans)


def test_unparsable_der_is_named_by_its_digest() -> None:
    """What is not a certificate still has facts."""
    facts = read_der(b"\x30\x00")

    assert facts.subject.text == UNREADABLE
    assert len(facts.sha256) == 64


@settings(max_examples=300, deadline=None)
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(FULL.der) - 1), st.integers(0, 255)), min_size=1, max_size=6
    ),
    kept=st.integers(1, len(FULL.der)) | st.just(len(FULL.der)),
)
def test_no_mutated_certificate_raises(edits: list[tuple[int, int]], kept: int) -> None:
    """Whatever octets a peer changes, the facts are read or left empty, and all text is safe."""
    der = bytearray(FULL.der)
    for at, value in edits:
        der[at] = value
    mutated = bytes(der[:kept])

    facts = read_der(mutated)

    shown = (facts.subject.text, facts.issuer.text, facts.serial_number, *facts.sans)
    assert all(text.isprintable() for text in shown)
    certificate = parse_certificate(mutated)
    if certificate is not None:
        assert read_facts(certificate) == facts


@pytest.mark.parametrize("key_type", ["ec", "rsa2048"])
def test_a_weak_signature_is_still_a_signature(key_type: KeyType) -> None:
    """Who issued a SHA-1 certificate is known, though nobody should trust it any more."""
    authority = Authority.root("CA", key_type=key_type)
    weak = authority.issue("client", signature_hash="sha1")
    stranger = authority.rekeyed()

    assert is_issued_by(weak.certificate, authority.certificate)
    assert not is_issued_by(weak.certificate, stranger.certificate)
    assert read_facts(weak.certificate).signature_hash == "sha1"
