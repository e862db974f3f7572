"""What a byte string without a readable PEM block really is.

Pure and total. Recognition goes by magic numbers and ASN.1 structure, never by a file's name.
"""

import base64
import binascii
import re
from collections.abc import Callable
from enum import StrEnum
from itertools import islice
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

from probe.x509.library_errors import LIBRARY_ERRORS
from probe.x509.parse import parse_certificate


class Format(StrEnum):
    """A file's format, as `inspect` prints it, and what a sentence that begins with its path says."""

    phrase: str

    def __new__(cls, name: str, phrase: str = "") -> Self:
        """Make a member of its name and its phrase."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.phrase = phrase
        return member

    PEM = "PEM"
    EMPTY = "empty", "is empty"
    UTF16 = "UTF-16", "is UTF-16 text, as Windows tools write it"
    DER_CERTIFICATE = "DER certificate", "is a DER certificate, not PEM"
    DER_KEY = "DER private key", "is a DER private key, not PEM"
    DER_ENCRYPTED_KEY = "DER encrypted private key", "is an encrypted DER private key, not PEM"
    DER_PUBLIC_KEY = "DER public key", "is a DER public key"
    DER_CSR = (
        "DER certificate signing request",
        "is a DER certificate signing request, which is not a certificate yet",
    )
    DER_PKCS7 = "DER PKCS#7", "is a DER PKCS#7 bundle, not PEM"
    DER_TRUNCATED = "truncated DER", "is DER that ends too early: it is truncated"
    DER_OTHER = "DER", "is DER that is neither a certificate nor a key"
    PKCS12 = "PKCS#12", "is a PKCS#12 keystore, not PEM"
    DER_CRL = "DER certificate revocation list", "is a DER certificate revocation list"
    JKS = "JKS", "is a JKS keystore (Java), not PEM"
    JCEKS = "JCEKS", "is a JCEKS keystore (Java), not PEM"
    GZIP = "gzip", "is compressed with gzip"
    ZIP = "ZIP", "is a ZIP archive"
    OPENSSH_PUBLIC_KEY = "OpenSSH public key", "is an OpenSSH public key"
    OPENSSH_CERTIFICATE = (
        "OpenSSH certificate",
        "is an OpenSSH certificate, which is not an X.509 certificate",
    )
    PUTTY_KEY = "PuTTY key", "is a PuTTY private key, not PEM"
    BASE64_PEM = "base64 of PEM", "is base64 of a PEM file, as in a Kubernetes Secret's manifest"
    BASE64_DER = (
        "base64 without BEGIN and END lines",
        "is base64 without the BEGIN and END lines of PEM",
    )
    BASE64_KEYSTORE = "base64 of a keystore", "is base64 of a keystore, not PEM"
    ESCAPED_PEM = (
        "PEM with \\n in place of line breaks",
        "has the two characters \\n where line breaks belong",
    )
    CARRIAGE_RETURNS = (
        "PEM with bare carriage returns",
        "has bare carriage returns where line breaks belong",
    )
    HTML = "HTML", "is an HTML page, perhaps a login or error page saved by a download"
    JSON = "JSON", "is JSON, not PEM"
    MANIFEST = "Kubernetes Secret", "is a Kubernetes Secret's manifest, not the file in it"
    ANSIBLE_VAULT = "Ansible Vault", "is encrypted by Ansible Vault, and nothing has decrypted it"
    SOPS = "SOPS", "is encrypted by SOPS, and nothing has decrypted it"
    AGE = "age", "is encrypted by age, and nothing has decrypted it"
    GIT_CRYPT = "git-crypt", "is encrypted by git-crypt, and nothing has decrypted it"
    GIT_LFS = "Git LFS pointer", "is a pointer of Git LFS, not the file that it stands for"
    TEMPLATE = "template", "is a template in which nothing has been filled in"
    REFERENCE = "reference", "is the name of a file or of a secret, not what that holds"
    HIDDEN_PEM = (
        "PEM behind other text",
        "has other text before BEGIN on its line, a quotation mark or a name, which hides it from "
        "readers",
    )
    TEXT = "text", "is text without any PEM block"
    BINARY = "binary", "is binary of an unknown kind"
    UNREADABLE = "unreadable"
    """There is no content: the file does not exist, is forbidden, or is not a file at all."""


_MAGIC: Final = (
    (b"\xfe\xed\xfe\xed", Format.JKS),
    (b"\xce\xce\xce\xce", Format.JCEKS),
    (b"\x1f\x8b", Format.GZIP),
    (b"PK\x03\x04", Format.ZIP),
    (b"\xff\xfe", Format.UTF16),
    (b"\xfe\xff", Format.UTF16),
    (b"ssh-", Format.OPENSSH_PUBLIC_KEY),
    (b"ecdsa-sha2-", Format.OPENSSH_PUBLIC_KEY),
    (b"sk-", Format.OPENSSH_PUBLIC_KEY),
    (b"---- BEGIN SSH2 PUBLIC KEY", Format.OPENSSH_PUBLIC_KEY),
    (b"PuTTY-User-Key-File-", Format.PUTTY_KEY),
    (b"$ANSIBLE_VAULT;", Format.ANSIBLE_VAULT),
    (b"age-encryption.org/", Format.AGE),
    (b"-----BEGIN AGE ENCRYPTED FILE-----", Format.AGE),
    (b"\0GITCRYPT\0", Format.GIT_CRYPT),
    (b"version https://git-lfs.github.com/spec/", Format.GIT_LFS),
)
_LOADERS: Final[tuple[tuple[Callable[[bytes], object], Format], ...]] = (
    (
        lambda der: load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True),
        Format.DER_KEY,
    ),
    (load_der_public_key, Format.DER_PUBLIC_KEY),
    (x509.load_der_x509_csr, Format.DER_CSR),
    (x509.load_der_x509_crl, Format.DER_CRL),
)
_LAYERS: Final = 3
KEYSTORES: Final = frozenset({Format.PKCS12, Format.JKS, Format.JCEKS})
_PKCS7_SIGNED: Final = bytes.fromhex("06092a864886f70d010702")
_PKCS12_VERSION: Final = b"\x02\x01\x03\x30"
_BEGIN: Final = b"-----BEGIN "
_LINE: Final = re.compile(rb"-----BEGIN [A-Z0-9 ]{1,40}-----")
_BEFORE: Final = re.compile(rb"[\"'=:,({A-Za-z0-9_]")
"""What is neither white space nor the beginning of a comment, both of which are flaws of PEM."""
_LOOKED_AT: Final = 20
"""BEGIN lines that are looked at for what stands before them."""
_SOPS: Final = b"ENC[AES256_GCM,"
_TEMPLATE: Final = re.compile(rb"\$\{[^{}\n]*\}|\$\([^()\n]*\)|<no value>")
"""What stands alone where a shell, Kubernetes or Go's text/template should have put a value."""
_REFERENCE: Final = re.compile(
    rb"(/|\./|~/|file://|op://|ref\+|vault:|arn:aws|projects/[^/]+/secrets/)[^\s<>]{1,4096}"
)
"""A path, or a reference of 1Password, vals, bank-vaults or a cloud's secret store."""
_MANIFEST: Final = re.compile(rb"^kind:\s*[\"']?Secret\b", re.MULTILINE)


def recognise_format(raw: bytes) -> Format:
    """Return what `raw` is, where it holds no PEM block that can be read."""
    stripped = raw.strip()
    if not stripped:
        return Format.EMPTY
    for magic, kind in _MAGIC:
        if raw.startswith(magic):
            return Format.OPENSSH_CERTIFICATE if b"-cert-v01@" in raw[:64] else kind
    if b"-\0-\0-\0" in raw[:256]:
        return Format.UTF16
    if raw[0] == 0x30:
        der = _recognise_der(cut_first_der(raw))
        if der is not None:
            return der
    return _recognise_text(stripped)


def cut_first_der(raw: bytes) -> bytes:
    """Return the first DER value of `raw`, without what follows it."""
    header = _read_der_header(raw)
    return raw if header is None else raw[: sum(header)]


def name_utf16(raw: bytes) -> str:
    """Return the encoding of UTF-16 text, which names the byte order where no mark in it does."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    return "UTF-16LE" if raw[1:2] == b"\0" else "UTF-16BE"


def unwrap_base64(raw: bytes) -> tuple[int, bytes]:
    """Return how many layers of base64 are around `raw`, at most three, and what they hold.

    Any word is base64 of something: layers count only where a certificate, a key or a keystore
    is found, else there are none.
    """
    inner = raw
    for layers in range(1, _LAYERS + 1):
        inner = _decode_base64(inner)
        if not inner:
            break
        if inner.lstrip().startswith(_BEGIN) or _recognise_binary(inner) is not None:
            return layers, inner
    return 0, raw


def count_missing_bytes(der: bytes) -> int:
    """Return how many bytes `der` lacks by its own outermost length; negative: too many."""
    header = _read_der_header(der)
    return 0 if header is None else sum(header) - len(der)


def _read_der_header(der: bytes) -> tuple[int, int] | None:
    """Return the lengths of the outermost header and of the content it announces (X.690 §8.1.3)."""
    if len(der) < 2:
        return None
    octets = der[1] & 0x7F
    if der[1] < 0x80:
        return 2, der[1]
    if not 1 <= octets <= 4 or len(der) < 2 + octets:
        return None
    return 2 + octets, int.from_bytes(der[2 : 2 + octets])


def _recognise_der(raw: bytes) -> Format | None:
    header = _read_der_header(raw)
    if header is None:
        return None
    content = raw[header[0] :]
    if content.startswith(_PKCS12_VERSION):
        return Format.PKCS12
    if content.startswith(_PKCS7_SIGNED):
        return Format.DER_PKCS7
    if parse_certificate(raw) is not None:
        return Format.DER_CERTIFICATE
    for load, kind in _LOADERS:
        try:
            load(raw)
        except LIBRARY_ERRORS as error:
            if kind is Format.DER_KEY and isinstance(error, TypeError):
                return Format.DER_ENCRYPTED_KEY
            continue
        return kind
    if not content or content[0] not in {0x02, 0x06, 0x30}:
        return None
    return Format.DER_TRUNCATED if sum(header) > len(raw) else Format.DER_OTHER


def _recognise_binary(raw: bytes) -> Format | None:
    """Return the keystore or DER that `raw` is, whole and with nothing behind it."""
    if raw.startswith((b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce")):
        return Format.JKS if raw[0] == 0xFE else Format.JCEKS
    if raw[:1] != b"\x30" or count_missing_bytes(raw):
        return None
    return _recognise_der(raw)


def _recognise_text(stripped: bytes) -> Format:
    head = stripped[:64].lower()
    if _SOPS in stripped:
        return Format.SOPS
    if head.startswith(b"{{") or _TEMPLATE.fullmatch(stripped):
        return Format.TEMPLATE
    if head.startswith((b"{", b"[")):
        return Format.JSON
    if _MANIFEST.search(stripped):
        return Format.MANIFEST
    if _BEGIN in stripped and rb"-----\n" in stripped:
        return Format.ESCAPED_PEM
    if stripped.startswith(_BEGIN) and b"\r" in stripped and b"\n" not in stripped:
        return Format.CARRIAGE_RETURNS
    layers, inner = unwrap_base64(stripped)
    if layers and inner.lstrip().startswith(_BEGIN):
        return Format.BASE64_PEM
    if layers:
        return (
            Format.BASE64_KEYSTORE if _recognise_binary(inner) in KEYSTORES else Format.BASE64_DER
        )
    if _REFERENCE.fullmatch(stripped):
        return Format.REFERENCE
    if head.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")):
        return Format.HTML
    try:
        text = stripped.decode("utf-8")
    except UnicodeDecodeError:
        return Format.BINARY
    if _is_behind_text(stripped):
        return Format.HIDDEN_PEM
    has_controls = any(char < " " and char not in "\t\r\n" for char in text)
    return Format.BINARY if has_controls else Format.TEXT


def _is_behind_text(text: bytes) -> bool:
    """Whether a BEGIN line begins with something else than a block that ends there."""
    for found in islice(_LINE.finditer(text), _LOOKED_AT):
        before = text[text.rfind(b"\n", 0, found.start()) + 1 : found.start()]
        if b"-----END " not in before and _BEFORE.search(before):
            return True
    return False


def _decode_base64(stripped: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(stripped.split()), validate=True)
    except binascii.Error:
        return b""
