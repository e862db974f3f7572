"""Go's reader of PEM (encoding/pem, Decode, Go 1.26): the blocks that it sees in a file.

Its own ways: an END line needs a BEGIN line before it, and only the last one before it counts; a
block that is damaged is passed over without a message; blanks within base64 do no harm, and any other
byte ends the block.
"""

from collections.abc import Iterator
from typing import Final

from probe.credentials.readers.pem_file import PemBlock, PemFile, decode_strict

_START: Final = b"-----BEGIN "
_END: Final = b"\n-----END "
_DASHES: Final = b"-----"


def read_go_blocks(file: PemFile) -> Iterator[PemBlock]:
    """Yield what `pem.Decode` returns, called until it returns nil."""
    at: int | None = 0
    while at is not None:
        found = _decode(file, at)
        if found is None:
            return
        block, at = found
        yield block


def _decode(file: PemFile, at: int) -> tuple[PemBlock, int] | None:
    """Return the next block and where to go on; None is `p == nil`."""
    raw = file.raw
    while True:
        end = raw.find(_END, at)
        if end < 0:
            return None
        behind = end + len(_END)
        begin = raw.rfind(_START, at, end)
        if begin < 0 or (begin > at and raw[begin - 1] != 0x0A):
            at = behind
            continue
        kind, rest = _take_line(raw, begin + len(_START))
        if not kind.endswith(_DASHES):
            at = behind
            continue
        kind = kind.removesuffix(_DASHES)
        first = rest
        while True:
            if rest >= len(raw):
                return None
            line, following = _take_line(raw, rest)
            if b":" not in line:
                break
            rest = following
        header = raw[first:rest]
        if behind < rest:
            return None
        at = behind
        if header and end < rest:
            continue
        closing = kind + _DASHES
        if not raw.startswith(closing, behind):
            continue
        left, _ = _take_line(raw, behind + len(closing))
        if left:
            continue
        der: bytes | None = b""
        if end > rest:
            der = file.decode_plain(rest, end + 1)
            if der is None:
                der = decode_strict(raw[rest:end].translate(None, b" \t\r\n"))
        if der is None:
            continue
        _, next_line = _take_line(raw, end + len(_END) - 1)
        return PemBlock(kind.decode("latin-1"), der, header, begin), next_line


def _take_line(raw: bytes, at: int) -> tuple[bytes, int]:
    """Return the line without its end and without trailing blanks, and where the next begins."""
    end = raw.find(b"\n", at)
    if end < 0:
        return raw[at:].rstrip(b" \t"), len(raw)
    stop = end - 1 if end > at and raw[end - 1] == 0x0D else end
    return raw[at:stop].rstrip(b" \t"), end + 1
