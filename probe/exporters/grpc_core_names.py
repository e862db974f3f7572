"""How grpc-core compares names: HostNameCertificateVerifier (grpc_tls_certificate_verifier.cc).

First dNSNames, then iPAddresses as text, then the common name where there is no dNSName: it counts
for an IP address as well. A name ends at its first NUL.
"""

from ipaddress import ip_address

from probe.exporters.openssl_certificate import OpenSslCertificate
from probe.exporters.openssl_names import list_common_names
from probe.x509.extensions import DNS, IP


def is_named(certificate: OpenSslCertificate, reference: str) -> bool:
    """Return whether a name of the certificate is the reference."""
    names = certificate.names or ()
    hosts = [n.content.partition(b"\0")[0].decode("latin-1") for n in names if n.kind == DNS]
    if any(_match(host, reference) for host in hosts):
        return True
    addresses = (n.content for n in names if n.kind == IP and len(n.content) in {4, 16})
    if any(_format_address(octets) == reference for octets in addresses):
        return True
    common_names = list_common_names(certificate.raw)
    return not hosts and bool(common_names) and _match(common_names[0], reference)


def _match(presented: str, reference: str) -> bool:
    """As VerifySubjectAlternativeName: `*` is the whole first label, before one more at least."""
    if not presented or presented.startswith(".") or not reference or reference.startswith("."):
        return False
    shown = presented.lower().removesuffix(".") + "."
    wanted = reference.lower().removesuffix(".") + "."
    if "*" not in shown:
        return shown == wanted
    if not shown.startswith("*.") or shown == "*." or "*" in shown[1:]:
        return False
    suffix = shown[1:]
    return wanted.endswith(suffix) and "." not in wanted[: len(wanted) - len(suffix)]


def _format_address(octets: bytes) -> str:
    """As inet_ntop: an IPv4-mapped address ends with the IPv4 address."""
    if len(octets) == 16 and octets.startswith(b"\0" * 10 + b"\xff\xff"):
        return f"::ffff:{ip_address(octets[12:])}"
    return str(ip_address(octets))
