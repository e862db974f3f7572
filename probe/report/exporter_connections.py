"""What `listen` says of exporters' connections: JSON (`docs/json.md`), and a table that grows.

All text has passed `safe_text`. Of the telemetry there are names of services and counts.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec import Struct

from probe.diagnosis.readings.exporter_alerts import state_meaning
from probe.model.diagnosis import Diagnosis, Outcome, Party
from probe.model.evidence import Stage
from probe.model.exporter_connection import (
    ClientCertificate,
    ConnectionEnd,
    ExporterConnection,
    ExportRequest,
    Speech,
)
from probe.report.result import (
    SCHEMA,
    ReportedFinding,
    ResultCertificate,
    build_certificate,
    report_findings,
)
from probe.text.time_format import rfc3339

Seen = tuple[ExporterConnection, Diagnosis]


class ListenedAlert(Struct, frozen=True):
    """One TLS alert, and what it means where the exporter sent it."""

    direction: Literal["received", "sent"]
    level: Literal["warning", "fatal"]
    number: int
    name: str
    meaning: str


class ListenedOffer(Struct, frozen=True):
    """What a ClientHello offers, by IANA's names, in the exporter's order."""

    min_version: str
    max_version: str
    ciphers: tuple[str, ...]
    groups: tuple[str, ...]
    key_shares: tuple[str, ...]
    """The groups that a key was sent for at once."""
    signature_schemes: tuple[str, ...]


class Likeness(Struct, frozen=True):
    """Which measured exporters the ClientHello looks like; it never proves who sent it."""

    exporters: tuple[str, ...]
    """Ids as `exporter` of a target has them: the nearest; several send the same."""
    differences: int
    """Of `values`, how many differ: 0 is the very same ClientHello."""
    values: int
    near: bool
    """Whether at most a quarter differs; else it looks like none that was measured."""


class ListenedTls(Struct, frozen=True):
    """What the handshake agreed on; null is not known."""

    version: str | None
    cipher: str | None
    alpn: str | None


class ListenedConnection(Struct, frozen=True):
    """One connection; a line of `--output jsonl`, which comes again when the connection has ended."""

    connection: int
    """Its number, from 1."""
    at: str
    peer: str
    seconds: float
    end: ConnectionEnd
    """`open`: it goes on; a line with the same number follows."""
    outcome: Outcome
    """`confirmed`: an OTLP request came, and was answered with success."""
    stage: Stage
    cause: str | None
    family: str | None
    documented_cause: int
    certain: bool
    also: tuple[str, ...]
    facts: tuple[str, ...]
    would_decide: str
    fix: tuple[str, ...]
    party: Party | None
    findings: tuple[ReportedFinding, ...]
    speech: Speech
    """What the connection began with; `h2` and `http` are without TLS."""
    first_bytes: str
    server_name: str
    """Of the ClientHello (SNI)."""
    alpn_offered: tuple[str, ...]
    offer: ListenedOffer | None
    hello_size: int
    looks_like: Likeness | None
    tls: ListenedTls
    named_cas: tuple[str, ...]
    """The CAs that our CertificateRequest named; none: nothing is withheld because of them."""
    client_certificate: ClientCertificate
    client_certificates: tuple[ResultCertificate, ...]
    """What was presented, in its order."""
    alerts: tuple[ListenedAlert, ...]
    request_count: int
    """Requests that were answered."""
    requests: tuple[ExportRequest, ...]
    """The first ones."""
    items: int
    """Spans, data points and log records of all requests that were taken."""
    bytes_received: int
    """Application data from the exporter, without TLS."""
    forwarded_to: str
    bytes_forwarded: int
    bytes_returned: int


class ListeningDocument(Struct, frozen=True):
    """What came while `listen` ran: `--output json`."""

    schema: str
    expected: int
    """--expect; 0: not given."""
    good: int
    """Connections with an OTLP request that was answered with success."""
    unreported: int
    turned_away: int
    """Connections that were closed at once because there were too many."""
    connections: tuple[ListenedConnection, ...]
    """The last thousand, each as it was last."""


def build_connection(seen: Seen) -> ListenedConnection:
    """Return the JSON form of a connection."""
    one, diagnosis = seen
    like = Likeness(one.looks_like, one.differences, one.values, one.looks_near)
    return ListenedConnection(
        connection=one.number,
        at=rfc3339(one.at, "milliseconds"),
        peer=one.peer,
        seconds=round(one.seconds, 3),
        end=one.end,
        outcome=diagnosis.outcome,
        stage=diagnosis.stage,
        cause=diagnosis.cause,
        family=diagnosis.family,
        documented_cause=diagnosis.documented_cause,
        certain=diagnosis.certain,
        also=diagnosis.also,
        facts=diagnosis.facts,
        would_decide=diagnosis.would_decide,
        fix=diagnosis.fix,
        party=diagnosis.party,
        findings=report_findings(diagnosis.findings),
        speech=one.speech,
        first_bytes=one.first_bytes,
        server_name=one.server_name,
        alpn_offered=one.alpn,
        offer=msgspec.convert(one.offer, ListenedOffer | None, from_attributes=True),
        hello_size=one.hello_size,
        looks_like=like if one.offer is not None else None,
        tls=ListenedTls(one.version or None, one.cipher or None, one.chosen_alpn or None),
        named_cas=one.named_cas,
        client_certificate=one.certificate,
        client_certificates=tuple(map(build_certificate, one.chain)),
        alerts=tuple(
            ListenedAlert(
                a.direction,
                a.level,
                a.number,
                a.name,
                state_meaning(a.number) if a.direction == "received" and a.level == "fatal" else "",
            )
            for a in one.alerts
        ),
        request_count=one.request_count,
        requests=one.requests,
        items=one.items,
        bytes_received=one.bytes_received,
        forwarded_to=one.forwarded_to,
        bytes_forwarded=one.bytes_forwarded,
        bytes_returned=one.bytes_returned,
    )


def encode_connection(seen: Seen) -> bytes:
    """Return a line of JSON (`--output jsonl`)."""
    return msgspec.json.encode(build_connection(seen)) + b"\n"


def encode_connections(
    connections: Iterable[Seen], *, expected: int, good: int, unreported: int, turned_away: int
) -> bytes:
    """Return the JSON document, ending in a line break."""
    document = ListeningDocument(
        schema=SCHEMA,
        expected=expected,
        good=good,
        unreported=unreported,
        turned_away=turned_away,
        connections=tuple(map(build_connection, connections)),
    )
    return msgspec.json.encode(document) + b"\n"
