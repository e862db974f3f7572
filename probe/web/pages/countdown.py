"""How long certificates have left: the exporter's, the backend's and the CA's, in words.

Pure; what is soon is what the catalogue calls soon, so that page, finding and alert agree.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from probe.model.certificate import CertificateFacts
from probe.model.evidence import Evidence
from probe.text.time_format import rfc3339
from probe.x509.path import find_anchor
from probe.x509.validity import describe_time_left, expires_soon, find_first_to_expire, is_valid


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
    over = not is_valid(certificate, now)
    return Countdown(
        whose=whose,
        words=describe_time_left(certificate, now),
        ends=rfc3339(certificate.not_after),
        over=over,
        urgent=over or expires_soon(certificate, now),
    )


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
        yield "client", find_first_to_expire(chain)
    if sent:
        yield "server", find_first_to_expire(sent)
    if bundle:
        # A bundle may hold old CAs that nothing leads to: the one in use counts.
        yield "CA", find_anchor(sent, bundle) or find_first_to_expire(bundle)
