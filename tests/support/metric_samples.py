"""Evidence for metrics, and the samples that a scrape finds."""

from hashlib import sha256
from typing import Any, Final

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families as text_families

from probe.ledger.ledger import Ledger
from probe.metrics.scrape import Metrics
from probe.model.certificate import CertificateFacts, CredentialFacts, Name
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import ClockReading, Ending, Evidence, Handshake, TargetFacts
from probe.model.target import Endpoint, Target

OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0"
AT: Final = 1_795_341_600.25
REFUSED: Final = Diagnosis(
    outcome="failed",
    stage="accept",
    cause="client_ca_untrusted",
    family="backend_ca_trust",
    party="backend",
)
EU: Final = Target(
    name="eu", endpoint=Endpoint("eu.example", 4317), labels=(("team", 'pay"ments\\'),)
)
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def certificate(subject: str, *, not_after: float = 1_798_761_600.0) -> CertificateFacts:
    """Return a certificate of `subject`, issued by CN=ca."""
    return CertificateFacts(
        subject=Name(text=subject, digest=f"digest of {subject}"),
        issuer=Name(text="CN=ca", digest="digest of CN=ca"),
        serial_number="2a",
        not_before=1_767_225_600.0,
        not_after=not_after,
        sha256=sha256(f"{subject} {not_after}".encode()).hexdigest(),
        sans=("DNS:eu.example", "DNS:eu2.example"),
    )


CREDENTIALS: Final = CredentialFacts(
    generation="1",
    client_chain=(certificate("CN=client"), certificate("CN=ca", not_after=1_797_000_000.0)),
    ca_bundle=(certificate("CN=root"),),
)
HANDSHAKE: Final = Handshake(
    complete=True,
    version="1.3",
    cipher="TLS_AES_128_GCM_SHA256",
    group="X25519MLKEM768",
    alpn="h2",
    client_certificate_requested=True,
    client_certificate_sent=True,
    acceptable_cas=(Name(text="CN=ca", digest="digest of CN=ca"),),
    server_chain=(certificate("CN=server"),),
)


def seen(**fields: Any) -> Evidence:
    """Return evidence of an attempt that saw everything, with `fields` over the defaults."""
    target = TargetFacts(
        name="eu",
        endpoint="eu.example:4317",
        host="eu.example",
        port=4317,
        protocol="grpc",
        cert_file="/etc/otel/tls.crt",
        ca_file="/etc/otel/ca.crt",
    )
    known: dict[str, Any] = {
        "at": AT,
        "ending": Ending(stage="accept", kind="alert"),
        "credentials": CREDENTIALS,
        "handshake": HANDSHAKE,
        "clock": (ClockReading(source="http_date", offset=-1.5),),
        "durations": {"resolve": 0.0004, "connect": 0.00005, "handshake": 0.004},
        **fields,
    }
    return Evidence(target=target, **known)


def ledger_and_metrics(*targets: Target) -> tuple[Ledger, Metrics]:
    """Return a ledger of `targets` (by default EU) and its metrics."""
    ledger = Ledger(targets or [EU])
    return ledger, Metrics(ledger)


def families(metrics: Metrics, accept: str = "") -> list[Metric]:
    """Return what prometheus_client's own parser reads from the exposition."""
    body, content_type = metrics.exposition(accept)
    read = openmetrics_families if "openmetrics" in content_type else text_families
    return list(read(body.decode()))


def samples(metrics: Metrics, accept: str = "") -> Samples:
    """Return each sample's value by name and labels; a series exposed twice is an error."""
    found: Samples = {}
    for family in families(metrics, accept):
        for sample in family.samples:
            series = (sample.name, tuple(sorted(sample.labels.items())))
            assert series not in found
            found[series] = sample.value
    return found


def of(metrics: Metrics, name: str) -> list[tuple[dict[str, str], float]]:
    """Return labels and value of each `mtls_probe_` sample called `name`, without `target`."""
    return [
        ({key: text for key, text in labels if key != "target"}, value)
        for (sample, labels), value in samples(metrics).items()
        if sample == f"mtls_probe_{name}"
    ]
