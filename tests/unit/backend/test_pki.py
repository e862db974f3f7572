"""The throwaway PKI: what it issues is what was asked for, and verifies."""

import stat
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL.crypto import X509, X509Store, X509StoreContext, X509StoreContextError

from tests.support.pki import Authority, Issued, KeyType, new_key, write_pem

NOW = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)


def verify(issued: Issued, root: Authority, *intermediates: x509.Certificate) -> None:
    """Verify as OpenSSL does, at NOW."""
    store = X509Store()
    store.add_cert(X509.from_cryptography(root.certificate))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        store.set_time(NOW)
    untrusted = [X509.from_cryptography(each) for each in intermediates]
    leaf = X509.from_cryptography(issued.certificate)
    X509StoreContext(store, leaf, untrusted).verify_certificate()


def extension(issued: Issued, kind: type[x509.ExtensionType]) -> x509.ExtensionType | None:
    """Return one extension's value, or None where the certificate lacks it."""
    try:
        return issued.certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def test_issued_certificate_chains_to_its_root() -> None:
    """What a root issues verifies against that root and against no other."""
    root, other = Authority.root("root", now=NOW), Authority.root("other", now=NOW)
    leaf = root.issue("exporter")
    verify(leaf, root)
    with pytest.raises(X509StoreContextError):
        verify(leaf, other)


def test_intermediate_is_needed_and_stands_in_chain_pem() -> None:
    """A chain of two intermediates verifies with both, end entity first, the root left out."""
    root = Authority.root("root", now=NOW)
    upper = root.intermediate("upper")
    lower = upper.intermediate("lower")
    leaf = lower.issue("exporter")
    assert lower.intermediates == (lower.certificate, upper.certificate)
    chain = x509.load_pem_x509_certificates(lower.chain_pem(leaf))
    assert chain == [leaf.certificate, lower.certificate, upper.certificate]
    verify(leaf, root, *lower.intermediates)
    with pytest.raises(X509StoreContextError):
        verify(leaf, root)
    assert root.chain_pem(root.issue("direct")).count(b"BEGIN CERTIFICATE") == 1


@pytest.mark.parametrize("key_ids", [True, False])
def test_rekeyed_root_has_the_same_name_and_another_key(key_ids: bool) -> None:
    """A reissued root keeps subject and dates, and does not verify what the old one issued."""
    root = Authority.root("root", now=NOW, key_ids=key_ids)
    again = root.rekeyed()
    assert again.certificate.subject == root.certificate.subject
    assert again.certificate.not_valid_after_utc == root.certificate.not_valid_after_utc
    assert again.certificate.public_key() != root.certificate.public_key()
    with pytest.raises(X509StoreContextError):
        verify(root.issue("exporter"), again)
    verify(again.issue("exporter"), again)


def test_only_a_root_is_rekeyed() -> None:
    """An intermediate cannot be reissued by itself."""
    with pytest.raises(ValueError, match="root"):
        Authority.root("root", now=NOW).intermediate("lower").rekeyed()


def test_default_dates_start_an_hour_back_and_are_whole_seconds() -> None:
    """Default dates count from the `now` passed in, rounded to seconds."""
    leaf = Authority.root("root", now=NOW).issue("exporter").certificate
    whole = NOW.replace(microsecond=0)
    assert leaf.not_valid_before_utc == whole - timedelta(hours=1)
    assert leaf.not_valid_after_utc == whole + timedelta(days=365)


def test_dates_are_as_asked_for() -> None:
    """An expired certificate needs only its notAfter; both dates can be set."""
    root = Authority.root("root", now=NOW)
    expired = root.issue("exporter", not_after=NOW - timedelta(days=3)).certificate
    assert expired.not_valid_after_utc == (NOW - timedelta(days=3)).replace(microsecond=0)
    assert expired.not_valid_before_utc < expired.not_valid_after_utc
    later = root.issue("exporter", not_before=NOW + timedelta(days=1)).certificate
    assert later.not_valid_before_utc > NOW


def test_sans_are_read_by_kind() -> None:
    """DNS:, IP:, URI: and email: become SANs of their kinds; none leaves the extension out."""
    root = Authority.root("root", now=NOW)
    texts = ("DNS:a.example", "IP:::1", "URI:spiffe://example/x", "email:a@example.com")
    sans = extension(root.issue("x", sans=texts), x509.SubjectAlternativeName)
    assert isinstance(sans, x509.SubjectAlternativeName)
    assert sans.get_values_for_type(x509.DNSName) == ["a.example"]
    assert [str(ip) for ip in sans.get_values_for_type(x509.IPAddress)] == ["::1"]
    assert sans.get_values_for_type(x509.UniformResourceIdentifier) == ["spiffe://example/x"]
    assert sans.get_values_for_type(x509.RFC822Name) == ["a@example.com"]
    assert extension(root.issue("x", sans=()), x509.SubjectAlternativeName) is None
    with pytest.raises(ValueError, match="DNS:"):
        root.issue("x", sans=("a.example",))


def test_usages_and_key_ids_can_be_chosen_or_left_out() -> None:
    """EKU, keyUsage and key identifiers are there as asked for, absent where switched off."""
    root = Authority.root("root", now=NOW)
    server = root.issue("x", usages=("serverAuth",))
    eku = extension(server, x509.ExtendedKeyUsage)
    assert isinstance(eku, x509.ExtendedKeyUsage)
    assert list(eku) == [ExtendedKeyUsageOID.SERVER_AUTH]
    usage = extension(root.issue("x", key_usage=("keyEncipherment",)), x509.KeyUsage)
    assert isinstance(usage, x509.KeyUsage)
    assert usage.key_encipherment
    assert not usage.digital_signature
    assert extension(server, x509.AuthorityKeyIdentifier) is not None
    bare = root.issue("x", usages=None, key_usage=None, key_ids=False)
    for kind in (x509.ExtendedKeyUsage, x509.KeyUsage, x509.SubjectKeyIdentifier):
        assert extension(bare, kind) is None


@pytest.mark.parametrize(
    ("key_type", "kind", "bits"),
    [
        ("ec", ec.EllipticCurvePrivateKey, 256),
        ("rsa2048", rsa.RSAPrivateKey, 2048),
        ("rsa1024", rsa.RSAPrivateKey, 1024),
        ("ed25519", ed25519.Ed25519PrivateKey, None),
    ],
)
def test_key_types(key_type: KeyType, kind: type, bits: int | None) -> None:
    """Each key type makes such a key, whose PKCS#8 PEM loads again and fits the certificate."""
    leaf = Authority.root("root", now=NOW).issue("x", key_type=key_type)
    assert isinstance(leaf.key, kind)
    assert bits is None or getattr(leaf.key, "key_size", None) == bits
    loaded = serialization.load_pem_private_key(leaf.key_pem, None)
    assert loaded.public_key() == leaf.certificate.public_key()


@pytest.mark.parametrize("key_type", ["ec", "rsa2048"])
def test_sha1_signature_is_made_and_valid(key_type: KeyType) -> None:
    """A certificate signed with SHA-1 names it, and its signature is right."""
    root = Authority.root("root", now=NOW, key_type=key_type)
    leaf = root.issue("x", signature_hash="sha1")
    algorithm = leaf.certificate.signature_hash_algorithm
    assert algorithm is not None
    assert algorithm.name == "sha1"
    verify(leaf, root)


def test_ed25519_root_issues() -> None:
    """An authority whose scheme has no hash of its own issues too."""
    root = Authority.root("root", now=NOW, key_type="ed25519")
    verify(root.issue("x"), root)
    assert new_key("ed25519").public_key() is not None


def test_ca_certificate_as_end_entity() -> None:
    """`is_ca` makes an end entity say CA, for tests of wrong usage."""
    leaf = Authority.root("root", now=NOW).issue("x", is_ca=True)
    constraints = extension(leaf, x509.BasicConstraints)
    assert isinstance(constraints, x509.BasicConstraints)
    assert constraints.ca


def test_written_files_are_private(tmp_path: Path) -> None:
    """write_pem joins its parts, and only the owner may read the file, also one that was there."""
    existing = tmp_path / "tls.pem"
    existing.write_bytes(b"something longer than what follows")
    existing.chmod(0o644)
    path = write_pem(tmp_path, "tls.pem", b"one\n", b"two\n")
    assert path.read_bytes() == b"one\ntwo\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
