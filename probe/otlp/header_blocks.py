"""Decodes the header blocks of one HTTP/2 connection, by hpack; sans-I/O and bounded.

HPACK's dynamic table depends on the blocks before (RFC 7541 §2.2) and on nothing else, so decoding
is a pure function of all of them. A healthy backend repeats itself at each attempt: the results of
small blocks are remembered. Of large ones each is decoded once.
"""

from functools import lru_cache
from typing import Final

from hpack import Decoder

MAX_HEADER_LIST: Final = 16_384
"""The decoded size of one header block, as RFC 9113 §6.5.2 counts it; our SETTINGS say so."""
MAX_SIZE_UPDATES: Final = 2
"""Changes of the dynamic table's size at a block's start (RFC 7541 §4.2)."""

_REMEMBERED: Final = 1024
"""Total bytes of a connection's header blocks up to which the decoded form is cached."""

Fields = tuple[tuple[bytes, bytes], ...]


class ProtocolError(Exception):
    """The peer breaks RFC 9113 or RFC 7541; its text is a short fact."""


class ExhaustedError(Exception):
    """The peer sends more than one answer may take; its text names the bound."""


class HeaderBlocks:
    """The blocks of one connection, in order."""

    __slots__ = ("_bytes", "_decoder", "_small")

    def __init__(self) -> None:
        """Start with an empty dynamic table."""
        self._small: tuple[bytes, ...] = ()
        self._bytes = 0
        self._decoder: Decoder | None = None

    def decode(self, block: bytes) -> Fields:
        """Return the fields of the next block.

        Raises:
            ProtocolError: where it begins with endless size updates.
            HPACKError: where it is not HPACK, or unfolds to more than MAX_HEADER_LIST.
        """
        _check_size_updates(block)
        self._bytes += len(block)
        if self._decoder is None:
            if self._bytes <= _REMEMBERED:
                self._small += (block,)
                return _remembered(self._small)
            self._decoder = Decoder(max_header_list_size=MAX_HEADER_LIST)
            for earlier in self._small:
                self._decoder.decode(earlier, raw=True)
        return _decode(self._decoder, block)


def _last_fields(blocks: tuple[bytes, ...]) -> Fields:
    decoder = Decoder(max_header_list_size=MAX_HEADER_LIST)
    for block in blocks[:-1]:
        decoder.decode(block, raw=True)
    return _decode(decoder, blocks[-1])


_remembered = lru_cache(maxsize=256)(_last_fields)


def _decode(decoder: Decoder, block: bytes) -> Fields:
    return tuple((bytes(n), bytes(v)) for n, v in decoder.decode(block, raw=True))


def _check_size_updates(block: bytes) -> None:
    """Refuse a block that begins with more size updates than RFC 7541 §4.2 has a use for.

    The decoder would take any number of them; integers and the decoded size it bounds itself.

    Raises:
        ProtocolError: where there are.
    """
    at, updates = 0, 0
    while at < len(block) and block[at] & 0xE0 == 0x20:
        updates += 1
        if updates > MAX_SIZE_UPDATES:
            raise ProtocolError("endless changes of the header table's size")
        long = block[at] & 0x1F == 0x1F
        at += 1
        while long and at < len(block):
            long = block[at] & 0x80 != 0
            at += 1
