"""What protocol a peer speaks, by its first bytes, or by how it answers plaintext: pure.

How ports that want TLS answer plaintext, measured with the lab's servers: Go and nginx in words;
GnuTLS, JSSE and rustls send an alert record; OpenSSL's, grpc-go's, grpc-core's, Node's and HAProxy
close, which says nothing, and a TLS handshake with the same port decides.
"""

import re
from typing import Final, Literal

from probe.diagnosis.readings.experiment_results import get_improvement
from probe.model.evidence import Evidence

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
_WANTS_TLS: Final = re.compile(
    r"HTTP request to an HTTPS server"  # Go: net/http, badRequestError of a tls.RecordHeaderError
    r"|plain HTTP request was sent to HTTPS port"  # nginx: error 497
    r"|plain HTTP to an SSL-enabled"  # Apache httpd: mod_ssl, "You're speaking plain HTTP to …"
    r"|combination of host and port requires TLS",  # Tomcat
    re.IGNORECASE,
)
_BAD_REQUEST: Final = 400


def decode_bytes(written: str) -> bytes:
    """Return what evidence holds as hex; nothing where it is not hex."""
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
            return _name_banner(first) or f"not a TLS record: {first[:8].hex(' ')}"


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
            return _name_banner(first) or f"bytes that are not HTTP: {first[:8].hex(' ')}"


def prove_tls_port(evidence: Evidence) -> str:
    """Return the proof that the port wants TLS where we sent plaintext; empty where there is none."""
    if not evidence.target.plaintext:
        return ""
    if detect_protocol(decode_bytes(evidence.first_bytes)) == "tls":
        return "the port answers the plaintext request with a TLS record: it wants TLS"
    answer = evidence.answer
    if answer and answer.http_status == _BAD_REQUEST and _WANTS_TLS.search(answer.message):
        return f'the port answers HTTP 400: "{answer.message}"'
    tried = get_improvement(evidence, "tls")
    if tried is None or tried.handshake is None:
        return ""
    handshake = tried.handshake
    if not handshake.cipher:
        return "the port answers a TLS handshake with an alert: it speaks TLS"
    asks = ", and asks for a client certificate" if handshake.client_certificate_requested else ""
    return f"a TLS handshake with the same port continues: it chose TLS {handshake.version}{asks}"


def _name_banner(first: bytes) -> str:
    return next((name for banner, name in _BANNERS if first.startswith(banner)), "")
