"""Certificates in use that end within a given time: which one, in which file, and what renews it.

Pure. What counts is what a verified path uses, as for the metrics: an old certificate that a server
still sends ends without any harm.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from probe.diagnosis.fixes.steps import Fix
from probe.forecast.listed_certificates import list_used_certificates
from probe.model.certificate import CertificateFacts
from probe.model.evidence import Evidence
from probe.text.safe_text import safe_text
from probe.x509.validity import describe_expired, describe_expiry, ends_within, is_expired


@dataclass(frozen=True, slots=True)
class Ending:
    """One certificate that ends too soon."""

    targets: tuple[str, ...]
    """Which use it."""
    what: str
    """Whose it is and in which file."""
    certificate: CertificateFacts
    at: float
    """When it was looked at."""
    fix: Fix


def list_endings(attempts: Iterable[Evidence], within: float) -> list[Ending]:
    """Return what ends within so many seconds after each attempt, what ends first before the others.

    What several targets use from one file is there once.
    """
    found: dict[tuple[str, str], Ending] = {}
    for evidence in attempts:
        for one in _list_used(evidence):
            if not ends_within(one.certificate, evidence.at, within):
                continue
            key = (one.what, one.certificate.sha256)
            known = found.get(key)
            names = dict.fromkeys((*known.targets, *one.targets) if known else one.targets)
            found[key] = replace(known or one, targets=tuple(names))
    return sorted(found.values(), key=lambda one: one.certificate.not_after)


def describe_ending(ending: Ending) -> Iterator[str]:
    """Yield one line on what ends, and one for each step that renews it."""
    certificate = ending.certificate
    describe = describe_expired if is_expired(certificate, ending.at) else describe_expiry
    first, *others = ending.targets
    more = f" and {len(others)} more" if others else ""
    yield f"expiry: {first}{more}: {ending.what}: {describe(certificate, ending.at)}"
    yield from (f"  fix: {step}" for step in ending.fix)


def _list_used(evidence: Evidence) -> Iterator[Ending]:
    names = (safe_text(evidence.target.name),)
    for one in list_used_certificates(evidence):
        yield Ending(names, one.what, one.certificate, evidence.at, one.fix)
