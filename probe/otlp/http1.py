"""HTTP/1.1 as the asking side receives it: bytes in, one `Answer` out; sans-I/O, by h11.

Nothing that a peer sends raises; what is not HTTP/1.1 makes the exchange `garbage`. Memory and
work are bounded: h11 keeps at most 16 KiB of head, this module at most `MAX_BODY` of a body, in at
most `MAX_STEPS` pieces, after heads of at most `MAX_FIELDS` fields.
"""

from typing import Final, Literal

import h11

from probe.model.evidence import Answer, BodyEnd
from probe.model.target import Protocol, Signal
from probe.otlp.response import MAX_STEPS, Response
from probe.text.safe_text import safe_text

MAX_HEAD: Final = 16_384
MAX_FIELDS: Final = 256
"""The most fields of all heads together. Those of the lab send 3 to 5."""
MAX_INTERIM: Final = 8
"""Interim (1xx) responses that are passed over."""

Method = Literal["POST", "HEAD"]

FIRST_BYTES: Final = 7
"""As many are kept of a peer that does not speak the protocol.

They tell what it speaks instead, and are too few for an echo of a header's value to matter.
"""

_BEGINS: Final = b"HTTP/1."
_PIECE: Final = 4096
# h11 asks what was sent before it reads an answer, and only the method counts. The bytes that go
# out are those of the target's Request.
_SENT: Final[dict[Method, h11.Request]] = {
    "POST": h11.Request(
        method="POST", target="/", headers=[("host", "target"), ("content-length", "0")]
    ),
    "HEAD": h11.Request(method="HEAD", target="/", headers=[("host", "target")]),
}


class Http1Exchange:
    """The receiving half of one HTTP/1.1 exchange."""

    over: Literal["h2", "http/1.1"] = "http/1.1"
    speaks_http1: bool = False
    unread: bytes = b""

    def __init__(self, protocol: Protocol, signal: Signal, method: Method = "POST") -> None:
        """Expect the answer to an Export of `signal`; one to HEAD has no body (RFC 9110 §9.3.2)."""
        self.answer: Answer | None = None
        self.cut_answer: Answer | None = None
        self.spoke = False
        self.garbage = False
        self.exhausted = False
        self.ended = False
        self.detail = ""
        self.first = b""
        self.goaway: tuple[int, str] | None = None
        self.stream_error: int | None = None
        self._response = Response("http/1.1", protocol, signal)
        self._interim = 0
        self._steps = 0
        self._fields = 0
        self._began = False
        self._eof = False
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        self._h11.send(_SENT[method])
        self._h11.send(h11.EndOfMessage())

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer."""
        if not data or self.ended:
            return
        if not self._began:
            self.first = (self.first + data)[:FIRST_BYTES]
            begins = self.first[: len(_BEGINS)]
            if not _BEGINS.startswith(begins):
                # As many as tell what it is instead: an alert record has seven.
                if len(begins) == len(_BEGINS):
                    self._give_up(f"begins with {safe_text(begins)}")
                return
            if begins == _BEGINS:
                self._began, self.first = True, b""
        for at in range(0, len(data), _PIECE):
            self._h11.receive_data(data[at : at + _PIECE])
            if not self._read():
                return

    def receive_eof(self, *, orderly: bool = True) -> None:
        """Learn that nothing more comes.

        An `orderly` end, a FIN, ends a body of unknown length (RFC 9112 §6.3), inside TLS without a
        close_notify too: Go takes it so at a record's boundary (crypto/tls, readRecordOrCCS). An
        RST leaves whatever was not read to its end cut.
        """
        if self.ended:
            return
        self._eof = True
        if not self._began and not _BEGINS.startswith(self.first):
            self._give_up(f"begins with {safe_text(self.first)}")
        elif orderly:
            self._h11.receive_data(b"")
            self._read()
        else:
            self._end_early()

    def end_early(self) -> None:
        """Learn that no more is read, because of a deadline or a bound."""
        if not self.ended:
            self._end_early()

    def take_output(self) -> bytes:
        """Return nothing: HTTP/1.1 has no replies below the request."""
        return b""

    def _read(self) -> bool:
        """Take what is complete; say whether more is wanted."""
        try:
            while not self.ended:
                event = self._h11.next_event()
                if event is h11.NEED_DATA:
                    return True
                self._take(event)
        except h11.RemoteProtocolError as error:
            if self._eof:
                self._end_early()
            elif self._response.status:
                self._finish("broken", safe_text(str(error)))
            else:
                self._give_up(safe_text(str(error)))
        return False

    def _take(self, event: object) -> None:
        response = self._response
        self._steps += 1
        if isinstance(event, h11.Data):
            if self._steps > MAX_STEPS:
                self._exhaust(f"{MAX_STEPS} pieces of one answer")
            elif response.add_body(event.data):
                self._exhaust(f"{len(response.body)} bytes of one body")
        elif isinstance(event, h11.Response | h11.InformationalResponse):
            self.spoke = True
            self._fields += len(event.headers)
            if isinstance(event, h11.Response):
                response.status = event.status_code
                response.add_fields(event.headers)
            else:
                self._interim += 1
            if self._interim > MAX_INTERIM:
                self._exhaust(f"{MAX_INTERIM} interim responses")
            elif self._fields > MAX_FIELDS:
                self._exhaust(f"{MAX_FIELDS} fields of heads")
        elif isinstance(event, h11.EndOfMessage):
            self._finish("whole")
        else:
            self._end_early()

    def _exhaust(self, bound: str) -> None:
        """End at a bound; what came of an answer stands where its status alone decides."""
        self.detail = bound
        self._end_early()
        self.exhausted = self.answer is None

    def _end_early(self) -> None:
        if self._response.status:
            self._finish("cut", self.detail)
        self.ended = True

    def _finish(self, end: BodyEnd, detail: str = "") -> None:
        answer, wrong = self._response.to_answer(end)
        self.ended = True
        if answer.body_end == "whole" or not self._response.promises_success:
            self.answer, self.detail = answer, ""
            return
        self.cut_answer, self.detail = answer, wrong or detail
        self.garbage = answer.body_end == "broken"

    def _give_up(self, detail: str) -> None:
        self.garbage = self.ended = True
        self.detail = detail
