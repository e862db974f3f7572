"""A conversation without TLS whose peer wants TLS, or speaks the other version of HTTP."""

import msgspec.structs
import pytest

from probe.attempt.otlp_session import OtlpSession, Purpose
from probe.diagnosis.diagnose import diagnose
from probe.model.evidence import Evidence
from probe.model.target import Endpoint, Protocol, Target
from probe.otlp.request import build_request
from tests.support.evidence import attempt
from tests.support.evidence import target as facts

ALERT = bytes.fromhex("1503030002020a")
GO = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
NGINX_BODY = b"<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head>"
NGINX = (
    b"HTTP/1.1 400 Bad Request\r\nServer: nginx/1.29.0\r\nContent-Type: text/html\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(NGINX_BODY)
) + NGINX_BODY
PLAIN_400 = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
SETTINGS = bytes.fromhex("000006040000000000000500004000")
PROTOCOLS: tuple[Protocol, ...] = ("grpc", "http/protobuf")


def evidence(
    raw: bytes, protocol: Protocol, purpose: Purpose = "export", *, piece: int = 1 << 20
) -> Evidence:
    """Return the evidence of an attempt without TLS whose peer sends `raw` and closes."""
    asked = Target(name="t", endpoint=Endpoint("h", 4317, scheme="http"), protocol=protocol)
    conversation = OtlpSession(
        None, build_request(asked, "probe"), purpose=purpose, needs_h2=protocol == "grpc", quiet=0.0
    )
    conversation.start(0.0)
    conversation.take_output()
    for at in range(0, len(raw), piece):
        conversation.receive(raw[at : at + piece], 0.0)
        conversation.take_output()
    conversation.receive_eof(0.0, reset=False)
    assert conversation.ending is not None
    seen = attempt("export", conversation.ending.kind, handshake=None)
    return msgspec.structs.replace(
        seen,
        ending=conversation.ending,
        answer=conversation.answer,
        first_bytes=conversation.first_bytes,
        target=facts(plaintext=True, protocol=protocol, endpoint="http://h:4317"),
    )


@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("raw", [ALERT, GO, NGINX], ids=["alert", "go", "nginx"])
def test_a_port_that_says_that_it_wants_tls(raw: bytes, protocol: Protocol, piece: int) -> None:
    """Its alert record, Go's and nginx's words: the exporter's own settings are the cause."""
    found = diagnose(evidence(raw, protocol, piece=piece))

    assert (found.outcome, found.cause, found.certain) == ("failed", "tls_off", True)
    assert "tls_off" not in [finding.cause for finding in found.findings]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("raw", [ALERT, GO, NGINX], ids=["alert", "go", "nginx"])
def test_depth_tls_confirms_no_port_that_wants_tls(raw: bytes, protocol: Protocol) -> None:
    """What arrives is application data of no success."""
    found = diagnose(evidence(raw, protocol, "tls"))

    assert (found.outcome, found.cause) == ("failed", "tls_off")


@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
def test_the_other_version_of_http_is_the_other_protocol(piece: int) -> None:
    """HTTP/1.1 in answer to gRPC's preface, and SETTINGS in answer to an HTTP/1.1 request."""
    to_grpc = diagnose(evidence(PLAIN_400, "grpc", piece=piece))
    to_http = diagnose(evidence(SETTINGS, "http/protobuf", piece=piece))

    assert (to_grpc.cause, to_grpc.certain) == ("otlp_protocol_mismatch", True)
    assert (to_http.cause, to_http.certain) == ("otlp_protocol_mismatch", True)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_silent_close_is_uncertain_and_names_no_handshake(protocol: Protocol) -> None:
    """Without experiments three causes remain; nothing happened after a handshake."""
    found = diagnose(evidence(b"", protocol))

    assert (found.cause, found.certain) == ("connection_closed", False)
    assert set(found.also) == {"tls_off", "otlp_protocol_mismatch"}
    assert not any("after the handshake" in fact for fact in found.facts)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_400_of_the_receiver_itself_is_not_about_tls(protocol: Protocol) -> None:
    """Words that do not speak of TLS leave the status what it means."""
    raw = (
        b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 7\r\n\r\ninvalid"
    )
    found = diagnose(evidence(raw, protocol))

    assert found.cause == ("otlp_rejected" if protocol != "grpc" else "otlp_protocol_mismatch")
