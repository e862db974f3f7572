"""What a file holds whatever it was meant for: every block, certificate and key, for `inspect`.

Total. Of a key only its kind, its size and a digest of its public half leave this module;
what is encrypted is not opened, and no passphrase is asked for.
"""

import base64
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_der_public_key,
    load_ssh_private_key,
)

from probe.credentials.content import SIZE_LIMIT
from probe.credentials.formats.keystore import read_keystore, read_pkcs7
from probe.credentials.formats.pem import BLOCK_NAMES, Block, is_key_label, scan_pem
from probe.credentials.formats.recognise import (
    Format,
    cut_first_der,
    name_utf16,
    recognise_format,
    unwrap_base64,
)
from probe.credentials.formats.wrapped import describe_particulars
from probe.credentials.key_pair import fingerprint_public_key
from probe.credentials.named_file import NamedFile
from probe.credentials.read_file import read_file
from probe.credentials.readers.private_key import load_private_key
from probe.credentials.readers.reading import ParsedCertificate
from probe.model.certificate import KeyFacts, NamedBlock
from probe.surroundings.file_view import HOST_FILES, FileView
from probe.text.safe_text import safe_text
from probe.x509.library_errors import LIBRARY_ERRORS
from probe.x509.parse import describe_public_key, make_name, parse_certificate
from probe.x509.public_key import load_public_key
from probe.x509.raw_certificate import read_certificate


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
    odd_certificates: tuple[bytes, ...] = ()
    """DER of those that `cryptography` refuses; exporters may read them."""

    @property
    def holds_private_key(self) -> bool:
        """Whether the file holds a private key, encrypted or not."""
        return any(key.private for key in self.keys)


_UNREADABLE: Final = Reading(Format.UNREADABLE, "cannot be read")


def read_named_file(file: NamedFile, view: FileView = HOST_FILES) -> Reading:
    """Read everything that a file, or an inline key, holds.

    Raises:
        OSError: where the probe itself lacks file descriptors or memory.
    """
    raw = file.inline or read_file(file, view=view)
    return read_whole_file(raw) if isinstance(raw, bytes) else _UNREADABLE


def read_whole_file(raw: bytes) -> Reading:
    """Return everything that `raw` holds, also inside of base64, UTF-16 or gzip."""
    scan = scan_pem(raw)
    kind = recognise_format(raw)
    if scan.blocks or (scan.flaws and kind in {Format.TEXT, Format.BINARY}):
        return _read_pem(scan.blocks, len(scan.flaws))
    what = f"{kind.phrase}{describe_particulars(raw, kind)}"
    inner = _unwrap(raw, kind)
    if inner is not None:
        found = read_whole_file(inner)
        return replace(found, format=kind, what=what)
    match kind:
        case Format.DER_CERTIFICATE:
            return Reading(kind, what, certificates=_parse([cut_first_der(raw)]))
        case Format.DER_PKCS7:
            return Reading(kind, what, certificates=read_pkcs7(cut_first_der(raw)))
        case Format.DER_ENCRYPTED_KEY:
            return Reading(kind, what, keys=(KeyFacts(private=True, encrypted=True),))
        case Format.DER_KEY | Format.DER_PUBLIC_KEY:
            key = _read_key(cut_first_der(raw), private=kind is Format.DER_KEY)
            return Reading(kind, what, keys=(key,))
        case Format.JKS | Format.JCEKS:
            store = read_keystore(raw)
            held = f"{_count(store.private_keys, 'private key')} and {_count(store.trusted, 'trusted certificate')}"
            return Reading(kind, f"{what}; it holds {held}", certificates=store.certificates)
        case _:
            return Reading(kind, what)


def _read_pem(blocks: tuple[Block, ...], flawed: int) -> Reading:
    counts = Counter(map(_name_kind, blocks))
    held = [_count(number, name) for name, number in counts.items()]
    if flawed:
        held.append(_count(flawed, "damaged block"))
    certificates: list[x509.Certificate] = []
    odd: list[bytes] = []
    for block in blocks:
        if block.label == "CERTIFICATE":
            parsed = _parse([block.der])
            certificates += parsed
            if not parsed and read_certificate(block.der) is not None:
                odd.append(block.der)
        elif block.label in {"PKCS7", "CMS"}:
            certificates += read_pkcs7(block.der)
    listed = " and ".join(filter(None, (", ".join(held[:-1]), *held[-1:]))) or "no block"
    return Reading(
        Format.PEM,
        f"is PEM with {listed}",
        tuple(NamedBlock(block.line, safe_text(_name_block(block))) for block in blocks),
        tuple(certificates),
        tuple(key for key in map(_read_block_key, blocks) if key is not None),
        tuple(odd),
    )


def _unwrap(raw: bytes, kind: Format) -> bytes | None:
    """Return what a reader would see once the wrapping is off; None where there is none."""
    match kind:
        case Format.UTF16:
            text = raw.decode(name_utf16(raw), "replace").encode("utf-8", "replace")
            # A NUL left in it would make it UTF-16 once more.
            return text.replace(b"\0", b"")
        case Format.ESCAPED_PEM:
            return raw.replace(rb"\n", b"\n")
        case Format.CARRIAGE_RETURNS:
            return raw.replace(b"\r", b"\n")
        case Format.BASE64_PEM | Format.BASE64_DER | Format.BASE64_KEYSTORE:
            return unwrap_base64(raw.strip())[1]
        case Format.GZIP:
            try:
                inner = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(raw, SIZE_LIMIT)
            except zlib.error:
                return None
            return None if recognise_format(inner) is Format.GZIP else inner
        case _:
            return None


def _parse(ders: Iterable[bytes]) -> tuple[x509.Certificate, ...]:
    """Parse what `cryptography` reads, and what it reads once OpenSSL has written it anew."""
    parsed = (
        parse_certificate(der) or parse_certificate(ParsedCertificate(der).sent) for der in ders
    )
    return tuple(one for one in parsed if one is not None)


def _name_kind(block: Block) -> str:
    if block.encrypted and is_key_label(block.label):
        return "encrypted private key"
    if is_key_label(block.label) and block.label not in BLOCK_NAMES:
        return "private key"
    return BLOCK_NAMES.get(block.label, f"{block.label} block")


def _name_block(block: Block) -> str:
    """Name the block; of a request and a revocation list also whose it is."""
    kind = _name_kind(block)
    load: Callable[[bytes], x509.CertificateSigningRequest | x509.CertificateRevocationList]
    if "REQUEST" in block.label:
        load, attribute = x509.load_der_x509_csr, "subject"
    elif block.label == "X509 CRL":
        load, attribute = x509.load_der_x509_crl, "issuer"
    else:
        return kind
    try:
        return f"{kind} of {make_name(getattr(load(block.der), attribute)).text}"
    except LIBRARY_ERRORS:
        return f"{kind} that does not parse"


def _read_block_key(block: Block) -> KeyFacts | None:
    if block.label in {"PUBLIC KEY", "RSA PUBLIC KEY"}:
        return _read_key(block.der, private=False)
    if not is_key_label(block.label):
        return None
    if block.encrypted or block.label == "ENCRYPTED PRIVATE KEY":
        return KeyFacts(private=True, encrypted=True)
    return _read_key(block.der, private=True, openssh=block.label == "OPENSSH PRIVATE KEY")


def _read_key(der: bytes, *, private: bool, openssh: bool = False) -> KeyFacts:
    public: object
    try:
        if openssh:
            armour = b"-----%b OPENSSH PRIVATE KEY-----\n"
            pem = armour % b"BEGIN" + base64.encodebytes(der) + armour % b"END"
            public = load_ssh_private_key(
                pem, None, unsafe_skip_rsa_key_validation=True
            ).public_key()
        elif private:
            key = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
            public = key.public_key()
        else:
            public = load_der_public_key(der)
    except TypeError:
        return KeyFacts(private=private, encrypted=private)
    except LIBRARY_ERRORS:
        return _read_odd_key(der) if private and not openssh else KeyFacts(private=private)
    key_type, key_bits = describe_public_key(public)
    digest = fingerprint_public_key(public)
    return KeyFacts(private, False, key_type, key_bits, digest)


def _read_odd_key(der: bytes) -> KeyFacts:
    """Read a private key that `cryptography` refuses and OpenSSL reads: PKCS#8 version 2, say."""
    loaded = load_private_key(der)
    if loaded is None:
        return KeyFacts(private=True)
    public = load_public_key(loaded.spki)
    key_type, bits = ("", 0) if public is None else describe_public_key(public)
    return KeyFacts(True, False, key_type, bits, loaded.spki_sha256)


def _count(number: int, name: str) -> str:
    return f"{number or 'no'} {name}{'' if number == 1 else 's'}"
