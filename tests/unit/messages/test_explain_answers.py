"""`explain` on the statuses of answers, in the forms in which each language's exporters print them."""

from typing import Final

import pytest

from tests.support.explanations import first

NAMES: Final = {
    3: ("INVALID_ARGUMENT", "InvalidArgument", "otlp_rejected"),
    4: ("DEADLINE_EXCEEDED", "DeadlineExceeded", "tls_timeout"),
    7: ("PERMISSION_DENIED", "PermissionDenied", "otlp_permission_denied"),
    8: ("RESOURCE_EXHAUSTED", "ResourceExhausted", "otlp_throttled"),
    12: ("UNIMPLEMENTED", "Unimplemented", "otlp_not_served"),
    14: ("UNAVAILABLE", "Unavailable", "otlp_unavailable"),
    16: ("UNAUTHENTICATED", "Unauthenticated", "otlp_unauthenticated"),
}
"""gRPC statuses: as C and Java write them, as Go, Rust and .NET do, and the cause."""
FORMS: Final = (
    "rpc error: code = {camel} desc = something",
    "Failed to export traces, error code: StatusCode.{upper}",
    "Error: {number} {upper}: something",
    "io.grpc.StatusRuntimeException: {upper}: something",
    "Server responded with gRPC status code {number}. Error message: something",
    'Grpc.Core.RpcException: Status(StatusCode="{camel}", Detail="something")',
    "Status {{ code: {camel}, message: something }}",
    "grpc-status: {number}",
    "GRPC::{camel} ({number}:something)",
    "code {number}, status = {upper}",
)


@pytest.mark.parametrize("form", FORMS)
def test_a_grpc_status_is_read_in_every_languages_form(form: str) -> None:
    """The name or the number leads to the same cause."""
    for number, (upper, camel, cause) in NAMES.items():
        text = form.format(number=number, upper=upper, camel=camel)
        assert first(text) == cause, text


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("error exporting items, request to https://backend.example.com/v1/traces responded with HTTP Status Code 401", "otlp_unauthenticated"),
        ("Failed to export batch code: 429, reason: Too Many Requests", "otlp_throttled"),
        ("Server responded with HTTP status code 404. Error message: unable to parse", "otlp_not_served"),
        ("curl: (22) The requested URL returned error: 503", "otlp_unavailable"),
        ("requests.exceptions.HTTPError: 413 Client Error: Payload Too Large for url", "otlp_rejected"),
        ("HTTP/1.1 502 Bad Gateway", "otlp_unavailable"),
        ("failed to send to https://backend.example.com/v1/traces: 404 Not Found (body: 404 page not found)", "otlp_not_served"),
        ('rpc error: code = Unavailable desc = unexpected HTTP status code received from server: 502 (Bad Gateway); transport: received unexpected content-type "text/html"', "otlp_unavailable"),
        ('rpc error: code = Unimplemented desc = unexpected HTTP status code received from server: 404 (Not Found); transport: received unexpected content-type "text/plain; charset=utf-8"', "otlp_protocol_mismatch"),
    ],
)  # fmt: skip
def test_an_http_code_is_read(text: str, cause: str) -> None:
    """Codes stand behind words that name them, or before their reason."""
    assert first(text) == cause


def test_a_number_that_is_no_status_is_none() -> None:
    """Ports, sizes, durations and counts look the same."""
    for text in (
        "took 404 ms on port 503",
        "exported 429 spans in 502 ms",
        "queue has 16 of 14 entries",
        "listening on 127.0.0.1:4317",
    ):
        assert first(text) is None, text
