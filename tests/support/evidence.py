"""Attempts as plain evidence, with faults of either side."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec.structs

from probe.model.certificate import CertificateFacts, CredentialFacts, LocatedCertificate
from probe.model.evidence import (
    Alert,
    Answer,
    ClockReading,
    ConnectTry,
    Ending,
    EndingKind,
    Evidence,
    Experiment,
    Handshake,
    NameCheck,
    Offer,
    Stage,
    TargetFacts,
)
from probe.model.finding import Finding
from probe.model.path_fault import DATE_FAULTS, PathFault, PathFaultKind
from probe.model.tls_alerts import name_alert
from probe.x509.strength import find_weakness_for_go
from tests.support.certificate_facts import AT, BACKEND, CLIENT_CA, EXPORTER, SERVER_CA

HOST: Final = "collector.example.com"
TAKEN: Final = Answer(
    over="h2", http_status=200, content_type="application/grpc", grpc_status=0, body_parses=True
)
"""A success over gRPC."""

NGINX_400: Final = Answer(
    over="h2",
    http_status=400,
    content_type="text/html",
    message="400 Bad Request The SSL certificate error nginx",
    body_empty=False,
    server="nginx",
)
"""Nginx's answer to a certificate that it does not accept; for a missing one the text differs."""

By = int | Literal["close", "reset", "http_400"]
"""How a backend refuses: the alert's number, or what it does instead."""


def target(**fields: Any) -> TargetFacts:
    """Return a gRPC target with all three files configured, changed by `fields`."""
    known: dict[str, Any] = {
        "name": "collector-eu",
        "endpoint": f"{HOST}:4317",
        "host": HOST,
        "port": 4317,
        "protocol": "grpc",
        "reference_identifier": HOST,
        "client_certificate_configured": True,
        "cert_file": "/etc/otel/tls.crt",
        "key_file": "/etc/otel/tls.key",
        "ca_file": "/etc/otel/ca.crt",
    }
    return TargetFacts(**known | fields)


def http_target(**fields: Any) -> TargetFacts:
    """Return the same target for OTLP/HTTP."""
    return target(
        **{"protocol": "http/protobuf", "port": 4318, "endpoint": f"{HOST}:4318"} | fields
    )


def held_credentials(
    *chain: CertificateFacts, at_hand: Sequence[CertificateFacts] = (CLIENT_CA,), **fields: Any
) -> CredentialFacts:
    """Return files that hold `chain`, with further issuers `at_hand` in their folder."""
    known: dict[str, Any] = {
        "generation": "1",
        "client_chain": chain,
        "unsent_issuers": tuple(
            LocatedCertificate(path=f"/etc/otel/issuer-{at}.pem", certificate=issuer)
            for at, issuer in enumerate(at_hand, 1)
        ),
        "ca_bundle": (SERVER_CA,),
    }
    return CredentialFacts(**known | fields)


def alert(number: int, direction: Literal["received", "sent"] = "received") -> Alert:
    """Return a fatal alert."""
    return Alert(direction=direction, level="fatal", number=number, name=name_alert(number))


def complete_handshake(version: Literal["1.2", "1.3"] = "1.3", **fields: Any) -> Handshake:
    """Return a finished handshake with a backend that asked for a certificate and got one."""
    known: dict[str, Any] = {
        "offer": Offer(min_version="1.2", max_version="1.3", alpn=("h2",), server_name=HOST),
        "complete": True,
        "version": version,
        "cipher": "TLS_AES_128_GCM_SHA256" if version == "1.3" else "ECDHE-ECDSA-AES128-GCM-SHA256",
        "group": "X25519",
        "alpn": "h2",
        "client_certificate_requested": True,
        "client_certificate_sent": True,
        "acceptable_cas": (CLIENT_CA.subject,),
        "server_chain": (BACKEND,),
        "name_check": NameCheck(reference=HOST, matched=True, presented=BACKEND.sans),
        "server_verified": True,
    }
    return Handshake(**known | fields)


def partial_handshake(*alerts: Alert, **fields: Any) -> Handshake:
    """Return a handshake that ended before the server's certificate came."""
    offer = Offer(min_version="1.2", max_version="1.3", alpn=("h2",), server_name=HOST)
    return Handshake(**{"offer": offer, "alerts": alerts} | fields)


def attempt(stage: Stage, kind: EndingKind, **fields: Any) -> Evidence:
    """Return an attempt that ended at `stage` by `kind`; `detail` goes to its ending."""
    ending = Ending(stage=stage, kind=kind, detail=fields.pop("detail", ""))
    known: dict[str, Any] = {
        "target": target(),
        "at": AT,
        "ending": ending,
        "credentials": held_credentials(EXPORTER),
        "addresses": ("192.0.2.10",),
        "connects": (ConnectTry(address="192.0.2.10"),),
        "peer_address": "192.0.2.10",
    }
    return Evidence(**known | fields)


def unconnected_attempt(kind: EndingKind, errno: str = "", **fields: Any) -> Evidence:
    """Return an attempt that made no connection, by what the operating system says."""
    known: dict[str, Any] = {
        "connects": (ConnectTry(address="192.0.2.10", error=errno),),
        "peer_address": "",
        "detail": errno,
    }
    return attempt("connect", kind, **known | fields)


def unstarted_attempt(*faults: Finding, **fields: Any) -> Evidence:
    """Return an attempt that ended over its files, before anything was sent."""
    known: dict[str, Any] = {
        "credentials": CredentialFacts(generation="1", faults=faults),
        "addresses": (),
        "connects": (),
        "peer_address": "",
    }
    return attempt("load", "credentials", **known | fields)


def answered_attempt(answer: Answer = TAKEN, **fields: Any) -> Evidence:
    """Return an attempt that brought an answer to its request."""
    return attempt(
        "export", "answered", **{"handshake": complete_handshake(), "answer": answer} | fields
    )


def answered_http_attempt(answer: Answer, **fields: Any) -> Evidence:
    """Return the same for an OTLP/HTTP target."""
    return answered_attempt(answer, **{"target": http_target()} | fields)


def refused_attempt(
    by: By,
    *chain: CertificateFacts,
    at_hand: Sequence[CertificateFacts] = (CLIENT_CA,),
    listed: Sequence[CertificateFacts] = (CLIENT_CA,),
    version: Literal["1.2", "1.3"] = "1.3",
    **fields: Any,
) -> Evidence:
    """Return an attempt refused over `chain`, or over its absence where that is empty.

    `listed` are the CAs that the backend names as acceptable. TLS 1.2 refuses within the
    handshake, TLS 1.3 after it, nginx by its answer to the request.
    """
    inside = version == "1.2" and by != "http_400"
    shake = complete_handshake(
        version,
        complete=not inside,
        client_certificate_sent=bool(chain),
        acceptable_cas=tuple(ca.subject for ca in listed),
        alerts=(alert(by),) if isinstance(by, int) else (),
    )
    known: dict[str, Any] = {
        "credentials": held_credentials(*chain, at_hand=at_hand if chain else ()),
        "handshake": shake,
    }
    if not chain:
        known["target"] = target(client_certificate_configured=False, cert_file="", key_file="")
    if by == "http_400":
        return attempt("export", "answered", **known | {"answer": NGINX_400} | fields)
    kind: EndingKind = "alert" if isinstance(by, int) else by
    return attempt("handshake" if inside else "accept", kind, **known | fields)


def unverified_attempt(
    *chain: CertificateFacts,
    faults: Sequence[tuple[PathFaultKind, int]] = (),
    shake: dict[str, Any] | None = None,
    **fields: Any,
) -> Evidence:
    """Return an attempt that stopped over the server's `chain`.

    `faults` are what the exporter finds, each with the place of the certificate in the chain, one
    beyond it being an anchor. A name that is not exactly among the first certificate's SANs and a
    weakness are found here, in Go's order: dates, name, path.
    """
    sans = chain[0].sans if chain else ()
    checked = NameCheck(reference=HOST, matched=f"DNS:{HOST}" in sans, presented=sans)
    found = list(faults)
    if chain and not checked.matched:
        dates = sum(kind in DATE_FAULTS for kind, _ in faults)
        found = sorted(found, key=lambda one: one[0] not in DATE_FAULTS)
        found.insert(dates, ("name_mismatch", 0))
    if chain and find_weakness_for_go(chain):
        found.append(("weak_signature", 0))
    known: dict[str, Any] = {
        "server_chain": chain,
        "path_faults": tuple(make_fault(kind, at, chain) for kind, at in found),
        "name_check": checked if chain else None,
        "server_verified": False,
    }
    handshake = msgspec.structs.replace(complete_handshake(), **known | (shake or {}))
    return attempt("handshake", "unverified", **{"handshake": handshake} | fields)


def make_fault(
    kind: PathFaultKind, position: int, chain: Sequence[CertificateFacts], **values: str
) -> PathFault:
    """Return the fault of the certificate at `position` of `chain`; beyond it, of an anchor."""
    if position >= len(chain):
        return PathFault(kind=kind, **values)
    one = chain[position]
    return PathFault(
        kind=kind, subject=one.subject.text, sha256=one.sha256, position=position, **values
    )


def clock_offset(days: float, source: str = "http_date") -> tuple[ClockReading, ...]:
    """Return one reading of another clock, `days` ahead of ours."""
    return (ClockReading(source=source, offset=days * 86_400.0),)


def with_control(evidence: Evidence, *experiments: Experiment) -> Evidence:
    """Return `evidence` with a round of experiments: the unvaried handshake ended as it did."""
    again = Experiment(
        varied="unvaried",
        at=AT,
        ending=evidence.ending,
        handshake=evidence.handshake,
        answer=evidence.answer,
    )
    return msgspec.structs.replace(evidence, experiments=(again, *experiments))
