"""Whether a certificate has the name that a Java client asked for."""

from probe.exporters.java_certificate import JavaCertificate
from probe.exporters.java_names import (
    find_common_name,
    is_matched_by_jdk,
    is_matched_by_okhttp,
    is_sni_name,
    parse_octets,
)
from probe.x509.extensions import DNS, IP


def check_by_jdk(certificate: JavaCertificate, reference: str) -> str:
    """As HostnameChecker.match for TLS: the common name counts where no dNSName is there."""
    host = reference.removesuffix(".")
    names = certificate.names
    octets = parse_octets(host)
    if octets:
        if names is None:
            return "No subject alternative names present"
        found = any(name.kind == IP and _unmap(name.content) == _unmap(octets) for name in names)
        return "" if found else "No subject alternative names matching IP address"
    if not is_sni_name(host):
        return "Illegal given domain name"
    presented = [n.content.decode("latin-1") for n in names or () if n.kind == DNS]
    if presented:
        if any(is_matched_by_jdk(host, each) for each in presented):
            return ""
        return "No subject alternative DNS name matching"
    common_name = find_common_name(certificate.raw.subject)
    if common_name is not None and is_matched_by_jdk(host, common_name):
        return ""
    return "No name matching"


def check_by_jdk_client(certificate: JavaCertificate, reference: str) -> str:
    """As java.net.http: a name that ends with a dot cannot be put into SNI."""
    if reference.endswith("."):
        return "Server name value of host_name cannot have the trailing dot"
    return check_by_jdk(certificate, reference)


def check_by_okhttp(certificate: JavaCertificate, reference: str) -> str:
    """As OkHostnameVerifier.verify: the common name never counts."""
    names = certificate.names or ()
    octets = parse_octets(reference)
    if octets:
        found = any(name.kind == IP and _unmap(name.content) == _unmap(octets) for name in names)
    else:
        presented = (n.content.decode("latin-1") for n in names if n.kind == DNS)
        found = any(is_matched_by_okhttp(reference, each) for each in presented)
    return "" if found else "Hostname not verified"


def _unmap(octets: bytes) -> bytes:
    prefix = b"\0" * 10 + b"\xff\xff"
    return octets[12:] if len(octets) == 16 and octets.startswith(prefix) else octets
