"""What `/probe` answers: blackbox_exporter's names, and ours for what it has none for.

Names, labels and values are those of its tcp prober (prober/tcp.go, prober/tls.go), so that its
dashboards and alerts work unchanged; but `probe_success` is 1 only on proof. Law 10 by `labels`.
"""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from typing import Final, NamedTuple

from probe.ledger.target_runtime import TargetRuntime, as_expected
from probe.metrics.exposition import Family, labels, number
from probe.metrics.target_families import FAMILIES
from probe.metrics.target_samples import TargetLines, target_lines
from probe.model.certificate import CertificateFacts
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence, Handshake
from probe.model.target import Target
from probe.report.result import rfc3339
from probe.report.story import plain
from probe.text.safe_text import safe_text

_OURS: Final = frozenset(
    f"mtls_probe_{name}"
    for name in (
        "cause",
        "outcome",
        "finding",
        "tls_info",
        "certificate_not_after_timestamp_seconds",
        "certificate_not_before_timestamp_seconds",
        "certificate_info",
        "earliest_expiry_timestamp_seconds",
        "acceptable_ca_match",
        "clock_offset_seconds",
        "credential_fault",
        "last_duration_seconds",
    )
)
"""Of our own families those that mean something without a schedule."""


class _Gauge(NamedTuple):
    name: str
    documentation: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


def blackbox_metrics(
    target: Target,
    evidence: Evidence,
    diagnosis: Diagnosis,
    duration: float,
    *,
    openmetrics: bool = False,
) -> bytes:
    """Return what one attempt showed, as a scrape reads it; `duration` is seconds over all."""
    parts: list[bytes] = []
    for gauge in _gauges(target, evidence, diagnosis, duration):
        family = Family(gauge.name, "gauge", gauge.documentation)
        shown = f"{{{labels(gauge.labels)}}}" if gauge.labels else ""
        parts.append(family.metadata(openmetrics=False))
        parts.append(f"{gauge.name}{shown} {number(float(gauge.value))}\n".encode())
    runtime = TargetRuntime(target)
    runtime.record(evidence, diagnosis)
    lines = target_lines(runtime)
    for family, paths in FAMILIES:
        rendered = b"".join(_at(lines, path) for path in paths)
        if family.name in _OURS and rendered:
            parts += (family.metadata(openmetrics=openmetrics), rendered)
    if openmetrics:
        parts.append(b"# EOF\n")
    return b"".join(parts)


def debug_page(
    target: Target, module: str, evidence: Evidence, diagnosis: Diagnosis, duration: float
) -> bytes:
    """Return the attempt's story, and the metrics that it would have been, as plain text."""
    at = rfc3339(evidence.at, "milliseconds")
    lines = [f"{at}, module {safe_text(module)}", plain(evidence, diagnosis)]
    lines += [f"  {stage}: {took * 1000:.1f} ms" for stage, took in evidence.durations.items()]
    metrics = blackbox_metrics(target, evidence, diagnosis, duration)
    return "\n".join([*lines, "", "Metrics that would have been returned:", ""]).encode() + metrics


def _gauges(
    target: Target, evidence: Evidence, diagnosis: Diagnosis, duration: float
) -> Iterator[_Gauge]:
    success = as_expected(diagnosis, target.expect_cause)
    yield _Gauge("probe_success", "Displays whether or not the probe was a success", int(success))
    yield _Gauge(
        "probe_duration_seconds", "Returns how long the probe took to complete in seconds", duration
    )
    yield _Gauge(
        "probe_dns_lookup_time_seconds",
        "Returns the time taken for probe dns lookup in seconds",
        evidence.durations.get("resolve", 0.0),
    )
    protocol, digest = _address(evidence.peer_address or next(iter(evidence.addresses), ""))
    yield _Gauge("probe_ip_protocol", "Specifies whether probe ip protocol is IP4 or IP6", protocol)
    yield _Gauge(
        "probe_ip_addr_hash",
        "Specifies the hash of IP address. It's useful to detect if the IP address changes.",
        digest,
    )
    if evidence.handshake is not None:
        yield from _tls(evidence.handshake, evidence.credentials.ca_bundle)


def _tls(handshake: Handshake, anchors: Sequence[CertificateFacts]) -> Iterator[_Gauge]:
    chain = handshake.server_chain
    if chain:
        yield _Gauge(
            "probe_ssl_earliest_cert_expiry",
            "Returns earliest SSL cert expiry date",
            min(facts.not_after for facts in chain),
        )
        if handshake.server_verified and not handshake.verify_errors:
            yield _Gauge(
                "probe_ssl_last_chain_expiry_timestamp_seconds",
                "Returns last SSL chain expiry in unixtime",
                _last_chain_expiry(chain, anchors),
            )
        leaf = chain[0]
        yield _Gauge(
            "probe_ssl_last_chain_info",
            "Contains SSL leaf certificate information",
            1,
            (
                ("fingerprint_sha256", leaf.sha256),
                ("subject", leaf.subject.text),
                ("issuer", leaf.issuer.text),
                ("subjectalternative", ",".join(_names(leaf))),
                ("serialnumber", leaf.serial_number),
            ),
        )
    if handshake.version:
        yield _Gauge(
            "probe_tls_version_info",
            "Returns the TLS version used or NaN when unknown",
            1,
            (("version", f"TLS {handshake.version}"),),
        )
    if handshake.cipher:
        yield _Gauge(
            "probe_tls_cipher_info",
            "Returns the TLS cipher negotiated during handshake",
            1,
            (("cipher", handshake.cipher),),
        )


def _last_chain_expiry(
    chain: Sequence[CertificateFacts], anchors: Sequence[CertificateFacts]
) -> float:
    """Return when the longest-lived certification path ends: its first notAfter."""
    path = [chain[0]]
    rest = list(chain[1:])
    while above := next(
        (one for one in rest if one.subject.digest == path[-1].issuer.digest), None
    ):
        path.append(above)
        rest.remove(above)
    ends = min(facts.not_after for facts in path)
    held = {facts.sha256 for facts in path}
    tops = [
        anchor.not_after
        for anchor in anchors
        if anchor.sha256 not in held and anchor.subject.digest == path[-1].issuer.digest
    ]
    return min(ends, max(tops)) if tops else ends


def _names(leaf: CertificateFacts) -> list[str]:
    return [name.removeprefix("DNS:") for name in leaf.sans if name.startswith("DNS:")]


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


def _at(lines: TargetLines, path: str) -> bytes:
    found: object = lines
    for name in path.split("."):
        found = getattr(found, name)
    assert isinstance(found, bytes)
    return found
