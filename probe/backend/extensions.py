"""Certificate extensions by the names that RFC 5280 gives them."""

import ipaddress
from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

_USAGES: Final = {
    "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "serverAuth": ExtendedKeyUsageOID.SERVER_AUTH,
    "codeSigning": ExtendedKeyUsageOID.CODE_SIGNING,
    "anyExtendedKeyUsage": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
}
_KEY_USAGES: Final = {
    "digitalSignature": "digital_signature",
    "nonRepudiation": "content_commitment",
    "keyEncipherment": "key_encipherment",
    "dataEncipherment": "data_encipherment",
    "keyAgreement": "key_agreement",
    "keyCertSign": "key_cert_sign",
    "cRLSign": "crl_sign",
}
"""RFC 5280 §4.2.1.3's names, and what cryptography calls them."""


def key_usage(names: Sequence[str]) -> x509.KeyUsage:
    """Return keyUsage with exactly the bits `names` (RFC 5280 §4.2.1.3)."""
    asked = {_KEY_USAGES[name] for name in names}
    bits = {bit: bit in asked for bit in _KEY_USAGES.values()}
    return x509.KeyUsage(**bits, encipher_only=False, decipher_only=False)


def extended_key_usage(names: Sequence[str]) -> x509.ExtendedKeyUsage:
    """Return extendedKeyUsage with the purposes `names` (RFC 5280 §4.2.1.12)."""
    return x509.ExtendedKeyUsage([_USAGES[name] for name in names])


def subject_alternative_name(texts: Sequence[str]) -> x509.SubjectAlternativeName:
    """Return the SANs `texts`, each `DNS:…`, `IP:…`, `URI:…` or `email:…`.

    Raises:
        ValueError: where a text begins with none of these.
    """
    return x509.SubjectAlternativeName([_general_name(text) for text in texts])


def _general_name(text: str) -> x509.GeneralName:
    kind, _, value = text.partition(":")
    match kind:
        case "DNS":
            return x509.DNSName(value)
        case "IP":
            return x509.IPAddress(ipaddress.ip_address(value))
        case "URI":
            return x509.UniformResourceIdentifier(value)
        case "email":
            return x509.RFC822Name(value)
        case _:
            raise ValueError(f"{text!r} is no SAN; write DNS:, IP:, URI: or email: before it")
