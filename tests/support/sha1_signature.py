"""Re-sign a certificate with SHA-1, which cryptography's own builder refuses to do.

Only for tests of weak signatures: the bytes of RFC 5280 §4.1 are put together by hand.
"""

from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

_SEQUENCE: Final = 0x30
_BIT_STRING: Final = 0x03

# AlgorithmIdentifiers (RFC 8017 A.2.4, RFC 5758 §3.2): with SHA-256, and the same with SHA-1.
_RSA: Final = (
    bytes.fromhex("300d06092a864886f70d01010b0500"),
    bytes.fromhex("300d06092a864886f70d0101050500"),
)
_ECDSA: Final = (bytes.fromhex("300a06082a8648ce3d040302"), bytes.fromhex("300906072a8648ce3d0401"))


def signed_with_sha1(
    certificate: x509.Certificate, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    """Return `certificate`, signed with SHA-256 by `key`, as `key` would sign it with SHA-1."""
    old, new = _RSA if isinstance(key, rsa.RSAPrivateKey) else _ECDSA
    signed = certificate.tbs_certificate_bytes
    content = signed[_header_length(signed) :].replace(old, new, 1)
    to_sign = _encode(_SEQUENCE, content)
    sha1 = hashes.SHA1()
    if isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(to_sign, padding.PKCS1v15(), sha1)
    else:
        signature = key.sign(to_sign, ec.ECDSA(sha1))
    whole = to_sign + new + _encode(_BIT_STRING, b"\x00" + signature)
    return x509.load_der_x509_certificate(_encode(_SEQUENCE, whole))


def _header_length(der: bytes) -> int:
    return 2 if der[1] < 0x80 else 2 + (der[1] & 0x7F)


def _encode(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content
