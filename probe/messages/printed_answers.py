"""What exporters print for an OTLP answer that is not a success: gRPC statuses and HTTP codes.

Derived from the codes: each exporter has one template for gRPC and one for HTTP. Read in
opentelemetry-collector (otlphttpexporter), opentelemetry-java (GrpcExporter, HttpExporter),
opentelemetry-python, @grpc/grpc-js and curl; "…" stands for an address or a message.
"""

from dataclasses import dataclass
from typing import Final

from probe.model.runtime import (
    COLLECTOR,
    CURL,
    GO_GRPC,
    JAVA_GRPC,
    JAVA_JDK,
    JAVA_OKHTTP,
    NODE_GRPC,
    NODE_HTTP,
    PYTHON_GRPC,
    PYTHON_HTTP,
    RuntimeText,
    TextsByCause,
)


@dataclass(frozen=True, slots=True)
class _Answer:
    """One answer in both protocols: a gRPC status and the HTTP code with the same meaning."""

    grpc_code: int
    grpc_name: str
    http_code: int
    http_reason: str

    @property
    def go_name(self) -> str:
        """The status as Go's `codes` package writes it."""
        return "".join(part.capitalize() for part in self.grpc_name.split("_"))


_ANSWERS: Final = {
    "otlp_unauthenticated": _Answer(16, "UNAUTHENTICATED", 401, "Unauthorized"),
    "otlp_permission_denied": _Answer(7, "PERMISSION_DENIED", 403, "Forbidden"),
    "otlp_not_served": _Answer(12, "UNIMPLEMENTED", 404, "Not Found"),
    "otlp_throttled": _Answer(8, "RESOURCE_EXHAUSTED", 429, "Too Many Requests"),
    "otlp_unavailable": _Answer(14, "UNAVAILABLE", 503, "Service Unavailable"),
    "otlp_rejected": _Answer(3, "INVALID_ARGUMENT", 400, "Bad Request"),
}
_JAVA_OWN: Final = {
    12: "Server responded with UNIMPLEMENTED",
    14: "Server is UNAVAILABLE. Make sure your collector is running",
}


def _list_answer_texts(answer: _Answer) -> tuple[RuntimeText, ...]:
    grpc = _JAVA_OWN.get(
        answer.grpc_code, f"Server responded with gRPC status code {answer.grpc_code}"
    )
    return (
        ((COLLECTOR, GO_GRPC), f"rpc error: code = {answer.go_name} desc = …"),
        ((COLLECTOR,), f"responded with HTTP Status Code {answer.http_code}"),
        ((JAVA_OKHTTP, JAVA_GRPC), grpc),
        ((JAVA_OKHTTP, JAVA_JDK), f"Server responded with HTTP status code {answer.http_code}"),
        ((PYTHON_GRPC,), f"StatusCode.{answer.grpc_name}"),
        ((PYTHON_HTTP,), answer.http_reason),
        ((NODE_GRPC,), f"{answer.grpc_code} {answer.grpc_name}: …"),
        ((NODE_HTTP,), answer.http_reason),
        ((CURL,), f"curl: (22) The requested URL returned error: {answer.http_code}"),
    )


ANSWER_TEXTS: Final[TextsByCause] = {
    cause: _list_answer_texts(answer) for cause, answer in _ANSWERS.items()
}
"""By cause."""

REFUSED_BY_HTTP: Final[tuple[RuntimeText, ...]] = (
    ((COLLECTOR,), "responded with HTTP Status Code 400"),
    ((JAVA_OKHTTP, JAVA_JDK), "400 Bad Request"),
    ((PYTHON_GRPC,), "Received http2 header with status: 400"),
    ((NODE_GRPC,), "Received HTTP status code 400"),
    ((NODE_HTTP,), "Bad Request"),
    ((CURL,), "400 No required SSL certificate was sent"),
)
"""nginx accepts any certificate, or none, in the handshake and answers HTTP 400."""

FORBIDDEN_BY_PROXY: Final[tuple[RuntimeText, ...]] = (
    ((COLLECTOR,), "responded with HTTP Status Code 403"),
    ((PYTHON_GRPC,), "Received http2 header with status: 403"),
    ((PYTHON_HTTP,), "code: 403, reason: Forbidden"),
    ((NODE_GRPC,), "7 PERMISSION_DENIED: Received HTTP status code 403"),
)
"""A proxy in front of the receiver that allows only some names."""
