"""The PEM blocks of a byte string and the flaws that keep readers from them (RFC 7468, RFC 1421).

Pure and total: any bytes in, blocks and flaws out. A block may hold a private key, so its
DER is in no repr, and a flaw carries line numbers and labels only, never content.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final, Literal

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

FlawKind = Literal[
    "joined",  # an END line and the next BEGIN line on one line
    "truncated",  # BEGIN without END
    "damaged",  # not base64
    "one_line",  # BEGIN, content and END on one line
    "indented",  # white space before BEGIN or END
    "invisible",  # a character that no editor shows before BEGIN
    "commented",  # a character that begins a comment before BEGIN
    "no_begin",  # END without BEGIN
    "end_mismatch",  # END names another label
]

_LABEL: Final = rb"[A-Z0-9][A-Z0-9 .]{0,39}"
_BEGIN: Final = re.compile(rb"-----BEGIN (" + _LABEL + rb")-----")
_END: Final = re.compile(rb"-----END (" + _LABEL + rb")-----")
_INDENTED: Final = re.compile(
    rb"([ \t>#;|/*]+|\xe2\x80\x8b|\xc2\xa0)-----BEGIN (" + _LABEL + rb")-----"
)
_CLOSING: Final = re.compile(rb"[ \t>#;|/*]*-----(?:BEGIN|END) ")
_JOINED: Final = re.compile(
    rb"-----END (" + _LABEL + rb")-----[ \t]*-----BEGIN (" + _LABEL + rb")-----"
)
_LOOKED_AT: Final = 20
"""Blocks that are looked at for what is odd in them."""
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/=\s]")


@dataclass(frozen=True, slots=True)
class Block:
    """One complete block: `line` is its BEGIN line's number, counted from 1."""

    label: str
    line: int
    der: bytes = field(repr=False)
    encrypted: bool = False
    """`Proc-Type: 4,ENCRYPTED` (RFC 1421 §4.6.1.1): the content is not DER."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """Where a block is broken, and how."""

    kind: FlawKind
    label: str
    line: int
    fact: str


OddityKind = Literal["byte_order_mark", "returns", "header", "blank"]


@dataclass(frozen=True, slots=True)
class Oddity:
    """What hides a whole block from some readers: where, and what it is."""

    kind: OddityKind
    line: int
    fact: str


@dataclass(frozen=True, slots=True)
class Scan:
    """All that a byte string holds of PEM."""

    blocks: tuple[Block, ...] = ()
    flaws: tuple[Flaw, ...] = ()
    oddities: tuple[Oddity, ...] = ()
    """The first of each kind."""
    byte_order_mark: bool = False
    """A UTF-8 byte order mark stands right before the first block."""


BLOCK_NAMES: Final = {
    "CERTIFICATE": "certificate",
    "TRUSTED CERTIFICATE": "certificate in OpenSSL's own trusted form",
    "X509 CERTIFICATE": "certificate under an outdated label",
    "CERTIFICATE REQUEST": "certificate signing request",
    "NEW CERTIFICATE REQUEST": "certificate signing request",
    "X509 CRL": "certificate revocation list",
    "PKCS7": "PKCS#7 bundle",
    "CMS": "PKCS#7 bundle",
    "PUBLIC KEY": "public key",
    "RSA PUBLIC KEY": "public key",
    "OPENSSH PRIVATE KEY": "OpenSSH private key",
    "ENCRYPTED PRIVATE KEY": "encrypted private key",
    "DH PARAMETERS": "block of DH parameters",
    "EC PARAMETERS": "block of EC parameters",
    "PGP PUBLIC KEY BLOCK": "PGP key",
    "PGP PRIVATE KEY BLOCK": "PGP key",
}
"""What blocks are by their labels (RFC 7468, and what OpenSSL writes)."""


def is_key_label(label: str) -> bool:
    """Return whether a block so labelled is a private key (Go's rule in tls.X509KeyPair)."""
    return label == "PRIVATE KEY" or label.endswith(" PRIVATE KEY")


def scan_pem(raw: bytes) -> Scan:
    """Return the blocks and flaws of `raw`, in order.

    CRLF, white space at a line's end, text before, between and after blocks are harmless.
    """
    byte_order_mark = raw.startswith(BYTE_ORDER_MARK)
    lines = raw.removeprefix(BYTE_ORDER_MARK).split(b"\n")
    blocks: list[Block] = []
    flaws: list[Flaw] = []
    at = 0
    while at < len(lines):
        line = lines[at].removeprefix(BYTE_ORDER_MARK).rstrip()
        begin = _BEGIN.match(line) or (_JOINED.fullmatch(line) if at else None)
        if begin is None:
            indented = _INDENTED.match(line)
            if indented is not None:
                before = indented[1].strip()
                kind: FlawKind = "commented" if before.isascii() and before else "indented"
                kind = kind if before.isascii() else "invisible"
                flaws.append(_make_flaw(kind, _decode_label(indented, 2), at + 1))
                at = _find_closing_line(lines, at + 1)
            elif closing := _END.fullmatch(line):
                flaws.append(_make_flaw("no_begin", _decode_label(closing), at + 1))
            at += 1
            continue
        label = _decode_label(begin, begin.lastindex or 1)
        if begin.end() != len(line):
            flaws.append(_make_flaw("one_line", label, at + 1))
            at += 1
            continue
        end = _find_closing_line(lines, at + 1)
        block = _read_block(lines, label, at, end)
        if isinstance(block, Block):
            blocks.append(block)
        else:
            flaws.append(block)
        # A line that closes this block and opens the next is looked at once more.
        opens = end < len(lines) and not lines[end].rstrip().startswith(b"-----END ")
        joined = end < len(lines) and _JOINED.fullmatch(lines[end].rstrip()) is not None
        at = end if joined or (opens and not _has_indented_end(lines[end])) else end + 1
    starts_first = byte_order_mark and _BEGIN.match(lines[0]) is not None
    oddities = tuple(_find_oddities(raw, lines, blocks))
    return Scan(tuple(blocks), tuple(flaws), oddities, starts_first)


def _has_indented_end(line: bytes) -> bool:
    return line.lstrip().startswith(b"-----END ")


def _find_oddities(raw: bytes, lines: Sequence[bytes], blocks: Sequence[Block]) -> Iterator[Oddity]:
    mark = b"\n" + BYTE_ORDER_MARK + b"-----BEGIN "
    if blocks and (raw.startswith(mark[1:]) or mark in raw):
        line = 1 if raw.startswith(mark[1:]) else raw.count(b"\n", 0, raw.find(mark)) + 2
        yield Oddity(
            "byte_order_mark", line, f"a UTF-8 byte order mark stands before the BEGIN line {line}"
        )
    place = raw.find(b"\r\r\n")
    if place >= 0:
        line = raw.count(b"\n", 0, place) + 1
        yield Oddity("returns", line, f"line {line} ends in two carriage returns")
    for block in blocks[:_LOOKED_AT]:
        following = lines[block.line : block.line + 2]
        if following and b":" in following[0]:
            line = block.line + 1
            fact = (
                f"the {block.label} block at line {block.line} begins with a header, at line {line}"
            )
            yield Oddity("header", line, fact)
            return  # the empty line behind it belongs to it
    for block in blocks[:_LOOKED_AT]:
        body = takewhile(lambda line: b"-----" not in line, lines[block.line : block.line + 3])
        if any(not line.strip() for line in body):
            fact = f"the {block.label} block at line {block.line} has empty lines in it"
            yield Oddity("blank", block.line, fact)
            break


def _find_closing_line(lines: Sequence[bytes], start: int) -> int:
    for number in range(start, len(lines)):
        if b"-----" in lines[number] and _CLOSING.match(
            lines[number].removeprefix(BYTE_ORDER_MARK)
        ):
            return number
    return len(lines)


def _read_block(lines: Sequence[bytes], label: str, begin: int, end: int) -> Block | Flaw:
    if end < len(lines) and _JOINED.fullmatch(lines[end].rstrip()):
        return _make_flaw("joined", label, begin + 1, end + 1)
    if end < len(lines) and lines[end][:1] != b"-" and _has_indented_end(lines[end]):
        return _make_flaw("indented", label, begin + 1, end + 1, "END")
    if end == len(lines) or not lines[end].startswith(b"-----END "):
        return _make_flaw("truncated", label, begin + 1)
    closing = _END.fullmatch(lines[end].rstrip())
    if closing is None or _decode_label(closing) != label:
        return _make_flaw("end_mismatch", label, begin + 1, end + 1)
    first, encrypted = _skip_headers(lines, begin + 1, end)
    for number, line in enumerate(lines[first:end], first + 1):
        if wrong := _NOT_BASE64.search(line):
            # A byte outside the alphabet cannot be part of a key: it may be shown, as a number.
            note = f", column {wrong.start() + 1}: byte 0x{wrong[0][0]:02x} is not of its alphabet"
            return _make_flaw("damaged", label, begin + 1, number, note)
    body = [b"".join(line.split()) for line in lines[first:end]]
    try:
        der = base64.b64decode(b"".join(body), validate=True)
    except binascii.Error:
        odd, note = _find_odd_line(body)
        return _make_flaw("damaged", label, begin + 1, first + odd + 1, note)
    return Block(label, begin + 1, der, encrypted)


def _skip_headers(lines: Sequence[bytes], first: int, end: int) -> tuple[int, bool]:
    """Skip RFC 1421 headers; return the content's first line and whether it is encrypted."""
    encrypted = False
    at = first
    while at < end and b":" in lines[at]:
        name, _, value = lines[at].partition(b":")
        encrypted |= name.strip() == b"Proc-Type" and b"ENCRYPTED" in value
        at += 1
    return at, encrypted


def _find_odd_line(body: Sequence[bytes]) -> tuple[int, str]:
    """Return the line whose length breaks the pattern, and a note on what its length is."""
    filled = [number for number, line in enumerate(body) if line]
    if not filled:
        return 0, ""
    usual = len(body[filled[0]])
    odd = next((n for n in filled[:-1] if len(body[n]) != usual or b"=" in body[n]), filled[-1])
    padded = body[odd].find(b"=") + 1
    if odd != filled[-1] and padded:
        return odd, f", column {padded}: padding (=) before the end"
    length = len(body[odd])
    if odd != filled[-1]:
        return odd, f", which has {length} characters where the first line has {usual}"
    return odd, f", the last one: {length} characters, not a multiple of 4" if length % 4 else ""


def _make_flaw(kind: FlawKind, label: str, line: int, where: int = 0, note: str = "") -> Flaw:
    facts: dict[FlawKind, str] = {
        "truncated": f"the {label} block that begins at line {line} has no END line: it is truncated",
        "damaged": f"the {label} block that begins at line {line} is damaged base64 at line {where}{note}",
        "one_line": f"the {label} block at line {line} is on one line; BEGIN and END need separate lines",
        "indented": f"the {note or 'BEGIN'} line of the {label} block at line {where or line} is indented, which hides it from readers",
        "invisible": f"an invisible character stands before the BEGIN line of the {label} block at line {line}",
        "commented": f"the BEGIN line of the {label} block at line {line} is commented out",
        "joined": f"at line {where}, the END line of the {label} block and the next BEGIN line are one line: a line break is missing between them",
        "no_begin": f"the END line of a {label} block at line {line} has no BEGIN line before it",
        "end_mismatch": f"the {label} block that begins at line {line} ends at line {where} with an END line that does not fit",
    }
    return Flaw(kind, label, where or line, facts[kind])


def _decode_label(match: re.Match[bytes], group: int = 1) -> str:
    return match.group(group).decode("ascii")
