"""What an OTLP answer shows: a success, a failure, which protocol is served. Pure, of one answer.

Measured with grpc-go 1.84, which the Collector exports by, and grpcio 1.85: a gRPC call with another
content type, or with another HTTP status than 200, fails in the one or in both, whatever its
grpc-status says. Without a response message it fails in grpc-go since 1.7x, and older ones take it:
the backend has accepted who we are and said OK, so that is a finding.
"""

import re
from typing import Final

from probe.diagnosis.cause import Match, Strength
from probe.model.evidence import (
    GRPC_STATUS_NAMES,
    Answer,
    Evidence,
    TargetFacts,
)
from probe.model.media_types import is_grpc_media, is_protobuf_media

NOT_SERVED: Final = frozenset({404, 405, 415})
"""HTTP statuses of a path, method or media type that nothing serves."""

CAUSE_BY_GRPC: Final = {
    4: "otlp_unavailable",
    7: "otlp_permission_denied",
    8: "otlp_throttled",
    12: "otlp_not_served",
    14: "otlp_unavailable",
    16: "otlp_unauthenticated",
}
CAUSE_BY_HTTP: Final = {
    401: "otlp_unauthenticated",
    403: "otlp_permission_denied",
    408: "otlp_unavailable",
    429: "otlp_throttled",
    502: "otlp_unavailable",
    503: "otlp_unavailable",
    504: "otlp_unavailable",
    **dict.fromkeys(
        (*range(520, 528), 530), "otlp_unavailable"
    ),  # Cloudflare's, of what is behind it
}

_OK: Final = 200
_FORBIDDEN: Final = 403
_PERMISSION_DENIED: Final = 7
_DISK: Final = re.compile(
    r"read-only file ?system|no space left|disk quota|disk (is )?full|\bEROFS\b|\bENOSPC\b",
    re.IGNORECASE,
)
_FILE: Final = re.compile(
    r"errno 13\b|os error 13\b|\bEACCES\b|/\S*:? \(?permission denied", re.IGNORECASE
)
"""A file that may not be written, as Python, Rust, Node, and Go and Java say it."""
_DENIED: Final = re.compile(r"permission denied", re.IGNORECASE)
_CONNECTING: Final = re.compile(r"\b(dial|connect)\b", re.IGNORECASE)
_FORBIDDEN_GRPC: Final = frozenset({7, 16})
_FORBIDDEN_HTTP: Final = frozenset({401, 403})
"""Answers that say "permission denied" of the client itself: only a file makes it storage."""


def is_grpc_answer(answer: Answer) -> bool:
    """Whether the answer's media type is gRPC's (gRPC over HTTP/2, "Responses")."""
    return is_grpc_media(answer.content_type)


def is_otlp_answer(answer: Answer) -> bool:
    """Whether the answer came from something that speaks OTLP, and not a proxy before it."""
    if answer.grpc_status is not None or is_protobuf_media(answer.content_type):
        return True
    return answer.content_type.lower().startswith("application/grpc")


def describe_answer(answer: Answer) -> str:
    """Say how the backend answered the request."""
    if answer.grpc_status is not None:
        said = f"gRPC status {answer.grpc_status} {GRPC_STATUS_NAMES.get(answer.grpc_status, '?')}"
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


def is_forbidden(answer: Answer) -> bool:
    """Whether the backend forbids the request to this client: PERMISSION_DENIED, or HTTP 403."""
    if answer.grpc_status is not None:
        return answer.grpc_status == _PERMISSION_DENIED
    return answer.http_status == _FORBIDDEN


def is_success(evidence: Evidence) -> bool:
    """Whether the answer to the request is a success, by gRPC or by OTLP/HTTP."""
    answer = evidence.answer
    return answer is not None and is_successful_answer(evidence.target.protocol, answer)


def is_successful_answer(protocol: str, answer: Answer) -> bool:
    """Whether `answer` is a success to an exporter that speaks `protocol`."""
    if answer.body_end != "whole":
        return False
    if protocol == "grpc":
        return answer.grpc_status == 0 and not describe_grpc_breach(answer)
    if not _is_http_success(answer) or answer.grpc_status is not None:
        return False
    if is_protobuf_media(answer.content_type) or answer.body_parses:
        return True
    return answer.body_empty and not is_grpc_answer(answer)


def describe_grpc_breach(answer: Answer) -> str:
    """Return why an answer of status OK is not a success; empty if it is one, or not of status OK."""
    if answer.grpc_status != 0:
        return ""
    if answer.http_status != _OK:
        return f"with HTTP {answer.http_status}, where gRPC has 200"
    if not is_grpc_answer(answer):
        return f"with the content type {answer.content_type or '(none)'}, which is not gRPC's"
    return ""


def is_page(answer: Answer) -> bool:
    """Whether an OTLP/HTTP port may have answered gRPC so, or any web server without such a route."""
    if answer.over != "h2" or answer.grpc_status is not None:
        return False
    success = _is_http_success(answer) and not is_grpc_answer(answer)
    return success or answer.http_status in NOT_SERVED


def serves_other_protocol(target: TargetFacts, answer: Answer) -> bool | None:
    """Return whether the port serves the OTLP protocol that `target` does not speak.

    None where `answer`, which came to a request in that other protocol, leaves it open. Proxies and
    web servers answer anything, mostly in HTTP/1.1: an error page of theirs says that HTTP is spoken
    there, and nothing about which OTLP protocol is served.
    """
    speaks_grpc = answer.grpc_status is not None or is_grpc_answer(answer)
    if target.protocol == "grpc":
        if speaks_grpc:
            return False
        # Errors of OTLP/HTTP have its media type too.
        served = (
            is_protobuf_media(answer.content_type)
            or answer.body_parses
            or (_is_http_success(answer) and answer.body_empty)
        )
        return True if served else None
    if answer.http_status in NOT_SERVED:
        return False
    # Without TLS the target's own request was HTTP/1.1, upon which this port ended the connection.
    return True if speaks_grpc or (target.plaintext and answer.over == "h2") else None


def is_about_storage(answer: Answer, text: str) -> bool:
    """Return whether `text`, a part of `answer`, speaks of a disk or a file of the backend."""
    if not text or _DISK.search(text):
        return bool(text)
    if _CONNECTING.search(text):
        return False
    if _FILE.search(text):
        return True
    forbidden = answer.grpc_status in _FORBIDDEN_GRPC or (
        answer.grpc_status is None and answer.http_status in _FORBIDDEN_HTTP
    )
    return not forbidden and _DENIED.search(text) is not None


def match_unreadable_answer(evidence: Evidence) -> Match | None:
    """Match a breach of HTTP, or of its bounds, in the answer; None where something else ended it.

    Its status does not prove that the export arrived. Measured: Go's OTLP/HTTP exporter fails on an
    invalid chunk size, an endless chunk extension, a body shorter than its Content-Length and gzip
    without an end, and Python's requests likewise; the Collector's exporter overlooks a body that
    is merely short.
    """
    kind, answer, detail = evidence.ending.kind, evidence.answer, evidence.ending.detail
    if kind not in {"garbage", "budget"} or evidence.first_bytes:
        return None
    if answer is not None:
        what = f"HTTP {answer.http_status} came, and its body can't be read to its end"
        what += f": more than {detail}" if kind == "budget" else f": {detail}"
    elif kind == "garbage":
        what = f"the backend's answer breaks HTTP: {detail}"
    else:
        return None
    return Match(
        Strength.NAMED,
        (what,),
        fix=(
            "Read the log of the backend at {endpoint}, or of the proxy before it: what it sends is "
            "not a complete answer; an exporter treats it as a failure and sends again.",
        ),
    )


def _is_http_success(answer: Answer) -> bool:
    return 200 <= answer.http_status < 300
