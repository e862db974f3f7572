"""A throwaway PKI: authorities and the certificates they issue, built in code and kept in memory.

Law 7 holds here too: `now` is an argument, and the current time only its default. Keys are made
for one run; nothing of them is printed.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from probe.backend import extensions
from probe.backend.sha1_signature import signed_with_sha1

KeyType = Literal["ec", "rsa2048", "rsa1024", "ed25519"]
SignatureHash = Literal["sha256", "sha1"]
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

LOOPBACK_SANS: Final = ("DNS:localhost", "IP:127.0.0.1")
LEAF_LIFETIME: Final = timedelta(days=365)
CA_LIFETIME: Final = timedelta(days=3650)
_BACKDATED: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate together with its private key."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate as one PEM block."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key as unencrypted PKCS#8 PEM."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


@dataclass(frozen=True, slots=True)
class Authority:
    """A certification authority, a root or an intermediate, that issues certificates."""

    issued: Issued
    now: datetime
    """The time from which default dates are counted."""
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
        name = _name(common_name)
        builder = _begin(name, name, key, _dates(now, not_before, not_after, CA_LIFETIME))
        builder = _with_ca(builder)
        if key_ids:
            builder = _with_key_ids(builder, key, key)
        certificate = builder.sign(key, _hash_for(key))
        return cls(Issued(certificate, key), now, key_ids=key_ids)

    @property
    def certificate(self) -> x509.Certificate:
        """This authority's own certificate."""
        return self.issued.certificate

    @property
    def pem(self) -> bytes:
        """This authority's own certificate as one PEM block."""
        return self.issued.pem

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
        dates = _dates(self.now, not_before, not_after, CA_LIFETIME)
        builder = _with_ca(_begin(_name(common_name), self.certificate.subject, key, dates))
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
        dates = (old.not_valid_before_utc, old.not_valid_after_utc)
        builder = _with_ca(_begin(old.subject, old.subject, key, dates))
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
        dates = _dates(now or self.now, not_before, not_after, LEAF_LIFETIME)
        builder = _begin(_name(common_name), self.certificate.subject, key, dates)
        builder = builder.add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        if sans:
            # RFC 5280 §4.2.1.6: critical where the subject is empty.
            names = extensions.subject_alternative_name(sans)
            builder = builder.add_extension(names, critical=not common_name)
        if usages is not None:
            builder = builder.add_extension(extensions.extended_key_usage(usages), critical=False)
        if key_usage is not None:
            builder = builder.add_extension(extensions.key_usage(key_usage), critical=True)
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
            return rsa.generate_private_key(65537, 1024)  # noqa: S505 - weak on purpose


def write_pem(folder: Path, name: str, *parts: bytes) -> Path:
    """Write `parts` to the file `name` in `folder`, readable by its owner only; return its path."""
    path = folder / name
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(b"".join(parts))
    return path


def _begin(
    subject: x509.Name, issuer: x509.Name, key: PrivateKey, dates: tuple[datetime, datetime]
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dates[0])
        .not_valid_after(dates[1])
    )


def _with_ca(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    return builder.add_extension(x509.BasicConstraints(True, None), critical=True).add_extension(
        extensions.key_usage(("digitalSignature", "keyCertSign", "cRLSign")), critical=True
    )


def _with_key_ids(
    builder: x509.CertificateBuilder, key: PrivateKey, issuer_key: PrivateKey
) -> x509.CertificateBuilder:
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    issuers = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return builder.add_extension(own, critical=False).add_extension(issuers, critical=False)


def _dates(
    now: datetime, not_before: datetime | None, not_after: datetime | None, lifetime: timedelta
) -> tuple[datetime, datetime]:
    end = not_after or now + lifetime
    start = not_before or min(now, end) - _BACKDATED
    return start.replace(microsecond=0), end.replace(microsecond=0)


def _hash_for(key: PrivateKey) -> hashes.SHA256 | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def _key_type(key: PrivateKey) -> KeyType:
    if isinstance(key, rsa.RSAPrivateKey):
        return "rsa2048"
    return "ec" if isinstance(key, ec.EllipticCurvePrivateKey) else "ed25519"


def _name(common_name: str) -> x509.Name:
    if not common_name:
        return x509.Name([])
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
