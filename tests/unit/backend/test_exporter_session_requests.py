"""Requests of every usual and unusual form are answered as a Collector answers them.

The answers were measured of a Collector 0.162 with pipelines for traces, metrics and logs.
"""

import gzip
import zlib
from pathlib import Path
from typing import Final

import pytest
from hpack import Encoder
from hyperframe.frame import DataFrame, HeadersFrame, SettingsFrame

from probe.backend.export_content import SIGNALS
from probe.backend.exporter_session import ExporterSession
from probe.backend.listener_files import ListenerFiles
from probe.model.diagnosis import Diagnosis
from probe.model.exporter_connection import ExporterConnection
from tests.support.http2_bytes import PREFACE
from tests.support.listening import TRACES, Client, diagnose, make_files, make_settings
from tests.support.loopback_client import CLIENT_CA, client_context
from tests.unit.backend.test_export_content import make_spans

CLIENT: Final = CLIENT_CA.issue("exporter")
BODY: Final = make_spans().SerializeToString()
PACKED: Final = gzip.compress(BODY)
PROTOBUF: Final = "application/x-protobuf"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> ListenerFiles:
    """The listener's files."""
    return make_files(tmp_path_factory.mktemp("listen"))


class Conversation:
    """One connection of an accepted exporter, which sends in parts as sockets do."""

    def __init__(self, files: ListenerFiles, alpn: bytes = b"http/1.1", forward: str = "") -> None:
        """Make the handshake."""
        self._files = files
        self.session = ExporterSession(make_settings(files, forward=forward), 1, "192.0.2.7:5000")
        self.client = Client(self.session, client_context(CLIENT, "1.3"), alpn=(alpn,))
        self.client.run()

    def say(self, data: bytes) -> bytes:
        """Send `data`; return what came back until now."""
        for start in range(0, len(data), 16_000):
            self.client.connection.sendall(data[start : start + 16_000])
            self.client.run()
        return self.client.plain

    def end(self) -> tuple[ExporterConnection, Diagnosis]:
        """Close, and return what was seen and what it means."""
        self.session.end("close")
        return self.session.describe(), diagnose(self._files, self.session)


def post(
    body: bytes = BODY,
    *fields: str,
    target: str = "/v1/traces",
    media: str = PROTOBUF,
    length: bool = True,
) -> bytes:
    """Return a request over HTTP/1.1."""
    lines = [f"POST {target} HTTP/1.1", "Host: a", f"Content-Type: {media}", *fields]
    lines += [f"Content-Length: {len(body)}"] if length else []
    return "\r\n".join((*lines, "", "")).encode() + body


def chunked(body: bytes) -> bytes:
    """Return `body` in small chunks."""
    parts = (body[at : at + 7] for at in range(0, len(body), 7))
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status", "items"),
    [
        (post(), 200, 3),
        (post(b"", "Transfer-Encoding: chunked", length=False) + chunked(BODY), 200, 3),
        (post(target="https://a:4318/v1/traces?token=x"), 200, 3),
        (post(b"{}", media="Application/JSON; charset=utf-8"), 200, 0),
        (post(PACKED, "Content-Encoding: gzip"), 200, 3),
        (post(gzip.compress(BODY[:9]) + gzip.compress(BODY[9:]), "Content-Encoding: gzip"), 200, 3),
        (post(zlib.compress(BODY), "Content-Encoding: zlib"), 200, 3),
        (post(zlib.compress(BODY), "Content-Encoding: deflate"), 200, 3),
        (post(b"\x28\xb5\x2f\xfd", "Content-Encoding: zstd"), 200, None),
        (post(BODY, "Authorization: Bearer " + "x" * 200_000), 200, 3),
        (post(b""), 200, 0),
        (post(target="/v1development/profiles"), 200, 3),
        (post(b"\xff\xff\xffx"), 400, None),
        (post(b"{", media="application/json"), 400, None),
        (post(PACKED[:-12], "Content-Encoding: gzip"), 400, None),
        (post(BODY, "Content-Encoding: gzip"), 400, None),
        (post(BODY, "Content-Encoding: br"), 400, None),
        (post(BODY, "Content-Encoding: GZIP"), 400, None),
        (post(BODY, "Content-Encoding: identity"), 400, None),
        (post(target=TRACES, media="application/grpc"), 404, None),
    ],
)
def test_over_http_the_answer_is_the_collectors(
    files: ListenerFiles, request_bytes: bytes, status: int, items: int | None
) -> None:
    """What a Collector takes is counted; what it refuses is refused, and no success."""
    talk = Conversation(files)
    assert talk.say(request_bytes).startswith(b"HTTP/1.1 %d " % status)
    connection, found = talk.end()
    assert connection.requests[0].answer == f"HTTP {status}"
    if status == 200:
        assert (found.outcome, connection.requests[0].items) == ("confirmed", items)
    else:
        assert found.outcome == "failed"
        assert found.cause in {"otlp_rejected", "otlp_protocol_mismatch"}


def test_json_is_answered_with_json(files: ListenerFiles) -> None:
    """An exporter reads its answer by the media type that it sent (OTLP/HTTP, "Response")."""
    answer = Conversation(files).say(post(b"{}", media="application/json"))
    assert b"content-type: application/json\r\n" in answer
    assert answer.endswith(b'{"partialSuccess":{}}')


def test_who_waits_for_100_continue_gets_it(files: ListenerFiles) -> None:
    """Programs such as curl and Java's client send their body only then (RFC 9110 §10.1.1)."""
    head, _, body = post(BODY, "Expect: 100-continue").partition(b"\r\n\r\n")
    talk = Conversation(files)
    assert talk.say(head + b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert b"\r\n\r\nHTTP/1.1 200 " in talk.say(body)
    assert talk.end()[1].outcome == "confirmed"


def grpc(body: bytes, encoding: str = "", path: str = TRACES) -> bytes:
    """Return preface, SETTINGS and one request over HTTP/2."""
    fields = [
        (":method", "POST"), (":scheme", "https"), (":path", path), (":authority", "b"),
        ("content-type", "application/grpc"), ("te", "trailers"),
    ]  # fmt: skip
    fields += [("grpc-encoding", encoding)] if encoding else []
    head = HeadersFrame(1, Encoder().encode(fields), flags=["END_HEADERS"])
    frames = (SettingsFrame(), head, DataFrame(1, body, flags=["END_STREAM"]))
    return PREFACE + b"".join(frame.serialize() for frame in frames)


def frame_message(message: bytes, compressed: int = 0) -> bytes:
    """Return a length-prefixed message of gRPC."""
    return bytes((compressed,)) + len(message).to_bytes(4) + message


PROFILES: Final = next(path for path in SIGNALS if "ProfilesService" in path)


@pytest.mark.parametrize(
    ("request_bytes", "status", "items"),
    [
        (grpc(frame_message(BODY) * 2), 0, 6),
        (grpc(frame_message(PACKED, 1), "gzip"), 0, 3),
        (grpc(frame_message(BODY), "snappy"), 0, 3),
        (grpc(frame_message(BODY), path=PROFILES), 0, 3),
        (grpc(b""), 13, None),
        (grpc(b"\x00\x00\x00\x00\x05abc"), 13, None),
        (grpc(frame_message(b"\xff\xff")), 13, None),
        (grpc(frame_message(PACKED, 1)), 13, None),
        (grpc(frame_message(BODY, 1), "gzip"), 13, None),
        (grpc(frame_message(zlib.compress(BODY), 1), "deflate"), 12, None),
        (grpc(frame_message(BODY), "br"), 12, None),
    ],
)
def test_over_grpc_the_answer_is_the_collectors(
    files: ListenerFiles, request_bytes: bytes, status: int, items: int | None
) -> None:
    """`deflate`, which grpc-core has and a Collector lacks, is refused as there."""
    talk = Conversation(files, b"h2")
    talk.say(request_bytes)
    connection, found = talk.end()
    (request,) = connection.requests
    assert (request.answer, request.items) == (f"gRPC {status}", items)
    if status:
        assert (found.cause, found.certain) == ("otlp_rejected", True)
        assert request.uncounted in found.facts[1]
    else:
        assert found.outcome == "confirmed"


@pytest.mark.parametrize("forward", ["", "collector:4317"])
@pytest.mark.parametrize(
    ("data", "alpn", "fact"),
    [
        (post()[:-5], b"http/1.1", "ended the connection within a request"),
        (grpc(frame_message(BODY))[:-5], b"h2", "ended the connection within a request"),
        (PREFACE + SettingsFrame().serialize(), b"h2", "before any request"),
    ],
)
def test_a_request_that_was_begun_is_told_from_none(
    files: ListenerFiles, forward: str, data: bytes, alpn: bytes, fact: str
) -> None:
    """HTTP/2's preface is none; a connection that is cut within a body is not a scan."""
    talk = Conversation(files, alpn, forward)
    talk.say(data)
    _, found = talk.end()
    assert found.outcome == "unconfirmed"
    assert fact in found.facts[0]


def test_a_request_that_the_backend_has_not_answered_says_so(files: ListenerFiles) -> None:
    """With --forward: it came whole, and went on."""
    talk = Conversation(files, forward="collector:4317")
    talk.say(post())
    _, found = talk.end()
    assert "before collector:4317 answered its request" in found.facts[0]


@pytest.mark.parametrize(
    ("data", "alpn", "end", "cause"),
    [
        (b"\x01\x02\r\n\r\n", b"http/1.1", "refused", "otlp_protocol_mismatch"),
        (b"GET / HTTP/1.1\r\n\r\n" + b"x" * 24, b"h2", "refused", "otlp_protocol_mismatch"),
        (post(bytes(5 << 20)), b"http/1.1", "limit", None),
    ],
)
def test_who_is_ended_here_is_not_said_to_have_ended(
    files: ListenerFiles, data: bytes, alpn: bytes, end: str, cause: str | None
) -> None:
    """What is no HTTP, and what is longer than is held, has its own words."""
    talk = Conversation(files, alpn)
    talk.say(data)
    connection, found = talk.end()
    assert (connection.end, found.cause) == (end, cause)
    assert connection.detail in found.facts[0]


def test_the_17th_request_may_be_the_first_that_is_taken(files: ListenerFiles) -> None:
    """Health checks before it, on the same connection, do not hide it."""
    talk = Conversation(files)
    talk.say(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n" * 20 + post())
    connection, found = talk.end()
    assert (connection.request_count, found.outcome) == (21, "confirmed")


def test_profiles_are_told_from_paths_that_are_none_of_otlps(tmp_path: Path) -> None:
    """Behind --forward a Collector without a pipeline for them does not serve them."""
    talk = Conversation(make_files(tmp_path), forward="collector:4318")
    talk.say(post(target="/v1development/profiles"))
    talk.session.return_from_backend(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    _, found = talk.end()
    assert (found.cause, found.certain) == ("otlp_not_served", True)
    assert "that path is none of OTLP's" not in found.facts
