"""Reading ASN.1 elements (X.690) of bytes that anybody may have written: total, one element a call.

A reader is strict (DER, as golang.org/x/crypto/cryptobyte reads it) or tolerant (BER's lengths and
long tags as well, as OpenSSL reads certificates). None is the answer where there is no element.
"""

from functools import lru_cache
from typing import Final, NamedTuple

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OBJECT_IDENTIFIER: Final = 0x06
UTF8_STRING: Final = 0x0C
NUMERIC_STRING: Final = 0x12
PRINTABLE_STRING: Final = 0x13
TELETEX_STRING: Final = 0x14
IA5_STRING: Final = 0x16
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
UNIVERSAL_STRING: Final = 0x1C
BMP_STRING: Final = 0x1E
SEQUENCE: Final = 0x30
SET: Final = 0x31

CONSTRUCTED: Final = 0x20
CONTEXT: Final = 0x80
LONG_TAG: Final = 0x1F

MAX_DEPTH: Final = 32
"""Indefinite lengths within each other that a tolerant reader follows."""
MAX_OID_BYTES: Final = 128
"""Beyond it an OBJECT IDENTIFIER has no dotted text: its numbers could have thousands of digits."""


class Element(NamedTuple):
    """One element: its identifier octet, its contents, and all of its bytes."""

    tag: int
    content: bytes
    whole: bytes


class Reader:
    """Reads elements of `data` one after the other; what it cannot read it leaves where it is."""

    __slots__ = ("_at", "_data", "_end", "_strict")

    def __init__(self, data: bytes, *, strict: bool = True) -> None:
        """Begin at the first byte."""
        self._data = data
        self._at = 0
        self._end = len(data)
        self._strict = strict

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left."""
        return self._at >= self._end

    @property
    def rest(self) -> bytes:
        """What has not been read."""
        return self._data[self._at :]

    def peek(self) -> int:
        """Return the next identifier octet; -1 at the end."""
        return self._data[self._at] if self._at < self._end else -1

    def read_any(self) -> Element | None:
        """Read the next element, whatever it is."""
        at = self._at
        header = _read_header(self._data, at, self._end, self._strict)
        if header is None:
            return None
        content, end, after = header
        self._at = after
        data = self._data
        return Element(data[at], data[content:end], data[at:after])

    def read_element(self, tag: int) -> Element | None:
        """Read the next element if it is a `tag`.

        Like cryptobyte's, it goes on behind an element that is something else.
        """
        element = self.read_any()
        return None if element is None or element.tag != tag else element

    def read(self, tag: int) -> bytes | None:
        """Read the contents of the next element if it is a `tag`."""
        at = self._at
        header = _read_header(self._data, at, self._end, self._strict)
        if header is None:
            return None
        content, end, self._at = header
        return self._data[content:end] if self._data[at] == tag else None

    def skip_optional(self, tag: int) -> bool:
        """Pass over the next element if it is a `tag`; False where it is one and unreadable."""
        return self.peek() != tag or self.read_any() is not None


def _read_header(data: bytes, at: int, end: int, strict: bool) -> tuple[int, int, int] | None:
    """Return where contents begin and end, and where the next element begins."""
    if end - at < 2:
        return None
    first = data[at]
    at += 1
    if first & LONG_TAG == LONG_TAG:
        # cryptobyte knows no tags above 30; X.690 §8.1.2.4 writes them in groups of seven bits.
        if strict:
            return None
        while at < end and data[at] & 0x80:
            at += 1
        at += 1
        if at >= end:
            return None
    length = data[at]
    at += 1
    if length < 0x80:
        return (at, at + length, at + length) if at + length <= end else None
    if length == 0x80:
        if strict or not first & CONSTRUCTED:
            return None
        closed = _find_end_of_contents(data, at, end, 1)
        return None if closed is None else (at, closed, closed + 2)
    count = length & 0x7F
    if end - at < count or (strict and count > 4):
        return None
    length = int.from_bytes(data[at : at + count])
    if strict and (length < 0x80 or not length >> 8 * (count - 1)):
        return None  # X.690 §10.1: the shortest form
    at += count
    return (at, at + length, at + length) if length <= end - at else None


def _find_end_of_contents(data: bytes, at: int, end: int, depth: int) -> int | None:
    """Return where the two zero octets stand that end an indefinite length (X.690 §8.1.5)."""
    if depth > MAX_DEPTH:
        return None
    while end - at >= 2:
        if not data[at] and not data[at + 1]:
            return at
        header = _read_header_within(data, at, end, depth)
        if header is None:
            return None
        at = header
    return None


def _read_header_within(data: bytes, at: int, end: int, depth: int) -> int | None:
    """Return where the element at `at` ends; of indefinite ones, at most MAX_DEPTH in each other."""
    first = data[at]
    if first & LONG_TAG != LONG_TAG and data[at + 1] == 0x80:
        if not first & CONSTRUCTED:
            return None
        closed = _find_end_of_contents(data, at + 2, end, depth + 1)
        return None if closed is None else closed + 2
    if first & LONG_TAG == LONG_TAG:
        return None  # no certificate needs a long tag within an indefinite length
    header = _read_header(data, at, end, False)
    return None if header is None else header[2]


@lru_cache(maxsize=2048)
def decode_oid(content: bytes) -> str:
    """Return an OBJECT IDENTIFIER's dotted text; its hex digits where it is malformed or long."""
    if not content or len(content) > MAX_OID_BYTES or content[-1] & 0x80:
        return content[:MAX_OID_BYTES].hex() or "empty"
    numbers: list[int] = []
    value = 0
    for octet in content:
        if value == 0 and octet == 0x80:
            return content.hex()  # X.690 §8.19.2: the fewest octets
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(value)
            value = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))


def encode_oid(dotted: str) -> bytes:
    """Return the contents of the OBJECT IDENTIFIER with this dotted text."""
    first, second, *others = (int(part) for part in dotted.split("."))
    out = bytearray()
    for number in (40 * first + second, *others):
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(number & 0x7F | 0x80)
        out += bytes(reversed(groups))
    return bytes(out)


def read_integer(content: bytes, *, strict: bool = True) -> int | None:
    """Return the number that an INTEGER's contents say (X.690 §8.3); strictly, the shortest form."""
    if not content:
        return None
    if strict and len(content) > 1:
        head = content[0] << 1 | content[1] >> 7
        if head in {0, 0x1FF}:
            return None
    return int.from_bytes(content, signed=True)


class BitString(NamedTuple):
    """The octets of a BIT STRING, and how many bits of the last are unused."""

    octets: bytes
    unused: int


def read_bit_string(content: bytes, *, strict: bool = True) -> BitString | None:
    """Return what a BIT STRING's contents say (X.690 §8.6, §11.2.1: unused bits are zero)."""
    if not content:
        return None
    unused, octets = content[0], content[1:]
    if unused > 7 or (not octets and unused):
        return None
    if strict and octets and octets[-1] & ((1 << unused) - 1):
        return None
    return BitString(octets, unused)


def encode(tag: int, *contents: bytes) -> bytes:
    """Return the DER of one element."""
    content = b"".join(contents)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(octets))) + octets + content
