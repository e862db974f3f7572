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
    Pages,
    build_fix_template,
    get_first_step,
)
from probe.alerting.recording import FAILING, OF_THE_CAUSE
from probe.alerting.rule import AlertRule, Thresholds
from probe.diagnosis.cause import Cause

_LIKELY: Final = '{{ if eq $labels.certain "false" }}, most likely but not for certain{{ end }}'


def list_failing_rules(
    thresholds: Thresholds, pages: Pages, catalogue: Mapping[str, Cause]
) -> Iterator[AlertRule]:
    """Yield the alerting rules of targets that are not as expected."""
    # `for` would start again at each change of the cause, which is a label of the alert. Without
    # the offset, the first attempt of a new target would be enough.
    window = thresholds.window
    lasting = (
        f"(max_over_time(mtls_probe_success[{window}]) == 0 and mtls_probe_success offset {window})"
    )
    yield AlertRule(
        alert="MtlsProbeFailing",
        expr=f"{FAILING}\nand ignoring ({OF_THE_CAUSE})\n{lasting}",
        severity='{{ or $labels.severity "critical" }}',
        summary=f"{TARGET} is not as expected: {CAUSE}",
        description=f"Attempts end with {CAUSE}, of the family {{{{ $labels.family }}}}{_LIKELY}. "
        f"Who must act: {PARTY}.",
        # One branch for each cause, in one annotation: Prometheus reads a template again for every
        # alert at every evaluation, and a lost CA makes thousands of them.
        fix=build_fix_template(catalogue.values()),
        runbook_url=pages.link_cause(CAUSE),
        dashboard_url=pages.link_target(),
    )
    yield AlertRule(
        alert="MtlsProbeUnconfirmed",
        expr=f"""\
{lasting}
unless ignoring ({OF_THE_CAUSE})
  {FAILING}
unless ignoring (outcome)
  mtls_probe_outcome{{outcome="confirmed"}}""",
        severity="warning",
        summary=f"Nothing proves that {TARGET} accepts the exporter",
        description="Attempts went well as far as they went, and no answer came in time. Silence is "
        "not a success.",
        fix="Look at the load of the backend and at its log; where an answer takes longer than the "
        "target's timeout, raise that.",
        runbook_url=pages.link_cause("tls_timeout"),
        dashboard_url=pages.link_target(),
    )
    yield AlertRule(
        alert="MtlsProbeNotEnforced",
        expr="""\
mtls_probe_expected_cause
and ignoring (cause, outcome)
  mtls_probe_outcome{outcome="confirmed"}
or
    mtls_probe_finding{cause="client_cert_not_requested"}
  and ignoring (cause, outcome)
    mtls_probe_outcome{outcome="confirmed"}
  and ignoring (cause)
    mtls_probe_success == 0""",
        severity="critical",
        summary=f"{TARGET} accepted a client that it must refuse",
        description='{{ if eq $labels.cause "client_cert_not_requested" }}The configuration demands '
        "that the backend asks for a client certificate, and it takes clients without one.{{ else }}"
        f"The attempt had to fail with {CAUSE}, and the backend accepted it. Others are "
        "accepted too.{{ end }}",
        fix="Set client_ca_file in the backend's tls settings (nginx: ssl_verify_client on) and "
        "restart it; if it is set, look for a load balancer that ends TLS before it.",
        runbook_url=pages.link_cause(CAUSE),
        dashboard_url=pages.link_target(),
    )
    open_to_all = catalogue["client_cert_not_requested"]
    yield AlertRule(
        alert="MtlsProbeClientCertificateNotRequested",
        # Where the configuration demands it, MtlsProbeNotEnforced says so.
        expr=f"""\
mtls_probe_finding{{cause="{open_to_all.id}"}}
unless ignoring (cause)
  mtls_probe_success == 0""",
        hold=thresholds.window,
        severity="warning",
        summary=f"mTLS is not enforced: the backend of {TARGET} takes clients without a certificate",
        description=open_to_all.meaning,
        fix=get_first_step(open_to_all),
        runbook_url=pages.link_cause(open_to_all.id),
        dashboard_url=pages.link_target(),
    )
