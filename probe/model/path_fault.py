"""Why one side does not trust the other's certificates: one broken rule, as plain data.

Times of day are seconds since the Unix epoch. Texts have passed `safe_text`.
"""

from typing import Final, Literal

from probe.model.record import Record

PathFaultKind = Literal[
    "unreadable",  # the runtime's parser refuses a certificate that the server sent
    "no_anchor",  # no certificate among the anchors issued the path
    "bad_signature",  # an issuer of that name is known, and its key did not sign
    "expired",
    "not_yet_valid",
    "wrong_usage",  # the end entity's extendedKeyUsage, or keyUsage, is not a server's
    "wrong_usage_above",  # the same of a certificate above the end entity
    "not_a_ca",  # an issuer is not a CA, or may not sign certificates
    "path_length",  # more CAs below an issuer than its pathLenConstraint allows
    "name_constraint",  # a name that an issuer's name constraints exclude or do not permit
    "critical_extension",  # a critical extension that the runtime does not know
    "policy",  # certificate policies leave nothing valid
    "weak_signature",
    "weak_key",
    "name_mismatch",  # the reference identifier is not among the presented ones
    "malformed",  # another rule of RFC 5280 that the runtime holds the path to
    "too_complex",  # the runtime gives up: too many candidates or signatures
]


DATE_FAULTS: Final = frozenset[PathFaultKind]({"expired", "not_yet_valid"})
"""Which another clock may see in another way."""


_BEFORE_VERIFYING: Final = frozenset[PathFaultKind]({"unreadable", "weak_key"})


class PathFault(Record, frozen=True):
    """One rule that a certification path breaks: a server's for one runtime, or a client's own."""

    kind: PathFaultKind
    subject: str = ""
    """Of the certificate that breaks the rule, or that lacks its issuer; empty where unreadable."""
    sha256: str = ""
    """Of that certificate's DER, in hex."""
    position: int | None = None
    """Its place in what was sent, from 0; None for one that is held and was not sent."""
    value: str = ""
    """What was found: an OID, a name, a number of bits, a pathLenConstraint, an algorithm."""
    limit: str = ""
    """What the rule demands or allows: the constraint, the smallest size, the usage."""
    rule: str = ""
    """The rule's source: a section of an RFC, or the runtime's function."""
    says: str = ""
    """What the runtime prints, without what varies; empty where that is not known."""


def stops_without_verification(fault: PathFault) -> bool:
    """Return whether `fault` stops an exporter that trusts every server by its settings as well.

    It still has to read the certificate, and to verify the handshake by its key.
    """
    return (fault.kind in _BEFORE_VERIFYING and fault.position == 0) or fault.kind == "unreadable"
