"""TLS and the certificate are proven; the OTLP answer is not success."""

from collections.abc import Callable
from typing import Final

from probe.diagnosis.cause import Cause, Match, Strength
from probe.diagnosis.readings.experiment_results import get_proven_cause
from probe.diagnosis.readings.first_bytes import decode_bytes, name_unexpected_bytes
from probe.diagnosis.readings.grpc_success import (
    describe_grpc_breach,
    is_grpc_answer,
    lacks_message,
)
from probe.diagnosis.readings.observed import find_refusal, is_otlp_answer, is_success
from probe.diagnosis.readings.request_path import find_path_mistake
from probe.diagnosis.readings.storage_texts import is_about_storage
from probe.diagnosis.readings.unreadable_answer import match_unreadable_answer
from probe.model.diagnosis import Party
from probe.model.evidence import Answer, EndingKind, Evidence

_GRPC_NAMES: Final = {
    1: "CANCELLED", 2: "UNKNOWN", 3: "INVALID_ARGUMENT", 4: "DEADLINE_EXCEEDED", 5: "NOT_FOUND",
    6: "ALREADY_EXISTS", 7: "PERMISSION_DENIED", 8: "RESOURCE_EXHAUSTED",
    9: "FAILED_PRECONDITION", 10: "ABORTED", 11: "OUT_OF_RANGE", 12: "UNIMPLEMENTED",
    13: "INTERNAL", 14: "UNAVAILABLE", 15: "DATA_LOSS", 16: "UNAUTHENTICATED",
}  # fmt: skip
_BY_GRPC: Final = {
    4: "otlp_unavailable",
    7: "otlp_permission_denied",
    8: "otlp_throttled",
    12: "otlp_not_served",
    14: "otlp_unavailable",
    16: "otlp_unauthenticated",
}
_BY_HTTP: Final = {
    401: "otlp_unauthenticated",
    403: "otlp_permission_denied",
    408: "otlp_unavailable",
    429: "otlp_throttled",
    502: "otlp_unavailable",
    503: "otlp_unavailable",
    504: "otlp_unavailable",
}
_NOT_FOUND: Final = 404
_NOT_SERVED: Final = frozenset({404, 405, 415})
_CHECK_THE_PATH: Final = (
    "Correct host, port and path of {endpoint_setting}, {endpoint} now: OTLP/HTTP wants /v1/{signal}, which exporters "
    "append to OTEL_EXPORTER_OTLP_ENDPOINT but not to a signal's own variable."
)
_NAME_THE_RECEIVER: Final = (
    "In the Collector behind {endpoint}, name the receiver in service.pipelines for {signal}, and "
    "restart it.",
    f"If the receiver is there, or it is not a Collector: {_CHECK_THE_PATH[0].lower()}"
    f"{_CHECK_THE_PATH[1:]}",
)
_SEND_A_MESSAGE: Final = (
    "Let the backend of {endpoint} answer an Export call with its response message, which may be "
    "empty, before the status: a stand-in of headers alone is not an OTLP backend.",
)
_ENDINGS: Final[frozenset[EndingKind]] = frozenset({"answered", "garbage", "budget"})
_WITH_SUCCESS: Final[frozenset[EndingKind]] = _ENDINGS | {"application_data"}


def kind_of(evidence: Evidence) -> str | None:
    """Return the cause that the answer itself means; None where it is a success.

    gRPC status before HTTP status (gRPC over HTTP/2, "Responses"); HTTP codes by OTLP/HTTP.
    """
    answer = evidence.answer
    if answer is None or is_success(evidence):
        return None
    if is_about_storage(answer, answer.message):
        return "otlp_storage_failure"
    if answer.grpc_status is not None:
        return _BY_GRPC.get(answer.grpc_status, "otlp_rejected")
    status = answer.http_status
    if status in _BY_HTTP:
        return _BY_HTTP[status]
    if 200 <= status < 300 and answer.body_end != "whole":
        return "otlp_rejected"
    grpc = evidence.target.protocol == "grpc"
    if grpc and is_grpc_answer(answer) and 200 <= status < 300:
        return "otlp_rejected"  # the stream ended without its grpc-status
    if 200 <= status < 400 or status in _NOT_SERVED:
        return None if grpc and not 300 <= status < 400 else "otlp_not_served"
    return "otlp_rejected"


def _fact(answer: Answer) -> str:
    if answer.grpc_status is not None:
        name = _GRPC_NAMES.get(answer.grpc_status, "OK" if answer.grpc_status == 0 else "?")
        said = f"gRPC status {answer.grpc_status} {name}"
        if breach := describe_grpc_breach(answer):
            said += f" {breach}"
    else:
        said = f"HTTP {answer.http_status}"
        if answer.content_type:
            said += f" ({answer.content_type})"
        if answer.location:
            said += f", to {answer.location}"
    text = f': "{answer.message}"' if answer.message else ""
    return f"the backend answered the Export request with {said}{text}"


def _match_of(cause: str) -> Callable[[Evidence], Match | None]:
    def match(evidence: Evidence) -> Match | None:
        if evidence.ending.kind != "answered" or find_refusal(evidence) is not None:
            return None
        if kind_of(evidence) != cause:
            return None
        assert evidence.answer is not None
        return Match(Strength.NAMED, (_fact(evidence.answer),))

    return match


def _permission_denied(evidence: Evidence) -> Match | None:
    match = _match_of("otlp_permission_denied")(evidence)
    answer, handshake = evidence.answer, evidence.handshake
    if match is None or answer is None or is_otlp_answer(answer):
        return match
    if handshake is None or not handshake.client_certificate_sent:
        return match
    return Match(
        match.strength,
        match.facts,
        possible=("client_san_rejected",),
        decides="the access rules of the proxy in front of the backend: by token or by certificate",
    )


def _not_served(evidence: Evidence) -> Match | None:
    kind = evidence.ending.kind
    if kind not in {"garbage", "budget"}:
        return _unserved(evidence)
    if (
        evidence.answer is not None
        or evidence.ending.stage == "handshake"
        or get_proven_cause(evidence)
    ):
        return None
    if kind == "budget":
        fact = f"more than {evidence.ending.detail} arrived, and no answer to the request"
        return Match(Strength.NAMED, (fact,))
    if evidence.first_bytes:
        first = name_unexpected_bytes(decode_bytes(evidence.first_bytes))
        return Match(Strength.NAMED, (f"the peer answers the request with {first}",))
    return None


def _unserved(evidence: Evidence) -> Match | None:
    match = _match_of("otlp_not_served")(evidence)
    answer = evidence.answer
    if match is None or answer is None:
        return match
    if (mistake := find_path_mistake(evidence.target)) is not None:
        facts = (*match.facts, mistake.fact)
        return Match(match.strength, facts, fix=mistake.fix, party="exporter")
    if answer.grpc_status is not None or answer.http_status == _NOT_FOUND:
        # A Collector whose pipelines have no such receiver answers so.
        return Match(match.strength, match.facts, fix=_NAME_THE_RECEIVER, party="backend")
    return match


def _storage_failed(evidence: Evidence) -> Match | None:
    answer = evidence.answer
    if answer is not None and _rejects_for_storage(answer) and is_success(evidence):
        return _partial(answer)
    return _match_of("otlp_storage_failure")(evidence)


def _rejects_for_storage(answer: Answer) -> bool:
    return answer.rejected_items > 0 and is_about_storage(answer, answer.partial_message)


def _rejected(evidence: Evidence) -> Match | None:
    answer = evidence.answer
    if evidence.ending.kind in {"garbage", "budget"}:
        return match_unreadable_answer(evidence)
    if answer is not None and evidence.ending.kind == "answered" and is_success(evidence):
        if evidence.target.protocol == "grpc" and lacks_message(answer):
            fact = (
                "the answer is gRPC status OK without a response message: grpc-go 1.84, by which "
                "a Collector exports, takes that for a failure"
            )
            return Match(Strength.FINDING, (fact,), fix=_SEND_A_MESSAGE)
        if answer.body_parses is False:
            return Match(Strength.FINDING, ("the success's body is no OTLP response message",))
        if (answer.partial_message or answer.rejected_items) and not _rejects_for_storage(answer):
            return _partial(answer)
        return None
    return _match_of("otlp_rejected")(evidence)


def _partial(answer: Answer) -> Match:
    count = answer.rejected_items
    words = {0: "nothing rejected, but a warning", 1: "1 item rejected"}
    fact = f"partial success: {words.get(count, f'{count} items rejected')}"
    if answer.partial_message:
        fact += f': "{answer.partial_message}"'
    return Match(Strength.NAMED if answer.rejected_items else Strength.FINDING, (fact,))


def _otlp(
    id_: str,
    title: str,
    *,
    party: Party,
    meaning: str,
    evidence: str,
    fix: tuple[str, ...],
    match: Callable[[Evidence], Match | None] | None = None,
    applies: frozenset[EndingKind] = _ENDINGS,
    explained_by: tuple[str, ...] = ("otlp_protocol_mismatch", "tls_off"),
) -> Cause:
    return Cause(
        id=id_,
        title=title,
        family="otlp",
        party=party,
        severity="critical",
        meaning=meaning,
        evidence=evidence,
        fix=fix,
        citations=("OTLP specification", "gRPC status codes"),
        applies=applies,
        match=match or _match_of(id_),
        explained_by=explained_by,
    )

CAUSES: Final = (
    _otlp(
        id="otlp_storage_failure",
        title="The backend could not write what it received",
        party="backend",
        meaning=(
            "The receiver took the data and its exporter or storage failed: no permission, a "
            "read-only file system, no space left. Beyond TLS, and the next thing that people meet."
        ),
        evidence="The status message of the answer, or of its partial success, speaks of it.",
        fix=(
            "On the backend of {endpoint}, run df -h and ls -ld on the path in its message; free "
            "space there, give its user the right to write, or mount it writable.",
        ),
        tell_apart="TLS passes; the backend's own disk or folder is at fault: df -h and its log.",
        not_printed="every exporter repeats the backend's own message, whatever it is",
        applies=_WITH_SUCCESS,
        match=_storage_failed,
    ),
    _otlp(
        id="otlp_unauthenticated",
        title="The backend wants credentials beside the certificate",
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
            "TLS passes; a header is missing or wrong: mtls-probe check with --depth tls is "
            "confirmed."
        ),
    ),
    _otlp(
        id="otlp_permission_denied",
        title="The backend does not let this client export",
        party="backend",
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
            "TLS passes and the answer is OTLP's own: the backend's authorization rules name who "
            "may export."
        ),
        match=_permission_denied,
        explained_by=("otlp_protocol_mismatch", "tls_off", "client_san_rejected"),
    ),
    _otlp(
        id="otlp_not_served",
        title="What listens there does not serve this OTLP signal",
        party="exporter",
        meaning=(
            "The path or service is unknown: the signal has no pipeline, the path is wrong, or it "
            "is no OTLP receiver at all."
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
            "TLS passes; the backend has no receiver for this signal at this path or service."
        ),
        match=_not_served,
    ),
    _otlp(
        id="otlp_throttled",
        title="The backend is over its limit",
        party="backend",
        meaning="It asks the exporter to slow down or to stop.",
        evidence="gRPC RESOURCE_EXHAUSTED (8) or HTTP 429.",
        fix=(
            "Raise the limits or the quota of the backend at {endpoint}, or send less (in a "
            "Collector: sampling_percentage of the probabilistic_sampler processor).",
        ),
        tell_apart="It passes at another time or with less data; the backend's limits decide.",
    ),
    _otlp(
        id="otlp_unavailable",
        title="The backend is there and can't take data now",
        party="backend",
        meaning="It is starting, stopping, overloaded, or a gateway finds nothing behind it.",
        evidence="gRPC UNAVAILABLE (14) or DEADLINE_EXCEEDED (4), HTTP 502, 503, 504 or 408.",
        fix=(
            "Look at the health of the backend at {endpoint} (a Collector's health_check "
            "extension says it), and at what its gateway forwards to.",
            "A Collector whose memory_limiter refuses data: raise limit_mib, or add a replica.",
        ),
        tell_apart="TLS passes; the backend or what stands behind its proxy is down or overloaded.",
    ),
    _otlp(
        id="otlp_rejected",
        title="The backend rejects the request",
        party="backend",
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
            "TLS passes, and an empty request is accepted: mtls-probe check ENDPOINT is confirmed."
        ),
        applies=_WITH_SUCCESS,
        match=_rejected,
    ),
)
