"""Which certificate issued which, as far as names and key identifiers tell: pure.

RFC 5280 §4.1.2.4, §4.2.1.1 and §4.2.1.2; no signature is checked here.
"""

from collections.abc import Sequence

from probe.model.certificate import CertificateFacts


def names_issuer(below: CertificateFacts, above: CertificateFacts) -> bool:
    """Return whether `below` names the subject of `above` as its issuer."""
    return below.issuer.digest == above.subject.digest


def same_key(below: CertificateFacts, above: CertificateFacts) -> bool:
    """Return whether the key identifiers fit, or one of the two has none."""
    wanted, held = below.authority_key_id, above.subject_key_id
    return not wanted or not held or wanted == held


def issued(below: CertificateFacts, above: CertificateFacts) -> bool:
    """Return whether `above` issued `below`, by name and key identifier."""
    return names_issuer(below, above) and same_key(below, above)


def anchor_of(
    chain: Sequence[CertificateFacts], bundle: Sequence[CertificateFacts]
) -> CertificateFacts | None:
    """Return the anchor in `bundle` that `chain` leads to; None where there is none.

    Whatever stands in the bundle is an anchor, also a certificate of the chain itself.
    """
    held = {one.sha256: one for one in bundle}
    for certificate in chain:
        if certificate.sha256 in held:
            return held[certificate.sha256]
        for anchor in bundle:
            if issued(certificate, anchor):
                return anchor
    return None
