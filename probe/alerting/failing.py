"""Alerting rules on what a target answers: it fails, is silent, or accepts a client that it must refuse.

Each target that is not as expected is in exactly one of the three, whatever its other series are:
no alert is lost to a join, or because a cause changes from attempt to attempt.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from probe.alerting.links import (
    CAUSE,
    PARTY,
    TARGET,
    WHERE,
    Pages,
    build_fix_template,
    get_first_step,
)
from probe.alerting.recording import FAILING, OF_THE_CAUSE, name_series
from probe.alerting.rule import AlertRule, Thresholds
from probe.diagnosis.cause import Cause

_LIKELY: Final = '{{ if eq $labels.certain "false" }}, most likely but not for certain{{ end }}'

_OF_THE_TARGET: Final = "job=%q,instance=%q,target=%q"
_VALUES: Final = "$labels.job $labels.instance $labels.target"
_COUNT: Final = (
    f'{{{{ with printf "mtls_probe_addresses{{{_OF_THE_TARGET}}}" {_VALUES} | query }}}}'
    "{{ . | first | value }}{{ end }}"
)
_UNEXPECTED: Final = _COUNT.replace("mtls_probe_addresses{", "mtls_probe_addresses_unexpected{")
WHAT_CHANGED: Final = (
    f'{{{{ with printf "mtls_probe_backend_changed_timestamp_seconds{{{_OF_THE_TARGET}}} '
    f'> time() - 3600" {_VALUES} | query | sortByLabel "what" }}}}'
    " Changed at the backend in the hour before: "
    "{{ range $at, $one := . }}{{ if $at }}, {{ end }}{{ $one.Labels.what }}{{ end }}.{{ end }}"
)
"""What of the backend is another than before the failure."""
OVER_ALL: Final = " Over all causes"
"""Where the description goes on with what only a query tells."""
_ARE: Final = "{{ if eq $value 1.0 }}is{{ else }}are{{ end }}"
_ADDRESSES: Final = (
    f'{{{{ range $at, $one := printf "{FAILING}{{{_OF_THE_TARGET},cause=%q,address!=\\"\\"}}" '
    f'{_VALUES} $labels.cause | query | sortByLabel "address" }}}}'
    "{{ if $at }}, {{ end }}{{ $one.Labels.address }}{{ end }}"
)
"""Of the alert's target: how many addresses there are, and which of them have the alert's cause."""


def list_failing_rules(
    thresholds: Thresholds, pages: Pages, catalogue: Mapping[str, Cause]
) -> Iterator[AlertRule]:
    """Yield the alerting rules of targets that are not as expected."""
    # `for` would start again at each change of the cause, which is a label of the alert. Without
    # the offset, the first attempt of a new target would be enough.
    window = thresholds.window
    lasting = _write_lasting("mtls_probe_success", window)
    of_one = _write_lasting('mtls_probe_success{address=""}', window)
    yield AlertRule(
        alert="MtlsProbeFailing",
        expr=name_series(f"{FAILING}\nand ignoring ({OF_THE_CAUSE})\n{of_one}"),
        severity='{{ or $labels.severity "critical" }}',
        summary=f"{TARGET} is not as expected: {CAUSE}",
        description=f"Attempts end with {CAUSE}, of the family {{{{ $labels.family }}}}{_LIKELY}. "
        f"Who must act: {PARTY}.{WHERE}{WHAT_CHANGED}",
        # One branch for each cause, in one annotation: Prometheus reads a template again for every
        # alert at every evaluation, and a lost CA makes thousands of them.
        fix=build_fix_template(catalogue.values()),
        runbook_url=pages.link_cause(CAUSE),
        dashboard_url=pages.link_target(),
    )
    yield _build_address_rule(window, pages, catalogue)
    yield AlertRule(
        alert="MtlsProbeUnconfirmed",
        expr=name_series(f"""\
count without (address) (
    {lasting}
  unless ignoring ({OF_THE_CAUSE})
    {FAILING}
  unless ignoring (outcome)
    mtls_probe_outcome{{outcome="confirmed"}}
)"""),
        severity="warning",
        summary=f"Nothing proves that {TARGET} accepts the exporter",
        description="Attempts went well as far as they went, and no answer came in time. Silence is "
        f"not a success.{WHERE}",
        fix="Look at the load of the backend and at its log; where an answer takes longer than the "
        "target's timeout, raise that.",
        runbook_url=pages.link_cause("tls_timeout"),
        dashboard_url=pages.link_target(),
    )
    yield AlertRule(
        alert="MtlsProbeNotEnforced",
        expr=name_series("""\
count without (address) (
    mtls_probe_expected_cause
  and ignoring (cause, outcome)
    mtls_probe_outcome{outcome="confirmed"}
  or
    mtls_probe_finding{cause="client_cert_not_requested"}
  and ignoring (cause, outcome)
    mtls_probe_outcome{outcome="confirmed"}
  and ignoring (cause)
    mtls_probe_success == 0
)"""),
        severity="critical",
        summary=f"{TARGET} accepted a client that it must refuse",
        description='{{ if eq $labels.cause "client_cert_not_requested" }}The configuration demands '
        "that the backend asks for a client certificate, and it takes clients without one.{{ else }}"
        f"The attempt had to fail with {CAUSE}, and the backend accepted it. Others are "
        f"accepted too.{{{{ end }}}}{WHERE}",
        fix="Set client_ca_file in the backend's tls settings (nginx: ssl_verify_client on) and "
        "restart it; if it is set, look for a load balancer that ends TLS before it.",
        runbook_url=pages.link_cause(CAUSE),
        dashboard_url=pages.link_target(),
    )
    open_to_all = catalogue["client_cert_not_requested"]
    yield AlertRule(
        alert="MtlsProbeClientCertificateNotRequested",
        # Where the configuration demands it, MtlsProbeNotEnforced says so.
        expr=name_series(f"""\
count without (address) (
    mtls_probe_finding{{cause="{open_to_all.id}"}}
  unless ignoring (cause)
    mtls_probe_success == 0
)"""),
        hold=thresholds.window,
        severity="warning",
        summary=f"mTLS is not enforced: the backend of {TARGET} takes clients without a certificate",
        description=open_to_all.meaning + WHERE,
        fix=get_first_step(open_to_all),
        runbook_url=pages.link_cause(open_to_all.id),
        dashboard_url=pages.link_target(),
    )


def _write_lasting(success: str, window: str) -> str:
    return f"(max_over_time({success}[{window}]) == 0 and {success} offset {window})"


def _build_address_rule(window: str, pages: Pages, catalogue: Mapping[str, Cause]) -> AlertRule:
    """Return the rule of targets of which each address has its own result: one alert for each cause.

    An address that fails for the whole window counts. Where none does, and yet at no moment of the
    window all were as expected, those that fail now count: addresses may come and go.
    """
    unexpected = "mtls_probe_addresses_unexpected"
    of_addresses = 'mtls_probe_success{address!=""}'
    lasting = f"{FAILING} and ignoring ({OF_THE_CAUSE}) {_write_lasting(of_addresses, window)}"
    return AlertRule(
        alert="MtlsProbeFailing",
        expr=name_series(f"""\
count without (address, certain) (
    {lasting}
  or
    {FAILING} and ignoring ({OF_THE_CAUSE}) {of_addresses}
  and ignoring (address, {OF_THE_CAUSE})
    (min_over_time({unexpected}[{window}]) > 0 and {unexpected} offset {window})
  unless ignoring (address, {OF_THE_CAUSE})
    ({lasting})
)"""),
        # The same in other words: rules of one name, so that routes fit both, must differ in a label.
        severity="{{ if $labels.severity }}{{ $labels.severity }}{{ else }}critical{{ end }}",
        summary=f"{TARGET}: {{{{ $value }}}} of {_COUNT} addresses {_ARE} not as expected, {CAUSE}: "
        f"{_ADDRESSES}",
        description=f"Attempts at these addresses end with {CAUSE}, of the family "
        f"{{{{ $labels.family }}}}. Who must act: {PARTY}.{WHERE}{OVER_ALL}, {_UNEXPECTED} of "
        f"{_COUNT} addresses of the name are not as expected.",
        fix=build_fix_template(catalogue.values()),
        runbook_url=pages.link_cause(CAUSE),
        dashboard_url=pages.link_target(),
    )
