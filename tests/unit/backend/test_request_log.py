"""Requests are counted with their answers, and nothing that they hold is kept."""

from hypothesis import given
from hypothesis import strategies as st

from probe.backend.request_log import KEPT, MAX_WAITING, RequestLog
from probe.text.safe_text import safe_text
from tests.unit.backend.test_export_content import make_spans

FIELDS = {
    ":method": "POST",
    ":path": "/v1/traces?token=secret",
    "content-type": "application/x-protobuf; x=y",
    "authorization": "Bearer secret",
    "user-agent": "OTel \x1b[1m",
}


def note(log: RequestLog, stream: int, fields: dict[str, str] = FIELDS, body: bytes = b"") -> None:
    """Let a request come."""
    log.note_request(stream, fields, body, size=len(body), whole=True, over="h2")


def test_an_export_is_described() -> None:
    """Signal, count, service and answer; no query, no header but the named ones."""
    log = RequestLog()
    note(log, 1, body=make_spans().SerializeToString())
    assert (log.count, log.first[0].answer) == (0, "")
    log.note_answer(1, "HTTP 200", True)
    one = log.first[0]
    assert (log.count, log.items, log.taken) == (1, 3, 1)
    assert (one.path, one.signal, one.items, one.services) == (
        "/v1/traces", "traces", 3, ("checkout",),
    )  # fmt: skip
    assert one.user_agent == r"OTel \x1b[1m"
    assert one.taken
    assert "secret" not in repr(one)


def test_a_request_that_is_none_of_otlps() -> None:
    """Its answer is never an export."""
    log = RequestLog()
    note(log, 1, {**FIELDS, ":path": "/healthz"})
    log.note_answer(1, "HTTP 200", True)
    assert (log.first[0].signal, log.first[0].taken, log.taken) == ("", False, 0)


def test_a_body_that_is_no_otlp_is_not_counted() -> None:
    """The reason is kept."""
    log = RequestLog()
    note(log, 1, body=b"\xff\xff")
    log.note_answer(1, "HTTP 400", False)
    assert (log.first[0].items, log.first[0].uncounted) == (None, "it is not protobuf")


def test_requests_are_bounded() -> None:
    """Those that wait for an answer, and those that are reported."""
    log = RequestLog()
    for stream in range(MAX_WAITING + 20):
        note(log, stream)
    for stream in range(MAX_WAITING + 20):
        log.note_answer(stream, "HTTP 200", True)
    assert log.count == MAX_WAITING
    assert len(log.first) == KEPT


@given(st.dictionaries(st.sampled_from([*FIELDS, "grpc-encoding"]), st.text()), st.binary())
def test_any_request_is_described_in_printable_text(fields: dict[str, str], body: bytes) -> None:
    """Whatever the fields hold."""
    log = RequestLog()
    note(log, 0, fields, body)
    log.note_answer(0, "HTTP 200\x1b", True)
    one = log.first[0]
    for text in (one.method, one.path, one.user_agent, one.content_type, one.encoding, one.answer):
        assert text == safe_text(text)
