"""Private keys that are the same on every run: derived from a seed, one per kind and name.

A prime is found once and written down as its distance from a number that the seed makes, so that
an RSA key of any size costs nothing to make again.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x448, x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tests.lab.exporters.generators import der

RSA: Final = der.oid("1.2.840.113549.1.1.1")
RSASSA_PSS: Final = der.oid("1.2.840.113549.1.1.10")
DSA: Final = der.oid("1.2.840.10040.4.1")
EC: Final = der.oid("1.2.840.10045.2.1")
P256: Final = der.oid("1.2.840.10045.3.1.7")

_RSA_PRIMES: Final = {
    "512": (56, 202),
    "768": (14, 1102),
    "1016": (388, 140),
    "1024": (146, 544),
    "2048": (84, 386),
    "2048-other": (1134, 786),
    "2048-third": (624, 1154),
    "2048-server": (1712, 350),
    "3072": (1116, 134),
    "4096": (396, 424),
    "8192": (46, 1894),
    "16384": (6628, 6402),
}
"""Size and name → how far each prime is from the number of its seed."""
_DSA_NUMBERS: Final = {1024: (160, 12, 404), 2048: (256, 8, 1270)}
"""Size of p → size of q, how far q is from the number of its seed, and the same of p's factor."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key pair in its encodings; `traditional` is PKCS#1 or SEC1 where there is such a form."""

    pkcs8: bytes
    spki: bytes
    traditional: bytes = b""
    traditional_label: str = ""


def _number(seed: str, bits: int) -> int:
    """Return a number of `bits` bits at most that `seed` determines."""
    octets = hashlib.shake_256(seed.encode()).digest((bits + 7) // 8)
    return int.from_bytes(octets, "big") >> (-bits % 8)


def rsa_private_key(name: str) -> rsa.RSAPrivateKey:
    """Return the RSA key `name`: its size in bits, and what follows it."""
    bits = int(name.partition("-")[0]) // 2
    p, q = (
        (_number(f"rsa-{name}-{which}", bits) | 3 << (bits - 2) | 1) + away
        for which, away in zip("pq", _RSA_PRIMES[name], strict=True)
    )
    d = pow(65537, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        *(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p)),
        public_numbers=rsa.RSAPublicNumbers(65537, p * q),
    )
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


@cache
def rsa_key(name: str = "2048") -> Key:
    """Return the encodings of the RSA key `name`; PKCS#1 is written here, for any size."""
    bits = int(name.partition("-")[0]) // 2
    p, q = (
        (_number(f"rsa-{name}-{which}", bits) | 3 << (bits - 2) | 1) + away
        for which, away in zip("pq", _RSA_PRIMES[name], strict=True)
    )
    d = pow(65537, -1, (p - 1) * (q - 1))
    numbers = (0, p * q, 65537, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
    pkcs1 = der.sequence(*(der.integer(each) for each in numbers))
    public = der.sequence(der.integer(p * q), der.integer(65537))
    algorithm = der.sequence(RSA, der.NULL)
    return Key(pkcs8(algorithm, pkcs1), spki(algorithm, public), pkcs1, "RSA PRIVATE KEY")


def rsa_pss_key(name: str = "2048", parameters: bytes = b"") -> Key:
    """Return the RSA key `name` as one that only signs by RSASSA-PSS (RFC 4055 §1.2)."""
    plain = rsa_key(name)
    public = plain.spki[plain.spki.index(b"\x03\x82") :]
    algorithm = der.sequence(RSASSA_PSS, parameters)
    return Key(
        pkcs8(algorithm, plain.traditional),
        der.sequence(algorithm, public),
        plain.traditional,
        "RSA PRIVATE KEY",
    )


def ec_private_key(curve: ec.EllipticCurve, name: str = "") -> ec.EllipticCurvePrivateKey:
    """Return the key of `curve` that `name` determines."""
    return ec.derive_private_key(_number(f"ec-{curve.name}-{name}", curve.key_size - 8) + 1, curve)


def ec_key(curve: ec.EllipticCurve | None = None, name: str = "") -> Key:
    """Return the encodings of the key of `curve`, P-256 by default."""
    private = ec_private_key(curve or ec.SECP256R1(), name)
    traditional = private.private_bytes(
        Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )
    return Key(*_encodings(private), traditional, "EC PRIVATE KEY")


Modern = ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey | x25519.X25519PrivateKey
_MODERN: Final = {
    "ed25519": (ed25519.Ed25519PrivateKey, 32),
    "ed448": (ed448.Ed448PrivateKey, 57),
    "x25519": (x25519.X25519PrivateKey, 32),
    "x448": (x448.X448PrivateKey, 56),
}


def modern_key(kind: str, name: str = "") -> Key:
    """Return a key of RFC 8410: ed25519, ed448, x25519 or x448."""
    make, size = _MODERN[kind]
    return Key(*_encodings(make.from_private_bytes(modern_seed(kind, name)[:size])))


def modern_seed(kind: str, name: str = "") -> bytes:
    """Return the private octets of a key of RFC 8410."""
    return hashlib.shake_256(f"{kind}-{name}".encode()).digest(_MODERN[kind][1])


def _encodings(
    private: "ec.EllipticCurvePrivateKey | Modern | x448.X448PrivateKey",
) -> tuple[bytes, bytes]:
    return (
        private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    )


@cache
def dsa_key(bits: int = 2048) -> Key:
    """Return a DSA key (RFC 3279 §2.3.2); its traditional form is OpenSSL's."""
    q_bits, q_away, factor_away = _DSA_NUMBERS[bits]
    q = (_number(f"dsa-{bits}-q", q_bits) | 1 << (q_bits - 1) | 1) + q_away
    seed = _number(f"dsa-{bits}-p", bits) | 1 << (bits - 1)
    p = 2 * q * (seed // (2 * q) + factor_away) + 1
    g = pow(2, (p - 1) // q, p)
    x = _number(f"dsa-{bits}-x", q_bits - 1) + 1
    y = pow(g, x, p)
    algorithm = der.sequence(DSA, der.sequence(*(der.integer(each) for each in (p, q, g))))
    traditional = der.sequence(*(der.integer(each) for each in (0, p, q, g, y, x)))
    return Key(
        pkcs8(algorithm, der.integer(x)),
        spki(algorithm, der.integer(y)),
        traditional,
        "DSA PRIVATE KEY",
    )


def explicit_p256() -> bytes:
    """Return P-256 as explicit ECParameters instead of its name (RFC 3279 §2.3.5)."""
    prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    x = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
    y = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    field = der.sequence(der.oid("1.2.840.10045.1.1"), der.integer(prime))
    curve = der.sequence(
        *(der.octet_string(each.to_bytes(32, "big")) for each in (prime - 3, b)),
    )
    generator = der.octet_string(b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big"))
    return der.sequence(der.integer(1), field, curve, generator, der.integer(order), der.integer(1))


def sec1(private: ec.EllipticCurvePrivateKey, parameters: bytes, *, public: bool = True) -> bytes:
    """Return an ECPrivateKey (RFC 5915) with `parameters`, or without any, and its public key."""
    numbers = private.private_numbers()
    size = (private.curve.key_size + 7) // 8
    parts = [der.integer(1), der.octet_string(numbers.private_value.to_bytes(size, "big"))]
    if parameters:
        parts.append(der.explicit(0, parameters))
    if public:
        parts.append(der.explicit(1, der.bit_string(point(private))))
    return der.sequence(*parts)


def point(private: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the uncompressed public point."""
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def explicit_ec_key(name: str = "") -> Key:
    """Return the P-256 key `name` with explicit parameters in each encoding."""
    private = ec_private_key(ec.SECP256R1(), name)
    algorithm = der.sequence(EC, explicit_p256())
    return Key(
        pkcs8(algorithm, sec1(private, b"")),
        spki(algorithm, point(private)),
        sec1(private, explicit_p256()),
        "EC PRIVATE KEY",
    )


def pkcs8(algorithm: bytes, private: bytes) -> bytes:
    """Return a PrivateKeyInfo (RFC 5208)."""
    return der.sequence(der.integer(0), algorithm, der.octet_string(private))


def pkcs8_v2(kind: str, *, tag: int = 0x81, name: str = "") -> bytes:
    """Return a OneAsymmetricKey with its public key (RFC 5958 §2), as Java and others write it.

    The public key is `[1] IMPLICIT`, tag 0x81; some tools write it constructed, 0xA1.
    """
    plain = modern_key(kind, name)
    algorithm = plain.pkcs8[5 : 5 + 2 + plain.pkcs8[6]]
    public = plain.spki[2 + len(algorithm) + 2 :]
    content = public if tag == 0x81 else der.bit_string(public[1:])
    return der.sequence(
        der.integer(1),
        algorithm,
        der.octet_string(der.octet_string(modern_seed(kind, name))),
        der.tlv(tag, content),
    )


def spki(algorithm: bytes, public: bytes) -> bytes:
    """Return a SubjectPublicKeyInfo (RFC 5280 §4.1)."""
    return der.sequence(algorithm, der.bit_string(public))
