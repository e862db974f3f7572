"""Extensions as Go's crypto/x509 reads them: processExtensions (go1.26, parser.go), with its texts."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from probe.exporters.go_asn1 import must, read_bits, read_boolean, read_int, read_oid, refuse
from probe.exporters.go_certificate import Subtrees
from probe.exporters.go_names import is_valid_domain, parse_ip, parse_mailbox, quote
from probe.exporters.go_url import UrlError, parse_url
from probe.x509 import der as asn1
from probe.x509.der import Reader, decode_oid, encode_oid

Fields = dict[str, Any]
_CONTEXT: Final = asn1.CONTEXT
_WRAPPED: Final = asn1.CONTEXT | asn1.CONSTRUCTED
_MASKS: Final = frozenset(
    (((1 << 8 * size) - 1) << free & ((1 << 8 * size) - 1)).to_bytes(size)
    for size in (4, 16)
    for free in range(8 * size + 1)
)


def process_extensions(extensions: Mapping[bytes, tuple[bool, bytes]]) -> Fields:
    """Return the fields of a GoCertificate that its extensions fill, each read in its order.

    Args:
        extensions: by the contents of their OID: whether critical, and the value.

    Raises:
        RefusedError: with Go's text.
    """
    fields: Fields = {}
    unhandled: list[str] = []
    for oid, (critical, value) in extensions.items():
        read = _READERS.get(oid)
        # True: not, or not fully, understood.
        if (read is None or read(value, critical, fields)) and critical:
            unhandled.append(decode_oid(oid))
    fields["unhandled_critical"] = tuple(unhandled)
    return fields


def _read_key_usage(value: bytes, _: bool, fields: Fields) -> bool:
    octets = read_bits(Reader(value), "invalid key usage").octets
    bits = (octets[:2] + b"\0\0")[:2]
    number = int.from_bytes(bits)
    fields["key_usage"] = sum(1 << place for place in range(9) if number & 0x8000 >> place)
    return False


def _read_basic_constraints(value: bytes, _: bool, fields: Fields) -> bool:
    says = "invalid basic constraints"
    reader = Reader(must(Reader(value).read(asn1.SEQUENCE), says))
    is_ca = reader.peek() == asn1.BOOLEAN and read_boolean(reader, says)
    length = -1
    if reader.peek() == asn1.INTEGER:
        length = read_int(reader, says)
        if length < 0:
            refuse(says)
    fields.update(is_ca=is_ca, path_length=length, has_basic_constraints=True)
    return False


def _read_san(value: bytes, _: bool, fields: Fields) -> bool:
    names: dict[int, list[Any]] = {1: [], 2: [], 6: [], 7: []}
    reader = Reader(must(Reader(value).read(asn1.SEQUENCE), "invalid subject alternative names"))
    while not reader.is_empty:
        name = reader.read_any() or refuse("invalid subject alternative name")
        kind = name.tag ^ _CONTEXT
        content = name.content
        match kind:
            case 1:
                names[1].append(_decode(content, "SAN rfc822Name is malformed"))
            case 2:
                names[2].append(_decode(content, "SAN dNSName is malformed"))
            case 6:
                text = _decode(content, "SAN uniformResourceIdentifier is malformed")
                names[6].append((text, _read_host(text)))
            case 7:
                if len(content) not in {4, 16}:
                    refuse(f"cannot parse IP address of length {len(content)}", content.hex()[:64])
                names[7].append(content)
    fields.update(
        has_san=True,
        san=value,
        emails=tuple(names[1]),
        dns_names=tuple(names[2]),
        uris=tuple(names[6]),
        ips=tuple(names[7]),
    )
    return not any(names.values())


def _decode(content: bytes, says: str) -> str:
    if not content.isascii():
        refuse(says, content.decode("latin-1"))
    return content.decode("ascii")


def _read_host(text: str) -> str:
    try:
        host = parse_url(text).host
    except UrlError as error:
        refuse(f"cannot parse URI {quote(text)}: {error}")
    if not is_valid_domain(host, constraint=False):
        refuse(f"cannot parse URI {quote(text)}: invalid domain")
    return host


def _read_name_constraints(value: bytes, _: bool, fields: Fields) -> bool:
    says = "invalid NameConstraints extension"
    outer = Reader(value)
    reader = Reader(must(outer.read(asn1.SEQUENCE), says))
    if not outer.is_empty:
        refuse(says)
    lists = [
        must(reader.read(_WRAPPED | number), says) if reader.peek() == _WRAPPED | number else b""
        for number in (0, 1)
    ]
    if not reader.is_empty:
        refuse(says)
    if not any(lists):
        refuse("empty name constraints extension")
    permitted, unhandled = _read_subtrees(lists[0])
    excluded, more = _read_subtrees(lists[1])
    fields.update(has_name_constraints=True, permitted=permitted, excluded=excluded)
    return unhandled or more


def _read_subtrees(contents: bytes) -> tuple[Subtrees, bool]:
    says = "invalid NameConstraints extension"
    dns: list[str] = []
    ips: list[tuple[bytes, bytes]] = []
    emails: list[str] = []
    uris: list[str] = []
    unhandled = False
    reader = Reader(contents)
    while not reader.is_empty:
        base = Reader(must(reader.read(asn1.SEQUENCE), says)).read_any() or refuse(says)
        match base.tag:
            case 0x82:
                dns.append(_read_constraint(base.content, "dnsName"))
            case 0x81:
                emails.append(_read_email_constraint(base.content))
            case 0x86:
                uris.append(_read_uri_constraint(base.content))
            case 0x87:
                ips.append(_read_range(base.content))
            case _:
                unhandled = True
    return Subtrees(tuple(dns), tuple(ips), tuple(emails), tuple(uris)), unhandled


def _decode_constraint(content: bytes) -> str:
    if not content.isascii():
        text = content.decode("utf-8", "surrogateescape")
        refuse(f"invalid constraint value: x509: {quote(text)} cannot be encoded as an IA5String")
    return content.decode("ascii")


def _read_constraint(content: bytes, kind: str) -> str:
    domain = _decode_constraint(content)
    if not is_valid_domain(domain, constraint=True):
        refuse(f"failed to parse {kind} constraint {quote(domain)}")
    return domain


def _read_email_constraint(content: bytes) -> str:
    constraint = _decode_constraint(content)
    if "@" not in constraint:
        return _read_constraint(content, "rfc822Name")
    if parse_mailbox(constraint) is None:
        refuse(f"failed to parse rfc822Name constraint {quote(constraint)}")
    return constraint


def _read_uri_constraint(content: bytes) -> str:
    domain = _decode_constraint(content)
    if parse_ip(domain) is not None:
        refuse(f"failed to parse URI constraint {quote(domain)}: cannot be IP address")
    return _read_constraint(content, "URI")


def _read_range(content: bytes) -> tuple[bytes, bytes]:
    if len(content) not in {8, 32}:
        refuse(f"IP constraint contained value of length {len(content)}")
    half = len(content) // 2
    address, mask = content[:half], content[half:]
    if mask not in _MASKS:
        refuse(f"IP constraint contained invalid mask {mask.hex()}")
    return address, mask


def _check_distribution_points(value: bytes, _: bool, __: Fields) -> bool:
    says = "invalid CRL distribution point"
    reader = Reader(must(Reader(value).read(asn1.SEQUENCE), f"{says}s"))
    while not reader.is_empty:
        point = Reader(must(reader.read(asn1.SEQUENCE), says))
        if point.peek() != _WRAPPED:
            continue
        name = Reader(must(point.read(_WRAPPED), says))
        names = Reader(must(name.read(_WRAPPED), says))
        while names.peek() == _CONTEXT | 6:
            must(names.read(_CONTEXT | 6), says)
    return False


def _read_authority_key_id(value: bytes, critical: bool, fields: Fields) -> bool:
    if critical:
        refuse("authority key identifier incorrectly marked critical")
    says = "invalid authority key identifier"
    reader = Reader(must(Reader(value).read(asn1.SEQUENCE), says))
    if reader.peek() == _CONTEXT:
        fields["authority_key_id"] = must(reader.read(_CONTEXT), says)
    return False


def _read_subject_key_id(value: bytes, critical: bool, fields: Fields) -> bool:
    if critical:
        refuse("subject key identifier incorrectly marked critical")
    says = "invalid subject key identifier"
    fields["subject_key_id"] = must(Reader(value).read(asn1.OCTET_STRING), says)
    return False


def _read_policy_constraints(value: bytes, _: bool, fields: Fields) -> bool:
    says = "invalid policy constraints extension"
    reader = Reader(must(Reader(value).read(asn1.SEQUENCE), says))
    for number, name in enumerate(("require_explicit_policy", "inhibit_policy_mapping")):
        if reader.peek() == _CONTEXT | number:
            fields[name] = read_int(reader, says, _CONTEXT | number)
    return False


def _read_usages(value: bytes, _: bool, fields: Fields) -> bool:
    says = "invalid extended key usages"
    reader = Reader(must(Reader(value).read(asn1.SEQUENCE), says))
    usages: list[str] = []
    while not reader.is_empty:
        usages.append(decode_oid(read_oid(reader, says)))
    fields["usages"] = tuple(usages)
    return False


def _read_policies(value: bytes, _: bool, fields: Fields) -> bool:
    says = "invalid certificate policies"
    reader = Reader(must(Reader(value).read(asn1.SEQUENCE), says))
    policies: dict[bytes, None] = {}
    while not reader.is_empty:
        policy = Reader(must(reader.read(asn1.SEQUENCE), says))
        oid = must(policy.read(asn1.OBJECT_IDENTIFIER), says)
        if oid in policies or not _is_oid(oid):
            refuse(says)
        policies[oid] = None
    fields["policies"] = tuple(policies)
    return False


def _is_oid(content: bytes) -> bool:
    """Whether each number is written in the fewest octets, of any size (newOIDFromDER)."""
    if not content or content[-1] & 0x80:
        return False
    begins = True
    for octet in content:
        if begins and octet == 0x80:
            return False
        begins = not octet & 0x80
    return True


def _read_policy_mappings(value: bytes, _: bool, fields: Fields) -> bool:
    says = "invalid policy mappings extension"
    reader = Reader(must(Reader(value).read(asn1.SEQUENCE), says))
    mappings: list[tuple[bytes, bytes]] = []
    while not reader.is_empty:
        pair = Reader(must(reader.read(asn1.SEQUENCE), says))
        issuer = must(pair.read(asn1.OBJECT_IDENTIFIER), says)
        mappings.append((issuer, must(pair.read(asn1.OBJECT_IDENTIFIER), says)))
    fields["policy_mappings"] = tuple(mappings)
    return False


def _read_inhibit_any_policy(value: bytes, _: bool, fields: Fields) -> bool:
    fields["inhibit_any_policy"] = read_int(Reader(value), "invalid inhibit any policy extension")
    return False


def _check_information_access(value: bytes, critical: bool, _: Fields) -> bool:
    says = "invalid authority info access"
    if critical:
        refuse("authority info access incorrectly marked critical")
    reader = Reader(must(Reader(value).read(asn1.SEQUENCE), says))
    while not reader.is_empty:
        access = Reader(must(reader.read(asn1.SEQUENCE), says))
        read_oid(access, says)
        if access.peek() == _CONTEXT | 6:
            must(access.read(_CONTEXT | 6), says)
    return False


_READERS: Final[dict[bytes, Callable[[bytes, bool, Fields], bool]]] = {
    encode_oid(oid): read
    for oid, read in {
        "2.5.29.14": _read_subject_key_id,
        "2.5.29.15": _read_key_usage,
        "2.5.29.17": _read_san,
        "2.5.29.19": _read_basic_constraints,
        "2.5.29.30": _read_name_constraints,
        "2.5.29.31": _check_distribution_points,
        "2.5.29.32": _read_policies,
        "2.5.29.33": _read_policy_mappings,
        "2.5.29.35": _read_authority_key_id,
        "2.5.29.36": _read_policy_constraints,
        "2.5.29.37": _read_usages,
        "2.5.29.54": _read_inhibit_any_policy,
        "1.3.6.1.5.5.7.1.1": _check_information_access,
    }.items()
}
