"""What one connection offers: what the target's exporter does, with one thing varied or none."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import msgspec.structs
from OpenSSL import SSL

from probe.credentials.tls_context import Credentials
from probe.exporters.offers import choose_offer
from probe.model.client_offer import ClientOffer
from probe.model.evidence import Varied
from probe.model.target import Protocol, TlsSettings
from probe.model.tls_names import is_hybrid
from probe.tls.offer import ANY_SUITE, fit_offer


@dataclass(frozen=True, slots=True)
class Variant:
    """What differs from the exporter's own offer; an empty field leaves it unchanged."""

    min_version: str = ""
    max_version: str = ""
    client_certificate: bool = True
    ciphers: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    signature_schemes: tuple[str, ...] = ()
    hybrids: bool = True
    """Whether the exporter's hybrid groups stay."""


UNVARIED: Final = Variant()
"""The exporter's own offer."""

_EVERY_SUITE: Final = (
    *ANY_SUITE, "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256", "TLS_SHA256_SHA256", "TLS_SHA384_SHA384",
    "TLS_SM4_GCM_SM3", "TLS_SM4_CCM_SM3",
)  # fmt: skip
_EVERY_GROUP: Final = (
    "X25519MLKEM768", "x25519", "secp256r1", "secp384r1", "secp521r1", "x448", "ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144",
    "ffdhe8192", "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1", "brainpoolP256r1tls13",
    "brainpoolP384r1tls13", "brainpoolP512r1tls13", "SecP256r1MLKEM768", "SecP384r1MLKEM1024",
    "MLKEM512", "MLKEM768", "MLKEM1024", "curveSM2", "curveSM2MLKEM768",
)  # fmt: skip
_EVERY_SCHEME: Final = (
    "rsa_pss_rsae_sha256", "ecdsa_secp256r1_sha256", "ed25519", "rsa_pss_rsae_sha384",
    "rsa_pss_rsae_sha512", "rsa_pkcs1_sha256", "rsa_pkcs1_sha384", "rsa_pkcs1_sha512",
    "ecdsa_secp384r1_sha384", "ecdsa_secp521r1_sha512", "ed448", "rsa_pss_pss_sha256",
    "rsa_pss_pss_sha384", "rsa_pss_pss_sha512", "ecdsa_brainpoolP256r1tls13_sha256",
    "ecdsa_brainpoolP384r1tls13_sha384", "ecdsa_brainpoolP512r1tls13_sha512", "mldsa44", "mldsa65",
    "mldsa87", "sm2sig_sm3", "rsa_pkcs1_sha224", "ecdsa_sha224", "rsa_pkcs1_sha1", "ecdsa_sha1",
    "dsa_sha256", "dsa_sha384", "dsa_sha512", "dsa_sha224", "dsa_sha1",
)  # fmt: skip

VARIANTS: Final[dict[Varied, Variant]] = {
    "no_client_certificate": Variant(client_certificate=False),
    "tls_1.2": Variant(max_version="1.2"),
    "tls_1.3": Variant(min_version="1.3", max_version="1.3"),
    "every_version": Variant(min_version="1.0", max_version="1.3"),
    "every_cipher": Variant(ciphers=_EVERY_SUITE),
    "every_group": Variant(groups=_EVERY_GROUP),
    "every_signature": Variant(signature_schemes=_EVERY_SCHEME),
    "classic_groups": Variant(hybrids=False),
    "tls": Variant(client_certificate=False),
}


def vary_offer(
    runtime: str, protocol: Protocol, tls: TlsSettings, variant: Variant
) -> tuple[ClientOffer, tuple[str, ...]]:
    """Return what `runtime` offers with `variant`, as far as the TLS library has it, and the rest.

    Raises:
        ValueError: where settings and variant leave nothing to offer.
    """
    offer = choose_offer(runtime, protocol, tls)
    if variant.min_version or variant.max_version:
        lowest, highest = _move_versions(offer, variant)
        bounded = replace(tls, min_version=lowest, max_version=highest)
        offer = choose_offer(runtime, protocol, bounded)
    groups, shares = variant.groups or offer.groups, offer.key_shares
    if not variant.hybrids:
        groups = tuple(group for group in groups if not is_hybrid(group))
    if groups != offer.groups and shares:
        shares = tuple(share for share in shares if share in groups) or groups[:1]
    if not groups:
        raise ValueError("without hybrid groups this exporter offers none")
    varied = msgspec.structs.replace(
        offer,
        ciphers=variant.ciphers or offer.ciphers,
        groups=groups,
        key_shares=shares,
        signature_schemes=variant.signature_schemes or offer.signature_schemes,
    )
    return fit_offer(varied)


def _move_versions(offer: ClientOffer, variant: Variant) -> tuple[str, str]:
    """Return the lowest and highest version; a variant's bound moves the other where they cross."""
    lowest, highest = variant.min_version, variant.max_version
    if lowest:
        return lowest, highest or max(lowest, offer.max_version)
    return min(offer.min_version, highest), highest


def find_library_limit(
    credentials: Credentials, choose: Callable[[], tuple[ClientOffer, tuple[str, ...]]]
) -> str:
    """Say why the TLS library here can make no context for what `choose` returns, or nothing.

    Names that no exporter knows have been refused before, so that what is left is a limit of
    the probe: a cipher suite or group that Go has and this OpenSSL has not.
    """
    try:
        credentials.context(choose()[0])
    except ValueError as error:
        return f"{error} ({SSL.SSLeay_version(SSL.SSLEAY_VERSION).decode()})"
    return ""
