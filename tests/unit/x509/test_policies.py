"""Policies leave a path valid, or not: RFC 5280 §6.1 with the graph of RFC 9618."""

import pytest

from probe.x509.der import encode_oid
from probe.x509.extensions import ANY_POLICY
from probe.x509.policies import CertifiedPolicies, are_policies_valid

ANY, ONE, TWO = map(encode_oid, (ANY_POLICY, "1.2.3", "1.2.4"))
ROOT = CertifiedPolicies()


def having(*policies: bytes, **more: object) -> CertifiedPolicies:
    """Return what a certificate with these policies says."""
    return CertifiedPolicies(policies, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("leaf", "ca", "valid"),
    [
        (having(), having(), True),
        (having(), having(require_explicit=0), False),
        (having(ONE), having(ONE, require_explicit=0), True),
        (having(TWO), having(ONE, require_explicit=0), False),
        (having(TWO), having(ANY, require_explicit=0), True),
        (having(ANY), having(ONE, require_explicit=0), True),
        (having(ANY), having(ONE, require_explicit=0, inhibit_any=0), False),
        (having(TWO), having(ONE, require_explicit=0, mappings=((ONE, TWO),)), True),
        (having(TWO), having(ONE, mappings=((ANY, TWO),)), False),
        (having(ONE, require_explicit=0), having(TWO), False),
    ],
)
def test_policies_bind_where_one_is_demanded(
    leaf: CertifiedPolicies, ca: CertifiedPolicies, valid: bool
) -> None:
    """Without requireExplicitPolicy any path is valid, unless anyPolicy itself is mapped."""
    assert are_policies_valid([leaf, ca, ROOT]) is valid


def test_thousands_of_policies_cost_little() -> None:
    """A tree of them would not end; the graph grows with their number."""
    many = tuple(encode_oid(f"1.2.{number}") for number in range(2000))
    pairs = tuple(zip(many, reversed(many), strict=True))
    path = [having(*many, mappings=pairs, require_explicit=0)] * 8
    assert are_policies_valid([*path, ROOT])
