"""Certificate policies as the JDK judges them (PolicyChecker): qualifiers that are critical refuse."""

from collections.abc import Sequence

from probe.exporters.java_certificate import JavaCertificate
from probe.exporters.java_extensions import Limits, Mappings, Policies
from probe.x509 import extensions as ext
from probe.x509.policies import CertifiedPolicies, are_policies_valid

NO_TREE = "non-null policy tree required and policy tree is null"


def find_policy_fault(path: Sequence[JavaCertificate], depth: int) -> str:
    """Return what is wrong with the policies of the certificate at `depth`, seen from the anchor."""
    one = path[depth]
    policies = one.values.get(ext.CERTIFICATE_POLICIES)
    has_tree = all(
        isinstance(e.values.get(ext.CERTIFICATE_POLICIES), Policies) for e in path[depth:]
    )
    if (
        has_tree
        and isinstance(policies, Policies)
        and policies.has_qualifiers
        and ext.CERTIFICATE_POLICIES in one.critical
    ):
        return "critical policy qualifiers present in certificate"
    if depth:
        return ""
    said = [_describe(each) for each in path]
    return "" if are_policies_valid([*said, CertifiedPolicies()]) else NO_TREE


def _describe(one: JavaCertificate) -> CertifiedPolicies:
    policies = one.values.get(ext.CERTIFICATE_POLICIES)
    mappings = one.values.get(ext.POLICY_MAPPINGS)
    limits = one.values.get(ext.POLICY_CONSTRAINTS)
    inhibit_any = one.values.get(ext.INHIBIT_ANY_POLICY)
    explicit, mapping = limits if isinstance(limits, Limits) else (-1, -1)
    return CertifiedPolicies(
        policies=policies.policies if isinstance(policies, Policies) else (),
        mappings=mappings.pairs if isinstance(mappings, Mappings) else (),
        require_explicit=explicit if explicit >= 0 else None,
        inhibit_mapping=mapping if mapping >= 0 else None,
        inhibit_any=inhibit_any if isinstance(inhibit_any, int) else None,
        is_self_issued=one.is_self_issued,
    )
