"""Name constraints as Go's crypto/x509 checks them on a path (go1.26, constraints.go).

Subtrees are sorted and pruned, and one binary search finds the nearest: as there, with what that
finds and what it does not. Comparisons are bounded: within 256 KiB, which a TLS message may have,
a hostile chain could demand minutes.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import Final, Generic, NamedTuple, TypeVar

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

MAX_COMPARISONS: Final = 100_000
"""Names times constrained certificates of one verdict: this model's own limit."""

_PERMITTED: Final = "permitted subtrees"
_MOST_SUBTREES: Final = 3
"""Permitted subtrees that a fault names."""

_TABLE: Final = bytes(
    0 if code == 0x2E else code + 32 if 0x41 <= code <= 0x5A else code for code in range(256)
)


_Value = TypeVar("_Value")


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


class _Domain(NamedTuple):
    """A name that is compared, and by what it is found."""

    name: str
    key: bytes


def _make_domain(name: str) -> _Domain:
    return _Domain(name, _make_key(name))


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

    def find(self, wanted: _Domain) -> str | None:
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
        return None if self._domains is None else self._domains.find(_make_domain(mailbox.domain))


class _Limits(NamedTuple, Generic[_Value]):
    """Permitted and excluded subtrees of one kind; None where there are none."""

    kind: str
    permits: Callable[[_Value], str | None] | None
    excludes: Callable[[_Value], str | None] | None


class _Constraints(NamedTuple):
    """All of one certificate's (chainConstraints)."""

    ips: _Limits[bytes]
    dns: _Limits[_Domain]
    uris: _Limits[_Domain]
    emails: _Limits[Mailbox]


class _Held(NamedTuple):
    """The names of one certificate, each as it is shown and as it is compared.

    None: Go does not read it as a name (domainNameValid).
    """

    ips: list[tuple[str, bytes]]
    dns: list[tuple[str, _Domain | None]]
    uris: list[tuple[str, _Domain | None]]
    emails: list[tuple[str, Mailbox | None]]

    def count_names(self) -> int:
        return len(self.ips) + len(self.dns) + len(self.uris) + len(self.emails)


def _limit_domains(
    kind: str, permitted: Sequence[str], excluded: Sequence[str]
) -> _Limits[_Domain]:
    return _Limits(
        kind,
        _Domains(permitted, permitted=True).find if permitted else None,
        _Domains(excluded, permitted=False).find if excluded else None,
    )


@lru_cache(maxsize=64)
def _prepare(permitted: Subtrees, excluded: Subtrees) -> _Constraints:
    return _Constraints(
        _Limits(
            "IP address",
            _Ranges(permitted.ips).find if permitted.ips else None,
            _Ranges(excluded.ips).find if excluded.ips else None,
        ),
        _limit_domains("DNS name", permitted.dns, excluded.dns),
        _limit_domains("URI", permitted.uris, excluded.uris),
        _Limits(
            "email address",
            _Mailboxes(permitted.emails, permitted=True).find if permitted.emails else None,
            _Mailboxes(excluded.emails, permitted=False).find if excluded.emails else None,
        ),
    )


class ConstraintChecker:
    """Checks paths of one verdict; what one certificate's constraints say of another is kept."""

    def __init__(self) -> None:
        """Begin with nothing compared."""
        self._known: dict[tuple[str, str], ConstraintFault | None] = {}
        self._held: dict[str, _Held | ConstraintFault] = {}
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
            held = self._held.get(holder.sha256)
            if held is None:
                held = self._held[holder.sha256] = _read_names(holder)
            if isinstance(held, ConstraintFault):
                return held
            for one in above:
                if fault := self._check(one, holder, held):
                    return fault
        return None

    def _check(
        self, by: GoCertificate, holder: GoCertificate, held: _Held
    ) -> ConstraintFault | None:
        key = by.sha256, holder.sha256
        if key not in self._known:
            self._comparisons += held.count_names() + sum(map(len, (*by.permitted, *by.excluded)))
            if self._comparisons > MAX_COMPARISONS:
                raise TooManyComparisonsError
            self._known[key] = _find_fault(by, holder, held)
        return self._known[key]


def _find_fault(by: GoCertificate, holder: GoCertificate, held: _Held) -> ConstraintFault | None:
    """Return what `by` does not allow of the names, in Go's order (check)."""
    limits = _prepare(by.permitted, by.excluded)
    found = (
        _judge(limits.ips, held.ips)
        or _judge(limits.dns, held.dns)
        or _judge(limits.uris, held.uris)
        or _judge(limits.emails, held.emails)
    )
    if found is None:
        return None
    is_unfit = not found.constraint
    return ConstraintFault(
        found.says, found.name, found.constraint, None if is_unfit else by, holder
    )


def describe_limit(broken: ConstraintFault) -> str:
    """Say what is allowed instead where a name is outside the permitted subtrees, or what is not."""
    if broken.by is None or broken.constraint != _PERMITTED:
        return broken.constraint
    permitted = broken.by.permitted
    held = {
        "DNS name": permitted.dns,
        "IP address": tuple(map(format_range, permitted.ips)),
        "URI": permitted.uris,
        "email address": permitted.emails,
    }[next(kind for kind in _UNFIT if broken.name.startswith(kind))]
    more = len(held) - _MOST_SUBTREES
    return f"permitted {', '.join(held[:_MOST_SUBTREES])}" + (
        f" and {more} more" if more > 0 else ""
    )


class _Found(NamedTuple):
    says: str
    name: str
    constraint: str
    """Empty where the name itself is unfit."""


def _judge(limits: _Limits[_Value], names: Sequence[tuple[str, _Value | None]]) -> _Found | None:
    """Return the first name that is unfit, not permitted or excluded (checkConstraints)."""
    kind, permits, excludes = limits
    for shown, value in names:
        if value is None:
            return _Found(_UNFIT[kind].format(quote(shown)), f"{kind} {shown}", "")
        if permits is not None and permits(value) is None:
            says = f"{kind} {quote(shown)} is not permitted by any constraint"
            return _Found(says, f"{kind} {shown}", _PERMITTED)
        if excludes is not None and (by := excludes(value)) is not None:
            says = f"{kind} {quote(shown)} is excluded by constraint {quote(by)}"
            return _Found(says, f"{kind} {shown}", f"excluded {by}")
    return None


_UNFIT: Final = {
    "IP address": "",
    "DNS name": "x509: cannot parse dnsName {}",
    "URI": "x509: internal error: URI SAN {} failed to parse",
    "email address": "x509: cannot parse rfc822Name {}",
}


def _read_names(holder: GoCertificate) -> _Held | ConstraintFault:
    """Return the names as they are compared; or the URI or mailbox that cannot be at all."""
    uris: list[tuple[str, _Domain | None]] = []
    for text, written in holder.uris:
        domain = _read_uri_domain(text, written)
        if isinstance(domain, str):
            uris.append((text, _make_valid_domain(domain)))
        else:
            return _make_unfit(domain.says, f"URI {text}", holder)
    emails: list[tuple[str, Mailbox | None]] = []
    for text in holder.emails:
        mailbox = parse_mailbox(text)
        if mailbox is None:
            return _make_unfit(f"cannot parse rfc822Name {quote(text)}", text, holder)
        mailbox = mailbox._replace(domain=mailbox.domain.lower())
        is_valid = is_valid_domain(mailbox.domain, constraint=False)
        emails.append((f"{mailbox.local}@{mailbox.domain}", mailbox if is_valid else None))
    return _Held(
        [(format_address(one), one) for one in holder.ips],
        [(one, _make_valid_domain(one)) for one in holder.dns_names],
        uris,
        emails,
    )


def _make_valid_domain(name: str) -> _Domain | None:
    return _make_domain(name) if is_valid_domain(name, constraint=False) else None


class _Unfit(NamedTuple):
    says: str


def _read_uri_domain(text: str, written: str) -> str | _Unfit:
    """Return the host that is compared (parseURIs)."""
    host = written.lower()
    if not host:
        return _Unfit(f"URI with empty host ({quote(text)}) cannot be matched against constraints")
    if ":" in host and not host.endswith("]"):
        split = split_host_port(host)
        if split is None:
            return _Unfit(f"cannot parse URI host {quote(written)}")
        host = split
    if parse_address(host) is not None or (host.startswith("[") and host.endswith("]")):
        return _Unfit(f"URI with IP ({quote(text)}) cannot be matched against constraints")
    return host


def _make_unfit(says: str, name: str, holder: GoCertificate) -> ConstraintFault:
    return ConstraintFault(says, name, "", None, holder)
