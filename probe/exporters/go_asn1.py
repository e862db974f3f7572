"""Values of ASN.1 as Go's cryptobyte reads them: strictly, and refused with the caller's text."""

from functools import lru_cache
from typing import NoReturn

from probe.x509 import der as asn1
from probe.x509.der import BitString, Reader


class RefusedError(ValueError):
    """Go's text for what it does not parse, and what was found where the text does not say it."""

    def __init__(self, says: str, value: str = "") -> None:
        """Keep what was found."""
        super().__init__(says)
        self.value = value


def refuse(says: str, value: str = "") -> NoReturn:
    """End the parsing with crypto/x509's text.

    Raises:
        RefusedError: always.
    """
    raise RefusedError(f"x509: {says}", value)


def must(content: bytes | None, says: str) -> bytes:
    """Return contents that have to be there.

    Raises:
        RefusedError: where they are not.
    """
    return refuse(says) if content is None else content


def read_boolean(reader: Reader, says: str) -> bool:
    """Read a BOOLEAN of one of DER's two values (ReadASN1Boolean)."""
    content = reader.read(asn1.BOOLEAN)
    if content not in {b"\x00", b"\xff"}:
        refuse(says)
    return content == b"\xff"


def read_int(reader: Reader, says: str, tag: int = asn1.INTEGER) -> int:
    """Read an INTEGER of 64 bits (ReadASN1Integer, ReadASN1Int64WithTag)."""
    content = reader.read(tag)
    number = None if content is None or len(content) > 8 else asn1.read_integer(content)
    return refuse(says) if number is None else number


def read_oid(reader: Reader, says: str) -> bytes:
    """Read an OBJECT IDENTIFIER of numbers below 2**31 (ReadASN1ObjectIdentifier)."""
    content = reader.read(asn1.OBJECT_IDENTIFIER)
    return content if content and is_short_oid(content) else refuse(says)


@lru_cache(maxsize=1024)
def is_short_oid(content: bytes) -> bool:
    """Whether each number of an OBJECT IDENTIFIER fits 31 bits, in the fewest octets."""
    value = length = 0
    for octet in content:
        if length == 5 or value >= 1 << 24 or (not length and octet == 0x80):
            return False
        value = value << 7 | octet & 0x7F
        length += 1
        if not octet & 0x80:
            value = length = 0
    return not length


def read_bits(reader: Reader, says: str) -> BitString:
    """Read a BIT STRING (ReadASN1BitString)."""
    content = reader.read(asn1.BIT_STRING)
    bits = None if content is None else asn1.read_bit_string(content)
    return refuse(says) if bits is None else bits
