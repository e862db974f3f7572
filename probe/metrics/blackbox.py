"""What `/probe` answers: blackbox_exporter's names, and ours where it has no name.

Names, labels and values are those of its tcp prober (prober/tcp.go, prober/tls.go), so that its
dashboards and alerting rules work unchanged; but `probe_success` is 1 only on proof.
"""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from typing import Final

from probe.diagnosis.readings.used_certificates import find_server_path
from probe.ledger.target_runtime import is_expected
from probe.metrics import families
from probe.metrics.exposition import Family, format_labels, format_number
from probe.metrics.families import TARGET_FAMILIES
from probe.metrics.target_samples import list_row_samples
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence, Handshake
from probe.model.target import Target
from probe.report.address_summary import group_rows, summarize_addresses
from probe.report.story import format_story
from probe.text.safe_text import safe_text
from probe.text.time_format import rfc3339
from probe.x509.validity import find_first_to_expire

_families: list[Family] = []

_MOST_NAMES: Final = 100
"""Names that a label has."""


def _of_blackbox(name: str, help_: str, labels: str = "", when: str = "") -> Family:
    family = Family(name, "gauge", help_, tuple(labels.split()), when)
    _families.append(family)
    return family


PROBE_SUCCESS: Final = _of_blackbox(
    "probe_success", "Displays whether or not the probe was a success"
)
PROBE_DURATION: Final = _of_blackbox(
    "probe_duration_seconds", "Returns how long the probe took to complete in seconds"
)
DNS_LOOKUP_TIME: Final = _of_blackbox(
    "probe_dns_lookup_time_seconds", "Returns the time taken for probe dns lookup in seconds"
)
IP_PROTOCOL: Final = _of_blackbox(
    "probe_ip_protocol", "Specifies whether probe ip protocol is IP4 or IP6"
)
IP_ADDR_HASH: Final = _of_blackbox(
    "probe_ip_addr_hash",
    "Specifies the hash of IP address. It's useful to detect if the IP address changes.",
)
EARLIEST_CERT_EXPIRY: Final = _of_blackbox(
    "probe_ssl_earliest_cert_expiry",
    "Returns earliest SSL cert expiry date",
    when="where the backend sent a certificate",
)
LAST_CHAIN_EXPIRY: Final = _of_blackbox(
    "probe_ssl_last_chain_expiry_timestamp_seconds",
    "Returns last SSL chain expiry in unixtime",
    when="where the backend's certificate verified",
)
LAST_CHAIN_INFO: Final = _of_blackbox(
    "probe_ssl_last_chain_info",
    "Contains SSL leaf certificate information",
    "fingerprint_sha256 subject issuer subjectalternative serialnumber",
    when="where the backend sent a certificate",
)
TLS_VERSION_INFO: Final = _of_blackbox(
    "probe_tls_version_info",
    "Returns the TLS version used or NaN when unknown",
    "version",
    when="where a version was agreed on",
)
TLS_CIPHER_INFO: Final = _of_blackbox(
    "probe_tls_cipher_info",
    "Returns the TLS cipher negotiated during handshake",
    "cipher",
    when="where a cipher suite was agreed on",
)
BLACKBOX_FAMILIES: Final = tuple(_families)
WITHOUT_A_SCHEDULE: Final = frozenset(
    {
        families.CAUSE,
        families.OUTCOME,
        families.FINDING,
        families.TLS_INFO,
        families.NOT_AFTER,
        families.NOT_BEFORE,
        families.CERTIFICATE_INFO,
        families.EARLIEST_EXPIRY,
        families.LEFT_OUT,
        families.ACCEPTABLE_CA_MATCH,
        families.CLOCK_OFFSET,
        families.CREDENTIAL_FAULT,
        families.LAST_DURATION,
        families.ADDRESSES,
        families.ADDRESSES_UNEXPECTED,
    }
)
"""Of our own families those that mean something without a schedule."""


def render_blackbox_metrics(
    observed: Sequence[tuple[Target, Evidence, Diagnosis]],
    duration: float,
    *,
    openmetrics: bool = False,
) -> bytes:
    """Return what one attempt showed, or one of each address, as a scrape reads it.

    Args:
        observed: what attempts gave; what is counted once for all addresses is the first's.
        duration: seconds over all.
        openmetrics: whether the scrape asks for that format.
    """
    parts: list[bytes] = []
    _, evidence, diagnosis = observed[0]
    for family, value, values in _samples(evidence, diagnosis, duration):
        pairs = format_labels(zip(family.labels, values, strict=True))
        sample = f"{family.name}{f'{{{pairs}}}' if pairs else ''} {format_number(float(value))}\n"
        parts += (family.metadata(openmetrics=False), sample.encode())
    samples = list(list_row_samples(observed))
    for place, family in enumerate(TARGET_FAMILIES):
        rendered = b"".join(each.render(place) for each in samples)
        if family in WITHOUT_A_SCHEDULE and rendered:
            parts += (family.metadata(openmetrics=openmetrics), rendered)
    if openmetrics:
        parts.append(b"# EOF\n")
    return b"".join(parts)


def render_debug_page(
    observed: Sequence[tuple[Target, Evidence, Diagnosis]], module: str, duration: float
) -> bytes:
    """Return the story of each attempt, and the metrics that they would have been, as plain text."""
    at = rfc3339(observed[0][1].at, "milliseconds")
    lines = [f"{at}, module {safe_text(module)}"]
    lines += [summarize_addresses(results) for _, results in group_rows(map(_as_row, observed))]
    for _, evidence, diagnosis in observed:
        lines.append(format_story(evidence, diagnosis))
        lines += [f"  {stage}: {took * 1000:.1f} ms" for stage, took in evidence.durations.items()]
    metrics = render_blackbox_metrics(observed, duration)
    return "\n".join([*lines, "", "Metrics that would have been returned:", ""]).encode() + metrics


def _as_row(observed: tuple[Target, Evidence, Diagnosis]) -> tuple[Evidence, Diagnosis]:
    return observed[1:]


def _samples(
    evidence: Evidence, diagnosis: Diagnosis, duration: float
) -> Iterator[tuple[Family, float, tuple[str, ...]]]:
    """Yield each family with its value and the values of its labels."""
    yield PROBE_SUCCESS, is_expected(evidence, diagnosis), ()
    yield PROBE_DURATION, duration, ()
    yield DNS_LOOKUP_TIME, evidence.durations.get("resolve", 0.0), ()
    protocol, digest = _address(evidence.peer_address or next(iter(evidence.addresses), ""))
    yield IP_PROTOCOL, protocol, ()
    yield IP_ADDR_HASH, digest, ()
    if evidence.handshake is not None:
        yield from _tls_samples(evidence, evidence.handshake)


def _tls_samples(
    evidence: Evidence, handshake: Handshake
) -> Iterator[tuple[Family, float, tuple[str, ...]]]:
    chain = handshake.server_chain
    if chain:
        yield EARLIEST_CERT_EXPIRY, find_first_to_expire(chain).not_after, ()
        path = find_server_path(evidence)
        if path.verified:
            ends = find_first_to_expire((*path.sent, *path.anchors)).not_after
            yield LAST_CHAIN_EXPIRY, ends, ()
        leaf = chain[0]
        dns = [name.removeprefix("DNS:") for name in leaf.sans if name.startswith("DNS:")]
        names = ",".join(dns[:_MOST_NAMES])
        info = (leaf.sha256, leaf.subject.text, leaf.issuer.text, names, leaf.serial_number)
        yield LAST_CHAIN_INFO, 1, info
    if handshake.version:
        yield TLS_VERSION_INFO, 1, (f"TLS {handshake.version}",)
    if handshake.cipher:
        yield TLS_CIPHER_INFO, 1, (handshake.cipher,)


def _address(text: str) -> tuple[int, int]:
    """Return 4 or 6 and the FNV-1a hash of the address; zeros where nothing was connected."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return 0, 0
    digest = 0x811C9DC5
    for byte in address.packed:
        digest = ((digest ^ byte) * 0x01000193) & 0xFFFFFFFF
    return address.version, digest
