"""The dashboard `fleet`: what fails and who must act, over all targets, and the probe itself."""

from typing import Final

from grafana.source.dashboard import dashboard, label_values
from grafana.source.meanings import (
    CERTAIN,
    CERTIFICATES_OF_ALL,
    PARTIES,
    RUNBOOK_OF_ROW,
    RUNBOOK_OF_SERIES,
    SEVERITIES,
    STATES,
    TARGET_OF_ROW,
    TARGET_OF_SERIES,
)
from grafana.source.panels import (
    ANY_IS_ORANGE,
    ANY_IS_RED,
    BLUE,
    GREEN,
    ORANGE,
    RED,
    SCRAPED,
    TIME_LEFT,
    Json,
    Query,
    bars,
    now,
    rows_of,
    stat,
    state_timeline,
    timeseries,
)
from grafana.source.probe_itself import HOW_FAST, THE_PROBE
from grafana.source.queries import (
    EARLIEST,
    KNOWN_CAUSES,
    OF_TARGETS,
    TEAM,
    UP,
    chosen,
    failing,
    share_confirmed,
    state,
)
from grafana.source.tables import column, table

SUCCESS: Final = chosen("mtls_probe_success")
WELL: Final = f"min by (job, instance, target) ({SUCCESS})"
"""Of a target of which each address has its own result: whether all are as expected."""
FAILING: Final = failing(SUCCESS, f"mtls_probe_cause{{{OF_TARGETS}}}")
COUNTED: Final = f"mtls_probe_failures_by_cause_total{{{SCRAPED}}}"
FAILURES: Final = (
    f"(rate({COUNTED}[$__rate_interval]) and {COUNTED} offset $__rate_interval "
    f"or 1000 * {COUNTED} / $__rate_interval_ms)"
)
"""Failures a second. A series begins with the first failure of its cause, which no rate sees."""
BY_CAUSE_INFO: Final = (
    f"{FAILURES} * on (job, instance, cause) group_left (family, party) {KNOWN_CAUSES}"
)
LET_IN: Final = chosen("mtls_probe_outcome", 'outcome="confirmed"')
ENDS: Final = chosen(EARLIEST, 'source=~"client|server"')
STALE: Final = (
    f"time() - {chosen('mtls_probe_last_attempt_timestamp_seconds')} "
    f"> on (job, instance, target, address) 3 * mtls_probe_interval_seconds{{{SCRAPED}}}"
)

_NOW: Final = (
    stat(
        "Targets",
        "Targets of the chosen probes.",
        now(f"sum(mtls_probe_targets{{{SCRAPED}}})"),
        width=3,
        steps=((None, BLUE),),
    ),
    stat(
        "As expected",
        "Share of targets whose last attempt ended as expected.",
        now(f"avg({WELL})"),
        unit="percentunit",
        width=3,
        steps=((None, RED), (0.95, ORANGE), (1, GREEN)),
    ),
    stat(
        "Not as expected",
        "Targets whose last attempt did not end as expected: failed, unconfirmed, or wrongly accepted.",
        now(f"sum({WELL} == bool 0)"),
        width=3,
        steps=ANY_IS_RED,
    ),
    stat(
        "mTLS not enforced",
        "Targets that must be refused and were accepted: other clients are accepted too.",
        now(
            f"count(mtls_probe_expected_cause{{{OF_TARGETS}}} and on (job, instance, target, "
            f"address) {LET_IN}) or vector(0)"
        ),
        width=3,
        steps=ANY_IS_RED,
    ),
    stat(
        "Findings in force",
        "Problems that have not stopped a target yet: an exporter that still uses old files, a "
        "certificate that expires soon.",
        now(f"count({chosen('mtls_probe_finding')}) or vector(0)"),
        width=3,
        steps=ANY_IS_ORANGE,
    ),
    stat(
        "First certificate ends in",
        "Time until the first client or server certificate expires.",
        now(f"min({ENDS}) - time()"),
        unit="s",
        width=3,
        steps=TIME_LEFT,
        links=CERTIFICATES_OF_ALL,
    ),
    stat(
        "Not probed any more",
        "Targets without an attempt for three intervals, or without any: their other values are "
        "old.",
        now(
            f"count({STALE} or (mtls_probe_interval_seconds{{{OF_TARGETS}}} unless on (job, "
            f"instance, target, address) mtls_probe_last_attempt_timestamp_seconds{{{SCRAPED}}} "
            f"and {TEAM})) or vector(0)"
        ),
        width=3,
        steps=ANY_IS_RED,
    ),
    stat(
        "Probes down",
        "Probes that Prometheus cannot scrape.",
        now(f"sum(({UP}) == bool 0)"),
        width=3,
        steps=ANY_IS_RED,
    ),
)

_WHAT_FAILS: Final = (
    table(
        "Targets not as expected",
        "Each with its cause and who must act. Click on the target for the probe's page with facts "
        "and fix, on the cause for its runbook.",
        rows_of(FAILING),
        rows_of(
            f"1000 * mtls_probe_last_success_timestamp_seconds{{{OF_TARGETS}}} "
            f"and on (job, instance, target, address) ({FAILING})"
        ),
        columns=[
            column("target", "Target", links=TARGET_OF_ROW),
            column("address", "Address"),
            column("cause", "Cause", links=RUNBOOK_OF_ROW),
            column("certain", "Certain", mappings=CERTAIN, width=110),
            column("family", "Family"),
            column("party", "Who must act", mappings=PARTIES),
            column("severity", "Severity", mappings=SEVERITIES, width=100),
            column("documented_cause", "Documented cause", width=100),
            column("Value #B", "Last as expected", unit="dateTimeFromNow", no_value="never"),
            column("instance", "Instance"),
            column("job", "Job"),
        ],
        hidden=["Value #A"],
        sort=("Severity", False),
        height=10,
    ),
    bars(
        "Failing now, by cause",
        "Targets not as expected, by the cause in force.",
        now(f"sort_desc(count by (cause) ({FAILING}))", "{{cause}}"),
        unit="short",
        steps=((None, RED),),
        links=RUNBOOK_OF_SERIES,
    ),
    bars(
        "Failing now, by family",
        "Targets not as expected, by the family of their cause.",
        now(f"sort_desc(count by (family) ({FAILING}))", "{{family}}"),
        unit="short",
        steps=((None, RED),),
    ),
    bars(
        "Failing now, by who must act",
        "Targets not as expected, by the party that can fix them.",
        now(f"sort_desc(count by (party) ({FAILING}))", "{{party}}"),
        unit="short",
        steps=((None, RED),),
    ),
    state_timeline(
        "Outcomes of targets that were not always as expected",
        "One strip for each target that was not as expected at some time in the range.",
        Query(
            f"max by (job, instance, target) ({state(SUCCESS, f'mtls_probe_outcome{{{OF_TARGETS}')})"
            f" and {TEAM} and on (job, instance, target) "
            f"min_over_time(mtls_probe_success{{{OF_TARGETS}}}[$__range] @ end()) == 0",
            "{{target}}",
        ),
        mappings=STATES,
        height=10,
        links=TARGET_OF_SERIES,
    ),
    timeseries(
        "Failures by cause",
        "Attempts that did not end as expected, by cause.",
        Query(f"60 * sum by (cause) ({FAILURES}) > 0", "{{cause}}"),
        unit="cpm",
        width=8,
        bars=True,
        links=RUNBOOK_OF_SERIES,
    ),
    timeseries(
        "Failures by family",
        "Attempts that did not end as expected, by the family of the cause.",
        Query(f"60 * sum by (family) ({BY_CAUSE_INFO}) > 0", "{{family}}"),
        unit="cpm",
        width=8,
        bars=True,
    ),
    timeseries(
        "Failures by who must act",
        "Attempts that did not end as expected, by the party that can fix them.",
        Query(f"60 * sum by (party) ({BY_CAUSE_INFO}) > 0", "{{party}}"),
        unit="cpm",
        width=8,
        bars=True,
    ),
    timeseries(
        "Attempts confirmed, by backend",
        "Share of the attempts of five minutes that ended as expected. Recorded by the rules of "
        "`mtls-probe rules`.",
        Query(
            share_confirmed("server_address", f'{OF_TARGETS},team=~"$team"'), "{{server_address}}"
        ),
        unit="percentunit",
        width=24,
    ),
    table(
        "Findings",
        "Problems that did not stop the last attempt, but may stop a later one.",
        rows_of(
            f"{chosen('mtls_probe_finding')} * on (job, instance, cause) "
            f"group_left (family, party, severity) {KNOWN_CAUSES}"
        ),
        columns=[
            column("target", "Target", links=TARGET_OF_ROW),
            column("address", "Address"),
            column("cause", "Finding", links=RUNBOOK_OF_ROW),
            column("family", "Family"),
            column("party", "Who must act", mappings=PARTIES),
            column("severity", "Severity", mappings=SEVERITIES, width=100),
            column("instance", "Instance"),
            column("job", "Job"),
        ],
        hidden=["Value"],
        sort=("Target", False),
    ),
)

FLEET: Final[Json] = dashboard(
    "mtls-probe-fleet",
    "mTLS probe / Fleet",
    "Mutual-TLS handshakes with OTLP backends: what fails, for which cause, and who must act.",
    variables=[
        label_values(
            "target", "Target", 'mtls_probe_interval_seconds{job=~"$job",instance=~"$instance"}'
        ),
        label_values(
            "team",
            "Team",
            'mtls_probe_target_info{job=~"$job",instance=~"$instance"}',
            all_value=".*",
        ),
        label_values(
            "stage",
            "Stage",
            'mtls_probe_last_duration_seconds{job=~"$job",instance=~"$instance"}',
        ),
    ],
    rows=[
        ("Now", _NOW),
        ("What fails", _WHAT_FAILS),
        ("How long attempts take", HOW_FAST),
        ("The probe itself", THE_PROBE),
    ],
)
