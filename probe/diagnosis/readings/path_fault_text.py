"""The words for a fault of a server's path: which certificate, which rule, with which values. Pure."""

from collections.abc import Callable
from typing import Final

from probe.diagnosis.readings.server_verification import find_faulty_certificate
from probe.model.certificate import name_certificate
from probe.model.evidence import Evidence
from probe.model.path_fault import DATE_FAULTS, PathFault, PathFaultKind


def name_faulty(evidence: Evidence, fault: PathFault) -> str:
    """Name the certificate that `fault` is about, and where it stands."""
    certificate = find_faulty_certificate(evidence, fault)
    name = fault.subject or (name_certificate(certificate) if certificate is not None else "")
    if fault.position == 0:
        return f"the backend's certificate {name}".rstrip()
    if fault.position is not None:
        place = f"certificate {fault.position + 1} that the backend sends"
        return f"{place} ({name})" if name else place
    if not fault.sha256 and fault.kind not in DATE_FAULTS:
        return f"a certificate of the path {name}".rstrip()
    return f"the anchor {name}" if name else "an anchor"


def describe_fault(fault: PathFault) -> str:
    """Say which rule is broken, with the values: what follows the certificate's name."""
    describe = _DESCRIPTIONS.get(fault.kind)
    if fault.kind == "name_constraint" and fault.position == 0:
        describe = _describe_forbidden_name
    text = _PLAIN[fault.kind] if describe is None else describe(fault.value, fault.limit)
    if fault.kind == "unreadable" and not fault.value and fault.says:
        text += f": {fault.says.rpartition('x509: ')[2] or fault.says}"
    return f"{text} ({fault.rule})" if fault.rule else text


_PLAIN: Final[dict[PathFaultKind, str]] = {
    "no_anchor": "leads to no certificate that the exporter trusts",
    "bad_signature": "was not signed by the key of the issuer that is available under that name",
    "expired": "has expired",
    "not_yet_valid": "is not valid yet",
    "policy": "has no certificate policy that its whole path allows, and one is demanded",
}


def _add(text: str, value: str) -> str:
    return f"{text}: {value}" if value else text


def _describe_unreadable(value: str, limit: str) -> str:
    if limit:
        return f"has a key of a kind that the exporter does not use: {value} (it uses {limit})"
    return _add("cannot be read by the exporter", value)


def _describe_wrong_usage(value: str, _: str) -> str:
    return f"is made for {value}, not for serverAuth" if value else "is not made for servers"


def _describe_usage_above(value: str, _: str) -> str:
    made_for = f"is limited to {value}" if value else "is limited to other usages"
    return f"{made_for}, so that no certificate below it may be a server's"


def _describe_not_a_ca(value: str, _: str) -> str:
    return _add("issued the certificate below it, and may not issue certificates", value)


def _describe_path_length(value: str, limit: str) -> str:
    if not (value and limit):
        return _add("has more CAs below it than it allows", value)
    return f"allows {limit} CAs below it, and has {value} there"


def _describe_name_constraint(value: str, limit: str) -> str:
    """Of the CA that has the constraint."""
    if limit:
        return f"does not allow the {_name_name(value)}: its name constraints say {limit}"
    return _add("has name constraints that do not allow a name below it", value)


def _describe_forbidden_name(value: str, limit: str) -> str:
    """Of the certificate that has the name."""
    name = f"the {_name_name(value)}" if value else "a name"
    return _add(f"has {name}, which a name constraint above it does not allow", limit)


def _name_name(value: str) -> str:
    """Return `value` with what kind of name it is, where that is not said."""
    said = value.startswith(("DNS name", "IP address", "email", "rfc822Name", "URI", "directory"))
    return value if said else f"name {value}"


def _describe_extension(value: str, _: str) -> str:
    return _add("has a critical extension that the exporter does not fully understand", value)


def _describe_weak_signature(value: str, _: str) -> str:
    return _add("has a signature of a kind that the exporter does not verify", value)


def _describe_weak_key(value: str, limit: str) -> str:
    if not (value and limit):
        return _add("has a key that the exporter does not use", value)
    bound = limit if limit.startswith("at most") else f"at least {limit}"
    return f"has a key of {value}, and the exporter wants {bound}"


def _describe_mismatch(value: str, limit: str) -> str:
    wanted = f"does not have the name {limit}" if limit else "does not have the name"
    return f"{wanted}; its names are {value}" if value else wanted


def _describe_malformed(value: str, limit: str) -> str:
    broken = _add("breaks a rule for certificates", value)
    return f"{broken}, where {limit} is demanded" if limit else broken


def _describe_too_complex(value: str, _: str) -> str:
    return _add("has so many possible paths that the exporter gives up", value)


_DESCRIPTIONS: Final[dict[PathFaultKind, Callable[[str, str], str]]] = {
    "unreadable": _describe_unreadable,
    "wrong_usage": _describe_wrong_usage,
    "wrong_usage_above": _describe_usage_above,
    "not_a_ca": _describe_not_a_ca,
    "path_length": _describe_path_length,
    "name_constraint": _describe_name_constraint,
    "critical_extension": _describe_extension,
    "weak_signature": _describe_weak_signature,
    "weak_key": _describe_weak_key,
    "name_mismatch": _describe_mismatch,
    "malformed": _describe_malformed,
    "too_complex": _describe_too_complex,
}
"""By kind, what is said with the value and the limit; of the others there are none to say."""
