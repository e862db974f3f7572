"""What the values of extensions say (RFC 5280 §4.2.1), read tolerantly: None where unreadable.

A runtime that refuses an encoding which is read here says so in its model.
"""

from typing import Final, NamedTuple

from probe.x509 import der as asn1
from probe.x509.der import Reader, decode_oid

SUBJECT_KEY_ID: Final = "2.5.29.14"
KEY_USAGE: Final = "2.5.29.15"
SUBJECT_ALT_NAME: Final = "2.5.29.17"
ISSUER_ALT_NAME: Final = "2.5.29.18"
BASIC_CONSTRAINTS: Final = "2.5.29.19"
NAME_CONSTRAINTS: Final = "2.5.29.30"
CRL_DISTRIBUTION_POINTS: Final = "2.5.29.31"
CERTIFICATE_POLICIES: Final = "2.5.29.32"
POLICY_MAPPINGS: Final = "2.5.29.33"
AUTHORITY_KEY_ID: Final = "2.5.29.35"
POLICY_CONSTRAINTS: Final = "2.5.29.36"
EXTENDED_KEY_USAGE: Final = "2.5.29.37"
INHIBIT_ANY_POLICY: Final = "2.5.29.54"
AUTHORITY_INFO_ACCESS: Final = "1.3.6.1.5.5.7.1.1"
CA_ISSUERS: Final = "1.3.6.1.5.5.7.48.2"

SERVER_AUTH: Final = "1.3.6.1.5.5.7.3.1"
CLIENT_AUTH: Final = "1.3.6.1.5.5.7.3.2"
ANY_USAGE: Final = "2.5.29.37.0"
ANY_POLICY: Final = "2.5.29.32.0"

DIGITAL_SIGNATURE: Final = 1 << 0
KEY_ENCIPHERMENT: Final = 1 << 2
KEY_AGREEMENT: Final = 1 << 4
KEY_CERT_SIGN: Final = 1 << 5

EMAIL: Final = 1
DNS: Final = 2
DIRECTORY: Final = 4
URI: Final = 6
IP: Final = 7

MAX_NAMES: Final = 100_000
"""More than a TLS message of 256 KiB can hold."""

_CONSTRUCTED_CONTEXT: Final = asn1.CONTEXT | asn1.CONSTRUCTED


class BasicConstraints(NamedTuple):
    """§4.2.1.9."""

    is_ca: bool
    path_length: int | None


class GeneralName(NamedTuple):
    """§4.2.1.6: the number of its kind, and its contents as written."""

    kind: int
    content: bytes


class NameConstraints(NamedTuple):
    """§4.2.1.10: the bases of the subtrees."""

    permitted: tuple[GeneralName, ...]
    excluded: tuple[GeneralName, ...]


class PolicyConstraints(NamedTuple):
    """§4.2.1.11: None where absent."""

    require_explicit: int | None
    inhibit_mapping: int | None


def read_basic_constraints(value: bytes) -> BasicConstraints | None:
    """Return whether the subject is a CA, and how many CAs may follow below it."""
    fields = _open(value)
    if fields is None:
        return None
    is_ca = any(fields.read(asn1.BOOLEAN) or b"") if fields.peek() == asn1.BOOLEAN else False
    if fields.peek() != asn1.INTEGER:
        return BasicConstraints(is_ca, None)
    length = fields.read(asn1.INTEGER)
    number = None if length is None else asn1.read_integer(length, strict=False)
    return None if number is None else BasicConstraints(is_ca, number)


def read_key_usage(value: bytes) -> int | None:
    """Return the bits of keyUsage (§4.2.1.3); the lowest is digitalSignature."""
    content = Reader(value, strict=False).read(asn1.BIT_STRING)
    bits = None if content is None else asn1.read_bit_string(content, strict=False)
    if bits is None:
        return None
    return sum(
        1 << (8 * place + bit)
        for place, octet in enumerate(bits.octets[:2])
        for bit in range(8)
        if octet & 0x80 >> bit
    )


def read_usages(value: bytes) -> tuple[str, ...] | None:
    """Return the OIDs of extendedKeyUsage (§4.2.1.12)."""
    return _read_oids(_open(value))


def read_general_names(value: bytes) -> tuple[GeneralName, ...] | None:
    """Return the names of subjectAltName, in their order."""
    names = _open(value)
    if names is None:
        return None
    found: list[GeneralName] = []
    while not names.is_empty and len(found) < MAX_NAMES:
        name = names.read_any()
        if name is None:
            return None
        found.append(GeneralName(name.tag & 0x1F, name.content))
    return tuple(found)


def read_name_constraints(value: bytes) -> NameConstraints | None:
    """Return the subtrees that issued names must be in, and must not be in."""
    fields = _open(value)
    if fields is None:
        return None
    permitted = _read_subtrees(fields, _CONSTRUCTED_CONTEXT)
    excluded = _read_subtrees(fields, _CONSTRUCTED_CONTEXT | 1)
    if permitted is None or excluded is None:
        return None
    return NameConstraints(permitted, excluded)


def _read_subtrees(fields: Reader, tag: int) -> tuple[GeneralName, ...] | None:
    if fields.peek() != tag:
        return ()
    content = fields.read(tag)
    if content is None:
        return None
    subtrees = Reader(content, strict=False)
    found: list[GeneralName] = []
    while not subtrees.is_empty and len(found) < MAX_NAMES:
        subtree = subtrees.read(asn1.SEQUENCE)
        base = None if subtree is None else Reader(subtree, strict=False).read_any()
        if base is None:
            return None
        found.append(GeneralName(base.tag & 0x1F, base.content))
    return tuple(found)


def read_subject_key_id(value: bytes) -> bytes | None:
    """Return the identifier of the subject's key (§4.2.1.2)."""
    return Reader(value, strict=False).read(asn1.OCTET_STRING)


def read_authority_key_id(value: bytes) -> bytes | None:
    """Return the identifier of the issuer's key (§4.2.1.1); empty where it has none."""
    fields = _open(value)
    if fields is None:
        return None
    return fields.read(asn1.CONTEXT) if fields.peek() == asn1.CONTEXT else b""


def read_policies(value: bytes) -> tuple[str, ...] | None:
    """Return the OIDs of certificatePolicies (§4.2.1.4)."""
    listed = _open(value)
    if listed is None:
        return None
    found: list[str] = []
    while not listed.is_empty and len(found) < MAX_NAMES:
        policy = listed.read(asn1.SEQUENCE)
        oid = None if policy is None else Reader(policy, strict=False).read(asn1.OBJECT_IDENTIFIER)
        if oid is None:
            return None
        found.append(decode_oid(oid))
    return tuple(found)


def read_policy_mappings(value: bytes) -> tuple[tuple[str, str], ...] | None:
    """Return pairs of the issuer's and the subject's policy (§4.2.1.5)."""
    listed = _open(value)
    if listed is None:
        return None
    found: list[tuple[str, str]] = []
    while not listed.is_empty and len(found) < MAX_NAMES:
        pair = listed.read(asn1.SEQUENCE)
        oids = None if pair is None else _read_oids(Reader(pair, strict=False))
        if oids is None or len(oids) < 2:
            return None
        found.append((oids[0], oids[1]))
    return tuple(found)


def read_policy_constraints(value: bytes) -> PolicyConstraints | None:
    """Return how many more certificates may go without a policy, and may map policies."""
    fields = _open(value)
    if fields is None:
        return None
    return PolicyConstraints(_read_tagged_number(fields, 0), _read_tagged_number(fields, 1))


def read_inhibit_any_policy(value: bytes) -> int | None:
    """Return how many more certificates may use anyPolicy (§4.2.1.14)."""
    content = Reader(value, strict=False).read(asn1.INTEGER)
    return None if content is None else asn1.read_integer(content, strict=False)


def read_ca_issuers(value: bytes) -> tuple[bytes, ...] | None:
    """Return where the issuer's certificate is served (§4.2.2.1): the URIs of caIssuers."""
    listed = _open(value)
    if listed is None:
        return None
    found: list[bytes] = []
    while not listed.is_empty and len(found) < MAX_NAMES:
        access = listed.read(asn1.SEQUENCE)
        if access is None:
            return None
        fields = Reader(access, strict=False)
        method = fields.read(asn1.OBJECT_IDENTIFIER)
        location = fields.read_any()
        if method is None or location is None:
            return None
        if decode_oid(method) == CA_ISSUERS and location.tag == asn1.CONTEXT | URI:
            found.append(location.content)
    return tuple(found)


def _open(value: bytes) -> Reader | None:
    contents = Reader(value, strict=False).read(asn1.SEQUENCE)
    return None if contents is None else Reader(contents, strict=False)


def _read_oids(listed: Reader | None) -> tuple[str, ...] | None:
    if listed is None:
        return None
    found: list[str] = []
    while not listed.is_empty and len(found) < MAX_NAMES:
        oid = listed.read(asn1.OBJECT_IDENTIFIER)
        if oid is None:
            return None
        found.append(decode_oid(oid))
    return tuple(found)


def _read_tagged_number(fields: Reader, number: int) -> int | None:
    tag = asn1.CONTEXT | number
    content = fields.read(tag) if fields.peek() == tag else None
    return None if content is None else asn1.read_integer(content, strict=False)
