"""A PKI for tests: authorities and certificates of every kind, right and wrong ones.

`Authority` is the demo's with more settings: intermediates, other keys, dates, usages and names.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from probe.backend import pki
from probe.backend.pki import (
    CA_LIFETIME,
    END_ENTITY_LIFETIME,
    LOOPBACK_SANS,
    PrivateKey,
    dates,
    write_pem,
)
from tests.support.sha1_signature import signed_with_sha1

__all__ = [
    "Authority",
    "Issued",
    "KeyType",
    "SignatureHash",
    "issue",
    "key_pem",
    "name_of",
    "new_key",
    "write_pem",
]

KeyType = Literal["ec", "rsa2048", "rsa1024", "ed25519"]
SignatureHash = Literal["sha256", "sha1"]

_USAGES: Final = {
    "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "serverAuth": ExtendedKeyUsageOID.SERVER_AUTH,
    "codeSigning": ExtendedKeyUsageOID.CODE_SIGNING,
    "anyExtendedKeyUsage": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
}
_KEY_USAGES: Final = {
    "digitalSignature": "digital_signature",
    "nonRepudiation": "content_commitment",
    "keyEncipherment": "key_encipherment",
    "dataEncipherment": "data_encipherment",
    "keyAgreement": "key_agreement",
    "keyCertSign": "key_cert_sign",
    "cRLSign": "crl_sign",
}
"""RFC 5280 §4.2.1.3's names, and what cryptography calls them."""


@dataclass(frozen=True)
class Issued(pki.Issued):
    """A certificate together with its private key, in all encodings."""

    @property
    def der(self) -> bytes:
        """The certificate's DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def key_der(self) -> bytes:
        """The key's DER (PKCS#8)."""
        return self.key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def key_pem(
    key: PrivateKey,
    form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
    encryption: serialization.KeySerializationEncryption | None = None,
) -> bytes:
    """Return `key` as a PEM block."""
    return key.private_bytes(
        serialization.Encoding.PEM, form, encryption or serialization.NoEncryption()
    )


def issue(
    common_name: str,
    issuer: pki.Issued | None = None,
    *,
    ca: bool = False,
    key: PrivateKey | None = None,
    extensions: Sequence[x509.ExtensionType] = (),
    subject: x509.Name | None = None,
) -> Issued:
    """Issue a certificate with basicConstraints and `extensions` only, valid now for 90 days.

    It is self-signed without `issuer`; `subject` stands for CN=`common_name` where the whole name
    matters.
    """
    key = key or new_key()
    now = datetime.now(UTC).replace(microsecond=0)
    subject = name_of(common_name) if subject is None else subject
    above = issuer.certificate.subject if issuer else subject
    builder = _begin(subject, above, key, (now - timedelta(days=1), now + timedelta(days=90)))
    builder = builder.add_extension(x509.BasicConstraints(ca, None), critical=True)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    signer = issuer.key if issuer else key
    return Issued(builder.sign(signer, _hash_for(signer)), key)


@dataclass(frozen=True)
class Authority(pki.Authority):
    """A certification authority, a root or an intermediate, that issues certificates."""

    above: tuple[x509.Certificate, ...] = ()
    """The issuers of this authority up to the root, nearest first; empty for a root."""
    key_ids: bool = True

    @classmethod
    def root(
        cls,
        common_name: str,
        *,
        key: PrivateKey | None = None,
        now: datetime | None = None,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        key_type: KeyType = "ec",
        key_ids: bool = True,
    ) -> Self:
        """Return a self-signed authority, valid for ten years from an hour before `now`."""
        now = now or datetime.now(UTC)
        key = key or new_key(key_type)
        name = name_of(common_name)
        builder = _begin(name, name, key, _valid(now, not_before, not_after, CA_LIFETIME))
        builder = _with_ca(builder)
        if key_ids:
            builder = _with_key_ids(builder, key, key)
        certificate = builder.sign(key, _hash_for(key))
        return cls(Issued(certificate, key), now, key_ids=key_ids)

    @property
    def is_root(self) -> bool:
        """Whether this authority is self-signed."""
        return not self.above

    @property
    def intermediates(self) -> tuple[x509.Certificate, ...]:
        """What a peer needs between a certificate of this authority and the root."""
        return () if self.is_root else (self.certificate, *self.above[:-1])

    def chain_pem(self, issued: Issued) -> bytes:
        """Return `issued` and the intermediates as PEM, end entity first, without the root."""
        chain = (issued.certificate, *self.intermediates)
        return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain)

    def intermediate(
        self,
        common_name: str,
        *,
        key: PrivateKey | None = None,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        key_type: KeyType = "ec",
    ) -> "Authority":
        """Return an authority that this one has certified."""
        key = key or new_key(key_type)
        valid = _valid(self.now, not_before, not_after, CA_LIFETIME)
        builder = _with_ca(_begin(name_of(common_name), self.certificate.subject, key, valid))
        if self.key_ids:
            builder = _with_key_ids(builder, key, self.issued.key)
        certificate = builder.sign(self.issued.key, _hash_for(self.issued.key))
        above = (self.certificate, *self.above)
        return Authority(Issued(certificate, key), self.now, above, self.key_ids)

    def rekeyed(self) -> "Authority":
        """Return a root of the same subject and dates with another key, as after a reissue.

        Raises:
            ValueError: where this authority is an intermediate.
        """
        if not self.is_root:
            raise ValueError("only a root can be reissued by itself")
        key = new_key(_key_type(self.issued.key))
        old = self.certificate
        valid = (old.not_valid_before_utc, old.not_valid_after_utc)
        builder = _with_ca(_begin(old.subject, old.subject, key, valid))
        if self.key_ids:
            builder = _with_key_ids(builder, key, key)
        return Authority(
            Issued(builder.sign(key, _hash_for(key)), key), self.now, key_ids=self.key_ids
        )

    def issue(
        self,
        common_name: str,
        *,
        sans: Sequence[str] = LOOPBACK_SANS,
        usages: Sequence[str] | None = ("clientAuth",),
        key_usage: Sequence[str] | None = ("digitalSignature",),
        now: datetime | None = None,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        key: PrivateKey | None = None,
        key_type: KeyType = "ec",
        signature_hash: SignatureHash = "sha256",
        is_ca: bool = False,
        key_ids: bool | None = None,
    ) -> Issued:
        """Return an end-entity certificate, valid for a year from an hour before `now`.

        Args:
            common_name: the subject's CN; empty for an empty subject.
            sans: `DNS:…`, `IP:…`, `URI:…`, `email:…`; none at all leaves the extension out.
            usages: extendedKeyUsage by RFC 5280's names; None leaves the extension out.
            key_usage: keyUsage by RFC 5280's names; None leaves the extension out.
            now: the time from which default dates are counted, if not the authority's.
            not_before: instead of an hour before `now`.
            not_after: instead of a year after `now`.
            key: instead of a fresh one.
            key_type: what a fresh key is.
            signature_hash: what the authority signs with; sha1 is for tests of weak signatures.
            is_ca: whether basicConstraints says CA.
            key_ids: subjectKeyIdentifier and authorityKeyIdentifier, if not as the authority's.

        Raises:
            ValueError: where a SAN is none, or an Ed25519 authority is to sign with SHA-1.
        """
        key = key or new_key(key_type)
        valid = _valid(now or self.now, not_before, not_after, END_ENTITY_LIFETIME)
        builder = _begin(name_of(common_name), self.certificate.subject, key, valid)
        builder = builder.add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        if sans:
            # RFC 5280 §4.2.1.6: critical where the subject is empty.
            names = subject_alternative_name(sans)
            builder = builder.add_extension(names, critical=not common_name)
        if usages is not None:
            builder = builder.add_extension(extended_key_usage(usages), critical=False)
        if key_usage is not None:
            builder = builder.add_extension(key_usage_extension(key_usage), critical=True)
        if self.key_ids if key_ids is None else key_ids:
            builder = _with_key_ids(builder, key, self.issued.key)
        certificate = builder.sign(self.issued.key, _hash_for(self.issued.key))
        if signature_hash == "sha1":
            if isinstance(self.issued.key, ed25519.Ed25519PrivateKey):
                raise ValueError("an Ed25519 key signs without a hash of its own")
            certificate = signed_with_sha1(certificate, self.issued.key)
        return Issued(certificate, key)


def new_key(key_type: KeyType = "ec") -> PrivateKey:
    """Return a fresh private key; `ec` is on P-256."""
    match key_type:
        case "ec":
            return ec.generate_private_key(ec.SECP256R1())
        case "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case "rsa2048":
            return rsa.generate_private_key(65537, 2048)
        case "rsa1024":
            return rsa.generate_private_key(65537, 1024)


def _begin(
    subject: x509.Name, issuer: x509.Name, key: PrivateKey, valid: tuple[datetime, datetime]
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
    )


def _with_ca(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    return builder.add_extension(x509.BasicConstraints(True, None), critical=True).add_extension(
        key_usage_extension(("digitalSignature", "keyCertSign", "cRLSign")), critical=True
    )


def _with_key_ids(
    builder: x509.CertificateBuilder, key: PrivateKey, issuer_key: PrivateKey
) -> x509.CertificateBuilder:
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    issuers = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return builder.add_extension(own, critical=False).add_extension(issuers, critical=False)


def _valid(
    now: datetime, not_before: datetime | None, not_after: datetime | None, lifetime: timedelta
) -> tuple[datetime, datetime]:
    return dates(now, not_before, not_after or now + lifetime)


def _hash_for(key: PrivateKey) -> hashes.SHA256 | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def _key_type(key: PrivateKey) -> KeyType:
    if isinstance(key, rsa.RSAPrivateKey):
        return "rsa2048"
    return "ec" if isinstance(key, ec.EllipticCurvePrivateKey) else "ed25519"


def name_of(common_name: str) -> x509.Name:
    """Return the name CN=`common_name`; the empty name for an empty text."""
    if not common_name:
        return x509.Name([])
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def key_usage_extension(names: Sequence[str]) -> x509.KeyUsage:
    """Return keyUsage with exactly the bits `names` (RFC 5280 §4.2.1.3)."""
    asked = {_KEY_USAGES[name] for name in names}
    bits = {bit: bit in asked for bit in _KEY_USAGES.values()}
    return x509.KeyUsage(**bits, encipher_only=False, decipher_only=False)


def extended_key_usage(names: Sequence[str]) -> x509.ExtendedKeyUsage:
    """Return extendedKeyUsage with the purposes `names` (RFC 5280 §4.2.1.12)."""
    return x509.ExtendedKeyUsage([_USAGES[name] for name in names])


def subject_alternative_name(texts: Sequence[str]) -> x509.SubjectAlternativeName:
    """Return the SANs `texts`, each `DNS:…`, `IP:…`, `URI:…` or `email:…`.

    Raises:
        ValueError: where a text begins with none of these.
    """
    return x509.SubjectAlternativeName([_general_name(text) for text in texts])


def _general_name(text: str) -> x509.GeneralName:
    kind, _, value = text.partition(":")
    match kind:
        case "DNS":
            return x509.DNSName(value)
        case "IP":
            return x509.IPAddress(ipaddress.ip_address(value))
        case "URI":
            return x509.UniformResourceIdentifier(value)
        case "email":
            return x509.RFC822Name(value)
        case _:
            raise ValueError(f"{text!r} is no SAN; write DNS:, IP:, URI: or email: before it")
