"""TLS records as they pass on the wire, whatever they hold (RFC 8446 §5.1)."""

from typing import Final

MAX_RECORDS: Final = 1024
"""The most TLS records that one connection takes: each costs the same, however few bytes it holds.

Measured with the Collector, grpc-core, nginx, HAProxy, JSSE, Node and rustls, a healthy backend
sends 5 to 13; a body of 64 KiB in records of one segment, as load balancers begin with, is 50.
"""

_HEADER: Final = 5
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
        at, end = 0, len(data)
        while at < end and self.records <= MAX_RECORDS:
            if not self._left:
                missing = _HEADER - len(self._header)
                self._header += data[at : at + missing]
                at += missing
                if len(self._header) < _HEADER:
                    return
                self.records += 1
                self._left = int.from_bytes(self._header[3:])
                self._header = b""
            step = min(self._left, max(end - at, 0))
            self._left -= step
            at += step


def is_record_start(first: bytes | bytearray) -> bool:
    """Return whether the first bytes of a connection can begin a TLS record."""
    return first[0] in _RECORD_TYPES and (len(first) < 2 or first[1] == 3)
