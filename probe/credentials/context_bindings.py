"""The few OpenSSL settings that pyOpenSSL does not offer, called through its own bindings.

Every call that reaches below pyOpenSSL's public API stands here, so that one contract test shows
what a new release takes away.
"""

from typing import Final

from cryptography.hazmat.bindings._rust import _openssl
from OpenSSL import SSL

NO_AUTO_CHAIN: Final = 0x8
"""SSL_MODE_NO_AUTO_CHAIN of OpenSSL's ssl.h, which the bindings do not name."""

REQUIRED: Final = ("SSL_CTX_set1_curves_list", "SSL_CTX_set_mode", "ERR_clear_error")
"""What this module needs of the bindings."""


def set_groups(context: SSL.Context, groups: str) -> None:
    """Offer exactly `groups`, an OpenSSL list such as `X25519:P-256`.

    Raises:
        ValueError: where OpenSSL knows none of them or refuses the list.
    """
    if _openssl.lib.SSL_CTX_set1_curves_list(context._context, groups.encode()) != 1:  # noqa: SLF001 - pyOpenSSL has no public way
        _openssl.lib.ERR_clear_error()
        raise ValueError(f"the TLS library refuses the groups {groups!r}")


def set_no_auto_chain(context: SSL.Context) -> int:
    """Send the certificates given and no others; return the modes then in force.

    Without it OpenSSL completes a short chain from the trust store, and a probe would be let in
    where a Go exporter with the same files is refused.
    """
    return int(_openssl.lib.SSL_CTX_set_mode(context._context, NO_AUTO_CHAIN))  # noqa: SLF001 - pyOpenSSL has no public way
