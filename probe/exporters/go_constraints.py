"""Name constraints as Go's crypto/x509 checks them on a path (go1.26, constraints.go).

Comparisons are bounded: within 256 KiB, which a TLS message may have, a hostile chain could demand
minutes.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from probe.exporters.go_certificate import GoCertificate, Subtrees
from probe.exporters.go_names import (
    Mailbox,
    is_valid_domain,
    parse_address,
    parse_mailbox,
    quote,
)
from probe.exporters.go_subtrees import (
    AddressRanges,
    Domain,
    DomainSubtrees,
    MailboxSubtrees,
    format_address,
    format_range,
    make_domain,
)
from probe.text.host_port import split_as_go

MAX_COMPARISONS: Final = 100_000
"""Names times constrained certificates of one verdict: this model's own limit."""

_PERMITTED: Final = "permitted subtrees"
_MOST_SUBTREES: Final = 3
"""Permitted subtrees that a fault names."""

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


class _Limits(NamedTuple, Generic[_Value]):
    """Permitted and excluded subtrees of one kind; None where there are none."""

    kind: str
    permits: Callable[[_Value], str | None] | None
    excludes: Callable[[_Value], str | None] | None


class _Constraints(NamedTuple):
    """All of one certificate's (chainConstraints)."""

    ips: _Limits[bytes]
    dns: _Limits[Domain]
    uris: _Limits[Domain]
    emails: _Limits[Mailbox]


class _Held(NamedTuple):
    """The names of one certificate, each as it is shown and as it is compared.

    None: Go does not read it as a name (domainNameValid).
    """

    ips: list[tuple[str, bytes]]
    dns: list[tuple[str, Domain | None]]
    uris: list[tuple[str, Domain | None]]
    emails: list[tuple[str, Mailbox | None]]

    def count_names(self) -> int:
        return len(self.ips) + len(self.dns) + len(self.uris) + len(self.emails)


def _limit_domains(kind: str, permitted: Sequence[str], excluded: Sequence[str]) -> _Limits[Domain]:
    return _Limits(
        kind,
        DomainSubtrees(permitted, permitted=True).find if permitted else None,
        DomainSubtrees(excluded, permitted=False).find if excluded else None,
    )


def _prepare(permitted: Subtrees, excluded: Subtrees) -> _Constraints:
    return _Constraints(
        _Limits(
            "IP address",
            AddressRanges(permitted.ips).find if permitted.ips else None,
            AddressRanges(excluded.ips).find if excluded.ips else None,
        ),
        _limit_domains("DNS name", permitted.dns, excluded.dns),
        _limit_domains("URI", permitted.uris, excluded.uris),
        _Limits(
            "email address",
            MailboxSubtrees(permitted.emails, permitted=True).find if permitted.emails else None,
            MailboxSubtrees(excluded.emails, permitted=False).find if excluded.emails else None,
        ),
    )


class ConstraintChecker:
    """Checks paths of one verdict; what one certificate's constraints say of another is kept."""

    def __init__(self) -> None:
        """Begin with nothing compared."""
        self._known: dict[tuple[str, str], ConstraintFault | None] = {}
        self._prepared: dict[str, _Constraints] = {}
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
            limits = self._prepared.get(by.sha256)
            if limits is None:
                limits = self._prepared[by.sha256] = _prepare(by.permitted, by.excluded)
            self._known[key] = _find_fault(limits, by, holder, held)
        return self._known[key]


def _find_fault(
    limits: _Constraints, by: GoCertificate, holder: GoCertificate, held: _Held
) -> ConstraintFault | None:
    """Return what `by` does not allow of the names, in Go's order (check)."""
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
            says = _say(kind, shown, " is not permitted by any constraint")
            return _Found(says, f"{kind} {shown}", _PERMITTED)
        if excludes is not None and (by := excludes(value)) is not None:
            says = _say(kind, shown, f" is excluded by constraint {quote(by)}")
            return _Found(says, f"{kind} {shown}", f"excluded {by}")
    return None


def _say(about: str, name: str, rest: str) -> str:
    """Put a name into Go's words; they end before a URI that Go would write otherwise."""
    if about.startswith("URI") and not _PLAIN_URI.fullmatch(name):
        return about
    return f"{about} {quote(name)}{rest}"


_PLAIN_URI: Final = re.compile(r"[a-z][a-z0-9]*:[a-zA-Z0-9/.:_-]*")

_UNFIT: Final = {
    "IP address": "",
    "DNS name": "x509: cannot parse dnsName {}",
    "URI": "x509: internal error: URI SAN {} failed to parse",
    "email address": "x509: cannot parse rfc822Name {}",
}


def _read_names(holder: GoCertificate) -> _Held | ConstraintFault:
    """Return the names as they are compared; or the URI or mailbox that cannot be at all."""
    uris: list[tuple[str, Domain | None]] = []
    for text, written in holder.uris:
        domain = _read_uri_domain(written)
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


def _make_valid_domain(name: str) -> Domain | None:
    return make_domain(name) if is_valid_domain(name, constraint=False) else None


class _Unfit(NamedTuple):
    says: str


def _read_uri_domain(written: str) -> str | _Unfit:
    """Return the host that is compared (parseURIs)."""
    host = written.lower()
    if not host:
        return _Unfit("URI with empty host (")
    if ":" in host and not host.endswith("]"):
        split = split_as_go(host)
        if split is None:
            return _Unfit(f"cannot parse URI host {quote(written)}")
        host = split[0]
    if parse_address(host) is not None or (host.startswith("[") and host.endswith("]")):
        return _Unfit("URI with IP (")
    return host


def _make_unfit(says: str, name: str, holder: GoCertificate) -> ConstraintFault:
    return ConstraintFault(says, name, "", None, holder)
