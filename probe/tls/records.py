"""TLS records as they pass on the wire (RFC 8446 §5.1), and the list in a Certificate message."""

from typing import Final

MAX_RECORDS: Final = 1024
"""The most TLS records that one connection takes: each costs the same, however few bytes it holds.

Measured with the Collector, grpc-core, nginx, HAProxy, JSSE, Node and rustls, a healthy backend
sends 5 to 13; a body of 64 KiB in records of one segment, as load balancers begin with, is 50.
"""

_HEADER: Final = 5
_MESSAGE_HEADER: Final = 4
_LENGTH: Final = 3
_RECORD_TYPES: Final = frozenset({0x14, 0x15, 0x16, 0x17})


class RecordCounter:
    """Counts the records that a peer has begun, up to one more than MAX_RECORDS."""

    __slots__ = ("_header", "_left", "records")

    def __init__(self) -> None:
        """Start at nothing."""
        self.records = 0
        self._header = b""
        self._left = 0

    def count(self, data: bytes) -> None:
        """Count the records that begin in `data`, the next bytes of the connection."""
        if self._header:
            data, self._header = self._header + data, b""
        at, end = self._left, len(data)
        while end - at >= _HEADER and self.records <= MAX_RECORDS:
            self.records += 1
            at += _HEADER + (data[at + 3] << 8 | data[at + 4])
        self._left = max(at - end, 0)
        self._header = data[at : at + _HEADER - 1]


def is_record_start(first: bytes | bytearray) -> bool:
    """Return whether the first bytes of a connection can begin a TLS record."""
    return first[0] in _RECORD_TYPES and (len(first) < 2 or first[1] == 3)


def read_certificate_message(message: bytes, *, tls13: bool) -> tuple[bytes, ...]:
    """Return the DER of each certificate of a Certificate message, in the server's order.

    The message has its header (RFC 8446 §4.4.2, RFC 5246 §7.4.2); of one that is cut, what is
    whole.
    """
    at = _MESSAGE_HEADER
    if tls13:
        at += 1 + (message[at] if len(message) > at else 0)
    at += _LENGTH
    found: list[bytes] = []
    while at + _LENGTH <= len(message):
        size = int.from_bytes(message[at : at + _LENGTH])
        at += _LENGTH
        if at + size > len(message):
            break
        found.append(message[at : at + size])
        at += size
        if tls13:
            at += 2 + int.from_bytes(message[at : at + 2])
    return tuple(found)
