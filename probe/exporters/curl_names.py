"""How curl compares names (lib/vtls/openssl.c, ossl_verifyhost; lib/vtls/hostcheck.c of 7.88)."""

from probe.exporters.openssl_certificate import OpenSslCertificate
from probe.exporters.openssl_names import list_common_names, parse_ip
from probe.x509.extensions import DNS, IP


def is_named(certificate: OpenSslCertificate, reference: str) -> bool:
    """Return whether a name matches; the last common name where there is neither DNS nor IP."""
    octets = parse_ip(reference)
    names = [name for name in certificate.names or () if name.kind in {DNS, IP}]
    if octets:
        if names:
            return any(name.kind == IP and name.content == octets for name in names)
    elif any(
        name.kind == DNS and _check(name.content.decode("latin-1"), reference) for name in names
    ):
        return True
    common = list_common_names(certificate.raw)
    return not names and bool(common) and _check(common[-1], reference)


def _check(pattern: str, host: str) -> bool:
    """As hostmatch: `*` stands for the whole first label, before at least two others."""
    if not pattern or not host or "\0" in pattern:
        return False
    wanted, shown = host.removesuffix(".").lower(), pattern.removesuffix(".").lower()
    if not shown.startswith("*."):
        return shown == wanted
    if parse_ip(host):
        return False
    if shown.count(".") < 2:
        return shown == wanted
    _, dot, parent = wanted.partition(".")
    return bool(dot) and parent == shown[2:]
