"""Builds certificates from parts, each of which may be odd: deterministic, whatever is broken."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from probe.x509.der import encode, encode_oid

NOW: Final = 1_800_000_000
"""When chains are judged: 2027-01-15 08:00:00 UTC."""
VALID: Final = (b"260101000000Z", b"291231235959Z")

SERVER_AUTH: Final = "1.3.6.1.5.5.7.3.1"
CLIENT_AUTH: Final = "1.3.6.1.5.5.7.3.2"
ANY_USAGE: Final = "2.5.29.37.0"

_PRIMES: Final = {
    "a-2048": (1434, 1852),
    "a-512": (58, 248),
    "a-768": (106, 146),
    "a-1016": (812, 576),
    "a-1023": (16, 88),
    "a-1024": (780, 292),
    "a-1025": (230, 466),
    "a-1536": (1242, 28),
    "a-2047": (90, 60),
    "large-2048": (716, 266),
    "larger-2048": (854, 56),
}
"""How far the primes of an RSA key are from the numbers of their seeds; others are searched for."""

Key = Any
Transform = Callable[[bytes], bytes]


def seq(*parts: bytes) -> bytes:
    """A SEQUENCE."""
    return encode(0x30, *parts)


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER."""
    return encode(6, encode_oid(dotted))


def integer(value: int) -> bytes:
    """An INTEGER."""
    size = (value.bit_length() if value >= 0 else (value + 1).bit_length()) // 8 + 1
    return encode(2, value.to_bytes(size, signed=True))


def bits(content: bytes, unused: int = 0) -> bytes:
    """A BIT STRING."""
    return encode(3, bytes((unused,)), content)


def _number(seed: str, size: int) -> int:
    octets = hashlib.shake_256(seed.encode()).digest((size + 7) // 8)
    return int.from_bytes(octets) >> (-size % 8)


def _is_prime(number: int) -> bool:
    if any(number % small == 0 for small in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43)):
        return False
    return all(pow(base, number - 1, number) == 1 for base in (2, 3))


def _prime(seed: str, size: int) -> int:
    number = _number(seed, size) | 3 << (size - 2) | 1
    known = _PRIMES.get(seed[:-2])
    if known is not None:
        return number + known[seed.endswith("q")]
    while number % 65537 == 1 or not _is_prime(number):
        number += 2
    return number


@cache
def rsa_key(size: int = 2048, name: str = "a", exponent: int = 65537) -> rsa.RSAPrivateKey:
    """The RSA key of that size and name."""
    p, q = _prime(f"{name}-{size}-p", (size + 1) // 2), _prime(f"{name}-{size}-q", size // 2)
    while (p - 1) % exponent == 0 or (q - 1) % exponent == 0:
        p, q = _prime(f"{p}", (size + 1) // 2), _prime(f"{q}", size // 2)
    d = pow(exponent, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(exponent, p * q)
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public)
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


@cache
def ec_key(name: str, curve: str = "P-256") -> ec.EllipticCurvePrivateKey:
    """The key of that name on a curve."""
    curves: dict[str, ec.EllipticCurve] = {
        "P-192": ec.SECP192R1(),
        "P-224": ec.SECP224R1(),
        "P-256": ec.SECP256R1(),
        "P-384": ec.SECP384R1(),
        "P-521": ec.SECP521R1(),
        "secp256k1": ec.SECP256K1(),
        "brainpoolP256r1": ec.BrainpoolP256R1(),
    }
    made = curves[curve]
    return ec.derive_private_key(_number(f"{name}-{curve}", made.key_size - 8) + 1, made)


@cache
def ed25519_key(name: str) -> ed25519.Ed25519PrivateKey:
    """The Ed25519 key of that name."""
    return ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


@cache
def ed448_key(name: str) -> ed448.Ed448PrivateKey:
    """The Ed448 key of that name."""
    return ed448.Ed448PrivateKey.from_private_bytes(hashlib.shake_256(name.encode()).digest(57))


@cache
def spki_of(key: Key) -> bytes:
    """The SubjectPublicKeyInfo of a private key."""
    return bytes(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


@cache
def encode_key(key: Key) -> bytes:
    """PKCS#8 of a private key."""
    return bytes(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def name(common_name: str = "", tag: int = 0x0C, **more: str) -> bytes:
    """A Name of O, OU and CN, as they are given."""
    oids = {"O": "2.5.4.10", "OU": "2.5.4.11", "C": "2.5.4.6"}
    parts = [attribute(oids[key], value.encode(), tag) for key, value in more.items()]
    if common_name:
        parts.append(attribute("2.5.4.3", common_name.encode(), tag))
    return seq(*parts)


def attribute(type_: str, value: bytes, tag: int = 0x0C) -> bytes:
    """One relative distinguished name."""
    return encode(0x31, seq(oid(type_), encode(tag, value)))


NULL: Final = b"\x05\x00"
_PKCS1: Final = {"md5": 4, "sha1": 5, "sha224": 14, "sha256": 11, "sha384": 12, "sha512": 13}
_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "md5": hashes.MD5(),
    "sha1": hashes.SHA1(),
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3-256": hashes.SHA3_256(),
}
_HASH_OIDS: Final = {
    "sha1": "1.3.14.3.2.26",
    "sha224": "2.16.840.1.101.3.4.2.4",
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
}


def algorithm_of(key: Key, hash_: str = "sha256") -> bytes:
    """The AlgorithmIdentifier of a signature by that kind of key."""
    match key:
        case rsa.RSAPrivateKey() if hash_.startswith("pss-"):
            return pss_algorithm(hash_.removeprefix("pss-"))
        case rsa.RSAPrivateKey():
            return seq(oid(f"1.2.840.113549.1.1.{_PKCS1[hash_]}"), NULL)
        case ec.EllipticCurvePrivateKey():
            arcs = {"sha1": "1", "sha224": "3.1", "sha256": "3.2", "sha384": "3.3", "sha512": "3.4"}
            if hash_ == "sha3-256":
                return seq(oid("2.16.840.1.101.3.4.3.10"))
            return seq(oid(f"1.2.840.10045.4.{arcs[hash_]}"))
        case ed25519.Ed25519PrivateKey():
            return seq(oid("1.3.101.112"))
        case ed448.Ed448PrivateKey():
            return seq(oid("1.3.101.113"))
        case _:
            return seq(oid("2.16.840.1.101.3.4.3.2"))


def pss_algorithm(
    hash_: str, *, mask: str = "", salt: int | None = None, null: bool = True, trailer: bool = False
) -> bytes:
    """RSASSA-PSS with its parameters."""
    size = _HASHES[hash_].digest_size if salt is None else salt
    end = NULL if null else b""
    return seq(
        oid("1.2.840.113549.1.1.10"),
        seq(
            encode(0xA0, seq(oid(_HASH_OIDS[hash_]), end)),
            encode(
                0xA1, seq(oid("1.2.840.113549.1.1.8"), seq(oid(_HASH_OIDS[mask or hash_]), end))
            ),
            encode(0xA2, integer(size)),
            encode(0xA3, integer(1)) if trailer else b"",
        ),
    )


def sign(key: Key, data: bytes, hash_: str) -> bytes:
    """Sign; the same each time, except for RSASSA-PSS."""
    match key:
        case rsa.RSAPrivateKey() if hash_.startswith("pss-"):
            made = _HASHES[hash_.removeprefix("pss-")]
            return key.sign(data, padding.PSS(padding.MGF1(made), made.digest_size), made)
        case rsa.RSAPrivateKey():
            if key.key_size < 512:
                return bytes(key.key_size // 8)
            return key.sign(data, padding.PKCS1v15(), _HASHES[hash_])
        case ec.EllipticCurvePrivateKey():
            return key.sign(data, ec.ECDSA(_HASHES[hash_], deterministic_signing=True))
        case dsa.DSAPrivateKey():
            return key.sign(data, _HASHES[hash_])
        case _:
            return bytes(key.sign(data))


def extension(type_: str, value: bytes, *, critical: bool = False) -> bytes:
    """One Extension."""
    return seq(oid(type_), b"\x01\x01\xff" if critical else b"", encode(4, value))


def basic_constraints(ca: bool = True, length: int | None = None) -> bytes:
    """basicConstraints, critical."""
    parts = (b"\x01\x01\xff" if ca else b"", b"" if length is None else integer(length))
    return extension("2.5.29.19", seq(*parts), critical=True)


def key_usage(*places: int, critical: bool = True) -> bytes:
    """KeyUsage with these bits: 0 digitalSignature, 5 keyCertSign."""
    number = sum(0x8000 >> place for place in places)
    octets = number.to_bytes(2).rstrip(b"\0")
    unused = 7 - max(places) % 8 if places else 0
    return extension("2.5.29.15", bits(octets, unused), critical=critical)


def usages(*oids: str, critical: bool = False) -> bytes:
    """ExtendedKeyUsage."""
    return extension("2.5.29.37", seq(*map(oid, oids)), critical=critical)


def general(text: str) -> bytes:
    """A GeneralName of `DNS:…`, `IP:hex`, `URI:…`, `email:…`."""
    kind, _, value = text.partition(":")
    tag = {"email": 0x81, "DNS": 0x82, "URI": 0x86, "IP": 0x87, "RID": 0x88, "dir": 0xA4}[kind]
    if kind == "IP":
        return encode(tag, bytes.fromhex(value))
    if kind == "dir":
        return encode(tag, name(value))
    return encode(tag, value.encode("latin-1"))


def san(*names: str, critical: bool = False) -> bytes:
    """SubjectAltName."""
    return extension("2.5.29.17", seq(*map(general, names)), critical=critical)


def constraints(
    permitted: Sequence[str] = (), excluded: Sequence[str] = (), *, critical: bool = True
) -> bytes:
    """NameConstraints."""
    parts = [
        encode(tag, *(seq(general(one)) for one in names))
        for tag, names in ((0xA0, permitted), (0xA1, excluded))
        if names
    ]
    return extension("2.5.29.30", seq(*parts), critical=critical)


def policies(*oids: str, critical: bool = False) -> bytes:
    """CertificatePolicies."""
    return extension("2.5.29.32", seq(*(seq(oid(one)) for one in oids)), critical=critical)


def key_ids(own: bytes = b"", issuer: bytes = b"") -> list[bytes]:
    """SubjectKeyIdentifier and authorityKeyIdentifier."""
    found = []
    if own:
        found.append(extension("2.5.29.14", encode(4, own)))
    if issuer:
        found.append(extension("2.5.29.35", seq(encode(0x80, issuer))))
    return found


def _same(data: bytes) -> bytes:
    return data


@dataclass(frozen=True)
class Spec:
    """All parts of one certificate; what is None is what its place in the chain makes it."""

    subject: bytes
    key: Key
    extensions: tuple[bytes, ...] = ()
    issuer: bytes | None = None
    signer: Key = None
    hash: str = "sha256"
    version: bytes = b"\xa0\x03\x02\x01\x02"
    serial: bytes = b"\x02\x02\x10\x01"
    not_before: bytes = encode(0x17, VALID[0])
    not_after: bytes = encode(0x17, VALID[1])
    spki: bytes | None = None
    inner: bytes | None = None
    outer: bytes | None = None
    unique_ids: bytes = b""
    after_validity: bytes = b""
    after_extensions: bytes = b""
    wrap_extensions: bool = True
    edit_tbs: Transform = field(default=_same)
    edit_signature: Transform = field(default=_same)
    edit: Transform = field(default=_same)

    def but(self, **changes: Any) -> "Spec":
        """The same with other parts."""
        return replace(self, **changes)

    def adding(self, *extensions: bytes) -> "Spec":
        """The same with more extensions; one of an OID that it has replaces that."""
        added = {_oid_of(one): one for one in extensions}
        kept = tuple(one for one in self.extensions if _oid_of(one) not in added)
        return replace(self, extensions=(*kept, *extensions))

    def without(self, type_: str) -> "Spec":
        """The same without an extension."""
        gone = encode_oid(type_)
        return replace(
            self, extensions=tuple(one for one in self.extensions if _oid_of(one) != gone)
        )


def _oid_of(extension_: bytes) -> bytes:
    start = 2 if extension_[1] < 0x80 else 2 + (extension_[1] & 0x7F)
    return extension_[start + 2 : start + 2 + extension_[start + 1]]


def build(spec: Spec, issuer: Spec | None = None) -> bytes:
    """Return the DER of one certificate, signed by `issuer`'s key; by its own without one."""
    above = issuer or spec
    signer = spec.signer or above.key
    inner = algorithm_of(signer, spec.hash) if spec.inner is None else spec.inner
    listed = seq(*spec.extensions)
    tbs = spec.edit_tbs(
        seq(
            spec.version,
            spec.serial,
            inner,
            above.subject if spec.issuer is None else spec.issuer,
            seq(spec.not_before, spec.not_after, spec.after_validity),
            spec.subject,
            spki_of(spec.key) if spec.spki is None else spec.spki,
            spec.unique_ids,
            encode(0xA3, listed) if spec.extensions and spec.wrap_extensions else b"",
            spec.after_extensions,
        )
    )
    outer = inner if spec.outer is None else spec.outer
    signature = spec.edit_signature(bits(sign(signer, tbs, spec.hash)))
    return spec.edit(seq(tbs, outer, signature))
