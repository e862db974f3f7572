"""Writes DER (X.690), and whatever only looks like it: the generators build odd files from parts."""

from typing import Final

BOOLEAN_TRUE: Final = b"\x01\x01\xff"
NULL: Final = b"\x05\x00"


def tlv(tag: int, content: bytes) -> bytes:
    """Return one element with a definite length of the fewest octets."""
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def indefinite(tag: int, content: bytes) -> bytes:
    """Return one element of BER's indefinite length, which DER forbids."""
    return bytes((tag, 0x80)) + content + b"\x00\x00"


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE."""
    return tlv(0x30, b"".join(parts))


def set_of(*parts: bytes) -> bytes:
    """Return a SET OF one element, or of those that come sorted."""
    return tlv(0x31, b"".join(parts))


def integer(value: int) -> bytes:
    """Return an INTEGER, negative ones too."""
    size = (value.bit_length() if value >= 0 else (value + 1).bit_length()) // 8 + 1
    return tlv(2, value.to_bytes(size, "big", signed=True))


def octet_string(content: bytes) -> bytes:
    """Return an OCTET STRING."""
    return tlv(4, content)


def bit_string(content: bytes, unused: int = 0) -> bytes:
    """Return a BIT STRING."""
    return tlv(3, bytes((unused,)) + content)


def oid(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = b""
    for arc in (first * 40 + second, *rest):
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.append(0x80 | arc & 0x7F)
        content += bytes(reversed(septets))
    return tlv(6, content)


def utf8(text: str) -> bytes:
    """Return a UTF8String."""
    return tlv(0x0C, text.encode())


def utc_time(text: str) -> bytes:
    """Return a UTCTime with `text` as it is."""
    return tlv(0x17, text.encode())


def generalized_time(text: str) -> bytes:
    """Return a GeneralizedTime with `text` as it is."""
    return tlv(0x18, text.encode())


def explicit(number: int, content: bytes) -> bytes:
    """Return a context-specific, constructed element: [number] EXPLICIT."""
    return tlv(0xA0 | number, content)


def implicit(number: int, content: bytes) -> bytes:
    """Return a context-specific, primitive element: [number] IMPLICIT."""
    return tlv(0x80 | number, content)
