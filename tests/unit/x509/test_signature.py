"""Signatures of certificates are verified over the raw bytes, by every algorithm in use."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from probe.x509.der import BIT_STRING, SEQUENCE, Reader, encode
from probe.x509.public_key import read_public_key
from probe.x509.raw_certificate import Certificate, read_certificate
from probe.x509.signature import check_signature
from tests.support.pki import issue

PATTERN = issue("signed").certificate.public_bytes(Encoding.DER)
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.derive_private_key(5, ec.SECP256R1())
SHA1 = hashes.SHA1()
SHA256_OID = bytes.fromhex("300d06096086480165030402010500")
PSS = encode(
    SEQUENCE,
    bytes.fromhex("06092a864886f70d01010a"),
    encode(
        SEQUENCE,
        encode(0xA0, SHA256_OID),
        encode(0xA1, encode(SEQUENCE, bytes.fromhex("06092a864886f70d010108"), SHA256_OID)),
        encode(0xA2, b"\x02\x01\x20"),
    ),
)


def sign(algorithm: bytes, key: object) -> Certificate:
    """Make a certificate of one algorithm; its signed part is PATTERN's with that algorithm."""
    old = read_certificate(PATTERN)
    assert old is not None
    inner = encode(SEQUENCE, old.algorithm.contents)
    contents = Reader(old.tbs).read(SEQUENCE) or b""
    tbs = encode(SEQUENCE, contents.replace(inner, algorithm, 1))
    match key:
        case rsa.RSAPrivateKey() if algorithm == PSS:
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
            signature = key.sign(tbs, pss, hashes.SHA256())
        case rsa.RSAPrivateKey():
            signature = key.sign(tbs, padding.PKCS1v15(), SHA1)
        case ec.EllipticCurvePrivateKey():
            signature = key.sign(tbs, ec.ECDSA(SHA1))
        case ed25519.Ed25519PrivateKey() | ed448.Ed448PrivateKey():
            signature = key.sign(tbs)
        case _:
            raise AssertionError(key)
    der = encode(SEQUENCE, tbs, algorithm, encode(BIT_STRING, b"\0" + signature))
    made = read_certificate(der)
    assert made is not None
    return made


def spki_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    """Return the DER of its public half."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


CASES = {
    "sha1 with RSA": (bytes.fromhex("300d06092a864886f70d0101050500"), RSA),
    "RSASSA-PSS": (PSS, RSA),
    "sha1 with ECDSA": (bytes.fromhex("300906072a8648ce3d0401"), EC),
    "Ed25519": (
        bytes.fromhex("300506032b6570"),
        ed25519.Ed25519PrivateKey.from_private_bytes(b"a" * 32),
    ),
    "Ed448": (
        bytes.fromhex("300506032b6571"),
        ed448.Ed448PrivateKey.from_private_bytes(b"a" * 57),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_signature_holds_for_its_key_alone(name: str) -> None:
    """Its own key verifies it; another of the kind does not, one of another kind cannot."""
    algorithm, key = CASES[name]
    certificate = sign(algorithm, key)
    assert check_signature(certificate, spki_of(key)) == "valid"  # type: ignore[arg-type]
    others = {
        rsa.RSAPrivateKey: spki_of(rsa.generate_private_key(65537, 2048)),
        ec.EllipticCurvePrivateKey: spki_of(ec.derive_private_key(6, ec.SECP256R1())),
    }
    for kind, other in others.items():
        expected = "invalid" if isinstance(key, kind) else "unsupported"
        assert check_signature(certificate, other) == expected
    assert check_signature(certificate, b"no key") == "unsupported"


def test_keys_are_described_whatever_they_are() -> None:
    """Explicit curve parameters, an unknown algorithm and no key at all."""
    key = read_public_key(spki_of(EC))
    assert key is not None
    assert (key.kind, key.bits, key.curve_name) == ("EC", 256, "secp256r1")
    explicit = encode(
        SEQUENCE,
        encode(SEQUENCE, bytes.fromhex("06072a8648ce3d0201"), encode(SEQUENCE, b"\x02\x01\x01")),
        encode(BIT_STRING, b"\0\4"),
    )
    key = read_public_key(explicit)
    assert key is not None
    assert (key.kind, key.curve, key.bits) == ("EC", "explicit", 0)
    unknown = encode(
        SEQUENCE, encode(SEQUENCE, bytes.fromhex("06022a03")), encode(BIT_STRING, b"\0")
    )
    key = read_public_key(unknown)
    assert key is not None
    assert key.kind == "unknown"
    assert read_public_key(b"") is None
