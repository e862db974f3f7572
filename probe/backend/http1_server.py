"""Sans-I/O HTTP/1.1 server over h11, with the interface of `Http2Server`.

Peers are evidence: whatever the client sends, nothing is raised; a violation brings 400 and
`closed`.
"""

from collections.abc import Callable
from typing import Final

import h11

from probe.backend.answers import MAX_REQUEST, TOO_LONG, Request, Response, read_path
from probe.backend.passing_messages import MAX_HEAD

BAD_REQUEST: Final = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Connection: close\r\n\r\n400 Bad Request"
)


class Http1Server:
    """One HTTP/1.1 connection of a server: bytes in, bytes out."""

    def __init__(self, respond: Callable[[Request], Response]) -> None:
        """Answer each request with what `respond` returns."""
        self.closed = self.began = False
        self.fault = ""
        """Why the connection was ended here."""
        self._respond = respond
        self._connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self._request: h11.Request | None = None
        self._body = bytearray()

    def opening(self) -> bytes:
        """Return nothing: an HTTP/1.1 server waits for the request."""
        return b""

    def receive(self, data: bytes) -> bytes:
        """Take bytes of the client; return the bytes that answer them."""
        if self.closed or not data:
            return b""
        self.began = True
        output = bytearray()
        try:
            self._connection.receive_data(data)
            while self._step(output):
                pass
        except h11.RemoteProtocolError:
            self.closed = True
            self.fault = self.fault or "what came is not HTTP/1.1"
            output += BAD_REQUEST
        return bytes(output)

    def _step(self, output: bytearray) -> bool:
        event = self._connection.next_event()
        if event is h11.NEED_DATA or event is h11.PAUSED:
            return False
        if isinstance(event, h11.Request):
            self._request = event
            self._body.clear()
            if self._connection.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[], reason="Continue")
                output += self._connection.send(go_on) or b""
        elif isinstance(event, h11.Data):
            self._body += event.data
            if len(self._body) > MAX_REQUEST:
                self.fault = TOO_LONG
                raise h11.RemoteProtocolError(TOO_LONG)
        elif isinstance(event, h11.EndOfMessage):
            return self._answer(output)
        elif isinstance(event, h11.ConnectionClosed):
            self.closed = True
            return False
        return True

    def _answer(self, output: bytearray) -> bool:
        asked = self._request
        assert asked is not None
        request = Request(
            "http/1.1",
            asked.method.decode("latin-1"),
            read_path(asked.target.decode("latin-1")),
            {name.decode("latin-1"): value.decode("latin-1") for name, value in asked.headers},
            bytes(self._body),
        )
        response = self._respond(request)
        headers = [*response.headers, ("content-length", str(len(response.body)))]
        status_line = h11.Response(status_code=response.status, headers=headers)
        output += self._connection.send(status_line) or b""
        if response.body and asked.method != b"HEAD":
            output += self._connection.send(h11.Data(data=response.body)) or b""
        output += self._connection.send(h11.EndOfMessage()) or b""
        if self._connection.our_state is h11.MUST_CLOSE:
            self.closed = True
            return False
        self._connection.start_next_cycle()
        return True
