"""ASN.1 types as templates, as OpenSSL's decoder has them (crypto/asn1/tasn_dec.c): do bytes fit?

A SEQUENCE has its fields in order and nothing behind them; what stands behind the whole value does
not matter. BER's lengths are read, as OpenSSL reads them.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from probe.x509 import der as asn1
from probe.x509.der import Reader, read_integer

MAX_DEPTH: Final = 24


def _fit_any(_content: bytes) -> bool:
    return True


class Primitive(NamedTuple):
    """One tag, and what its contents have to be."""

    tag: int
    fits: Callable[[bytes], bool] = _fit_any


class Sequence(NamedTuple):
    """Fields in order; the tag is SEQUENCE's unless it is implicit."""

    fields: tuple["Template", ...]
    tag: int = asn1.SEQUENCE


class Repeated(NamedTuple):
    """Any number of one type."""

    item: "Template"
    tag: int = asn1.SEQUENCE


class Explicit(NamedTuple):
    """A type within a tag of its own."""

    tag: int
    item: "Template"


class Choice(NamedTuple):
    """One of several types; their tags differ."""

    items: tuple["Template", ...]


class Optional(NamedTuple):
    """A field that may be absent."""

    item: "Template"


class Anything(NamedTuple):
    """Any one element."""


Template = Primitive | Sequence | Repeated | Explicit | Choice | Optional | Anything


def has_shape(value: bytes, template: Template, *, strict: bool = False) -> bool:
    """Return whether a value begins with an element of that type; strictly, is one, in DER."""
    reader = Reader(value, strict=strict)
    return _read(reader, template, MAX_DEPTH, strict) and (reader.is_empty or not strict)


def _read(reader: Reader, template: Template, depth: int, strict: bool) -> bool:
    if depth <= 0:
        return False
    match template:
        case Optional(item):
            return not _can_begin(reader, item) or _read(reader, item, depth, strict)
        case Choice(items):
            fitting = (item for item in items if _can_begin(reader, item))
            found = next(fitting, None)
            return found is not None and _read(reader, found, depth, strict)
        case Anything():
            return reader.read_any() is not None
    tag = template.tag
    if isinstance(template, Repeated) and not strict and _can_begin(reader, template):
        tag = reader.peek()  # asn1_check_tlen looks at class and number alone
    content = reader.read(tag)
    if content is None:
        return False
    match template:
        case Primitive(_, fits):
            return fits(content)
        case Sequence(fields, _):
            inner = Reader(content, strict=strict)
            return (
                all(_read(inner, field, depth - 1, strict) for field in fields) and inner.is_empty
            )
        case Repeated(item, _):
            inner = Reader(content, strict=strict)
            while not inner.is_empty:
                if not _read(inner, item, depth - 1, strict):
                    return False
            return True
        case Explicit(_, item):
            inner = Reader(content, strict=strict)
            return _read(inner, item, depth - 1, strict) and inner.is_empty


def _can_begin(reader: Reader, template: Template) -> bool:
    match template:
        case Choice(items):
            return any(_can_begin(reader, item) for item in items)
        case Optional(item):
            return _can_begin(reader, item)
        case Anything():
            return not reader.is_empty
        case Repeated(_, tag) if tag & CONTEXT:
            return reader.peek() | asn1.CONSTRUCTED == tag
        case _:
            return reader.peek() == template.tag


def is_oid(content: bytes) -> bool:
    """Return whether contents are an OBJECT IDENTIFIER's (a_object.c, ossl_c2i_ASN1_OBJECT)."""
    if not content or content[-1] & 0x80:
        return False
    return not any(
        octet == 0x80 and (place == 0 or not content[place - 1] & 0x80)
        for place, octet in enumerate(content)
    )


def is_integer(content: bytes) -> bool:
    """Return whether contents are an INTEGER's in its shortest form (a_int.c, c2i_ibuf)."""
    return read_integer(content) is not None


def is_bit_string(content: bytes) -> bool:
    """Return whether the count of unused bits is at most seven (a_bitstr.c)."""
    return bool(content) and content[0] <= 7


def _is_one_octet(content: bytes) -> bool:
    return len(content) == 1


CONTEXT: Final = asn1.CONTEXT
INNER: Final = asn1.CONTEXT | asn1.CONSTRUCTED

OID: Final = Primitive(asn1.OBJECT_IDENTIFIER, is_oid)
INTEGER: Final = Primitive(asn1.INTEGER, is_integer)
BOOLEAN: Final = Primitive(asn1.BOOLEAN, _is_one_octet)
BIT_STRING: Final = Primitive(asn1.BIT_STRING, is_bit_string)
OCTET_STRING: Final = Primitive(asn1.OCTET_STRING)
ALGORITHM: Final = Sequence((OID, Optional(Anything())))
_TIME: Final = Choice((Primitive(asn1.UTC_TIME), Primitive(asn1.GENERALIZED_TIME)))
_ATTRIBUTE: Final = Sequence((OID, Anything()))
NAME: Final = Repeated(Repeated(_ATTRIBUTE, asn1.SET))
_EXTENSION: Final = Sequence((OID, Optional(BOOLEAN), OCTET_STRING))
CERTIFICATE: Final = Sequence(
    (
        Sequence(
            (
                Optional(Explicit(INNER, INTEGER)),
                INTEGER,
                ALGORITHM,
                NAME,
                Sequence((_TIME, _TIME)),
                NAME,
                Sequence((ALGORITHM, BIT_STRING)),
                Optional(Primitive(CONTEXT | 1, is_bit_string)),
                Optional(Primitive(CONTEXT | 2, is_bit_string)),
                Optional(Explicit(INNER | 3, Repeated(_EXTENSION))),
            )
        ),
        ALGORITHM,
        BIT_STRING,
    )
)
_DIRECTORY_STRING: Final = Choice(tuple(Primitive(t) for t in (0x0C, 0x13, 0x14, 0x1C, 0x1E)))
GENERAL_NAME: Final = Choice(
    (
        Sequence((OID, Explicit(INNER, Anything())), INNER),
        Primitive(CONTEXT | 1),
        Primitive(CONTEXT | 2),
        Primitive(INNER | 3),
        Explicit(INNER | 4, NAME),
        Sequence(
            (
                Optional(Explicit(INNER, _DIRECTORY_STRING)),
                Explicit(INNER | 1, _DIRECTORY_STRING),
            ),
            INNER | 5,
        ),
        Primitive(CONTEXT | 6),
        Primitive(CONTEXT | 7),
        Primitive(CONTEXT | 8, is_oid),
    )
)
GENERAL_NAMES: Final = Repeated(GENERAL_NAME)
_SUBTREE: Final = Sequence(
    (
        GENERAL_NAME,
        Optional(Primitive(CONTEXT, is_integer)),
        Optional(Primitive(CONTEXT | 1, is_integer)),
    )
)
NAME_CONSTRAINTS: Final = Sequence(
    (Optional(Repeated(_SUBTREE, INNER)), Optional(Repeated(_SUBTREE, INNER | 1)))
)
BASIC_CONSTRAINTS: Final = Sequence((Optional(BOOLEAN), Optional(INTEGER)))
AUTHORITY_KEY_ID: Final = Sequence(
    (
        Optional(Primitive(CONTEXT)),
        Optional(Repeated(GENERAL_NAME, INNER | 1)),
        Optional(Primitive(CONTEXT | 2, is_integer)),
    )
)
USAGES: Final = Repeated(OID)
_POINT_NAME: Final = Choice((Repeated(GENERAL_NAME, INNER), Repeated(_ATTRIBUTE, INNER | 1)))
DISTRIBUTION_POINTS: Final = Repeated(
    Sequence(
        (
            Optional(Explicit(INNER, _POINT_NAME)),
            Optional(Primitive(CONTEXT | 1, is_bit_string)),
            Optional(Repeated(GENERAL_NAME, INNER | 2)),
        )
    )
)
