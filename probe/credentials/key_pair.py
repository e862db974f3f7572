"""Whether a private key and a certificate are a pair that TLS can authenticate with.

Of a key only the digest of its public half leaves these functions.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from OpenSSL import SSL, crypto

from probe.tls.offer import SECURITY_LEVEL
from probe.x509.library_errors import LIBRARY_ERRORS


def fingerprint_public_key(holder: Any) -> str:
    """Return the SHA-256 of a SubjectPublicKeyInfo, in hex; empty where it is unreadable.

    Args:
        holder: a certificate, a private key, or a public key itself.
    """
    try:
        public = holder.public_key() if hasattr(holder, "public_key") else holder
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (*LIBRARY_ERRORS, AttributeError):
        return ""
    return sha256(der).hexdigest()


def is_pair(certificate: x509.Certificate, key: PrivateKeyTypes) -> bool:
    """Return whether `certificate` holds the public half of `key`."""
    held = fingerprint_public_key(certificate)
    return bool(held) and held == fingerprint_public_key(key)


def can_sign(key: PrivateKeyTypes) -> bool:
    """Return whether what `key` signs verifies with its own public half.

    A key whose private numbers are damaged keeps its public ones, and still matches.
    """
    message = b"mtls-probe"
    try:
        match key:
            case rsa.RSAPrivateKey():
                signed = key.sign(message, padding.PKCS1v15(), hashes.SHA256())
                key.public_key().verify(signed, message, padding.PKCS1v15(), hashes.SHA256())
            case ec.EllipticCurvePrivateKey():
                algorithm = ec.ECDSA(hashes.SHA256())
                key.public_key().verify(key.sign(message, algorithm), message, algorithm)
            case ed25519.Ed25519PrivateKey() | ed448.Ed448PrivateKey():
                key.public_key().verify(key.sign(message), message)
            case _:
                return True
    except (InvalidSignature, UnsupportedAlgorithm, *LIBRARY_ERRORS):
        return False
    return True


def accepts_pair(chain: Sequence[x509.Certificate], key: PrivateKeyTypes) -> bool:
    """Return whether the TLS library can authenticate with this chain and key."""
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_cipher_list(f"DEFAULT:{SECURITY_LEVEL}".encode())
    try:
        present_pair(context, chain, key)
    except (SSL.Error, crypto.Error, TypeError):
        return False
    return True


def present_pair(
    context: SSL.Context, chain: Sequence[x509.Certificate], key: PrivateKeyTypes
) -> None:
    """Make `context` authenticate with `chain` and `key`."""
    context.use_certificate(chain[0])
    for certificate in chain[1:]:
        context.add_extra_chain_cert(certificate)
    context.use_privatekey(key)  # type: ignore[arg-type] # what cannot sign raises TypeError
    context.check_privatekey()
