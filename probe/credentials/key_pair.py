"""Whether a private key and a certificate are a pair that TLS can authenticate with.

Of a key only the digest of its public half leaves these functions.
"""

import warnings
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from OpenSSL import SSL, crypto

from probe.x509.library_errors import LIBRARY_ERRORS

_SCHEMES_OF_CURVES: Final = {
    "secp256r1": ("ecdsa_secp256r1_sha256",),
    "secp384r1": ("ecdsa_secp384r1_sha384",),
    "secp521r1": ("ecdsa_secp521r1_sha512",),
}


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


def can_sign(key: crypto.PKey) -> bool:
    """Return whether what `key` signs verifies with its own public half.

    A key whose private numbers are damaged keeps its public ones, and still matches.
    """
    message = b"mtls-probe"
    try:
        private = key.to_cryptography_key()
        match private:
            case rsa.RSAPrivateKey():
                signed = private.sign(message, padding.PKCS1v15(), hashes.SHA256())
                private.public_key().verify(signed, message, padding.PKCS1v15(), hashes.SHA256())
            case ec.EllipticCurvePrivateKey():
                algorithm = ec.ECDSA(hashes.SHA256())
                private.public_key().verify(private.sign(message, algorithm), message, algorithm)
            case ed25519.Ed25519PrivateKey() | ed448.Ed448PrivateKey():
                private.public_key().verify(private.sign(message), message)
            case _:
                return True
    except InvalidSignature:
        return False
    except (crypto.Error, *LIBRARY_ERRORS):
        return True  # not a kind that is tried here: the handshake will show it
    return True


def list_schemes_of(key: crypto.PKey) -> tuple[str, ...]:
    """Return the signature schemes that only a key like `key` makes (RFC 8446 §4.2.3).

    Empty for RSA, whose schemes every exporter offers, and for kinds that TLS has no scheme for.
    """
    try:
        private = key.to_cryptography_key()
    except (crypto.Error, *LIBRARY_ERRORS):
        return ()
    match private:
        case ec.EllipticCurvePrivateKey():
            return _SCHEMES_OF_CURVES.get(private.curve.name, ())
        case ed25519.Ed25519PrivateKey():
            return ("ed25519",)
        case ed448.Ed448PrivateKey():
            return ("ed448",)
        case _:
            return ()


def present_pair(context: SSL.Context, chain: Sequence[bytes], key: crypto.PKey) -> None:
    """Make `context` authenticate with `chain`, which is DER, and `key`.

    Behind the end entity, what this library does not parse is left out.
    """
    with warnings.catch_warnings():
        # pyOpenSSL wants objects of `cryptography`, which refuses keys and certificates that
        # OpenSSL and exporters take.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.use_certificate(crypto.load_certificate(crypto.FILETYPE_ASN1, chain[0]))
        for der in chain[1:]:
            try:
                certificate = crypto.load_certificate(crypto.FILETYPE_ASN1, der)
            except crypto.Error:
                continue
            context.add_extra_chain_cert(certificate)
        context.use_privatekey(key)
        context.check_privatekey()
