"""A throwaway PKI: roots and the certificates that they issue, made for one run, kept in memory."""

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

LOOPBACK_SANS: Final = ("DNS:localhost", "IP:127.0.0.1")
END_ENTITY_LIFETIME: Final = timedelta(days=365)
CA_LIFETIME: Final = timedelta(days=3650)
_BACKDATED: Final = timedelta(hours=1)
_USAGES: Final = {
    "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "serverAuth": ExtendedKeyUsageOID.SERVER_AUTH,
}


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Authority:
    """A certification authority."""

    issued: Issued
    now: datetime
    """The time from which default dates are counted."""

    @classmethod
    def create(cls, common_name: str, now: datetime) -> Self:
        """Return a root that is valid for ten years from an hour before `now`."""
        return cls(_sign(common_name, None, now, now + CA_LIFETIME), now)

    @property
    def certificate(self) -> x509.Certificate:
        """This authority's own certificate."""
        return self.issued.certificate

    @property
    def pem(self) -> bytes:
        """This authority's own certificate as one PEM block."""
        return self.issued.pem

    def issue(
        self,
        common_name: str,
        *,
        sans: Sequence[str] = LOOPBACK_SANS,
        usages: Sequence[str] = ("clientAuth",),
        not_after: datetime | None = None,
    ) -> Issued:
        """Return an end-entity certificate.

        Args:
            common_name: the subject's CN.
            sans: `DNS:…` and `IP:…`.
            usages: extendedKeyUsage (RFC 5280 §4.2.1.12): clientAuth, serverAuth.
            not_after: instead of a year after `now`.
        """
        return _sign(
            common_name,
            self.issued,
            self.now,
            not_after or self.now + END_ENTITY_LIFETIME,
            (
                x509.SubjectAlternativeName([_general_name(text) for text in sans]),
                x509.ExtendedKeyUsage([_USAGES[name] for name in usages]),
            ),
        )


def write_pem(folder: Path, name: str, *parts: bytes) -> Path:
    """Write `parts` to the file `name` in `folder`, readable by its owner only; return its path."""
    path = folder / name
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(b"".join(parts))
    return path


def dates(now: datetime, not_before: datetime | None, end: datetime) -> tuple[datetime, datetime]:
    """Return notBefore and notAfter in whole seconds; without a start, an hour before `now`."""
    start = not_before or min(now, end) - _BACKDATED
    return start.replace(microsecond=0), end.replace(microsecond=0)


def _sign(
    common_name: str,
    issuer: Issued | None,
    now: datetime,
    not_after: datetime,
    extensions: Sequence[x509.ExtensionType] = (),
) -> Issued:
    """Return a certificate of a fresh key: of an end entity, or without `issuer` a root."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    ca = issuer is None
    start, end = dates(now, None, not_after)
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(usage, critical=True)
    )
    for extension in (
        *extensions,
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
    ):
        builder = builder.add_extension(extension, critical=False)
    return Issued(builder.sign(signer, hashes.SHA256()), key)


def _general_name(text: str) -> x509.GeneralName:
    kind, _, value = text.partition(":")
    return x509.IPAddress(ipaddress.ip_address(value)) if kind == "IP" else x509.DNSName(value)
