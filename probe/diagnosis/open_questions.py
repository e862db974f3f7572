"""Which further connections an attempt calls for, and until when their results hold: pure.

An attempt that ended well with a client certificate asks one thing: whether the backend takes
clients without one, too.
"""

from typing import Final

from probe.diagnosis.readings.backend_decision import is_confirmed
from probe.diagnosis.readings.client_certificate import is_withheld
from probe.diagnosis.readings.experiment_results import has_server_hello
from probe.diagnosis.readings.otlp_answers import is_page
from probe.diagnosis.readings.peer_protocol import decode_bytes, detect_protocol
from probe.model.evidence import Evidence, Handshake, Varied
from probe.model.tls_alerts import TlsAlert, get_fatal_alert
from probe.model.tls_names import is_hybrid

_NEGOTIATION: Final[tuple[Varied, ...]] = (
    "every_version",
    "every_cipher",
    "every_group",
    "every_signature",
    "classic_groups",
    "no_alpn",
    "tls_1.2",
)
_BAD_REQUEST: Final = 400


def choose_experiments(evidence: Evidence) -> tuple[Varied, ...]:
    """Return the variations that would decide what this attempt leaves open, in order."""
    handshake, ending = evidence.handshake, evidence.ending
    if not evidence.peer_address:
        return ()
    if handshake is None:
        return _choose_without_tls(evidence) if evidence.target.plaintext else ()
    if is_confirmed(evidence):
        # At depth tls nothing proves that a client is accepted whom nginx refuses above TLS; but
        # that it is refused, where the exporter itself would send no certificate, counts.
        if not handshake.client_certificate_sent:
            return ()
        decides = evidence.target.depth != "tls" or is_withheld(evidence)
        return ("no_client_certificate",) if decides else ()
    if ending.kind == "alpn" or _is_unanswered_request(evidence) or _is_page_to_grpc(evidence):
        return ("other_protocol",)
    if ending.stage == "handshake" and not has_server_hello(handshake):
        return _choose_before_server_hello(evidence, handshake)
    if not (handshake.client_certificate_requested and handshake.client_certificate_sent):
        return ()
    if ending.kind in {"close", "reset"} and ending.stage != "export":
        return ("no_client_certificate",)
    if ending.kind == "alert" and get_fatal_alert(handshake) == TlsAlert.HANDSHAKE_FAILURE:
        return ("no_client_certificate",)
    return ()


def _choose_before_server_hello(evidence: Evidence, handshake: Handshake) -> tuple[Varied, ...]:
    kind = evidence.ending.kind
    if kind in {"close", "reset"}:
        return (*_vary_negotiation(handshake), "plaintext")
    if kind == "timeout":
        # Without hybrid groups, or with TLS 1.2, a ClientHello is small: it passes a path that drops
        # a large one.
        smaller: tuple[Varied, ...] = ("classic_groups",) if _is_hello_large(handshake) else ()
        return (*smaller, "plaintext", "tls_1.2")
    if kind != "alert":
        return ()
    number = get_fatal_alert(handshake)
    if number == TlsAlert.UNRECOGNIZED_NAME:
        return ()  # it says what is wrong
    if number == TlsAlert.PROTOCOL_VERSION:
        # OpenSSL says so, too, where no key of the server's can sign what TLS 1.3 asks for.
        return ("every_version", "every_signature")
    if number == TlsAlert.NO_APPLICATION_PROTOCOL:
        return ("no_alpn", "other_protocol")
    return _vary_negotiation(handshake)


def _vary_negotiation(handshake: Handshake) -> tuple[Varied, ...]:
    large = _is_hello_large(handshake)
    return tuple(varied for varied in _NEGOTIATION if large or varied != "classic_groups")


def _is_hello_large(handshake: Handshake) -> bool:
    """Whether the ClientHello holds a hybrid group's key, and could do without.

    With it, it is above one TCP segment. Evidence of earlier releases does not say what was sent.
    """
    offer = handshake.offer
    return any(map(is_hybrid, offer.key_shares)) and not all(map(is_hybrid, offer.groups))


def _choose_without_tls(evidence: Evidence) -> tuple[Varied, ...]:
    """Ask a port that took plaintext badly whether it wants TLS, or the other protocol."""
    answer, kind = evidence.answer, evidence.ending.kind
    if kind == "answered" and answer is not None and answer.http_status == _BAD_REQUEST:
        return ("tls",)
    if kind in {"close", "reset", "garbage"} and answer is None:
        return (
            () if detect_protocol(decode_bytes(evidence.first_bytes)) else ("tls", "other_protocol")
        )
    return ()


def _is_unanswered_request(evidence: Evidence) -> bool:
    """Whether a request inside TLS was ended without an answer, and without blaming an identity."""
    return (
        evidence.ending.stage == "export"
        and evidence.ending.kind in {"close", "reset", "garbage"}
        and evidence.answer is None
        and not detect_protocol(decode_bytes(evidence.first_bytes))
    )


def _is_page_to_grpc(evidence: Evidence) -> bool:
    """Whether gRPC was answered as an OTLP/HTTP port does, and a proxy that has no such route."""
    answer = evidence.answer
    return (
        evidence.ending.kind == "answered"
        and evidence.target.protocol == "grpc"
        and answer is not None
        and is_page(answer)
    )


def get_comparable_outcome(evidence: Evidence, varied: tuple[Varied, ...]) -> tuple[object, ...]:
    """Return what must be the same for an earlier round of experiments to hold still.

    `varied` are the variations that `choose_experiments` wants.
    """
    recheck = evidence.recheck
    handshake = evidence.handshake
    return (
        evidence.ending,
        handshake.alerts if handshake else (),
        (recheck.ending, recheck.handshake.alerts) if recheck else None,
        evidence.credentials.generation,
        varied,
    )
