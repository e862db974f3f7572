"""A success whose body can't be read to its end confirms nothing; an error's status stands.

The table is what Go's exporter and Python's requests were measured to do with the same bytes.
"""

import gzip
from typing import Final

import msgspec.structs
import pytest
from hpack import Encoder
from hyperframe.frame import DataFrame, GoAwayFrame, HeadersFrame, RstStreamFrame, SettingsFrame

from probe.attempt.otlp_session import OtlpSession
from probe.diagnosis.diagnose import diagnose
from probe.model.diagnosis import Diagnosis
from probe.model.target import Endpoint, Protocol, Target
from probe.otlp.request import build_request
from tests.support.evidence import attempt
from tests.support.evidence import target as facts

HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"
CHUNKED: Final = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
ZIPPED: Final = gzip.compress(b"\x0a\x00")
ERROR: Final = b"HTTP/1.1 503 Unavailable\r\nContent-Length: 50\r\n\r\nlater"


def zipped(data: bytes) -> bytes:
    """Return an answer whose body says to be gzip."""
    return HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(data) + data


def h2(*frames: HeadersFrame | DataFrame | RstStreamFrame | GoAwayFrame) -> bytes:
    """Return SETTINGS and `frames`."""
    return b"".join(frame.serialize() for frame in (SettingsFrame(), *frames))


def head(*fields: tuple[str, str], flags: tuple[str, ...] = ()) -> HeadersFrame:
    """Return a head or trailers of `fields`; each block leaves the table as it was."""
    encoder = Encoder()
    encoder.header_table_size = 0
    return HeadersFrame(1, encoder.encode(fields), flags=["END_HEADERS", *flags])


def data(body: bytes, *flags: str) -> DataFrame:
    """Return DATA of the request's stream."""
    return DataFrame(1, body, flags=list(flags))


PROTOBUF: Final = (":status", "200"), ("content-type", "application/x-protobuf")
GRPC: Final = (":status", "200"), ("content-type", "application/grpc")
OK: Final = head(("grpc-status", "0"), flags=("END_STREAM",))


def judged(raw: bytes, protocol: Protocol, end: str, *, plaintext_h2: bool = False) -> Diagnosis:
    """Return what becomes of an attempt without TLS whose peer sends `raw` and then ends it."""
    asked = Target(name="t", endpoint=Endpoint("h", 4317, scheme="http"), protocol=protocol)
    request = build_request(asked, "probe")
    conversation = OtlpSession(
        None, request, purpose="export", needs_h2=plaintext_h2 or protocol == "grpc", quiet=0.0
    )
    conversation.start(0.0)
    conversation.take_output()
    conversation.receive(raw, 0.0)
    if end == "timeout":
        conversation.expire(5.0)
    else:
        conversation.receive_eof(0.0, reset=end == "reset")
    assert conversation.ending is not None
    seen = attempt("export", conversation.ending.kind, handshake=None)
    return diagnose(
        msgspec.structs.replace(
            seen,
            ending=conversation.ending,
            answer=conversation.answer,
            first_bytes=conversation.first_bytes,
            target=facts(plaintext=True, protocol=protocol, endpoint="http://h:4317"),
        )
    )


@pytest.mark.parametrize(
    "raw",
    [
        HEAD + b"Content-Length: 0\r\n\r\n",
        HEAD + b"Content-Length: 2\r\n\r\n\x0a\x00",
        HEAD + b"Content-Length: 2\r\n\r\n\x0a\x00and what nobody reads",
        CHUNKED + b"0\r\n\r\n",
        CHUNKED + b"2;name=value\r\n\x0a\x00\r\n0\r\ntrailer: yes\r\n\r\n",
        HEAD + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"\r\n\x0a\x00",
        zipped(ZIPPED),
        b"HTTP/1.1 204 No Content\r\n\r\n",
    ],
)
def test_a_whole_body_confirms(raw: bytes) -> None:
    """Every way in which a body may say where it ends, and gzip, which Go unfolds by itself."""
    assert judged(raw, "http/protobuf", "close").outcome == "confirmed"


@pytest.mark.parametrize(
    ("raw", "cause"),
    [
        (CHUNKED + b"xyz\r\n", "otlp_rejected"),
        (CHUNKED + b"2\r\n\x0a\x00\r\nzz\r\n", "otlp_rejected"),
        (CHUNKED + b"-1\r\n\r\n", "otlp_rejected"),
        (CHUNKED + b"2;" + b"x" * 20_000, "otlp_rejected"),
        (CHUNKED + b"2\r\n\x0a\x00XX0\r\n\r\n", "otlp_rejected"),
        (CHUNKED + b"1\r\nx\r\n" * 1000, "otlp_rejected"),
        (HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n\x0a\x00\x00", "otlp_rejected"),
        (HEAD + b"Content-Length: abc\r\n\r\n", "otlp_rejected"),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", "otlp_rejected"),
        (HEAD + b"Content-Length: 100000\r\n\r\n" + bytes(100_000), "otlp_rejected"),
        (zipped(ZIPPED[:-8]), "otlp_rejected"),
        (zipped(b"hello"), "otlp_rejected"),
        (CHUNKED + b"2\r\n\x0a\x00\r\n", "connection_closed"),
        (HEAD + b"Content-Length: 9\r\n\r\n\x0a\x00", "connection_closed"),
        (HEAD + b"Content-Length: 9\r\n\r\n", "connection_closed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "connection_closed"),
    ],
)
def test_a_broken_or_short_body_confirms_nothing(raw: bytes, cause: str) -> None:
    """Chunks, lengths, codings and bounds of HTTP/1.1."""
    found = judged(raw, "http/protobuf", "close")

    assert (found.outcome, found.cause) == ("failed", cause)


@pytest.mark.parametrize(
    ("end", "outcome", "cause"),
    [
        ("close", "failed", "connection_closed"),
        ("reset", "failed", "connection_reset"),
        ("timeout", "unconfirmed", None),
    ],
)
@pytest.mark.parametrize("raw", [HEAD + b"\r\n\x0a", HEAD + b"Content-Length: 2\r\n\r\n\x0a"])
def test_what_ends_a_body_early_is_named(
    raw: bytes, end: str, outcome: str, cause: str | None
) -> None:
    """A body without a length is ended by a FIN alone, not by an RST or the deadline."""
    found = judged(raw, "http/protobuf", end)
    if end == "close" and b"Content-Length" not in raw:
        assert found.outcome == "confirmed"
        return

    assert (found.outcome, found.cause) == (outcome, cause)
    assert any("HTTP 200" in fact for fact in found.facts)


@pytest.mark.parametrize("end", ["close", "reset", "timeout"])
def test_a_short_body_of_an_error_keeps_its_status(end: str) -> None:
    """What 503 means does not depend on the page that explains it."""
    assert judged(ERROR, "http/protobuf", end).cause == "otlp_unavailable"


@pytest.mark.parametrize(
    ("frames", "cause"),
    [
        ((head(*PROTOBUF), data(b"\x0a\x00")), "connection_closed"),
        ((head(*PROTOBUF), RstStreamFrame(1, 2)), "connection_closed"),
        ((head(*PROTOBUF), GoAwayFrame(0, last_stream_id=0)), "connection_closed"),
        (
            (head(*PROTOBUF, ("content-length", "9")), data(b"\x0a\x00", "END_STREAM")),
            "otlp_rejected",
        ),
        (
            (head(*PROTOBUF, ("content-length", "1")), data(b"\x0a\x00", "END_STREAM")),
            "otlp_rejected",
        ),
        (
            (head(*PROTOBUF, ("content-length", "x")), data(b"\x0a\x00", "END_STREAM")),
            "otlp_rejected",
        ),
    ],
)
def test_http2_bodies_that_are_not_whole(
    frames: tuple[HeadersFrame | DataFrame | RstStreamFrame, ...], cause: str
) -> None:
    """A stream without its end, or with another length than it declares (RFC 9113 §8.1.1)."""
    found = judged(h2(*frames), "http/protobuf", "close", plaintext_h2=True)

    assert (found.outcome, found.cause) == ("failed", cause)


@pytest.mark.parametrize(
    ("body", "trailers", "outcome", "cause"),
    [
        (bytes(5), OK, "confirmed", None),
        (b"\x00\x00\x00\x00\x09\x0a\x00", OK, "failed", "otlp_rejected"),
        (b"\x00\x00\x00", OK, "failed", "otlp_rejected"),
        (b"\x01\x00\x00\x00\x02\x0a\x00", OK, "failed", "otlp_rejected"),
        (b"\x07\x00\x00\x00\x02\x0a\x00", OK, "failed", "otlp_rejected"),
        (bytes(5), None, "failed", "connection_closed"),
        (bytes(5), RstStreamFrame(1, 2), "failed", "connection_closed"),
        (
            b"\x00\x00\x00\x00\x09",
            head(("grpc-status", "14"), flags=("END_STREAM",)),
            "failed",
            "otlp_unavailable",
        ),
    ],
)
def test_grpc_messages_that_nobody_can_take_out(
    body: bytes, trailers: HeadersFrame | RstStreamFrame | None, outcome: str, cause: str | None
) -> None:
    """A message of another length than its prefix says fails in grpc-go, whatever its trailers."""
    frames = (head(*GRPC), data(body), *([trailers] if trailers else []))
    found = judged(h2(*frames), "grpc", "close")

    assert (found.outcome, found.cause) == (outcome, cause)


MESSAGE: Final = data(bytes(5))
BROKEN_OFF: Final = head(("grpc-status", "13"), flags=("END_STREAM",))


@pytest.mark.parametrize(
    "frames",
    [
        (head(*GRPC), MESSAGE, OK),
        (head(*GRPC, ("grpc-status", "13")), MESSAGE, OK),
        (
            head(*GRPC),
            MESSAGE,
            head(("grpc-status", "13"), ("grpc-status", "0"), flags=("END_STREAM",)),
        ),
        (head((":status", "200"), ("content-type", "application/grpc+proto")), MESSAGE, OK),
    ],
)
def test_a_message_and_the_trailers_status_make_a_grpc_success(
    frames: tuple[HeadersFrame | DataFrame, ...],
) -> None:
    """As grpc-go 1.84 was measured to take the same frames; a head's own status counts for nothing."""
    assert judged(h2(*frames), "grpc", "close").outcome == "confirmed"


@pytest.mark.parametrize(
    "frames",
    [
        (head(*GRPC, ("grpc-status", "0"), flags=("END_STREAM",)),),
        (head(*GRPC), OK),
        (head(*GRPC), data(b""), OK),
    ],
)
def test_ok_without_a_message_confirms_with_a_finding(
    frames: tuple[HeadersFrame | DataFrame, ...],
) -> None:
    """The backend's own words are OK; grpc-go 1.84 fails on the same frames, which is said."""
    found = judged(h2(*frames), "grpc", "close")

    [said] = [each.fact for each in found.findings if each.cause == "otlp_rejected"]
    assert found.outcome == "confirmed"
    assert "without a response message" in said


@pytest.mark.parametrize(
    "frames",
    [
        (head(*GRPC), data(bytes(10)), OK),
        (head(*GRPC, ("grpc-status", "0")), data(bytes(5), "END_STREAM")),
        (head(*GRPC), data(bytes(5), "END_STREAM")),
        (head(*GRPC), MESSAGE, BROKEN_OFF),
        (head(*GRPC, ("grpc-status", "0")), MESSAGE, BROKEN_OFF),
        (
            head(*GRPC),
            MESSAGE,
            head(("grpc-status", "0"), ("grpc-status", "13"), flags=("END_STREAM",)),
        ),
        (head((":status", "503"), *GRPC[1:], ("grpc-status", "0"), flags=("END_STREAM",)),),
        (head((":status", "503"), *GRPC[1:]), MESSAGE, OK),
        (head((":status", "200")), MESSAGE, OK),
        (head((":status", "200"), ("content-type", "text/html")), MESSAGE, OK),
        (head((":status", "200"), ("content-type", "application/grpc-web+proto")), MESSAGE, OK),
    ],
)
def test_less_than_that_is_no_grpc_success(
    frames: tuple[HeadersFrame | DataFrame, ...],
) -> None:
    """As grpc-go 1.84 fails on the same frames; on HTTP 503 with trailers grpcio 1.85 does."""
    found = judged(h2(*frames), "grpc", "close")

    assert (found.outcome, found.certain) == ("failed", True)
    assert found.cause in {"otlp_rejected", "otlp_protocol_mismatch"}
