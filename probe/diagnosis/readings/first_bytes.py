"""What the first bytes of a peer say about the protocol that it speaks: pure."""

from typing import Final, Literal

Protocol = Literal["http1", "http2", "tls", ""]
"""A protocol that decides a cause; empty for any other."""

TLS_RECORDS: Final = (b"\x15\x03", b"\x16\x03")
"""How an alert and a handshake record begin (RFC 8446 §5.1)."""

_HTTP1: Final = b"HTTP/"
_BANNERS: Final = (
    (b"SSH-", "an SSH banner"),
    (b"220", "an SMTP or FTP greeting"),
    (b"+OK", "a POP3 greeting"),
    (b"* OK", "an IMAP greeting"),
    (b"-ERR", "a Redis or POP3 error"),
    (b"<", "HTML or XML"),
)
_SETTINGS: Final = 4
"""The type of the frame that an HTTP/2 server begins with (RFC 9113 §3.4)."""


def decode_bytes(written: str) -> bytes:
    """Return what evidence holds as hex; nothing where it is none."""
    try:
        return bytes.fromhex(written)
    except ValueError:  # an evidence file that was edited by hand
        return b""


def detect_protocol(first: bytes) -> Protocol:
    """Return the protocol that a peer speaks which begins with `first`."""
    if first.startswith(_HTTP1):
        return "http1"
    if first.startswith(TLS_RECORDS):
        return "tls"
    if len(first) >= 4 and first[0] == 0 and first[1] == 0 and first[3] == _SETTINGS:
        return "http2"
    return ""


def name_first_bytes(first: bytes) -> str:
    """Say what the first bytes of a peer are that should have been a TLS record."""
    match detect_protocol(first):
        case "http1":
            return "an HTTP answer in plaintext"
        case "http2":
            return "an HTTP/2 SETTINGS frame in plaintext (gRPC without TLS)"
        case _:
            return _banner(first) or f"no TLS record: {first[:8].hex(' ')}"


def name_unexpected_bytes(first: bytes) -> str:
    """Say what the first bytes of a peer are that should have been HTTP, inside TLS or without."""
    match detect_protocol(first):
        case "http1":
            return "HTTP/1.x"
        case "http2":
            return "HTTP/2 SETTINGS"
        case "tls":
            return "a TLS record"
        case _:
            return _banner(first) or f"bytes that are not HTTP: {first[:8].hex(' ')}"


def _banner(first: bytes) -> str:
    return next((name for banner, name in _BANNERS if first.startswith(banner)), "")
