"""Which keys and signatures each TLS library refuses as weak: pure, over `CertificateFacts`.

A self-signed certificate's own signature is never checked (RFC 5280 §6.1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from probe.model.certificate import CertificateFacts

WEAK_HASHES: Final = frozenset({"md2", "md4", "md5", "sha1"})
"""What Go's crypto/x509 (InsecureAlgorithmError), rustls and OpenSSL at level 1 refuse."""

SMALLEST_RSA_BITS: Final = 2048
"""What OpenSSL's security level 2 demands (SSL_CTX_set_security_level(3))."""

SMALLEST_RSA_BITS_OF_GO: Final = 1024
"""What Go's crypto/tls demands (GODEBUG rsa1024min)."""

_COMMON_KEYS: Final = frozenset({"", "RSA", "EC"})
_COMMON_CURVE_BITS: Final = 384
"""P-521 is of the standard (RFC 8446 §4.2.3), and rustls and grpc-core take no signatures of it."""


@dataclass(frozen=True, slots=True)
class Weakness:
    """A certificate that is too weak, and what of it is."""

    certificate: CertificateFacts
    of: Literal["signature", "key"]

    def __str__(self) -> str:
        """Say so with the certificate's subject."""
        subject = self.certificate.subject.text
        if self.of == "signature":
            return f"{subject} is signed with {self.certificate.signature_hash.upper()}"
        return f"{subject} has an RSA key of {self.certificate.key_bits} bits"


def find_weak_signature(chain: Sequence[CertificateFacts]) -> Weakness | None:
    """Return the first MD5 or SHA-1 signature in `chain` that is checked."""
    weak = (one for one in chain if one.signature_hash in WEAK_HASHES and not one.self_signed)
    return next((Weakness(one, "signature") for one in weak), None)


def find_weak_key(
    chain: Sequence[CertificateFacts], smallest: int = SMALLEST_RSA_BITS
) -> Weakness | None:
    """Return the first RSA key in `chain` of fewer than `smallest` bits."""
    weak = (one for one in chain if one.key_type == "RSA" and 0 < one.key_bits < smallest)
    return next((Weakness(one, "key") for one in weak), None)


def find_weakness_for_go(chain: Sequence[CertificateFacts]) -> Weakness | None:
    """Return what a Go exporter refuses as weak."""
    return find_weak_signature(chain) or find_weak_key(chain, SMALLEST_RSA_BITS_OF_GO)


def is_uncommon_key(certificate: CertificateFacts) -> bool:
    """Whether not every TLS library takes signatures of a key of this kind (Ed25519, P-521)."""
    kind, bits = certificate.key_type, certificate.key_bits
    return kind not in _COMMON_KEYS or (kind == "EC" and bits > _COMMON_CURVE_BITS)
