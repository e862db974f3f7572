"""A PEM file as the readers share it: the bytes, and what is decoded of them once for all.

Each runtime finds blocks by rules of its own. A block that is written as everybody writes it
(RFC 7468 §3, strict or lax, without headers) is decoded here, once; whatever is odd is left to the
rules of the reader that meets it.
"""

import base64
import binascii
import re
from typing import Final, NamedTuple

_PLAIN: Final = re.compile(rb"(?:[A-Za-z0-9+/]{1,128}={0,2}\r?\n)+")
_ENCODED: Final = re.compile(rb"[A-Za-z0-9+/]*={0,2}")


class PemBlock(NamedTuple):
    """One block as a reader returns it; `der` may be a private key."""

    label: str
    der: bytes
    header: bytes = b""
    """What RFC 1421 calls the header: `Proc-Type`, `DEK-Info` and the like."""
    at: int = 0
    """The offset of its BEGIN line."""

    def __repr__(self) -> str:
        """Name the block without what it holds."""
        return f"PemBlock({self.label!r}, at={self.at})"


class PemFile:
    """The bytes of one file, with the bodies that were decoded already."""

    __slots__ = ("_decoded", "raw")

    def __init__(self, raw: bytes) -> None:
        """Decode nothing yet."""
        self.raw = raw
        self._decoded: dict[tuple[int, int], bytes | None] = {}

    def decode_plain(self, start: int, end: int) -> bytes | None:
        """Return what whole lines of base64 from `start` to `end` say; None for anything else.

        Every reader agrees on these: no blanks, no empty line, padding at the very end.
        """
        place = (start, end)
        if place not in self._decoded:
            whole = _PLAIN.fullmatch(self.raw, start, end) is not None
            body = self.raw[start:end].translate(None, b"\r\n") if whole else b""
            self._decoded[place] = decode_strict(body) if body else None
        return self._decoded[place]


def decode_strict(encoded: bytes) -> bytes | None:
    """Return what base64 with its padding and nothing else says (RFC 4648 §4), else None."""
    if len(encoded) % 4 or _ENCODED.fullmatch(encoded) is None:
        return None
    try:
        return binascii.a2b_base64(encoded)
    except binascii.Error:
        return None


def decode_unpadded(encoded: bytes) -> bytes | None:
    """Return what base64 says whose padding may be missing, but not wrong (java.util.Base64)."""
    if b"=" in encoded:
        return decode_strict(encoded)
    if len(encoded) % 4 == 1 or _ENCODED.fullmatch(encoded) is None:
        return None
    return base64.b64decode(encoded + b"=" * (-len(encoded) % 4))
