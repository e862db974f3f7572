"""What the backend decided: whether it accepted the exporter, refused it, or left that open. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from probe.diagnosis.cause import REFUSAL_ENDINGS, Match, Strength
from probe.diagnosis.readings.client_certificate import (
    describe_usage_fault,
    has_uncommon_key,
    is_issuer_listed,
    is_near_validity_edge,
    is_path_listed,
    may_lack_intermediate,
)
from probe.diagnosis.readings.clock_readings import (
    does_backend_clock_agree,
    find_clock_outside_validity,
)
from probe.diagnosis.readings.experiment_results import (
    ends_same_without_certificate,
    ends_with_alert,
)
from probe.diagnosis.readings.otlp_answers import is_otlp_answer, is_success
from probe.diagnosis.readings.peer_protocol import prove_tls_port
from probe.model.evidence import Evidence
from probe.model.tls_alerts import TlsAlert, format_alert, get_fatal_alert
from probe.x509.validity import find_invalid

REFUSAL_ALERTS: Final = frozenset(
    {
        *range(TlsAlert.HANDSHAKE_FAILURE, TlsAlert.DECRYPT_ERROR + 1),
        TlsAlert.INTERNAL_ERROR,
        TlsAlert.BAD_CERTIFICATE_HASH_VALUE,
        TlsAlert.CERTIFICATE_REQUIRED,
    }
)
"""The alerts that refuse a client certificate."""

_CERTIFICATE_TEXT: Final = re.compile(
    r"(ssl|tls|client)[ -]certificate|certificate (error|required|verif)", re.IGNORECASE
)
NOT_SENT: Final = "the backend asked for a client certificate and none was sent: none is configured"
WITH_CERTIFICATE: Final = "an attempt with a client certificate, or the backend's access rules"

_BAD_REQUEST: Final = 400
_FORBIDDEN: Final = 403


@dataclass(frozen=True, slots=True)
class Refusal:
    """That the backend refused us over the client certificate, or over its absence."""

    sent: bool
    alert: int | None
    """The alert's number; None where the backend closed or answered in HTTP."""
    listed: bool | None
    """Whether the acceptable-CA list names an issuer of our chain; None without a list."""
    fact: str


def is_confirmed(evidence: Evidence) -> bool:
    """Whether the attempt proves that the backend accepts us.

    At depth tls whatever arrives does, unless a port says that it was sent plaintext.
    """
    kind = evidence.ending.kind
    if kind == "application_data":
        return not prove_tls_port(evidence)
    return kind == "answered" and is_success(evidence)


def is_unanswered(evidence: Evidence) -> bool:
    """Whether everything went well but for an answer that never came."""
    return evidence.ending.kind == "timeout" and evidence.ending.stage in {"accept", "export"}


def find_refusal(evidence: Evidence) -> Refusal | None:
    """Return the refusal that ended the attempt; None where something else did."""
    handshake, ending = evidence.handshake, evidence.ending
    if handshake is None or not handshake.client_certificate_requested:
        return None
    if ending.kind not in REFUSAL_ENDINGS:
        return None
    number = None
    if ending.kind == "alert":
        number = get_fatal_alert(handshake)
        if number not in REFUSAL_ALERTS:
            return None
        fact = f"the backend sent alert {format_alert(number)}"
    elif ending.kind == "answered":
        if not _is_refusal_by_http(evidence):
            return None
        assert evidence.answer is not None
        said = f': "{evidence.answer.message}"' if evidence.answer.message else ""
        status = evidence.answer.http_status
        fact = f"the backend answered HTTP {status} after a finished handshake{said}"
    elif ending.stage == "export":
        return None  # an end by means of HTTP: RST_STREAM, or a GOAWAY that drops the request
    else:
        how = "reset" if ending.kind == "reset" else "closed"
        when = "during" if ending.stage == "handshake" else "after"
        fact = f"the backend {how} the connection {when} the handshake, without an alert"
        number = _get_rechecked_alert(evidence)
        if number is not None:
            fact += f"; asked again at TLS 1.2 it sent alert {format_alert(number)}"
    return Refusal(
        sent=handshake.client_certificate_sent,
        alert=number,
        listed=is_path_listed(evidence),
        fact=fact,
    )


def lacks_requested_certificate(evidence: Evidence) -> bool:
    """Whether the backend asked for a client certificate, and the exporter has none to send."""
    handshake = evidence.handshake
    return (
        handshake is not None
        and handshake.client_certificate_requested
        and not handshake.client_certificate_sent
        and not evidence.target.client_certificate_configured
    )


def match_received_alert(evidence: Evidence, number: TlsAlert) -> Match | None:
    """Match the alert `number` where it ended the attempt and refused no certificate."""
    handshake = evidence.handshake
    if handshake is None or evidence.ending.kind != "alert" or find_refusal(evidence) is not None:
        return None
    if get_fatal_alert(handshake) != number:
        return None
    return Match(Strength.NAMED, (f"the backend sent alert {format_alert(number)}",))


def list_possible_causes(evidence: Evidence, refused: Refusal) -> tuple[str, ...]:
    """Return the causes that a refusal without a reason leaves possible."""
    possible = ["client_ca_untrusted", "client_san_rejected", "client_cert_revoked"]
    if refused.listed is not True and may_lack_intermediate(evidence):
        possible.append("client_chain_incomplete")
    if refused.alert == TlsAlert.INTERNAL_ERROR:
        possible.append("backend_fault")
    # The same alert without a certificate: our library may have withheld it, as its key can sign
    # with nothing that the backend accepts.
    withheld = refused.alert == TlsAlert.HANDSHAKE_FAILURE and ends_with_alert(
        evidence, "no_client_certificate", TlsAlert.HANDSHAKE_FAILURE
    )
    if withheld or has_uncommon_key(evidence):
        possible.append("no_shared_signature_algorithm")
    if is_near_validity_edge(evidence) and not does_backend_clock_agree(evidence):
        possible.append("clock_skew")
    if refused.alert is None and ends_same_without_certificate(evidence):
        reset = evidence.ending.kind == "reset"
        possible.append("connection_reset" if reset else "connection_closed")
    return tuple(possible)


def _is_refusal_by_http(evidence: Evidence) -> bool:
    """Whether an HTTP 400 or 403 is about the certificate.

    nginx judges it above TLS and answers 400; what only looks at that judgement (nginx's
    ssl_client_verify, httpd's ssl-verify-client) answers 403, as it also does without a token.
    """
    answer, handshake = evidence.answer, evidence.handshake
    if answer is None or handshake is None or answer.grpc_status is not None:
        return False
    if answer.http_status == _FORBIDDEN:
        if is_otlp_answer(answer) or evidence.target.header_names:
            return False
        return handshake.client_certificate_sent and _has_proven_fault(evidence)
    if answer.http_status != _BAD_REQUEST:
        return False
    if not handshake.client_certificate_sent:
        return True
    return _CERTIFICATE_TEXT.search(answer.message) is not None or _has_proven_fault(evidence)


def _has_proven_fault(evidence: Evidence) -> bool:
    """Whether our own files, or the backend's list, show what is wrong with the certificate."""
    return (
        is_issuer_listed(evidence) is False
        or find_invalid(evidence.credentials.client_chain, evidence.at) is not None
        or find_clock_outside_validity(evidence) is not None
        or describe_usage_fault(evidence) != ""
    )


def _get_rechecked_alert(evidence: Evidence) -> int | None:
    recheck = evidence.recheck
    if recheck is None or not recheck.handshake.client_certificate_requested:
        return None
    number = get_fatal_alert(recheck.handshake)
    return number if number in REFUSAL_ALERTS else None
