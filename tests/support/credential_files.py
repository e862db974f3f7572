"""Short builders of certificates and keys for the tests of the credentials room."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from probe.model.target import TlsSettings


@dataclass(frozen=True)
class Issued:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: CertificateIssuerPrivateKeyTypes

    @property
    def der(self) -> bytes:
        """The certificate's DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        """The certificate's PEM block."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The key's PEM block."""
        return key_pem(self.key)

    @property
    def key_der(self) -> bytes:
        """The key's DER (PKCS#8)."""
        return self.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def key_pem(
    key: CertificateIssuerPrivateKeyTypes,
    form: PrivateFormat = PrivateFormat.PKCS8,
    encryption: serialization.KeySerializationEncryption | None = None,
) -> bytes:
    """Return `key` as a PEM block."""
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption())


def named(common_name: str) -> x509.Name:
    """Return the name CN=`common_name`."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def issue(
    common_name: str,
    issuer: Issued | None = None,
    *,
    ca: bool = False,
    key: CertificateIssuerPrivateKeyTypes | None = None,
    extensions: tuple[x509.ExtensionType, ...] = (),
    subject: x509.Name | None = None,
) -> Issued:
    """Issue a certificate, valid now for 90 days; self-signed without `issuer`.

    `subject` stands for CN=`common_name` where the whole name matters.
    """
    own = key or ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    subject = named(common_name) if subject is None else subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=90))
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    signer = issuer.key if issuer else own
    algorithm = None if "25519" in type(signer).__name__ else hashes.SHA256()
    return Issued(builder.sign(signer, algorithm), own)


def pair_files(folder: Path, *chain: Issued, ca: tuple[Issued, ...] = ()) -> TlsSettings:
    """Write `chain` with the first one's key, and `ca` where given; return the settings."""
    (folder / "tls.crt").write_bytes(b"".join(issued.pem for issued in chain))
    (folder / "tls.key").write_bytes(chain[0].key_pem)
    ca_file = None
    if ca:
        ca_file = str(folder / "ca.crt")
        (folder / "ca.crt").write_bytes(b"".join(issued.pem for issued in ca))
    return TlsSettings(
        cert_file=str(folder / "tls.crt"), key_file=str(folder / "tls.key"), ca_file=ca_file
    )
