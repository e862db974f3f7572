"""What hostile peers send, as a table of more than sixty behaviours; each is one kind of abuse.

A behaviour gets a connected socket, inside TLS or not, of which the client has sent its first
bytes; whatever it raises as OSError means that the client has gone.
"""

import gzip
import socket
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

Speak = Callable[[socket.socket], None]
Over = Literal["tcp", "tls", "tls1.2", "proxy"]
"""`tcp`: where the client begins TLS; `tls`: inside it; `proxy`: where it begins with CONNECT."""

LONGEST: Final = 30.0
_BATCH: Final = 8192


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One kind of hostile peer."""

    name: str
    speak: Speak
    over: Over = "tcp"
    http1: bool = False
    """It is an OTLP/HTTP target's peer, in HTTP/1.1; else a gRPC target's."""
    plaintext: bool = False
    """The target is without TLS."""


def _read(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def _silent(connection: socket.socket) -> None:
    _read(connection)


def _close(_: socket.socket) -> None:
    """The caller closes."""


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _says(text: bytes, *, stay: bool = False) -> Speak:
    def speak(connection: socket.socket) -> None:
        connection.sendall(text)
        if stay:
            _read(connection)

    return speak


def _floods(first: bytes, piece: bytes, *, each: bool = False) -> Speak:
    """Send `first`, then `piece` without end; `each` in a segment and a record of its own."""

    def speak(connection: socket.socket) -> None:
        connection.sendall(first)
        batch = piece if each else piece * max(_BATCH // len(piece), 1)
        end = time.monotonic() + LONGEST
        while time.monotonic() < end:
            connection.sendall(batch)

    return speak


def _drips(text: bytes, delay: float = 0.01) -> Speak:
    def speak(connection: socket.socket) -> None:
        end = time.monotonic() + LONGEST
        for byte in text * 1000:
            connection.sendall(bytes((byte,)))
            time.sleep(delay)
            if time.monotonic() > end:
                return

    return speak


def _record(kind: int, body: bytes, version: bytes = b"\x03\x03") -> bytes:
    return bytes((kind,)) + version + len(body).to_bytes(2) + body


def _h2(*frames: Frame) -> bytes:
    return b"".join(frame.serialize() for frame in (SettingsFrame(), *frames))


def _block(*fields: tuple[str, str]) -> bytes:
    encoder = Encoder()
    encoder.header_table_size = 0
    return bytes(encoder.encode(fields))


def _head(*fields: tuple[str, str], end: bool = False) -> HeadersFrame:
    flags = ["END_HEADERS", *(["END_STREAM"] if end else [])]
    return HeadersFrame(1, _block(*fields), flags=flags)


def _data(body: bytes, *, end: bool = False) -> DataFrame:
    return DataFrame(1, body, flags=["END_STREAM"] if end else [])


def _raw_frame(kind: int, flags: int, stream: int, body: bytes) -> bytes:
    return len(body).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + body


GRPC_HEAD: Final = _head((":status", "200"), ("content-type", "application/grpc"))
OK: Final = _head(("grpc-status", "0"), end=True)
SETTINGS: Final = SettingsFrame().serialize()
H1: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"
CHUNKED: Final = H1 + b"Transfer-Encoding: chunked\r\n\r\n"
_HELLO_RECORD: Final = _record(22, b"\x02\x00\xff\xff" + bytes(200))
_BOMB: Final = gzip.compress(bytes(30_000_000))
_HPACK_BOMB: Final = b"\x40\x01a\x7f\x81\x1e" + b"x" * 4000 + b"\xbe" * 11_000

_TCP: Final[dict[str, Speak]] = {
    "silent": _silent,
    "closes": _close,
    "resets": _reset,
    "garbage": _says(bytes(range(0x80, 0x100)) * 64),
    "ssh-banner": _says(b"SSH-2.0-OpenSSH_9.9\r\n", stay=True),
    "http-400-to-tls": _says(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "settings-to-tls": _says(SETTINGS, stay=True),
    "zeroes": _floods(b"", bytes(4096)),
    "hello-byte-by-byte": _drips(_HELLO_RECORD),
    "one-byte-segments": _floods(_record(22, b"")[:3] + b"\x40\x00", b"\x02", each=True),
    "warning-alerts": _floods(b"", _record(21, b"\x01\x5a")),
    "fatal-alert": _says(_record(21, b"\x02\x28")),
    "empty-records": _floods(b"", _record(22, b"")),
    "one-byte-handshake-records": _floods(_record(22, b"\x02\x00\x40\x00"), _record(22, b"\x00")),
    "change-cipher-specs": _floods(b"", _record(20, b"\x01")),
    "heartbeats": _floods(b"", _record(24, b"\x01\x40\x00")),
    "oversized-record": _says(b"\x16\x03\x03\xff\xff" + bytes(70_000)),
    "endless-handshake-message": _floods(
        _record(22, b"\x0b\xff\xff\xff"), _record(22, bytes(8000))
    ),
    "unknown-version": _says(_record(22, b"\x02\x00\x00\x26" + b"\x09\x09" + bytes(36)), stay=True),
}
_IN_TLS: Final[dict[str, Speak]] = {
    "silent": _silent,
    "closes": _close,
    "resets": _reset,
    "garbage": _says(b"\x1b[2J220 mail.example.com ESMTP\r\n", stay=True),
    "byte-by-byte": _drips(_h2(GRPC_HEAD)),
    "one-byte-records": _floods(SETTINGS, b"\x00", each=True),
    "http1-in-h2": _says(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 9\r\n\r\n", stay=True),
}
_H1: Final[dict[str, Speak]] = {
    "endless-line": _floods(b"HTTP/1.1 200 OK\r\nx: ", b"y" * 1000),
    "endless-fields": _floods(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"),
    "folded-lines": _floods(b"HTTP/1.1 200 OK\r\na: b\r\n", b" c\r\n"),
    "endless-interim": _floods(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "head-byte-by-byte": _drips(b"HTTP/1.1 200 OK\r\nServer: slow\r\n"),
    "one-byte-chunks": _floods(CHUNKED, b"1\r\nx\r\n"),
    "one-byte-chunks-in-records": _floods(CHUNKED, b"1\r\nx\r\n", each=True),
    "endless-chunk-extension": _floods(CHUNKED + b"2;", b"x" * 1000),
    "bad-chunk": _says(CHUNKED + b"zz\r\n"),
    "short-body": _says(H1 + b"Content-Length: 9\r\n\r\n\n\0"),
    "endless-body": _floods(H1 + b"Content-Length: 99999999\r\n\r\n", bytes(4096)),
    "conflicting-lengths": _says(H1 + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n\n\0\0"),
    "gzip-bomb": _says(
        H1 + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(_BOMB) + _BOMB
    ),
    "gzip-cut": _says(H1 + b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\n" + _BOMB[:9]),
    "endless-trailers": _floods(CHUNKED + b"0\r\n", b"a: b\r\n"),
    "redirect": _says(b"HTTP/1.1 307 There\r\nLocation: /v1/traces\r\nContent-Length: 0\r\n\r\n"),
    "html": _says(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<hi>"),
    "http-0.9": _says(b"<html>hello</html>"),
    "page-of-scripts": _says(
        b"HTTP/1.1 500 No\r\nContent-Type: text/html\r\nContent-Length: 60000\r\n\r\n"
        + (b"<script" * 9000)[:60_000]
    ),
    "nested-json": _says(
        b"HTTP/1.1 500 No\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n"
        + b"[" * 60_000
    ),
}
_H2: Final[dict[str, Speak]] = {
    "pings": _floods(SETTINGS, PingFrame().serialize()),
    "settings": _floods(SETTINGS, SETTINGS),
    "empty-data": _floods(_h2(GRPC_HEAD), _data(b"").serialize()),
    "one-byte-data": _floods(_h2(GRPC_HEAD), _data(b"x").serialize()),
    "continuations": _floods(_h2(HeadersFrame(1, b"")), ContinuationFrame(1, b"").serialize()),
    "window-updates": _floods(SETTINGS, WindowUpdateFrame(0, 1).serialize()),
    "priorities": _floods(SETTINGS, PriorityFrame(1, depends_on=3).serialize()),
    "hpack-bomb": _says(_h2(HeadersFrame(1, _HPACK_BOMB, flags=["END_HEADERS"])), stay=True),
    "size-updates": _says(_h2(HeadersFrame(1, b"\x20" * 16_000, flags=["END_HEADERS"])), stay=True),
    "endless-interim": _floods(SETTINGS, _head((":status", "103")).serialize()),
    "stream-reset": _says(_h2(RstStreamFrame(1, 2)), stay=True),
    "reset-after-head": _says(_h2(GRPC_HEAD, RstStreamFrame(1, 2)), stay=True),
    "goaway": _says(_h2(GoAwayFrame(0, error_code=11, additional_data=b"calm")), stay=True),
    "goaways": _floods(SETTINGS, GoAwayFrame(0, last_stream_id=1).serialize()),
    "head-alone": _says(_h2(GRPC_HEAD), stay=True),
    "message-shorter-than-its-prefix": _says(
        _h2(GRPC_HEAD, _data(b"\0\0\0\0\x09\n\0"), OK), stay=True
    ),
    "no-grpc-status": _says(_h2(GRPC_HEAD, _data(bytes(5), end=True)), stay=True),
    "huge-grpc-status": _says(
        _h2(GRPC_HEAD, _head(("grpc-status", "9" * 300), end=True)), stay=True
    ),
    "push-promise": _says(_h2(PushPromiseFrame(1, 2, b"\x82", flags=["END_HEADERS"])), stay=True),
    "oversized-frame": _floods(SETTINGS + b"\xff\xff\xff\x00\x00\x00\x00\x00\x01", bytes(4096)),
    "unknown-frames": _floods(SETTINGS, _raw_frame(0xFA, 0, 0, b"")),
    "grpc-message-of-16-kB": _says(
        _h2(GRPC_HEAD, _head(("grpc-status", "13"), ("grpc-message", "%41" * 4000), end=True)),
        stay=True,
    ),
    "endless-message": _floods(
        _h2(GRPC_HEAD, _data(b"\0\x7f\0\0\0")), _data(bytes(16_000)).serialize()
    ),
}
_PROXY: Final[dict[str, Speak]] = {
    "silent": _silent,
    "closes": _close,
    "garbage": _says(b"\x80" * 20_000),
    "407": _says(b"HTTP/1.1 407 Who\r\n\r\n"),
    "502": _says(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"),
    "byte-by-byte": _drips(b"HTTP/1.1 200 OK\r\n"),
    "endless-head": _floods(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"),
    "open-and-silent": _says(b"HTTP/1.1 200 OK\r\n\r\n", stay=True),
}
_PLAINTEXT: Final[dict[str, tuple[Speak, bool]]] = {
    "alert": (_says(_record(21, b"\x02\x0a")), True),
    "closes": (_close, True),
    "one-byte-chunks": (_floods(CHUNKED, b"1\r\nx\r\n", each=True), True),
    "pings": (_floods(SETTINGS, PingFrame().serialize()), False),
    "silent": (_silent, False),
}


def _table() -> Iterable[Behaviour]:
    yield from (Behaviour(f"tcp-{name}", speak) for name, speak in _TCP.items())
    yield from (Behaviour(f"tls-{name}", speak, "tls") for name, speak in _IN_TLS.items())
    yield from (Behaviour(f"tls12-{n}", s, "tls1.2") for n, s in _IN_TLS.items())
    yield from (Behaviour(f"h1-{n}", speak, "tls", http1=True) for n, speak in _H1.items())
    yield from (Behaviour(f"h2-{name}", speak, "tls") for name, speak in _H2.items())
    yield from (Behaviour(f"proxy-{name}", speak, "proxy") for name, speak in _PROXY.items())
    for name, (speak, http1) in _PLAINTEXT.items():
        yield Behaviour(f"plain-{name}", speak, http1=http1, plaintext=True)


BEHAVIOURS: Final = tuple(_table())
