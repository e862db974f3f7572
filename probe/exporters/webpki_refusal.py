"""Why rustls-webpki refuses a path: its error, how specific it is, and what rustls prints of it.

Of several paths that fail, the library reports the error of the highest rank (error.rs, rank).
"""

from typing import Final, NamedTuple, Self

from probe.model.path_fault import PathFaultKind
from probe.x509.raw_certificate import Certificate

_INVALID: Final = "invalid peer certificate: "
_CONSTRAINT_RANKS: Final = {
    "NameConstraintViolation": 230,
    "InvalidNetworkMaskConstraint": 180,
    "MalformedDnsIdentifier": 60,
    "MalformedNameConstraint": 50,
}


class Refusal(NamedTuple):
    """One error of the library."""

    kind: PathFaultKind
    rank: int
    rule: str
    says: str
    certificate: Certificate | None = None
    value: str = ""
    limit: str = ""

    @property
    def is_fatal(self) -> bool:
        """Whether the search ends with it (error.rs, is_fatal)."""
        return self.rule.startswith("Maximum") and self.rule != "MaximumPathDepthExceeded"

    def pick_more_specific(self, other: Self) -> Self:
        """Return the more specific of two; the earlier where both are as specific."""
        return self if self.rank >= other.rank else other

    @classmethod
    def make_unknown_issuer(cls, certificate: Certificate) -> Self:
        """No anchor and no certificate sent is the issuer."""
        return cls("no_anchor", 0, "UnknownIssuer", f"{_INVALID}UnknownIssuer", certificate)

    @classmethod
    def make_too_complex(cls, rule: str) -> Self:
        """A budget of the library is used up."""
        return cls("too_complex", 0, rule, f"{_INVALID}Other(OtherError({rule}))")

    @classmethod
    def make_too_deep(cls, certificate: Certificate) -> Self:
        """More than six certificates between the end entity and the anchor."""
        rule = "MaximumPathDepthExceeded"
        return cls(
            "too_complex", 61, rule, f"{_INVALID}Other(OtherError({rule}))", certificate, limit="6"
        )

    @classmethod
    def make_malformed(cls, certificate: Certificate | None, value: str, says: str) -> Self:
        """An encoding that the library does not read."""
        return cls("unreadable", 10, "BadDer", _INVALID + says, certificate, value)

    @classmethod
    def make_constrained(cls, certificate: Certificate, violation: str, name: bytes) -> Self:
        """A name breaks nameConstraints, or cannot be compared with them."""
        if violation == "MaximumNameConstraintComparisonsExceeded":
            return cls.make_too_complex(violation)
        if violation == "BadDer":
            return cls.make_malformed(certificate, "nameConstraints", "BadEncoding")
        rank = _CONSTRAINT_RANKS[violation]
        rule = violation
        shown = name.hex() if len(name) in {4, 16} else name.decode("ascii", "replace")
        return cls(
            "name_constraint",
            rank,
            rule,
            f"{_INVALID}Other(OtherError({rule}))",
            certificate,
            shown,
        )

    @classmethod
    def make_unsupported_algorithm(cls, certificate: Certificate, algorithm: str) -> Self:
        """The signature's algorithm is none of the library's."""
        rule = "UnsupportedSignatureAlgorithm"
        return cls("weak_signature", 140, rule, _INVALID + rule, certificate, algorithm)

    @classmethod
    def make_unsupported_key(cls, certificate: Certificate, algorithm: str, key: str) -> Self:
        """The issuer's key is none that the algorithm goes with."""
        rule = "UnsupportedSignatureAlgorithmForPublicKey"
        return cls("weak_key", 150, rule, _INVALID + rule, certificate, key, algorithm)

    @classmethod
    def make_unusable_key(cls, certificate: Certificate, key: str) -> Self:
        """A key that nothing is verified with: RSA keys have 2048 to 8192 bits."""
        limit = "2048" if key.startswith("RSA") else ""
        says = f"{_INVALID}BadSignature"
        return cls("weak_key", 260, "verify_signature", says, certificate, key, limit)

    @classmethod
    def make_bad_signature(cls, certificate: Certificate) -> Self:
        """A key of the issuer's name did not sign."""
        rule = "InvalidSignatureForPublicKey"
        return cls("bad_signature", 260, rule, f"{_INVALID}BadSignature", certificate)

    @classmethod
    def make_not_named(cls, certificate: Certificate, reference: str) -> Self:
        """The reference identifier is not among the presented ones."""
        says = f"{_INVALID}certificate not valid for name"
        return cls("name_mismatch", 280, "verify_dns_names", says, certificate, limit=reference)
