"""Whether certificate policies leave a path valid: RFC 5280 §6.1 as RFC 9618 updates it.

The policy graph, not the tree whose size an attacker chooses. Go and BoringSSL compute the same.
Any policy is acceptable to the exporters: none of them asks for one.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from probe.x509.der import encode_oid
from probe.x509.extensions import ANY_POLICY

_ANY: Final = encode_oid(ANY_POLICY)


class CertifiedPolicies(NamedTuple):
    """What one certificate of a path says of policies; OIDs by their contents' octets."""

    policies: tuple[bytes, ...] = ()
    mappings: tuple[tuple[bytes, bytes], ...] = ()
    require_explicit: int | None = None
    inhibit_mapping: int | None = None
    inhibit_any: int | None = None
    is_self_issued: bool = False


class _Node:
    """A policy that is valid at one depth of the path."""

    __slots__ = ("children", "expected", "parents", "policy")

    def __init__(self, policy: bytes, parents: Sequence["_Node"] = ()) -> None:
        self.policy = policy
        self.expected: list[bytes] = [policy]
        self.parents = set(parents)
        self.children: set[_Node] = set()
        for parent in parents:
            parent.children.add(self)


class _Graph:
    """Valid policies by depth, from the trust anchor down."""

    def __init__(self) -> None:
        self.strata: list[dict[bytes, _Node]] = [{_ANY: _Node(_ANY)}]
        self.by_expected: dict[bytes, list[_Node]] = {}

    def begin_depth(self) -> None:
        self.by_expected = {}
        for node in self.strata[-1].values():
            for policy in node.expected:
                self.by_expected.setdefault(policy, []).append(node)
        self.strata.append({})

    def add_policies(self, policies: Sequence[bytes]) -> None:
        """§6.1.3 (d) (1)."""
        any_parent = self.strata[-2].get(_ANY)
        for policy in policies:
            if policy == _ANY:
                continue
            parents = self.by_expected.get(policy) or ([any_parent] if any_parent else [])
            if parents:
                self.strata[-1][policy] = _Node(policy, parents)

    def add_missing(self) -> None:
        """§6.1.3 (d) (2): anyPolicy stands for every policy that is expected."""
        missing: dict[bytes, list[_Node]] = {}
        for parent in self.strata[-2].values():
            for policy in parent.expected:
                if policy not in self.strata[-1]:
                    missing.setdefault(policy, []).append(parent)
        for policy, parents in missing.items():
            self.strata[-1][policy] = _Node(policy, parents)

    def prune(self) -> None:
        """§6.1.3 (d) (3): remove what has no children, except at the lowest depth."""
        for stratum in reversed(self.strata[1:-1]):
            for policy in [policy for policy, node in stratum.items() if not node.children]:
                node = stratum.pop(policy)
                for parent in node.parents:
                    parent.children.discard(node)

    def map_policies(self, mappings: Sequence[tuple[bytes, bytes]]) -> None:
        """§6.1.4 (b) (1) and (2)."""
        by_issuer: dict[bytes, list[bytes]] = {}
        for issuer, subject in mappings:
            by_issuer.setdefault(issuer, []).append(subject)
        leaves = self.strata[-1]
        for issuer, subjects in by_issuer.items():
            node = leaves.get(issuer)
            if node is None and _ANY in leaves:
                node = leaves[issuer] = _Node(issuer, [leaves[_ANY]])
            if node is not None:
                node.expected = subjects

    def delete_leaf(self, policy: bytes) -> None:
        node = self.strata[-1].pop(policy, None)
        if node is not None:
            for parent in node.parents:
                parent.children.discard(node)

    def has_valid_policy(self) -> bool:
        """§6.1.5 (g): whether a policy is left that hangs on anyPolicy alone, or anyPolicy."""
        return _ANY in self.strata[-1] or any(
            node.policy != _ANY
            and len(node.parents) == 1
            and next(iter(node.parents)).policy == _ANY
            for stratum in self.strata
            for node in stratum.values()
        )


def are_policies_valid(path: Sequence[CertifiedPolicies]) -> bool:
    """Return whether a path is valid as far as policies go.

    Args:
        path: the end entity first, the trust anchor last; the anchor's own are not looked at.
    """
    length = len(path) - 1
    if not any(one.mappings or one.require_explicit is not None for one in path[:-1]):
        return True  # nobody demands a policy, and there is no wrong mapping
    graph: _Graph | None = _Graph()
    explicit = mapping = any_allowed = length + 1
    for place in range(length - 1, -1, -1):
        certificate = path[place]
        if not certificate.policies:
            graph = None
        if not explicit and graph is None:
            return False
        if graph is not None:
            graph.begin_depth()
            graph.add_policies(certificate.policies)
            may_be_any = any_allowed > 0 or (place > 0 and certificate.is_self_issued)
            if _ANY in certificate.policies and may_be_any:
                graph.add_missing()
            graph.prune()
            if place and certificate.mappings and not _map(graph, certificate, mapping > 0):
                return False
        if place:
            if not certificate.is_self_issued:
                explicit, mapping, any_allowed = (
                    max(0, count - 1) for count in (explicit, mapping, any_allowed)
                )
            explicit = _lower(explicit, certificate.require_explicit)
            mapping = _lower(mapping, certificate.inhibit_mapping)
            any_allowed = _lower(any_allowed, certificate.inhibit_any)
    explicit = max(0, explicit - 1)
    if path[0].require_explicit == 0:
        explicit = 0
    return bool(explicit) or (graph is not None and graph.has_valid_policy())


def _map(graph: _Graph, certificate: CertifiedPolicies, may_map: bool) -> bool:
    """§6.1.4 (a) and (b): False where anyPolicy itself is mapped."""
    if may_map:
        if any(_ANY in pair for pair in certificate.mappings):
            return False
    else:
        for issuer, _ in certificate.mappings:
            graph.delete_leaf(issuer)
    graph.prune()
    if may_map:
        graph.map_policies(certificate.mappings)
    return True


def _lower(count: int, limit: int | None) -> int:
    """Return the smaller count; a limit that is absent or negative does not count."""
    return count if limit is None or limit < 0 else min(count, limit)
