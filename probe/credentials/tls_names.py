"""The names of versions, cipher suites and groups that a target's `tls` may hold, and OpenSSL's own.

Pure: the configuration reader asks it whether a name is right, the context builder translates.
The names are the Collector's (configtls), which are those of Go's crypto/tls.
"""

import difflib
from collections.abc import Collection, Iterable
from typing import Final

from probe.model.cipher_suites import INSECURE_SUITES, OPENSSL_NAMES, SECURE_SUITES

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


def check_version(version: str) -> None:
    """Accept "1.0" to "1.3", and "" for the default.

    Raises:
        ValueError: naming `version` and what is allowed.
    """
    if version:
        _check("TLS version", (version,), VERSIONS)


def check_cipher_suites(names: Iterable[str], *, include_insecure: bool = True) -> None:
    """Accept the names of Go's crypto/tls; without `include_insecure` its secure ones only.

    Raises:
        ValueError: naming the first wrong one and those allowed.
    """
    allowed = [
        *sorted(TLS13_SUITES),
        *SECURE_SUITES,
        *(INSECURE_SUITES if include_insecure else ()),
    ]
    _check("cipher suite", names, allowed)


def check_curves(names: Iterable[str]) -> None:
    """Accept the names that `curve_preferences` of a Collector takes.

    Raises:
        ValueError: naming the first wrong one and those allowed.
    """
    _check("curve", names, tuple(CURVES))


def openssl_ciphers(names: Iterable[str]) -> tuple[str, ...]:
    """Translate to OpenSSL's names for TLS 1.0 to 1.2; those of TLS 1.3 drop out.

    A name that is not Go's is passed on, so that an experiment may name an OpenSSL one.
    """
    return tuple(OPENSSL_NAMES.get(name, name) for name in names if name not in TLS13_SUITES)


def openssl_groups(names: Iterable[str]) -> tuple[str, ...]:
    """Translate to OpenSSL's names; a name that is not Go's is passed on."""
    return tuple(CURVES.get(name, name) for name in names)


def _check(what: str, names: Iterable[str], allowed: Collection[str]) -> None:
    for name in names:
        if name not in allowed:
            near = difflib.get_close_matches(name, allowed, n=1)
            hint = f"; did you mean {near[0]!r}" if near else ""
            listed = ", ".join(allowed)
            raise ValueError(f"the {what} {name!r} is unknown{hint}; allowed: {listed}")
