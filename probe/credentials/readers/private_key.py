"""The DER of a private key: which form it has, and which of its parts decide who reads it.

RFC 8017 (PKCS#1), RFC 5915 (SEC1), RFC 5208 and 5958 (PKCS#8). Only what is public, and the shape,
is kept; the key itself is in `PrivateKey.loaded`, which has no repr.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import crypto

from probe.x509 import der as asn1
from probe.x509.der import Reader
from probe.x509.library_errors import LIBRARY_ERRORS

Form = Literal["pkcs1", "sec1", "pkcs8", "encrypted", "dsa"]
Algorithm = Literal["rsa", "rsa-pss", "ec", "ed25519", "ed448", "dsa", "x25519", "other"]

_ALGORITHMS: Final[dict[str, Algorithm]] = {
    "1.2.840.113549.1.1.1": "rsa",
    "1.2.840.113549.1.1.10": "rsa-pss",
    "1.2.840.10045.2.1": "ec",
    "1.3.101.112": "ed25519",
    "1.3.101.113": "ed448",
    "1.3.101.110": "x25519",
    "1.2.840.10040.4.1": "dsa",
}
CURVES: Final = {
    "1.3.132.0.33": "P-224",
    "1.2.840.10045.3.1.7": "P-256",
    "1.3.132.0.34": "P-384",
    "1.3.132.0.35": "P-521",
}
"""The named curves of FIPS 186, by OID."""
_DERIVED_CURVES: Final[dict[str, ec.EllipticCurve]] = {
    "P-224": ec.SECP224R1(),
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}
EXPLICIT: Final = "explicit"
"""In place of a curve's name: its parameters are written out (RFC 3279 §2.3.5)."""
_LONG: Final = 20_000
"""Bytes of a key above which it is not parsed: RSA of 16,384 bits takes 9,300."""


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """One private key, by its form."""

    form: Form
    algorithm: Algorithm
    der: bytes = field(repr=False)
    curve: str = ""
    """A name of `CURVES`, a dotted OID, or `EXPLICIT`; empty where none is written."""
    version: int = 0
    has_public: bool = False
    """PKCS#8 of version 2 (RFC 5958) with the public key in it."""
    trailing: bool = False
    """Whether bytes follow its outermost element."""
    inner_curve: str = ""
    """The curve that SEC1 within PKCS#8 repeats."""
    bits: int = 0
    """Of an RSA modulus."""
    strict: bool = True
    """Whether its outline is DER."""
    has_parameters: bool = True
    """Whether the algorithm of PKCS#8 has parameters: NULL for RSA (RFC 8017, appendix A.1)."""


def read_private_key(der: bytes) -> PrivateKey | None:
    """Return the form of `der`, or None where it has none of a private key."""
    if len(der) > _LONG:
        return None
    return _read(der, strict=True) or _read(der, strict=False)


def _read(der: bytes, *, strict: bool) -> PrivateKey | None:
    outside = Reader(der, strict=strict)
    outer = outside.read_element(asn1.SEQUENCE)
    if outer is None:
        return None
    trailing = not outside.is_empty
    parts = Reader(outer.content, strict=strict)
    if parts.peek() == asn1.SEQUENCE:
        # EncryptedPrivateKeyInfo (RFC 5208 §6): an algorithm and an OCTET STRING.
        parts.read_any()
        closed = parts.read(asn1.OCTET_STRING) is not None and parts.is_empty
        return PrivateKey("encrypted", "other", der) if closed else None
    number = parts.read(asn1.INTEGER)
    version = None if number is None else asn1.read_integer(number, strict=False)
    if version is None or not -1 < version < 256:
        return None
    match parts.peek():
        case asn1.SEQUENCE:
            return _read_pkcs8(parts, der, version, trailing, strict)
        case asn1.OCTET_STRING:
            parts.read_any()
            curve = _read_tagged_curve(parts, strict)
            return PrivateKey("sec1", "ec", der, curve, version, False, trailing, strict=strict)
        case asn1.INTEGER:
            return _read_integers(parts, der, version, trailing, strict)
        case _:
            return None


def _read_pkcs8(
    parts: Reader, der: bytes, version: int, trailing: bool, strict: bool
) -> PrivateKey | None:
    named = parts.read(asn1.SEQUENCE)
    inner = parts.read(asn1.OCTET_STRING)
    if named is None or inner is None:
        return None
    algorithm = Reader(named, strict=strict)
    oid = algorithm.read(asn1.OBJECT_IDENTIFIER)
    kind = _ALGORITHMS.get(asn1.decode_oid(oid or b""), "other")
    curve = inner_curve = ""
    bits = 0
    has_parameters = not algorithm.is_empty
    if kind == "ec":
        curve = _name_curve(algorithm)
        within = Reader(inner, strict=strict).read(asn1.SEQUENCE)
        if within is not None:
            sec1 = Reader(within, strict=strict)
            sec1.read_any()
            sec1.read_any()
            inner_curve = _read_tagged_curve(sec1, strict)
    if kind in {"rsa", "rsa-pss"}:
        rsa = _read(inner, strict=strict)
        bits = rsa.bits if rsa is not None and rsa.form == "pkcs1" else 0
    has_public = False
    while not parts.is_empty:
        element = parts.read_any()
        if element is None:
            break
        has_public |= element.tag & 0x9F == asn1.CONTEXT | 1
    return PrivateKey(
        "pkcs8",
        kind,
        der,
        curve,
        version,
        has_public,
        trailing,
        inner_curve,
        bits,
        strict,
        has_parameters,
    )


def _read_integers(
    parts: Reader, der: bytes, version: int, trailing: bool, strict: bool
) -> PrivateKey | None:
    """Read PKCS#1 (eight or more numbers behind the version), or OpenSSL's own form of DSA (five)."""
    numbers = []
    while parts.peek() == asn1.INTEGER:
        number = parts.read(asn1.INTEGER)
        if number is None:
            return None
        numbers.append(number)
    if len(numbers) == 5:
        return PrivateKey("dsa", "dsa", der, "", version, False, trailing, strict=strict)
    if len(numbers) < 8:
        return None
    bits = int.from_bytes(numbers[0]).bit_length()
    return PrivateKey("pkcs1", "rsa", der, "", version, False, trailing, "", bits, strict)


def _read_tagged_curve(parts: Reader, strict: bool) -> str:
    if parts.peek() != asn1.CONTEXT | asn1.CONSTRUCTED:
        return ""
    tagged = parts.read_any()
    return "" if tagged is None else _name_curve(Reader(tagged.content, strict=strict))


def _name_curve(reader: Reader) -> str:
    match reader.peek():
        case asn1.OBJECT_IDENTIFIER:
            dotted = asn1.decode_oid(reader.read(asn1.OBJECT_IDENTIFIER) or b"")
            return CURVES.get(dotted, dotted)
        case asn1.SEQUENCE:
            return EXPLICIT
        case _:
            return ""


@dataclass(frozen=True, slots=True)
class LoadedKey:
    """A private key as the TLS library holds it, with the digest of its public half."""

    pkey: crypto.PKey = field(repr=False)
    public_sha256: str
    """Equal for the keys of a pair, however a curve's parameters are written."""
    spki: bytes
    """The SubjectPublicKeyInfo, DER."""
    derived: bool = False
    """Whether OpenSSL refuses it, and it was made of its private number and curve alone, as Go does."""

    @property
    def spki_sha256(self) -> str:
        """The SHA-256 of its SubjectPublicKeyInfo, in hex."""
        return hashlib.sha256(self.spki).hexdigest()


def load_private_key(der: bytes) -> LoadedKey | None:
    """Load any form that OpenSSL loads, without what follows it; None for all others.

    What is encrypted is not tried: OpenSSL would ask for a passphrase on the terminal.
    """
    key = read_private_key(der)
    if key is None or key.form == "encrypted":
        return None
    derived = False
    try:
        pkey = crypto.load_privatekey(crypto.FILETYPE_ASN1, der)
        public = crypto.dump_publickey(crypto.FILETYPE_ASN1, pkey)
    except (crypto.Error, ValueError, TypeError):
        made = _derive_key(key)
        if made is None:
            return None
        pkey, public, derived = made, crypto.dump_publickey(crypto.FILETYPE_ASN1, made), True
    return LoadedKey(pkey, digest_public_key(public), public, derived)


def _derive_key(key: PrivateKey) -> crypto.PKey | None:
    """Make an EC key of its number and named curve, whatever the file says of its public half."""
    curve = _DERIVED_CURVES.get(key.curve or key.inner_curve)
    if key.algorithm != "ec" or curve is None:
        return None
    parts = Reader(Reader(key.der, strict=False).read(asn1.SEQUENCE) or b"", strict=False)
    parts.read_any()
    if key.form == "pkcs8":
        parts.read_any()
        inner = Reader(parts.read(asn1.OCTET_STRING) or b"", strict=False).read(asn1.SEQUENCE)
        parts = Reader(inner or b"", strict=False)
        parts.read_any()
    number = parts.read(asn1.OCTET_STRING) or b""
    try:
        private = ec.derive_private_key(int.from_bytes(number[:80]), curve)
        return crypto.PKey.from_cryptography_key(private)
    except (crypto.Error, *LIBRARY_ERRORS):
        return None


def digest_public_key(spki: bytes) -> str:
    """Return a digest of the algorithm and the key's bits; of a curve's parameters nothing."""
    outer = Reader(Reader(spki, strict=False).read(asn1.SEQUENCE) or b"", strict=False)
    algorithm = Reader(outer.read(asn1.SEQUENCE) or b"", strict=False)
    oid = algorithm.read(asn1.OBJECT_IDENTIFIER) or b""
    bits = outer.read(asn1.BIT_STRING) or b""
    return hashlib.sha256(oid + b"\0" + bits).hexdigest()


def is_consistent_rsa(der: bytes) -> bool:
    """Return whether an RSA key's numbers belong together (crypto/rsa, PrivateKey.Validate)."""
    numbers = _read_rsa_numbers(der)
    if len(numbers) < 8 or min(numbers[:8]) <= 0:
        return False
    n, e, d, p, q, dp, dq, qinv = numbers[:8]
    if len(numbers) > 8:
        return n % 2 == 1  # further primes (RFC 8017 §3.2): not looked at
    return (
        n % 2 == 1
        and 1 < e < 1 << 31
        and e % 2 == 1
        and min(p, q) > 1
        and p * q == n
        and d * e % (p - 1) == 1 % (p - 1)
        and d * e % (q - 1) == 1 % (q - 1)
        and dp == d % (p - 1)
        and dq == d % (q - 1)
        and qinv * q % p == 1
    )


def _read_rsa_numbers(der: bytes) -> tuple[int, ...]:
    """Return the numbers of PKCS#1, also within PKCS#8, without the version."""
    outer = Reader(der, strict=False).read(asn1.SEQUENCE)
    parts = Reader(outer or b"", strict=False)
    parts.read_any()
    if parts.peek() == asn1.SEQUENCE:
        parts.read_any()
        inner = parts.read(asn1.OCTET_STRING)
        outer = Reader(inner or b"", strict=False).read(asn1.SEQUENCE)
        parts = Reader(outer or b"", strict=False)
        parts.read_any()
    numbers: list[int] = []
    while parts.peek() == asn1.INTEGER and len(numbers) < 9:
        numbers.append(int.from_bytes(parts.read(asn1.INTEGER) or b"", signed=True))
    return tuple(numbers)
