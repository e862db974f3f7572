"""What the models of the runtimes share: a fault of one certificate, and until when a verdict holds."""

import math
from collections.abc import Iterable
from functools import lru_cache

from probe.exporters.fault_values import describe_values
from probe.exporters.path_verdict import PathRequest, PathVerdict
from probe.model.path_fault import PathFault, PathFaultKind
from probe.text.safe_text import safe_text
from probe.x509 import validity
from probe.x509.anchors import NO_ANCHORS, AnchorPool
from probe.x509.distinguished_name import format_name
from probe.x509.raw_certificate import Certificate, read_certificate
from probe.x509.times import read_time


def get_pool(request: PathRequest) -> AnchorPool:
    """Return the anchors that a request is judged by."""
    return request.anchors if isinstance(request.anchors, AnchorPool) else NO_ANCHORS


@lru_cache(maxsize=256)
def _describe_subject(subject: bytes) -> str:
    return format_name(subject)


def make_fault(
    kind: PathFaultKind,
    request: PathRequest,
    certificate: Certificate | None,
    *,
    value: str = "",
    limit: str = "",
    rule: str = "",
    says: str = "",
) -> PathFault:
    """Return the fault of one certificate of the path; None for one that could not be read."""
    says = safe_text(says)
    if certificate is None:
        return PathFault(kind=kind, value=safe_text(value), rule=rule, says=says)
    value, limit = describe_values(kind, certificate, value, limit)
    sent = [sent for sent, der in enumerate(request.chain) if der == certificate.der]
    return PathFault(
        kind=kind,
        subject=_describe_subject(certificate.subject),
        sha256=certificate.sha256,
        position=sent[0] if sent else None,
        value=safe_text(value),
        limit=safe_text(limit),
        rule=rule,
        says=says,
    )


def find_large_message(request: PathRequest, most: int, rule: str, says: str) -> PathFault | None:
    """Return the fault of a Certificate message (RFC 8446 §4.4.2) that a client does not read."""
    size = 8 + sum(len(der) + 5 for der in request.chain)
    if size <= most:
        return None
    value, limit = f"{size} bytes", f"{most} bytes"
    return PathFault(kind="too_complex", value=value, limit=limit, rule=rule, says=says)


def make_trusting_verdict(request: PathRequest, path: Iterable[Certificate]) -> PathVerdict:
    """Return the verdict on a request that one path, the end entity first, satisfies."""
    hashes = tuple(certificate.sha256 for certificate in path)
    return PathVerdict(
        paths=(hashes,), anchored=hashes[-1:], constant_until=find_next_boundary(request)
    )


def make_refusing_verdict(request: PathRequest, *faults: PathFault) -> PathVerdict:
    """Return the verdict on a request that breaks rules; the reported one is the first."""
    return PathVerdict(faults=faults, constant_until=find_next_boundary(request))


def find_next_boundary(request: PathRequest) -> float:
    """Return when the next certificate of the chain, or of the anchors it may use, changes state."""
    pool = get_pool(request)
    read = [one for der in request.chain if (one := read_certificate(der)) is not None]
    issuers = {one.issuer for one in read}
    held = [anchor for issuer in issuers for anchor in pool.find_by_subject(issuer)[:64]]
    periods = [(read_time(one.not_before), read_time(one.not_after)) for one in (*read, *held)]
    return validity.find_next_boundary(periods, request.at, math.inf)
