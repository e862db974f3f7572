"""Names of cipher suites: OpenSSL's, as evidence has them, in the words of the exporter's settings.

The same table as credentials.negotiable, which causes may not import: IANA's names derive from
OpenSSL's by rule.
"""

import re
from typing import Final

_CIPHER: Final = re.compile(
    r"(?:(ECDHE|DHE)-)?(?:(ECDSA|RSA)-)?(AES128|AES256|CHACHA20|DES)-?(GCM|CCM|CBC3|POLY1305)?-?(SHA256|SHA384|SHA)?"
)
_BULK: Final = {"AES128": "AES_128", "AES256": "AES_256"}


def suite_name(openssl: str) -> str:
    """Return Go's name (IANA's) for a suite that exporters know; others as they are."""
    found = _CIPHER.fullmatch(openssl)
    if openssl.startswith("TLS_") or found is None:
        return openssl
    exchange, signature, bulk, mode, mac = found.groups()
    kex = "_".join(part for part in (exchange, signature or (None if exchange else "RSA")) if part)
    if bulk == "CHACHA20":
        return f"TLS_{kex}_WITH_CHACHA20_POLY1305_SHA256"
    if bulk == "DES":
        return f"TLS_{kex}_WITH_3DES_EDE_CBC_{mac}"
    return f"TLS_{kex}_WITH_{_BULK[bulk]}_{mode or 'CBC'}_{mac}"
