"""Alerting rules on the probe itself: without them, a probe that stands still would look healthy."""

from collections.abc import Iterator, Mapping
from typing import Final

from probe.alerting.links import TARGET, WHERE, Pages, get_first_step
from probe.alerting.recording import name_series
from probe.alerting.rule import AlertRule
from probe.diagnosis.cause import Cause

UP: Final = 'up{job=~"(.+/)?mtls-probe"}'
"""Whether Prometheus reaches a probe; the job of a PodMonitor has its namespace before the name."""


def list_probe_rules(pages: Pages, catalogue: Mapping[str, Cause]) -> Iterator[AlertRule]:
    """Yield the rules on clocks, attempts, scrapes, the configuration and its sources."""
    itself = {"runbook_url": pages.link_cause("probe_fault"), "dashboard_url": pages.link_probe()}
    yield AlertRule(
        alert="MtlsProbeClockSkew",
        expr=name_series("""\
max without (address) (abs(mtls_probe_clock_offset_seconds))
> ignoring (target, source) group_left ()
  mtls_probe_clock_tolerance_seconds"""),
        hold="5m",
        severity="warning",
        summary=f"The clocks of the probe and of {TARGET} are {{{{ humanizeDuration $value }}}} apart",
        description="Measured by {{ $labels.source }}. Where a clock is wrong, valid certificates "
        f"seem expired, or not valid yet.{WHERE}",
        fix=get_first_step(catalogue["clock_skew"]),
        runbook_url=pages.link_cause("clock_skew"),
        dashboard_url=pages.link_target(),
    )
    yield AlertRule(
        alert="MtlsProbeStale",
        expr=name_series("""\
max without (address) (
    time() - mtls_probe_last_attempt_timestamp_seconds > 3 * mtls_probe_interval_seconds
  or
    (mtls_probe_interval_seconds unless mtls_probe_last_attempt_timestamp_seconds)
)"""),
        hold="5m",
        severity="critical",
        summary=f"{TARGET} is not probed any more",
        description=f"No attempt for three intervals: other metrics of it are out of date.{WHERE}",
        fix="Look at the probe's log, its CPU and its memory; compare its clock with Prometheus's.",
        runbook_url=pages.link_cause("probe_fault"),
        dashboard_url=pages.link_target(),
    )
    yield AlertRule(
        alert="MtlsProbeDown",
        expr=f"{UP} == 0\nor\nabsent({UP})",
        hold="5m",
        severity="critical",
        summary="{{ if $labels.instance }}mtls-probe on {{ $labels.instance }} is down"
        "{{ else }}No mtls-probe is scraped{{ end }}",
        description=f"Prometheus gets no metrics of it: nobody learns what fails.{WHERE}",
        fix="Prometheus's page of its targets shows why: a process that does not run, a port that is "
        "closed, or a job with another name than mtls-probe.",
        **itself,
    )
    yield AlertRule(
        alert="MtlsProbeReloadFailed",
        expr="mtls_probe_config_last_reload_successful == 0",
        hold="5m",
        severity="warning",
        summary="mtls-probe on {{ $labels.instance }} keeps an old configuration",
        description=f"The configuration, or the web configuration that it names, has an error.{WHERE}",
        fix="mtls-probe validate --config FILE names the line; so does the probe's log.",
        **itself,
    )
    yield AlertRule(
        alert="MtlsProbeSourceDown",
        expr="mtls_probe_source_up == 0",
        hold="5m",
        severity="warning",
        summary="mtls-probe on {{ $labels.instance }} cannot read its source {{ $labels.source }}",
        description="Targets that it names are not probed, or as they were named before: nobody "
        f"reports what fails there.{WHERE}",
        fix="The probe's page, its log and mtls-probe validate say what is wrong with the source: "
        "correct the file, the variable or the list.",
        **itself,
    )
    yield AlertRule(
        alert="MtlsProbeNothingToProbe",
        expr="mtls_probe_nothing_to_probe == 1",
        hold="5m",
        severity="critical",
        summary="mtls-probe on {{ $labels.instance }} has nothing to probe",
        description=f"It knows no target and no module: it is up, and watches nothing.{WHERE}",
        fix="Set OTEL_EXPORTER_OTLP_ENDPOINT of the probe's container, or add targets or sources to "
        "its configuration; mtls-probe validate says what was looked for.",
        **itself,
    )
    yield AlertRule(
        alert="MtlsProbeAttemptsMissed",
        expr="increase(mtls_probe_schedule_missed_total[15m]) > 0",
        hold="15m",
        severity="warning",
        summary="mtls-probe on {{ $labels.instance }} leaves attempts out",
        description=f"Again and again an attempt is due while the one before still runs.{WHERE}",
        fix="Raise interval, lower timeout, raise concurrency, or divide the targets among several "
        "probes (shard).",
        **itself,
    )
