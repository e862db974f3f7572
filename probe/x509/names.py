"""Whether the server's certificate is one that a Go exporter would accept: pure, no I/O.

OpenSSL judges path, dates and usage; this module adds what it judges otherwise: names strictly by
SAN (RFC 9525 §6.3: a CN does not count), SPIFFE IDs as exact URIs (SPIFFE X.509-SVID §2), and hashes
and keys that Go refuses (crypto/x509 rejects MD5 and SHA-1 signatures, crypto/tls RSA keys below
1024 bits) while the context runs at security level 0.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

from cryptography.x509.ocsp import load_der_ocsp_response
from service_identity.exceptions import CertificateError, VerificationError
from service_identity.hazmat import (
    DNS_ID,
    CertificatePattern,
    DNSPattern,
    IPAddress_ID,
    IPAddressPattern,
    ServiceID,
    verify_service_identity,
)

from probe.model.evidence import NameCheck
from probe.text.safe_text import safe_text

SPIFFE: Final = "spiffe://"


def is_ip_address(host: str) -> bool:
    """Whether `host` is an IP address, which is never sent as SNI (RFC 6066 §3)."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=4096)
def check_name(reference: str, presented: tuple[str, ...], common_name: str = "") -> NameCheck:
    """Compare the reference identifier with the SANs (`DNS:…`, `IP:…`, `URI:…`)."""
    return NameCheck(
        reference=safe_text(reference),
        matched=_is_match(reference, presented),
        presented=presented,
        common_name=common_name,
    )


def _is_match(reference: str, presented: Sequence[str]) -> bool:
    if reference.startswith(SPIFFE):
        uris = [name[4:] for name in presented if name.startswith("URI:")]
        return uris == [reference]
    try:
        wanted: ServiceID = (
            IPAddress_ID(reference) if is_ip_address(reference) else DNS_ID(reference.rstrip("."))
        )
        verify_service_identity(_parse_patterns(presented), [wanted], [])
    except (VerificationError, CertificateError):
        return _matches_wildcard(reference, presented)
    except ValueError:
        return False
    return True


def _matches_wildcard(reference: str, presented: Sequence[str]) -> bool:
    """Whether a whole left-most label `*` stands for the reference's, as Go reads it.

    The library refuses two that RFC 9525 §6.3 and crypto/x509 (matchHostnames) allow: `*.local`,
    and an A-label under the wildcard.
    """
    if is_ip_address(reference):
        return False
    head, _, parent = DNS_ID(reference.rstrip(".")).hostname.decode().partition(".")
    if not head or not parent or "" in parent.split("."):
        return False
    return any(name.lower() == f"dns:*.{parent}" for name in presented)


def _parse_patterns(presented: Sequence[str]) -> list[CertificatePattern]:
    patterns: list[CertificatePattern] = []
    for name in presented:
        kind, _, value = name.partition(":")
        try:
            if kind == "DNS":
                patterns.append(DNSPattern.from_bytes(value.encode()))
            elif kind == "IP":
                patterns.append(IPAddressPattern(ip_address(value)))
        except (CertificateError, ValueError):
            continue
    return patterns


def stapled_status(answer: bytes) -> str:
    """Return what a stapled OCSP answer (RFC 6960 §4.2.1) says: good, revoked or unknown.

    Empty where nothing legible was stapled. The server itself sends it, so a lie could only be
    against itself: its signature is not checked.
    """
    return _read_staple(answer)[0] if answer else ""


def find_staple_end(answer: bytes) -> float:
    """Return when a stapled OCSP answer ends (nextUpdate, epoch seconds); 0 where it does not say."""
    return _read_staple(answer)[1] if answer else 0.0


@lru_cache(maxsize=256)
def _read_staple(answer: bytes) -> tuple[str, float]:
    """Return status and end of an OCSP answer: a server staples the same one for hours."""
    try:
        read = load_der_ocsp_response(answer)
        status = read.certificate_status.name.lower()
    except (ValueError, TypeError, OverflowError):
        return "", 0.0
    try:
        ends = read.next_update_utc
    except (ValueError, TypeError, OverflowError):
        return status, 0.0
    return status, 0.0 if ends is None else ends.timestamp()
