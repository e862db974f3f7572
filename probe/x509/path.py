"""Certification paths: which certificate issued which, and where a chain leads (RFC 5280 §6.1).

Pure. Of parsed certificates a link is proven by name and signature; of `CertificateFacts` alone,
which evidence holds, by name and key identifiers.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from cryptography import x509

from probe.model.certificate import CertificateFacts
from probe.x509.signature import is_issued_by

MAX_LENGTH: Final = 10
"""Certificates of one path: OpenSSL's and Go's limits are larger, no real path is."""

Located = tuple[str, x509.Certificate]
"""The file of a certificate, and the certificate."""


def find_wrong_link(chain: Sequence[x509.Certificate]) -> int:
    """Return the place, from 1, of the first certificate that the next did not issue; 0: none.

    RFC 5246 §7.4.2 demands the order, RFC 8446 §4.4.2 only asks for it.
    """
    links = range(len(chain) - 1)
    return next((at + 1 for at in links if not is_issued_by(chain[at], chain[at + 1])), 0)


def extend_path(
    chain: Sequence[x509.Certificate],
    anchors: Sequence[Located],
    read_others: Callable[[], Iterable[Located]],
) -> tuple[Located, ...]:
    """Return the available issuers beyond what `chain` sends, up to a self-signed one.

    Args:
        chain: what is sent, in any order behind its end entity.
        anchors: looked at first.
        read_others: called once, and only where `anchors` lack an issuer.
    """
    if not chain:
        return ()
    path = [find_top(chain)]
    pool = list(anchors)
    complete = False
    found: list[Located] = []
    while not is_issued_by(path[-1], path[-1]) and len(path) < MAX_LENGTH:
        step = next((one for one in pool if _is_next(path, one[1])), None)
        if step is None and not complete:
            pool += read_others()
            complete = True
            step = next((one for one in pool if _is_next(path, one[1])), None)
        if step is None:
            break
        found.append(step)
        path.append(step[1])
    return tuple(found)


def is_anchored(chain: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate]) -> bool:
    """Return whether `chain` leads to one of `anchors`.

    As in Go (and OpenSSL's X509_V_FLAG_PARTIAL_CHAIN) every certificate among the anchors is one,
    also a certificate of the chain itself.
    """
    top = find_top(chain)
    return any(one in anchors for one in chain) or any(is_issued_by(top, one) for one in anchors)


def find_top(chain: Sequence[x509.Certificate]) -> x509.Certificate:
    """Return the last certificate that issuers link to the first, whatever their order."""
    path = [chain[0]]
    while (issuer := next((one for one in chain if _is_next(path, one)), None)) is not None:
        path.append(issuer)
    return path[-1]


def _is_next(path: Sequence[x509.Certificate], candidate: x509.Certificate) -> bool:
    return candidate not in path and is_issued_by(path[-1], candidate)


def names_issuer(below: CertificateFacts, above: CertificateFacts) -> bool:
    """Return whether `below` names the subject of `above` as its issuer (RFC 5280 §4.1.2.4)."""
    return below.issuer.digest == above.subject.digest


def has_issuer_key(below: CertificateFacts, above: CertificateFacts) -> bool:
    """Return whether the key identifiers fit, or one of the two has none (§4.2.1.1, §4.2.1.2)."""
    wanted, held = below.authority_key_id, above.subject_key_id
    return not wanted or not held or wanted == held


def has_issuer(below: CertificateFacts, above: CertificateFacts) -> bool:
    """Return whether `above` issued `below`, as far as names and key identifiers tell."""
    return names_issuer(below, above) and has_issuer_key(below, above)


def have_same_issuer(one: CertificateFacts, other: CertificateFacts) -> bool:
    """Return whether two certificates name the same issuer and, as far as they name one, its key."""
    return (one.issuer.digest, one.authority_key_id) == (
        other.issuer.digest,
        other.authority_key_id,
    )


def rank_by_key_id(held: bytes, wanted: bytes) -> int:
    """Return how plausible an issuer is by its key identifier: 0 the same, 1 one absent, 2 another.

    Go and OpenSSL try issuers of the right name in this order; none is excluded.
    """
    if held == wanted:
        return 0
    return 1 if not held or not wanted else 2


def find_issuers(
    below: CertificateFacts, among: Iterable[CertificateFacts]
) -> list[CertificateFacts]:
    """Return those of `among` that may have issued `below`, in their order."""
    return [one for one in among if has_issuer(below, one)]


def find_anchor(
    chain: Sequence[CertificateFacts], bundle: Sequence[CertificateFacts]
) -> CertificateFacts | None:
    """Return the anchor in `bundle` that `chain` leads to; None where there is none.

    Every certificate in the bundle is an anchor, also one of the chain itself.
    """
    held = {one.sha256: one for one in bundle}
    for certificate in chain:
        if certificate.sha256 in held:
            return held[certificate.sha256]
        if issuers := find_issuers(certificate, bundle):
            return issuers[0]
    return None


def find_without_root(bundle: Sequence[CertificateFacts]) -> list[CertificateFacts]:
    """Return the CA certificates of `bundle` that lead to no self-signed one in it."""
    rooted = [one for one in bundle if one.self_signed]
    pending = [one for one in bundle if one.is_ca and not one.self_signed]
    for above in rooted:
        # The list grows by what the certificate issued, until nothing is added.
        rooted += [one for one in pending if has_issuer(one, above)]
        pending = [one for one in pending if not has_issuer(one, above)]
    return pending
