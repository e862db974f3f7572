"""How Node compares names: tls.checkServerIdentity (lib/tls.js of Node 20), after the verification."""

from ipaddress import ip_address
from typing import Final

from probe.exporters.openssl_certificate import OpenSslCertificate
from probe.exporters.openssl_names import list_common_names
from probe.x509.extensions import DNS, IP

_BAD: Final = frozenset(chr(n) for n in range(0x21))


def is_named(certificate: OpenSslCertificate, reference: str) -> bool:
    """Return whether a name of the certificate, or its common name without dNSNames, matches."""
    host = reference.removesuffix(".")
    names = certificate.names or ()
    try:
        octets = ip_address(host).packed
    except ValueError:
        octets = b""
    if octets:
        return any(name.kind == IP and name.content == octets for name in names)
    parts = _split(host)
    presented = [n.content.decode("latin-1") for n in names if n.kind == DNS]
    if not presented:
        presented = list_common_names(certificate.raw)
    return any(_check(parts, pattern) for pattern in presented)


def _split(name: str) -> list[str]:
    return name.removesuffix(".").lower().split(".")


def _check(host: list[str], pattern: str) -> bool:
    """As check of lib/tls.js: one `*` in the first of at least three labels, also within it."""
    if not pattern:
        return False
    parts = _split(pattern)
    if len(host) != len(parts) or "" in parts:
        return False
    if any(c in _BAD or ord(c) > 0x7F for part in parts for c in part):
        return False
    if host[1:] != parts[1:]:
        return False
    pieces = parts[0].split("*")
    if len(pieces) == 1 or "xn--" in parts[0]:
        return host[0] == parts[0]
    if len(pieces) > 2 or len(parts) <= 2:
        return False
    prefix, suffix = pieces
    return (
        len(prefix) + len(suffix) <= len(host[0])
        and host[0].startswith(prefix)
        and host[0].endswith(suffix)
    )
