"""The key that a SubjectPublicKeyInfo holds (RFC 5280 §4.1.2.7), read from its bytes: total.

`cryptography` refuses a key whose parameters are written oddly; what a runtime makes of those is
its model's business. Here the numbers are read, and OpenSSL's key is made of them.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

from probe.x509 import der as asn1
from probe.x509.der import Reader, decode_oid
from probe.x509.library_errors import LIBRARY_ERRORS
from probe.x509.raw_certificate import Algorithm, read_algorithm

KeyKind = Literal[
    "RSA", "RSASSA-PSS", "EC", "Ed25519", "Ed448", "X25519", "X448", "DSA", "ML-DSA", "unknown"
]
LoadedKey = (
    rsa.RSAPublicKey
    | ec.EllipticCurvePublicKey
    | ed25519.Ed25519PublicKey
    | ed448.Ed448PublicKey
    | dsa.DSAPublicKey
)

MAX_KEPT_BYTES: Final = 4096
EXPLICIT: Final = "explicit"

_KINDS: Final[dict[str, KeyKind]] = {
    "1.2.840.113549.1.1.1": "RSA",
    "1.2.840.113549.1.1.10": "RSASSA-PSS",
    "1.2.840.10045.2.1": "EC",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
    "1.3.101.110": "X25519",
    "1.3.101.111": "X448",
    "1.2.840.10040.4.1": "DSA",
    "2.16.840.1.101.3.4.3.17": "ML-DSA",
    "2.16.840.1.101.3.4.3.18": "ML-DSA",
    "2.16.840.1.101.3.4.3.19": "ML-DSA",
}

_CURVES: Final[dict[str, ec.EllipticCurve]] = {
    "1.2.840.10045.3.1.1": ec.SECP192R1(),
    "1.3.132.0.33": ec.SECP224R1(),
    "1.2.840.10045.3.1.7": ec.SECP256R1(),
    "1.3.132.0.34": ec.SECP384R1(),
    "1.3.132.0.35": ec.SECP521R1(),
    "1.3.132.0.10": ec.SECP256K1(),
    "1.3.36.3.3.2.8.1.1.7": ec.BrainpoolP256R1(),
    "1.3.36.3.3.2.8.1.1.11": ec.BrainpoolP384R1(),
    "1.3.36.3.3.2.8.1.1.13": ec.BrainpoolP512R1(),
}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key's numbers."""

    kind: KeyKind
    algorithm: Algorithm
    octets: bytes
    """The contents of the BIT STRING, without its count of unused bits."""
    bits: int = 0
    """Of the modulus, or of the curve's field; 0 where it is unknown."""
    modulus: int = 0
    exponent: int = 0
    curve: str = ""
    """The named curve's OID, or `explicit`."""

    @property
    def curve_name(self) -> str:
        """The curve's usual name; its OID where it has none here."""
        curve = _CURVES.get(self.curve)
        return self.curve if curve is None else curve.name


def read_public_key(spki: bytes) -> PublicKey | None:
    """Return the key of a DER SubjectPublicKeyInfo; None where it has no such outline."""
    return _read_kept(spki) if len(spki) <= MAX_KEPT_BYTES else _read(spki)


def _read(spki: bytes) -> PublicKey | None:
    outer = Reader(spki, strict=False).read(asn1.SEQUENCE)
    if outer is None:
        return None
    parts = Reader(outer, strict=False)
    contents = parts.read(asn1.SEQUENCE)
    key = parts.read(asn1.BIT_STRING)
    if contents is None or not key:
        return None
    algorithm = read_algorithm(contents, strict=False)
    kind = _KINDS.get(algorithm.oid, "unknown")
    octets = key[1:]
    if kind in {"RSA", "RSASSA-PSS"}:
        numbers = Reader(Reader(octets, strict=False).read(asn1.SEQUENCE) or b"", strict=False)
        modulus = _read_number(numbers)
        return PublicKey(
            kind, algorithm, octets, modulus.bit_length(), modulus, _read_number(numbers)
        )
    if kind == "EC":
        parameters = Reader(algorithm.parameters, strict=False).read_any()
        if parameters is None or parameters.tag != asn1.OBJECT_IDENTIFIER:
            return PublicKey(kind, algorithm, octets, curve=EXPLICIT if parameters else "")
        oid = decode_oid(parameters.content)
        curve = _CURVES.get(oid)
        return PublicKey(kind, algorithm, octets, curve.key_size if curve else 0, curve=oid)
    if kind == "DSA":
        prime = _read_number(Reader(_unwrap(algorithm.parameters), strict=False))
        return PublicKey(kind, algorithm, octets, prime.bit_length())
    bits = {"Ed25519": 256, "X25519": 256, "Ed448": 456, "X448": 448}.get(kind, 0)
    return PublicKey(kind, algorithm, octets, bits)


_read_kept = lru_cache(maxsize=1024)(_read)


def _unwrap(element: bytes) -> bytes:
    return Reader(element, strict=False).read(asn1.SEQUENCE) or b""


def _read_number(reader: Reader) -> int:
    content = reader.read(asn1.INTEGER)
    return 0 if not content else int.from_bytes(content, signed=True)


def load_public_key(spki: bytes) -> LoadedKey | None:
    """Return OpenSSL's key of these numbers; None where OpenSSL has no such key."""
    return _load_kept(spki) if len(spki) <= MAX_KEPT_BYTES else _load(spki)


def _load(spki: bytes) -> LoadedKey | None:
    key = read_public_key(spki)
    if key is None:
        return None
    try:
        match key.kind:
            case "RSA" | "RSASSA-PSS":
                return rsa.RSAPublicNumbers(key.exponent, key.modulus).public_key()
            case "EC":
                curve = _CURVES.get(key.curve)
                if curve is None:
                    return None
                return ec.EllipticCurvePublicKey.from_encoded_point(curve, key.octets)
            case "Ed25519":
                return ed25519.Ed25519PublicKey.from_public_bytes(key.octets)
            case "Ed448":
                return ed448.Ed448PublicKey.from_public_bytes(key.octets)
            case "DSA":
                return _load_dsa(key)
            case _:
                return None
    except LIBRARY_ERRORS:
        return None


_load_kept = lru_cache(maxsize=512)(_load)


def _load_dsa(key: PublicKey) -> dsa.DSAPublicKey:
    parameters = Reader(_unwrap(key.algorithm.parameters), strict=False)
    p, q, g = (_read_number(parameters) for _ in range(3))
    y = _read_number(Reader(key.octets, strict=False))
    return dsa.DSAPublicNumbers(y, dsa.DSAParameterNumbers(p, q, g)).public_key()
