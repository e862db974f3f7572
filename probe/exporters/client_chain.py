"""Which rules the exporter's own chain breaks for the backends that verify it (RFC 5280 §6.1).

A backend says little or nothing of why it refuses, and its anchors are not known here. What its
rules make of the chain is: some are applied by every verifier that was tried (Go, OpenSSL,
BoringSSL, rustls, JSSE, GnuTLS), others by some. Dates, the end entity's own usages and weak keys
are judged elsewhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

from probe.exporters.go_certificate import GoCertificate, Refusal
from probe.exporters.go_constraints import (
    ConstraintChecker,
    TooManyComparisonsError,
    describe_limit,
)
from probe.exporters.go_parser import parse_for_go
from probe.exporters.go_rules import get_policies
from probe.model.path_fault import PathFault, PathFaultKind
from probe.text.safe_text import safe_text
from probe.x509 import der as asn1
from probe.x509 import extensions as ext
from probe.x509.der import Reader
from probe.x509.parse import parse_name
from probe.x509.policies import CertifiedPolicies, are_policies_valid
from probe.x509.raw_certificate import Certificate, read_certificate
from probe.x509.signature import check_signature

MAX_CERTIFICATES: Final = 16
"""Of each of the two sources; no real chain has more."""
MAX_PATHS: Final = 16
_LONGEST_PATH: Final = 10

_KNOWN_TO_ALL: Final = frozenset(
    {
        ext.BASIC_CONSTRAINTS,
        ext.KEY_USAGE,
        ext.EXTENDED_KEY_USAGE,
        ext.SUBJECT_ALT_NAME,
        ext.NAME_CONSTRAINTS,
    }
)
"""Critical extensions that every verifier reads (rustls's webpki no others: extension.rs)."""
_OF_THE_STANDARD: Final = "2.5.29."
"""Extensions of RFC 5280, which some verifiers know."""
_NAMES: Final = {
    ext.SUBJECT_KEY_ID: "subjectKeyIdentifier",
    ext.KEY_USAGE: "keyUsage",
    ext.SUBJECT_ALT_NAME: "subjectAltName",
    ext.BASIC_CONSTRAINTS: "basicConstraints",
    ext.NAME_CONSTRAINTS: "nameConstraints",
    ext.CRL_DISTRIBUTION_POINTS: "cRLDistributionPoints",
    ext.CERTIFICATE_POLICIES: "certificatePolicies",
    ext.POLICY_MAPPINGS: "policyMappings",
    ext.AUTHORITY_KEY_ID: "authorityKeyIdentifier",
    ext.POLICY_CONSTRAINTS: "policyConstraints",
    ext.EXTENDED_KEY_USAGE: "extendedKeyUsage",
    ext.INHIBIT_ANY_POLICY: "inhibitAnyPolicy",
}
_KINDS_OF_NAMES: Final = {
    ext.EMAIL: "email",
    ext.DIRECTORY: "directoryName",
    ext.URI: "URI",
    ext.IP: "IP",
}


class BrokenRules(NamedTuple):
    """What is wrong with a chain."""

    by_all: tuple[PathFault, ...] = ()
    """Rules that every verifier applies: no backend that verifies can take the chain."""
    by_some: tuple[PathFault, ...] = ()
    """Rules that some verifiers apply, or of certificates of which the backend has a copy of its own."""


def find_broken_rules(chain: Sequence[bytes], above: Sequence[bytes] = ()) -> BrokenRules:
    """Return what is wrong with a chain of client certificates, whoever trusts it.

    Where several paths lead upwards, the best one counts.

    Args:
        chain: what is sent, as DER, the end entity first.
        above: issuers that are known here and not sent.
    """
    return _find(tuple(chain[:MAX_CERTIFICATES]), tuple(above[:MAX_CERTIFICATES]))


@lru_cache(maxsize=256)
def _find(chain: tuple[bytes, ...], above: tuple[bytes, ...]) -> BrokenRules:
    sent = [_Link(one, place) for place, der in enumerate(chain) if (one := read_certificate(der))]
    if not sent or sent[0].position != 0:
        return BrokenRules()
    known = [_Link(one, None) for der in above if (one := read_certificate(der)) is not None]
    pool = [*sent[1:], *known]
    judged = [_judge_path(path, pool) for path in _list_paths(sent[0], pool)]
    best = min(judged, key=lambda rules: (len(rules.by_all), len(rules.by_some)))
    unreadable = [_make_unreadable(one) for one in sent if isinstance(one.for_go, Refusal)]
    return BrokenRules(best.by_all, (*unreadable, *best.by_some))


@dataclass(frozen=True)
class _Link:
    """One certificate, and its place in what is sent; None where it is not."""

    raw: Certificate
    position: int | None
    for_go: GoCertificate | Refusal = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "for_go", parse_for_go(self.raw.der))

    @property
    def is_root(self) -> bool:
        return self.raw.is_self_issued and check_signature(self.raw, self.raw.spki) == "valid"

    def make_fault(
        self, kind: PathFaultKind, *, value: str = "", limit: str = "", rule: str = ""
    ) -> PathFault:
        return PathFault(
            kind=kind,
            subject=parse_name(self.raw.subject).text,
            sha256=self.raw.sha256,
            position=self.position,
            value=safe_text(value),
            limit=safe_text(limit),
            rule=rule,
        )

    def read_usages(self) -> tuple[str, ...] | None:
        found = self.raw.get_extension(ext.EXTENDED_KEY_USAGE)
        return None if found is None else ext.read_usages(found.value)


_Path = tuple[_Link, ...]


def _list_paths(leaf: _Link, pool: Sequence[_Link]) -> list[_Path]:
    """Return the longest paths from `leaf`, each link by name and verified signature, bounded."""
    done: list[_Path] = []
    pending: list[_Path] = [(leaf,)]
    for path in pending:
        last = path[-1]
        issuers = [] if last.is_root or len(path) >= _LONGEST_PATH else _find_issuers(path, pool)
        longer = [(*path, one) for one in issuers][: MAX_PATHS - len(pending)]
        pending += longer
        if not longer:
            done.append(path)
    return done


def _find_issuers(path: _Path, pool: Sequence[_Link]) -> list[_Link]:
    below = path[-1].raw
    return [
        one
        for one in pool
        if one.raw.subject == below.issuer
        and all(
            one.raw.spki != each.raw.spki or one.raw.subject != each.raw.subject for each in path
        )
        and check_signature(below, one.raw.spki) == "valid"
    ]


def _judge_path(path: _Path, pool: Sequence[_Link]) -> BrokenRules:
    by_all: list[PathFault] = []
    by_some = list(_find_namesakes(path, pool))
    for certain, fault in _list_faults(path):
        (by_all if certain and fault.position is not None else by_some).append(fault)
    # What a verifier does not know is the weaker reason: it may know it, and find the rule broken.
    by_some.sort(key=lambda fault: fault.kind == "critical_extension" and "." not in fault.value)
    return BrokenRules(tuple(by_all), tuple(by_some))


def _find_namesakes(path: _Path, pool: Sequence[_Link]) -> Iterator[PathFault]:
    """Yield that what is sent has the name of the next issuer, and not its key."""
    last = path[-1]
    if last.is_root:
        return
    for one in pool:
        if one.position is not None and one not in path and one.raw.subject == last.raw.issuer:
            value = f"certificate {one.position + 1} has the name of its issuer, and another key"
            yield last.make_fault("bad_signature", value=value, rule="RFC 5280 §6.1.3 (a) (1)")
            return


def _list_faults(path: _Path) -> Iterator[tuple[bool, PathFault]]:
    """Yield each fault, with whether every verifier minds it in a certificate that is sent."""
    for place, one in enumerate(path):
        yield from _judge_certificate(one, is_leaf=place == 0)
        if place:
            yield from _judge_issuer(one, path[place - 1], path[1:place])
    yield from _judge_names(path)
    yield from _judge_policies(path)


def _judge_certificate(one: _Link, *, is_leaf: bool) -> Iterator[tuple[bool, PathFault]]:
    raw = one.raw
    for extension in raw.extensions:
        if extension.critical and extension.oid not in _KNOWN_TO_ALL:
            name = _NAMES.get(extension.oid, extension.oid)
            known = extension.oid.startswith(_OF_THE_STANDARD)
            rule = "RFC 5280 §4.2"
            yield not known, one.make_fault("critical_extension", value=name, rule=rule)
    if raw.has_duplicate_extension():
        oids = [extension.oid for extension in raw.extensions]
        twice = next(oid for oid in oids if oids.count(oid) > 1)
        value = f"{_NAMES.get(twice, twice)} occurs twice"
        yield False, one.make_fault("malformed", value=value, rule="RFC 5280 §4.2")
    if not is_leaf:
        return
    if raw.version != 2 and raw.extensions == ():
        value = f"it is an X.509 version {raw.version + 1} certificate"
        yield (
            False,
            one.make_fault("malformed", value=value, limit="version 3", rule="RFC 5280 §4.1.2.1"),
        )
    if len(raw.subject) == 2 and raw.get_extension(ext.SUBJECT_ALT_NAME) is None:
        value = "it has neither a subject nor a subjectAltName"
        yield False, one.make_fault("malformed", value=value, rule="RFC 5280 §4.1.2.6")
    usages = one.read_usages() or ()
    if ext.ANY_USAGE in usages and ext.CLIENT_AUTH not in usages:
        yield False, _make_wrong_usage(one, "wrong_usage")


def _make_wrong_usage(one: _Link, kind: PathFaultKind) -> PathFault:
    usages = {ext.SERVER_AUTH: "serverAuth", ext.ANY_USAGE: "anyExtendedKeyUsage"}
    value = ", ".join(usages.get(oid, oid) for oid in one.read_usages() or ())
    return one.make_fault(kind, value=value, limit="clientAuth", rule="RFC 5280 §4.2.1.12")


def _judge_issuer(one: _Link, child: _Link, between: _Path) -> Iterator[tuple[bool, PathFault]]:
    """Yield why `one` may not issue `child`; `between` are the CAs below it."""
    raw = one.raw
    held = raw.get_extension(ext.BASIC_CONSTRAINTS)
    basic = None if held is None else ext.read_basic_constraints(held.value)
    # Roots older than X.509 version 3 have no extensions, and verifiers take them.
    if (basic is None or not basic.is_ca) and not (raw.version == 0 and one.is_root):
        value = "basicConstraints CA:FALSE" if basic else "it has no basicConstraints"
        yield (
            True,
            one.make_fault("not_a_ca", value=value, limit="CA:TRUE", rule="RFC 5280 §6.1.4 (k)"),
        )
    usage = raw.get_extension(ext.KEY_USAGE)
    bits = None if usage is None else ext.read_key_usage(usage.value)
    if bits is not None and not bits & ext.KEY_CERT_SIGN:
        value, limit = "its keyUsage lacks keyCertSign", "keyCertSign"
        yield (
            False,
            one.make_fault("not_a_ca", value=value, limit=limit, rule="RFC 5280 §6.1.4 (n)"),
        )
    count = sum(not each.raw.is_self_issued for each in between)
    if basic and basic.path_length is not None and count > basic.path_length:
        limit = f"pathlen:{basic.path_length}"
        yield (
            True,
            one.make_fault("path_length", value=str(count), limit=limit, rule="RFC 5280 §4.2.1.9"),
        )
    usages = one.read_usages()
    if usages is not None and ext.CLIENT_AUTH not in usages:
        yield False, _make_wrong_usage(one, "wrong_usage_above")
    wanted = child.raw.get_extension(ext.AUTHORITY_KEY_ID)
    own = raw.get_extension(ext.SUBJECT_KEY_ID)
    key = None if wanted is None else ext.read_authority_key_id(wanted.value)
    has = None if own is None else ext.read_subject_key_id(own.value)
    if key and has and key != has:
        value = f"its authorityKeyIdentifier is {key.hex()[:40]}"
        limit = f"{has.hex()[:40]}, the identifier of the key that signed it"
        rule = "RFC 5280 §4.2.1.1"
        yield False, child.make_fault("bad_signature", value=value, limit=limit, rule=rule)


def _judge_names(path: _Path) -> Iterator[tuple[bool, PathFault]]:
    parsed = tuple(one.for_go for one in path if isinstance(one.for_go, GoCertificate))
    if len(parsed) == len(path):
        try:
            broken = ConstraintChecker().check_path(parsed)
        except TooManyComparisonsError:
            broken = None
        if broken is not None:
            culprit = next(one for one in path if one.for_go is (broken.by or broken.holder))
            certain = broken.name.startswith(("DNS name", "IP address", "email address"))
            fault = culprit.make_fault(
                "name_constraint",
                value=broken.name,
                limit=describe_limit(broken),
                rule="RFC 5280 §4.2.1.10",
            )
            yield certain and broken.by is not None, fault
    for place, one in enumerate(path):
        held = one.raw.get_extension(ext.NAME_CONSTRAINTS)
        limits = None if held is None else ext.read_name_constraints(held.value)
        if limits is None:
            continue
        bases = [base.content for base in limits.permitted if base.kind == ext.DIRECTORY]
        for below in path[:place]:
            if bases and not any(_is_within(below.raw.subject, base) for base in bases):
                value = f"the name {parse_name(below.raw.subject).text}"
                yield (
                    False,
                    one.make_fault(
                        "name_constraint",
                        value=value,
                        limit="permitted subtrees",
                        rule="RFC 5280 §4.2.1.10",
                    ),
                )
                return
        names = path[0].raw.get_extension(ext.SUBJECT_ALT_NAME)
        held_kinds = {name.kind for name in (names and ext.read_general_names(names.value)) or ()}
        for kind, called in _KINDS_OF_NAMES.items():
            # BoringSSL (grpc-core) reads no constraints of addresses, webpki none of URIs.
            if kind in held_kinds & {ext.IP, ext.URI} and any(
                base.kind == kind for base in (*limits.permitted, *limits.excluded)
            ):
                value = f"nameConstraints of the kind {called}"
                yield (
                    False,
                    one.make_fault("critical_extension", value=value, rule="RFC 5280 §4.2.1.10"),
                )


def _is_within(name: bytes, base: bytes) -> bool:
    """Whether the relative names of a directoryName's `base` begin the DER Name `name`."""
    held = Reader(name, strict=False).read(asn1.SEQUENCE)
    # A base is [4] EXPLICIT Name: its content is the whole Name.
    wanted = Reader(base, strict=False).read(asn1.SEQUENCE)
    return held is not None and wanted is not None and held.startswith(wanted)


def _judge_policies(path: _Path) -> Iterator[tuple[bool, PathFault]]:
    parsed = [one.for_go for one in path if isinstance(one.for_go, GoCertificate)]
    said = [get_policies(one) for one in parsed]
    # What an anchor says of policies does not count: above what is not a root, one is missing.
    anchor = [] if path[-1].is_root else [CertifiedPolicies()]
    if len(parsed) < len(path) or are_policies_valid([*said, *anchor]):
        return
    culprit = next((one for one in path if one.raw.get_extension(ext.POLICY_CONSTRAINTS)), path[0])
    yield False, culprit.make_fault("policy", rule="RFC 5280 §6.1.5 (g)")


def _make_unreadable(one: _Link) -> PathFault:
    assert isinstance(one.for_go, Refusal)
    return one.make_fault(
        "unreadable", value=one.for_go.says, rule="Go crypto/x509 ParseCertificate"
    )
