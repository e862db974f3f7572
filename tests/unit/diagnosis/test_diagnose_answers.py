"""What an answer to the Export request means: the table "Answers" of the contract, row by row."""

import msgspec.structs
import pytest

from probe.diagnosis.diagnose import diagnose
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Answer, BodyEnd, EndingKind, Evidence
from tests.support.certificate_facts import EXPORTER, OTHER_CA, exporter
from tests.support.evidence import (
    TAKEN,
    answered_attempt,
    answered_http_attempt,
    attempt,
    complete_handshake,
    held_credentials,
    http_target,
    refused_attempt,
    target,
)

GRPC = {
    1: "otlp_rejected",
    2: "otlp_rejected",
    3: "otlp_rejected",
    4: "otlp_unavailable",
    5: "otlp_rejected",
    6: "otlp_rejected",
    7: "otlp_permission_denied",
    8: "otlp_throttled",
    9: "otlp_rejected",
    10: "otlp_rejected",
    11: "otlp_rejected",
    12: "otlp_not_served",
    13: "otlp_rejected",
    14: "otlp_unavailable",
    15: "otlp_rejected",
    16: "otlp_unauthenticated",
    99: "otlp_rejected",
}
HTTP = {
    301: "otlp_not_served",
    302: "otlp_not_served",
    307: "otlp_not_served",
    400: "otlp_rejected",
    401: "otlp_unauthenticated",
    403: "otlp_permission_denied",
    404: "otlp_not_served",
    405: "otlp_not_served",
    408: "otlp_unavailable",
    413: "otlp_rejected",
    415: "otlp_not_served",
    429: "otlp_throttled",
    500: "otlp_rejected",
    502: "otlp_unavailable",
    503: "otlp_unavailable",
    504: "otlp_unavailable",
    520: "otlp_unavailable",
    526: "otlp_unavailable",
    529: "otlp_rejected",
    530: "otlp_unavailable",
}
PROTOBUF = "application/x-protobuf"
HTTP_SUCCESS = Answer(over="http/1.1", http_status=200, content_type=PROTOBUF)


def over_h2(status: int, media: str = "text/plain", *, empty: bool = False) -> Answer:
    """Return an answer over HTTP/2 that is not gRPC."""
    return Answer(over="h2", http_status=status, content_type=media, body_empty=empty)


def brief(found: Diagnosis) -> tuple[str, str | None, bool]:
    """Return outcome, cause and certainty."""
    return found.outcome, found.cause, found.certain


@pytest.mark.parametrize(("status", "cause"), GRPC.items())
def test_a_grpc_status_has_its_cause(status: int, cause: str) -> None:
    """Whatever is not OK fails at export, with the cause of its status."""
    found = diagnose(answered_attempt(msgspec.structs.replace(TAKEN, grpc_status=status)))

    assert brief(found) == ("failed", cause, True)
    assert found.stage == "export"
    assert any(f"gRPC status {status} " in fact for fact in found.facts)


@pytest.mark.parametrize(("status", "cause"), HTTP.items())
def test_an_http_code_has_its_cause(status: int, cause: str) -> None:
    """The OTLP/HTTP codes, from a receiver that answers in protobuf."""
    found = diagnose(answered_http_attempt(over_h2(status, PROTOBUF)))

    assert brief(found) == ("failed", cause, True)
    assert found.stage == "export"


@pytest.mark.parametrize("media", ["application/grpc", "application/grpc+proto"])
def test_grpc_status_ok_with_a_message_confirms(media: str) -> None:
    """Status OK of HTTP 200, of gRPC's media type and with a response message."""
    found = diagnose(answered_attempt(msgspec.structs.replace(TAKEN, content_type=media)))

    assert (found.outcome, found.findings) == ("confirmed", ())


def test_grpc_status_ok_without_a_message_is_a_finding() -> None:
    """The backend said OK, which confirms; a finding says that grpc-go 1.84 fails on it."""
    found = diagnose(answered_attempt(msgspec.structs.replace(TAKEN, body_parses=None)))

    assert found.outcome == "confirmed"
    (finding,) = found.findings
    assert finding.cause == "otlp_rejected"
    assert "without a response message" in finding.fact


@pytest.mark.parametrize(
    ("changed", "fact"),
    [
        ({"http_status": 503}, "with HTTP 503"),
        ({"content_type": "text/html"}, "with the content type text/html"),
        ({"content_type": "application/grpc-web+proto"}, "application/grpc-web+proto"),
        ({"content_type": ""}, "with the content type (none)"),
    ],
    ids=lambda value: next(iter(value.items())) if isinstance(value, dict) else value,
)
def test_grpc_status_ok_alone_confirms_nothing(changed: dict[str, object], fact: str) -> None:
    """What grpc-go 1.84 or grpcio 1.85 was measured to fail on, status OK or not."""
    found = diagnose(answered_attempt(msgspec.structs.replace(TAKEN, **changed)))

    assert brief(found) == ("failed", "otlp_rejected", True)
    assert fact in found.facts[0]


@pytest.mark.parametrize(
    "answer",
    [
        over_h2(200, PROTOBUF),
        over_h2(200, "Application/X-Protobuf; charset=utf-8"),
        over_h2(202, PROTOBUF),
        over_h2(200, "application/protobuf"),
        msgspec.structs.replace(over_h2(200, "application/json"), body_parses=True),
        over_h2(200, "", empty=True),
        over_h2(200, "text/html", empty=True),
        over_h2(204, "", empty=True),
    ],
    ids=[
        "protobuf",
        "with a parameter",
        "202",
        "registered",
        "JSON",
        "empty",
        "empty, typed",
        "204",
    ],
)
def test_2xx_with_protobuf_or_nothing_confirms(answer: Answer) -> None:
    """HTTP success is 2xx whose body is protobuf, the same message in JSON, or empty."""
    assert diagnose(answered_http_attempt(answer)).outcome == "confirmed"


def test_an_unreadable_success_is_a_finding() -> None:
    """A body that does not parse does not undo the status, and is said."""
    for evidence in (answered_attempt(), answered_http_attempt(over_h2(200, PROTOBUF))):
        assert evidence.answer is not None
        broken = msgspec.structs.replace(evidence.answer, body_parses=False, body_empty=False)
        found = diagnose(msgspec.structs.replace(evidence, answer=broken))

        assert found.outcome == "confirmed"
        assert [finding.cause for finding in found.findings] == ["otlp_rejected"]


@pytest.mark.parametrize("media", ["text/html", "application/json", "application/octet-stream", ""])
def test_2xx_of_another_type_is_another_service(media: str) -> None:
    """A web page that answers 200 is no OTLP receiver."""
    assert brief(diagnose(answered_http_attempt(over_h2(200, media)))) == (
        "failed",
        "otlp_not_served",
        True,
    )


@pytest.mark.parametrize(("status", "cause"), [(302, "not_served"), (401, "unauthenticated"),
                                               (429, "throttled"), (503, "unavailable")])  # fmt: skip
def test_a_gateway_before_a_grpc_backend_is_read(status: int, cause: str) -> None:
    """Codes with a meaning of their own keep it, whatever the target's protocol."""
    assert brief(diagnose(answered_attempt(over_h2(status)))) == ("failed", f"otlp_{cause}", True)


@pytest.mark.parametrize("status", [0, 12, 3])
@pytest.mark.parametrize("http_status", [200, 415])
def test_http_to_a_grpc_port_is_a_mismatch_and_never_a_success(
    status: int, http_status: int
) -> None:
    """An empty 200 that carries a grpc-status comes from a gRPC server that took nothing."""
    answer = over_h2(http_status, "application/grpc", empty=True)
    answer = msgspec.structs.replace(answer, grpc_status=status)

    assert brief(diagnose(answered_http_attempt(answer))) == (
        "failed",
        "otlp_protocol_mismatch",
        True,
    )


@pytest.mark.parametrize("media", ["application/grpc", "Application/gRPC+proto"])
def test_grpc_that_ends_without_a_status_is_rejected(media: str) -> None:
    """The stream ended without its trailers: no success, and no other protocol."""
    assert brief(diagnose(answered_attempt(over_h2(200, media)))) == (
        "failed",
        "otlp_rejected",
        True,
    )


@pytest.mark.parametrize(
    "text",
    [
        "400 Bad Request The SSL certificate error nginx/1.22.1",
        "400 Bad Request No required SSL certificate was sent",
        "TLS certificate verification failed",
        "client certificate required",
    ],
)
def test_a_400_whose_text_speaks_of_the_certificate_is_a_refusal(text: str) -> None:
    """Nginx judges the certificate above TLS, and says so in its page."""
    answer = msgspec.structs.replace(over_h2(400, "text/html"), message=text)

    for evidence in (answered_attempt(answer), answered_http_attempt(answer)):
        found = diagnose(evidence)
        assert brief(found) == ("failed", "client_cert_rejected", False)
        assert found.stage == "export"


@pytest.mark.parametrize("text", ["", "400 Bad Request nginx", "cannot unmarshal the request"])
def test_another_400_over_a_faultless_certificate_is_not(text: str) -> None:
    """A 400 that speaks of something else, the certificate being listed and faultless."""
    answer = msgspec.structs.replace(over_h2(400, "text/html"), message=text)

    assert brief(diagnose(answered_attempt(answer))) == ("failed", "otlp_rejected", True)
    assert brief(diagnose(answered_http_attempt(answer))) == ("failed", "otlp_rejected", True)


@pytest.mark.parametrize(
    ("evidence", "cause"),
    [
        (refused_attempt("http_400", exporter(ends=-1)), "client_cert_expired"),
        (refused_attempt("http_400", exporter(begins=2)), "client_cert_not_yet_valid"),
        (refused_attempt("http_400", exporter(usage=("serverAuth",))), "client_cert_wrong_usage"),
        (refused_attempt("http_400", EXPORTER, listed=(OTHER_CA,)), "client_ca_untrusted"),
        (refused_attempt("http_400"), "client_cert_not_sent"),
    ],
    ids=["expired", "early", "wrong usage", "unlisted", "not sent"],
)
def test_a_wordless_400_over_a_proven_fault_is_a_refusal(evidence: Evidence, cause: str) -> None:
    """Our certificate is provably faulty, unlisted or missing: no text is needed."""
    wordless = over_h2(400, "text/html")

    found = diagnose(msgspec.structs.replace(evidence, answer=wordless))

    assert brief(found) == ("failed", cause, True)


def test_a_400_from_grpc_itself_or_without_a_request_is_none() -> None:
    """A grpc-status outweighs the code; a backend that asked for no certificate refuses none."""
    unlisted = refused_attempt("http_400", EXPORTER, listed=(OTHER_CA,))
    from_grpc = msgspec.structs.replace(TAKEN, http_status=400, grpc_status=13)
    unasked = complete_handshake(client_certificate_requested=False, client_certificate_sent=False)

    assert diagnose(msgspec.structs.replace(unlisted, answer=from_grpc)).cause == "otlp_rejected"
    assert diagnose(answered_attempt(over_h2(400), handshake=unasked)).cause == "otlp_rejected"


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (
            answered_attempt(over_h2(403)),
            ("client_san_rejected", False, ("otlp_permission_denied",)),
        ),
        (
            answered_attempt(over_h2(403), target=target(header_names=("authorization",))),
            ("otlp_permission_denied", False, ("client_san_rejected",)),
        ),
        (
            answered_attempt(
                over_h2(403), handshake=complete_handshake(client_certificate_sent=False)
            ),
            ("otlp_permission_denied", True, ()),
        ),
        (answered_http_attempt(over_h2(403, PROTOBUF)), ("otlp_permission_denied", True, ())),
        (
            answered_attempt(msgspec.structs.replace(TAKEN, grpc_status=7)),
            ("otlp_permission_denied", True, ()),
        ),
    ],
    ids=["proxy", "proxy, token", "no certificate", "receiver", "grpc"],
)
def test_403_by_name_or_by_token(
    evidence: Evidence, expected: tuple[str, bool, tuple[str, ...]]
) -> None:
    """A 403 from before the receiver may be about the client's name; the receiver's own is not."""
    found = diagnose(evidence)

    assert (found.cause, found.certain, found.also) == expected


@pytest.mark.parametrize("kind", ["garbage", "budget"])
def test_no_answer_in_what_came_is_no_otlp(kind: EndingKind) -> None:
    """Inside TLS something else speaks, or speaks without end."""
    first = b"SSH-2.0-x".hex() if kind == "garbage" else ""
    found = diagnose(attempt("export", kind, handshake=complete_handshake(), first_bytes=first))

    assert brief(found) == ("failed", "otlp_not_served", True)


@pytest.mark.parametrize(
    ("kind", "end", "outcome", "cause"),
    [
        ("garbage", "broken", "failed", "otlp_rejected"),
        ("budget", "cut", "failed", "otlp_rejected"),
        ("close", "cut", "failed", "connection_closed"),
        ("reset", "cut", "failed", "connection_reset"),
        ("timeout", "cut", "unconfirmed", None),
        ("answered", "cut", "failed", "otlp_rejected"),
    ],
)
def test_a_success_that_was_not_read_to_its_end_confirms_nothing(
    kind: EndingKind, end: BodyEnd, outcome: str, cause: str | None
) -> None:
    """Whatever ended it, the status of its head does not prove that the export arrived."""
    answer = msgspec.structs.replace(HTTP_SUCCESS, body_end=end, body_parses=False)
    found = diagnose(
        attempt(
            "export",
            kind,
            handshake=complete_handshake(),
            answer=answer,
            target=http_target(),
            detail="x",
        )
    )

    assert (found.outcome, found.cause) == (outcome, cause)
    assert any("HTTP 200" in fact for fact in found.facts)
    assert not any("after the handshake" in fact for fact in found.facts)


def test_a_partial_success_that_rejects_is_a_failure() -> None:
    """Rejected items fail a canary; a mere warning is a finding."""
    rejecting = msgspec.structs.replace(TAKEN, rejected_items=1, partial_message="no tenant")
    warning = msgspec.structs.replace(TAKEN, partial_message="deprecated")

    assert diagnose(answered_attempt(rejecting)).cause == "otlp_rejected"
    assert diagnose(answered_attempt(warning)).outcome == "confirmed"
    assert [f.cause for f in diagnose(answered_attempt(warning)).findings] == ["otlp_rejected"]


@pytest.mark.parametrize(
    ("count", "fact"),
    [
        (0, 'partial success: nothing rejected, but a warning: "deprecated"'),
        (1, 'partial success: 1 item rejected: "deprecated"'),
        (20, 'partial success: 20 items rejected: "deprecated"'),
    ],
)
def test_a_partial_success_is_reported_with_its_number(count: int, fact: str) -> None:
    """How many items, and the backend's own words; none rejected is a warning."""
    answer = msgspec.structs.replace(TAKEN, rejected_items=count, partial_message="deprecated")
    found = diagnose(answered_attempt(answer))

    reported = found.facts if count else [finding.fact for finding in found.findings]
    assert fact in reported


def test_a_partial_success_that_could_not_be_written_is_a_storage_failure() -> None:
    """The canary's item came as far as a disk that is full."""
    full = msgspec.structs.replace(
        TAKEN, rejected_items=1, partial_message="write /var/otel: no space left on device"
    )
    warning = msgspec.structs.replace(full, rejected_items=0)

    assert brief(diagnose(answered_attempt(full))) == ("failed", "otlp_storage_failure", True)
    assert diagnose(answered_attempt(full)).also == ()
    assert diagnose(answered_attempt(warning)).outcome == "confirmed"


def test_what_an_answer_proves_is_not_blamed_on_the_certificate() -> None:
    """UNAVAILABLE with an expired certificate: it was accepted, and that is a finding."""
    busy = msgspec.structs.replace(TAKEN, grpc_status=14)

    found = diagnose(answered_attempt(busy, credentials=held_credentials(exporter(ends=-1))))

    assert brief(found) == ("failed", "otlp_unavailable", True)
    assert [finding.cause for finding in found.findings] == ["client_cert_expired"]
