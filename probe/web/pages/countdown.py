"""How long certificates have left: the exporter's, the backend's and the CA's, in words.

Pure; what is soon is what the catalogue calls soon, so that page, finding and alert agree.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from probe.diagnosis.families.client_expiry import expires_soon
from probe.model.certificate import CertificateFacts
from probe.model.evidence import Evidence
from probe.text.time_format import format_validity, rfc3339
from probe.web.pages.chain_links import anchor_of


@dataclass(frozen=True, slots=True)
class Countdown:
    """Time left, in words; `ends` is RFC 3339."""

    whose: str
    words: str
    ends: str
    over: bool
    """Whether it is not valid: after its end, or before its beginning."""
    urgent: bool
    """Whether it is over, or ends soon."""


def countdown(whose: str, certificate: CertificateFacts, now: float) -> Countdown:
    """Return the countdown of `certificate` as of `now` (epoch seconds)."""
    begins, ends = certificate.not_before, certificate.not_after
    words = format_validity(begins, ends, now)
    over = not begins <= now <= ends
    return Countdown(whose, words, rfc3339(ends), over, over or expires_soon(begins, ends, now))


def countdowns(evidence: Evidence | None, now: float) -> tuple[Countdown, ...]:
    """Return what ends first of the client's chain, of the server's, and the CA's end."""
    return tuple(countdown(whose, one, now) for whose, one in _first_to_end(evidence))


def first_expiry(evidence: Evidence | None) -> float:
    """Return when the first of all these certificates ends, epoch seconds; infinity without any."""
    return min((one.not_after for _, one in _first_to_end(evidence)), default=float("inf"))


def _first_to_end(evidence: Evidence | None) -> Iterator[tuple[str, CertificateFacts]]:
    if evidence is None:
        return
    chain, bundle = evidence.credentials.client_chain, evidence.credentials.ca_bundle
    sent = evidence.handshake.server_chain if evidence.handshake else ()
    if chain:
        yield "client", _earliest(chain)
    if sent:
        yield "server", _earliest(sent)
    if bundle:
        # A bundle may hold old CAs that nothing leads to: the one in use counts.
        yield "CA", anchor_of(sent, bundle) or _earliest(bundle)


def _earliest(certificates: Sequence[CertificateFacts]) -> CertificateFacts:
    ends: Iterable[CertificateFacts] = certificates
    return min(ends, key=lambda one: one.not_after)
