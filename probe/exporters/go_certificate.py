"""A certificate as Go's crypto/x509 holds it once it has parsed it: plain values."""

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

GoKey = Literal["RSA", "ECDSA", "Ed25519", "DSA", ""]
"""Empty: an algorithm that crypto/x509 does not know; such a key has no value there."""


class GoSignature(NamedTuple):
    """A SignatureAlgorithm of crypto/x509."""

    name: str
    key: GoKey
    hash: str


class Subtrees(NamedTuple):
    """The permitted or the excluded subtrees of name constraints, by kind."""

    dns: tuple[str, ...] = ()
    ips: tuple[tuple[bytes, bytes], ...] = ()
    emails: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()


NO_SUBTREES: Final = Subtrees()


@dataclass(frozen=True, slots=True)
class GoCertificate:
    """What Verify looks at."""

    der: bytes = field(repr=False)
    sha256: str
    tbs: bytes = field(repr=False)
    issuer: bytes = field(repr=False)
    subject: bytes = field(repr=False)
    spki: bytes = field(repr=False)
    version: int
    not_before: float
    not_after: float
    signature_algorithm: GoSignature | None
    """None: unknown to crypto/x509."""
    algorithm_oid: str
    key: GoKey
    has_key: bool
    rsa_modulus: int = field(default=0, repr=False)
    rsa_exponent: int = 0
    is_ca: bool = False
    has_basic_constraints: bool = False
    path_length: int = -1
    key_usage: int = 0
    usages: tuple[str, ...] = ()
    """OIDs of extendedKeyUsage."""
    has_san: bool = False
    san: bytes = field(default=b"", repr=False)
    dns_names: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    ips: tuple[bytes, ...] = ()
    uris: tuple[tuple[str, str], ...] = ()
    """Each as it was written, and its host."""
    has_name_constraints: bool = False
    permitted: Subtrees = NO_SUBTREES
    excluded: Subtrees = NO_SUBTREES
    unhandled_critical: tuple[str, ...] = ()
    subject_key_id: bytes = b""
    authority_key_id: bytes = b""
    policies: tuple[bytes, ...] = ()
    policy_mappings: tuple[tuple[bytes, bytes], ...] = ()
    require_explicit_policy: int | None = None
    inhibit_policy_mapping: int | None = None
    inhibit_any_policy: int | None = None

    @property
    def rsa_bits(self) -> int:
        """The modulus's length; 0 where the key is not RSA."""
        return self.rsa_modulus.bit_length()


class Refusal(NamedTuple):
    """Why Go does not parse a certificate."""

    says: str
    value: str = ""
    """What was found, where the text does not say it."""
