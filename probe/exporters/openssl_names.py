"""How OpenSSL compares names: X509_check_host, X509_check_ip and NAME_CONSTRAINTS_check.

OpenSSL 3.0, crypto/x509/v3_utl.c and v3_ncons.c.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from probe.exporters import openssl_errors as errors
from probe.exporters.openssl_certificate import OpenSslCertificate
from probe.exporters.openssl_errors import VerifyCode
from probe.x509 import der as asn1
from probe.x509.canonical_name import canonicalize_for_openssl
from probe.x509.der import Reader
from probe.x509.extensions import DIRECTORY, DNS, EMAIL, IP, URI, GeneralName
from probe.x509.raw_certificate import Certificate

_COMMON_NAME: Final = bytes.fromhex("550403")
_EMAIL_ADDRESS: Final = bytes.fromhex("2a864886f70d010901")
_MAX_COMPARISONS: Final = 1 << 20
_NAME_BYTES: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")


def parse_ip(reference: str) -> bytes:
    """Return the octets of an IP address; empty for a DNS name."""
    try:
        address: IPv4Address | IPv6Address = ip_address(reference)
    except ValueError:
        return b""
    return address.packed


def is_host(certificate: OpenSslCertificate, reference: str) -> bool:
    """Return whether a dNSName has the reference (X509_check_host): no common name, no partial `*`."""
    wanted = reference.encode("ascii", "replace")
    return any(
        name.kind == DNS and _match_pattern(name.content, wanted)
        for name in certificate.names or ()
    )


def is_address(certificate: OpenSslCertificate, octets: bytes) -> bool:
    """Return whether an iPAddress is these octets (X509_check_ip)."""
    return any(n.kind == IP and n.content == octets for n in certificate.names or ())


def _match_pattern(pattern: bytes, subject: bytes) -> bool:
    """As equal_wildcard with X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS."""
    if not pattern or b"\0" in pattern:
        return False
    if not _is_wildcard(pattern) or (len(subject) > 1 and subject.startswith(b".")):
        return pattern.lower() == subject.lower()
    suffix = pattern[1:].lower()
    if len(subject) <= len(suffix) or not subject.lower().endswith(suffix):
        return False
    matched = subject[: len(subject) - len(suffix)]
    return matched == b"*" or all(octet in _NAME_BYTES for octet in matched)


def _is_wildcard(pattern: bytes) -> bool:
    """Whether `*` is the whole first label, before at least two others (valid_star)."""
    if not pattern.startswith(b"*."):
        return False
    labels = pattern[2:].split(b".")
    return len(labels) > 1 and all(
        label
        and not label.startswith(b"-")
        and not label.endswith(b"-")
        and all(octet in _NAME_BYTES for octet in label)
        for label in labels
    )


class NameViolation(tuple[VerifyCode, str, str]):
    """The error, the name that it is about, and the constraint."""

    __slots__ = ()


def find_violation(
    certificate: OpenSslCertificate,
    issuer: OpenSslCertificate,
    *,
    with_common_name: bool = False,
    by_boringssl: bool = False,
) -> NameViolation | None:
    """Return what of a certificate's names the constraints of one above it forbid."""
    constraints = issuer.name_constraints
    if constraints is None:
        return None
    names = _list_names(certificate)
    if names is None:
        return NameViolation((errors.BAD_NAME, "", ""))
    subtrees = len(constraints.permitted) + len(constraints.excluded)
    if len(names) * subtrees > _MAX_COMPARISONS:
        return NameViolation((errors.UNSPECIFIED, "", ""))
    if with_common_name and not any(n.kind == DNS for n in certificate.names or ()):
        names += _list_common_names(certificate)
    for name in names:
        if by_boringssl and (code := _find_unsupported(name, issuer)) is not None:
            return NameViolation((code, describe_name(name), ""))
        found = _check_name(name, constraints.permitted, constraints.excluded, issuer.ranged)
        if found is not None:
            return found
    return None


def _find_unsupported(name: GeneralName, issuer: OpenSslCertificate) -> VerifyCode | None:
    """Return what BoringSSL refuses besides (v3_ncons.cc): IP addresses, wildcards, bounds."""
    constraints = issuer.name_constraints
    if constraints is None:
        return None
    bases = [b for b in (*constraints.permitted, *constraints.excluded) if b.kind == name.kind]
    if not bases:
        return None
    if any(base in issuer.bounded for base in bases):
        return errors.SUBTREE_RANGE
    if name.kind == IP:
        return errors.UNKNOWN_CONSTRAINT
    if name.kind == EMAIL:
        local, _, host = name.content.rpartition(b"@")
        return None if local and host and b'"' not in local else errors.BAD_NAME
    if name.kind == URI and _within_uri(name.content, b"") is not errors.BAD_NAME:
        host = name.content.partition(b"//")[2].partition(b"/")[0].partition(b":")[0]
        return errors.BAD_NAME if parse_ip(host.decode("latin-1")) else None
    if name.kind == DNS and name.content.startswith(b"*."):
        parents = (b.content.lower().partition(b".")[2] for b in constraints.excluded if b in bases)
        return errors.EXCLUDED if name.content[2:].lower() in parents else None
    return None


def _list_names(certificate: OpenSslCertificate) -> list[GeneralName] | None:
    names: list[GeneralName] = []
    subject = certificate.raw.subject
    if Reader(subject, strict=False).read(asn1.SEQUENCE):
        names.append(GeneralName(DIRECTORY, subject))
        for tag, value in _list_attributes(subject, _EMAIL_ADDRESS):
            if tag != asn1.IA5_STRING:
                return None
            names.append(GeneralName(EMAIL, value))
    return [*names, *(certificate.names or ())]


def _list_common_names(certificate: OpenSslCertificate) -> list[GeneralName]:
    """Return the common names that look like DNS names (cn2dnsid)."""
    values = (
        value.rstrip(b"\0") for _, value in _list_attributes(certificate.raw.subject, _COMMON_NAME)
    )
    return [GeneralName(DNS, value) for value in values if looks_like_host(value)]


def looks_like_host(text: bytes) -> bool:
    """Return whether a common name has the form of a DNS name of at least two labels."""
    labels = text.split(b".")
    return len(labels) > 1 and all(_is_label(label) for label in labels)


def _is_label(label: bytes) -> bool:
    return (
        bool(label)
        and all(octet in _NAME_BYTES or octet == 0x5F for octet in label)
        and not label.startswith(b"-")
        and not label.endswith(b"-")
    )


_TEXTS: Final = {asn1.BMP_STRING: "utf-16-be", asn1.UTF8_STRING: "utf-8"}


def list_common_names(certificate: Certificate) -> list[str]:
    """Return the common names of a subject, in their order."""
    return [
        value.decode(_TEXTS.get(tag, "latin-1"), "replace")
        for tag, value in _list_attributes(certificate.subject, _COMMON_NAME)
    ]


def _list_attributes(subject: bytes, wanted: bytes) -> list[tuple[int, bytes]]:
    found = []
    sets = Reader(Reader(subject, strict=False).read(asn1.SEQUENCE) or b"", strict=False)
    while (attributes := sets.read(asn1.SET)) is not None:
        reader = Reader(attributes, strict=False)
        while (attribute := reader.read(asn1.SEQUENCE)) is not None:
            fields = Reader(attribute, strict=False)
            oid, value = fields.read(asn1.OBJECT_IDENTIFIER), fields.read_any()
            if oid == wanted and value is not None:
                found.append((value.tag, value.content))
    return found


def _check_name(
    name: GeneralName,
    permitted: tuple[GeneralName, ...],
    excluded: tuple[GeneralName, ...],
    ranged: frozenset[GeneralName],
) -> NameViolation | None:
    """As nc_match: one permitted subtree of the kind has to match, and no excluded one may."""
    shown = describe_name(name)
    same = [base for base in permitted if base.kind == name.kind]
    is_within = not same
    for base in same:
        code = errors.SUBTREE_RANGE if base in ranged else _match(name, base)
        if code is None:
            is_within = True
            break
        if code is not errors.NOT_PERMITTED:
            return NameViolation((code, shown, describe_name(base)))
    if not is_within:
        limit = ", ".join(describe_name(base) for base in same[:8])
        return NameViolation((errors.NOT_PERMITTED, shown, limit))
    for base in excluded:
        if base.kind == name.kind:
            code = errors.SUBTREE_RANGE if base in ranged else _match(name, base)
            if code is None:
                return NameViolation((errors.EXCLUDED, shown, describe_name(base)))
            if code is not errors.NOT_PERMITTED:
                return NameViolation((code, shown, describe_name(base)))
    return None


def describe_name(name: GeneralName) -> str:
    """Return a name as people write it."""
    if name.kind == IP and len(name.content) in {4, 16}:
        return str(ip_address(name.content))
    if name.kind == IP and len(name.content) in {8, 32}:
        half = len(name.content) // 2
        mask = int.from_bytes(name.content[half:]).bit_count()
        return f"{ip_address(name.content[:half])}/{mask}"
    if name.kind == DIRECTORY:
        from probe.x509.parse import parse_name

        return parse_name(name.content).text
    return name.content[:256].decode("ascii", "replace")


def _match(name: GeneralName, base: GeneralName) -> VerifyCode | None:
    """Return why a name is not within a subtree; None where it is (nc_match_single)."""
    match name.kind:
        case 2:
            return _within_dns(name.content, base.content)
        case 1:
            return _within_email(name.content, base.content)
        case 4:
            return _within_directory(name.content, base.content)
        case 6:
            return _within_uri(name.content, base.content)
        case 7:
            return _within_address(name.content, base.content)
        case _:
            return errors.UNKNOWN_CONSTRAINT


def _within_dns(name: bytes, base: bytes) -> VerifyCode | None:
    shown, wanted = name.lower(), base.lower()
    if not wanted:
        return None
    if not shown.endswith(wanted):
        return errors.NOT_PERMITTED
    rest = shown[: len(shown) - len(wanted)]
    is_whole = not rest or wanted.startswith(b".") or rest.endswith(b".")
    return None if is_whole else errors.NOT_PERMITTED


def _within_email(name: bytes, base: bytes) -> VerifyCode | None:
    local, at, host = name.rpartition(b"@")
    if not at:
        return errors.BAD_NAME
    wanted_local, wanted_at, wanted_host = base.rpartition(b"@")
    if not wanted_at and base.startswith(b"."):
        is_within = len(name) > len(base) and name.lower().endswith(base.lower())
        return None if is_within else errors.NOT_PERMITTED
    if wanted_at and wanted_local and wanted_local != local:
        return errors.NOT_PERMITTED
    return None if wanted_host.lower() == host.lower() else errors.NOT_PERMITTED


def _within_directory(name: bytes, base: bytes) -> VerifyCode | None:
    shown, wanted = canonicalize_for_openssl(name), canonicalize_for_openssl(base)
    if shown is None or wanted is None:
        return errors.BAD_NAME
    return None if shown.startswith(wanted) else errors.NOT_PERMITTED


def _within_uri(name: bytes, base: bytes) -> VerifyCode | None:
    _, colon, rest = name.partition(b":")
    if not colon or not rest.startswith(b"//"):
        return errors.BAD_NAME
    authority = rest[2:]
    host, port, _ = authority.partition(b":")
    if not port:
        host = authority.partition(b"/")[0]
    if not host:
        return errors.BAD_NAME
    if base.startswith(b"."):
        is_within = len(host) > len(base) and host.lower().endswith(base.lower())
        return None if is_within else errors.NOT_PERMITTED
    return None if host.lower() == base.lower() else errors.NOT_PERMITTED


def _within_address(address: bytes, base: bytes) -> VerifyCode | None:
    if len(address) not in {4, 16} or len(base) not in {8, 32}:
        return errors.BAD_NAME
    if len(base) != 2 * len(address):
        return errors.NOT_PERMITTED
    wanted, mask = base[: len(address)], base[len(address) :]
    differs = any((a ^ w) & m for a, w, m in zip(address, wanted, mask, strict=True))
    return errors.NOT_PERMITTED if differs else None
