"""SNTP as bytes: the question, and its answer as an offset of our clock; sans-I/O (RFC 4330, RFC 5905).

ntplib is not used: it looks names up without a limit, asks their first address only, waits for ever
while strangers' packets come, and does not compare the origin timestamp, so that anybody can answer
in the server's place.
"""

import struct
from dataclasses import dataclass
from typing import Final

PORT: Final = 123
COOKIE: Final = 8
"""Bytes of the transmit timestamp, which the server sends back as origin."""

_LAYOUT: Final = struct.Struct("!BBbbII4s8s8sQQ")
_CLIENT: Final = 4 << 3 | 3
"""Leap indicator 0, version 4, mode 3."""
_SERVER: Final = 4
_VERSIONS: Final = frozenset({3, 4})
_ALARM: Final = 3
"""Leap indicator: the server's own clock is not synchronised."""
_UNSYNCHRONISED: Final = 16
_LEAST_DELAY: Final = -0.001
_LONGEST_DISTANCE: Final = 16.0
"""Seconds of root distance above which RFC 5905 (MAXDISP) takes a server for unusable."""
_TO_1970: Final = 2_208_988_800
_ERA: Final = 1 << 32


class SntpRefusalError(Exception):
    """The answer does not give the time; `kiss` is the code of a kiss-o'-death (RFC 5905 §7.4)."""

    def __init__(self, reason: str, *, kiss: str = "") -> None:
        """Carry the reason, and the code where the server asks not to be asked again."""
        super().__init__(reason)
        self.kiss = kiss


@dataclass(frozen=True, slots=True)
class Comparison:
    """By how many seconds the server's clock is ahead of ours, give or take `uncertainty`."""

    offset: float
    uncertainty: float


def encode_question(cookie: bytes) -> bytes:
    """Return the question, with `cookie` (COOKIE random bytes) in the place of our time.

    The server does not need our time, and what it must send back is hard to guess.
    """
    return _LAYOUT.pack(_CLIENT, 0, 0, 0, 0, 0, b"", b"", b"", 0, int.from_bytes(cookie))


def is_answer(raw: bytes, cookie: bytes) -> bool:
    """Return whether `raw` answers the question that held `cookie`, and no other (RFC 4330 §5)."""
    return len(raw) >= _LAYOUT.size and raw[24:32] == cookie


def read_answer(raw: bytes, *, sent: float, elapsed: float) -> Comparison:
    """Read an answer, for which `is_answer` is true.

    Args:
        raw: the datagram.
        sent: when the question left, by our clock, seconds since the epoch.
        elapsed: seconds from then to the answer, by the monotonic clock.

    Raises:
        SntpRefusalError: where the server is not synchronised, wants no questions, or the answer
            contradicts itself.
    """
    first, stratum, _, precision, delay, dispersion, code, _, _, received, transmitted = (
        _LAYOUT.unpack_from(raw)
    )
    if first & 7 != _SERVER or first >> 3 & 7 not in _VERSIONS:
        raise SntpRefusalError("not the answer of an NTP server")
    if stratum == 0:
        kiss = "".join(char for char in code.decode("latin-1") if "A" <= char <= "Z")
        raise SntpRefusalError(f"the server refuses to give the time ({kiss})", kiss=kiss or "?")
    if first >> 6 == _ALARM or stratum >= _UNSYNCHRONISED or transmitted == 0 or received == 0:
        raise SntpRefusalError("the server's clock is not synchronised")
    there, back = _to_unix_time(received), _to_unix_time(transmitted)
    network = elapsed - (back - there)
    distance = (
        delay / 65536 / 2 + dispersion / 65536 + max(network, 0) / 2 + 2.0 ** min(precision, 0)
    )
    if back < there or network < _LEAST_DELAY or distance > _LONGEST_DISTANCE:
        raise SntpRefusalError("the answer contradicts itself, or its error is too large")
    offset = ((there - sent) + (back - (sent + elapsed))) / 2
    return Comparison(offset, distance)


def _to_unix_time(timestamp: int) -> float:
    """Return seconds since 1970; the highest bit is unset from 2036 on (RFC 4330 §3)."""
    seconds, fraction = timestamp >> 32, (timestamp & (_ERA - 1)) / _ERA
    era = 0 if seconds >> 31 else _ERA
    return seconds + era - _TO_1970 + fraction
