"""Whether a cipher suite and the key of the backend's certificate fit together: pure.

A suite of TLS 1.0 to 1.2 names the kind of key that signs (RFC 5246 §7.4.2, RFC 8422 §2): a server
whose certificate has another kind of key has no suite to choose, whatever the client offers. Those
of TLS 1.3 name none (RFC 8446 §4.1.1). So a handshake with every suite offered says only whether
the exporter's own list was too short.
"""

from typing import Final

from probe.model.evidence import Handshake
from probe.model.tls_names import OPENSSL_NAMES

_SIGNS_FOR: Final = {
    "RSA": "RSA",
    "EC": "ECDSA",
    "Ed25519": "ECDSA",
    "Ed448": "ECDSA",
    "DSA": "DSS",
}
"""By kind of key, the kind of suite that it can sign in (RFC 8422 §5.10 for EdDSA)."""


def get_key_kind(key_type: str) -> str:
    """Return the kind of suite that a key of `key_type` can sign in; empty where not known."""
    return _SIGNS_FOR.get(key_type, "")


def describe_unusable_suites(offered: tuple[str, ...], agreed: Handshake) -> str:
    """Say that every suite offered for TLS 1.2 needs another kind of key than the backend has.

    Args:
        offered: the exporter's own suites, by Go's names; empty is the library's whole list.
        agreed: the handshake that succeeded with every suite offered.
    """
    needed = {_get_suite_kind(suite) for suite in offered} - {""}
    leaf = agreed.server_chain[0].key_type if agreed.server_chain else ""
    has = _get_suite_kind(agreed.cipher) or get_key_kind(leaf)
    if not needed or not has or has in needed:
        return ""
    key = f"the key of the backend's certificate is {leaf}" if leaf else "the backend has another"
    return (
        f"the suites offered for TLS 1.2 are for {' and '.join(sorted(needed))} certificates only; "
        f"{key}, which fits {has} suites"
    )


def _get_suite_kind(suite: str) -> str:
    """Return the kind of key that a suite (Go's or OpenSSL's name) needs; empty where any will do."""
    name = OPENSSL_NAMES.get(suite, suite)
    if name.startswith(("TLS_", "ADH", "AECDH", "SRP")) or "PSK" in name:
        return ""  # TLS 1.3, or without a certificate
    return next((kind for kind in ("ECDSA", "DSS") if kind in name), "RSA")
