"""What each runtime's exporters offer in their ClientHello, by the target's TLS settings: pure.

Go's offer follows from crypto/tls and configtls; those of others are what was recorded on the wire
(`recorded_offers`), bounded by what a target's settings say. tests/lab compares all of them with
ClientHellos of the real exporters.
"""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from probe.exporters.recorded_offers import RECORDED, RECORDED_ALPN
from probe.model.client_offer import ClientOffer
from probe.model.runtime import GO, GO_BASED
from probe.model.target import Protocol, TlsSettings
from probe.model.tls_names import (
    CURVES,
    DEFAULT_MIN_VERSION,
    SECURE_SUITES,
    SUITES,
    VERSIONS,
    check_names,
    is_tls13_suite,
)

GO_SUITES: Final = (
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_RC4_128_SHA",
)  # fmt: skip
"""Go's order, whatever the order in the settings: crypto/tls cipherSuitesPreferenceOrder."""

_GO_TLS13_SUITES: Final = (
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
)
"""crypto/tls defaultCipherSuitesTLS13; no setting changes them."""

_COLLECTOR_GROUPS: Final = ("X25519MLKEM768", "x25519", "secp256r1", "secp384r1", "secp521r1")
"""configtls curves_nofips.go in the order of crypto/tls: with any Go that it is built with."""

_GO_GROUPS: Final = (
    "X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024",
    "x25519", "secp256r1", "secp384r1", "secp521r1",
)  # fmt: skip
"""crypto/tls defaultCurvePreferences since Go 1.26; older ones lack the second and third."""

_HYBRIDS: Final = {
    "X25519MLKEM768": "x25519",
    "SecP256r1MLKEM768": "secp256r1",
    "SecP384r1MLKEM1024": "secp384r1",
}
"""Groups of TLS 1.3 only, each with the classic group that Go sends a second key for."""

_GO_SCHEMES: Final = (
    "rsa_pss_rsae_sha256", "ecdsa_secp256r1_sha256", "ed25519",
    "rsa_pss_rsae_sha384", "rsa_pss_rsae_sha512",
    "rsa_pkcs1_sha256", "rsa_pkcs1_sha384", "rsa_pkcs1_sha512",
    "ecdsa_secp384r1_sha384", "ecdsa_secp521r1_sha512",
)  # fmt: skip
"""crypto/tls defaultSupportedSignatureAlgorithms without SHA-1, which Go 1.25 gave up."""

_GO_ALPN: Final[dict[Protocol, tuple[str, ...]]] = {
    "grpc": ("h2",),
    "http/protobuf": ("h2", "http/1.1"),
}
_BY_RULE: Final = frozenset(runtime.id for runtime in GO_BASED)
"""The runtimes whose offer follows from Go's rules."""

RENEGOTIATING: Final = frozenset({"python-http", "node-http", "curl", "java-okhttp"})
"""The runtimes that send their certificate in a second handshake, measured with a server of OpenSSL:
tests/lab/renegotiating_server.py. JDK's HttpClient times out, Go and BoringSSL refuse."""

POST_HANDSHAKE: Final = frozenset({"python-http", "curl"})
"""The runtimes that offer TLS 1.3's post-handshake authentication, measured with Apache httpd: urllib3
and libcurl set it. Go, Node and JSSE get its 403."""

_SETTINGS: Final = ("min_version", "max_version", "cipher_suites", "curve_preferences")


def choose_offer(runtime: str, protocol: Protocol, tls: TlsSettings) -> ClientOffer:
    """Return what an exporter of `runtime` with the settings `tls` offers over `protocol`.

    Raises:
        ValueError: where they name a version, cipher suite or group that no exporter knows, or
            leave nothing to offer.
    """
    lowest, highest = _choose_versions(tls)
    check_names("cipher suite", tls.cipher_suites, SUITES)
    check_names("curve", tls.curve_preferences, CURVES)
    recorded = RECORDED.get(runtime)
    if recorded is not None:
        offer = _bound_recorded(recorded, tls, lowest, highest)
        return replace(
            offer,
            renegotiates=runtime in RENEGOTIATING,
            post_handshake_auth=runtime in POST_HANDSHAKE,
        )
    groups = _GO_GROUPS if runtime in {one.id for one in GO} else _COLLECTOR_GROUPS
    return _choose_go_offer(tls, protocol, lowest, highest, groups)


def has_known_offer(runtime: str) -> bool:
    """Return whether the offer of `runtime` was recorded, or follows from Go's rules."""
    return runtime in RECORDED or runtime in _BY_RULE


def choose_alpn(runtime: str, protocol: Protocol, *, http2: bool = True) -> tuple[str, ...]:
    """Return the application protocols offered: grpc-go only h2, net/http both.

    Without `http2`, net/http offers none.
    """
    if not http2:
        return ()
    recorded = RECORDED_ALPN.get(runtime)
    return _GO_ALPN[protocol] if recorded is None else recorded


def list_narrowing(runtime: str, protocol: Protocol, tls: TlsSettings) -> tuple[str, ...]:
    """Return the keys of `tls` that take something away from what `runtime` offers by default."""
    offer = choose_offer(runtime, protocol, tls)
    whole = choose_offer(runtime, protocol, TlsSettings())
    takes = (
        offer.min_version > whole.min_version,
        offer.max_version < whole.max_version,
        bool(set(_below_tls13(whole.ciphers)) - set(offer.ciphers)) and bool(tls.cipher_suites),
        bool(set(whole.groups) - set(offer.groups)) and bool(tls.curve_preferences),
    )
    return tuple(key for key, narrows in zip(_SETTINGS, takes, strict=True) if narrows)


def list_exporters_with(name: str, protocol: Protocol, runtimes: Iterable[str]) -> tuple[str, ...]:
    """Return those of `runtimes` that offer the suite, group or signature scheme `name` by default.

    Nothing is said of a runtime that has not been recorded.
    """
    known = filter(has_known_offer, runtimes)
    offers = {runtime: choose_offer(runtime, protocol, TlsSettings()) for runtime in known}
    return tuple(
        runtime
        for runtime, offer in offers.items()
        if name in {*offer.ciphers, *offer.groups, *offer.signature_schemes}
    )


def _choose_versions(tls: TlsSettings) -> tuple[str, str]:
    """Return the lowest and highest version (configtls: Config.Validate)."""
    check_names("TLS version", filter(None, (tls.min_version, tls.max_version)), VERSIONS)
    lowest, highest = tls.min_version or DEFAULT_MIN_VERSION, tls.max_version or VERSIONS[-1]
    if lowest > highest:
        raise ValueError(f"min_version {lowest!r} is above max_version {highest!r}")
    return lowest, highest


def _choose_go_offer(
    tls: TlsSettings, protocol: Protocol, lowest: str, highest: str, groups: tuple[str, ...]
) -> ClientOffer:
    """Return what crypto/tls makes of `tls` (Conn.makeClientHello, Go 1.26).

    grpc-go takes the suites that RFC 7540 forbids to HTTP/2 out of Go's own list, and none that
    settings name (credentials/tls.go, applyDefaults).
    """
    wanted = tls.cipher_suites or tuple(SECURE_SUITES)
    if protocol == "grpc" and not tls.cipher_suites:
        wanted = tuple(suite for suite in wanted if "_CBC_" not in suite)
    ciphers: tuple[str, ...] = ()
    if lowest < "1.3":
        ciphers = tuple(suite for suite in GO_SUITES if suite in wanted)
    if highest < "1.2":
        ciphers = tuple(suite for suite in ciphers if suite.endswith("_SHA"))
    if highest >= "1.3":
        ciphers += _GO_TLS13_SUITES
    preferred = {CURVES[name] for name in tls.curve_preferences} or set(groups)
    offered = tuple(
        group
        for group in groups
        if group in preferred and (highest >= "1.3" or group not in _HYBRIDS)
    )
    _check_left(ciphers, offered, highest)
    schemes: tuple[str, ...] = _GO_SCHEMES if highest >= "1.2" else ()
    if lowest >= "1.3":
        schemes = tuple(scheme for scheme in schemes if "pkcs1" not in scheme)
    return ClientOffer(
        min_version=lowest,
        max_version=highest,
        ciphers=ciphers,
        groups=offered,
        key_shares=_choose_key_shares(offered) if highest >= "1.3" else (),
        signature_schemes=schemes,
    )


def _choose_key_shares(groups: tuple[str, ...]) -> tuple[str, ...]:
    """Return the first group, and the classic half of a hybrid where it is offered too."""
    first = groups[0]
    classic = _HYBRIDS.get(first, "")
    return (first, classic) if classic in groups else (first,)


def _bound_recorded(
    recorded: ClientOffer, tls: TlsSettings, lowest: str, highest: str
) -> ClientOffer:
    """Return `recorded` within what the target's settings say: other runtimes have no rule for them.

    curl lists TLS 1.0 and 1.1, and OpenSSL 3 takes neither at its usual security level (measured).
    """
    if not tls.min_version:
        lowest = min(max(recorded.min_version, DEFAULT_MIN_VERSION), highest)
    highest = highest if tls.max_version else max(recorded.max_version, lowest)
    ciphers, groups = recorded.ciphers, recorded.groups
    if tls.cipher_suites:
        ciphers = (
            *(suite for suite in tls.cipher_suites if not is_tls13_suite(suite)),
            *(suite for suite in ciphers if is_tls13_suite(suite)),
        )
    if highest < "1.3":
        ciphers = _below_tls13(ciphers)
    elif lowest >= "1.3":
        ciphers = tuple(suite for suite in ciphers if is_tls13_suite(suite))
    if tls.curve_preferences:
        groups = tuple(CURVES[name] for name in tls.curve_preferences)
    if highest < "1.3":
        groups = tuple(group for group in groups if group not in _HYBRIDS)
    _check_left(ciphers, groups, highest)
    shares = tuple(group for group in recorded.key_shares if group in groups) or groups[:1]
    return replace(
        recorded,
        min_version=lowest,
        max_version=highest,
        ciphers=ciphers,
        groups=groups,
        key_shares=shares if highest >= "1.3" else (),
    )


def _check_left(ciphers: tuple[str, ...], groups: tuple[str, ...], highest: str) -> None:
    if not ciphers:
        raise ValueError(f"no cipher suite is left for TLS {highest}: all are of TLS 1.3")
    if not groups:
        raise ValueError(f"no group is left for TLS {highest}: all are of TLS 1.3")


def _below_tls13(ciphers: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(suite for suite in ciphers if not is_tls13_suite(suite))
