"""Chains made to be as expensive as possible to read or verify; not real files.

Their signatures are random bytes of the right length: a verifier does all its work on them
before it finds out. OpenSSL takes messages of up to 100 kB, so that is what they fill.
"""

import base64
import datetime as dt
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID, ObjectIdentifier

_NOW: Final = dt.datetime.now(dt.UTC)
_ROOM: Final = 95_000
_SIGNER: Final = rsa.generate_private_key(65537, 2048)
_RSA_SHA256: Final = bytes.fromhex("300d06092a864886f70d01010b0500")

Extensions = list[tuple[x509.ExtensionType, bool]]


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(octets))) + octets + content


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    *,
    ca: bool,
    signature: int = 256,
    extensions: Extensions = [],  # noqa: B006  # never changed
) -> bytes:
    """Return DER signed by random bytes, as many as `signature`."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOW - dt.timedelta(days=1))
        .not_valid_after(_NOW + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    signed = builder.sign(_SIGNER, hashes.SHA256())
    bits = b"\x00\x00" + secrets.token_bytes(signature - 1)
    return _der(0x30, signed.tbs_certificate_bytes + _RSA_SHA256 + _der(0x03, bits))


def _rsa(bits: int, exponent: int = 65537) -> rsa.RSAPublicKey:
    """Return a public key that has no private one: any odd number will do for a modulus."""
    modulus = secrets.randbits(bits) | (1 << (bits - 1)) | 1
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def _up_to_the_limit(make: Callable[[int], bytes]) -> Iterator[bytes]:
    room, index = _ROOM, 0
    while True:
        made = make(index)
        room -= len(made) + 3
        if room < 0:
            return
        yield made
        index += 1


def _leaf(
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    signature: int,
    names: int = 1,
    subject: x509.Name | None = None,
    more: Extensions = [],  # noqa: B006  # never changed
) -> bytes:
    sans = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), *(x509.DNSName(f"n{i:x}.a") for i in range(names))]
    )
    return _certificate(
        subject or _name("localhost"),
        _name(issuer),
        key.public_key(),
        ca=False,
        signature=signature,
        extensions=[(sans, False), *more],
    )


def _chain_of(bits: int, exponent: int) -> Callable[[ec.EllipticCurvePrivateKey], list[bytes]]:
    size = bits // 8

    def build(key: ec.EllipticCurvePrivateKey) -> list[bytes]:
        def issuer(index: int) -> bytes:
            return _certificate(
                _name(f"ca {index}"), _name(f"ca {index + 1}"), _rsa(bits, exponent), ca=True,
                signature=size,
            )  # fmt: skip

        return [_leaf(key, "ca 0", size), *_up_to_the_limit(issuer)]

    return build


def _self_signed(key: ec.EllipticCurvePrivateKey) -> list[bytes]:
    """Each is its own issuer, so that a reader verifies each signature with its own key."""

    def root(index: int) -> bytes:
        name = _name(f"root {index}")
        return _certificate(name, name, _rsa(16384, (1 << 63) | 1), ca=True, signature=2048)

    return [_leaf(key, "root 0", 2048), *_up_to_the_limit(root)]


def _many_names(key: ec.EllipticCurvePrivateKey) -> list[bytes]:
    return [_leaf(key, "ca", 256, names=10_000)]


def _long_subject(key: ec.EllipticCurvePrivateKey) -> list[bytes]:
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, f"u{i}") for i in range(4500)]
    )
    return [_leaf(key, "ca", 256, subject=subject)]


def _name_constraints(key: ec.EllipticCurvePrivateKey) -> list[bytes]:
    constraints = x509.NameConstraints(
        permitted_subtrees=None,
        excluded_subtrees=[x509.DNSName(f"c{i:x}.b") for i in range(1900)],
    )
    issuer = _certificate(
        _name("ca"), _name("root"), _rsa(2048), ca=True, extensions=[(constraints, True)]
    )
    return [_leaf(key, "ca", 256, names=1000), issuer]


def _many_extensions(key: ec.EllipticCurvePrivateKey) -> list[bytes]:
    more: Extensions = [
        (x509.UnrecognizedExtension(ObjectIdentifier(f"1.3.6.1.4.1.99999.{i}"), b"\x05\x00"), False)
        for i in range(3000)
    ]
    return [_leaf(key, "ca", 256, more=more)]


def _deep_der(key: ec.EllipticCurvePrivateKey) -> list[bytes]:
    nested = b"\x05\x00"
    for _ in range(15_000):
        nested = b"\x30\x80" + nested + b"\x00\x00" if len(nested) > 60_000 else _der(0x30, nested)
    deep = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), nested)
    return [_leaf(key, "ca", 256, more=[(deep, False)])]


def _same_name_issuers(key: ec.EllipticCurvePrivateKey) -> list[bytes]:
    """Each could have issued the previous one: a path builder has to try them all."""

    def issuer(_: int) -> bytes:
        return _certificate(
            _name("ca"), _name("ca"), _rsa(3072, secrets.randbits(3071) | 1), ca=True,
            signature=384,
        )  # fmt: skip

    return [_leaf(key, "ca", 384), *_up_to_the_limit(issuer)]


CHAINS: Final[dict[str, Callable[[ec.EllipticCurvePrivateKey], list[bytes]]]] = {
    "chain-of-rsa-16384": _chain_of(16384, (1 << 63) | 1),
    "chain-of-more-than-100": _chain_of(2048, 65537),
    "chain-of-huge-exponents": _chain_of(3072, (1 << 3070) | 1),
    "self-signed-rsa-16384": _self_signed,
    "thousands-of-sans": _many_names,
    "thousands-of-rdns": _long_subject,
    "name-constraints": _name_constraints,
    "thousands-of-extensions": _many_extensions,
    "deep-der": _deep_der,
    "issuers-of-one-name": _same_name_issuers,
}


def authorities() -> Iterator[bytes]:
    """Yield PEM certificates whose names alone fill a CertificateRequest."""
    key = _rsa(2048)
    for index in range(40):
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, f"unit {index} {part}")
                for part in range(60)
            ]
        )
        yield _pem(_certificate(name, name, key, ca=True))


def write_chain(kind: str, folder: Path) -> tuple[Path, Path]:
    """Write the chain and the leaf's key as PEM; return their paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    chain = CHAINS[kind](key)
    cert_file, key_file = folder / f"{kind}.pem", folder / f"{kind}-key.pem"
    cert_file.write_bytes(b"".join(_pem(der) for der in chain))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert_file, key_file


def _pem(der: bytes) -> bytes:
    body = base64.encodebytes(der)
    return b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"
