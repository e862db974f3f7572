"""What a file holds whatever it was meant for: every block, certificate and key, for `inspect`.

Pure and total. Law 11: of a key only its kind, its size and a digest of its public half leave
this module; what is encrypted is not opened, and nobody is asked for a passphrase.
"""

import base64
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
    load_ssh_private_key,
)

from probe.credentials.content import SIZE_LIMIT
from probe.credentials.formats.keystore import read_keystore, read_pkcs7
from probe.credentials.formats.pem import Block, is_key_label, scan_pem
from probe.credentials.formats.recognise import PHRASES, Format, first_der, peel_base64, recognise
from probe.credentials.formats.wrapped import particulars
from probe.text.safe_text import safe_text
from probe.x509.parse import describe_public_key, make_name, parse_certificate
from probe.x509.signature import LIBRARY_ERRORS

_NAMES: Final = {
    "CERTIFICATE": "certificate",
    "TRUSTED CERTIFICATE": "certificate in OpenSSL's trusted form",
    "X509 CERTIFICATE": "certificate under an outdated label",
    "CERTIFICATE REQUEST": "certificate signing request",
    "NEW CERTIFICATE REQUEST": "certificate signing request",
    "X509 CRL": "certificate revocation list",
    "PKCS7": "PKCS#7 bundle",
    "CMS": "PKCS#7 bundle",
    "PUBLIC KEY": "public key",
    "RSA PUBLIC KEY": "public key",
    "OPENSSH PRIVATE KEY": "OpenSSH private key",
    "ENCRYPTED PRIVATE KEY": "encrypted private key",
    "DH PARAMETERS": "block of DH parameters",
    "EC PARAMETERS": "block of EC parameters",
}
_PKCS7_LABELS: Final = frozenset({"PKCS7", "CMS"})


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A key without itself: `public_key_sha256` is of its SubjectPublicKeyInfo, to compare by."""

    private: bool
    encrypted: bool = False
    key_type: str = ""
    key_bits: int = 0
    public_key_sha256: str = ""


@dataclass(frozen=True, slots=True)
class NamedBlock:
    """A PEM block by what it is, and the number of its BEGIN line."""

    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One file's content, read for no role in particular."""

    format: Format
    what: str
    """What the file is, as the end of a sentence that begins with its path."""
    blocks: tuple[NamedBlock, ...] = ()
    certificates: tuple[x509.Certificate, ...] = ()
    keys: tuple[KeyFacts, ...] = ()
    """Private and public ones, in the file's order."""


def read_whole(raw: bytes) -> Reading:
    """Return everything that `raw` holds, also inside of base64, UTF-16 or gzip."""
    scan = scan_pem(raw)
    if scan.blocks or (scan.flaws and recognise(raw) in {Format.TEXT, Format.BINARY}):
        return _pem(scan.blocks, len(scan.flaws))
    kind = recognise(raw)
    what = f"{PHRASES[kind]}{particulars(raw, kind)}"
    inner = _inside(raw, kind)
    if inner is not None:
        found = read_whole(inner)
        return Reading(kind, what, found.blocks, found.certificates, found.keys)
    match kind:
        case Format.DER_CERTIFICATE:
            return Reading(kind, what, certificates=_parsed([first_der(raw)]))
        case Format.DER_PKCS7:
            return Reading(kind, what, certificates=read_pkcs7(first_der(raw)))
        case Format.DER_KEY | Format.DER_ENCRYPTED_KEY | Format.DER_PUBLIC_KEY:
            return Reading(kind, what, keys=(_der_key(first_der(raw), kind),))
        case Format.JKS | Format.JCEKS:
            store = read_keystore(raw)
            held = f"{_count(store.private_keys, 'private key')} and {_count(store.trusted, 'trusted certificate')}"
            return Reading(kind, f"{what}; it holds {held}", certificates=store.certificates)
        case _:
            return Reading(kind, what)


def _pem(blocks: tuple[Block, ...], flawed: int) -> Reading:
    counts = Counter(map(_named, blocks))
    held = [_count(number, name) for name, number in counts.items()]
    if flawed:
        held.append(_count(flawed, "damaged block"))
    certificates: list[x509.Certificate] = []
    for block in blocks:
        if block.label == "CERTIFICATE":
            certificates += _parsed([block.der])
        elif block.label in _PKCS7_LABELS:
            certificates += read_pkcs7(block.der)
    keys = [key for key in map(_block_key, blocks) if key is not None]
    return Reading(
        Format.PEM,
        f"is PEM with {_listed(held)}",
        tuple(NamedBlock(block.line, safe_text(_shown(block))) for block in blocks),
        tuple(certificates),
        tuple(keys),
    )


def _inside(raw: bytes, kind: Format) -> bytes | None:
    """Return what a reader would see once the wrapping is off; None where there is none."""
    match kind:
        case Format.UTF16:
            return _from_utf16(raw)
        case Format.ESCAPED_PEM:
            return raw.replace(rb"\n", b"\n")
        case Format.CARRIAGE_RETURNS:
            return raw.replace(b"\r", b"\n")
        case Format.BASE64_PEM | Format.BASE64_DER | Format.BASE64_KEYSTORE:
            return peel_base64(raw.strip())[1]
        case Format.GZIP:
            try:
                inner = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(raw, SIZE_LIMIT)
            except zlib.error:
                return None
            return None if recognise(inner) is Format.GZIP else inner
        case _:
            return None


def _from_utf16(raw: bytes) -> bytes:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        codec = "utf-16"
    else:
        codec = "utf-16-le" if raw[1:2] == b"\0" else "utf-16-be"
    text = raw.decode(codec, "replace").encode("utf-8", "replace")
    # A NUL left in it would make it UTF-16 once more.
    return text.replace(b"\0", b"")


def _parsed(ders: Iterable[bytes]) -> tuple[x509.Certificate, ...]:
    found = map(parse_certificate, ders)
    return tuple(certificate for certificate in found if certificate is not None)


def _named(block: Block) -> str:
    if block.encrypted and is_key_label(block.label):
        return "encrypted private key"
    if is_key_label(block.label) and block.label not in _NAMES:
        return "private key"
    return _NAMES.get(block.label, f"{block.label} block")


def _shown(block: Block) -> str:
    """Name the block; of a request and a revocation list also whose it is."""
    named = _named(block)
    load: Callable[[bytes], x509.CertificateSigningRequest | x509.CertificateRevocationList]
    if "REQUEST" in block.label:
        load, attribute = x509.load_der_x509_csr, "subject"
    elif block.label == "X509 CRL":
        load, attribute = x509.load_der_x509_crl, "issuer"
    else:
        return named
    try:
        return f"{named} of {make_name(getattr(load(block.der), attribute)).text}"
    except LIBRARY_ERRORS:
        return f"{named} that does not parse"


def _block_key(block: Block) -> KeyFacts | None:
    if block.label in {"PUBLIC KEY", "RSA PUBLIC KEY"}:
        return _key(block.der, private=False)
    if not is_key_label(block.label):
        return None
    if block.encrypted or block.label == "ENCRYPTED PRIVATE KEY":
        return KeyFacts(private=True, encrypted=True)
    if block.label == "OPENSSH PRIVATE KEY":
        return _openssh_key(block.der)
    return _key(block.der, private=True)


def _der_key(der: bytes, kind: Format) -> KeyFacts:
    if kind is Format.DER_ENCRYPTED_KEY:
        return KeyFacts(private=True, encrypted=True)
    return _key(der, private=kind is Format.DER_KEY)


def _key(der: bytes, *, private: bool) -> KeyFacts:
    try:
        if private:
            key = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
            return _facts(key.public_key(), private=True)
        return _facts(load_der_public_key(der), private=False)
    except TypeError:
        return KeyFacts(private=private, encrypted=private)
    except LIBRARY_ERRORS:
        return KeyFacts(private=private)


def _openssh_key(blob: bytes) -> KeyFacts:
    label = b"OPENSSH PRIVATE KEY"
    armoured = b"-----BEGIN %b-----\n%b-----END %b-----\n" % (
        label,
        base64.encodebytes(blob),
        label,
    )
    try:
        key = load_ssh_private_key(armoured, None, unsafe_skip_rsa_key_validation=True)
    except TypeError:
        return KeyFacts(private=True, encrypted=True)
    except LIBRARY_ERRORS:
        return KeyFacts(private=True)
    return _facts(key.public_key(), private=True)


def _facts(public: object, *, private: bool) -> KeyFacts:
    key_type, key_bits = describe_public_key(public)
    try:
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined] # every public key of the library has it
    except LIBRARY_ERRORS:
        der = b""
    digest = sha256(der).hexdigest() if der else ""
    return KeyFacts(private, False, key_type, key_bits, digest)


def _count(number: int, name: str) -> str:
    return f"{number or 'no'} {name}{'' if number == 1 else 's'}"


def _listed(items: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(items[:-1]), items[-1]))) if items else "no block"
