"""The sample lines of certificates: their dates, their names, and what of a source ends first.

Interfaces.md, section 5: `source` is client, client_ca_bundle or server; `position` 0 is the end
entity.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from probe.metrics.exposition import labels, number
from probe.model.certificate import CertificateFacts

_AFTER: Final = "mtls_probe_certificate_not_after_timestamp_seconds"
_BEFORE: Final = "mtls_probe_certificate_not_before_timestamp_seconds"
_EARLIEST: Final = "mtls_probe_earliest_expiry_timestamp_seconds"


class CertificateLines(NamedTuple):
    """The lines of some certificates, family by family."""

    not_after: bytes = b""
    not_before: bytes = b""
    info: bytes = b""
    earliest: bytes = b""


def certificate_lines(
    target: str, sources: Iterable[tuple[str, Sequence[CertificateFacts]]]
) -> CertificateLines:
    """Return the lines of each source's certificates; `target` is the label set's beginning."""
    after, before, info, earliest = [], [], [], []
    for source, chain in sources:
        for position, facts in enumerate(chain):
            where = f'{target},source="{source}",position="{position}"'
            after.append(f"{_AFTER}{where}}} {number(facts.not_after)}\n")
            before.append(f"{_BEFORE}{where}}} {number(facts.not_before)}\n")
            names = labels(
                (
                    ("subject", facts.subject.text),
                    ("issuer", facts.issuer.text),
                    ("serial_number", facts.serial_number),
                    ("fingerprint_sha256", facts.sha256),
                    ("sans", ",".join(facts.sans)),
                )
            )
            info.append(f"mtls_probe_certificate_info{where},{names}}} 1\n")
        if chain:
            first = number(min(facts.not_after for facts in chain))
            earliest.append(f'{_EARLIEST}{target},source="{source}"}} {first}\n')
    rendered = ("".join(lines).encode() for lines in (after, before, info, earliest))
    return CertificateLines(*rendered)
