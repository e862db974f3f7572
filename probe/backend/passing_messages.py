"""Reads the HTTP messages that pass between an exporter and the backend behind `listen`; sans-I/O.

Nothing is changed and nothing answered. What cannot be read is no longer looked at: the bytes go on
all the same. All of it is bounded: a body that is too long is not held.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

import h11
from hpack import Decoder, HPACKError
from hyperframe.exceptions import HyperframeError
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    HeadersFrame,
    RstStreamFrame,
)

from probe.backend.answers import MAX_REQUEST, read_path

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
MAX_FRAME: Final = 1 << 20
"""Bytes of a frame; a Collector asks for no more than 16 KiB."""
MAX_HEAD: Final = 1 << 20
"""Bytes of a head in HTTP/1.1, as Go's net/http has it."""
MAX_STREAMS: Final = 256
MAX_BLOCK: Final = 65_536

Side = Literal["request", "answer"]


@dataclass(slots=True)
class Message:
    """A request or an answer that has passed whole."""

    stream: int
    headers: dict[str, str]
    body: bytearray = field(default_factory=bytearray)
    size: int = 0
    """Bytes of the body, held or not."""
    whole: bool = True
    """Whether the whole body is held."""


class Messages(Protocol):
    """The messages of one direction of a connection."""

    began: bool
    """Whether any of one came."""

    def receive(self, data: bytes) -> list[Message]:
        """Take bytes; return the messages that end in them."""
        ...

    def end(self) -> list[Message]:
        """Take that nothing more comes; return the message that ends with that."""
        ...


class Http2Messages:
    """One direction of an HTTP/2 connection (RFC 9113)."""

    def __init__(self, side: Side) -> None:
        """Read requests, which a preface comes before, or answers."""
        self.began = False
        self._preface = len(PREFACE) if side == "request" else 0
        self._holds_bodies = side == "request"
        self._buffer = bytearray()
        self._decoder = Decoder(max_header_list_size=MAX_BLOCK)
        # The other side's SETTINGS may allow more than the 4 KiB of RFC 7541.
        self._decoder.max_allowed_table_size = MAX_BLOCK
        self._block = bytearray()
        self._ends = False
        self._held = 0
        self._open: dict[int, Message] = {}
        self._lost = False

    def receive(self, data: bytes) -> list[Message]:
        """Take bytes; return the messages that end in them."""
        if self._lost:
            return []
        self._buffer += data
        try:
            return list(self._read())
        except (HPACKError, HyperframeError, ValueError):
            self._lost = True
            self._buffer.clear()
            self._open.clear()
            return []

    def end(self) -> list[Message]:
        """Take that nothing more comes: no message of HTTP/2 ends so."""
        return []

    def _read(self) -> Iterator[Message]:
        if self._preface:
            if len(self._buffer) < self._preface:
                return
            del self._buffer[: self._preface]
            self._preface = 0
        while len(self._buffer) >= 9:
            frame, length = Frame.parse_frame_header(memoryview(bytes(self._buffer[:9])))
            if length > MAX_FRAME:
                raise ValueError("a frame that is too long")
            if len(self._buffer) < 9 + length:
                return
            body = memoryview(bytes(self._buffer[9 : 9 + length]))
            del self._buffer[: 9 + length]
            if isinstance(frame, (HeadersFrame, ContinuationFrame, DataFrame, RstStreamFrame)):
                frame.parse_body(body)
                yield from self._take(frame)

    def _take(self, frame: Frame) -> Iterator[Message]:
        stream = frame.stream_id
        if isinstance(frame, RstStreamFrame):
            self._drop(stream)
        elif isinstance(frame, DataFrame):
            message = self._open.get(stream)
            if message is not None:
                self._add(message, frame.data)
                if "END_STREAM" in frame.flags:
                    yield self._end(stream)
        elif isinstance(frame, (HeadersFrame, ContinuationFrame)):
            if isinstance(frame, HeadersFrame):
                self.began = True
                self._block.clear()
                self._ends = "END_STREAM" in frame.flags
            self._block += frame.data
            if len(self._block) > MAX_BLOCK:
                raise ValueError("header fields that are too long")
            if "END_HEADERS" in frame.flags:
                fields = {
                    bytes(name).decode("latin-1"): bytes(value).decode("utf-8", "backslashreplace")
                    for name, value in self._decoder.decode(bytes(self._block), raw=True)
                }
                # Trailers, and what follows an interim answer, add to the same message.
                self._open.setdefault(stream, Message(stream, {})).headers.update(fields)
                if len(self._open) > MAX_STREAMS:
                    raise ValueError("too many streams")
                if self._ends:
                    yield self._end(stream)

    def _add(self, message: Message, data: bytes) -> None:
        message.size += len(data)
        if self._holds_bodies and message.whole and self._held + len(data) <= MAX_REQUEST:
            message.body += data
            self._held += len(data)
        elif data:
            message.whole = False

    def _end(self, stream: int) -> Message:
        message = self._open[stream]
        self._drop(stream)
        return message

    def _drop(self, stream: int) -> None:
        message = self._open.pop(stream, None)
        self._held -= len(message.body) if message is not None else 0


class Http1Messages:
    """One direction of an HTTP/1.1 connection (RFC 9112); the exchanges are numbered in order."""

    def __init__(self, side: Side) -> None:
        """Read requests or answers."""
        self.began = False
        self._side = side
        self._exchange = 0
        self._lost = False
        self._begin(b"")

    def _begin(self, rest: bytes) -> None:
        self._message: Message | None = None
        if self._side == "request":
            self._connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        else:
            self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
            asked = h11.Request(method="POST", target="/", headers=[("host", "backend")])
            self._connection.send(asked)
            self._connection.send(h11.EndOfMessage())
        if rest:
            self._connection.receive_data(rest)

    def receive(self, data: bytes) -> list[Message]:
        """Take bytes; return the messages that end in them."""
        if not data:
            return []
        self.began = True
        return self._take(data)

    def end(self) -> list[Message]:
        """Take that nothing more comes: an answer without a length ends so (RFC 9112 §6.3)."""
        return self._take(b"")

    def _take(self, data: bytes) -> list[Message]:
        if self._lost:
            return []
        try:
            self._connection.receive_data(data)
            return list(self._read())
        except (h11.ProtocolError, RuntimeError):
            self._lost = True
            self._message = None
            return []

    def _read(self) -> Iterator[Message]:
        while True:
            event = self._connection.next_event()
            if event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
                return
            if isinstance(event, h11.Request):
                self._message = Message(self._exchange, _name_fields(event.headers))
                self._message.headers[":method"] = event.method.decode("latin-1")
                self._message.headers[":path"] = read_path(event.target.decode("latin-1"))
            elif isinstance(event, h11.Response):
                self._message = Message(self._exchange, _name_fields(event.headers))
                self._message.headers[":status"] = str(event.status_code)
            elif isinstance(event, h11.Data) and self._message is not None:
                self._add(self._message, bytes(event.data))
            elif isinstance(event, h11.EndOfMessage) and self._message is not None:
                yield self._message
                self._exchange += 1
                # h11 follows an exchange of both sides; here one side is seen.
                self._begin(self._connection.trailing_data[0])
            elif event is h11.PAUSED:
                self._begin(self._connection.trailing_data[0])

    def _add(self, message: Message, data: bytes) -> None:
        message.size += len(data)
        if self._side == "request" and len(message.body) + len(data) <= MAX_REQUEST:
            message.body += data
        else:
            message.whole = False


def _name_fields(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}


def read_messages(side: Side, *, http2: bool) -> Messages:
    """Return a reader of one direction."""
    return Http2Messages(side) if http2 else Http1Messages(side)


def is_answer_good(headers: Mapping[str, str]) -> tuple[str, bool]:
    """Return an answer's status as it is shown, and whether it is a success."""
    status = headers.get(":status", "")
    if "grpc-status" in headers:
        return f"gRPC {headers['grpc-status']}"[:20], headers["grpc-status"] == "0"
    return f"HTTP {status}"[:20], status.startswith("2")
