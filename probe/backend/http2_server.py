"""Sans-I/O HTTP/2 server (RFC 9113) over h2.

Peers are evidence: whatever the client sends, nothing is raised; a violation brings GOAWAY and
`closed`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RequestReceived,
    StreamEnded,
    StreamReset,
)
from h2.exceptions import ProtocolError

from probe.backend.answers import MAX_REQUEST, Request, Response

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


class Http2Server:
    """One HTTP/2 connection of a server: bytes in, bytes out."""

    def __init__(self, respond: Callable[[Request], Response]) -> None:
        """Answer each request with what `respond` returns."""
        self.closed = False
        self._respond = respond
        self._connection = H2Connection(_CONFIGURATION)
        self._streams: dict[int, _Stream] = {}
        self._held = 0
        """Bytes of the bodies of all streams that have not ended."""

    def opening(self) -> bytes:
        """Return the SETTINGS that a server sends as soon as it can (RFC 9113 §3.4)."""
        self._connection.initiate_connection()
        return self._connection.data_to_send()

    def receive(self, data: bytes) -> bytes:
        """Take bytes of the client; return the bytes that answer them."""
        if self.closed:
            return b""
        try:
            for event in self._connection.receive_data(data):
                self._handle(event)
        except (ProtocolError, ValueError):
            self.closed = True
        return self._connection.data_to_send()

    def _handle(self, event: Event) -> None:
        match event:
            case RequestReceived():
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
                        self.closed = True
            case StreamEnded():
                self._answer(event.stream_id)
            case StreamReset():
                self._forget(event.stream_id)
            case ConnectionTerminated():
                self.closed = True

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
        size = self._connection.max_outbound_frame_size
        for index in range(0, len(response.body), size):
            last = index + size >= len(response.body) and not response.trailers
            self._connection.send_data(
                stream_id, response.body[index : index + size], end_stream=last
            )
        if response.trailers:
            self._connection.send_headers(stream_id, list(response.trailers), end_stream=True)


def _decode(raw: bytes | str) -> str:
    return raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
