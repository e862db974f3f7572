"""HTTP/2 as the client receives it: frames in, one `Answer` out; sans-I/O, by hyperframe, hpack.

Whatever violates RFC 9113 makes the exchange `garbage`. Frames of every kind, header bytes and body
are bounded: an endless CONTINUATION, an HPACK bomb or a flood of PINGs, SETTINGS or empty DATA costs
about as much as a normal answer.
"""

from typing import Final

from hpack import HPACKError
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

from probe.model.target import Protocol, Signal
from probe.otlp.exchange import FIRST_BYTES, Exchange
from probe.otlp.header_blocks import ExhaustedError, Fields, HeaderBlocks, ProtocolError
from probe.otlp.response import MAX_STEPS
from probe.text.safe_text import safe_text

STREAM: Final = 1
"""The one stream of the request: a client's first (RFC 9113 §5.1.1)."""

MAX_FRAME: Final = 16_384
MAX_FRAMES: Final = MAX_STEPS
MAX_HEADER_BYTES: Final = 16_384
"""Encoded bytes of all header blocks of a connection, interim responses included."""
MAX_INTERIM: Final = 8

_HEAD: Final = 9
_CONNECTION: Final = bytes(4)
"""The stream identifier of the connection itself."""
_STREAM: Final = STREAM.to_bytes(4)
_NO_INCREMENT: Final = frozenset({bytes(4), b"\x80\0\0\0"})
"""Zero, the reserved bit aside: an error (RFC 9113 §6.9)."""
_WHOLE_BLOCK: Final = 0x05
"""END_HEADERS with END_STREAM: of HEADERS without padding and priority (RFC 9113 §6.2)."""
_PING: Final = 8
_PING_ACK: Final = PingFrame(opaque_data=bytes(_PING), flags=["ACK"]).serialize()[:_HEAD]
_SETTINGS_ACK: Final = SettingsFrame(flags=["ACK"]).serialize()
_HTTP1: Final = b"HTTP/1."
_LENGTH_DIGITS: Final = 18


def _begins_settings(first: bytes) -> bool:
    """Whether `first`, less than a frame's head, can begin the SETTINGS of a server's preface."""
    return not any(first[:2]) and first[3:4] in {b"", bytes((SettingsFrame.type,))}


class Http2Exchange(Exchange):
    """The receiving half of one HTTP/2 exchange on stream 1."""

    over = "h2"

    def __init__(self, protocol: Protocol, signal: Signal) -> None:
        """Expect the answer to an Export of `signal`."""
        super().__init__(protocol, signal)
        self._blocks = HeaderBlocks()
        self._buffer = bytearray()
        self._output = bytearray()
        self._frames = 0
        self._interim = 0
        self._header_bytes = 0
        self._body_bytes = 0
        self._block: bytearray | None = None
        self._block_ends_stream = False
        self._announced = ""
        """The GOAWAY of a peer that had read the request: why the connection then ends."""

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer."""
        if self.ended:
            return
        self._buffer += data
        if not self.protocol_seen:
            self.first_bytes = bytes(self._buffer[:FIRST_BYTES])
        try:
            self._read()
        except (ProtocolError, HyperframeError, HPACKError) as error:
            self._break(safe_text(str(error)))
        except ExhaustedError as error:
            self._exhaust(str(error))

    def receive_eof(self, *, orderly: bool = True) -> None:
        """Take the end of the peer's bytes; in HTTP/2 the end of a connection never ends a body.

        What came before may be less than a frame's head, as an alert record of seven bytes is, and
        yet show that it is not one.
        """
        del orderly
        if self._announced and not self.ended:
            self._end("cut", self._announced)
            return
        if not (self.ended or self.protocol_seen) and not _begins_settings(bytes(self._buffer)):
            self._break(f"begins with {safe_text(self.first_bytes)}")
        self.end_early()

    def take_output(self) -> bytes:
        """Return the acknowledgements that are due."""
        output = bytes(self._output)
        self._output.clear()
        return output

    def _read(self) -> None:
        buffer, at = self._buffer, 0
        try:
            while not self.ended and len(buffer) - at >= _HEAD:
                length = int.from_bytes(buffer[at : at + 3])
                if length > MAX_FRAME:
                    raise ProtocolError(self._explain_oversized(bytes(buffer[at : at + _HEAD])))
                end = at + _HEAD + length
                if len(buffer) < end:
                    return
                # A copy, so that no view of the buffer is left behind when it is to shrink.
                whole = bytes(buffer[at:end])
                at = end
                if self._block is None and self._receive_common(whole):
                    continue
                view = memoryview(whole)
                frame, _ = Frame.parse_frame_header(view[:_HEAD])
                frame.parse_body(view[_HEAD:])
                self._receive_frame(frame)
        finally:
            del buffer[:at]

    def _receive_common(self, whole: bytes) -> bool:
        """Take a frame of the usual form without parsing it; return False for one to be parsed."""
        kind, flags, length = whole[3], whole[4], len(whole) - _HEAD
        stream = whole[5:9]
        if kind == SettingsFrame.type and stream == _CONNECTION:
            if flags & 1:
                if length or not self.protocol_seen:
                    return False
            elif length % 6:
                return False
            else:
                self.protocol_seen = True
                self._output += _SETTINGS_ACK
            self._count_frame()
            return True
        if not self.protocol_seen:
            return False
        if stream == _STREAM and kind == HeadersFrame.type and flags | 1 == _WHOLE_BLOCK:
            self._count_frame()
            self._receive_headers(whole[_HEAD:], ends_stream=bool(flags & 1), ends_headers=True)
        elif stream == _STREAM and kind == DataFrame.type and flags | 1 == 1:
            self._count_frame()
            self._receive_data(whole[_HEAD:], ends_stream=bool(flags & 1))
        elif stream == _CONNECTION and kind == PingFrame.type and not flags and length == _PING:
            self._count_frame()
            self._output += _PING_ACK + whole[_HEAD:]
        elif kind == WindowUpdateFrame.type and length == 4 and whole[_HEAD:] not in _NO_INCREMENT:
            self._count_frame()
        else:
            return False
        return True

    def _count_frame(self) -> None:
        self._frames += 1
        if self._frames > MAX_FRAMES:
            raise ExhaustedError(f"{MAX_FRAMES} frames of one answer")

    def _explain_oversized(self, head: bytes) -> str:
        if not self.protocol_seen:
            if head.startswith(_HTTP1):
                self.speaks_http1, self.unread = True, bytes(self._buffer)
            return f"begins with {safe_text(head)}"
        return "a frame is longer than SETTINGS_MAX_FRAME_SIZE"

    def _receive_frame(self, frame: Frame) -> None:
        self._count_frame()
        if not self.protocol_seen and (type(frame) is not SettingsFrame or "ACK" in frame.flags):
            raise ProtocolError("the first frame is not SETTINGS")
        if self._block is not None:
            if type(frame) is not ContinuationFrame or frame.stream_id != STREAM:
                raise ProtocolError("a header block is interrupted")
            self._add_fragment(frame.data, last="END_HEADERS" in frame.flags)
            return
        match frame:
            case SettingsFrame():
                self.protocol_seen = True
                if "ACK" not in frame.flags:
                    self._output += _SETTINGS_ACK
            case HeadersFrame():
                self._check_stream(frame)
                self._receive_headers(
                    frame.data,
                    ends_stream="END_STREAM" in frame.flags,
                    ends_headers="END_HEADERS" in frame.flags,
                )
            case DataFrame():
                self._check_stream(frame)
                self._receive_data(frame.data, ends_stream="END_STREAM" in frame.flags)
            case PingFrame():
                if "ACK" not in frame.flags:
                    self._output += PingFrame(
                        opaque_data=frame.opaque_data, flags=["ACK"]
                    ).serialize()
            case RstStreamFrame():
                self._check_stream(frame)
                self.http2_error = frame.error_code
                self._end("cut", f"RST_STREAM, error code {frame.error_code}")
            case GoAwayFrame():
                self._receive_goaway(frame)
            case ContinuationFrame() | PushPromiseFrame():
                raise ProtocolError(f"an unexpected {type(frame).__name__}")
            case _:
                pass  # WINDOW_UPDATE, PRIORITY, and what RFC 9113 §5.5 says to ignore

    def _check_stream(self, frame: Frame) -> None:
        if frame.stream_id != STREAM:
            raise ProtocolError("a frame on a stream that nobody opened")

    def _receive_headers(self, fragment: bytes, *, ends_stream: bool, ends_headers: bool) -> None:
        self._block = bytearray()
        self._block_ends_stream = ends_stream
        self._add_fragment(fragment, last=ends_headers)

    def _add_fragment(self, fragment: bytes, *, last: bool) -> None:
        assert self._block is not None
        self._header_bytes += len(fragment)
        if self._header_bytes > MAX_HEADER_BYTES:
            raise ExhaustedError(f"{MAX_HEADER_BYTES} bytes of header blocks")
        self._block += fragment
        if last:
            block, self._block = bytes(self._block), None
            self._receive_fields(self._blocks.decode(block))

    def _receive_fields(self, fields: Fields) -> None:
        response, last = self._response, self._block_ends_stream
        if response.status:
            if not last:
                raise ProtocolError("trailers that do not end the stream")
            response.add_trailers(fields)
            self._finish()
            return
        name, value = fields[0] if fields else (b"", b"")
        if name != b":status" or len(value) != 3 or not value.isdigit() or value < b"100":
            raise ProtocolError("a response without a status")
        if value < b"200":
            self._interim += 1
            if last:
                raise ProtocolError("an interim response that ends the stream")
            if self._interim > MAX_INTERIM:
                raise ExhaustedError(f"{MAX_INTERIM} interim responses")
            return
        response.status = int(value)
        response.add_fields(fields)
        if last:
            response.add_trailers(fields)  # gRPC's "Trailers-Only"
            self._finish()

    def _receive_data(self, data: bytes, *, ends_stream: bool) -> None:
        if not self._response.status:
            raise ProtocolError("DATA before the head")
        self._body_bytes += len(data)
        if self._response.add_body(data):
            raise ExhaustedError(f"{len(self._response.body)} bytes of one body")
        if ends_stream:
            self._finish()

    def _receive_goaway(self, frame: GoAwayFrame) -> None:
        """Take a GOAWAY, which says that the request will not be looked at, or was (RFC 9113 §6.8).

        Who names our stream has read the request, and may still answer it. A graceful shutdown
        begins with the highest number there is, which shows nothing.
        """
        text, last = safe_text(frame.additional_data), frame.last_stream_id & 0x7FFFFFFF
        fact = f"GOAWAY, error code {frame.error_code}" + (f": {text}" if text else "")
        if last < STREAM:
            self.http2_error = frame.error_code
            self._end("cut", fact)
        elif last == STREAM:
            self.http2_error, self._announced = frame.error_code, fact

    def _finish(self) -> None:
        """Take the end of the stream, where body and Content-Length must agree (RFC 9113 §8.1.1).

        Go's transport fails on either difference. gRPC has no Content-Length to keep.
        """
        declared = self._response.fields.get(b"content-length", b"")
        if self._response.protocol != "grpc" and declared and not self._is_length(declared):
            came = f"{self._body_bytes} bytes of a body whose Content-Length is"
            self._end("broken", f"{came} {safe_text(declared, 20)}")
        else:
            self._end("whole")

    def _is_length(self, declared: bytes) -> bool:
        if not declared.isdigit() or len(declared) > _LENGTH_DIGITS:
            return False
        return int(declared) == self._body_bytes

    def _break(self, detail: str) -> None:
        """End at a breach of the protocol; an error's status that came before it stands."""
        if self._response.status and not 200 <= self._response.status < 300:
            self._end("broken", detail)
        else:
            self._reject(detail)
