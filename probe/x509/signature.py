"""Whether one certificate was signed by another's key (RFC 5280 §6.1.3): pure, and total."""

from typing import Final

from cryptography import x509
from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

MAX_RSA_BITS: Final = 8192
MAX_RSA_EXPONENT: Final = (1 << 31) - 1
"""What Go verifies signatures of (crypto/tls, maxRSAKeySize; crypto/rsa, checkPub)."""

LIBRARY_ERRORS: Final = (
    ValueError,  # UnicodeError and the parser's own among them
    TypeError,
    OverflowError,
    KeyError,
    UnsupportedAlgorithm,
    InvalidSignature,
    InternalError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.UnsupportedGeneralNameType,
)
"""What `cryptography` raises for a certificate that is odd, damaged or hostile."""


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
