"""A certificate's Name as text (RFC 4514), from its bytes: total, also where a string is odd.

`cryptography` gives up on a whole name for one string type that it does not read.
"""

from collections.abc import Iterator
from typing import Final

from probe.text.safe_text import safe_text
from probe.x509 import der as asn1
from probe.x509.der import Element, Reader, decode_oid

MAX_READ_BYTES: Final = 8192
"""A longer name is described by its length."""

COMMON_NAME: Final = "2.5.4.3"
_SHORT: Final = {
    COMMON_NAME: "CN",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.6": "C",
    "2.5.4.9": "STREET",
    "0.9.2342.19200300.100.1.25": "DC",
    "0.9.2342.19200300.100.1.1": "UID",
}
_ENCODINGS: Final = {
    asn1.UTF8_STRING: "utf-8",
    asn1.PRINTABLE_STRING: "utf-8",
    asn1.IA5_STRING: "utf-8",
    asn1.NUMERIC_STRING: "utf-8",
    asn1.TELETEX_STRING: "latin-1",
    0x1A: "latin-1",
    asn1.BMP_STRING: "utf-16-be",
    asn1.UNIVERSAL_STRING: "utf-32-be",
}


def format_name(der: bytes) -> str:
    """Return a Name as text that is safe to show, its last attribute first."""
    if len(der) > MAX_READ_BYTES:
        return f"a name of {len(der)} bytes"
    parts = [
        "+".join(f"{_SHORT.get(oid, oid)}={_write(value)}" for oid, value in attributes)
        for attributes in _read_attributes(der)
    ]
    return safe_text(",".join(reversed(parts)))


def is_name(der: bytes) -> bool:
    """Whether the bytes have a Name's outline."""
    reader = Reader(der, strict=False)
    return reader.read(asn1.SEQUENCE) is not None and reader.is_empty


def read_common_name(der: bytes) -> str:
    """Return the last CN as it is written; empty where there is none."""
    found = ""
    if len(der) <= MAX_READ_BYTES:
        for attributes in _read_attributes(der):
            for oid, value in attributes:
                found = _decode(value) if oid == COMMON_NAME else found
    return found


def _read_attributes(der: bytes) -> Iterator[list[tuple[str, Element]]]:
    """Yield each relative distinguished name as far as the bytes are one."""
    names = Reader(Reader(der, strict=False).read(asn1.SEQUENCE) or b"", strict=False)
    while (name := names.read(asn1.SET)) is not None:
        attributes = Reader(name, strict=False)
        found: list[tuple[str, Element]] = []
        while (attribute := attributes.read(asn1.SEQUENCE)) is not None:
            fields = Reader(attribute, strict=False)
            oid = fields.read(asn1.OBJECT_IDENTIFIER)
            value = fields.read_any()
            if oid is None or value is None:
                break
            found.append((decode_oid(oid), value))
        yield found


def _decode(value: Element) -> str:
    try:
        return value.content.decode(_ENCODINGS.get(value.tag, "latin-1"))
    except UnicodeDecodeError:
        return value.content.decode("latin-1")


def _write(value: Element) -> str:
    """Write a value; what is not a string in hex (RFC 4514 §2.4)."""
    return _escape(_decode(value)) if value.tag in _ENCODINGS else f"#{value.content.hex()}"


def _escape(value: str) -> str:
    """Escape what RFC 4514 §2.4 wants escaped."""
    escaped = "".join("\\" + one if one in '\\"+,;<>' else one for one in value)
    escaped = escaped.replace("\0", "\\00")
    if escaped.startswith(("#", " ")):
        escaped = "\\" + escaped
    return escaped[:-1] + "\\ " if escaped.endswith(" ") else escaped
