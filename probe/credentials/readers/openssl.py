"""The readers of PEM in OpenSSL 3 and in BoringSSL (PEM_read_bio): blocks, up to what stops them.

Both read lines into a buffer of fixed size, so that a longer line is several; both drop what they
take for white space at a line's end, which on x86 (`char` is signed) is every byte above 127 too.
They differ in a byte order mark, in empty lines, and in where base64 ends.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from probe.credentials.readers.pem_file import PemBlock, PemFile, decode_strict

_START: Final = b"-----BEGIN "
_END: Final = b"-----END "
_DASHES: Final = b"-----"
_MARK: Final = b"\xef\xbb\xbf"
_BLANK: Final = bytes(range(0x21)) + bytes(range(0x80, 0x100))
_WHITE: Final = b" \t\r\n"
_FULL_LINE: Final = 64

StopReason = Literal["no_start_line", "bad_end_line", "bad_base64", "no_data"]


class PemStop(NamedTuple):
    """Why no block follows; `no_start_line` is the file's end, which is not an error."""

    reason: StopReason
    at: int = 0
    """The offset of the BEGIN line of the block that is broken."""
    behind: int = 0
    """Where the reader stands then."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where the two libraries differ."""

    line: int
    """Bytes of one line that fit into the buffer."""
    skips_mark: bool
    """Whether a byte order mark is dropped from the first line that is looked at for BEGIN."""
    counts_lines: bool
    """Whether lines behind a header are counted: a short one, or an empty one, must be the last."""
    ends_at_dash: bool
    """Whether a dash ends base64 rather than being an error (EVP_DecodeUpdate)."""


OPENSSL: Final = Dialect(line=254, skips_mark=True, counts_lines=True, ends_at_dash=True)
"""OpenSSL 3.0 to 3.5, crypto/pem/pem_lib.c: get_name, get_header_and_data, sanitize_line."""
BORINGSSL: Final = Dialect(line=253, skips_mark=False, counts_lines=False, ends_at_dash=False)
"""BoringSSL of 2025, crypto/pem/pem_lib.cc: PEM_read_bio_inner."""


def read_openssl_blocks(file: PemFile, dialect: Dialect) -> Iterator[PemBlock | PemStop]:
    """Yield each block that `PEM_read_bio` returns, and why it returns none.

    The last is always a stop with `no_start_line`: callers end at the first stop, but for OpenSSL's
    reader of private keys, which goes on behind a broken block.
    """
    at = 0
    while True:
        named = _find_begin(file.raw, at, dialect)
        if named is None:
            yield PemStop("no_start_line", len(file.raw))
            return
        name, begin, at = named
        read = _read_plain(file, name, begin, at) or _read_lines(file.raw, name, begin, at, dialect)
        if isinstance(read, PemStop):
            yield read
            at = read.behind
            continue
        block, at = read
        yield block


def _find_begin(raw: bytes, at: int, dialect: Dialect) -> tuple[bytes, int, int] | None:
    """Return the next block's name, where its BEGIN line starts and where the line behind does."""
    first = line = at
    while True:
        start = raw.find(_START, at)
        if start < 0:
            return None
        line = raw.rfind(b"\n", at, start) + 1 or line
        marked = dialect.skips_mark and line == first and raw.startswith(_MARK, line)
        piece = start - 3 if marked and start == line + 3 else start
        if (piece - line) % dialect.line:
            at = start + 1
            continue
        end = _end_piece(raw, piece, dialect)
        text = raw[start:end].rstrip(_BLANK)
        if text.endswith(_DASHES) and len(text) >= len(_START) + len(_DASHES):
            return text[len(_START) : -len(_DASHES)], start, end
        at = start + 1


def _end_piece(raw: bytes, at: int, dialect: Dialect) -> int:
    """Return where the line that begins at `at` ends, or where the buffer is full."""
    end = raw.find(b"\n", at, at + dialect.line)
    return end + 1 if end >= 0 else min(at + dialect.line, len(raw))


def _read_plain(file: PemFile, name: bytes, begin: int, at: int) -> tuple[PemBlock, int] | None:
    """Read a block of whole lines of base64 and nothing else, the same in both libraries."""
    raw = file.raw
    end = raw.find(_END, at)
    if end < 0 or (der := file.decode_plain(at, end)) is None:
        return None
    closing = _END + name + _DASHES
    behind = raw.find(b"\n", end, end + 100)
    if behind < 0 or raw[end:behind].rstrip(b" \t\r") != closing:
        return None
    return PemBlock(name.decode("latin-1"), der, b"", begin), behind + 1


def _read_lines(
    raw: bytes, name: bytes, begin: int, at: int, dialect: Dialect
) -> tuple[PemBlock, int] | PemStop:
    """Read a block line by line: a header up to an empty line, if there is one, then the data."""
    parts: tuple[list[bytes], list[bytes]] = ([], [])
    behind_header = has_colon = cut = short = False
    while True:
        if at >= len(raw):
            return PemStop("bad_end_line", begin, at)
        end = _end_piece(raw, at, dialect)
        piece, at = raw[at:end], end
        was_cut, cut = cut, len(piece) == dialect.line and piece[-1:] != b"\n"
        text = piece.rstrip(_BLANK)
        has_colon |= b":" in piece and not behind_header
        if not text and (dialect.counts_lines or not behind_header):
            if dialect.counts_lines and was_cut:
                continue
            if behind_header:
                return PemStop("bad_end_line", begin, at)
            behind_header = True
            continue
        if text.startswith(_END):
            break
        if dialect.counts_lines and short:
            return PemStop("bad_end_line", begin, at)
        parts[behind_header].append(text)
        if dialect.counts_lines and behind_header:
            if len(text) > _FULL_LINE:
                return PemStop("bad_end_line", begin, at)
            short = len(text) < _FULL_LINE
    if text != _END + name + _DASHES:
        return PemStop("bad_end_line", begin, at)
    header, body = parts
    if not behind_header and not (has_colon and dialect.counts_lines):
        header, body = body, header
    if not body:
        return PemStop("no_data", begin, at)
    der = _decode(b"".join(body), dialect)
    if der is None:
        return PemStop("bad_base64", begin, at)
    if not der:
        return PemStop("no_data", begin, at)
    return PemBlock(name.decode("latin-1"), der, b"\n".join(header), begin), at


def _decode(encoded: bytes, dialect: Dialect) -> bytes | None:
    if dialect.ends_at_dash:
        encoded = encoded.partition(b"-")[0]
    return decode_strict(encoded.translate(None, _WHITE))
