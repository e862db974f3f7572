"""Sans-I/O HTTP/2 server (RFC 9113) over h2.

Peers are evidence: whatever the client sends, nothing is raised; a violation brings GOAWAY and
`closed`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from hyperframe.frame import GoAwayFrame

from probe.backend.answers import MAX_REQUEST, TOO_LONG, Request, Response
from probe.backend.passing_messages import PREFACE

_FRAME_HEAD: Final = 9
_TYPE: Final = 3
"""Where in a frame's head its type is (RFC 9113 §4.1)."""
_CONFIGURATION: Final = H2Configuration(
    client_side=False,
    header_encoding=None,
    # A request with odd headers gets the answer of its path; ours are right as they are.
    validate_inbound_headers=False,
    validate_outbound_headers=False,
)


@dataclass(slots=True)
class _Stream:
    headers: dict[str, str]
    body: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class _Answer:
    response: Response
    sent: int = 0
    """Bytes of its body that went out."""


class Http2Server:
    """One HTTP/2 connection of a server: bytes in, bytes out."""

    def __init__(self, respond: Callable[[Request], Response]) -> None:
        """Answer each request with what `respond` returns."""
        self.closed = self.began = False
        self.fault = ""
        """Why the connection was ended here."""
        self._respond = respond
        self._connection = H2Connection(_CONFIGURATION)
        self._preface_left = len(PREFACE)
        self._buffer = bytearray()
        self._is_leaving = False
        """Whether the client begins no stream any more (GOAWAY)."""
        self._streams: dict[int, _Stream] = {}
        self._unsent: dict[int, _Answer] = {}
        """Answers that wait until the client takes more."""
        self._held = 0
        """Bytes of the bodies of all streams that have not ended."""

    def opening(self) -> bytes:
        """Return the SETTINGS that a server sends as soon as it can (RFC 9113 §3.4)."""
        self._connection.initiate_connection()
        return self._connection.data_to_send()

    def receive(self, data: bytes) -> bytes:
        """Take bytes of the client; return the bytes that answer them."""
        output = bytearray()
        self._buffer += data
        # Frame by frame: what a request is followed by must not keep its answer back.
        for part in self._split():
            if self.closed:
                break
            output += self._take(part)
        return bytes(output)

    def _split(self) -> Iterator[bytes]:
        """Yield what has come: the preface as it comes, then whole frames."""
        buffer = self._buffer
        if self._preface_left and buffer:
            part = bytes(buffer[: self._preface_left])
            self._preface_left -= len(part)
            del buffer[: len(part)]
            yield part
        while len(buffer) >= _FRAME_HEAD:
            length = int.from_bytes(buffer[:3])
            # One that is too long is refused by its head.
            is_short = len(buffer) < _FRAME_HEAD + length
            if is_short and length <= self._connection.max_inbound_frame_size:
                return
            part = bytes(buffer[: _FRAME_HEAD + length])
            del buffer[: len(part)]
            yield part

    def _take(self, part: bytes) -> bytes:
        if len(part) > _TYPE and part[_TYPE] == GoAwayFrame.type and not self._preface_left:
            # To h2 all is over then; streams that are open go on (RFC 9113 §6.8).
            self._is_leaving = True
        else:
            try:
                for event in self._connection.receive_data(part):
                    self._handle(event)
            except (ProtocolError, ValueError):
                self.closed = True
                self.fault = self.fault or "what came is not HTTP/2"
        if self._is_leaving and not self._streams and not self._unsent:
            self.closed = True
        return self._connection.data_to_send()

    def _handle(self, event: Event) -> None:
        match event:
            case RequestReceived():
                self.began = True
                headers = {_decode(name): _decode(value) for name, value in event.headers}
                self._streams[event.stream_id] = _Stream(headers)
            case DataReceived():
                taken = event.flow_controlled_length
                self._connection.acknowledge_received_data(taken, event.stream_id)
                if (stream := self._streams.get(event.stream_id)) is not None:
                    stream.body += event.data
                    self._held += len(event.data)
                    if self._held > MAX_REQUEST:
                        self._connection.close_connection()
                        self.closed, self.fault = True, TOO_LONG
            case StreamEnded():
                self._answer(event.stream_id)
            case StreamReset():
                self._forget(event.stream_id)
                self._unsent.pop(event.stream_id, None)
            case WindowUpdated() | RemoteSettingsChanged():
                for stream_id in list(self._unsent):
                    self._send(stream_id)

    def _forget(self, stream_id: int) -> _Stream | None:
        stream = self._streams.pop(stream_id, None)
        self._held -= len(stream.body) if stream is not None else 0
        return stream

    def _answer(self, stream_id: int) -> None:
        stream = self._forget(stream_id)
        if stream is None:
            return
        fields = stream.headers
        response = self._respond(
            Request(
                "h2",
                fields.get(":method", ""),
                fields.get(":path", ""),
                {name: value for name, value in fields.items() if not name.startswith(":")},
                bytes(stream.body),
            )
        )
        parts = [(":status", str(response.status)), *response.headers]
        more = bool(response.body or response.trailers)
        self._connection.send_headers(stream_id, parts, end_stream=not more)
        if more:
            self._unsent[stream_id] = _Answer(response)
            self._send(stream_id)

    def _send(self, stream_id: int) -> None:
        """Send of an answer what the client takes now."""
        answer, connection = self._unsent[stream_id], self._connection
        response = answer.response
        while answer.sent < len(response.body):
            window = connection.local_flow_control_window(stream_id)
            size = min(window, connection.max_outbound_frame_size)
            if size <= 0:
                return
            part = response.body[answer.sent : answer.sent + size]
            answer.sent += len(part)
            last = answer.sent == len(response.body) and not response.trailers
            connection.send_data(stream_id, part, end_stream=last)
        if response.trailers:
            connection.send_headers(stream_id, list(response.trailers), end_stream=True)
        del self._unsent[stream_id]


def _decode(raw: bytes | str) -> str:
    return raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
