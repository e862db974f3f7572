"""Values of extensions as the JDK's classes read them (sun.security.x509): None where one fails."""

import re
from collections.abc import Callable
from ipaddress import IPv6Address
from typing import Final, NamedTuple

from probe.exporters.java_names import canonicalize_for_java
from probe.x509 import der as asn1
from probe.x509 import extensions as ext
from probe.x509.der import Element, Reader, decode_oid
from probe.x509.extensions import GeneralName
from probe.x509.templates import is_oid

NO_LIMIT: Final = (1 << 31) - 1


class Subtree(NamedTuple):
    """A base, and whether it has a minimum or a maximum."""

    base: GeneralName
    is_ranged: bool


class SubtreesValue(NamedTuple):
    """nameConstraints; None where a list is absent."""

    permitted: tuple[Subtree, ...] | None
    excluded: tuple[Subtree, ...] | None


class Policies(NamedTuple):
    """certificatePolicies: OIDs by contents, and whether one has qualifiers."""

    policies: tuple[bytes, ...]
    has_qualifiers: bool


class Mappings(NamedTuple):
    """policyMappings."""

    pairs: tuple[tuple[bytes, bytes], ...]


class Limits(NamedTuple):
    """policyConstraints; -1 where absent."""

    require_explicit: int
    inhibit_mapping: int


ExtensionValue = (
    int
    | bytes
    | tuple[str, ...]
    | tuple[GeneralName, ...]
    | tuple[bytes | None, bytes | None]
    | SubtreesValue
    | Policies
    | Mappings
    | Limits
)


def _open(value: bytes, tag: int = asn1.SEQUENCE) -> bytes | None:
    """Return the contents of a value that is one element and nothing else (new DerValue)."""
    reader = Reader(value, strict=False)
    content = reader.read(tag)
    return content if reader.is_empty else None


def _to_int(content: bytes | None) -> int | None:
    if not content:
        return None
    number = int.from_bytes(content, signed=True)
    return number if -NO_LIMIT - 1 <= number <= NO_LIMIT else None


def _read_basic_constraints(value: bytes, _critical: bool) -> int | None:
    content = _open(value)
    if content is None:
        return None
    fields = Reader(content, strict=False)
    if fields.peek() != asn1.BOOLEAN:
        return -1 if not content or fields.read_any() is not None else None
    flag = fields.read(asn1.BOOLEAN)
    if flag is None or len(flag) != 1:
        return None
    length = NO_LIMIT
    if fields.rest:
        found = _to_int(fields.read(asn1.INTEGER))
        if found is None:
            return None
        length = found
    return length if flag != b"\0" else -1


def _read_key_usage(value: bytes, _critical: bool) -> int | None:
    content = _open(value, asn1.BIT_STRING)
    if not content or content[0] > 7 or (len(content) == 1 and content[0]):
        return None
    length = 8 * (len(content) - 1) - content[0]
    octets = content[1:3]
    return sum(
        1 << (8 * place + bit)
        for place, octet in enumerate(octets)
        for bit in range(8)
        if octet & 0x80 >> bit and 8 * place + bit < length
    )


def _read_usages(value: bytes, _critical: bool) -> tuple[str, ...] | None:
    content = _open(value)
    if content is None:
        return None
    found = []
    reader = Reader(content, strict=False)
    while not reader.is_empty:
        oid = reader.read(asn1.OBJECT_IDENTIFIER)
        if oid is None or not is_oid(oid):
            return None
        found.append(decode_oid(oid))
    return tuple(found)


def _read_names(value: bytes, _critical: bool) -> tuple[GeneralName, ...] | None:
    content = _open(value)
    if content is None:
        return None
    return _list_names(content)


def _list_names(content: bytes) -> tuple[GeneralName, ...] | None:
    found = []
    reader = Reader(content, strict=False)
    while not reader.is_empty:
        element = reader.read_any()
        name = None if element is None else _read_name(element, is_constraint=False)
        if name is None:
            return None
        found.append(name)
    return tuple(found)


_URI: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?P<rest>.+)")
_URI_CHARACTERS: Final = re.compile(
    r"(?:[A-Za-z0-9;/?:@&=+$,_.!~*'()\[\]\x80-\xff-]|%[0-9A-Fa-f]{2})*(?:#.*)?"
)
_DNS_LABEL: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?")
_PRIMITIVE: Final = frozenset({1, 2, 6, 7, 8})
_CONSTRUCTED: Final = frozenset({0, 3, 4, 5})


def _read_name(element: Element, *, is_constraint: bool) -> GeneralName | None:
    """As GeneralName(DerValue, boolean)."""
    kind = element.tag & asn1.LONG_TAG
    is_constructed = bool(element.tag & asn1.CONSTRUCTED)
    if element.tag & 0xC0 != asn1.CONTEXT or kind not in _PRIMITIVE | _CONSTRUCTED:
        return None
    if is_constructed != (kind in _CONSTRUCTED):
        return None
    name = GeneralName(kind, element.content)
    return name if _is_name(name, is_constraint=is_constraint) else None


def _is_name(name: GeneralName, *, is_constraint: bool) -> bool:
    text = name.content.decode("latin-1")
    match name.kind:
        case 0:
            fields = Reader(name.content, strict=False)
            oid = fields.read(asn1.OBJECT_IDENTIFIER)
            return oid is not None and is_oid(oid) and fields.read_any() is not None
        case 1:
            domain = text[text.find("@") + 1 :]
            return bool(text) and bool(domain) and domain != "."
        case 4:
            return canonicalize_for_java(name.content) is not None
        case 6:
            return _is_uri_base(text) if is_constraint else _is_uri(text)
        case 7:
            return len(name.content) in {4, 8, 16, 32}
        case 8:
            return is_oid(name.content)
        case _:
            return True


def _is_uri(text: str) -> bool:
    found = _URI.fullmatch(text)
    if found is None or not _URI_CHARACTERS.fullmatch(text):
        return False
    if not found["rest"].startswith("//"):
        return True
    host = get_uri_host(text)
    if "[" in text and (host is None or not host.startswith("[") or text.count("[") > 1):
        return False  # brackets stand around an IPv6 address alone
    return host is None or is_dns_name(host) or _is_ip6_literal(host)


def _is_ip6_literal(host: str) -> bool:
    try:
        return host.startswith("[") and bool(IPv6Address(host[1:-1])) and "%" not in host
    except ValueError:
        return False


def _is_uri_base(text: str) -> bool:
    return ":" not in text and is_dns_name(text.removeprefix("."))


def get_uri_host(text: str) -> str | None:
    """Return the host of a hierarchical URI; None where it has none."""
    found = _URI.fullmatch(text)
    if found is None or not found["rest"].startswith("//"):
        return None
    authority = re.split(r"[/?#]", found["rest"][2:], maxsplit=1)[0].rpartition("@")[2]
    host = authority if authority.startswith("[") else authority.partition(":")[0]
    return host or None


def is_dns_name(text: str) -> bool:
    """As DNSName(String): letters, digits, hyphens and underscores."""
    labels = text.split(".")
    return len(text) <= 253 and all(
        len(label) <= 63 and _DNS_LABEL.fullmatch(label) for label in labels
    )


def _read_constraints(value: bytes, _critical: bool) -> SubtreesValue | None:
    content = _open(value)
    if content is None:
        return None
    lists: dict[int, tuple[Subtree, ...]] = {}
    fields = Reader(content, strict=False)
    while not fields.is_empty:
        element = fields.read_any()
        if element is None or element.tag not in {0xA0, 0xA1} or element.tag in lists:
            return None
        trees = _list_subtrees(element.content)
        if trees is None:
            return None
        lists[element.tag] = trees
    return SubtreesValue(lists.get(0xA0), lists.get(0xA1))


def _list_subtrees(content: bytes) -> tuple[Subtree, ...] | None:
    found = []
    reader = Reader(content, strict=False)
    while not reader.is_empty:
        fields = Reader(reader.read(asn1.SEQUENCE) or b"", strict=False)
        element = fields.read_any()
        base = None if element is None else _read_name(element, is_constraint=True)
        if base is None:
            return None
        is_ranged = False
        while fields.rest:
            bound = fields.read_any()
            number = None if bound is None else _to_int(bound.content)
            if bound is None or bound.tag not in {0x80, 0x81} or number is None:
                return None
            is_ranged = is_ranged or bound.tag == 0x81 or number != 0
        found.append(Subtree(base, is_ranged))
    return tuple(found)


def _read_subject_key(value: bytes, _critical: bool) -> bytes | None:
    return _open(value, asn1.OCTET_STRING)


def _read_authority(value: bytes, _critical: bool) -> tuple[bytes | None, bytes | None] | None:
    content = _open(value)
    if content is None:
        return None
    found: dict[int, bytes] = {}
    fields = Reader(content, strict=False)
    while not fields.is_empty:
        element = fields.read_any()
        if element is None or element.tag not in {0x80, 0xA1, 0x82} or element.tag in found:
            return None
        if element.tag == 0xA1 and _list_names(element.content) is None:
            return None
        found[element.tag] = element.content
    return found.get(0x80), found.get(0x82)


def _read_policies(value: bytes, _critical: bool) -> Policies | None:
    content = _open(value)
    if content is None:
        return None
    found: list[bytes] = []
    has_qualifiers = False
    reader = Reader(content, strict=False)
    while not reader.is_empty:
        fields = Reader(reader.read(asn1.SEQUENCE) or b"", strict=False)
        oid = fields.read(asn1.OBJECT_IDENTIFIER)
        if oid is None or not is_oid(oid):
            return None
        if fields.rest:
            qualifiers = fields.read(asn1.SEQUENCE)
            if not qualifiers or not _are_qualifiers(qualifiers):
                return None
            has_qualifiers = True
        found.append(oid)
    return Policies(tuple(found), has_qualifiers)


def _are_qualifiers(content: bytes) -> bool:
    reader = Reader(content, strict=False)
    while not reader.is_empty:
        fields = Reader(reader.read(asn1.SEQUENCE) or b"", strict=False)
        if fields.read(asn1.OBJECT_IDENTIFIER) is None or fields.read_any() is None:
            return False
    return True


def _read_mappings(value: bytes, _critical: bool) -> Mappings | None:
    content = _open(value)
    if content is None:
        return None
    found = []
    reader = Reader(content, strict=False)
    while not reader.is_empty:
        fields = Reader(reader.read(asn1.SEQUENCE) or b"", strict=False)
        issuer, subject = (fields.read(asn1.OBJECT_IDENTIFIER) for _ in range(2))
        if issuer is None or subject is None:
            return None
        found.append((issuer, subject))
    return Mappings(tuple(found))


def _read_limits(value: bytes, _critical: bool) -> Limits | None:
    content = _open(value)
    if content is None:
        return None
    found: dict[int, int] = {}
    fields = Reader(content, strict=False)
    while not fields.is_empty:
        element = fields.read_any()
        number = None if element is None else _to_int(element.content)
        if element is None or element.tag not in {0x80, 0x81} or number is None:
            return None
        if found.get(element.tag, -1) != -1:
            return None
        found[element.tag] = number
    return Limits(found.get(0x80, -1), found.get(0x81, -1))


def _read_inhibit_any(value: bytes, critical: bool) -> int | None:
    number = _to_int(_open(value, asn1.INTEGER))
    if not critical or number is None or number < -1:
        return None
    return NO_LIMIT if number == -1 else number


def _read_netscape(value: bytes, _critical: bool) -> int | None:
    content = _open(value, asn1.BIT_STRING)
    return None if not content or content[0] > 7 else (content[1] if len(content) > 1 else 0)


EXTENSIONS: Final[dict[str, Callable[[bytes, bool], ExtensionValue | None]]] = {
    ext.BASIC_CONSTRAINTS: _read_basic_constraints,
    ext.KEY_USAGE: _read_key_usage,
    ext.EXTENDED_KEY_USAGE: _read_usages,
    ext.SUBJECT_ALT_NAME: _read_names,
    ext.ISSUER_ALT_NAME: _read_names,
    ext.NAME_CONSTRAINTS: _read_constraints,
    ext.SUBJECT_KEY_ID: _read_subject_key,
    ext.AUTHORITY_KEY_ID: _read_authority,
    ext.CERTIFICATE_POLICIES: _read_policies,
    ext.POLICY_MAPPINGS: _read_mappings,
    ext.POLICY_CONSTRAINTS: _read_limits,
    ext.INHIBIT_ANY_POLICY: _read_inhibit_any,
    "2.16.840.1.113730.1.1": _read_netscape,
}
