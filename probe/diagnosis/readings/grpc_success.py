"""What makes a gRPC answer a success: status OK in a gRPC response of HTTP 200.

Measured with grpc-go 1.84, which the Collector exports by, and grpcio 1.85: with another content
type, or with another HTTP status than 200, a call fails in the one or in both, whatever its
grpc-status says. Without a response message it fails in grpc-go since 1.7x, and older ones take it:
the backend has accepted who we are and said OK, so that is a finding.
"""

from typing import Final

from probe.model.evidence import Answer, is_grpc_media

_OK: Final = 200


def is_grpc_answer(answer: Answer) -> bool:
    """Whether the answer's media type is gRPC's (gRPC over HTTP/2, "Responses")."""
    return is_grpc_media(answer.content_type)


def is_grpc_success(answer: Answer) -> bool:
    """Whether the answer to a unary call says OK, as a gRPC response."""
    return answer.grpc_status == 0 and not describe_grpc_breach(answer)


def describe_grpc_breach(answer: Answer) -> str:
    """Return why an answer of status OK is not a success; empty if it is one, or not of status OK."""
    if answer.grpc_status != 0:
        return ""
    if answer.http_status != _OK:
        return f"with HTTP {answer.http_status}, where gRPC has 200"
    if not is_grpc_answer(answer):
        return f"with the content type {answer.content_type or '(none)'}, which is not gRPC's"
    return ""


def lacks_message(answer: Answer) -> bool:
    """Whether a success has no response message (gRPC over HTTP/2, "Trailers-Only")."""
    return is_grpc_success(answer) and answer.body_parses is None
