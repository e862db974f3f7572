"""Whether Go takes a certificate for a host's: VerifyHostname (go1.26, verify.go)."""

import re
from typing import Final

from probe.exporters.go_certificate import GoCertificate
from probe.exporters.go_names import is_same_address, parse_ip, to_lower

_LABEL: Final = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_-]*")
SPIFFE: Final = "spiffe://"


def matches_host(certificate: GoCertificate, host: str) -> bool:
    """Return whether `certificate` is valid for `host`; a CN never counts.

    A reference that is a SPIFFE ID is not Go's: it must be the only URI (SPIFFE X.509-SVID §2).
    """
    if host.startswith(SPIFFE):
        return [text for text, _ in certificate.uris] == [host]
    address = parse_ip(strip_brackets(host))
    if address is not None:
        return any(is_same_address(address, one) for one in certificate.ips)
    name = to_lower(host)
    is_host = _is_hostname(name.removesuffix("."), is_pattern=False)
    parts = name.removesuffix(".").split(".")
    for presented in certificate.dns_names:
        if is_host and _is_hostname(presented, is_pattern=True):
            if _matches_pattern(to_lower(presented), parts):
                return True
        elif presented not in {"", "."} and to_lower(presented) == name:
            return True
    return False


def strip_brackets(host: str) -> str:
    """Return an address without the brackets that it may be written in."""
    return host[1:-1] if len(host) >= 3 and host[0] == "[" and host[-1] == "]" else host


def relies_on_common_name(certificate: GoCertificate, common_name: str, host: str) -> bool:
    """Whether Go says that the certificate relies on its CN (HostnameError.Error)."""
    parts = to_lower(host.removesuffix(".")).split(".")
    return not certificate.has_san and _matches_pattern(to_lower(common_name), parts)


def _is_hostname(name: str, *, is_pattern: bool) -> bool:
    """Whether wildcards and trailing dots mean something in it (validHostname)."""
    if not name or name == "*":
        return False
    for place, label in enumerate(name.split(".")):
        if is_pattern and not place and label == "*":
            continue
        if not _LABEL.fullmatch(label):
            return False
    return True


def _matches_pattern(pattern: str, parts: list[str]) -> bool:
    """Whether each label is the same, the first perhaps a `*` (matchHostnames)."""
    labels = pattern.split(".")
    if not pattern or len(labels) != len(parts):
        return False
    return labels[1:] == parts[1:] and labels[0] in {"*", parts[0]}
