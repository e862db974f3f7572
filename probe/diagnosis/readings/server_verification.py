"""Why the target's exporter does not trust the backend's certificates: pure.

The faults are those of the model of that exporter, the one that it reports first.
"""

from collections.abc import Callable
from typing import Final

from probe.diagnosis.cause import Strength
from probe.model.certificate import CertificateFacts
from probe.model.evidence import Evidence, Handshake
from probe.model.path_fault import PathFault, PathFaultKind
from probe.x509 import validity

BROKEN_RULES: Final = frozenset[PathFaultKind](
    {
        *("not_a_ca", "path_length", "name_constraint", "critical_extension", "policy"),
        *("wrong_usage_above", "malformed", "too_complex"),
    }
)
"""Of a path that leads to an anchor, and that the exporter still does not take."""
NO_PATH: Final = frozenset[PathFaultKind]({"no_anchor", "bad_signature"})
WEAK: Final = frozenset[PathFaultKind]({"weak_signature", "weak_key"})


def get_unverified_handshake(evidence: Evidence) -> Handshake | None:
    """Return the handshake where an exporter would have stopped over the server's certificate."""
    handshake = evidence.handshake
    if handshake is None or not handshake.server_chain:
        return None
    return None if handshake.server_verified else handshake


def list_faults(evidence: Evidence, *kinds: PathFaultKind) -> tuple[PathFault, ...]:
    """Return the faults of these kinds that an exporter would have stopped over."""
    handshake = get_unverified_handshake(evidence)
    if handshake is None:
        return ()
    return tuple(fault for fault in handshake.path_faults if fault.kind in kinds)


def rate_fault(evidence: Evidence, fault: PathFault) -> Strength:
    """Return how much `fault` explains: the exporter reports the first, any other stops it too."""
    handshake = evidence.handshake
    is_first = handshake is not None and handshake.path_faults[:1] == (fault,)
    return Strength.NAMED if is_first else Strength.PROVEN


def find_faulty_certificate(evidence: Evidence, fault: PathFault) -> CertificateFacts | None:
    """Return the certificate that `fault` is about: sent, or an anchor; None where it is not held."""
    handshake = evidence.handshake
    if handshake is None:
        return None
    sent, bundle = handshake.server_chain, evidence.credentials.ca_bundle
    held = (*sent, *bundle, *handshake.used_anchors)
    if (known := next((one for one in held if one.sha256 == fault.sha256), None)) is not None:
        return known
    if fault.kind not in DATE_CHECKS:
        return None
    # Evidence of earlier versions names a place in OpenSSL's path alone, which may leave out or
    # reorder what was sent.
    return DATE_CHECKS[fault.kind]((*bundle, *sent), evidence.at)


DATE_CHECKS: Final[
    dict[PathFaultKind, Callable[[tuple[CertificateFacts, ...], float], CertificateFacts | None]]
] = {"expired": validity.find_expired, "not_yet_valid": validity.find_not_yet_valid}
