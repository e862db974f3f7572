"""HTTP/2 as the asking side hears it: frames in, one `Answer` out; sans-I/O, by hyperframe and hpack.

Law 1: no asyncio, socket, file or clock. Law 2: nothing that a peer sends raises; what breaks RFC
9113 makes the exchange `garbage`. Frames, header bytes and body are bounded, so an endless
CONTINUATION, an HPACK bomb or a flood of PINGs costs no more than a healthy answer's order.
"""

from functools import lru_cache
from typing import Final, Literal

from hpack import Decoder, HPACKError
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

from probe.evidence import Answer
from probe.handshake.answer import Response
from probe.safe_text import safe_text
from probe.target import Protocol, Signal

STREAM: Final = 1
"""The one stream of the request: a client's first (RFC 9113 §5.1.1)."""

MAX_FRAME: Final = 16_384
MAX_FRAMES: Final = 4096
MAX_HEADER_LIST: Final = 16_384
"""The decoded size of one header block, as RFC 9113 §6.5.2 counts it; our SETTINGS say so."""
MAX_HEADER_BYTES: Final = 65_536
"""Bytes of all header blocks of a connection, interim responses included."""
MAX_INTERIM: Final = 8

_HEAD: Final = 9
_CONNECTION: Final = bytes(4)
"""The stream identifier of the connection itself."""
_REMEMBERED_BLOCKS: Final = 1024
"""Bytes of header blocks whose decoding is remembered: a healthy backend repeats itself."""
_SETTINGS_ACK: Final = SettingsFrame(flags=["ACK"]).serialize()


Fields = tuple[tuple[bytes, bytes], ...]


def _last_fields(blocks: tuple[bytes, ...]) -> Fields:
    """Decode the header blocks of a connection in order and return the fields of the last.

    HPACK's dynamic table depends on the blocks before (RFC 7541 §2.2) and on nothing else, so
    this is a pure function of all of them, and its results can be remembered.
    """
    decoder = Decoder(max_header_list_size=MAX_HEADER_LIST)
    for block in blocks[:-1]:
        decoder.decode(block, raw=True)
    return tuple((bytes(n), bytes(v)) for n, v in decoder.decode(blocks[-1], raw=True))


_remembered = lru_cache(maxsize=256)(_last_fields)


class _ProtocolError(Exception):
    """The peer breaks RFC 9113; its text is a short fact."""


class Http2Exchange:
    """The receiving half of one HTTP/2 exchange on stream 1."""

    over: Literal["h2", "http/1.1"] = "h2"

    def __init__(self, protocol: Protocol, signal: Signal) -> None:
        """Expect the answer to an Export of `signal`."""
        self.answer: Answer | None = None
        self.spoke = False
        self.garbage = False
        self.ended = False
        self.detail = ""
        self.goaway: tuple[int, str] | None = None
        self.stream_error: int | None = None
        self._response = Response("h2", protocol, signal)
        self._blocks: tuple[bytes, ...] = ()
        self._buffer = bytearray()
        self._output = bytearray()
        self._frames = 0
        self._interim = 0
        self._header_bytes = 0
        self._block: bytearray | None = None
        self._block_ends_stream = False

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer."""
        if self.ended:
            return
        self._buffer += data
        try:
            self._read()
        except (_ProtocolError, HyperframeError, HPACKError) as error:
            self.garbage = self.ended = True
            self.detail = safe_text(str(error))
        if self.ended:
            self._buffer.clear()

    def receive_eof(self) -> None:
        """Learn that nothing more comes; a head that is no gRPC is an answer even if cut."""
        if not self.ended:
            self._end_early()

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
                    raise _ProtocolError(self._oversized(bytes(buffer[at : at + _HEAD])))
                end = at + _HEAD + length
                if len(buffer) < end:
                    return
                # A copy, so that no view of the buffer is left behind when it is to shrink.
                whole = bytes(buffer[at:end])
                at = end
                if self._block is None and self._hear_plain(whole):
                    continue
                view = memoryview(whole)
                frame, _ = Frame.parse_frame_header(view[:_HEAD])
                frame.parse_body(view[_HEAD:])
                self._hear(frame)
        finally:
            del buffer[:at]

    def _hear_plain(self, whole: bytes) -> bool:
        """Hear a frame that needs no object; what is odd about one goes the long way."""
        kind, flags, length = whole[3], whole[4], len(whole) - _HEAD
        if kind == SettingsFrame.type and whole[5:9] == _CONNECTION:
            if flags & 1:
                if length or not self.spoke:
                    return False
            elif length % 6:
                return False
            else:
                self.spoke = True
                self._output += _SETTINGS_ACK
        elif kind != WindowUpdateFrame.type or length != 4 or not self.spoke:
            return False
        self._count_frame()
        return True

    def _count_frame(self) -> None:
        self._frames += 1
        if self._frames > MAX_FRAMES:
            raise _ProtocolError("endless frames")

    def _oversized(self, head: bytes) -> str:
        if not self.spoke:
            return f"begins with {safe_text(head)}"
        return "a frame is longer than SETTINGS_MAX_FRAME_SIZE"

    def _hear(self, frame: Frame) -> None:
        self._count_frame()
        if not self.spoke and (type(frame) is not SettingsFrame or "ACK" in frame.flags):
            raise _ProtocolError("the first frame is not SETTINGS")
        if self._block is not None:
            if type(frame) is not ContinuationFrame or frame.stream_id != STREAM:
                raise _ProtocolError("a header block is interrupted")
            self._add_fragment(frame.data, last="END_HEADERS" in frame.flags)
            return
        match frame:
            case SettingsFrame():
                self.spoke = True
                if "ACK" not in frame.flags:
                    self._output += _SETTINGS_ACK
            case HeadersFrame():
                self._need_stream(frame)
                self._block = bytearray()
                self._block_ends_stream = "END_STREAM" in frame.flags
                self._add_fragment(frame.data, last="END_HEADERS" in frame.flags)
            case DataFrame():
                self._need_stream(frame)
                self._hear_data(frame)
            case PingFrame():
                if "ACK" not in frame.flags:
                    self._output += PingFrame(
                        opaque_data=frame.opaque_data, flags=["ACK"]
                    ).serialize()
            case RstStreamFrame():
                self._need_stream(frame)
                self.stream_error = frame.error_code
                self.detail = f"RST_STREAM, error code {frame.error_code}"
                self._end_early()
            case GoAwayFrame():
                self._hear_goaway(frame)
            case ContinuationFrame() | PushPromiseFrame():
                raise _ProtocolError(f"an unexpected {type(frame).__name__}")
            case _:
                pass  # WINDOW_UPDATE, PRIORITY, and what RFC 9113 §5.5 says to ignore

    def _need_stream(self, frame: Frame) -> None:
        if frame.stream_id != STREAM:
            raise _ProtocolError("a frame on a stream that nobody opened")

    def _add_fragment(self, fragment: bytes, *, last: bool) -> None:
        assert self._block is not None
        self._header_bytes += len(fragment)
        if self._header_bytes > MAX_HEADER_BYTES:
            raise _ProtocolError("endless header blocks")
        self._block += fragment
        if last:
            block, self._block = bytes(self._block), None
            self._blocks += (block,)
            small = self._header_bytes <= _REMEMBERED_BLOCKS
            self._hear_fields((_remembered if small else _last_fields)(self._blocks))

    def _hear_fields(self, fields: Fields) -> None:
        response, last = self._response, self._block_ends_stream
        if response.status:
            if not last:
                raise _ProtocolError("trailers that do not end the stream")
            response.add_trailers(fields)
            self._finish()
            return
        name, value = fields[0] if fields else (b"", b"")
        if name != b":status" or len(value) != 3 or not value.isdigit() or value < b"100":
            raise _ProtocolError("a response without a status")
        if value < b"200":
            self._interim += 1
            if last or self._interim > MAX_INTERIM:
                raise _ProtocolError("an interim response that ends the stream, or too many")
            return
        response.status = int(value)
        response.add_fields(fields)
        if last:
            self._finish()

    def _hear_data(self, frame: DataFrame) -> None:
        if not self._response.status:
            raise _ProtocolError("DATA before the head")
        full = self._response.add_body(frame.data)
        if "END_STREAM" in frame.flags:
            self._finish()
        elif full:
            self._end_early()

    def _hear_goaway(self, frame: GoAwayFrame) -> None:
        text = safe_text(frame.additional_data)
        self.goaway = (frame.error_code, text)
        if frame.last_stream_id & 0x7FFFFFFF < STREAM:
            # The request will not be looked at (RFC 9113 §6.8).
            self.detail = f"GOAWAY, error code {frame.error_code}" + (f": {text}" if text else "")
            self._end_early()

    def _finish(self) -> None:
        self.answer = self._response.to_answer()
        self.ended = True

    def _end_early(self) -> None:
        """End without END_STREAM: gRPC has then no status, and no answer; HTTP has its head."""
        response = self._response
        if response.status and not response.is_grpc:
            self.answer = response.to_answer(cut=True)
        self.ended = True
