"""Names in the form by which OpenSSL takes two for equal (crypto/x509/x_name.c, x509_name_canon).

RFC 5280 §7.1 wants case and repeated spaces ignored; what a runtime ignores besides is its own.
"""

from functools import lru_cache
from typing import Final

from probe.x509 import der as asn1
from probe.x509.der import Reader

_ENCODINGS: Final = {
    asn1.UTF8_STRING: "utf-8",
    asn1.PRINTABLE_STRING: "latin-1",
    asn1.TELETEX_STRING: "latin-1",
    asn1.IA5_STRING: "latin-1",
    0x1A: "latin-1",  # VisibleString
    asn1.BMP_STRING: "utf-16-be",
    asn1.UNIVERSAL_STRING: "utf-32-be",
}
_VISIBLE_STRING: Final = 0x1A
TEXTS: Final = frozenset({*_ENCODINGS, asn1.NUMERIC_STRING})
STRINGS: Final = TEXTS - {_VISIBLE_STRING} | {asn1.BIT_STRING, asn1.SEQUENCE}
"""What an attribute's value may be for OpenSSL (x_name.c, ASN1_PRINTABLE)."""
_SPACES: Final = "\t\n\v\f\r "
_LOWER: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
MAX_KEPT_BYTES: Final = 4096


def canonicalize_for_openssl(name: bytes) -> bytes | None:
    """Return equal bytes for names that OpenSSL takes for equal; None where it cannot read one."""
    return _canonicalize_kept(name) if len(name) <= MAX_KEPT_BYTES else _canonicalize(name)


def _canonicalize(name: bytes) -> bytes | None:
    sequence = Reader(name, strict=False).read(asn1.SEQUENCE)
    if sequence is None:
        return None
    sets = Reader(sequence, strict=False)
    found: list[bytes] = []
    while not sets.is_empty:
        attributes = sets.read(asn1.SET)
        if attributes is None:
            return None
        reader = Reader(attributes, strict=False)
        entries: list[bytes] = []
        while not reader.is_empty:
            entry = _canonicalize_entry(reader)
            if entry is None:
                return None
            entries.append(entry)
        if entries:
            found.append(asn1.encode(asn1.SET, *sorted(entries)))
    return b"".join(found)


_canonicalize_kept = lru_cache(maxsize=1024)(_canonicalize)


def _canonicalize_entry(reader: Reader) -> bytes | None:
    contents = reader.read(asn1.SEQUENCE)
    if contents is None:
        return None
    fields = Reader(contents, strict=False)
    oid, value = fields.read_element(asn1.OBJECT_IDENTIFIER), fields.read_any()
    if oid is None or value is None:
        return None
    encoding = _ENCODINGS.get(value.tag)
    if encoding is None:
        return asn1.encode(asn1.SEQUENCE, oid.whole, value.whole)
    if value.tag == asn1.BMP_STRING and _has_surrogate(value.content):
        return None
    try:
        text = value.content.decode(encoding)
    except UnicodeDecodeError:
        return None
    words = text.translate(_LOWER).strip(_SPACES)
    for space in _SPACES[:-1]:
        words = words.replace(space, " ")
    joined = " ".join(word for word in words.split(" ") if word)
    return asn1.encode(
        asn1.SEQUENCE, oid.whole, asn1.encode(asn1.UTF8_STRING, joined.encode("utf-8", "replace"))
    )


def _has_surrogate(content: bytes) -> bool:
    return any(0xD8 <= octet <= 0xDF for octet in content[::2])


def has_only(tags: frozenset[int], name: bytes) -> bool:
    """Return whether each attribute's value has one of those tags."""
    sets = Reader(Reader(name, strict=False).read(asn1.SEQUENCE) or b"", strict=False)
    while (attributes := sets.read(asn1.SET)) is not None:
        reader = Reader(attributes, strict=False)
        while (attribute := reader.read(asn1.SEQUENCE)) is not None:
            fields = Reader(attribute, strict=False)
            fields.read_any()
            value = fields.read_any()
            if value is not None and value.tag not in tags:
                return False
    return True
