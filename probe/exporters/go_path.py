"""Which certification paths Go's crypto/tls trusts: (*x509.Certificate).Verify (go1.26, verify.go).

What Go reports is the first fault, by its true cause where Go's own words are indirect: an unknown
authority "possibly because of" a SHA-1 signature is a weak signature. To find what else is wrong,
the same search is run again with that fault forgiven.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from probe.exporters import go_faults as faults
from probe.exporters.fault_values import USAGE_NAMES
from probe.exporters.go_certificate import GoCertificate, Refusal
from probe.exporters.go_constraints import ConstraintChecker, TooManyComparisonsError
from probe.exporters.go_faults import Problem
from probe.exporters.go_hostname import matches_host
from probe.exporters.go_parser import parse_for_go
from probe.exporters.go_rules import (
    MIN_RSA_BITS,
    allows_usage,
    find_rsa_fault,
    get_policies,
    may_sign,
)
from probe.exporters.path_verdict import PathRequest, PathVerdict
from probe.x509.anchors import AnchorPool
from probe.x509.extensions import CLIENT_AUTH, SERVER_AUTH
from probe.x509.path import rank_by_key_id
from probe.x509.policies import are_policies_valid
from probe.x509.raw_certificate import read_certificate
from probe.x509.signature import check_signature
from probe.x509.validity import find_next_boundary, judge_period

MAX_SIGNATURE_CHECKS: Final = 100
"""maxChainSignatureChecks."""
MAX_RSA_BITS: Final = 8192
"""crypto/tls, defaultMaxRSAKeySize."""
MAX_MESSAGE_BYTES: Final = 262_144
"""crypto/tls, maxHandshakeCertificateMsg."""
MAX_POLICIES: Final = 50_000
"""Policies of all paths of one verdict: this model's own limit."""
MAX_FAULTS: Final = 5
MAX_PATHS: Final = 16
FOREVER: Final = 253_402_300_800.0
"""The year 10000."""

Path = tuple[GoCertificate, ...]


def verify_for_go(request: PathRequest) -> PathVerdict:
    """Return what a Go exporter's TLS client makes of a server's chain.

    Args:
        request: whose anchors are an AnchorPool: a ca_file's, or the system's bundle.

    Raises:
        TypeError: where the anchors are something else.
    """
    if not isinstance(request.anchors, AnchorPool):
        raise TypeError("anchors must be an AnchorPool")
    sent = [parse_for_go(der) for der in request.chain]
    search = _Search(request, [one for one in sent if not isinstance(one, Refusal)])
    problem = _find_reading_fault(request, sent)
    if problem is not None:
        return PathVerdict((problem.fault,), constant_until=FOREVER)
    found: list[Problem] = []
    paths: list[Path] = []
    while len(found) < MAX_FAULTS:
        try:
            paths = search.verify()
            break
        except _RefusedError as refused:
            found.append(refused.problem)
            if refused.problem.key is None:
                found += search.find_unused_issuers(refused.problem)
                break
            search.forgiven.add(refused.problem.key)
    until = search.find_next_boundary()
    if found:
        return PathVerdict(tuple(one.fault for one in found), constant_until=until)
    return PathVerdict(
        paths=tuple(tuple(one.sha256 for one in path) for path in paths[:MAX_PATHS]),
        anchored=tuple(dict.fromkeys(path[-1].sha256 for path in paths)),
        constant_until=until,
    )


class _RefusedError(Exception):
    """Verify returns an error."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.fault.kind)
        self.problem = problem


def _find_reading_fault(
    request: PathRequest, sent: Sequence[GoCertificate | Refusal]
) -> Problem | None:
    """Return why the chain does not come as far as Verify (verifyServerCertificate)."""
    if not sent:
        return faults.make_empty_chain()
    size = sum(len(der) + 5 for der in request.chain)
    if size > MAX_MESSAGE_BYTES:
        return faults.make_large_message(size, MAX_MESSAGE_BYTES)
    for place, one in enumerate(sent):
        if isinstance(one, Refusal):
            return faults.make_unreadable(request.chain[place], place, one)
        if one.rsa_bits > MAX_RSA_BITS:
            return faults.make_large_key(one, place, MAX_RSA_BITS)
    return None


@dataclass(slots=True)
class _Search:
    """One call of Verify, and those that follow with faults forgiven."""

    request: PathRequest
    sent: list[GoCertificate]
    forgiven: set[faults.Key] = field(default_factory=set)
    checker: ConstraintChecker = field(default_factory=ConstraintChecker)
    signature_checks: int = 0
    policies: int = 0
    unused: dict[str, GoCertificate] = field(default_factory=dict)
    """An issuer whose key crypto/x509 does not know, by the certificate below it."""
    places: dict[str, int] = field(default_factory=dict)
    intermediates: dict[bytes, list[GoCertificate]] = field(default_factory=dict)
    roots: dict[bytes, list[GoCertificate]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the pool of what was sent behind the end entity, each once."""
        for place, one in enumerate(self.sent):
            self.places.setdefault(one.sha256, place)
        for one in {one.sha256: one for one in self.sent[1:]}.values():
            self.intermediates.setdefault(one.subject, []).append(one)

    def verify(self) -> list[Path]:
        """Return the verified paths, the end entity first.

        Raises:
            _RefusedError: with what Go reports.
        """
        leaf = self.sent[0]
        self.signature_checks = 0
        if problem := next(self._find_invalid(leaf, (), "leaf"), None):
            raise _RefusedError(problem)
        reference = self.request.reference
        if (
            reference
            and not self._is_forgiven("name_mismatch", leaf)
            and not matches_host(leaf, reference)
        ):
            raise _RefusedError(faults.make_mismatch(leaf, reference))
        if leaf.der in self._anchors:
            paths: list[Path] = [(leaf,)]
        else:
            paths, problem = self._build((leaf,))
            if problem is not None:
                raise _RefusedError(problem)
        verified = self._filter(paths)
        if problem := self._find_handshake_fault(leaf):
            raise _RefusedError(problem)
        return verified

    @property
    def _usage(self) -> str:
        return CLIENT_AUTH if self.request.of_client else SERVER_AUTH

    @property
    def _anchors(self) -> AnchorPool:
        assert isinstance(self.request.anchors, AnchorPool)
        return self.request.anchors

    def _is_forgiven(self, kind: str, *certificates: GoCertificate) -> bool:
        return bool(self.forgiven) and faults.make_key(kind, *certificates) in self.forgiven

    def _locate(self, certificate: GoCertificate) -> int | None:
        return self.places.get(certificate.sha256)

    def _find_invalid(self, one: GoCertificate, path: Path, role: str) -> Iterator[Problem]:
        """Yield what is wrong with the next certificate of a path, in Go's order (isValid)."""
        place = self._locate(one)
        if one.unhandled_critical and not self._is_forgiven("critical_extension", one):
            yield faults.make_critical(one, place)
        match judge_period(one.not_before, one.not_after, self.request.at):
            case "not_yet_valid" if not self._is_forgiven("not_yet_valid", one):
                yield faults.make_not_yet_valid(one, place)
            case "expired" if not self._is_forgiven("expired", one):
                yield faults.make_expired(one, place)
        is_ca = one.has_basic_constraints and one.is_ca
        if role == "intermediate" and not is_ca and not self._is_forgiven("not_a_ca", one):
            yield faults.make_not_a_ca(one, place, via_hint=False)
        between = len(path) - 1
        if (
            0 <= one.path_length < between
            and one.has_basic_constraints
            and not self._is_forgiven("path_length", one)
        ):
            yield faults.make_path_length(one, place, between)

    def _build(self, path: Path) -> tuple[list[Path], Problem | None]:
        """Return the paths that lead on from the last certificate, or why none does (buildChains)."""
        last = path[-1]
        paths: list[Path] = []
        problem: Problem | None = None
        hint: Problem | None = None
        for role, candidates in (
            ("root", self._find_roots(last)),
            ("intermediate", self.intermediates.get(last.issuer, [])),
        ):
            for candidate in _order_candidates(last, candidates):
                self.signature_checks += 1
                if self.signature_checks > MAX_SIGNATURE_CHECKS:
                    problem = faults.make_limit(last, self._locate(last), MAX_SIGNATURE_CHECKS)
                    return paths, None if paths else problem
                if not candidate.has_key:
                    self.unused[last.sha256] = candidate
                    continue
                if _is_in_path(candidate, path):
                    continue
                if wrong := self._find_signature_fault(last, candidate):
                    hint = hint or wrong
                    continue
                problem = next(self._find_invalid(candidate, path, role), None)
                if problem is not None:
                    hint = hint or problem
                    continue
                if role == "root":
                    paths.append((*path, candidate))
                    continue
                longer, problem = self._build((*path, candidate))
                paths += longer
                if problem is not None and problem.is_limit:
                    return paths, None if paths else problem
        if paths:
            return paths, None
        if problem is None:
            problem = faults.make_unknown_authority(last, self._locate(last), hint)
        return [], problem

    def _find_roots(self, child: GoCertificate) -> list[GoCertificate]:
        """Return the anchors of that name which Go parses: AppendCertsFromPEM skips the others."""
        if child.issuer not in self.roots:
            found = self._anchors.find_by_subject(child.issuer)
            held = (parse_for_go(one.der) for one in found)
            self.roots[child.issuer] = [one for one in held if not isinstance(one, Refusal)]
        return self.roots[child.issuer]

    def _find_signature_fault(self, child: GoCertificate, parent: GoCertificate) -> Problem | None:
        """Return why `parent` cannot have signed `child` (CheckSignatureFrom)."""
        place, above = self._locate(child), self._locate(parent)
        if not may_sign(parent) and not self._is_forgiven("not_a_ca", parent):
            return faults.make_not_a_ca(parent, above, via_hint=True)
        algorithm = child.signature_algorithm
        if algorithm is None or algorithm.hash in {"md5", "sha1"}:
            if self._is_forgiven("weak_signature", child):
                return None
            return faults.make_weak_signature(child, place, is_known=algorithm is not None)
        if self._is_forgiven("weak_key", parent) or self._is_forgiven(
            "bad_signature", child, parent
        ):
            return None
        if parent.key not in {"RSA", "ECDSA", "Ed25519"}:
            return faults.make_weak_signature(child, place, is_known=False)
        if parent.key != algorithm.key:
            return faults.make_bad_signature(child, place, parent, is_other_kind=True)
        if parent.key == "RSA" and (says := find_rsa_fault(parent)):
            return faults.make_weak_key(parent, above, says, MIN_RSA_BITS)
        raw = read_certificate(child.der)
        if raw is None or check_signature(raw, parent.spki) != "valid":
            return faults.make_bad_signature(child, place, parent, is_other_kind=False)
        return None

    def _filter(self, paths: list[Path]) -> list[Path]:
        """Return the paths whose policies, usages and names hold (the end of Verify)."""
        verified: list[Path] = []
        problems: dict[str, Problem] = {}
        counts: dict[str, int] = {}
        for path in paths:
            problem = self._find_path_fault(path)
            if problem is None:
                verified.append(path)
            else:
                problems.setdefault(problem.fault.kind, problem)
                counts[problem.fault.kind] = counts.get(problem.fault.kind, 0) + 1
        if verified:
            return verified
        for kind in ("too_complex", "name_constraint"):
            if kind in problems:
                raise _RefusedError(problems[kind])
        for kind in ("wrong_usage", "wrong_usage_above", "policy"):
            if kind in problems:
                raise _RefusedError(faults.count_paths(problems[kind], counts))
        return verified

    def _find_path_fault(self, path: Path) -> Problem | None:
        leaf = path[0]
        self.policies += sum(len(one.policies) + len(one.policy_mappings) for one in path)
        if self.policies > MAX_POLICIES:
            return faults.make_costly(leaf, "certificate policies on many paths")
        if not self._is_forgiven("policy", leaf) and not are_policies_valid(
            [get_policies(one) for one in path]
        ):
            return faults.make_policy(leaf)
        unfit = next(
            (
                one
                for one in path
                if not allows_usage(one, self._usage) and not self._is_usage_forgiven(one)
            ),
            None,
        )
        if unfit is not None:
            is_leaf, usage = unfit is leaf, USAGE_NAMES[self._usage]
            return faults.make_wrong_usage(unfit, self._locate(unfit), is_leaf=is_leaf, usage=usage)
        if self._is_forgiven("name_constraint", leaf):
            return None
        try:
            broken = self.checker.check_path(path)
        except TooManyComparisonsError:
            return faults.make_costly(leaf, "names and name constraints")
        if broken is None:
            return None
        return faults.make_name_constraint(leaf, broken, self._locate(broken.holder))

    def _is_usage_forgiven(self, one: GoCertificate) -> bool:
        return self._is_forgiven("wrong_usage", one) or self._is_forgiven("wrong_usage_above", one)

    def _find_handshake_fault(self, leaf: GoCertificate) -> Problem | None:
        """Return why the end entity's key cannot verify the handshake (crypto/tls)."""
        if leaf.key not in {"RSA", "ECDSA", "Ed25519"}:
            if self._is_forgiven("unreadable", leaf):
                return None
            return faults.make_unsupported_key(leaf)
        if leaf.key == "RSA" and not self._is_forgiven("weak_key", leaf):
            says = find_rsa_fault(leaf)
            return faults.make_weak_leaf_key(leaf, says, MIN_RSA_BITS) if says else None
        return None

    def find_unused_issuers(self, problem: Problem) -> list[Problem]:
        """Return why an issuer that is there counts for nothing: Go passes over its kind of key."""
        one = self.unused.get(problem.fault.sha256)
        if one is None or problem.fault.kind != "no_anchor":
            return []
        return [faults.make_unknown_key(one, self._locate(one))]

    def find_next_boundary(self) -> float:
        """Return when the first certificate that counts becomes valid, or ends."""
        known = {one.sha256: one for one in self.sent}
        for one in self.sent:
            known.update((root.sha256, root) for root in self._find_roots(one))
        periods = ((one.not_before, one.not_after) for one in known.values())
        return find_next_boundary(periods, self.request.at, FOREVER)


def _order_candidates(
    child: GoCertificate, candidates: Sequence[GoCertificate]
) -> list[GoCertificate]:
    """Return those with the matching key identifier first (findPotentialParents)."""
    if len(candidates) < 2:
        return list(candidates)

    def rank(candidate: GoCertificate) -> int:
        return rank_by_key_id(candidate.subject_key_id, child.authority_key_id)

    return sorted(candidates, key=rank)


def _is_in_path(candidate: GoCertificate, path: Path) -> bool:
    """Whether name, key and SAN are already in the path (alreadyInChain)."""
    for one in path:
        if candidate.subject != one.subject or candidate.spki != one.spki:
            continue
        if candidate.has_san != one.has_san:
            return False
        if candidate.san == one.san:
            return True
    return False
