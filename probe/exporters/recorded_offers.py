"""What exporters that are not written in Go offered on the wire; `make exporters` writes this.

Recorded with the real ones. A test compares it with what was measured.
"""

from typing import Final

from probe.model.client_offer import ClientOffer

_CIPHERS_1: Final = (
    "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
)  # fmt: skip
_GROUPS_2: Final = (
    "x25519", "secp256r1", "secp384r1", "secp521r1", "x448", "ffdhe2048", "ffdhe3072",
    "ffdhe4096", "ffdhe6144", "ffdhe8192",
)  # fmt: skip
_KEY_SHARES_3: Final = (
    "x25519", "secp256r1",
)  # fmt: skip
_SIGNATURE_SCHEMES_4: Final = (
    "ecdsa_secp256r1_sha256", "ecdsa_secp384r1_sha384", "ecdsa_secp521r1_sha512", "ed25519",
    "ed448", "rsa_pss_rsae_sha256", "rsa_pss_rsae_sha384", "rsa_pss_rsae_sha512",
    "rsa_pss_pss_sha256", "rsa_pss_pss_sha384", "rsa_pss_pss_sha512", "rsa_pkcs1_sha256",
    "rsa_pkcs1_sha384", "rsa_pkcs1_sha512", "dsa_sha256", "ecdsa_sha224", "rsa_pkcs1_sha224",
    "dsa_sha224",
)  # fmt: skip
_CIPHERS_5: Final = (
    "TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_DHE_DSS_WITH_AES_256_GCM_SHA384", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_DHE_DSS_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256",
    "TLS_DHE_DSS_WITH_AES_256_CBC_SHA256", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_DHE_DSS_WITH_AES_128_CBC_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_DHE_DSS_WITH_AES_256_CBC_SHA", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_DHE_DSS_WITH_AES_128_CBC_SHA",
)  # fmt: skip
_CIPHERS_6: Final = (
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
)  # fmt: skip
_CIPHERS_7: Final = (
    "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
)  # fmt: skip
_GROUPS_8: Final = (
    "X25519MLKEM768", "x25519", "secp256r1", "secp384r1", "secp521r1",
)  # fmt: skip
_KEY_SHARES_9: Final = (
    "X25519MLKEM768", "x25519",
)  # fmt: skip
_SIGNATURE_SCHEMES_10: Final = (
    "ecdsa_secp256r1_sha256", "rsa_pss_rsae_sha256", "rsa_pkcs1_sha256",
    "ecdsa_secp384r1_sha384", "rsa_pss_rsae_sha384", "rsa_pkcs1_sha384", "rsa_pss_rsae_sha512",
    "rsa_pkcs1_sha512", "rsa_pkcs1_sha1",
)  # fmt: skip
_CIPHERS_11: Final = (
    "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256",
    "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
)  # fmt: skip
_GROUPS_12: Final = (
    "x25519", "secp256r1", "x448", "secp521r1", "secp384r1", "ffdhe2048", "ffdhe3072",
    "ffdhe4096", "ffdhe6144", "ffdhe8192",
)  # fmt: skip
_KEY_SHARES_13: Final = (
    "x25519",
)  # fmt: skip
_SIGNATURE_SCHEMES_14: Final = (
    "ecdsa_secp256r1_sha256", "ecdsa_secp384r1_sha384", "ecdsa_secp521r1_sha512", "ed25519",
    "ed448", "rsa_pss_pss_sha256", "rsa_pss_pss_sha384", "rsa_pss_pss_sha512",
    "rsa_pss_rsae_sha256", "rsa_pss_rsae_sha384", "rsa_pss_rsae_sha512", "rsa_pkcs1_sha256",
    "rsa_pkcs1_sha384", "rsa_pkcs1_sha512", "ecdsa_sha224", "rsa_pkcs1_sha224", "dsa_sha224",
    "dsa_sha256", "dsa_sha384", "dsa_sha512",
)  # fmt: skip
_CIPHERS_15: Final = (
    "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
    "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", "TLS_DHE_DSS_WITH_AES_256_GCM_SHA384",
    "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8", "TLS_ECDHE_ECDSA_WITH_AES_256_CCM",
    "TLS_DHE_RSA_WITH_AES_256_CCM_8", "TLS_DHE_RSA_WITH_AES_256_CCM",
    "TLS_ECDHE_ECDSA_WITH_ARIA_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384",
    "TLS_DHE_DSS_WITH_ARIA_256_GCM_SHA384", "TLS_DHE_RSA_WITH_ARIA_256_GCM_SHA384",
    "TLS_DHE_DSS_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", "TLS_DHE_RSA_WITH_AES_128_CCM_8",
    "TLS_DHE_RSA_WITH_AES_128_CCM", "TLS_ECDHE_ECDSA_WITH_ARIA_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_ARIA_128_GCM_SHA256", "TLS_DHE_DSS_WITH_ARIA_128_GCM_SHA256",
    "TLS_DHE_RSA_WITH_ARIA_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
    "TLS_DHE_DSS_WITH_AES_256_CBC_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_DHE_DSS_WITH_AES_128_CBC_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_DHE_DSS_WITH_AES_256_CBC_SHA", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_DHE_DSS_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_AES_256_CCM_8", "TLS_RSA_WITH_AES_256_CCM",
    "TLS_RSA_WITH_ARIA_256_GCM_SHA384", "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_128_CCM_8", "TLS_RSA_WITH_AES_128_CCM",
    "TLS_RSA_WITH_ARIA_128_GCM_SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_CBC_SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
)  # fmt: skip
_CIPHERS_16: Final = (
    "TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
)  # fmt: skip
_GROUPS_17: Final = (
    "x25519", "secp256r1", "secp384r1",
)  # fmt: skip
_SIGNATURE_SCHEMES_18: Final = (
    "ecdsa_secp384r1_sha384", "ecdsa_secp256r1_sha256", "ed25519", "rsa_pss_rsae_sha512",
    "rsa_pss_rsae_sha384", "rsa_pss_rsae_sha256", "rsa_pkcs1_sha512", "rsa_pkcs1_sha384",
    "rsa_pkcs1_sha256",
)  # fmt: skip
_GROUPS_19: Final = (
    "x25519", "secp256r1", "secp384r1", "X25519MLKEM768",
)  # fmt: skip
_SIGNATURE_SCHEMES_20: Final = (
    "ecdsa_secp384r1_sha384", "ecdsa_secp256r1_sha256", "ecdsa_secp521r1_sha512", "ed25519",
    "rsa_pss_rsae_sha512", "rsa_pss_rsae_sha384", "rsa_pss_rsae_sha256", "rsa_pkcs1_sha512",
    "rsa_pkcs1_sha384", "rsa_pkcs1_sha256", "mldsa44", "mldsa65", "mldsa87",
)  # fmt: skip
_CIPHERS_21: Final = (
    "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_CBC_SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
)  # fmt: skip

RECORDED: Final = {
    # java 17.0.21.1, okhttp-jvm 5.5.1, opentelemetry-exporter-otlp 1.68.0
    "java-okhttp": ClientOffer(
        min_version="1.2",
        max_version="1.3",
        ciphers=_CIPHERS_1,
        groups=_GROUPS_2,
        key_shares=_KEY_SHARES_3,
        signature_schemes=_SIGNATURE_SCHEMES_4,
    ),
    # java 17.0.21.1, okhttp-jvm 5.5.1, opentelemetry-exporter-otlp 1.68.0
    "java-jdk": ClientOffer(
        min_version="1.2",
        max_version="1.3",
        ciphers=_CIPHERS_5,
        groups=_GROUPS_2,
        key_shares=_KEY_SHARES_3,
        signature_schemes=_SIGNATURE_SCHEMES_4,
    ),
    # java 17.0.21.1, grpc-netty 1.85.1, netty-handler 4.2.17.Final, okhttp-jvm 5.3.2, opentelemetry-exporter-otlp 1.63.0
    "java-grpc": ClientOffer(
        min_version="1.2",
        max_version="1.3",
        ciphers=_CIPHERS_6,
        groups=_GROUPS_2,
        key_shares=_KEY_SHARES_3,
        signature_schemes=_SIGNATURE_SCHEMES_4,
    ),
    # python 3.11.7, opentelemetry-exporter-otlp-proto-grpc 1.45.2, grpcio 1.85.1
    "python-grpc": ClientOffer(
        min_version="1.2",
        max_version="1.3",
        ciphers=_CIPHERS_7,
        groups=_GROUPS_8,
        key_shares=_KEY_SHARES_9,
        signature_schemes=_SIGNATURE_SCHEMES_10,
    ),
    # python 3.11.7, openssl OpenSSL 3.0.19 27 Jan 2026, opentelemetry-exporter-otlp-proto-http 1.45.2, requests 2.34.2, urllib3 2.8.0
    "python-http": ClientOffer(
        min_version="1.2",
        max_version="1.3",
        ciphers=_CIPHERS_11,
        groups=_GROUPS_12,
        key_shares=_KEY_SHARES_13,
        signature_schemes=_SIGNATURE_SCHEMES_14,
    ),
    # node 20.20.2, openssl 3.0.19, @opentelemetry/exporter-trace-otlp-grpc 0.223.1, @grpc/grpc-js 1.14.7
    "node-grpc": ClientOffer(
        min_version="1.2",
        max_version="1.3",
        ciphers=_CIPHERS_15,
        groups=_GROUPS_12,
        key_shares=_KEY_SHARES_13,
        signature_schemes=_SIGNATURE_SCHEMES_14,
    ),
    # node 20.20.2, openssl 3.0.19, @opentelemetry/exporter-trace-otlp-proto 0.223.1
    "node-http": ClientOffer(
        min_version="1.2",
        max_version="1.3",
        ciphers=_CIPHERS_15,
        groups=_GROUPS_12,
        key_shares=_KEY_SHARES_13,
        signature_schemes=_SIGNATURE_SCHEMES_14,
    ),
    # opentelemetry-otlp 0.33.1, reqwest 0.13.5, ring 0.17.14, rustls 0.23.46, rustls-webpki 0.103.17, tonic 0.14.9
    "rust-tonic": ClientOffer(
        min_version="1.2",
        max_version="1.3",
        ciphers=_CIPHERS_16,
        groups=_GROUPS_17,
        key_shares=_KEY_SHARES_13,
        signature_schemes=_SIGNATURE_SCHEMES_18,
    ),
    # opentelemetry-otlp 0.33.1, reqwest 0.13.5, ring 0.17.14, rustls 0.23.46, rustls-webpki 0.103.17, tonic 0.14.9
    "rust-reqwest": ClientOffer(
        min_version="1.2",
        max_version="1.3",
        ciphers=_CIPHERS_16,
        groups=_GROUPS_19,
        key_shares=_KEY_SHARES_13,
        signature_schemes=_SIGNATURE_SCHEMES_20,
    ),
    # curl 7.88.1, openssl 3.0.19
    "curl": ClientOffer(
        min_version="1.0",
        max_version="1.3",
        ciphers=_CIPHERS_21,
        groups=_GROUPS_12,
        key_shares=_KEY_SHARES_13,
        signature_schemes=_SIGNATURE_SCHEMES_14,
    ),
}
"""By runtime."""
RECORDED_ALPN: Final[dict[str, tuple[str, ...]]] = {
    "java-okhttp": (
        "h2",
        "http/1.1",
    ),
    "java-jdk": (
        "h2",
        "http/1.1",
    ),
    "java-grpc": ("h2",),
    "python-grpc": ("h2",),
    "python-http": ("http/1.1",),
    "node-grpc": ("h2",),
    "node-http": (),
    "rust-tonic": ("h2",),
    "rust-reqwest": ("http/1.1",),
    "curl": (
        "h2",
        "http/1.1",
    ),
}
"""By runtime, the application protocols."""
