"""The dates of what a certificate file holds: which of its certificates must be valid. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from probe.model.certificate import CertificateFacts
from probe.x509.lasting_path import choose_lasting, list_sent_paths
from probe.x509.validity import (
    CLOCK_TOLERANCE,
    describe_beginning,
    describe_expired,
    describe_expiry,
    expires_soon,
    is_expired,
    is_not_yet_valid,
)

CHECK_CLOCK: Final = "compare the clock of this machine with the CA's: date -u"


class DateFinding(NamedTuple):
    """What the dates of one certificate mean."""

    cause: str
    fact: str
    """Continues a sentence that begins with the path."""
    fix: str
    """Empty where the certificate is to be renewed."""
    stops: bool


def list_date_findings(
    chain: Sequence[CertificateFacts], now: float, side: Literal["client", "server"]
) -> Iterator[DateFinding]:
    """Yield what is wrong at `now` with what an exporter or a backend (`side`) presents."""
    path = choose_lasting(list_sent_paths(chain), now) if chain else ()
    # A verifier has a root of its own, and may have an anchor above what the end entity rests on.
    needed = {*path[:1], *(one for one in path[1:2] if not one.self_signed)}
    for one in chain:
        stops = one in needed
        if is_expired(one, now):
            fact = f"holds an expired certificate: {describe_expired(one, now)}"
            yield DateFinding(f"{side}_cert_expired", fact, "", stops)
        elif is_not_yet_valid(one, now, CLOCK_TOLERANCE):
            fact = f"holds a certificate that is not valid yet: {describe_beginning(one, now)}"
            yield DateFinding(f"{side}_cert_not_yet_valid", fact, CHECK_CLOCK, stops)
        elif expires_soon(one, now):
            fact = f"holds a certificate that expires soon: {describe_expiry(one, now)}"
            yield DateFinding(f"{side}_cert_expired", fact, "", stops=False)
