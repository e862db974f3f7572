"""Which facts of an attempt each span carries, by OTel's semantic conventions. Pure.

What the conventions have no name for has the prefix `mtls_probe.`. Every text in evidence and
diagnosis has passed `safe_text`; none of it is a header's value or part of a key.
"""

from collections.abc import Mapping
from typing import Final

from opentelemetry.semconv._incubating.attributes import dns_attributes as dns
from opentelemetry.semconv._incubating.attributes import rpc_attributes as rpc
from opentelemetry.semconv._incubating.attributes import tls_attributes as tls
from opentelemetry.semconv.attributes import http_attributes as http
from opentelemetry.semconv.attributes import network_attributes as network
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS, SERVER_PORT

from probe.diagnosis.cause import Cause
from probe.model.certificate import CertificateFacts
from probe.model.change import Change
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import GRPC_STATUS_NAMES, Alert, Answer, Evidence, Experiment, Handshake
from probe.text.time_format import rfc3339

Attributes = Mapping[str, str | bool | int | float | tuple[str, ...]]

TARGET: Final = "mtls_probe.target"
OUTCOME: Final = "mtls_probe.outcome"
CAUSE: Final = "mtls_probe.cause"
PREVIOUS_OUTCOME: Final = "mtls_probe.previous.outcome"
PREVIOUS_CAUSE: Final = "mtls_probe.previous.cause"
VARIED: Final = "mtls_probe.varied"

_SERVER_NAMES: Final = (
    tls.TLS_SERVER_SUBJECT,
    tls.TLS_SERVER_ISSUER,
    tls.TLS_SERVER_NOT_BEFORE,
    tls.TLS_SERVER_NOT_AFTER,
    tls.TLS_SERVER_HASH_SHA256,
)
_CLIENT_NAMES: Final = (
    tls.TLS_CLIENT_SUBJECT,
    tls.TLS_CLIENT_ISSUER,
    tls.TLS_CLIENT_NOT_BEFORE,
    tls.TLS_CLIENT_NOT_AFTER,
    tls.TLS_CLIENT_HASH_SHA256,
)
_SERVICES: Final = {
    "traces": "trace.v1.TraceService",
    "metrics": "metrics.v1.MetricsService",
    "logs": "logs.v1.LogsService",
}


def describe_target(evidence: Evidence) -> Attributes:
    """Return those of every span: its target."""
    target = evidence.target
    known: Attributes = {SERVER_PORT: target.port} if target.port else {}
    return {TARGET: target.name, SERVER_ADDRESS: target.host, **known}


def describe_attempt(evidence: Evidence, diagnosis: Diagnosis, cause: Cause | None) -> Attributes:
    """Return those of the root: how the attempt ended, why, and who must act."""
    target = evidence.target
    attributes: dict[str, str | bool | int | tuple[str, ...]] = {
        OUTCOME: diagnosis.outcome,
        "mtls_probe.stage": diagnosis.stage,
        "mtls_probe.certain": diagnosis.certain,
        "mtls_probe.depth": target.depth,
        "mtls_probe.signal": target.signal,
        "mtls_probe.protocol": target.protocol,
        "mtls_probe.exporter": target.exporter,
    }
    if target.address:
        attributes["mtls_probe.address"] = target.address
    if evidence.peer_address:
        attributes[network.NETWORK_PEER_ADDRESS] = evidence.peer_address
    if diagnosis.cause is not None:
        attributes |= {ERROR_TYPE: diagnosis.cause, CAUSE: diagnosis.cause}
    if diagnosis.also:
        attributes["mtls_probe.also"] = diagnosis.also
    if diagnosis.all_facts:
        attributes["mtls_probe.facts"] = diagnosis.all_facts
    if diagnosis.findings:
        named = dict.fromkeys(finding.cause for finding in diagnosis.findings)
        attributes["mtls_probe.findings"] = tuple(named)
    if target.expect_cause is not None:
        attributes["mtls_probe.expected_cause"] = target.expect_cause
    if cause is not None:
        attributes |= {
            "mtls_probe.family": cause.family,
            "mtls_probe.documented_cause": cause.documented_cause,
            "mtls_probe.party": diagnosis.party or cause.party,
            "mtls_probe.severity": cause.severity,
        }
    if evidence.canary_trace_id:
        attributes["mtls_probe.canary.trace_id"] = evidence.canary_trace_id
    return attributes | {f"mtls_probe.label.{name}": value for name, value in target.labels}


def describe_lookup(evidence: Evidence, host: str) -> Attributes:
    """Return those of the DNS lookup of `host`."""
    answers: Attributes = {dns.DNS_ANSWERS: evidence.addresses} if evidence.addresses else {}
    return {dns.DNS_QUESTION_NAME: host, **answers}


def describe_connect(evidence: Evidence, port: int) -> Attributes:
    """Return those of the connection, to the address that accepted it or was tried last."""
    tried = evidence.connects[-1].address if evidence.connects else ""
    address = evidence.peer_address or tried
    attributes: Attributes = {network.NETWORK_TRANSPORT: "tcp", network.NETWORK_PEER_PORT: port}
    if not address:
        return attributes
    kind = "ipv6" if ":" in address else "ipv4"
    return {**attributes, network.NETWORK_PEER_ADDRESS: address, network.NETWORK_TYPE: kind}


def describe_handshake(seen: Handshake, client_chain: tuple[CertificateFacts, ...]) -> Attributes:
    """Return those of a TLS handshake as far as it went; `client_chain` is what was offered."""
    attributes: dict[str, str | bool] = {
        tls.TLS_PROTOCOL_NAME: "tls",
        tls.TLS_ESTABLISHED: seen.complete,
        tls.TLS_RESUMED: False,
        "mtls_probe.tls.client_certificate.requested": seen.client_certificate_requested,
        "mtls_probe.tls.client_certificate.sent": seen.client_certificate_sent,
        "mtls_probe.tls.server.verified": seen.server_verified,
    }
    negotiated = {
        tls.TLS_PROTOCOL_VERSION: seen.version,
        tls.TLS_CIPHER: seen.cipher,
        tls.TLS_CURVE: seen.group,
        tls.TLS_NEXT_PROTOCOL: seen.alpn,
    }
    attributes |= {name: value for name, value in negotiated.items() if value}
    for names, chain in ((_SERVER_NAMES, seen.server_chain), (_CLIENT_NAMES, client_chain)):
        if chain:
            leaf = chain[0]
            dates = (rfc3339(leaf.not_before), rfc3339(leaf.not_after))
            values = (leaf.subject.text, leaf.issuer.text, *dates, leaf.sha256.upper())
            attributes |= dict(zip(names, values, strict=True))
    return attributes


def describe_export(evidence: Evidence) -> Attributes:
    """Return those of the OTLP export: an RPC, or an HTTP request."""
    target, answer = evidence.target, evidence.answer
    attributes: dict[str, str | int] = {}
    if target.protocol == "grpc":
        method = f"opentelemetry.proto.collector.{_SERVICES[target.signal]}/Export"
        attributes |= {rpc.RPC_SYSTEM_NAME: "grpc", rpc.RPC_METHOD: method}
        if answer is not None and answer.grpc_status is not None:
            attributes[rpc.RPC_RESPONSE_STATUS_CODE] = GRPC_STATUS_NAMES.get(
                answer.grpc_status, str(answer.grpc_status)
            )
    else:
        attributes[http.HTTP_REQUEST_METHOD] = "POST"
    return {**attributes, **_answer_attributes(answer)}


def describe_experiment(made: Experiment) -> Attributes:
    """Return those of one further connection: what was varied, and how it ended."""
    return {
        VARIED: made.varied,
        "mtls_probe.ending.stage": made.ending.stage,
        "mtls_probe.ending.kind": made.ending.kind,
        **(describe_handshake(made.handshake, ()) if made.handshake is not None else {}),
        **_answer_attributes(made.answer),
    }


def list_change(change: Change) -> Attributes:
    """Return those of something that was another way in earlier attempts."""
    return {
        "mtls_probe.changed.what": change.what,
        "mtls_probe.changed.before": change.before,
        "mtls_probe.changed.after": change.after,
    }


def describe_alert(seen: Alert) -> Attributes:
    """Return those of a TLS alert (RFC 8446 §6)."""
    return {
        "mtls_probe.tls.alert.direction": seen.direction,
        "mtls_probe.tls.alert.level": seen.level,
        "mtls_probe.tls.alert.number": seen.number,
        "mtls_probe.tls.alert.name": seen.name,
    }


def _answer_attributes(answer: Answer | None) -> Attributes:
    if answer is None:
        return {}
    return {
        http.HTTP_RESPONSE_STATUS_CODE: answer.http_status,
        network.NETWORK_PROTOCOL_NAME: "http",
        network.NETWORK_PROTOCOL_VERSION: "2" if answer.over == "h2" else "1.1",
    }
