"""Makes a context offer what an exporter offers, as far as OpenSSL has it."""

from functools import lru_cache
from typing import Final

from msgspec.structs import replace
from OpenSSL import SSL

from probe.model.client_offer import ClientOffer
from probe.model.tls_names import VERSIONS, is_tls13_suite
from probe.tls.bindings import (
    offer_post_handshake_auth,
    set_groups,
    set_signature_schemes,
    set_tls13_suites,
)

# The diagnosis judges weak keys and hashes; at a higher level OpenSSL would refuse them first.
SECURITY_LEVEL: Final = "@SECLEVEL=0"

ANY_SUITE: Final = ("ALL", "COMPLEMENTOFALL")
"""OpenSSL's keywords for every suite of TLS 1.0 to 1.2 that it has."""

_PROTOCOLS: Final = dict(
    zip(
        VERSIONS,
        (SSL.TLS1_VERSION, SSL.TLS1_1_VERSION, SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION),
        strict=True,
    )
)
_NO_ENCRYPT_THEN_MAC: Final = 1 << 19
"""SSL_OP_NO_ENCRYPT_THEN_MAC of OpenSSL's ssl.h, which pyOpenSSL does not name: of the exporters
here, only those on OpenSSL offer RFC 7366, and no backend refuses a client for want of it."""
_PKCS1: Final = ("rsa_pkcs1_sha256", "rsa_pkcs1_sha384", "rsa_pkcs1_sha512")
_MOST_OFFERS: Final = 256


def apply_offer(context: SSL.Context, offer: ClientOffer, signs_with: tuple[str, ...] = ()) -> None:
    """Make `context` offer `offer`, all of which OpenSSL must have (`fit_offer`).

    Args:
        context: of a client.
        offer: what the exporter offers.
        signs_with: schemes of the client's own key. OpenSSL has one list for what is verified and
            what is signed; an exporter may sign with a scheme that it does not offer (BoringSSL's
            kSignSignatureAlgorithms has Ed25519 and P-521, kVerifySignatureAlgorithms has not).

    Raises:
        ValueError: where it has not, or nothing is left to offer.
    """
    older = tuple(suite for suite in offer.ciphers if not is_tls13_suite(suite))
    lowest = offer.min_version
    if not older and lowest < "1.3":
        # Go offers TLS 1.2 without a suite for it, which OpenSSL cannot: no server can choose it.
        if offer.max_version < "1.3":
            raise ValueError(f"no cipher suite is left for TLS {offer.max_version}")
        lowest = "1.3"
    context.set_min_proto_version(_PROTOCOLS[lowest])
    context.set_max_proto_version(_PROTOCOLS[offer.max_version])
    try:
        context.set_cipher_list(":".join((*(older or ANY_SUITE), SECURITY_LEVEL)).encode())
    except SSL.Error:
        raise ValueError(f"the TLS library has none of the ciphers {', '.join(older)}") from None
    if offer.max_version >= "1.3":
        set_tls13_suites(context, ":".join(filter(is_tls13_suite, offer.ciphers)))
    shares = set(offer.key_shares)
    set_groups(context, ":".join(f"*{name}" if name in shares else name for name in offer.groups))
    if offer.signature_schemes:
        schemes = dict.fromkeys((*_list_schemes(offer), *signs_with))
        set_signature_schemes(context, ":".join(schemes))
    context.set_options(_NO_ENCRYPT_THEN_MAC)
    if offer.post_handshake_auth:
        offer_post_handshake_auth(context)
    if not offer.renegotiates:
        context.set_options(SSL.OP_NO_RENEGOTIATION)


def _list_schemes(offer: ClientOffer) -> tuple[str, ...]:
    """Return the schemes of the extension, which stand for signatures on certificates as well.

    Go and others send those apart (signature_algorithms_cert), which OpenSSL does not. Where TLS
    1.3 alone is offered, PKCS#1 is left in the one list for the sake of certificates: TLS 1.3 takes
    no handshake signed with it (RFC 8446 §4.2.3).
    """
    if offer.min_version < "1.3":
        return offer.signature_schemes
    return tuple(dict.fromkeys((*offer.signature_schemes, *_PKCS1)))


@lru_cache(maxsize=_MOST_OFFERS)
def fit_offer(offer: ClientOffer) -> tuple[ClientOffer, tuple[str, ...]]:
    """Return what of `offer` OpenSSL has, and the names of the rest.

    Where it has none of one kind, that stays as it is: a context cannot be built of it.
    """
    ciphers = tuple(filter(_has_suite, offer.ciphers)) or offer.ciphers
    groups = tuple(filter(_has_group, offer.groups)) or offer.groups
    schemes = tuple(filter(_has_scheme, offer.signature_schemes)) or offer.signature_schemes
    fitted = replace(
        offer,
        ciphers=ciphers,
        groups=groups,
        key_shares=tuple(group for group in offer.key_shares if group in groups),
        signature_schemes=schemes,
    )
    left = {*ciphers, *groups, *schemes}
    wanted = (*offer.ciphers, *offer.groups, *offer.signature_schemes)
    return fitted, tuple(name for name in wanted if name not in left)


@lru_cache(maxsize=_MOST_OFFERS)
def _has_suite(name: str) -> bool:
    context = SSL.Context(SSL.TLS_METHOD)
    try:
        if is_tls13_suite(name):
            set_tls13_suites(context, name)
        else:
            context.set_cipher_list(f"{name}:{SECURITY_LEVEL}".encode())
    except (SSL.Error, ValueError):
        return False
    return True


@lru_cache(maxsize=_MOST_OFFERS)
def _has_group(name: str) -> bool:
    try:
        set_groups(SSL.Context(SSL.TLS_METHOD), name)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=_MOST_OFFERS)
def _has_scheme(name: str) -> bool:
    try:
        set_signature_schemes(SSL.Context(SSL.TLS_METHOD), name)
    except ValueError:
        return False
    return True
