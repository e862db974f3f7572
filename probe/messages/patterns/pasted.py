"""A pasted error text in normal form, for comparison, and the side that printed it.

Pure, total, and linear in the length of any text: no regular expression here can backtrack.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

LONGEST: Final = 64 * 1024
"""Characters that are read; the rest of a longer text is left out."""

Side = Literal["exporter", "backend", "unknown"]

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
_ESCAPED: Final = re.compile(r"\\+[nrt\"]")
_APOSTROPHE: Final = re.compile(r"(?<=[A-Za-z])['\u2019](?=[A-Za-z])")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_NO_WORD: Final = re.compile(r"[^a-z0-9]+")
_FILE_NAME: Final = re.compile(r"[\s\"'`()\[\]{}<>,;=:]+")
# What `openssl s_client` prints for every connection, successful or not.
_FORM_LETTERS: Final = re.compile(
    r" (?:no client certificate ca names sent|no peer certificate available|no alpn negotiated"
    r"|verification ok|secure renegotiation is (?:not )?supported|early data was not sent"
    r"|cant use ssl get servername)(?= )"
)
_SUFFIXES: Final = (".pem", ".crt", ".cer", ".key", ".der", ".p12", ".pfx", ".jks", ".bundle")


@dataclass(frozen=True, slots=True)
class Pasted:
    """The pasted text; `words` are lower case, separated and surrounded by one blank."""

    raw: str
    words: str
    side: Side
    withholds: bool
    """Printed by Go or Java, which send no certificate that the backend's list does not name."""
    after_handshake: bool
    """Printed by a client that had finished its own handshake: only TLS 1.3 refuses then."""
    file_names: tuple[str, ...]
    """Names of certificate and key files in the text, each in the form of `words`."""

    def has(self, *phrases: str) -> bool:
        """Return whether one of `phrases`, already in normal form, is in the text."""
        return any(f" {phrase} " in self.words for phrase in phrases)


def read_paste(text: str) -> Pasted:
    """Return `text` ready for comparison; anything beyond `LONGEST` characters is left out."""
    raw = _ESCAPED.sub(" ", _COLOUR.sub("", text[:LONGEST]))
    words = _FORM_LETTERS.sub(" ", f" {_normalize(raw)} ")
    return Pasted(
        raw,
        words,
        _side(raw, words),
        _withholds(words),
        _AFTER_HANDSHAKE.search(raw) is not None,
        _find_file_names(raw),
    )


def normal_form(phrase: str) -> str:
    """Return `phrase` as words: lower case, one blank between them, CamelCase taken apart.

    `SSLV3_ALERT_BAD_CERTIFICATE`, `sslv3 alert bad certificate` and `BadCertificate` then compare.
    """
    return _normalize(phrase)


def _normalize(text: str) -> str:
    apart = _CAMEL.sub(" ", _APOSTROPHE.sub("", text))
    return _NO_WORD.sub(" ", apart.lower()).strip()


def _find_file_names(raw: str) -> tuple[str, ...]:
    names = (
        token.rstrip(".").replace("\\", "/").rpartition("/")[2]
        for token in _FILE_NAME.split(raw)
        if token.rstrip(".").lower().endswith(_SUFFIXES)
    )
    return tuple(dict.fromkeys(f" {_normalize(name)} " for name in names))


# CPython's do_handshake() is before line 2000 of _ssl.c in every version, read() after it;
# curl ends with 55 and 56 where sending and receiving failed, with 35 in the handshake.
_AFTER_HANDSHAKE: Final = re.compile(r"_ssl\.c:2\d{3}\b|curl: \(5[56]\)|SSL_read")

_TO_UPSTREAM: Final = ("to upstream", "upstream ssl certificate", "upstream connect error")
"""A proxy's message as the client of the server behind it."""

_BACKEND: Final = (
    "tls handshake error from", "while ssl handshaking client", "while ssl handshaking",
    "while reading client request", "while waiting for request", "client ssl certificate",
    "client sent no required ssl certificate", "client sent plain http request",
    "server serve failed", "server handshake", "server transport", "ssl accept",
    "accept loop error", "error accepting", "failed to accept", "could not accept ssl connection",
    "accept error", "accept failed", "tls client error", "rejected connection from",
    "failed to complete security handshake", "failed to verify client certificate",
    "invalid signature by the client certificate", "peer did not return a certificate",
    "peer did not provide required client certificate", "client didnt provide a certificate",
    "tls client authentication", "ssl client authentication", "for client authentication",
    "tls process client certificate", "tls process client hello", "tls process cert verify",
    "tls process client key exchange", "tls post process client hello",
    "tls early post process client hello", "ssl get client hello", "ssl3 get client hello",
    "ssl3 get client certificate", "tls choose sigalg", "error in handshake", "ssl handshake failure",
    "connection error during ssl handshake", "client certificate not trusted", "client ca chain",
    "check client trusted", "certificate verification error", "server name indication", "downstream", "listener", "inbound", "on http connection from",
    "client certificate verification", "client cert verification", "library error 1 in handshake",
    "connection from", "tls accept", "server connection handshake", "s server", "error from client",
    "dispatcher connection error", "cert pre verification error", "failed to parse client certificate",
    "failed to serve connection", "error serving connection", "failed to authenticate https connection",
    "client closed connection while ssl handshaking",
)  # fmt: skip
_EXPORTER: Final = (
    "post https", "get https", "put https", "connection pool", "client exceptions", "dial",
    "connect error", "exporter", "exporting", "export", "authentication handshake failed", "curl",
    "connection error desc", "failed to connect to", "cannot connect to host", "fetch failed",
    "rpc error", "error trying to connect", "write eproto", "error sending request", "upstream",
    "no connection established", "unavailable", "tls handshake failed tsi", "httpx", "requests",
    "http client", "https url connection", "server certificate", "invalid peer certificate",
    "s client",
    "remote certificate", "for tls server authentication", "could not connect", "unable to connect", "failed to connect",
)  # fmt: skip
_GO: Final = ("remote error tls", "x509 certificate", "rpc error code", "tls failed to verify")
_JAVA: Final = ("javax net ssl", "java", "received fatal alert", "sun security")


# A proxy's log names the far end of the connection: a client has an ephemeral port.
_FAR_END: Final = re.compile(
    r" (?:remote|peer|client) (?:address|addr|endpoint) (?:[0-9a-f]{1,4} ){1,8}(?P<port>\d{4,5}) "
)
_FIRST_EPHEMERAL: Final = 32768
# HAProxy's lines begin with the client's address and the time that it was accepted.
_HAPROXY: Final = re.compile(r"(?:^|\s)[0-9a-fA-F.:]{3,45}:\d{1,5} \[\d{2}/[A-Z][a-z]{2}/\d{4}:")
# gRPC's C++ core logs a failed handshake like this; its clients repeat it in the call's status.
_GRPC_NOTE: Final = re.compile(r"(?:^|\s)I\d{4} .{0,60}ssl_transport_security\.cc")
# Peers of a socket that listens on both families have such addresses (RFC 4291 §2.5.5.2).
_MAPPED: Final = "[::ffff:"


def _side(raw: str, words: str) -> Side:
    def has(phrases: tuple[str, ...]) -> bool:
        return any(f" {phrase} " in words for phrase in phrases)

    if has(_TO_UPSTREAM):
        return "exporter"
    if has(_BACKEND) or _MAPPED in raw or _HAPROXY.search(raw) or _GRPC_NOTE.search(raw):
        return "backend"
    if (far := _FAR_END.search(words)) is not None:
        return "backend" if int(far["port"]) >= _FIRST_EPHEMERAL else "exporter"
    return "exporter" if has(_EXPORTER) else "unknown"


def _withholds(words: str) -> bool:
    return any(f" {phrase} " in words for phrase in (*_GO, *_JAVA))
