"""TLS and the certificate are proven; the OTLP answer is not success."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from probe.diagnosis.cause import Cause, Match, Rank, Strength
from probe.diagnosis.readings.backend_decision import (
    NOT_SENT,
    WITH_CERTIFICATE,
    find_refusal,
    lacks_requested_certificate,
)
from probe.diagnosis.readings.client_certificate import is_issuer_listed
from probe.diagnosis.readings.experiment_results import get_proven_cause
from probe.diagnosis.readings.otlp_answers import (
    CAUSE_BY_GRPC,
    CAUSE_BY_HTTP,
    NOT_SERVED,
    describe_answer,
    is_about_storage,
    is_grpc_answer,
    is_otlp_answer,
    is_success,
    match_unreadable_answer,
)
from probe.diagnosis.readings.peer_protocol import decode_bytes, name_unexpected_bytes
from probe.diagnosis.readings.request_path import find_path_mistake
from probe.model.evidence import Answer, EndingKind, Evidence

_NOT_FOUND: Final = 404
_NAME_THE_RECEIVER: Final = (
    "In the Collector behind {endpoint}, name the receiver in service.pipelines for {signal}, and "
    "restart it.",
    "If the receiver is there, or it is not a Collector: correct host, port and path of "
    "{endpoint_setting}, {endpoint} now: OTLP/HTTP wants /v1/{signal}, which exporters append to "
    "OTEL_EXPORTER_OTLP_ENDPOINT but not to a signal's own variable.",
)
_SEND_A_MESSAGE: Final = (
    "Let the backend of {endpoint} answer an Export call with its response message, which may be "
    "empty, before the status: a stand-in of headers alone is not an OTLP backend.",
)
_EXPLAINED_BY: Final = ("otlp_protocol_mismatch", "tls_off")
_ENDINGS: Final[frozenset[EndingKind]] = frozenset({"answered", "garbage", "budget"})
_WITH_SUCCESS: Final[frozenset[EndingKind]] = _ENDINGS | {"application_data"}


def _get_cause(evidence: Evidence) -> str | None:
    """Return the cause that the answer itself means; None where it is a success.

    gRPC status before HTTP status (gRPC over HTTP/2, "Responses"); HTTP codes by OTLP/HTTP.
    """
    answer = evidence.answer
    if answer is None or is_success(evidence):
        return None
    if is_about_storage(answer, answer.message):
        return "otlp_storage_failure"
    if answer.grpc_status is not None:
        return CAUSE_BY_GRPC.get(answer.grpc_status, "otlp_rejected")
    status = answer.http_status
    if status in CAUSE_BY_HTTP:
        return CAUSE_BY_HTTP[status]
    success, grpc = 200 <= status < 300, evidence.target.protocol == "grpc"
    if success and answer.body_end != "whole":
        return "otlp_rejected"
    if success and grpc and is_grpc_answer(answer):
        return "otlp_rejected"  # the stream ended without its grpc-status
    if 200 <= status < 400 or status in NOT_SERVED:
        return "otlp_not_served"
    return "otlp_rejected"


def _match_status(cause: str) -> Callable[[Evidence], Match | None]:
    """Return the match function of a cause that the status of the answer names."""

    def match(evidence: Evidence) -> Match | None:
        if evidence.ending.kind != "answered" or find_refusal(evidence) is not None:
            return None
        if evidence.answer is None or _get_cause(evidence) != cause:
            return None
        return Match(Strength.NAMED, (describe_answer(evidence.answer),))

    return match


def _match_denied(evidence: Evidence) -> Match | None:
    match = _match_status("otlp_permission_denied")(evidence)
    answer, handshake = evidence.answer, evidence.handshake
    if match is None or answer is None or handshake is None:
        return match
    if lacks_requested_certificate(evidence):
        return _add_missing_certificate(match)
    if is_otlp_answer(answer) or not handshake.client_certificate_sent:
        return match
    untrusted = ("client_ca_untrusted",) if is_issuer_listed(evidence) is False else ()
    return replace(
        match,
        possible=("client_san_rejected", *untrusted),
        decides="the access rules of the proxy in front of the backend: by token or by certificate",
    )


def _match_unauthenticated(evidence: Evidence) -> Match | None:
    match = _match_status("otlp_unauthenticated")(evidence)
    if match is None or evidence.answer is None:
        return match
    if lacks_requested_certificate(evidence):
        return _add_missing_certificate(match)
    if is_otlp_answer(evidence.answer) or is_issuer_listed(evidence) is not False:
        return match
    return replace(
        match,
        possible=("client_ca_untrusted",),
        decides="whether the proxy in front of the backend answers 401 for a token or a certificate",
    )


def _add_missing_certificate(match: Match) -> Match:
    return replace(
        match,
        facts=(*match.facts, NOT_SENT),
        possible=("client_cert_not_sent",),
        decides=WITH_CERTIFICATE,
    )


def _match_not_served(evidence: Evidence) -> Match | None:
    ending = evidence.ending
    if ending.kind not in {"garbage", "budget"}:
        return _match_wrong_path(evidence)
    if evidence.answer is not None or ending.stage == "handshake" or get_proven_cause(evidence):
        return None
    if ending.kind == "budget":
        fact = f"more than {ending.detail} arrived, and no answer to the request"
        return Match(Strength.NAMED, (fact,))
    if evidence.first_bytes:
        first = name_unexpected_bytes(decode_bytes(evidence.first_bytes))
        return Match(Strength.NAMED, (f"the peer answers the request with {first}",))
    return None


def _match_wrong_path(evidence: Evidence) -> Match | None:
    match = _match_status("otlp_not_served")(evidence)
    answer = evidence.answer
    if match is None or answer is None or get_proven_cause(evidence):
        return None
    if (mistake := find_path_mistake(evidence.target)) is not None:
        fact, fix = mistake
        return replace(match, facts=(*match.facts, fact), fix=fix, party="exporter")
    if answer.grpc_status is not None or answer.http_status == _NOT_FOUND:
        # A Collector whose pipelines have no such receiver answers so.
        return replace(match, fix=_NAME_THE_RECEIVER, party="backend")
    return match


def _match_storage(evidence: Evidence) -> Match | None:
    answer = evidence.answer
    if answer is not None and _rejects_for_storage(answer) and is_success(evidence):
        return _match_partial(answer)
    return _match_status("otlp_storage_failure")(evidence)


def _rejects_for_storage(answer: Answer) -> bool:
    return answer.rejected_items > 0 and is_about_storage(answer, answer.partial_message)


def _match_rejected(evidence: Evidence) -> Match | None:
    answer, kind = evidence.answer, evidence.ending.kind
    if kind in {"garbage", "budget"}:
        return match_unreadable_answer(evidence)
    if answer is None or kind != "answered" or not is_success(evidence):
        return _match_status("otlp_rejected")(evidence)
    # Without a response message: gRPC over HTTP/2, "Trailers-Only".
    if evidence.target.protocol == "grpc" and answer.body_parses is None:
        fact = (
            "the answer is gRPC status OK without a response message: grpc-go 1.84, by which a "
            "Collector exports, takes that for a failure"
        )
        return Match(Strength.FINDING, (fact,), fix=_SEND_A_MESSAGE)
    if answer.body_parses is False:
        fact = "the success's body is not a valid OTLP response message"
        return Match(Strength.FINDING, (fact,))
    if (answer.partial_message or answer.rejected_items) and not _rejects_for_storage(answer):
        return _match_partial(answer)
    return None


def _match_partial(answer: Answer) -> Match:
    count = answer.rejected_items
    said = {0: "nothing rejected, but a warning", 1: "1 item rejected"}
    fact = f"partial success: {said.get(count, f'{count} items rejected')}"
    if answer.partial_message:
        fact += f': "{answer.partial_message}"'
    return Match(Strength.NAMED if count else Strength.FINDING, (fact,))


_declare: Final = partial(
    Cause,
    family="otlp",
    party="backend",
    rank=Rank.OTLP_ANSWER,
    citations=("OTLP specification", "gRPC status codes"),
    applies=_ENDINGS,
    explained_by=_EXPLAINED_BY,
)
"""What the causes here have in common, unless one says otherwise."""

CAUSES: Final = (
    _declare(
        id="otlp_storage_failure",
        title="The backend could not write what it received",
        meaning=(
            "The receiver took the data and its exporter or storage failed: no permission, a "
            "read-only file system, no space left. Beyond TLS, and the next thing that people meet."
        ),
        evidence="The status message of the answer, or of its partial success, names it.",
        fix=(
            "On the backend of {endpoint}, look at the folder that its message names (df -h, ls -ld): "
            "free space there, give its user the right to write, or mount it writable.",
        ),
        tell_apart=(
            "TLS works; the backend's own disk or folder is at fault, as its log says. To see its disks: "
            "df -h"
        ),
        not_printed="every exporter repeats the backend's own message, whatever it is",
        applies=_WITH_SUCCESS,
        match=_match_storage,
    ),
    _declare(
        id="otlp_unauthenticated",
        title="The backend wants credentials in addition to the certificate",
        party="exporter",
        meaning=(
            "The TLS connection and certificate are fine; a token or password is missing or wrong."
        ),
        evidence="gRPC UNAUTHENTICATED (16) or HTTP 401.",
        fix=(
            "Set {headers_setting}, with authorization among them, or auth in a Collector "
            "exporter's settings, to the token or password that the backend of {endpoint} demands.",
            "{restart}",
        ),
        tell_apart=(
            "TLS works and a header is missing or wrong, so this is confirmed: mtls-probe check ENDPOINT "
            "--depth tls"
        ),
        match=_match_unauthenticated,
    ),
    _declare(
        id="otlp_permission_denied",
        title="The backend does not let this client export",
        meaning=(
            "Who we are is known and accepted by TLS, and the backend's rules forbid the request."
        ),
        evidence="gRPC PERMISSION_DENIED (7) or HTTP 403.",
        fix=(
            "On the backend of {endpoint}, grant this client the right to write in its access "
            "rules.",
            "Or set another token in {headers_setting}, and restart the exporter.",
        ),
        tell_apart=(
            "TLS works and the answer is OTLP's own: the backend's authorization rules name who "
            "may export."
        ),
        match=_match_denied,
        explained_by=(
            *_EXPLAINED_BY,
            "client_cert_by_renegotiation",
            "client_cert_not_sent",
            "client_san_rejected",
        ),
    ),
    _declare(
        id="otlp_not_served",
        title="What listens there does not serve this OTLP signal",
        party="exporter",
        meaning=(
            "The path or service is unknown: the signal has no pipeline, the path is wrong, or it "
            "is not an OTLP receiver at all."
        ),
        evidence=(
            "gRPC UNIMPLEMENTED (12), HTTP 404, 405 or 415, a redirect, or a success of another "
            "type."
        ),
        fix=(
            "Correct host, port and path of {endpoint_setting}, {endpoint} now: OTLP/HTTP wants "
            "/v1/{signal}, which exporters append to OTEL_EXPORTER_OTLP_ENDPOINT but not to a "
            "signal's own variable.",
            "{restart}",
        ),
        tell_apart=(
            "TLS works; the backend has no receiver for this signal at this path or service."
        ),
        match=_match_not_served,
    ),
    _declare(
        id="otlp_throttled",
        title="The backend is over its limit",
        meaning="It asks the exporter to slow down or to stop.",
        evidence="gRPC RESOURCE_EXHAUSTED (8) or HTTP 429.",
        fix=(
            "Raise the limits or the quota of the backend at {endpoint}, or send less (in a "
            "Collector: sampling_percentage of the probabilistic_sampler processor).",
        ),
        tell_apart="It passes at another time or with less data; the backend's limits decide.",
        match=_match_status("otlp_throttled"),
    ),
    _declare(
        id="otlp_unavailable",
        title="The backend is there and can't take data now",
        meaning="It is starting, stopping, overloaded, or a gateway finds nothing behind it.",
        evidence="gRPC UNAVAILABLE (14) or DEADLINE_EXCEEDED (4), HTTP 502, 503, 504 or 408, or "
        "Cloudflare's 520 to 530.",
        fix=(
            "Look at the health of the backend at {endpoint} (a Collector's health_check "
            "extension says it), and at what its gateway forwards to.",
            "A Collector whose memory_limiter refuses data: raise limit_mib, or add a replica.",
        ),
        tell_apart="TLS works; the backend, or the server behind its proxy, is down or overloaded.",
        match=_match_status("otlp_unavailable"),
    ),
    _declare(
        id="otlp_rejected",
        title="The backend rejects the request",
        meaning="The answer is an error that is neither of identity, nor of load, nor of the path.",
        evidence=(
            "Another gRPC status, another HTTP code, items rejected in a partial success, or a "
            "success whose body can't be read to its end."
        ),
        fix=(
            "Read the message in the answer and the log of the backend at {endpoint}; a Collector "
            "says more with service.telemetry.logs.level set to debug.",
        ),
        tell_apart=(
            "TLS works, and an empty request is accepted: mtls-probe check ENDPOINT is confirmed."
        ),
        applies=_WITH_SUCCESS,
        explained_by=(*_EXPLAINED_BY, "server_name_unrecognized"),
        match=_match_rejected,
    ),
)
