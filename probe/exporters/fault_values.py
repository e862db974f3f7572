"""What was found and what the rule demands, in words that hold for every runtime's fault."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Final

from probe.model.path_fault import PathFaultKind
from probe.x509 import extensions as ext
from probe.x509.extensions import GeneralName
from probe.x509.raw_certificate import Certificate, WrittenTime
from probe.x509.times import read_time

MAX_SHOWN: Final = 20
USAGE_NAMES: Final = {
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
    "2.5.29.37.0": "anyExtendedKeyUsage",
}
_KINDS: Final = {ext.EMAIL: "email", ext.DNS: "DNS", ext.URI: "URI", ext.IP: "IP"}


def _describe_usage(one: Certificate, value: str) -> tuple[str, str]:
    match value:
        case "keyUsage":
            return "keyUsage without digitalSignature", "digitalSignature"
        case "nsCertType" | "CA":
            return value, "a TLS server's"
        case _:
            extension = one.get_extension(ext.EXTENDED_KEY_USAGE)
            usages = () if extension is None else ext.read_usages(extension.value) or ()
            names = [USAGE_NAMES.get(oid, oid) for oid in usages[:MAX_SHOWN]]
            return ", ".join(names), "serverAuth"


def _describe_ca(one: Certificate, _value: str) -> tuple[str, str]:
    basic = one.get_extension(ext.BASIC_CONSTRAINTS)
    if basic is None:
        return "no basicConstraints", "cA"
    constraints = ext.read_basic_constraints(basic.value)
    if constraints is None or not constraints.is_ca:
        return "basicConstraints without cA", "cA"
    return "keyUsage without keyCertSign", "keyCertSign"


def _describe_end(one: Certificate, _value: str) -> tuple[str, str]:
    return _format_time(one.not_after), ""


def _describe_beginning(one: Certificate, _value: str) -> tuple[str, str]:
    return _format_time(one.not_before), ""


def _format_time(written: WrittenTime) -> str:
    moment = read_time(written)
    return "" if moment is None else f"{moment:.0f}"


_DESCRIBED: Final[dict[PathFaultKind, Callable[[Certificate, str], tuple[str, str]]]] = {
    "expired": _describe_end,
    "not_yet_valid": _describe_beginning,
    "not_a_ca": _describe_ca,
    "wrong_usage": _describe_usage,
    "wrong_usage_above": _describe_usage,
}


def describe_values(
    kind: PathFaultKind, one: Certificate, value: str, limit: str
) -> tuple[str, str]:
    """Return what was found and what is demanded; what the model gives where nothing is better."""
    if kind == "name_mismatch":
        return list_presented(one), limit
    describe = _DESCRIBED.get(kind)
    return (value, limit) if describe is None else describe(one, value)


def list_presented(one: Certificate) -> str:
    """Return the names that a certificate presents, with their kinds."""
    extension = one.get_extension(ext.SUBJECT_ALT_NAME)
    names = () if extension is None else ext.read_general_names(extension.value) or ()
    shown = [f"{_KINDS[name.kind]}:{_format_name(name)}" for name in names if name.kind in _KINDS]
    more = f" and {len(shown) - MAX_SHOWN} more" if len(shown) > MAX_SHOWN else ""
    return ", ".join(shown[:MAX_SHOWN]) + more


def _format_name(name: GeneralName) -> str:
    if name.kind == ext.IP:
        is_address = len(name.content) in {4, 16}
        return str(ip_address(name.content)) if is_address else name.content[:32].hex()
    return name.content[:256].decode("ascii", "replace")
