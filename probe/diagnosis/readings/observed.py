"""Readings of the evidence that several causes share: pure functions of one `Evidence`.

Law 7: what is expired or not yet valid is judged at `Evidence.at`, never by a clock read here.
"""

import re
from dataclasses import dataclass
from typing import Final

from probe.diagnosis.readings.clock_readings import (
    does_backend_clock_agree,
    find_clock_outside_validity,
)
from probe.diagnosis.readings.experiment_results import (
    ends_same_without_certificate,
    ends_with_alert,
)
from probe.diagnosis.readings.grpc_success import is_grpc_answer, is_grpc_success
from probe.diagnosis.readings.plaintext_to_tls import prove_tls_port
from probe.model.certificate import CertificateFacts, LocatedCertificate
from probe.model.evidence import Answer, Evidence, Handshake, VerifyError
from probe.model.tls_alerts import TlsAlert
from probe.text.time_format import DAY
from probe.x509 import validity
from probe.x509.usages import allows_usage, may_sign_handshake

EDGE: Final = 7 * DAY
"""How near a validity's edge must be for a clock that differs to be a candidate (causes.md)."""

REFUSAL_ALERTS: Final = frozenset(
    {
        *range(TlsAlert.HANDSHAKE_FAILURE, TlsAlert.DECRYPT_ERROR + 1),
        TlsAlert.INTERNAL_ERROR,
        TlsAlert.BAD_CERTIFICATE_HASH_VALUE,
        TlsAlert.CERTIFICATE_REQUIRED,
    }
)
"""The alerts that refuse a client certificate (interfaces.md, section 3)."""

_CERTIFICATE_TEXT: Final = re.compile(
    r"(ssl|tls|client)[ -]certificate|certificate (error|required|verif)", re.IGNORECASE
)
_OTLP_MEDIA: Final = ("application/grpc", "application/x-protobuf")
_REFUSES: Final = frozenset({"alert", "close", "reset", "answered"})
_BAD_REQUEST: Final = 400
_COMMON_KEYS: Final = frozenset({"", "RSA", "EC"})

NOT_YET_VALID_ERROR: Final = 9
"""X509_V_ERR_CERT_NOT_YET_VALID."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """That the backend refused us over the client certificate, or over its absence."""

    sent: bool
    alert: int | None
    """The alert's number; None where the backend closed or answered HTTP 400."""
    listed: bool | None
    """Whether the acceptable-CA list names an issuer of our chain; None without a list."""
    fact: str


def find_refusal(evidence: Evidence) -> Refusal | None:
    """Return the refusal that ended the attempt; None where something else did."""
    handshake = evidence.handshake
    if handshake is None or not handshake.client_certificate_requested:
        return None
    kind = evidence.ending.kind
    if kind not in _REFUSES:
        return None
    if kind == "answered" and evidence.answer and evidence.answer.http_status != _BAD_REQUEST:
        return None
    sent = handshake.client_certificate_sent
    listed = is_issuer_listed(evidence)
    if kind == "alert":
        number = get_fatal_alert(handshake)
        if number not in REFUSAL_ALERTS:
            return None
        fact = f"the backend sent alert {format_alert(handshake, number)}"
        return Refusal(sent=sent, alert=number, listed=listed, fact=fact)
    if kind in {"close", "reset"}:
        if evidence.ending.stage == "export":
            return None  # an end in words of HTTP: RST_STREAM, or a GOAWAY that drops the request
        number = _rechecked_alert(evidence)
        how = "reset" if kind == "reset" else "closed"
        when = "during" if evidence.ending.stage == "handshake" else "after"
        fact = f"the backend {how} the connection {when} the handshake, without an alert"
        if number is not None:
            assert evidence.recheck is not None
            said = format_alert(evidence.recheck.handshake, number)
            fact += f"; asked again at TLS 1.2 it sent alert {said}"
        return Refusal(sent=sent, alert=number, listed=listed, fact=fact)
    if kind == "answered" and is_refusal_by_http(evidence, listed):
        assert evidence.answer is not None
        said = f': "{evidence.answer.message}"' if evidence.answer.message else ""
        fact = f"the backend answered HTTP 400 after a finished handshake{said}"
        return Refusal(sent=sent, alert=None, listed=listed, fact=fact)
    return None


def is_refusal_by_http(evidence: Evidence, listed: bool | None) -> bool:
    """Whether an HTTP 400 is about the certificate (nginx judges it above TLS)."""
    answer = evidence.answer
    handshake = evidence.handshake
    if answer is None or handshake is None or answer.http_status != _BAD_REQUEST:
        return False
    if answer.grpc_status is not None or not handshake.client_certificate_requested:
        return False
    if not handshake.client_certificate_sent:
        return True
    return (
        _CERTIFICATE_TEXT.search(answer.message) is not None
        or listed is False
        or find_outside_validity(evidence) is not None
        or find_clock_outside_validity(evidence) is not None
        or describe_usage_fault(evidence) != ""
    )


def get_fatal_alert(handshake: Handshake) -> int | None:
    """Return the number of the last fatal alert received."""
    for alert in reversed(handshake.alerts):
        if alert.direction == "received" and alert.level == "fatal":
            return alert.number
    return None


def get_sent_alert(handshake: Handshake) -> int | None:
    """Return the number of the last fatal alert that our own TLS library sent."""
    for alert in reversed(handshake.alerts):
        if alert.direction == "sent" and alert.level == "fatal":
            return alert.number
    return None


def format_alert(handshake: Handshake, number: int | None) -> str:
    """Return `unknown_ca (48)` for an alert of this handshake."""
    for alert in handshake.alerts:
        if alert.number == number:
            return f"{alert.name} ({alert.number})"
    return str(number)


def _rechecked_alert(evidence: Evidence) -> int | None:
    recheck = evidence.recheck
    if recheck is None or not recheck.handshake.client_certificate_requested:
        return None
    number = get_fatal_alert(recheck.handshake)
    return number if number in REFUSAL_ALERTS else None


def is_issuer_listed(evidence: Evidence) -> bool | None:
    """Whether the acceptable-CA list names an issuer of the chain we send; None without a list.

    As Go compares (tls.CertificateRequestInfo.SupportsCertificate): raw names of every issuer.
    """
    handshake = evidence.handshake
    chain = evidence.credentials.client_chain
    if handshake is None or not handshake.acceptable_cas or not chain:
        return None
    listed = {name.digest for name in handshake.acceptable_cas}
    return any(certificate.issuer.digest in listed for certificate in chain)


def find_outside_validity(evidence: Evidence) -> CertificateFacts | None:
    """Return the first certificate we send whose validity does not hold at the attempt's time."""
    return validity.find_invalid(evidence.credentials.client_chain, evidence.at)


def find_expired(evidence: Evidence) -> CertificateFacts | None:
    """Return the first certificate we send whose notAfter is past."""
    return validity.find_expired(evidence.credentials.client_chain, evidence.at)


def find_not_yet_valid(evidence: Evidence) -> CertificateFacts | None:
    """Return the first certificate we send whose notBefore is in the future."""
    return validity.find_not_yet_valid(evidence.credentials.client_chain, evidence.at)


def describe_usage_fault(evidence: Evidence) -> str:
    """Say why the end entity is no client certificate by its extendedKeyUsage; empty if it is."""
    chain = evidence.credentials.client_chain
    if not chain or allows_usage(chain[0], "clientAuth"):
        return ""
    usages = ", ".join(chain[0].extended_key_usage or ()) or "empty"
    return f"its extendedKeyUsage is {usages}, without clientAuth"


def describe_key_usage_fault(evidence: Evidence) -> str:
    """Say why the end entity may not sign a handshake by its keyUsage; empty if it may."""
    chain = evidence.credentials.client_chain
    if not chain or may_sign_handshake(chain[0]):
        return ""
    usages = ", ".join(chain[0].key_usage or ()) or "empty"
    return f"its keyUsage is {usages}, without digitalSignature"


def find_expired_issuer(evidence: Evidence) -> LocatedCertificate | None:
    """Return the first issuer at hand, beyond what we send, whose notAfter is past."""
    return next(
        (
            one
            for one in evidence.credentials.unsent_issuers
            if validity.is_expired(one.certificate, evidence.at)
        ),
        None,
    )


def may_lack_intermediate(evidence: Evidence) -> bool:
    """Whether the chain we send may be short of an issuer: what is at hand ends below a root."""
    chain, beyond = evidence.credentials.client_chain, evidence.credentials.unsent_issuers
    if not chain:
        return False
    return not (beyond[-1].certificate if beyond else chain[-1]).self_signed


def has_uncommon_key(evidence: Evidence) -> bool:
    """Whether our key is of a kind (Ed25519, say) that not every backend takes signatures of."""
    chain = evidence.credentials.client_chain
    return bool(chain) and chain[0].key_type not in _COMMON_KEYS


def list_possible_causes(evidence: Evidence, refused: Refusal) -> tuple[str, ...]:
    """Return the causes that a refusal which names no reason leaves possible (causes.md)."""
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


def is_near_validity_edge(evidence: Evidence) -> bool:
    """Whether a certificate we send began or ends within seven days of the attempt."""
    return any(
        0 <= evidence.at - certificate.not_before < EDGE
        or 0 <= certificate.not_after - evidence.at < EDGE
        for certificate in evidence.credentials.client_chain
    )


def get_unverified_handshake(evidence: Evidence) -> Handshake | None:
    """Return the handshake where an exporter would have stopped over the server's certificate."""
    handshake = evidence.handshake
    if handshake is None or not handshake.server_chain:
        return None
    if handshake.server_verified or evidence.target.insecure_skip_verify:
        return None
    return handshake


def find_judged_certificate(
    evidence: Evidence, handshake: Handshake, error: VerifyError
) -> CertificateFacts | None:
    """Return the certificate that an error is about: sent, or an anchor of ours.

    The path that OpenSSL built may leave out or reorder what was sent, so the one at its depth
    comes first and then whichever is outside its dates in the same way.
    """
    sent = handshake.server_chain
    candidates = (*sent[error.depth : error.depth + 1], *evidence.credentials.ca_bundle, *sent)
    early = error.code == NOT_YET_VALID_ERROR
    find = validity.find_not_yet_valid if early else validity.find_expired
    return find(candidates, evidence.at)


def is_otlp_answer(answer: Answer) -> bool:
    """Whether the answer came from something that speaks OTLP, and not a proxy before it."""
    return answer.grpc_status is not None or answer.content_type.lower().startswith(_OTLP_MEDIA)


def is_success(evidence: Evidence) -> bool:
    """Whether the answer to the request is a success (interfaces.md, section 3, Answers)."""
    answer = evidence.answer
    if answer is None or answer.body_end != "whole":
        return False
    if evidence.target.protocol == "grpc":
        return is_grpc_success(answer)
    if not 200 <= answer.http_status < 300 or answer.grpc_status is not None:
        return False
    media = answer.content_type.split(";", 1)[0].strip().lower()
    return media == "application/x-protobuf" or (answer.body_empty and not is_grpc_answer(answer))


def is_confirmed(evidence: Evidence) -> bool:
    """Whether the attempt proves that the backend lets us in.

    At depth tls whatever arrives does, unless a port says that it was sent plaintext.
    """
    kind = evidence.ending.kind
    if kind == "application_data":
        return not prove_tls_port(evidence)
    return kind == "answered" and is_success(evidence)


def is_unanswered(evidence: Evidence) -> bool:
    """Whether everything went well but for an answer that never came."""
    return evidence.ending.kind == "timeout" and evidence.ending.stage in {"accept", "export"}
