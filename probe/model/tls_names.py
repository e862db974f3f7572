"""The names of TLS versions, cipher suites and groups: Go's, which settings have, and OpenSSL's.

Pure. A Collector's names (configtls) are those of Go's crypto/tls, which are IANA's for suites.
"""

import re
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
    "X25519": "x25519",
    "P256": "secp256r1",
    "P384": "secp384r1",
    "P521": "secp521r1",
    "X25519MLKEM768": "X25519MLKEM768",
}
"""By the names of `curve_preferences` (configtls), IANA's."""
CURVE_SETTINGS: Final = {iana: setting for setting, iana in CURVES.items()}

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
"""OpenSSL's name of what was agreed on, as Go (and IANA) call it; OpenSSL itself takes either."""


def check_names(what: str, names: Iterable[str], allowed: Collection[str]) -> None:
    """Accept `names` that are in `allowed`, like VERSIONS, SUITES or CURVES; `what` says which.

    Raises:
        ValueError: naming the first wrong one and those allowed.
    """
    for name in names:
        if name not in allowed:
            from difflib import get_close_matches

            near = get_close_matches(name, allowed, n=1)
            hint = f"; did you mean {near[0]!r}" if near else ""
            listed = ", ".join(allowed)
            raise ValueError(f"the {what} {name!r} is unknown{hint}; allowed: {listed}")


def is_tls13_suite(name: str) -> bool:
    """Return whether a cipher suite is of TLS 1.3: its IANA name has no key exchange before WITH."""
    return name.startswith("TLS_") and "_WITH_" not in name


def is_hybrid(group: str) -> bool:
    """Return whether a group joins a classic one with ML-KEM: its keys take more than a kilobyte."""
    return "MLKEM" in group


_KEY_EXCHANGES: Final = frozenset({"ECDHE", "DHE", "ECDSA", "RSA", "DSS", "ADH", "AECDH"})
_ANONYMOUS: Final = {"ADH": "DH_anon", "AECDH": "ECDH_anon"}
_CIPHERS: Final = {
    "SEED": "SEED_CBC", "IDEA_CBC": "IDEA_CBC", "DES_CBC3": "3DES_EDE_CBC", "RC4": "RC4_128",
    "NULL": "NULL", "CHACHA20_POLY1305": "CHACHA20_POLY1305_SHA256",
}  # fmt: skip
_BLOCK_CIPHER: Final = re.compile(r"(AES|ARIA|CAMELLIA)_?(128|256)(?:_(GCM|CCM8|CCM|CBC))?")


def name_suite(openssl: str) -> str:
    """Return IANA's name of a cipher suite that OpenSSL calls `openssl`.

    What is not one stays, and so do those without a certificate of the server's (PSK, SRP).
    """
    if openssl in GO_NAMES:
        return GO_NAMES[openssl]
    if openssl.startswith("TLS_"):
        return openssl
    words = openssl.split("-")
    first = next((at for at, word in enumerate(words) if word not in _KEY_EXCHANGES), 0)
    exchange = "_".join(_ANONYMOUS.get(word, word) for word in words[:first]) or "RSA"
    if exchange == "ECDHE":
        exchange = "ECDHE_RSA"  # OpenSSL leaves RSA out in the names of ARIA suites
    hashed = words[-1].startswith(("SHA", "MD5"))
    cipher = "_".join(words[first : len(words) - hashed])
    block = _BLOCK_CIPHER.fullmatch(cipher)
    if block:
        mode = (block[3] or "CBC").replace("CCM8", "CCM_8")
        named = f"{block[1]}_{block[2]}_{mode}"
    elif cipher in _CIPHERS:
        named = _CIPHERS[cipher]
    else:
        return openssl
    return f"TLS_{exchange}_WITH_{named}{f'_{words[-1]}' if hashed else ''}"
