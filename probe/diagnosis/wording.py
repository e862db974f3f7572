"""How dates, durations and certificates are written in a fact: pure, and total on any number."""

import math
from datetime import UTC, datetime
from typing import Final

from probe.model.certificate import CertificateFacts

DAY: Final = 86400.0


def format_time(timestamp: float) -> str:
    """Return a time of day as people read it, in UTC."""
    try:
        return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):
        return f"{timestamp:.0f} seconds after 1970"


def format_duration(seconds: float) -> str:
    """Return a duration in the largest unit that fits: `59 days`, `3 hours`, `12 seconds`."""
    seconds = abs(seconds)
    if not math.isfinite(seconds):
        return "more time than can be counted"
    for size, unit in ((DAY, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a second"


def name_certificate(certificate: CertificateFacts) -> str:
    """Name a certificate by its subject, or by its first SAN where that is empty."""
    return certificate.subject.text or (certificate.sans[0] if certificate.sans else "(no name)")
