"""Whether one certificate was signed by another's key (RFC 5280 §6.1.3): pure, and total."""

import hashlib
from typing import Final, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa

from probe.x509.library_errors import LIBRARY_ERRORS
from probe.x509.public_key import LoadedKey, load_public_key, read_public_key
from probe.x509.raw_certificate import Certificate
from probe.x509.signature_scheme import HASHES, SignatureScheme, read_scheme

SignatureCheck = Literal["valid", "invalid", "unsupported"]
"""Unsupported: OpenSSL has no such algorithm or key, or the two do not fit."""

MAX_RSA_BITS: Final = 8192
MAX_RSA_EXPONENT: Final = (1 << 31) - 1
"""What Go verifies signatures of (crypto/tls, maxRSAKeySize; crypto/rsa, checkPub)."""

_MAX_CHECKS: Final = 4096


def check_signature(certificate: Certificate, spki: bytes) -> SignatureCheck:
    """Verify the signature of `certificate` with the key of the DER SubjectPublicKeyInfo `spki`.

    By the algorithm that its signed part names. Whether a runtime takes that algorithm, or a key
    of that kind and size, is its model's to decide before. Each answer is kept.
    """
    asked = certificate.sha256, hashlib.sha256(spki).digest()
    known = _CHECKED.get(asked)
    if known is None:
        known = _verify(certificate, spki)
        if len(_CHECKED) >= _MAX_CHECKS:
            _CHECKED.clear()
        _CHECKED[asked] = known
    return known


def is_self_signed(certificate: Certificate) -> bool:
    """Return whether a certificate's own name and key made it."""
    if not certificate.is_self_issued:
        return False
    key = read_public_key(certificate.spki)
    if key is None or key.modulus.bit_length() > MAX_RSA_BITS or key.exponent > MAX_RSA_EXPONENT:
        return False
    return check_signature(certificate, certificate.spki) == "valid"


_CHECKED: Final[dict[tuple[str, bytes], SignatureCheck]] = {}


def _verify(certificate: Certificate, spki: bytes) -> SignatureCheck:
    scheme = read_scheme(certificate.algorithm)
    key = load_public_key(spki)
    if scheme is None or key is None or certificate.unused_signature_bits:
        return "unsupported"
    try:
        return _verify_by(scheme, key, certificate)
    except InvalidSignature:
        return "invalid"
    except LIBRARY_ERRORS:
        return "unsupported"


def _verify_by(scheme: SignatureScheme, key: LoadedKey, certificate: Certificate) -> SignatureCheck:
    signature, signed = certificate.signature, certificate.tbs
    match scheme.key, key:
        case "RSA", rsa.RSAPublicKey():
            key.verify(signature, signed, _get_padding(scheme), HASHES[scheme.hash])
        case "EC", ec.EllipticCurvePublicKey():
            key.verify(signature, signed, ec.ECDSA(HASHES[scheme.hash]))
        case "DSA", dsa.DSAPublicKey():
            key.verify(signature, signed, HASHES[scheme.hash])
        case "Ed25519", ed25519.Ed25519PublicKey():
            key.verify(signature, signed)
        case "Ed448", ed448.Ed448PublicKey():
            key.verify(signature, signed)
        case _:
            return "unsupported"
    return "valid"


def _get_padding(scheme: SignatureScheme) -> padding.AsymmetricPadding:
    if not scheme.is_pss:
        return padding.PKCS1v15()
    return padding.PSS(padding.MGF1(HASHES[scheme.mask_hash]), scheme.salt_length)


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Return whether `issuer`'s name and key made `certificate`, the signature verified.

    Not by RSA keys so large that Go refuses them: to verify one signature takes milliseconds.
    """
    try:
        key = issuer.public_key()
        if isinstance(key, rsa.RSAPublicKey) and (
            key.key_size > MAX_RSA_BITS or key.public_numbers().e > MAX_RSA_EXPONENT
        ):
            return False
    except LIBRARY_ERRORS:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except LIBRARY_ERRORS:
        return _is_issued_with_weak_hash(certificate, issuer)
    return True


def _is_issued_with_weak_hash(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Verify a SHA-1 or MD5 signature, which the library's own check does not know any more."""
    try:
        algorithm = certificate.signature_hash_algorithm
        if not isinstance(algorithm, hashes.SHA1 | hashes.MD5):
            return False
        if certificate.issuer != issuer.subject:
            return False
        signed = certificate.signature, certificate.tbs_certificate_bytes
        match issuer.public_key():
            case rsa.RSAPublicKey() as key:
                key.verify(*signed, padding.PKCS1v15(), algorithm)
            case ec.EllipticCurvePublicKey() as key:
                key.verify(*signed, ec.ECDSA(algorithm))
            case _:
                return False
    except LIBRARY_ERRORS:
        return False
    return True
