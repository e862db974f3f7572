"""Which answers show that a port serves the other OTLP protocol, and which leave it open."""

import pytest
from msgspec import structs

from probe.diagnosis.readings.otlp_answers import serves_other_protocol
from probe.model.evidence import Answer
from tests.support.evidence import target

GRPC = "application/grpc"
PROTOBUF = "application/x-protobuf"


def answer(
    status: int, media: str = "", *, grpc: int | None = None, over_h2: bool = True
) -> Answer:
    """Return an answer, with a body unless it has no type."""
    return Answer(
        over="h2" if over_h2 else "http/1.1",
        http_status=status,
        content_type=media,
        grpc_status=grpc,
        body_empty=not media,
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer(200, PROTOBUF, over_h2=False), True),
        (answer(400, f"{PROTOBUF}; x=y"), True),
        (answer(200), True),
        (answer(202, over_h2=False), True),
        (answer(200, "text/html"), None),
        (answer(200, "application/json"), None),
        (structs.replace(answer(200, "application/json"), body_parses=True), True),
        (answer(404), None),
        (answer(401, "text/plain", over_h2=False), None),
        (answer(502, "text/html", over_h2=False), None),
        (answer(503), None),
        (answer(415, GRPC, grpc=3), False),
        (answer(200, GRPC, grpc=12), False),
        (answer(200, GRPC, grpc=0), False),
        (answer(200, GRPC), False),
    ],
)
def test_a_grpc_target_asked_over_http(given: Answer, expected: bool | None) -> None:
    """OTLP's own media type, or an empty success, shows OTLP/HTTP; gRPC's shows gRPC."""
    assert serves_other_protocol(target(), given) is expected


@pytest.mark.parametrize("plaintext", [True, False])
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer(200, GRPC, grpc=0), True),
        (answer(200, GRPC, grpc=16), True),
        (answer(200, GRPC), True),
        (answer(415, GRPC, grpc=3), False),
        (answer(404), False),
        (answer(400, "text/plain", over_h2=False), None),
        (answer(502, "text/html", over_h2=False), None),
    ],
)
def test_an_http_target_asked_in_grpc(
    given: Answer, expected: bool | None, plaintext: bool
) -> None:
    """A gRPC status or media type shows gRPC; an error of HTTP/1.1 shows nothing."""
    asked = target(protocol="http/protobuf", plaintext=plaintext)

    assert serves_other_protocol(asked, given) is expected


@pytest.mark.parametrize(("plaintext", "expected"), [(True, True), (False, None)])
def test_http2_of_a_port_that_refused_http1(plaintext: bool, expected: bool | None) -> None:
    """Without TLS a port that answers in HTTP/2 alone is a gRPC server's; inside TLS both may be h2."""
    asked = target(protocol="http/protobuf", plaintext=plaintext)

    assert serves_other_protocol(asked, answer(503, "text/plain")) is expected
