"""HTTP/1.1 as the asking side hears it: bytes in, one `Answer` out; sans-I/O, by h11.

Law 1: no asyncio, socket, file or clock. Law 2: nothing that a peer sends raises; what is no
HTTP/1.1 makes the exchange `garbage`. Memory is bounded: h11 keeps at most 16 KiB of head, this
module at most `MAX_BODY` of a body.
"""

from typing import Final, Literal

import h11

from probe.evidence import Answer
from probe.handshake.answer import Response
from probe.safe_text import safe_text
from probe.target import Protocol, Signal

MAX_HEAD: Final = 16_384
MAX_INTERIM: Final = 8
"""Interim (1xx) responses that are skipped before the peer counts as garbage."""

Method = Literal["POST", "HEAD"]

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

    def __init__(self, protocol: Protocol, signal: Signal, method: Method = "POST") -> None:
        """Expect the answer to an Export of `signal`; one to HEAD has no body (RFC 9110 §9.3.2)."""
        self.answer: Answer | None = None
        self.spoke = False
        self.garbage = False
        self.ended = False
        self.detail = ""
        self.goaway: tuple[int, str] | None = None
        self.stream_error: int | None = None
        self._response = Response("http/1.1", protocol, signal)
        self._interim = 0
        self._first = b""
        self._eof = False
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        self._h11.send(_SENT[method])
        self._h11.send(h11.EndOfMessage())

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer."""
        if not data or self.ended:
            return
        if len(self._first) < len(_BEGINS):
            self._first += data[: len(_BEGINS) - len(self._first)]
            if not _BEGINS.startswith(self._first):
                self._give_up(f"begins with {safe_text(self._first)}")
                return
        for at in range(0, len(data), _PIECE):
            self._h11.receive_data(data[at : at + _PIECE])
            if not self._read():
                return

    def receive_eof(self) -> None:
        """Learn that nothing more comes: it ends a body of unknown length (RFC 9112 §6.3)."""
        if not self.ended:
            self._eof = True
            self._h11.receive_data(b"")
            self._read()

    def take_output(self) -> bytes:
        """Return nothing: HTTP/1.1 has no replies below the request."""
        return b""

    def _read(self) -> bool:
        """Hear what is complete; say whether more is wanted."""
        try:
            while not self.ended:
                event = self._h11.next_event()
                if event is h11.NEED_DATA:
                    return True
                self._hear(event)
        except h11.RemoteProtocolError as error:
            if self._response.status:
                self._finish(cut=True)
            elif self._eof:
                self.ended = True
            else:
                self._give_up(safe_text(str(error)))
        return False

    def _hear(self, event: object) -> None:
        response = self._response
        if isinstance(event, h11.Data):
            if response.add_body(event.data):
                self._finish(cut=True)
        elif isinstance(event, h11.Response):
            self.spoke = True
            response.status = event.status_code
            response.add_fields(event.headers)
        elif isinstance(event, h11.InformationalResponse):
            self.spoke = True
            self._interim += 1
            if self._interim > MAX_INTERIM:
                self._give_up("endless interim responses")
        elif isinstance(event, h11.EndOfMessage):
            self._finish(cut=False)
        elif response.status:
            self._finish(cut=True)
        else:
            self.ended = True

    def _finish(self, *, cut: bool) -> None:
        self.answer = self._response.to_answer(cut=cut)
        self.ended = True

    def _give_up(self, detail: str) -> None:
        self.garbage = self.ended = True
        self.detail = detail
