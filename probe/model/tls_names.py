"""The names of TLS versions, cipher suites and groups: Go's, which settings have, and OpenSSL's.

Pure. A Collector's names (configtls) are those of Go's crypto/tls, which are IANA's.
"""

import difflib
from collections.abc import Collection, Iterable
from typing import Final

VERSIONS: Final = ("1.0", "1.1", "1.2", "1.3")

DEFAULT_MIN_VERSION: Final = "1.2"
"""Of configtls and of Go."""

TLS13_SUITES: Final = frozenset(
    {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
)
"""Fixed in Go: named or not, all three are offered."""

CURVES: Final = {
    "X25519": "X25519",
    "P256": "P-256",
    "P384": "P-384",
    "P521": "P-521",
    "X25519MLKEM768": "X25519MLKEM768",
}

SECURE_SUITES: Final = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
}
"""Go's `CipherSuites()` for TLS 1.0 to 1.2."""

INSECURE_SUITES: Final = {
    "TLS_RSA_WITH_RC4_128_SHA": "RC4-SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA": "DES-CBC3-SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256": "AES128-SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA": "ECDHE-ECDSA-RC4-SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA": "ECDHE-RSA-RC4-SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA": "ECDHE-RSA-DES-CBC3-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256": "ECDHE-ECDSA-AES128-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256": "ECDHE-RSA-AES128-SHA256",
}
"""Go's `InsecureCipherSuites()`, which a Collector takes with `include_insecure_cipher_suites`."""

SUITES: Final = (*sorted(TLS13_SUITES), *SECURE_SUITES, *INSECURE_SUITES)
"""Every suite that a Collector's `cipher_suites` may name."""

OPENSSL_NAMES: Final = {**SECURE_SUITES, **INSECURE_SUITES}
GO_NAMES: Final = {openssl: go for go, openssl in OPENSSL_NAMES.items()}


def check_names(what: str, names: Iterable[str], allowed: Collection[str]) -> None:
    """Accept `names` that are in `allowed`, like VERSIONS, SUITES or CURVES; `what` says which.

    Raises:
        ValueError: naming the first wrong one and those allowed.
    """
    for name in names:
        if name not in allowed:
            near = difflib.get_close_matches(name, allowed, n=1)
            hint = f"; did you mean {near[0]!r}" if near else ""
            listed = ", ".join(allowed)
            raise ValueError(f"the {what} {name!r} is unknown{hint}; allowed: {listed}")


def openssl_ciphers(names: Iterable[str]) -> tuple[str, ...]:
    """Translate to OpenSSL's names for TLS 1.0 to 1.2; those of TLS 1.3 drop out.

    A name that is not Go's is passed on, so that an experiment may name an OpenSSL one.
    """
    return tuple(OPENSSL_NAMES.get(name, name) for name in names if name not in TLS13_SUITES)


def openssl_groups(names: Iterable[str]) -> tuple[str, ...]:
    """Translate to OpenSSL's names; a name that is not Go's is passed on."""
    return tuple(CURVES.get(name, name) for name in names)
