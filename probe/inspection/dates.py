"""Whether certificates are valid at a given time, and for how long: pure (RFC 5280 §4.1.2.5)."""

from typing import Final

from probe.model.certificate import CertificateFacts, name_certificate
from probe.text.time_format import format_duration, format_time
from probe.x509.validity import expires_soon

TOLERANCE: Final = 60.0
"""Seconds by which a notBefore may lie ahead: the configuration's default clock tolerance."""


def expired(certificate: CertificateFacts, at: float) -> str:
    """Say that notAfter is past; empty where it is not."""
    if at <= certificate.not_after:
        return ""
    ago = format_duration(at - certificate.not_after)
    return f"{name_certificate(certificate)}, which expired {ago} ago, on {format_time(certificate.not_after)}"


def not_yet_valid(certificate: CertificateFacts, at: float) -> str:
    """Say that notBefore is ahead beyond the tolerance; empty where it is not."""
    if at + TOLERANCE >= certificate.not_before:
        return ""
    ahead = format_duration(certificate.not_before - at)
    return f"{name_certificate(certificate)}, which begins in {ahead}, on {format_time(certificate.not_before)}"


def ends_soon(certificate: CertificateFacts, at: float) -> str:
    """Say that little of the lifetime is left; empty where that is not so."""
    if not expires_soon(certificate, at):
        return ""
    left = format_duration(certificate.not_after - at)
    return f"{name_certificate(certificate)}, which expires in {left}, on {format_time(certificate.not_after)}"
