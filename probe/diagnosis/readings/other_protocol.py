"""What an answer to the other OTLP protocol's request shows: pure readings of one answer.

Proxies and web servers answer anything, in HTTP/1.1 as a rule: an error page of theirs says that
HTTP is spoken there, and nothing about which OTLP protocol is served.
"""

from probe.diagnosis.readings.grpc_success import is_grpc_answer
from probe.model.evidence import Answer, TargetFacts

_OTLP_MEDIA = "application/x-protobuf"
_NOT_SERVED = frozenset({404, 405, 415})


def serves_other_protocol(target: TargetFacts, answer: Answer) -> bool | None:
    """Return whether the port serves the OTLP protocol that `target` does not speak.

    None where `answer`, which came to a request in that other protocol, leaves it open.
    """
    if target.protocol == "grpc":
        return _serves_http(answer)
    return _serves_grpc(target, answer)


def _serves_http(answer: Answer) -> bool | None:
    """Read the answer to an OTLP/HTTP request without the target's headers."""
    if answer.grpc_status is not None or is_grpc_answer(answer):
        return False
    media = answer.content_type.partition(";")[0].strip().lower()
    if media == _OTLP_MEDIA:
        return True  # errors of OTLP/HTTP have this type too
    success = 200 <= answer.http_status < 300
    return True if success and answer.body_empty else None


def _serves_grpc(target: TargetFacts, answer: Answer) -> bool | None:
    """Read the answer to a gRPC request without the target's headers."""
    if answer.http_status in _NOT_SERVED:
        return False
    if answer.grpc_status is not None or is_grpc_answer(answer):
        return True
    # Without TLS the target's own request was HTTP/1.1, upon which this port ended the connection.
    return True if target.plaintext and answer.over == "h2" else None
