"""Names as rustls-webpki compares them: presented with reference identifiers and name constraints.

rustls-webpki 0.103, subject_name/{mod,dns_name,ip_address}.rs. A refusal is None where the library
returns an error rather than a yes or no.
"""

import re
from ipaddress import ip_address
from typing import Final, Literal

from probe.x509 import der as asn1
from probe.x509.der import Element, Reader

NameUse = Literal["reference", "presented", "permitted", "excluded"]

_DNS: Final = asn1.CONTEXT | 2
_DIRECTORY: Final = asn1.CONTEXT | asn1.CONSTRUCTED | 4
_URI: Final = asn1.CONTEXT | 6
_IP: Final = asn1.CONTEXT | 7
_KINDS: Final = frozenset({0xA0, 0x81, _DNS, 0xA3, _DIRECTORY, 0xA5, _URI, _IP, 0x88})
"""The tags of GeneralName as RFC 5280 §4.2.1.6 encodes them; any other is an error."""

_LABEL: Final = re.compile(rb"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
MAX_COMPARISONS: Final = 250_000


def read_name(reader: Reader) -> Element | None:
    """Return the next GeneralName; None where it is not one."""
    element = reader.read_any()
    return element if element is not None and element.tag in _KINDS else None


def is_valid_dns(name: bytes, use: NameUse) -> bool:
    """Return whether `name` is a DNS name in that role (dns_name.rs, is_valid_dns_id)."""
    if len(name) > 253:
        return False
    constrains = use in {"permitted", "excluded"}
    if constrains and not name:
        return True
    is_wildcard = use == "presented" and name.startswith(b"*")
    if is_wildcard:
        if not name.startswith(b"*."):
            return False
        name = name[2:]
    labels = name.split(b".")
    if constrains and len(labels) > 1 and not labels[0]:
        labels = labels[1:]
    if use == "reference" and len(labels) > 1 and not labels[-1]:
        labels = labels[:-1]  # an absolute name
    if not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        return False
    return not is_wildcard or len(labels) >= 2


def match_dns(presented: bytes, reference: bytes, use: NameUse) -> bool | None:
    """Return whether a presented DNS name is the reference, or within the constraint."""
    if not is_valid_dns(presented, "presented"):
        return None
    if not is_valid_dns(reference, use):
        return None
    shown, wanted = presented.lower(), reference.lower()
    if use in {"permitted", "excluded"} and len(shown) > len(wanted):
        if not wanted:
            return True
        if wanted.startswith(b"."):
            shown = shown[len(shown) - len(wanted) :]
        else:
            if shown[len(shown) - len(wanted) - 1 : len(shown) - len(wanted)] != b".":
                return False
            shown = shown[len(shown) - len(wanted) :]
    if shown.startswith(b"*") and use != "permitted":
        dot = wanted.find(b".", 1)
        if dot < 0:
            return False
        shown, wanted = shown[1:], wanted[dot:]
    if use == "reference" and wanted.endswith(b".") and not shown.endswith(b"."):
        wanted = wanted[:-1]
    return shown == wanted


def is_named(san: bytes | None, reference: str) -> bool | None:
    """Return whether the names of a certificate have the reference; None where one is unreadable."""
    try:
        address = ip_address(reference).packed
    except ValueError:
        address = b""
    names = Reader(san or b"")
    while not names.is_empty:
        name = read_name(names)
        if name is None:
            return None
        if address:
            if name.tag == _IP and name.content == address:
                return True
        elif name.tag == _DNS and match_dns(
            name.content, reference.encode("ascii", "replace"), "reference"
        ):
            return True
    return False


class Comparisons:
    """How many more comparisons the library makes for one verdict."""

    def __init__(self) -> None:
        """Begin with all of them."""
        self.left = MAX_COMPARISONS


Violation = Literal[
    "NameConstraintViolation",
    "InvalidNetworkMaskConstraint",
    "MalformedDnsIdentifier",
    "MalformedNameConstraint",
    "BadDer",
    "MaximumNameConstraintComparisonsExceeded",
]
"""The library's error."""


def find_violation(
    constraints: bytes, san: bytes | None, comparisons: Comparisons
) -> tuple[Violation, bytes] | None:
    """Return what of one certificate's names breaks nameConstraints, and the name.

    Every certificate has a subject, whatever stands in it: constraints on directory names are not
    implemented, and refuse.
    """
    fields = Reader(constraints)
    permitted = fields.read(0xA0) if fields.peek() == 0xA0 else b""
    excluded = fields.read(0xA1) if fields.peek() == 0xA1 else b""
    if permitted is None or excluded is None or not fields.is_empty:
        return ("BadDer", b"")
    names = Reader(san or b"")
    while not names.is_empty:
        name = read_name(names)
        if name is None:
            return ("BadDer", b"")
        found = _check_name(name, permitted, excluded, comparisons)
        if found:
            return (found, name.content)
    subject = Element(_DIRECTORY, b"", b"")
    found = _check_name(subject, permitted, excluded, comparisons)
    return None if found is None else (found, b"")


def _check_name(
    name: Element, permitted: bytes, excluded: bytes, comparisons: Comparisons
) -> Violation | None:
    """As check_presented_id_conforms_to_constraints does."""
    uses: tuple[tuple[Literal["permitted", "excluded"], bytes], ...] = (
        ("permitted", permitted),
        ("excluded", excluded),
    )
    for use, subtrees in uses:
        has_match = has_mismatch = False
        reader = Reader(subtrees)
        while not reader.is_empty:
            if comparisons.left <= 0:
                return "MaximumNameConstraintComparisonsExceeded"
            comparisons.left -= 1
            subtree = reader.read(asn1.SEQUENCE)
            inner = Reader(subtree or b"")
            base = read_name(inner)
            if subtree is None or base is None or not inner.is_empty:
                return "BadDer"
            if name.tag & 0x1F != base.tag & 0x1F:
                continue
            matched = _match_constraint(name, base.content, use)
            if isinstance(matched, str):
                return matched
            if use == "excluded" and matched:
                return "NameConstraintViolation"
            has_match = has_match or matched
            has_mismatch = has_mismatch or not matched
        if use == "permitted" and has_mismatch and not has_match:
            return "NameConstraintViolation"
    return None


def _match_constraint(
    name: Element, base: bytes, use: Literal["permitted", "excluded"]
) -> bool | Violation:
    match name.tag:
        case 0x82:
            matched = match_dns(name.content, base, use)
            if matched is not None:
                return matched
            is_valid = is_valid_dns(name.content, "presented")
            return "MalformedNameConstraint" if is_valid else "MalformedDnsIdentifier"
        case 0xA4 | 0x86:
            return use == "excluded"
        case 0x87:
            return _match_address(name.content, base)
        case _:
            return "NameConstraintViolation"


def _match_address(address: bytes, constraint: bytes) -> bool | Violation:
    """As ip_address.rs, presented_id_matches_constraint."""
    if len(address) not in {4, 16}:
        return "BadDer"
    if len(constraint) not in {8, 32}:
        return "InvalidNetworkMaskConstraint"
    if len(constraint) != 2 * len(address):
        return False
    base, mask = constraint[: len(address)], constraint[len(address) :]
    is_closed = False
    for octet, wanted, bits in zip(address, base, mask, strict=True):
        inverted = bits ^ 0xFF
        if inverted & (inverted + 1) or (is_closed and bits):
            return "InvalidNetworkMaskConstraint"
        is_closed = is_closed or bits != 0xFF
        if (octet ^ wanted) & bits:
            return False
    return True
