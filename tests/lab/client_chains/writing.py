"""Certificates with exactly the fields that a rule is about, right or wrong.

cryptography's builder makes what it can; what it refuses (a version, a serial number, the kind of a
string) is changed in its DER, which is then signed again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ObjectIdentifier

from probe.backend.pki import PrivateKey
from tests.support.pki import extended_key_usage, key_usage_extension, name_of, new_key
from tests.support.sha1_signature import signed_with_sha1

Change = Callable[[bytes], bytes]
"""What is changed in the signed part, which keeps its length or has its outer header written anew."""

NOW: Final = datetime.now(UTC).replace(microsecond=0)
PRIVATE_OID: Final = ObjectIdentifier("1.3.6.1.4.1.55555.1.1")
CA_USAGE: Final = ("keyCertSign", "cRLSign")


def unknown(*, critical: bool) -> tuple[x509.ExtensionType, bool]:
    """Return an extension that no verifier knows."""
    return x509.UnrecognizedExtension(PRIVATE_OID, b"\x05\x00"), critical


@dataclass(frozen=True)
class Made:
    """A certificate and its key."""

    der: bytes
    key: PrivateKey
    subject: x509.Name

    @cached_property
    def pem(self) -> bytes:
        """The certificate."""
        return _armour("CERTIFICATE", self.der)

    @property
    def key_pem(self) -> bytes:
        """The key."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _armour(label: str, der: bytes) -> bytes:
    from base64 import encodebytes

    text = encodebytes(der).replace(b"\n", b"")
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    begin, end = (f"-----{word} {label}-----".encode() for word in ("BEGIN", "END"))
    return b"\n".join([begin, *lines, end, b""])


def make(
    name: str | x509.Name,
    issuer: Made | None = None,
    *,
    ca: bool | None = False,
    path_length: int | None = None,
    usage: Sequence[str] | None = None,
    purposes: Sequence[str] | None = None,
    sans: Sequence[x509.GeneralName] | None = None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    begins: float = -400,
    ends: float = 400,
    key: PrivateKey | None = None,
    signed_by: PrivateKey | None = None,
    key_ids: bool = True,
    wrong_key_id: bool = False,
    issuer_name: x509.Name | None = None,
    sha1: bool = False,
    change: Change | None = None,
) -> Made:
    """Return a certificate; each field that is None is left out.

    Args:
        name: the subject, or its CN.
        issuer: None: it is self-signed.
        ca: basicConstraints' cA.
        path_length: basicConstraints' pathLenConstraint.
        usage: keyUsage; None: a CA's, or digitalSignature; () leaves it out.
        purposes: extendedKeyUsage; None: none for a CA, clientAuth for others; () leaves it out.
        sans: subjectAltName; None: a DNS name for what is not a CA; () leaves it out.
        extensions: further ones, and whether each is critical.
        begins: days from now, as `ends`.
        ends: notAfter.
        key: instead of a fresh one.
        signed_by: another key than the issuer's.
        key_ids: whether it has subjectKeyIdentifier and authorityKeyIdentifier.
        wrong_key_id: whether authorityKeyIdentifier is of another key.
        issuer_name: instead of the issuer's subject.
        sha1: whether it is signed with SHA-1.
        change: of its signed part.
    """
    subject = name_of(name) if isinstance(name, str) else name
    key = key or new_key()
    signer = signed_by or (issuer.key if issuer else key)
    above = issuer_name or (issuer.subject if issuer else subject)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=begins))
        .not_valid_after(NOW + timedelta(days=ends))
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length), critical=True)
    if usage is None:
        usage = CA_USAGE if ca else ("digitalSignature",)
    if usage:
        builder = builder.add_extension(key_usage_extension(usage), critical=True)
    if purposes is None:
        purposes = () if ca else ("clientAuth",)
    if purposes:
        builder = builder.add_extension(extended_key_usage(purposes), critical=False)
    if sans is None:
        sans = () if ca else (x509.DNSName("checkout.example.com"),)
    if sans:
        builder = builder.add_extension(
            x509.SubjectAlternativeName(sans), critical=not subject.rdns
        )
    if key_ids:
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        other = new_key() if wrong_key_id else (issuer.key if issuer else key)
        builder = builder.add_extension(own, critical=False).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(other.public_key()), critical=False
        )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    certificate = builder.sign(signer, _hash_for(signer))
    if sha1:
        certificate = signed_with_sha1(certificate, signer)  # type: ignore[arg-type]  # RSA or EC
    der = certificate.public_bytes(Encoding.DER)
    if change is not None:
        der = _sign_again(change(certificate.tbs_certificate_bytes), certificate, signer)
    return Made(der, key, subject)


def _hash_for(key: PrivateKey) -> hashes.SHA256 | None:
    return (
        None
        if isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
        else hashes.SHA256()
    )


def _sign_again(tbs: bytes, certificate: x509.Certificate, key: PrivateKey) -> bytes:
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signature = key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")
    assert algorithm in certificate.tbs_certificate_bytes
    return tlv(0x30, tbs + algorithm + tlv(3, b"\0" + signature))


def tlv(tag: int, content: bytes) -> bytes:
    """Return one element of DER."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def split(der: bytes) -> tuple[int, bytes, bytes]:
    """Return tag and content of the first element, and what follows it."""
    size, start = der[1], 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(der[2:start], "big")
    return der[0], der[start : start + size], der[start + size :]


def change_fields(change: Callable[[list[bytes]], None]) -> Change:
    """Return a change of the fields of a TBSCertificate, each a whole element in its order."""

    def apply(tbs: bytes) -> bytes:
        _, content, _ = split(tbs)
        fields = []
        while content:
            _, _, rest = split(content)
            fields.append(content[: len(content) - len(rest)])
            content = rest
        change(fields)
        return tlv(0x30, b"".join(fields))

    return apply


def with_serial(octets: bytes) -> Change:
    """Return a change to a serial number of these octets."""

    def change(fields: list[bytes]) -> None:
        fields[1] = tlv(2, octets)

    return change_fields(change)


def _to_version_1(fields: list[bytes]) -> None:
    del fields[7:]
    del fields[0]


VERSION_1: Final = change_fields(_to_version_1)
"""No version field, no extensions."""


def with_extensions(change: Callable[[list[bytes]], None]) -> Change:
    """Return a change of the list of extensions, each a whole element."""

    def change_last(fields: list[bytes]) -> None:
        _, explicit, _ = split(fields[-1])
        _, content, _ = split(explicit)
        found = []
        while content:
            _, _, rest = split(content)
            found.append(content[: len(content) - len(rest)])
            content = rest
        change(found)
        fields[-1] = tlv(0xA3, tlv(0x30, b"".join(found)))

    return change_fields(change_last)


def _twice(found: list[bytes]) -> None:
    found.append(found[-1])


DUPLICATE_EXTENSION: Final = with_extensions(_twice)


def with_printable_issuer(tbs: bytes) -> bytes:
    """Write the issuer's strings as PrintableString instead of UTF8String: another DER, one name."""

    def change(fields: list[bytes]) -> None:
        tag = bytes((0x0C,))
        fields[3] = fields[3].replace(tag, bytes((0x13,)), 1) if tag in fields[3] else fields[3]

    return change_fields(change)(tbs)


def rsa_key(bits: int) -> PrivateKey:
    """Return a fresh RSA key."""
    return rsa.generate_private_key(65537, bits)
