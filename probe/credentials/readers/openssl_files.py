"""OpenSSL's use of the files in CPython's ssl, Node's tls and curl (OpenSSL 3.0 to 3.5).

CPython and curl read by path (SSL_CTX_use_certificate_chain_file, SSL_CTX_use_PrivateKey_file,
SSL_CTX_load_verify_locations) and check the pair; Node reads from memory (crypto_context.cc), takes
of `ca` what comes before the first block that does not parse, and does not check the pair.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from probe.credentials.readers.openssl import OPENSSL, PemStop, read_openssl_blocks
from probe.credentials.readers.pem_file import PemBlock, PemFile
from probe.credentials.readers.private_key import PrivateKey
from probe.credentials.readers.reading import Anchors, FileSet, Pair, ParsedCertificate, Stop, Why
from probe.exporters.openssl_certificate import read_for_openssl
from probe.model.finding import Role
from probe.x509 import der as asn1
from probe.x509.der import Reader
from probe.x509.raw_certificate import Certificate, read_certificate

_PLAIN: Final = frozenset({"CERTIFICATE", "X509 CERTIFICATE"})
_TRUSTED: Final = "TRUSTED CERTIFICATE"
_KEYS: Final = {"RSA": "rsa", "EC": "ec", "DSA": "dsa"}
_FORMS: Final = {"rsa": "pkcs1", "ec": "sec1", "dsa": "dsa"}
_LOOKED_AT: Final = 200
"""Anchors among which the issuer to send along is looked for."""
_LONGEST_CHAIN: Final = 10
_PARSED_FULLY: Final = 100
"""Certificates of a bundle that are parsed as OpenSSL does; the others by `cryptography` alone."""
_PROC_TYPE: Final = 10
_NUL_LINE: Final = re.compile(rb"\n\0[^\n]*")
_BEHIND_NUL: Final = re.compile(rb"\0[^\n]*")
_SLOTS: Final = frozenset({"rsa", "rsa-pss", "ec", "dsa", "ed25519", "ed448"})
_BITS_OF_LEVEL: Final = (0, 80, 112, 128, 192, 256)
_RSA_STRENGTH: Final = ((15360, 256), (7680, 192), (3072, 128), (2048, 112), (1024, 80))
_SIGNATURE_STRENGTH: Final = {
    "1.2.840.113549.1.1.4": 39,  # MD5 with RSA
    "1.2.840.113549.1.1.5": 63,  # SHA-1 with RSA
    "1.3.14.3.2.29": 63,
    "1.2.840.10040.4.3": 63,  # SHA-1 with DSA
    "1.2.840.10045.4.1": 63,  # SHA-1 with ECDSA
    "1.2.840.113549.1.1.14": 112,  # SHA-224 with RSA
    "1.2.840.10045.4.3.1": 112,  # SHA-224 with ECDSA
}
_KNOWN_SIGNATURES: Final = (
    "1.2.840.113549.1.1.",
    "1.2.840.10045.4.",
    "2.16.840.1.101.3.4.3.",
    "1.3.101.",
)
"""Bits that a hash is worth (ssl_security_cert_sig), by the signature's OID."""


@dataclass(frozen=True, slots=True)
class OpensslUse:
    """How a program uses OpenSSL."""

    level: int
    """Its security level (SSL_CTX_set_security_level)."""
    checks_pair: bool
    """Whether it calls SSL_CTX_check_private_key."""
    whole_bundle: bool
    """Whether one broken block spoils the whole CA file."""
    reads_by_path: bool
    """Whether OpenSSL reads the files itself: with fgets, so that a NUL ends a line."""


CPYTHON: Final = OpensslUse(level=2, checks_pair=True, whole_bundle=True, reads_by_path=True)
"""CPython sets level 2 itself since 3.10 (Modules/_ssl.c), as Debian and Ubuntu do for all."""
NODE: Final = OpensslUse(level=1, checks_pair=False, whole_bundle=False, reads_by_path=False)
"""Node 18 to 22 keep OpenSSL's default of 1."""
CURL: Final = OpensslUse(level=2, checks_pair=True, whole_bundle=True, reads_by_path=True)
"""curl has the distribution's level: 2 on Debian and Ubuntu."""


def read_openssl_pair(files: FileSet, cert: PemFile, key_file: PemFile, use: OpensslUse) -> Pair:
    """Return what a context gets of certificate and key."""
    if use.reads_by_path:
        cert = read_as_lines(cert)
    chain = _read_chain(files, cert, use)
    if isinstance(chain, Stop):
        return Pair(stop=chain)
    found = find_openssl_key(files, key_file, use)
    if isinstance(found, Stop):
        return Pair(stop=found)
    key, public = found
    leaf = chain[0]
    same_kind = leaf.algorithm == key.algorithm
    if same_kind and leaf.public_sha256 != public:
        says = "error:05800074:x509 certificate routines::key values mismatch"
        return Pair(stop=Stop("key", "pair", says))
    if not same_kind and use.checks_pair:
        says = "error:0A0000B1:SSL routines::no certificate assigned"
        return Pair(stop=Stop("key", "pair", says))
    return Pair(tuple(one.sent for one in chain), key if same_kind else None)


def _read_chain(files: FileSet, file: PemFile, use: OpensslUse) -> list[ParsedCertificate] | Stop:
    chain: list[ParsedCertificate] = []
    wanted = _PLAIN | {_TRUSTED}
    for block in read_openssl_blocks(file, OPENSSL):
        if isinstance(block, PemStop):
            if chain and block.reason == "no_start_line":
                return chain
            return _describe_stop(block, "cert")
        if block.label not in wanted:
            continue
        certificate = _parse(files, block, with_aux=not chain)
        if block.header or certificate is None or not certificate.algorithm:
            why: Why = "block" if block.header else "certificate"
            return Stop("cert", why, "error:04800068:PEM routines", block.at)
        if certificate.algorithm not in _SLOTS and not chain:
            says = "error:0A0000F7:SSL routines::unknown certificate type"
            return Stop("cert", "certificate", says, block.at)
        if use.checks_pair and not chain and is_invalid(block.der):
            says = "error:1100009E:X509 V3 routines::invalid certificate"
            return Stop("cert", "certificate", says, block.at)
        if weakness := _find_weakness(certificate, use.level, leaf=not chain):
            return Stop("cert", "weak", f"SSL routines::{weakness}", block.at)
        chain.append(certificate)
        wanted = _PLAIN
    raise AssertionError("the reader says why it ends")


def read_as_lines(file: PemFile) -> PemFile:
    """Return the file as fgets and strlen show it: a line ends at a NUL, and one that begins with it is the last."""
    return next(_split_at_nul_lines(file))


def _split_at_nul_lines(file: PemFile) -> Iterator[PemFile]:
    """Yield what stands before, between and behind the lines that begin with a NUL.

    Reading a certificate ends at such a line; reading a key goes on behind it, as behind any block
    that is none (pem_read_bio_key_decoder).
    """
    if b"\0" not in file.raw:
        yield file
        return
    for part in _NUL_LINE.split(b"\n" + file.raw):
        yield PemFile(_BEHIND_NUL.sub(b"", part + b"\n")[1:])


def is_invalid(der: bytes) -> bool:
    """Return whether OpenSSL marks a certificate as invalid when it looks at its extensions.

    ossl_x509v3_cache_extensions (crypto/x509/v3_purp.c).
    """
    parsed = read_for_openssl(der)
    return parsed is not None and bool(parsed.invalid_extension)


def _parse(files: FileSet, block: PemBlock, *, with_aux: bool) -> ParsedCertificate | None:
    """Parse as d2i_X509 does, or d2i_X509_AUX, which reads what follows as trust settings."""
    parsed = files.parse(block.der)
    if parsed.openssl is None and read_for_openssl(block.der) is None:
        return None
    if with_aux and parsed.plain is None:
        reader = Reader(block.der, strict=False)
        reader.read_any()
        if not reader.is_empty and not is_trust_settings(reader):
            return None
    return parsed


def is_trust_settings(reader: Reader) -> bool:
    """Return whether X509_CERT_AUX follows: usages by OID, a name, a key id (crypto/x509/x_x509a.c)."""
    content = reader.read(asn1.SEQUENCE)
    if content is None:
        return False
    parts = Reader(content, strict=False)
    if parts.peek() == asn1.SEQUENCE:
        usages = Reader(parts.read(asn1.SEQUENCE) or b"", strict=False)
        return usages.is_empty or usages.peek() == asn1.OBJECT_IDENTIFIER
    return parts.is_empty or parts.peek() in {0xA0, asn1.UTF8_STRING, asn1.OCTET_STRING, 0xA1}


def find_openssl_key(
    files: FileSet, file: PemFile, use: OpensslUse
) -> tuple[PrivateKey, str] | Stop:
    """Return the key that PEM_read_bio_PrivateKey returns, and the digest of its public half.

    Its decoder (pem_read_bio_key_decoder) goes on behind a block that it cannot make a key of.
    """
    first: Stop | None = None
    parts = _split_at_nul_lines(file) if use.reads_by_path else (file,)
    for block in (one for part in parts for one in read_openssl_blocks(part, OPENSSL)):
        if isinstance(block, PemStop):
            first = first or _describe_stop(block, "key")
            continue
        encrypted = block.header.startswith(b"Proc-Type: 4,ENC")
        # Up to ten characters cannot be "Proc-Type:" and are passed over (decode_pem2der.c).
        if len(block.header) >= _PROC_TYPE and not encrypted:
            says = "error:0480006B:PEM routines::not proc type"
            return Stop("key", "block", says, block.at)
        kind = block.label.removesuffix(" PRIVATE KEY")
        if block.label not in {"PRIVATE KEY", "ENCRYPTED PRIVATE KEY"} and kind not in _KEYS:
            continue
        key, loaded = files.read_key(block.der)
        if encrypted or (key is not None and key.form == "encrypted" and kind == "ENCRYPTED"):
            says = "error:04800068:PEM routines::bad password read"
            return Stop("key", "encrypted", says, block.at)
        if kind == "ENCRYPTED" and key is not None and not use.reads_by_path:
            kind = "PRIVATE KEY"  # Node's passphrase is empty, and none is needed
        if key is not None and loaded is not None and not loaded.derived and _fits_label(key, kind):
            return key, loaded.public_sha256
        says = "error:1E08010C:DECODER routines::unsupported"
        first = first or Stop("key", "key", says, block.at)
    assert first is not None  # the reader says why it ends
    return first


def _fits_label(key: PrivateKey, kind: str) -> bool:
    if key.form == "pkcs8":
        # OpenSSL's PKCS#8 has no public key in it (RFC 5208), which RFC 5958 allows.
        return not key.has_public and kind in {"PRIVATE KEY", key.algorithm.upper()}
    return kind in _KEYS and key.form == _FORMS[_KEYS[kind]]


def read_openssl_anchors(files: FileSet, file: PemFile, use: OpensslUse) -> Anchors:
    """Return what a store gets of a CA file."""
    taken: list[bytes] = []
    lists = False
    for block in read_openssl_blocks(read_as_lines(file) if use.reads_by_path else file, OPENSSL):
        if isinstance(block, PemStop):
            if not use.whole_bundle:
                break
            if block.reason != "no_start_line":
                return Anchors(stop=_describe_stop(block, "ca"))
            if not taken and not lists:
                says = "error:05800088:x509 certificate routines::no certificate or crl found"
                return Anchors(stop=Stop("ca", "no_block", says))
            break
        if block.label in _PLAIN or block.label == _TRUSTED:
            with_aux = block.label == _TRUSTED or not use.whole_bundle
            if len(taken) >= _PARSED_FULLY and files.parse(block.der).plain and not block.header:
                taken.append(block.der)
                continue
            broken = block.header or _parse(files, block, with_aux=with_aux) is None
            if broken and not use.whole_bundle:
                break
            if broken:
                says = "error:05880009:x509 certificate routines::PEM lib"
                return Anchors(stop=Stop("ca", "certificate", says, block.at))
            taken.append(block.der)
        elif use.whole_bundle and block.label == "X509 CRL":
            lists = True
    return Anchors(tuple(taken))


def _describe_stop(stop: PemStop, role: Role) -> Stop:
    says = {
        "no_start_line": "error:0480006C:PEM routines::no start line",
        "bad_end_line": "error:04800066:PEM routines::bad end line",
        "bad_base64": "error:04800064:PEM routines::bad base64 decode",
        "no_data": "error:04800000:PEM routines",
    }[stop.reason]
    missing = stop.reason == "no_start_line"
    return Stop(role, "no_block" if missing else "block", says, -1 if missing else stop.at)


def _find_weakness(certificate: ParsedCertificate, level: int, *, leaf: bool) -> str:
    """Return what ssl_security_cert says of a certificate of one's own (ssl/t1_lib.c)."""
    needed = _BITS_OF_LEVEL[level]
    bits = certificate.bits
    match certificate.algorithm:
        case "rsa" | "rsa-pss" | "dsa":
            strength = next((s for size, s in _RSA_STRENGTH if bits >= size), 0)
        case "ec":
            strength = bits // 2
        case _:
            strength = 128
    if strength < needed:
        return "ee key too small" if leaf else "ca key too small"
    parts = certificate.parts
    if parts is None or parts.is_self_issued:
        return ""
    named = certificate.signature_algorithm
    strength = _SIGNATURE_STRENGTH.get(named, 128 if named.startswith(_KNOWN_SIGNATURES) else 0)
    return "ca md too weak" if strength < needed else ""


def find_appended(
    files: FileSet, chain: tuple[bytes, ...], anchors: tuple[bytes, ...]
) -> tuple[bytes, ...]:
    """Return the issuers of a lone end entity that OpenSSL takes out of its store and sends along.

    ssl_add_cert_chain (ssl/statem/statem_lib.c), without SSL_MODE_NO_AUTO_CHAIN.
    """
    if len(chain) != 1:
        return ()
    end = read_certificate(chain[0])
    held = [one for der in anchors[:_LOOKED_AT] if (one := read_certificate(der)) is not None]
    found: list[Certificate] = []
    while end is not None and not end.is_self_issued and len(found) < _LONGEST_CHAIN:
        issuer = end.issuer
        end = next((one for one in held if one.subject == issuer and one not in found), None)
        if end is not None:
            found.append(end)
    return tuple(files.parse(one.der).sent for one in found)
