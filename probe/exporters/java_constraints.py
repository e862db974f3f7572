"""nameConstraints as the JDK judges them (NameConstraintsExtension.verify and the names' constrains).

A base that cannot be compared makes the JDK fail with an exception: the path is refused.
"""

from ipaddress import ip_address
from typing import Literal, NamedTuple

from probe.exporters.java_certificate import JavaCertificate
from probe.exporters.java_extensions import Subtree, SubtreesValue, get_uri_host, is_dns_name
from probe.exporters.java_names import (
    canonicalize_for_java,
    find_common_name,
    is_matched_by_jdk,
    parse_octets,
)
from probe.x509 import der as asn1
from probe.x509.der import Reader
from probe.x509.extensions import DIRECTORY, DNS, EMAIL, IP, GeneralName

Relation = Literal["match", "narrows", "widens", "same_type", "exception"]
_EMAIL_ADDRESS = bytes.fromhex("2a864886f70d010901")


class ConstraintViolation(NamedTuple):
    """A name, the constraint that it breaks, and whether the comparison itself failed."""

    name: str
    limit: str
    is_failure: bool = False


def find_violation(
    certificate: JavaCertificate, constraints: SubtreesValue
) -> ConstraintViolation | None:
    """Return the first name of a certificate that a nameConstraints extension forbids."""
    trees = (*(constraints.permitted or ()), *(constraints.excluded or ()))
    if any(tree.is_ranged for tree in trees):
        return ConstraintViolation("", "minimum or maximum", is_failure=True)
    for name in _list_names(certificate):
        found = _check(name, constraints)
        if found is not None:
            return found
    return None


def _list_names(certificate: JavaCertificate) -> list[GeneralName]:
    raw = certificate.raw
    names = [GeneralName(DIRECTORY, raw.subject)] if certificate.subject else []
    presented = certificate.names
    names += presented if presented is not None else _list_emails(raw.subject)
    common_name = find_common_name(raw.subject)
    kinds = {name.kind for name in names[1:]} if certificate.subject else {n.kind for n in names}
    if common_name:
        octets = parse_octets(common_name)
        if octets and IP not in kinds:
            names.append(GeneralName(IP, octets))
        elif not octets and DNS not in kinds and is_dns_name(common_name.replace("*", "z")):
            names.append(GeneralName(DNS, common_name.encode()))
    return names


def _list_emails(subject: bytes) -> list[GeneralName]:
    found = []
    sets = Reader(Reader(subject).read(asn1.SEQUENCE) or b"", strict=False)
    while (attributes := sets.read(asn1.SET)) is not None:
        reader = Reader(attributes, strict=False)
        while (attribute := reader.read(asn1.SEQUENCE)) is not None:
            fields = Reader(attribute, strict=False)
            oid, value = fields.read(asn1.OBJECT_IDENTIFIER), fields.read_any()
            if oid == _EMAIL_ADDRESS and value is not None:
                found.append(GeneralName(EMAIL, value.content))
    return found


def _check(name: GeneralName, constraints: SubtreesValue) -> ConstraintViolation | None:
    shown = describe_name(name)
    for tree in constraints.excluded or ():
        relation = _relate(tree.base, name, in_wildcards=True)
        if relation in {"match", "narrows", "exception"}:
            is_failure = relation == "exception"
            return ConstraintViolation(shown, describe_name(tree.base), is_failure)
    has_kind = False
    for tree in constraints.permitted or ():
        relation = _relate(tree.base, name, in_wildcards=False)
        if relation == "exception":
            return ConstraintViolation(shown, describe_name(tree.base), is_failure=True)
        if relation in {"match", "narrows"}:
            return None
        has_kind = has_kind or relation is not None
    if not has_kind:
        return None
    return ConstraintViolation(shown, _list_bases(constraints.permitted or (), name.kind))


def _list_bases(trees: tuple[Subtree, ...], kind: int) -> str:
    same = [tree.base for tree in trees if tree.base.kind == kind]
    return ", ".join(describe_name(base) for base in same[:8])


def describe_name(name: GeneralName) -> str:
    """Return a name as people write it."""
    octets = name.content
    if name.kind == IP and len(octets) in {4, 16}:
        return str(ip_address(octets))
    if name.kind == IP:
        half = len(octets) // 2
        return f"{ip_address(octets[:half])}/{int.from_bytes(octets[half:]).bit_count()}"
    if name.kind == DIRECTORY:
        from probe.x509.parse import parse_name

        return parse_name(octets).text
    return octets[:256].decode("ascii", "replace")


def _relate(base: GeneralName, name: GeneralName, *, in_wildcards: bool) -> Relation | None:
    """Return how a name stands to a base; None where their kinds differ (constrains)."""
    if base.kind != name.kind:
        return None
    wanted = base.content.decode("latin-1").lower()
    shown = name.content.decode("latin-1").lower()
    match base.kind:
        case 1:
            return _relate_emails(wanted, shown)
        case 2:
            return _relate_hosts(wanted, shown, in_wildcards=in_wildcards)
        case 4:
            return _relate_directories(base.content, name.content)
        case 6:
            return _relate_uris(wanted, shown)
        case 7:
            return _relate_addresses(_unmap(base.content), _unmap(name.content))
        case 8:
            return "match" if base.content == name.content else "exception"
        case _:
            return "exception"


def _relate_hosts(wanted: str, shown: str, *, in_wildcards: bool = False) -> Relation:
    if shown == wanted:
        return "match"
    if in_wildcards and "*" in shown and is_matched_by_jdk(wanted, shown):
        return "match"
    if wanted.endswith(shown):
        return _relate_end(wanted, shown, "widens")
    if shown.endswith(wanted):
        return _relate_end(shown, wanted, "narrows")
    return "same_type"


def _relate_end(longer: str, shorter: str, relation: Relation) -> Relation:
    if not shorter:
        return "exception"  # charAt(0) of an empty name
    before = longer[len(longer) - len(shorter) - 1]
    return relation if (before == ".") != shorter.startswith(".") else "same_type"


def _relate_emails(wanted: str, shown: str) -> Relation:
    if shown == wanted:
        return "match"
    if wanted.endswith(shown):
        longer, shorter, relation = wanted, shown, "widens"
    elif shown.endswith(wanted):
        longer, shorter, relation = shown, wanted, "narrows"
    else:
        return "same_type"
    if "@" in shorter:
        return "same_type"
    before = longer[len(longer) - len(shorter) - 1]
    if not shorter.startswith(".") and before != "@":
        return "same_type"
    return "widens" if relation == "widens" else "narrows"


def _relate_directories(wanted: bytes, shown: bytes) -> Relation:
    base, name = canonicalize_for_java(wanted), canonicalize_for_java(shown)
    if base is None or name is None:
        return "exception"
    if base == name:
        return "match"
    if not name:
        return "widens"
    if name[: len(base)] == base:
        return "narrows"
    return "widens" if base[: len(name)] == name else "same_type"


def _relate_uris(wanted: str, shown: str) -> Relation:
    host = get_uri_host(shown)
    if host is None:
        return "exception"
    if host == wanted:
        return "match"
    if not is_dns_name(host):
        return "same_type"
    is_domain = wanted.startswith(".")
    relation = _relate_hosts(wanted.removeprefix("."), host)
    if not is_domain and relation in {"widens", "narrows"}:
        return "same_type"
    return "widens" if is_domain and relation == "match" else relation


def _unmap(octets: bytes) -> bytes:
    """IPv4-mapped addresses are IPv4 addresses."""
    prefix = b"\0" * 10 + b"\xff\xff"
    if len(octets) == 16 and octets.startswith(prefix):
        return octets[12:]
    if len(octets) == 32 and octets.startswith(prefix):
        return octets[12:16] + octets[28:]
    return octets


def _relate_addresses(wanted: bytes, shown: bytes) -> Relation:
    if wanted == shown:
        return "match"
    if len(wanted) == 2 * len(shown):
        base, mask = wanted[: len(shown)], wanted[len(shown) :]
        is_within = all(s & m == b for s, m, b in zip(shown, mask, base, strict=True))
        return "narrows" if is_within else "same_type"
    return "same_type"
