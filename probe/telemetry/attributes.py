"""What of an attempt stands on which span, by OTel's semantic conventions. Pure.

What the conventions have no name for stands under `mtls_probe.`. Law 10: every text in evidence
and diagnosis has passed `safe_text`; law 11: none of it is a header's value or of a key.
"""

from datetime import UTC, datetime
from typing import Final

from opentelemetry.semconv._incubating.attributes.dns_attributes import (
    DNS_ANSWERS,
    DNS_QUESTION_NAME,
)
from opentelemetry.semconv._incubating.attributes.rpc_attributes import (
    RPC_METHOD,
    RPC_RESPONSE_STATUS_CODE,
    RPC_SYSTEM_NAME,
)
from opentelemetry.semconv._incubating.attributes.tls_attributes import (
    TLS_CIPHER,
    TLS_CLIENT_HASH_SHA256,
    TLS_CLIENT_ISSUER,
    TLS_CLIENT_NOT_AFTER,
    TLS_CLIENT_NOT_BEFORE,
    TLS_CLIENT_SUBJECT,
    TLS_CURVE,
    TLS_ESTABLISHED,
    TLS_NEXT_PROTOCOL,
    TLS_PROTOCOL_NAME,
    TLS_PROTOCOL_VERSION,
    TLS_RESUMED,
    TLS_SERVER_HASH_SHA256,
    TLS_SERVER_ISSUER,
    TLS_SERVER_NOT_AFTER,
    TLS_SERVER_NOT_BEFORE,
    TLS_SERVER_SUBJECT,
)
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
)
from opentelemetry.semconv.attributes.network_attributes import (
    NETWORK_PEER_ADDRESS,
    NETWORK_PEER_PORT,
    NETWORK_PROTOCOL_NAME,
    NETWORK_PROTOCOL_VERSION,
    NETWORK_TRANSPORT,
    NETWORK_TYPE,
)
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS, SERVER_PORT

from probe.diagnosis.cause import Cause
from probe.model.certificate import CertificateFacts
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Alert, Answer, Evidence, Experiment, Handshake
from probe.telemetry.span import Attributes

TARGET: Final = "mtls_probe.target"
OUTCOME: Final = "mtls_probe.outcome"
CAUSE: Final = "mtls_probe.cause"
PREVIOUS_OUTCOME: Final = "mtls_probe.previous.outcome"
PREVIOUS_CAUSE: Final = "mtls_probe.previous.cause"
VARIED: Final = "mtls_probe.varied"

# https://grpc.io/docs/guides/status-codes: the conventions want their names.
_GRPC_CODES: Final = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
    "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
    "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip
_SERVICES: Final = {"traces": "TraceService", "metrics": "MetricsService", "logs": "LogsService"}
_PACKAGES: Final = {"traces": "trace", "metrics": "metrics", "logs": "logs"}


def about(evidence: Evidence) -> Attributes:
    """Return those of every span: whom it was about."""
    target = evidence.target
    return {TARGET: target.name, SERVER_ADDRESS: target.host, SERVER_PORT: target.port}


def attempt(evidence: Evidence, diagnosis: Diagnosis, cause: Cause | None) -> Attributes:
    """Return the root's: how it ended, why, and who must act."""
    target = evidence.target
    found: dict[str, str | bool | int | tuple[str, ...]] = {
        OUTCOME: diagnosis.outcome,
        "mtls_probe.stage": diagnosis.stage,
        "mtls_probe.certain": diagnosis.certain,
        "mtls_probe.depth": target.depth,
        "mtls_probe.signal": target.signal,
        "mtls_probe.protocol": target.protocol,
    }
    if evidence.peer_address:
        found[NETWORK_PEER_ADDRESS] = evidence.peer_address
    if diagnosis.cause is not None:
        found |= {ERROR_TYPE: diagnosis.cause, CAUSE: diagnosis.cause}
    if diagnosis.also:
        found["mtls_probe.also"] = diagnosis.also
    if diagnosis.all_facts:
        found["mtls_probe.facts"] = diagnosis.all_facts
    if diagnosis.findings:
        named = dict.fromkeys(finding.cause for finding in diagnosis.findings)
        found["mtls_probe.findings"] = tuple(named)
    if target.expect_cause is not None:
        found["mtls_probe.expected_cause"] = target.expect_cause
    if cause is not None:
        found |= {
            "mtls_probe.family": cause.family,
            "mtls_probe.documented_cause": cause.documented_cause,
            "mtls_probe.party": diagnosis.party or cause.party,
            "mtls_probe.severity": cause.severity,
        }
    if evidence.canary_trace_id:
        found["mtls_probe.canary.trace_id"] = evidence.canary_trace_id
    return found | {f"mtls_probe.label.{name}": value for name, value in target.labels}


def lookup(evidence: Evidence, host: str) -> Attributes:
    """Return those of the DNS lookup of `host`."""
    answers: Attributes = {DNS_ANSWERS: evidence.addresses} if evidence.addresses else {}
    return {DNS_QUESTION_NAME: host, **answers}


def connect(evidence: Evidence, port: int) -> Attributes:
    """Return those of the connection, to the address that took it or was tried last."""
    tried = evidence.connects[-1].address if evidence.connects else ""
    address = evidence.peer_address or tried
    found: Attributes = {NETWORK_TRANSPORT: "tcp", NETWORK_PEER_PORT: port}
    if not address:
        return found
    kind = "ipv6" if ":" in address else "ipv4"
    return {**found, NETWORK_PEER_ADDRESS: address, NETWORK_TYPE: kind}


def handshake(seen: Handshake, client_chain: tuple[CertificateFacts, ...]) -> Attributes:
    """Return those of a TLS handshake as far as it came; `client_chain` is what was offered."""
    found: dict[str, str | bool] = {
        TLS_PROTOCOL_NAME: "tls",
        TLS_ESTABLISHED: seen.complete,
        TLS_RESUMED: False,
        "mtls_probe.tls.client_certificate.requested": seen.client_certificate_requested,
        "mtls_probe.tls.client_certificate.sent": seen.client_certificate_sent,
        "mtls_probe.tls.server.verified": seen.server_verified,
    }
    negotiated = {
        TLS_PROTOCOL_VERSION: seen.version,
        TLS_CIPHER: seen.cipher,
        TLS_CURVE: seen.group,
        TLS_NEXT_PROTOCOL: seen.alpn,
    }
    found |= {name: value for name, value in negotiated.items() if value}
    if seen.server_chain:
        end_entity = seen.server_chain[0]
        found |= {
            TLS_SERVER_SUBJECT: end_entity.subject.text,
            TLS_SERVER_ISSUER: end_entity.issuer.text,
            TLS_SERVER_NOT_BEFORE: _date(end_entity.not_before),
            TLS_SERVER_NOT_AFTER: _date(end_entity.not_after),
            TLS_SERVER_HASH_SHA256: end_entity.sha256.upper(),
        }
    if client_chain:
        end_entity = client_chain[0]
        found |= {
            TLS_CLIENT_SUBJECT: end_entity.subject.text,
            TLS_CLIENT_ISSUER: end_entity.issuer.text,
            TLS_CLIENT_NOT_BEFORE: _date(end_entity.not_before),
            TLS_CLIENT_NOT_AFTER: _date(end_entity.not_after),
            TLS_CLIENT_HASH_SHA256: end_entity.sha256.upper(),
        }
    return found


def export(evidence: Evidence) -> Attributes:
    """Return those of the OTLP export: an RPC, or an HTTP request."""
    target, answer = evidence.target, evidence.answer
    found: dict[str, str | int] = {}
    if target.protocol == "grpc":
        package, service = _PACKAGES[target.signal], _SERVICES[target.signal]
        found |= {
            RPC_SYSTEM_NAME: "grpc",
            RPC_METHOD: f"opentelemetry.proto.collector.{package}.v1.{service}/Export",
        }
        if answer is not None and answer.grpc_status is not None:
            found[RPC_RESPONSE_STATUS_CODE] = _grpc_code(answer.grpc_status)
    else:
        found[HTTP_REQUEST_METHOD] = "POST"
    return {**found, **_answered(answer)}


def experiment(made: Experiment) -> Attributes:
    """Return those of one further connection: what was varied, and how it ended."""
    return {
        VARIED: made.varied,
        "mtls_probe.ending.stage": made.ending.stage,
        "mtls_probe.ending.kind": made.ending.kind,
        **(handshake(made.handshake, ()) if made.handshake is not None else {}),
        **_answered(made.answer),
    }


def alert(seen: Alert) -> Attributes:
    """Return those of a TLS alert (RFC 8446 §6)."""
    return {
        "mtls_probe.tls.alert.direction": seen.direction,
        "mtls_probe.tls.alert.level": seen.level,
        "mtls_probe.tls.alert.number": seen.number,
        "mtls_probe.tls.alert.name": seen.name,
    }


def _answered(answer: Answer | None) -> Attributes:
    if answer is None:
        return {}
    return {
        HTTP_RESPONSE_STATUS_CODE: answer.http_status,
        NETWORK_PROTOCOL_NAME: "http",
        NETWORK_PROTOCOL_VERSION: "2" if answer.over == "h2" else "1.1",
    }


def _grpc_code(number: int) -> str:
    # The convention for codes that a server makes up.
    return _GRPC_CODES[number] if 0 <= number < len(_GRPC_CODES) else str(number)


def _date(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return str(seconds)
