"""Alerting rules on certificates that expire soon, and on new ones that are not in use yet.

Only certificates that a verified path uses are due: what nothing rests on ends without harm.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from probe.alerting.links import CAUSE, TARGET, WHERE, Pages, build_fix_template, get_first_step
from probe.alerting.recording import name_series
from probe.alerting.rule import AlertRule, Thresholds
from probe.diagnosis.cause import Cause

WARNING_SHARE: Final = 4
"""A certificate is due in the last quarter of its lifetime at the earliest.

Automatic renewal comes earlier: cert-manager renews when a third is left, SPIRE when half is.
"""
CRITICAL_SHARE: Final = 8

_AFTER: Final = "mtls_probe_certificate_not_after_timestamp_seconds"
_BEFORE: Final = "mtls_probe_certificate_not_before_timestamp_seconds"
INFO: Final = "mtls_probe_certificate_info"
NAMES: Final = "subject, issuer, serial_number, fingerprint_sha256, sans, path, used"
"""The labels that this metric has, and those of the dates have not."""
_SUBJECT: Final = '{{ or $labels.subject "A certificate" }}'
_PATH: Final = "{{ $labels.path }}"
_LEFT: Final = (
    "{{ if gt $value 0.0 }}ends in {{ humanizeDuration $value }}{{ else }}has ended{{ end }}"
)
_ISSUER: Final = "{{ with $labels.issuer }} Its issuer is {{ . }}.{{ end }}"
_NOT_RENEWED: Final = (
    "See why what renews it has not done so: the events of its Certificate object (cert-manager), the "
    "log of the SPIRE agent, of certbot, or of the job that does it. Where nothing renews it, have "
    "its issuer sign a new one, and"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Expiry:
    """Certificates of one place, and what their end brings about."""

    alert: str
    source: str
    where: str
    then: str
    cause: str
    fix: str
    in_file: bool = True
    """Whether they have a path."""


_EXPIRIES: Final = (
    _Expiry(
        alert="MtlsProbeClientCertificateExpiring",
        source="client",
        where=_PATH,
        then="From then on, backends refuse the exporter.",
        cause="client_cert_expired",
        fix=f"{_NOT_RENEWED} put it in {_PATH}.",
    ),
    _Expiry(
        alert="MtlsProbeServerCertificateExpiring",
        source="server",
        where="the backend's chain",
        then="From then on, exporters refuse the backend.",
        cause="server_cert_expired",
        fix=f"{_NOT_RENEWED} put it, followed by its intermediates, in place of the present one on "
        "the backend.",
        in_file=False,
    ),
    _Expiry(
        alert="MtlsProbeCaCertificateExpiring",
        source="client_ca_bundle",
        where=f"{{{{ if $labels.path }}}}{_PATH}{{{{ else }}}}the system's roots{{{{ end }}}}",
        then="From then on, the exporter refuses the backend, whose certificate rests on this CA.",
        cause="server_cert_expired",
        fix=(
            "Put the CA that follows into ca_file, next to this one, before the backend gets a "
            "certificate of it."
        ),
    ),
    _Expiry(
        alert="MtlsProbeReceiverClientCaExpiring",
        source="receiver_client_ca",
        where=_PATH,
        then="From then on, the receiver refuses the clients whose certificates rest on this CA.",
        cause="client_ca_untrusted",
        fix=(
            "Append the CA that follows to client_ca_file, next to this one, before clients get "
            "certificates of it."
        ),
    ),
)


def list_certificate_rules(
    thresholds: Thresholds, pages: Pages, catalogue: Mapping[str, Cause]
) -> Iterator[AlertRule]:
    """Yield the alerting rules of certificates that end soon or are not in use yet."""
    for expiry in _EXPIRIES:
        for severity, seconds, share in (
            ("warning", thresholds.expiry_warning, WARNING_SHARE),
            ("critical", thresholds.expiry_critical, CRITICAL_SHARE),
        ):
            yield AlertRule(
                alert=expiry.alert,
                expr=name_series(_write_expression(expiry, seconds, share)),
                hold="5m",
                severity=severity,
                summary=f"{_SUBJECT} of {TARGET}, in {expiry.where}, {_LEFT}",
                description=_describe_place(expiry) + expiry.then + _ISSUER + WHERE,
                fix=expiry.fix,
                runbook_url=pages.link_cause(expiry.cause),
                dashboard_url=pages.link_target(),
            )
    yield from _list_rotation_rules(pages, catalogue)


def _describe_place(expiry: _Expiry) -> str:
    """Say which certificate it is by its place; a CA has none that counts."""
    if expiry.source in {"client_ca_bundle", "receiver_client_ca"}:
        return ""
    return f"It is number {{{{ $labels.position }}}} in {expiry.where}, counted from 0. "


def _write_expression(expiry: _Expiry, seconds: float, share: int) -> str:
    after, before = (f'{name}{{source="{expiry.source}"}}' for name in (_AFTER, _BEFORE))
    # Both must hold: a certificate for one day is not due all day long.
    return f"""\
min without (address) (
  (
      {after} - time() < {_format_span(seconds)}
    unless
        {after} - time()
      >=
        (
            {after}
          - {before}
        ) / {share}
  )
  * ignoring ({NAMES}) group_left ({"subject, issuer, path" if expiry.in_file else "subject, issuer"})
    {INFO}{{source="{expiry.source}",used="true"}}
)"""


def _list_rotation_rules(pages: Pages, catalogue: Mapping[str, Cause]) -> Iterator[AlertRule]:
    exporter, backend = catalogue["exporter_not_reloading"], catalogue["backend_not_reloading"]
    faults = [cause for cause in catalogue.values() if "credentials" in cause.applies]
    yield AlertRule(
        alert="MtlsProbeCredentialsNotReloading",
        # The files cannot be used, and yet the backend confirms: with those of before.
        expr=name_series(f"""\
max without (address) (
    (
        mtls_probe_credential_fault
      and ignoring (cause, outcome)
        mtls_probe_outcome{{outcome="confirmed"}}
    )
  or
    mtls_probe_finding{{cause="{exporter.id}"}}
)"""),
        hold="5m",
        severity="warning",
        summary=f"New credential files of {TARGET} are not in use: {CAUSE}",
        description=f'{{{{ if eq $labels.cause "{exporter.id}" }}}}{exporter.title}: it reads them '
        "once, at its start.{{ else }}The files that are there now cannot be used. The previous ones "
        "still work: until they expire, or the exporter restarts.{{ end }}" + WHERE,
        fix=build_fix_template(dict.fromkeys([*faults, exporter])),
        runbook_url=pages.link_cause(CAUSE),
        dashboard_url=pages.link_target(),
    )
    yield AlertRule(
        alert="MtlsProbeBackendNotReloading",
        expr=name_series(f'max without (address) (mtls_probe_finding{{cause="{backend.id}"}})'),
        hold="15m",
        severity="warning",
        summary=f"The backend of {TARGET} still serves an old certificate",
        description=backend.meaning + WHERE,
        fix=get_first_step(backend),
        runbook_url=pages.link_cause(backend.id),
        dashboard_url=pages.link_target(),
    )


def _format_span(seconds: float) -> str:
    """Return `seconds` in the largest unit that fits, for readers of a rule: days, else hours."""
    for unit in (86400, 3600):
        if seconds % unit == 0:
            return f"{int(seconds // unit)} * {unit}"
    return f"{seconds:.15g}"
