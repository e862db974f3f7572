"""What a certificate may be used for: pure (RFC 5280 §4.2.1.3, §4.2.1.9, §4.2.1.12).

An extension that is absent allows any use.
"""

from typing import Literal

from probe.model.certificate import CertificateFacts

Usage = Literal["clientAuth", "serverAuth"]


def allows_usage(certificate: CertificateFacts, usage: Usage) -> bool:
    """Whether extendedKeyUsage allows `usage`, by name or because it allows any."""
    usages = certificate.extended_key_usage
    return usages is None or usage in usages or "anyExtendedKeyUsage" in usages


def is_only_for(certificate: CertificateFacts, usage: Usage) -> bool:
    """Whether extendedKeyUsage names `usage`, and does not allow the other side's."""
    other: Usage = "clientAuth" if usage == "serverAuth" else "serverAuth"
    return usage in (certificate.extended_key_usage or ()) and not allows_usage(certificate, other)


def describe_usage_fault(certificate: CertificateFacts, usage: Usage) -> str:
    """Say that extendedKeyUsage does not allow `usage`; empty where it does."""
    if allows_usage(certificate, usage):
        return ""
    usages = ", ".join(certificate.extended_key_usage or ()) or "empty"
    return f"its extendedKeyUsage is {usages}, without {usage}"


def describe_key_usage_fault(certificate: CertificateFacts) -> str:
    """Say that keyUsage does not allow the signature of a handshake; empty where it does.

    TLS 1.3 asks for digitalSignature (RFC 8446 §4.4.2.2).
    """
    if certificate.key_usage is None or "digitalSignature" in certificate.key_usage:
        return ""
    usages = ", ".join(certificate.key_usage) or "empty"
    return f"its keyUsage is {usages}, without digitalSignature"


def may_issue(certificate: CertificateFacts) -> bool:
    """Whether keyUsage allows to sign certificates; whether it is a CA is another question."""
    return certificate.key_usage is None or "keyCertSign" in certificate.key_usage
