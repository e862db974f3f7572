"""Pages of web servers: in answer to gRPC, and to a request that names another host."""

import msgspec.structs
import pytest

from probe.diagnosis.diagnose import diagnose
from probe.diagnosis.open_questions import choose_experiments
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Answer, Ending, Experiment, Offer
from tests.support.evidence import (
    AT,
    HOST,
    answered_attempt,
    complete_handshake,
    target,
    with_control,
)

PROTOBUF = "application/x-protobuf"


def over_h2(status: int, media: str = "text/plain") -> Answer:
    """Return an answer over HTTP/2 that is not gRPC."""
    return Answer(over="h2", http_status=status, content_type=media, body_empty=False)


def brief(found: Diagnosis) -> tuple[str, str | None, bool]:
    """Return outcome, cause and certainty."""
    return found.outcome, found.cause, found.certain


@pytest.mark.parametrize("status", [404, 405, 415])
def test_grpc_to_an_http_port_is_a_mismatch(status: int) -> None:
    """A grpc target that is answered 404, 405 or 415 speaks to an OTLP/HTTP port, or any web server."""
    evidence = answered_attempt(over_h2(status))
    assert brief(diagnose(evidence)) == ("failed", "otlp_protocol_mismatch", False)
    assert choose_experiments(evidence) == ("other_protocol",)


@pytest.mark.parametrize("media", ["text/html", PROTOBUF, ""])
def test_a_success_without_application_grpc_is_a_mismatch(media: str) -> None:
    """A grpc target that gets a 200 that is not gRPC: only OTLP's own type tells who answers."""
    assert brief(diagnose(answered_attempt(over_h2(200, media)))) == (
        "failed",
        "otlp_protocol_mismatch",
        media == PROTOBUF,
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (over_h2(200, PROTOBUF), ("failed", "otlp_protocol_mismatch", True)),
        (over_h2(404), ("failed", "otlp_not_served", True)),
        (over_h2(302), ("failed", "otlp_not_served", True)),
        (over_h2(200, "text/html"), ("failed", "otlp_not_served", True)),
        (over_h2(401), ("failed", "otlp_protocol_mismatch", False)),
        (over_h2(503), ("failed", "otlp_protocol_mismatch", False)),
    ],
    ids=["OTLP", "404", "302", "page", "401", "503"],
)
def test_the_same_question_in_otlp_http_decides(
    asked: Answer, expected: tuple[str, str | None, bool]
) -> None:
    """A page at OTLP/HTTP's own path, too, is no OTLP; a refusal there leaves it open."""
    tried = Experiment(
        varied="other_protocol",
        at=AT,
        ending=Ending(stage="export", kind="answered"),
        handshake=complete_handshake(),
        answer=asked,
    )
    found = diagnose(with_control(answered_attempt(over_h2(404, "text/html")), tried))
    assert brief(found) == expected
    assert (found.also == ()) is found.certain


def test_an_answer_in_http1_asks_nothing_further() -> None:
    """Who answers HTTP/2 in HTTP/1.1 does not speak gRPC."""
    old = msgspec.structs.replace(over_h2(404), over="http/1.1")
    assert choose_experiments(answered_attempt(old)) == ()


@pytest.mark.parametrize(
    ("sent", "headers", "cause"),
    [
        ("other.example", (), "server_name_unrecognized"),
        (HOST, ("Host",), "server_name_unrecognized"),
        (HOST, (), "otlp_rejected"),
        ("", (), "otlp_rejected"),
    ],
)
def test_a_misdirected_request_names_another_host(
    sent: str, headers: tuple[str, ...], cause: str
) -> None:
    """Nginx that verifies clients answers 421 where SNI and the request's host differ."""
    handshake = complete_handshake(offer=Offer(server_name=sent))
    evidence = answered_attempt(
        over_h2(421, "text/html"), handshake=handshake, target=target(header_names=headers)
    )
    found = diagnose(evidence)
    assert (found.cause, found.certain, found.also) == (cause, True, ())


def test_a_load_balancer_says_that_its_target_group_speaks_another_version() -> None:
    """464 is AWS's own code, and its owner's to correct."""
    found = diagnose(answered_attempt(over_h2(464, "")))
    assert (*brief(found), found.party) == ("failed", "otlp_protocol_mismatch", True, "backend")
