"""Rows of the dashboard `fleet` about the probe itself: durations of attempts, lateness, load."""

from typing import Final

from grafana.source.meanings import YES_NO
from grafana.source.panels import SCRAPED, Query, heatmap, rows_of, timeseries
from grafana.source.queries import OF_PROBES, OF_TARGETS, UP
from grafana.source.tables import column, table

BUCKETS: Final = (
    f'rate(mtls_probe_duration_seconds_bucket{{{SCRAPED},stage=~"$stage"}}[$__rate_interval])'
)
LATE: Final = "mtls_probe_schedule_lateness_seconds"

HOW_FAST: Final = (
    heatmap(
        "Durations of the stages",
        "Attempts by the time that the chosen stages took: up to 0.1 s, up to 1 s, more; load and "
        "resolve are not counted. The dots are exemplars, each with its target.",
        Query(f"sum by (le) ({BUCKETS})", "{{le}}", form="heatmap", exemplar=True),
    ),
    timeseries(
        "95th percentile by stage",
        "19 of 20 targets took at most this time in this stage of their last attempt.",
        Query(
            "quantile by (stage) (0.95, "
            f'mtls_probe_last_duration_seconds{{{OF_TARGETS},stage=~"$stage"}})',
            "{{stage}}",
        ),
        unit="s",
    ),
)

THE_PROBE: Final = (
    table(
        "Probes",
        "Each probe: whether it is scraped, its version, and whether its configuration was read.",
        rows_of(UP),
        rows_of(f"mtls_probe_build_info{{{SCRAPED}}}"),
        rows_of(f"mtls_probe_targets{{{SCRAPED}}}"),
        rows_of(f"mtls_probe_config_last_reload_successful{{{SCRAPED}}}"),
        rows_of(f"1000 * mtls_probe_config_last_reload_success_timestamp_seconds{{{SCRAPED}}}"),
        rows_of(f"mtls_probe_clock_tolerance_seconds{{{SCRAPED}}}"),
        columns=[
            column("instance", "Instance"),
            column("job", "Job"),
            column("Value #A", "Scraped", mappings=YES_NO, width=90),
            column("version", "Version"),
            column("python_version", "Python"),
            column("Value #C", "Targets", unit="short"),
            column("Value #D", "Last reload successful", mappings=YES_NO),
            column("Value #E", "Configuration in force since", unit="dateTimeFromNow"),
            column("Value #F", "Clocks may differ by", unit="s"),
        ],
        hidden=["Value #B"],
        height=6,
    ),
    timeseries(
        "Attempts begun late",
        "How long after its time an attempt began, on average: a probe with too much work is late.",
        Query(
            f"sum by (instance) (rate({LATE}_sum{{{SCRAPED}}}[$__rate_interval])) / "
            f"sum by (instance) (rate({LATE}_count{{{SCRAPED}}}[$__rate_interval]))",
            "{{instance}}",
        ),
        unit="s",
        width=8,
    ),
    timeseries(
        "Attempts missed, and in flight",
        "Attempts left out because the previous one still ran, each minute; and attempts in flight.",
        Query(
            "60 * sum by (instance) (rate("
            f"mtls_probe_schedule_missed_total{{{SCRAPED}}}[$__rate_interval]))",
            "{{instance}} missed a minute",
        ),
        Query(f"mtls_probe_in_flight{{{SCRAPED}}}", "{{instance}} in flight"),
        unit="short",
        width=8,
    ),
    timeseries(
        "Configuration and credentials read again",
        "1 while the configuration and every source of targets were read without error the last "
        "time; and how often changed credential files were read, each minute.",
        Query(
            f"mtls_probe_config_last_reload_successful{{{SCRAPED}}}", "{{instance}} configuration"
        ),
        Query(f"min by (instance) (mtls_probe_source_up{{{SCRAPED}}})", "{{instance}} sources"),
        Query(
            "60 * sum by (instance) (rate("
            f"mtls_probe_credentials_reloads_total{{{SCRAPED}}}[$__rate_interval]))",
            "{{instance}} credential files a minute",
        ),
        unit="short",
        width=8,
    ),
    timeseries(
        "CPU of the probe",
        "Share of one core.",
        Query(
            f"rate(process_cpu_seconds_total{{{SCRAPED}}}[$__rate_interval]) {OF_PROBES}",
            "{{instance}}",
        ),
        unit="percentunit",
    ),
    timeseries(
        "Memory of the probe",
        "Resident memory.",
        Query(f"process_resident_memory_bytes{{{SCRAPED}}} {OF_PROBES}", "{{instance}}"),
        unit="bytes",
    ),
)
