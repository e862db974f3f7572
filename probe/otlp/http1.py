"""HTTP/1.1 as the client receives it: bytes in, one `Answer` out; sans-I/O, by h11.

An answer of the usual form that comes in one piece is read without h11, which takes a tenth of an
attempt; every other one by h11 from its first byte. The two agree (a property test compares them).
What a short one says is remembered but for its Date: a backend repeats itself.

Whatever is not HTTP/1.1 (RFC 9112) makes the exchange `garbage`. Memory and work are bounded: h11 keeps
at most 16 KiB of head, a body at most `MAX_BODY`, in at most `MAX_STEPS` pieces, after heads of at
most `MAX_FIELDS` fields.
"""

import re
from functools import lru_cache
from typing import Final, Literal, TypeAlias

import h11
from msgspec.structs import replace

from probe.model.evidence import Answer
from probe.model.target import Protocol, Signal
from probe.otlp.exchange import FIRST_BYTES, Exchange
from probe.otlp.response import (
    MAX_BODY,
    MAX_STEPS,
    REMEMBERED,
    USUAL_DATE,
    Response,
    parse_http_date,
)
from probe.text.safe_text import safe_text

MAX_HEAD: Final = 16_384
MAX_FIELDS: Final = 256
"""The most fields of all heads together. Those of healthy backends have 3 to 5."""
MAX_INTERIM: Final = 8
"""Interim (1xx) responses that are passed over."""

Method = Literal["POST", "HEAD"]

_USUAL_HEAD: Final = re.compile(
    rb"HTTP/1\.1 ([2-9][0-9][0-9]) [ -~]*\r\n"
    rb"((?:[-!#$%&'*+.^_`|~0-9A-Za-z]+:[ \t]*(?:[!-~](?:[ -~]*[!-~])?)?\r\n)+)\r\n"
)
_WITHOUT_BODY: Final = frozenset({b"204", b"304"})
"""Statuses after which no body comes, whatever Content-Length says (RFC 9112 §6.3)."""
_LENGTH_DIGITS: Final = 6
_DATE: Final = b"\r\nDate: "
_ANY_DATE: Final = b"Thu, 01 Jan 1970 00:00:00 GMT"
_Fields: TypeAlias = tuple[tuple[bytes, bytes], ...]
_Usual: TypeAlias = tuple[int, _Fields, bytes]
"""Status, fields and body."""
_BEGINNING: Final = b"HTTP/1."
_PIECE: Final = 4096
# h11 asks what was sent before it reads an answer, and only the method counts. The bytes that go
# out are those of the target's Request.
_SENT: Final[dict[Method, h11.Request]] = {
    "POST": h11.Request(
        method="POST", target="/", headers=[("host", "target"), ("content-length", "0")]
    ),
    "HEAD": h11.Request(method="HEAD", target="/", headers=[("host", "target")]),
}


class Http1Exchange(Exchange):
    """The receiving half of one HTTP/1.1 exchange."""

    over = "http/1.1"

    def __init__(self, protocol: Protocol, signal: Signal, method: Method = "POST") -> None:
        """Expect the answer to an Export of `signal`; one to HEAD has no body (RFC 9110 §9.3.2)."""
        super().__init__(protocol, signal)
        self._interim = 0
        self._steps = 0
        self._fields = 0
        self._began = False
        self._eof = False
        self._method: Final = method
        self._parser: h11.Connection | None = None

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer."""
        if not data or self.ended:
            return
        if not self._began:
            if not self.first_bytes and self._method == "POST" and self._read_usual(data):
                return
            self.first_bytes = (self.first_bytes + data)[:FIRST_BYTES]
            if not _BEGINNING.startswith(self.first_bytes):
                # A TLS alert record has seven bytes: with fewer, one cannot yet tell.
                if len(self.first_bytes) == FIRST_BYTES:
                    self._reject(f"begins with {safe_text(self.first_bytes)}")
                return
            if self.first_bytes == _BEGINNING:
                self._began, self.first_bytes = True, b""
        for index in range(0, len(data), _PIECE):
            self._h11.receive_data(data[index : index + _PIECE])
            if not self._read():
                return

    def receive_eof(self, *, orderly: bool = True) -> None:
        """Take the end of the peer's bytes.

        An `orderly` end, a FIN, ends a body of unknown length (RFC 9112 §6.3), inside TLS without a
        close_notify too: Go takes it so at a record's boundary (crypto/tls, readRecordOrCCS). An
        RST cuts whatever was not read to its end.
        """
        if self.ended:
            return
        self._eof = True
        if not self._began and not _BEGINNING.startswith(self.first_bytes):
            self._reject(f"begins with {safe_text(self.first_bytes)}")
        elif orderly:
            self._h11.receive_data(b"")
            self._read()
        else:
            self._end("cut")

    @property
    def _h11(self) -> h11.Connection:
        """The general parser, from when it is needed."""
        if self._parser is None:
            self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
            self._parser.send(_SENT[self._method])
            self._parser.send(h11.EndOfMessage())
        return self._parser

    def _read_usual(self, data: bytes) -> bool:
        """Read `data` where it is a whole answer of the usual form; return whether it is one."""
        response = self._response
        if len(data) <= REMEMBERED:
            known = _recall_answer(data, response.protocol, response.signal)
            if known is not None:
                self._began = self.protocol_seen = self.ended = True
                self.answer = known
                return True
        usual = _parse_usual(data)
        if usual is None:
            return False
        self._began = self.protocol_seen = True
        _fill(response, usual)
        self._end("whole")
        return True

    def _read(self) -> bool:
        """Process all complete events; return whether more bytes are needed."""
        try:
            while not self.ended:
                event = self._h11.next_event()
                if event is h11.NEED_DATA:
                    return True
                self._take(event)
        except h11.RemoteProtocolError as error:
            if self._eof:
                self._end("cut")
            elif self._response.status:
                self._end("broken", safe_text(str(error)))
            else:
                self._reject(safe_text(str(error)))
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
            self.protocol_seen = True
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
        else:
            self._end("whole" if isinstance(event, h11.EndOfMessage) else "cut")


def _recall_answer(data: bytes, protocol: Protocol, signal: Signal) -> Answer | None:
    """Return what `data` says where it is a whole usual answer with one Date of the usual form."""
    before, _, after = data.partition(_DATE)
    date = after[: len(_ANY_DATE)]
    if USUAL_DATE.fullmatch(date) is None:
        return None
    undated = _read_undated(before, after[len(_ANY_DATE) :], protocol, signal)
    return None if undated is None else replace(undated, date=parse_http_date(date))


@lru_cache(maxsize=64)
def _read_undated(before: bytes, after: bytes, protocol: Protocol, signal: Signal) -> Answer | None:
    """Return what an answer says, but for the Date between `before` and `after`."""
    usual, date = _parse_usual(before + _DATE + _ANY_DATE + after), (b"date", _ANY_DATE)
    if usual is None or usual[1].count(date) != 1 or b"\r\n\r\n" in before + _DATE:
        return None  # the body's, or one of several
    response = Response("http/1.1", protocol, signal)
    _fill(response, usual)
    if response.fields[b"date"] != _ANY_DATE:
        return None  # another one counts, in front of it
    answer, _ = response.make_undated("whole")
    return answer if answer.body_end == "whole" else None


def _fill(response: Response, usual: _Usual) -> None:
    response.status, fields, body = usual
    response.add_fields(fields)
    response.add_body(body)


def _parse_usual(data: bytes) -> _Usual | None:
    """Return the parts of `data` where it is a whole answer of the usual form."""
    head = _USUAL_HEAD.match(data, 0, MAX_HEAD)
    if head is None or head[1] in _WITHOUT_BODY:
        return None
    fields = tuple([_split_field(line) for line in head[2].split(b"\r\n")[:-1]])
    lengths = [value for name, value in fields if name == b"content-length"]
    if len(lengths) != 1 or len(fields) > MAX_FIELDS or len(lengths[0]) > _LENGTH_DIGITS:
        return None
    body = data[head.end() :]
    if not lengths[0].isdigit() or int(lengths[0]) != len(body) or len(body) > MAX_BODY:
        return None
    if any(name == b"transfer-encoding" for name, _ in fields):
        return None
    return int(head[1]), fields, body


def _split_field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.lower(), value.strip(b" \t")
