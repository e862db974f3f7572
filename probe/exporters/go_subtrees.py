"""Subtrees of name constraints as Go's crypto/x509 searches them (go1.26, constraints.go).

Sorted and pruned, so that one binary search finds the nearest: as there, with what that finds and
what it does not.
"""

from bisect import bisect_left
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final, NamedTuple

from probe.exporters.go_names import Mailbox, parse_mailbox, to_four

_TABLE: Final = bytes(
    0 if code == 0x2E else code + 32 if 0x41 <= code <= 0x5A else code for code in range(256)
)


class Domain(NamedTuple):
    """A name that is compared, and by what it is found."""

    name: str
    key: bytes


def make_domain(name: str) -> Domain:
    """Return a name with what it is found by."""
    return Domain(name, _make_key(name))


def _make_key(name: str) -> bytes:
    """Return what dnsCompare compares: from the end, in lower case, the period the lowest."""
    return name.encode("latin-1")[::-1].translate(_TABLE)


def _is_suffix(constraint: str, name: str) -> bool:
    """Whether `constraint` covers `name` (dnsHasSuffix)."""
    short, long = len(constraint), len(name)
    if short > long:
        return False
    if constraint.lower() != name[long - short :].lower():
        return False
    return constraint[0] == "." or short == long or name[long - short - 1] == "."


class DomainSubtrees:
    """Constraints on domains (dnsConstraints)."""

    def __init__(self, constraints: Sequence[str], *, permitted: bool) -> None:
        """Sort `constraints`, and leave out those within others."""
        self._covers_all = not all(constraints)
        self._permitted = permitted
        self._set: list[str] = []
        self._keys: list[bytes] = []
        self._parents: dict[str, str] = {}
        if self._covers_all:
            return
        for name in sorted(constraints, key=_make_key):
            if not self._set or not _is_suffix(self._set[-1], name):
                self._set.append(name)
        self._keys = [_make_key(name) for name in self._set]
        if not permitted:
            for name in self._set:
                parent = _trim_first_label(name.lower())
                if parent:
                    self._parents[parent] = name.lower()

    def find(self, wanted: Domain) -> str | None:
        """Return the constraint that covers a name (query)."""
        if self._covers_all:
            return ""
        name, key = wanted
        if self._set:
            at = bisect_left(self._keys, key)
            if at < len(self._keys) and self._keys[at] == key:
                return self._set[at]
            nearest = self._set[max(at - 1, 0)]
            if _is_suffix(nearest, name):
                return nearest
        if not self._permitted and name.startswith("*"):
            return self._parents.get(_trim_first_label(name.lower()))
        return None


def _trim_first_label(name: str) -> str:
    at = name.find(".")
    return name[at:] if at >= 0 else ""


class AddressRanges:
    """Constraints on addresses (ipConstraints)."""

    def __init__(self, ranges: Sequence[tuple[bytes, bytes]]) -> None:
        """Sort `ranges`, and leave out those within others."""
        self._sets: dict[int, list[tuple[bytes, bytes]]] = {4: [], 16: []}
        for size, kept in self._sets.items():
            for one in sorted(one for one in ranges if len(one[0]) == size):
                if not kept or not _is_subset(kept[-1], one):
                    kept.append(one)

    def find(self, address: bytes) -> str | None:
        """Return the range that covers `address` (query)."""
        kept = self._sets[len(address)]
        if not kept:
            return None
        at = bisect_left(kept, address, key=lambda one: one[0])
        if at < len(kept) and kept[at][0] == address:
            return format_range(kept[at])
        nearest = kept[max(at - 1, 0)]
        return format_range(nearest) if _contains(nearest, address) else None


def _contains(network: tuple[bytes, bytes], address: bytes) -> bool:
    """net.IPNet.Contains: an IPv4-mapped address or network is its IPv4 one."""
    number, mask = network
    short = to_four(number)
    if short is not None and len(number) == 16:
        number, mask = short, mask[12:]
    address = to_four(address) or address
    return len(address) == len(number) and all(
        one & bits == other & bits for one, other, bits in zip(number, address, mask, strict=True)
    )


def _is_subset(one: tuple[bytes, bytes], other: tuple[bytes, bytes]) -> bool:
    number, mask = other
    last = bytes(octet | ~bits & 0xFF for octet, bits in zip(number, mask, strict=True))
    return _contains(one, number) and _contains(one, last)


def format_range(network: tuple[bytes, bytes]) -> str:
    """Return a range of addresses as people write it: 10.0.0.0/8."""
    number, mask = network
    if len(number) == 16 and to_four(number) is not None:
        mask = mask[12:]
    return f"{format_address(number)}/{sum(octet.bit_count() for octet in mask)}"


def format_address(address: bytes) -> str:
    """Write an address as net.IP does."""
    return str(ip_address(to_four(address) or address))


class MailboxSubtrees:
    """Constraints on email addresses (emailConstraints)."""

    def __init__(self, constraints: Sequence[str], *, permitted: bool) -> None:
        """Sort `constraints`, and leave out those within others."""
        self._exact: set[Mailbox] = set()
        domains: list[str] = []
        for constraint in constraints:
            if "@" not in constraint:
                domains.append(constraint)
            elif (mailbox := parse_mailbox(constraint)) is not None:
                self._exact.add(mailbox._replace(domain=mailbox.domain.lower()))
        self._domains = DomainSubtrees(domains, permitted=permitted) if domains else None

    def find(self, mailbox: Mailbox) -> str | None:
        """Return the constraint that covers `mailbox` (query)."""
        if mailbox in self._exact:
            return f"{mailbox.local}@{mailbox.domain}"
        return None if self._domains is None else self._domains.find(make_domain(mailbox.domain))
