"""Which keys and signatures are refused as weak, and by whom: pure, over `CertificateFacts`.

Used where the server's certificate is judged as Go judges it, and where a refusal of ours is
explained. A self-signed certificate's own signature is checked by nobody (RFC 5280 §6.1).
"""

from collections.abc import Sequence
from typing import Final

from probe.model.certificate import CertificateFacts

WEAK_HASHES: Final = frozenset({"md2", "md4", "md5", "sha1"})
"""What Go's crypto/x509 (InsecureAlgorithmError), rustls and OpenSSL at level 1 refuse."""

SMALLEST_RSA_BITS: Final = 2048
"""What OpenSSL's security level 2 demands (SSL_CTX_set_security_level(3))."""

SMALLEST_RSA_BITS_OF_GO: Final = 1024
"""What Go's crypto/tls demands (GODEBUG rsa1024min)."""


def weak_signature(chain: Sequence[CertificateFacts]) -> str:
    """Say which certificate has an MD5 or SHA-1 signature; empty where none has."""
    for certificate in chain:
        if certificate.signature_hash in WEAK_HASHES and not certificate.self_signed:
            name = certificate.signature_hash.upper()
            return f"{certificate.subject.text} is signed with {name}"
    return ""


def weak_key(chain: Sequence[CertificateFacts], smallest: int = SMALLEST_RSA_BITS) -> str:
    """Say which certificate has an RSA key below `smallest` bits; empty where none has."""
    for certificate in chain:
        if certificate.key_type == "RSA" and 0 < certificate.key_bits < smallest:
            return f"{certificate.subject.text} has an RSA key of {certificate.key_bits} bits"
    return ""


def refused_by_go(chain: Sequence[CertificateFacts]) -> str:
    """Say which certificate a Go exporter refuses as weak; empty where it refuses none."""
    return weak_signature(chain) or weak_key(chain, SMALLEST_RSA_BITS_OF_GO)
