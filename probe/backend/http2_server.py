"""Sans-I/O HTTP/2 server (RFC 9113), as much of it as an OTLP client needs.

Law 2: whatever the client sends, nothing is raised; a violation brings GOAWAY and `closed`.
Answers are small, so the client's flow-control windows are not tracked.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from hpack import Decoder, Encoder
from hpack.exceptions import HPACKError
from hyperframe.exceptions import HyperframeError
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from probe.backend.answers import Headers, Request, Response

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

_FRAME_HEADER: Final = 9
_MAX_FRAME: Final = 16384
_MAX_STREAMS: Final = 128
_MAX_REQUEST: Final = 4 << 20
_PROTOCOL_ERROR: Final = 1
_FRAME_SIZE_ERROR: Final = 6
_COMPRESSION_ERROR: Final = 9


class _ViolationError(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class _Stream:
    block: bytearray = field(default_factory=bytearray)
    headers: dict[str, str] | None = None
    body: bytearray = field(default_factory=bytearray)
    ended: bool = False


class Http2Server:
    """One HTTP/2 connection of a server: bytes in, bytes out."""

    def __init__(self, respond: Callable[[Request], Response]) -> None:
        """Answer each request with what `respond` returns."""
        self.closed = False
        self._respond = respond
        self._encoder = Encoder()
        self._decoder = Decoder()
        self._buffer = bytearray()
        self._preface = False
        self._streams: dict[int, _Stream] = {}
        self._last_stream = 0
        self._continued = 0

    def opening(self) -> bytes:
        """Return the SETTINGS that a server sends as soon as it can (RFC 9113 §3.4)."""
        settings = {
            SettingsFrame.MAX_CONCURRENT_STREAMS: _MAX_STREAMS,
            SettingsFrame.MAX_FRAME_SIZE: _MAX_FRAME,
        }
        return _bytes(SettingsFrame(settings=settings))

    def receive(self, data: bytes) -> bytes:
        """Take bytes of the client; return the bytes that answer them."""
        if self.closed:
            return b""
        self._buffer += data
        output = bytearray()
        try:
            if not self._preface and not self._take_preface():
                return b""
            while (frame := self._next_frame()) is not None:
                self._handle(frame, output)
        except _ViolationError as violation:
            self._go_away(violation.code, output)
        except HPACKError:
            self._go_away(_COMPRESSION_ERROR, output)
        except (HyperframeError, ValueError):
            self._go_away(_PROTOCOL_ERROR, output)
        return bytes(output)

    def _go_away(self, code: int, output: bytearray) -> None:
        self.closed = True
        output += _bytes(GoAwayFrame(last_stream_id=self._last_stream, error_code=code))

    def _take_preface(self) -> bool:
        if not PREFACE.startswith(self._buffer[: len(PREFACE)]):
            raise _ViolationError(_PROTOCOL_ERROR)
        if len(self._buffer) < len(PREFACE):
            return False
        del self._buffer[: len(PREFACE)]
        self._preface = True
        return True

    def _next_frame(self) -> Frame | None:
        if len(self._buffer) < _FRAME_HEADER:
            return None
        frame, length = Frame.parse_frame_header(memoryview(bytes(self._buffer[:_FRAME_HEADER])))
        if length > _MAX_FRAME:
            raise _ViolationError(_FRAME_SIZE_ERROR)
        if len(self._buffer) < _FRAME_HEADER + length:
            return None
        frame.parse_body(memoryview(bytes(self._buffer[_FRAME_HEADER : _FRAME_HEADER + length])))
        del self._buffer[: _FRAME_HEADER + length]
        return frame

    def _handle(self, frame: Frame, output: bytearray) -> None:
        # RFC 9113 §6.10: nothing may stand between HEADERS and its CONTINUATIONs.
        if self._continued and not (
            isinstance(frame, ContinuationFrame) and frame.stream_id == self._continued
        ):
            raise _ViolationError(_PROTOCOL_ERROR)
        if isinstance(frame, (HeadersFrame, ContinuationFrame)):
            self._headers(frame, output)
        elif isinstance(frame, DataFrame):
            self._data(frame, output)
        elif isinstance(frame, SettingsFrame):
            if "ACK" not in frame.flags:
                output += _bytes(SettingsFrame(flags=["ACK"]))
        elif isinstance(frame, PingFrame):
            if "ACK" not in frame.flags:
                output += _bytes(PingFrame(opaque_data=frame.opaque_data, flags=["ACK"]))
        elif isinstance(frame, RstStreamFrame):
            self._streams.pop(frame.stream_id, None)
        elif isinstance(frame, PushPromiseFrame):
            raise _ViolationError(_PROTOCOL_ERROR)
        elif isinstance(frame, GoAwayFrame):
            self.closed = True

    def _headers(self, frame: HeadersFrame | ContinuationFrame, output: bytearray) -> None:
        stream = self._streams.get(frame.stream_id)
        if isinstance(frame, ContinuationFrame):
            if stream is None or frame.stream_id != self._continued:
                raise _ViolationError(_PROTOCOL_ERROR)
        else:
            if stream is None:
                if frame.stream_id % 2 == 0 or frame.stream_id <= self._last_stream:
                    raise _ViolationError(_PROTOCOL_ERROR)
                if len(self._streams) >= _MAX_STREAMS:
                    raise _ViolationError(_PROTOCOL_ERROR)
                stream = self._streams[frame.stream_id] = _Stream()
                self._last_stream = frame.stream_id
            stream.ended = "END_STREAM" in frame.flags
        stream.block += frame.data
        if len(stream.block) > _MAX_REQUEST:
            raise _ViolationError(_PROTOCOL_ERROR)
        if "END_HEADERS" not in frame.flags:
            self._continued = frame.stream_id
            return
        self._continued = 0
        decoded = self._decoder.decode(bytes(stream.block), raw=True)
        stream.block.clear()
        if stream.headers is None:
            stream.headers = {_text(name): _text(value) for name, value in decoded}
        self._finish(frame.stream_id, stream, output)

    def _data(self, frame: DataFrame, output: bytearray) -> None:
        taken = frame.flow_controlled_length
        if taken:
            output += _bytes(WindowUpdateFrame(0, window_increment=taken))
        stream = self._streams.get(frame.stream_id)
        if stream is None:
            return
        if taken:
            output += _bytes(WindowUpdateFrame(frame.stream_id, window_increment=taken))
        stream.body += frame.data
        if len(stream.body) > _MAX_REQUEST:
            raise _ViolationError(_PROTOCOL_ERROR)
        stream.ended = "END_STREAM" in frame.flags
        self._finish(frame.stream_id, stream, output)

    def _finish(self, stream_id: int, stream: _Stream, output: bytearray) -> None:
        if not stream.ended or stream.headers is None:
            return
        del self._streams[stream_id]
        headers = stream.headers
        request = Request(
            "h2",
            headers.get(":method", ""),
            headers.get(":path", ""),
            {name: value for name, value in headers.items() if not name.startswith(":")},
            bytes(stream.body),
        )
        self._send(stream_id, self._respond(request), output)

    def _send(self, stream_id: int, response: Response, output: bytearray) -> None:
        headers = ((":status", str(response.status)), *response.headers)
        more = bool(response.body or response.trailers)
        output += self._header_frame(stream_id, headers, end=not more)
        for at in range(0, len(response.body), _MAX_FRAME):
            last = at + _MAX_FRAME >= len(response.body) and not response.trailers
            chunk = response.body[at : at + _MAX_FRAME]
            output += _bytes(DataFrame(stream_id, chunk, flags=["END_STREAM"] if last else []))
        if response.trailers:
            output += self._header_frame(stream_id, response.trailers, end=True)

    def _header_frame(self, stream_id: int, headers: Headers, *, end: bool) -> bytes:
        flags = ["END_HEADERS", "END_STREAM"] if end else ["END_HEADERS"]
        return _bytes(HeadersFrame(stream_id, self._encoder.encode(headers), flags=flags))


def _bytes(frame: Frame) -> bytes:
    return bytes(frame.serialize())


def _text(raw: bytes | str) -> str:
    return raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
