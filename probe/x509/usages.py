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


def may_sign_handshake(certificate: CertificateFacts) -> bool:
    """Whether keyUsage allows the signature that TLS 1.3 asks for (RFC 8446 §4.4.2.2)."""
    return certificate.key_usage is None or "digitalSignature" in certificate.key_usage


def may_issue(certificate: CertificateFacts) -> bool:
    """Whether keyUsage allows to sign certificates; whether it is a CA is another question."""
    return certificate.key_usage is None or "keyCertSign" in certificate.key_usage
