"""What Go asks of one certificate of a path: whether it may sign, serve, and by which key."""

from typing import Final

from probe.exporters.go_certificate import GoCertificate
from probe.x509.extensions import ANY_USAGE, KEY_CERT_SIGN
from probe.x509.policies import CertifiedPolicies

MIN_RSA_BITS: Final = 1024
"""crypto/rsa, checkKeySize (GODEBUG rsa1024min)."""
MAX_RSA_EXPONENT: Final = (1 << 31) - 1


def may_sign(parent: GoCertificate) -> bool:
    """Whether it is a CA whose keyUsage allows it; before v3 there were no extensions to say so."""
    is_ca = parent.is_ca if parent.has_basic_constraints else parent.version < 3
    return is_ca and (not parent.key_usage or bool(parent.key_usage & KEY_CERT_SIGN))


def find_rsa_fault(one: GoCertificate) -> str:
    """Return what crypto/rsa says of a key that it does not verify with."""
    if one.rsa_bits < MIN_RSA_BITS:
        return (
            f"crypto/rsa: {one.rsa_bits}-bit keys are insecure "
            "(see https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size)"
        )
    if not one.rsa_modulus & 1:
        return "crypto/rsa: public modulus is even"
    if one.rsa_exponent < 2:
        return "crypto/rsa: public exponent too small or negative"
    if not one.rsa_exponent & 1:
        return "crypto/rsa: public exponent is even"
    if one.rsa_exponent > MAX_RSA_EXPONENT:
        return "crypto/rsa: public exponent too large"
    return ""


def allows_usage(one: GoCertificate, usage: str) -> bool:
    """Whether extendedKeyUsage allows it, lists nothing, or is absent (checkChainForKeyUsage)."""
    return not one.usages or ANY_USAGE in one.usages or usage in one.usages


def get_policies(one: GoCertificate) -> CertifiedPolicies:
    """Return what a certificate says of policies."""
    return CertifiedPolicies(
        one.policies,
        one.policy_mappings,
        one.require_explicit_policy,
        one.inhibit_policy_mapping,
        one.inhibit_any_policy,
        one.issuer == one.subject,
    )
