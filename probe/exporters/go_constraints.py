"""Name constraints as Go's crypto/x509 checks them on a path (go1.26, constraints.go).

Subtrees are sorted and pruned, and one binary search finds the nearest: as there, with what that
finds and what it does not. Comparisons are bounded: within 256 KiB, which a TLS message may have,
a hostile chain could demand minutes.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import Final, NamedTuple

from probe.exporters.go_certificate import GoCertificate, Subtrees
from probe.exporters.go_names import (
    Mailbox,
    is_valid_domain,
    parse_address,
    parse_mailbox,
    quote,
    split_host_port,
    to_four,
)

MAX_COMPARISONS: Final = 50_000
"""Names times constrained certificates of one verdict: this model's own limit."""

_TABLE: Final = bytes(
    0 if code == 0x2E else code + 32 if 0x41 <= code <= 0x5A else code for code in range(256)
)


class ConstraintFault(NamedTuple):
    """A name that a certificate's constraints do not allow."""

    says: str
    name: str
    constraint: str
    by: GoCertificate | None
    """The certificate with the constraint; None where the name itself is unfit."""
    holder: GoCertificate


class TooManyComparisonsError(Exception):
    """The chain demands more comparisons than this model makes."""


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


class _Domains:
    """Constraints on domains (dnsConstraints)."""

    def __init__(self, constraints: Sequence[str], *, permitted: bool) -> None:
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

    def find(self, name: str) -> str | None:
        """Return the constraint that covers `name` (query)."""
        if self._covers_all:
            return ""
        if self._set:
            key = _make_key(name)
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


class _Ranges:
    """Constraints on addresses (ipConstraints)."""

    def __init__(self, ranges: Sequence[tuple[bytes, bytes]]) -> None:
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
            return _format_range(kept[at])
        nearest = kept[max(at - 1, 0)]
        return _format_range(nearest) if _contains(nearest, address) else None


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


def _format_range(network: tuple[bytes, bytes]) -> str:
    number, mask = network
    if len(number) == 16 and to_four(number) is not None:
        mask = mask[12:]
    return f"{format_address(number)}/{sum(octet.bit_count() for octet in mask)}"


def format_address(address: bytes) -> str:
    """Write an address as net.IP does."""
    return str(ip_address(to_four(address) or address))


class _Mailboxes:
    """Constraints on email addresses (emailConstraints)."""

    def __init__(self, constraints: Sequence[str], *, permitted: bool) -> None:
        self._exact: set[Mailbox] = set()
        domains: list[str] = []
        for constraint in constraints:
            if "@" not in constraint:
                domains.append(constraint)
            elif (mailbox := parse_mailbox(constraint)) is not None:
                self._exact.add(mailbox._replace(domain=mailbox.domain.lower()))
        self._domains = _Domains(domains, permitted=permitted) if domains else None

    def find(self, mailbox: Mailbox) -> str | None:
        if mailbox in self._exact:
            return f"{mailbox.local}@{mailbox.domain}"
        return None if self._domains is None else self._domains.find(mailbox.domain)


class _Constraints:
    """All of one certificate's (chainConstraints)."""

    def __init__(self, permitted: Subtrees, excluded: Subtrees) -> None:
        self.ips = (_ranges(permitted.ips), _ranges(excluded.ips))
        self.dns = (_domains(permitted.dns, True), _domains(excluded.dns, False))
        self.uris = (_domains(permitted.uris, True), _domains(excluded.uris, False))
        self.emails = (_mailboxes(permitted.emails, True), _mailboxes(excluded.emails, False))


def _ranges(ranges: Sequence[tuple[bytes, bytes]]) -> _Ranges | None:
    return _Ranges(ranges) if ranges else None


def _domains(constraints: Sequence[str], permitted: bool) -> _Domains | None:
    return _Domains(constraints, permitted=permitted) if constraints else None


def _mailboxes(constraints: Sequence[str], permitted: bool) -> _Mailboxes | None:
    return _Mailboxes(constraints, permitted=permitted) if constraints else None


@lru_cache(maxsize=64)
def _prepare(permitted: Subtrees, excluded: Subtrees) -> _Constraints:
    return _Constraints(permitted, excluded)


class ConstraintChecker:
    """Checks paths of one verdict; what one certificate's constraints say of another is kept."""

    def __init__(self) -> None:
        """Begin with nothing compared."""
        self._known: dict[tuple[str, str], ConstraintFault | None] = {}
        self._comparisons = 0

    def check_path(self, path: Sequence[GoCertificate]) -> ConstraintFault | None:
        """Return the first name that is not allowed (checkChainConstraints).

        Raises:
            TooManyComparisonsError: beyond MAX_COMPARISONS.
        """
        constrained = [(at, one) for at, one in enumerate(path) if one.has_name_constraints]
        for at, holder in enumerate(path):
            above = [one for place, one in constrained if place > at]
            if not above:
                return None
            if not holder.has_san:
                continue
            if fault := _find_unfit_name(holder):
                return fault
            for one in above:
                if fault := self._check(one, holder):
                    return fault
        return None

    def _check(self, by: GoCertificate, holder: GoCertificate) -> ConstraintFault | None:
        key = by.sha256, holder.sha256
        if key not in self._known:
            self._comparisons += sum(
                map(len, (holder.ips, holder.dns_names, holder.uris, holder.emails))
            ) + sum(map(len, (*by.permitted, *by.excluded)))
            if self._comparisons > MAX_COMPARISONS:
                raise TooManyComparisonsError
            self._known[key] = next(_find_faults(by, holder), None)
        return self._known[key]


def _find_faults(by: GoCertificate, holder: GoCertificate) -> Iterator[ConstraintFault]:
    """Yield what `by` does not allow of `holder`'s names, in Go's order (check)."""
    held = _prepare(by.permitted, by.excluded)

    def judge(
        kind: str, shown: str, permitted: str | None, excluded: str | None, is_limited: bool
    ) -> ConstraintFault | None:
        if is_limited and permitted is None:
            says = f"{kind} {quote(shown)} is not permitted by any constraint"
            return ConstraintFault(says, f"{kind} {shown}", "permitted subtrees", by, holder)
        if excluded is not None:
            says = f"{kind} {quote(shown)} is excluded by constraint {quote(excluded)}"
            return ConstraintFault(says, f"{kind} {shown}", f"excluded {excluded}", by, holder)
        return None

    for address in holder.ips:
        allowed, forbidden = held.ips
        yield from filter(
            None,
            [
                judge(
                    "IP address",
                    format_address(address),
                    allowed.find(address) if allowed else None,
                    forbidden.find(address) if forbidden else None,
                    allowed is not None,
                )
            ],
        )
    names = [
        *(("DNS name", name, name, held.dns) for name in holder.dns_names),
        *(("URI", text, _read_uri_domain(host), held.uris) for text, host in holder.uris),
    ]
    for kind, shown, name, (permits, excludes) in names:
        if not is_valid_domain(name, constraint=False):
            yield _make_unfit(f"x509: cannot parse dnsName {quote(name)}", shown, holder)
        found = judge(
            kind,
            shown,
            permits.find(name) if permits else None,
            excludes.find(name) if excludes else None,
            permits is not None,
        )
        if found is not None:
            yield found
    for text in holder.emails:
        mailbox = parse_mailbox(text) or Mailbox(text, "")
        mailbox = mailbox._replace(domain=mailbox.domain.lower())
        if not is_valid_domain(mailbox.domain, constraint=False):
            yield _make_unfit(f"x509: cannot parse rfc822Name {quote(text)}", text, holder)
        permitted, excluded = held.emails
        found = judge(
            "email address",
            f"{mailbox.local}@{mailbox.domain}",
            permitted.find(mailbox) if permitted else None,
            excluded.find(mailbox) if excluded else None,
            permitted is not None,
        )
        if found is not None:
            yield found


def _find_unfit_name(holder: GoCertificate) -> ConstraintFault | None:
    """Return a URI or mailbox that cannot be compared with constraints at all."""
    for text, host in holder.uris:
        host = host.lower()  # noqa: PLW2901 (as Go does)
        if not host:
            says = f"URI with empty host ({quote(text)}) cannot be matched against constraints"
            return _make_unfit(says, f"URI {text}", holder)
        if ":" in host and not host.endswith("]"):
            split = split_host_port(host)
            if split is None:
                return _make_unfit(f"cannot parse URI host {quote(host)}", f"URI {text}", holder)
            host = split  # noqa: PLW2901 (as Go does)
        if parse_address(host) is not None or (host.startswith("[") and host.endswith("]")):
            says = f"URI with IP ({quote(text)}) cannot be matched against constraints"
            return _make_unfit(says, f"URI {text}", holder)
    for text in holder.emails:
        if parse_mailbox(text) is None:
            return _make_unfit(f"cannot parse rfc822Name {quote(text)}", text, holder)
    return None


def _read_uri_domain(host: str) -> str:
    host = host.lower()
    if ":" in host and not host.endswith("]"):
        return split_host_port(host) or host
    return host


def _make_unfit(says: str, name: str, holder: GoCertificate) -> ConstraintFault:
    return ConstraintFault(says, name, "", None, holder)
