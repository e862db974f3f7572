"""Whether a certificate is valid at a time, and how long it still is: pure (RFC 5280 §4.1.2.5).

Times are seconds since the Unix epoch; both ends of a validity belong to it.
"""

import math
from collections.abc import Iterable
from typing import Final, Literal

from probe.model.certificate import CertificateFacts, name_certificate
from probe.text.time_format import format_duration, format_time

SOON: Final = 28 * 86400.0
"""Seconds before notAfter from which a certificate is about to expire."""

CLOCK_TOLERANCE: Final = 60.0
"""Seconds by which a notBefore may lie ahead where no tolerance for two clocks is configured."""


def is_expired(certificate: CertificateFacts, now: float) -> bool:
    """Whether notAfter is past."""
    return now > certificate.not_after


def is_not_yet_valid(certificate: CertificateFacts, now: float, tolerance: float = 0.0) -> bool:
    """Whether notBefore lies ahead by more than `tolerance` seconds, which two clocks may differ."""
    return now + tolerance < certificate.not_before


def is_valid(certificate: CertificateFacts, now: float) -> bool:
    """Whether `now` lies within the validity."""
    return not (is_expired(certificate, now) or is_not_yet_valid(certificate, now))


def begins_within(certificate: CertificateFacts, now: float, tolerance: float) -> bool:
    """Whether notBefore lies ahead, and by no more than `tolerance` seconds."""
    return is_not_yet_valid(certificate, now) and not is_not_yet_valid(certificate, now, tolerance)


def is_near_edge(certificate: CertificateFacts, now: float, within: float) -> bool:
    """Whether the validity began, or ends, less than `within` seconds from `now`."""
    return 0 <= now - certificate.not_before < within or 0 <= certificate.not_after - now < within


def is_older(certificate: CertificateFacts, other: CertificateFacts) -> bool:
    """Whether `certificate` was issued before `other`."""
    return certificate.not_before < other.not_before


def expires_soon(certificate: CertificateFacts, now: float) -> bool:
    """Whether less than 28 days, and less than a third of the lifetime, are left."""
    lifetime = certificate.not_after - certificate.not_before
    return 0 <= certificate.not_after - now < min(SOON, lifetime / 3)


def ends_within(certificate: CertificateFacts, now: float, seconds: float) -> bool:
    """Whether a certificate has expired, or will within so many seconds."""
    return certificate.not_after - now <= seconds


def find_expired(chain: Iterable[CertificateFacts], now: float) -> CertificateFacts | None:
    """Return the first certificate whose notAfter is past."""
    return next((one for one in chain if is_expired(one, now)), None)


def find_not_yet_valid(chain: Iterable[CertificateFacts], now: float) -> CertificateFacts | None:
    """Return the first certificate whose notBefore lies ahead."""
    return next((one for one in chain if is_not_yet_valid(one, now)), None)


def find_invalid(chain: Iterable[CertificateFacts], now: float) -> CertificateFacts | None:
    """Return the first certificate that is expired or not yet valid."""
    return next((one for one in chain if not is_valid(one, now)), None)


def find_first_to_expire(chain: Iterable[CertificateFacts]) -> CertificateFacts:
    """Return the certificate of a chain, which is not empty, that decides when the chain expires."""
    return min(chain, key=lambda one: one.not_after)


def describe_expired(certificate: CertificateFacts, now: float) -> str:
    """Say which certificate expired, how long ago, and when."""
    ago = format_duration(now - certificate.not_after)
    return f"{name_certificate(certificate)} expired {ago} ago, on {format_time(certificate.not_after)}"


def describe_expiry(certificate: CertificateFacts, now: float, where: str = "") -> str:
    """Say which certificate expires, how soon, and when; `where` follows its name."""
    left = format_duration(certificate.not_after - now)
    return f"{name_certificate(certificate)}{where} expires in {left}, on {format_time(certificate.not_after)}"


def describe_time_left(certificate: CertificateFacts, now: float) -> str:
    """Say how long the certificate is still valid, or since or until when it is not."""
    if is_expired(certificate, now):
        return f"expired {format_duration(now - certificate.not_after)} ago"
    if is_not_yet_valid(certificate, now):
        return f"not valid for another {format_duration(certificate.not_before - now)}"
    return f"{format_duration(certificate.not_after - now)} left"


def describe_beginning(certificate: CertificateFacts, now: float) -> str:
    """Say which certificate becomes valid, how soon, and when."""
    begins = format_time(certificate.not_before)
    ahead = format_duration(certificate.not_before - now)
    return f"{name_certificate(certificate)} becomes valid in {ahead}, on {begins}"


def judge_period(
    not_before: float, not_after: float, at: float
) -> Literal["valid", "not_yet_valid", "expired"]:
    """Return how a moment stands to a validity period, which holds both its ends (§4.1.2.5)."""
    if at < not_before:
        return "not_yet_valid"
    return "expired" if at > not_after else "valid"


def find_next_boundary(
    periods: Iterable[tuple[float | None, float | None]], at: float, otherwise: float
) -> float:
    """Return the last moment from `at` on before a period begins or ends; `otherwise` for never.

    The moment itself does not count: runtimes differ in whether it belongs to the period.
    """
    moments = (moment for period in periods for moment in period if moment is not None)
    coming = min((moment for moment in moments if moment >= at), default=otherwise)
    return max(at, math.nextafter(coming, -math.inf)) if coming < otherwise else otherwise
