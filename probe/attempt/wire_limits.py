"""Counts what a peer makes an attempt take: bytes, reads and TLS records; sans-I/O.

A byte budget alone bounds no work: a record, a segment or a frame may hold one byte or none, and
each costs the same as a full one.
"""

from typing import Final

BYTE_BUDGET: Final = 1 << 18
"""The most bytes that one connection reads.

Measured with the Collector, grpc-core, nginx, HAProxy, JSSE, Node and rustls, a healthy backend
sends 1 to 4 kB in an attempt; the longest certificates that OpenSSL takes are 100 kB,
and the longest body that is kept 64 kB.
"""
MAX_READS: Final = 2048
"""The most reads of one connection.

The same backends take 2 to 8; 64 KiB of body in segments of 536 bytes would take 123.
"""
MAX_RECORDS: Final = 1024
"""The most TLS records that one connection takes.

The same backends send 5 to 13, and a body of 64 KiB in records of one segment, as load balancers
begin with, would be 50.
"""

_HEADER: Final = 5
_RECORD_TYPES: Final = frozenset({0x14, 0x15, 0x16, 0x17})


class WireSteps:
    """What one connection has been sent so far, in bytes, reads and, where it is TLS, records."""

    __slots__ = ("_header", "_left", "_tls", "reads", "received", "records")

    def __init__(self, *, tls: bool) -> None:
        """Start at nothing; `tls` says whether records are to be counted."""
        self.received = 0
        self.reads = 0
        self.records = 0
        self._tls = tls
        self._header = b""
        self._left = 0

    def count(self, data: bytes) -> str:
        """Count one read; return the bound that is exceeded, empty where none is."""
        self.received += len(data)
        self.reads += 1
        if self.received > BYTE_BUDGET:
            return f"{BYTE_BUDGET} bytes"
        if self.reads > MAX_READS:
            return f"{MAX_READS} reads"
        if self._tls:
            self._count_records(data)
            if self.records > MAX_RECORDS:
                return f"{MAX_RECORDS} TLS records"
        return ""

    def _count_records(self, data: bytes) -> None:
        """Follow the records' lengths (RFC 8446 §5.1), whatever they hold."""
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


def looks_like_tls(first: bytes | bytearray) -> bool:
    """Whether the bytes so far can begin a TLS record (RFC 8446 §5.1)."""
    return first[0] in _RECORD_TYPES and (len(first) < 2 or first[1] == 3)
