"""What of a target deserves an alert right now: pure, with the names and bounds of the rules.

The same conditions as `mtls-probe rules` gives Prometheus, for those who have none. Law 10: label
values and annotations have passed `safe_text`, or pass it here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from probe.causes.catalogue import CATALOGUE
from probe.causes.cause import Cause
from probe.causes.steps import fill_steps
from probe.causes.wording import date, shown, span
from probe.credential_facts import CertificateFacts
from probe.diagnosis import Diagnosis
from probe.evidence import Evidence
from probe.ledger import TargetState
from probe.outputs.rules.certificates import CRITICAL_SHARE, WARNING_SHARE
from probe.outputs.rules.rule import Thresholds
from probe.outputs.story import summary
from probe.safe_text import safe_text

Severity = Literal["critical", "warning", "info"]

HOLD: Final = 300.0
"""Seconds that a condition must last before anybody is told, as `for` in the rules."""
FACTS: Final = 12
"""How many facts a description holds."""
_EXPIRY: Final = (
    ("client", "MtlsProbeClientCertificateExpiring", "client_cert_expired"),
    ("server", "MtlsProbeServerCertificateExpiring", "server_cert_expired"),
    ("client_ca_bundle", "MtlsProbeCaCertificateExpiring", "server_ca_untrusted"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One thing that is wrong now; `identity` tells it from others over time."""

    alertname: str
    identity: tuple[str, ...]
    severity: Severity
    cause: str
    labels: tuple[tuple[str, str], ...] = ()
    """Beside alertname, severity, cause and the target's own."""
    summary: str
    description: str
    fix: tuple[str, ...]
    value: float = 1.0


def conditions(
    state: TargetState,
    thresholds: Thresholds,
    clock_tolerance: float,
    now: float,
    catalogue: Mapping[str, Cause] = CATALOGUE,
) -> Iterator[Condition]:
    """Yield what is wrong with a target as of `now`, epoch seconds.

    Args:
        state: the target's page of the ledger.
        thresholds: from when on a certificate's end is told.
        clock_tolerance: seconds by which two clocks may differ.
        now: for what is left of a certificate's lifetime.
        catalogue: the causes.
    """
    evidence, diagnosis = state.evidence, state.diagnosis
    if evidence is None or diagnosis is None:
        return
    name = safe_text(state.target.name)
    if not state.expected:
        yield _not_as_expected(name, state.target.expect_cause, evidence, diagnosis, catalogue)
    yield from _expiring(name, evidence, thresholds, now, catalogue)
    yield from _rotation(name, evidence, diagnosis, catalogue)
    for reading in evidence.clock:
        if abs(reading.offset) > clock_tolerance:
            yield Condition(
                alertname="MtlsProbeClockSkew",
                identity=(name, reading.source),
                severity="warning",
                cause="clock_skew",
                labels=(("source", reading.source),),
                summary=f"The clocks of the probe and of {name} are {span(reading.offset)} apart",
                description=f"Measured by {reading.source}. Where a clock is wrong, valid "
                "certificates seem expired, or not valid yet.",
                fix=fill_steps(catalogue["clock_skew"].fix, evidence.target),
                value=reading.offset,
            )


def _not_as_expected(
    name: str,
    wanted: str | None,
    evidence: Evidence,
    diagnosis: Diagnosis,
    catalogue: Mapping[str, Cause],
) -> Condition:
    description = "; ".join(diagnosis.facts[:FACTS])
    cause = catalogue.get(diagnosis.cause or "")
    if diagnosis.outcome == "confirmed":
        expected = catalogue.get(wanted or "")
        return Condition(
            alertname="MtlsProbeNotEnforced",
            identity=(name,),
            severity="critical",
            cause=wanted or "",
            summary=f"{name} let a client in that it must refuse",
            description=f"The attempt had to fail with {wanted}. {description}",
            fix=fill_steps(expected.fix, evidence.target) if expected else (),
        )
    if cause is None:
        return Condition(
            alertname="MtlsProbeUnconfirmed" if diagnosis.cause is None else "MtlsProbeFailing",
            identity=(name,),
            severity="warning" if diagnosis.cause is None else "critical",
            cause=diagnosis.cause or "",
            summary=f"Nothing proves that {name} accepts the exporter",
            description=description,
            fix=diagnosis.fix,
        )
    return Condition(
        alertname="MtlsProbeFailing",
        # Not its cause: one that alternates is one alert that goes on.
        identity=(name,),
        severity=cause.severity,
        cause=cause.id,
        labels=(
            ("certain", str(diagnosis.certain).lower()),
            ("documented_cause", str(cause.documented_cause)),
            ("family", cause.family),
            ("party", diagnosis.party or cause.party),
        ),
        summary=f"{name} is not as expected: {summary(diagnosis)}",
        description=description,
        fix=diagnosis.fix,
    )


def _expiring(
    name: str,
    evidence: Evidence,
    thresholds: Thresholds,
    now: float,
    catalogue: Mapping[str, Cause],
) -> Iterator[Condition]:
    held = {
        "client": evidence.credentials.client_chain,
        "server": evidence.handshake.server_chain if evidence.handshake else (),
        "client_ca_bundle": evidence.credentials.ca_bundle,
    }
    for source, alertname, cause in _EXPIRY:
        for position, facts in enumerate(held[source]):
            severity = _due(facts, thresholds, now)
            left = facts.not_after - now
            # An ended CA that no backend needs does no harm; a needed one makes attempts fail.
            if severity is None or (source == "client_ca_bundle" and left <= 0):
                continue
            ends = f"ends in {span(left)}" if left > 0 else f"ended {span(left)} ago"
            yield Condition(
                alertname=alertname,
                identity=(name, source, facts.sha256),
                severity=severity,
                cause=cause,
                labels=(("source", source), ("position", str(position))),
                summary=f"A certificate of {name} ({shown(facts)}) {ends}",
                description=f"notAfter is {date(facts.not_after)}; it is number {position} of "
                f"source {source}, counted from 0.",
                fix=fill_steps(catalogue[cause].fix, evidence.target),
                value=left,
            )


def _due(facts: CertificateFacts, thresholds: Thresholds, now: float) -> Severity | None:
    left, lifetime = facts.not_after - now, facts.not_after - facts.not_before
    bounds: tuple[tuple[Severity, float, int], ...] = (
        ("critical", thresholds.expiry_critical, CRITICAL_SHARE),
        ("warning", thresholds.expiry_warning, WARNING_SHARE),
    )
    for severity, seconds, share in bounds:
        if left < seconds and left < lifetime / share:
            return severity
    return None


def _rotation(
    name: str, evidence: Evidence, diagnosis: Diagnosis, catalogue: Mapping[str, Cause]
) -> Iterator[Condition]:
    for fault in evidence.credentials.unusable:
        if diagnosis.outcome == "confirmed":
            yield _not_reloading(name, fault.cause, fault.fact, fault.fix)
    for finding in diagnosis.findings:
        if finding.cause == "exporter_not_reloading":
            yield _not_reloading(name, finding.cause, finding.fact, finding.fix)
        elif finding.cause == "backend_not_reloading":
            yield Condition(
                alertname="MtlsProbeBackendNotReloading",
                identity=(name,),
                severity="warning",
                cause=finding.cause,
                summary=f"The backend of {name} still serves an old certificate",
                description=finding.fact,
                fix=finding.fix or catalogue[finding.cause].fix,
            )


def _not_reloading(name: str, cause: str, fact: str, fix: tuple[str, ...]) -> Condition:
    return Condition(
        alertname="MtlsProbeCredentialsNotReloading",
        identity=(name, cause),
        severity="warning",
        cause=cause,
        summary=f"New credential files of {name} are not in use: {cause}",
        description=fact,
        fix=fix,
    )
