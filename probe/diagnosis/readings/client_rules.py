"""Rules of RFC 5280 that the exporter's own chain breaks, against what a backend answered: pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from probe.diagnosis.readings.client_certificate import UNSPECIFIC_ALERTS
from probe.model.evidence import Evidence
from probe.model.path_fault import PathFault, PathFaultKind
from probe.model.tls_alerts import TlsAlert

USAGES: Final = frozenset[PathFaultKind]({"wrong_usage", "wrong_usage_above"})
"""What has a cause of its own, client_cert_wrong_usage."""

ALERTS: Final[Mapping[PathFaultKind, frozenset[TlsAlert]]] = {
    "not_a_ca": frozenset({TlsAlert.UNKNOWN_CA, TlsAlert.BAD_CERTIFICATE}),
    "path_length": frozenset({TlsAlert.UNKNOWN_CA, TlsAlert.BAD_CERTIFICATE}),
    "name_constraint": frozenset({TlsAlert.BAD_CERTIFICATE}),
    "critical_extension": frozenset({TlsAlert.BAD_CERTIFICATE}),
    "policy": frozenset({TlsAlert.BAD_CERTIFICATE}),
    "wrong_usage": frozenset({TlsAlert.UNSUPPORTED_CERTIFICATE, TlsAlert.BAD_CERTIFICATE}),
    "wrong_usage_above": frozenset({TlsAlert.UNSUPPORTED_CERTIFICATE, TlsAlert.BAD_CERTIFICATE}),
    "malformed": frozenset(
        {TlsAlert.UNKNOWN_CA, TlsAlert.BAD_CERTIFICATE, TlsAlert.INTERNAL_ERROR}
    ),
    "unreadable": frozenset({TlsAlert.DECODE_ERROR, TlsAlert.BAD_CERTIFICATE}),
    "bad_signature": frozenset({TlsAlert.UNKNOWN_CA, TlsAlert.DECRYPT_ERROR}),
}
"""What Go, OpenSSL, rustls, JSSE and GnuTLS backends send for it, besides the unspecific ones."""

_RULES: Final[Mapping[PathFaultKind, str]] = {
    "not_a_ca": "issued the certificate below it and may not issue any",
    "path_length": "has more CAs below it than it allows",
    "name_constraint": "does not allow a name of a certificate below it",
    "critical_extension": "has a critical extension that verifiers do not know",
    "policy": "requires a certificate policy, and none holds for the whole chain",
    "wrong_usage": "is not made for clients by its extendedKeyUsage alone",
    "wrong_usage_above": "does not allow certificates of clients below it",
    "malformed": "breaks a rule for certificates",
    "unreadable": "cannot be read by Go",
    "bad_signature": "does not fit the issuer of that name",
}


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A rule that the chain breaks."""

    fault: PathFault
    by_all: bool
    """Whether every verifier applies it."""
    fits: bool
    """Whether backends answer to it as this one did."""


def find_broken_rule(
    evidence: Evidence, alert: int | None, *, usages: bool = False
) -> BrokenRule | None:
    """Return the rule that explains a refusal best; None where none does.

    Args:
        evidence: the attempt.
        alert: the alert of the refusal; None where there was none.
        usages: whether to look for faults of extendedKeyUsage, or for all others.
    """
    held = evidence.credentials
    rules = [
        BrokenRule(fault, by_all, alert in UNSPECIFIC_ALERTS or alert in ALERTS.get(fault.kind, ()))
        for faults, by_all in ((held.broken_rules, True), (held.disputed_rules, False))
        for fault in faults
        if (fault.kind in USAGES) is usages and fault.kind != "bad_signature"
    ]
    return next(
        (rule for rule in rules if rule.fits), next((rule for rule in rules if rule.by_all), None)
    )


def find_namesake(evidence: Evidence) -> PathFault | None:
    """Return that a certificate has the name of an issuer, and its key or key identifier does not fit."""
    rules = evidence.credentials.disputed_rules
    return next((fault for fault in rules if fault.kind == "bad_signature"), None)


def describe_rule(evidence: Evidence, fault: PathFault) -> str:
    """Say which certificate breaks which rule, and where it is."""
    held, files = evidence.credentials, evidence.target
    path = files.cert_file or "cert_file"
    if fault.position is None:
        paths = (one.path for one in held.unsent_issuers if one.certificate.sha256 == fault.sha256)
        path = next(paths, "ca_file")
        place = f" in {path}, which our certificate rests on,"
    else:
        place = f" (certificate {fault.position + 1} of {path})"
    return f"{fault.subject or 'a certificate without a subject'}{place} {state_rule(fault)}"


def state_rule(fault: PathFault) -> str:
    """Say which rule is broken, with the values: what follows the certificate's name."""
    found = "; ".join(
        part for part in (fault.value, fault.limit and f"the rule is {fault.limit}") if part
    )
    text = _RULES.get(fault.kind, "breaks a rule")
    return f"{text}: {found} ({fault.rule})" if found else f"{text} ({fault.rule})"
