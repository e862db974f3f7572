"""Documented cause 4: names. The server's certificate, the client's, or the SNI."""

from functools import partial
from typing import Final

from probe.diagnosis.cause import SERVER_ENDINGS, Cause, Match, Rank, Strength
from probe.diagnosis.fixes.server_fixes import (
    match_names,
    name_one_host,
    request_another_name,
)
from probe.diagnosis.readings.backend_decision import find_refusal, list_possible_causes
from probe.diagnosis.readings.client_certificate import describe_usage_fault
from probe.diagnosis.readings.otlp_answers import describe_answer, is_otlp_answer
from probe.diagnosis.readings.server_verification import (
    get_unverified_handshake,
    list_faults,
    rate_fault,
)
from probe.model.certificate import CertificateFacts, name_certificate
from probe.model.evidence import Evidence
from probe.model.tls_alerts import TlsAlert, format_alert, get_fatal_alert
from probe.x509.strength import find_weak_key, find_weak_signature
from probe.x509.validity import find_invalid

_NAME_ALERTS: Final = frozenset({TlsAlert.CERTIFICATE_UNKNOWN, TlsAlert.ACCESS_DENIED})
_FORBIDDEN: Final = 403
_MISDIRECTED: Final = 421
_SHOWN_NAMES: Final = 8


def _match_server_name(evidence: Evidence) -> Match | None:
    handshake = get_unverified_handshake(evidence)
    fault = next(iter(list_faults(evidence, "name_mismatch")), None)
    if handshake is None or fault is None or handshake.name_check is None:
        return None
    check = handshake.name_check
    names = ", ".join(check.presented[:_SHOWN_NAMES]) or "none"
    more = len(check.presented) - _SHOWN_NAMES
    facts = [
        f"the name to verify is {check.reference}",
        f"the server's certificate is for {names}" + (f" and {more} more" if more > 0 else ""),
    ]
    if not check.presented and check.common_name:
        facts.append(
            f"it has only a CN, {check.common_name}: Go, Rust and Python over HTTP take no CN for a "
            "name"
        )
    if handshake.offer.server_name and handshake.offer.server_name != check.reference:
        facts.append(f"the SNI sent was {handshake.offer.server_name}")
    party, fix = match_names(evidence.target, check)
    return Match(rate_fault(evidence, fault), tuple(facts), fix=fix, party=party)


def _match_client_name(evidence: Evidence) -> Match | None:
    policy = _match_http_policy(evidence)
    if policy is not None:
        return policy
    refused, chain = find_refusal(evidence), evidence.credentials.client_chain
    if refused is None or refused.alert not in _NAME_ALERTS or refused.listed is not True:
        return None
    if find_invalid(chain, evidence.at) or describe_usage_fault(evidence):
        return None
    if find_weak_signature(chain) or find_weak_key(chain):
        return None
    return Match(
        Strength.FITS,
        (
            refused.fact,
            "the backend lists our issuer, and our certificate is valid and made for clients",
            _list_names(chain[0]),
        ),
        possible=list_possible_causes(evidence, refused),
        decides="the backend's list of allowed client names, or its log",
    )


def _match_http_policy(evidence: Evidence) -> Match | None:
    """Match what a proxy before the receiver answers that allows only some names."""
    answer, handshake = evidence.answer, evidence.handshake
    chain = evidence.credentials.client_chain
    if answer is None or answer.http_status != _FORBIDDEN or is_otlp_answer(answer):
        return None
    if handshake is None or not handshake.client_certificate_sent or not chain:
        return None
    if evidence.target.header_names or find_refusal(evidence) is not None:
        return None
    return Match(
        Strength.NAMED,
        (
            "something before the OTLP receiver answered HTTP 403 after it had our certificate"
            + (f': "{answer.message}"' if answer.message else ""),
            _list_names(chain[0]),
        ),
        possible=("otlp_permission_denied",),
        decides="the access rules of the proxy in front of the backend",
    )


def _list_names(certificate: CertificateFacts) -> str:
    names = ", ".join(certificate.sans[:_SHOWN_NAMES]) or name_certificate(certificate)
    return f"the names it carries are {names}"


def _match_unrecognized(evidence: Evidence) -> Match | None:
    handshake = evidence.handshake
    if evidence.ending.kind == "answered":
        return _match_misdirected(evidence)
    if handshake is None or get_fatal_alert(handshake) != TlsAlert.UNRECOGNIZED_NAME:
        return None
    return Match(
        Strength.NAMED,
        (
            f"the backend sent alert {format_alert(TlsAlert.UNRECOGNIZED_NAME)}",
            f"the SNI sent was {handshake.offer.server_name or '(none)'}",
        ),
        fix=request_another_name(evidence.target),
    )


def _match_misdirected(evidence: Evidence) -> Match | None:
    """Match a server that takes no request for another name than the handshake's, where it verifies.

    nginx with ssl_verify_client, and httpd, answer 421 (RFC 9110 §15.5.20).
    """
    answer, handshake, target = evidence.answer, evidence.handshake, evidence.target
    if answer is None or handshake is None or answer.http_status != _MISDIRECTED:
        return None
    sent = handshake.offer.server_name
    header = any(name.lower() == "host" for name in target.header_names)
    if not sent or (sent == target.host and not header):
        return None
    named = "what its Host header says" if header else target.host
    return Match(
        Strength.NAMED,
        (describe_answer(answer), f"the SNI sent was {sent}, and the request names {named}"),
        fix=name_one_host(target),
    )


_declare: Final = partial(Cause, family="san_mismatch", documented_cause=4)
"""What the causes here have in common, unless one says otherwise."""

CAUSES: Final = (
    _declare(
        id="server_name_mismatch",
        title="The backend's certificate is for another name",
        party="backend",
        rank=Rank.SERVER_NAME,
        meaning=(
            "The exporter connects to a name (or address) that is not among the subjectAltNames of "
            "the backend's certificate. A CN counts for nothing to Go, rustls and Python's HTTP "
            "exporter (Java, Node, grpcio and curl still take it); an address needs an IP SAN."
        ),
        evidence="The reference identifier compared with the presented identifiers (RFC 9525).",
        fix=(
            "Issue a new certificate for the backend at {endpoint} with {reference} among its SANs, and "
            "{put_served}.",
            "{reload_backend}",
            "Or connect by a name that it has: write that one in {endpoint_setting}, or set "
            "server_name_override in a Collector exporter's tls settings to it; then restart the "
            "exporter.",
            "To see its names: openssl s_client -connect {host}:{port} </dev/null | openssl x509 "
            "-noout -ext subjectAltName",
        ),
        tell_apart=(
            "Compare the endpoint's name with the SANs of the backend's certificate: mtls-probe "
            "check ENDPOINT prints both."
        ),
        citations=("RFC 9525 §6", "RFC 6066 §3"),
        applies=SERVER_ENDINGS,
        match=_match_server_name,
    ),
    _declare(
        id="server_name_unrecognized",
        title="The backend serves no such name (SNI)",
        party="exporter",
        rank=Rank.SERVER_NAME,
        alerts=(TlsAlert.UNRECOGNIZED_NAME,),
        meaning=(
            "The TLS server chooses its certificate by the name the client asks for, and has none "
            "for this one: often a load balancer or an ingress without a route for it."
        ),
        evidence=(
            "Alert unrecognized_name (112); or HTTP 421 where the request names another host than "
            "the handshake asked for."
        ),
        fix=request_another_name(),
        tell_apart="With another name it passes: mtls-probe check ENDPOINT --server-name NAME",
        citations=("RFC 6066 §3", "RFC 8446 §6.2 unrecognized_name"),
        applies=frozenset({"alert", "answered"}),
        match=_match_unrecognized,
    ),
    _declare(
        id="client_san_rejected",
        title="The backend does not allow this client's name",
        party="backend",
        rank=Rank.CLIENT_NAME,
        alerts=(TlsAlert.CERTIFICATE_UNKNOWN, TlsAlert.ACCESS_DENIED, TlsAlert.BAD_CERTIFICATE),
        meaning=(
            "The certificate is trusted, valid and made for clients, yet refused: the backend "
            "allows only some names (Envoy match_typed_subject_alt_names, an ACL on the subject, "
            "SPIFFE IDs)."
        ),
        evidence=(
            "access_denied (49) or certificate_unknown (46) with a listed, valid chain of the "
            "right usage; an HTTP 403 from a proxy before the receiver."
        ),
        fix=(
            "On the backend, add the name in {cert_file} to the list of allowed clients, and "
            "reload it.",
            "Or issue the exporter's certificate with a name that is on that list, and put it, followed "
            "by its intermediates, in {into_cert}, and its key in {into_key}.",
            "{reread_cert}",
            "To see its names: openssl x509 -in {cert_file} -noout -ext subjectAltName -subject",
        ),
        tell_apart=(
            "The same files pass at a backend without a list of names. To compare the names with those "
            "that the backend allows: openssl x509 -in CERT -noout -ext subjectAltName"
        ),
        citations=("RFC 8446 §6.2 access_denied", "Envoy CertificateValidationContext"),
        enforce=(
            "On the backend of {endpoint}, or on the proxy in front of it, allow only the names "
            "that are meant to export."
        ),
        applies=frozenset({"alert", "answered"}),
        match=_match_client_name,
    ),
)
