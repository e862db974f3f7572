"""The dashboard `target`: how one target's attempts ended, for which cause, with which files."""

from typing import Final

from grafana.source.dashboard import dashboard, label_values
from grafana.source.meanings import (
    CERTAIN,
    IN_FORCE,
    PARTIES,
    RUNBOOK_OF_ROW,
    RUNBOOK_OF_SERIES,
    SEVERITIES,
    SOURCES,
    STATES,
    TARGET_OF_ROW,
)
from grafana.source.panels import (
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
from grafana.source.queries import (
    EARLIEST,
    KNOWN_CAUSES,
    NOT_AFTER,
    NOT_BEFORE,
    share_confirmed,
    state,
)
from grafana.source.tables import column, table, value_texts

ONE: Final = f'{SCRAPED},target="$target"'
STATE: Final = state(f"mtls_probe_success{{{ONE}}}", f"mtls_probe_outcome{{{ONE}")
ACCEPTED: Final = value_texts(
    _0=("our CA is not on it", RED), _1=("names an issuer of our chain", GREEN)
)


def _with_causes(metric: str, labels: str) -> str:
    return f"{metric}{{{ONE}}} * on (job, instance, cause) group_left ({labels}) {KNOWN_CAUSES}"


_NOW: Final = (
    stat(
        "State",
        "How the last attempt ended, compared with what is expected.",
        now(f"max({STATE})"),
        unit="none",
        mappings=STATES,
    ),
    stat(
        "As expected in this range",
        "Share of the time range in which the last attempt was as expected.",
        now(f"avg(avg_over_time(mtls_probe_success{{{ONE}}}[$__range]))"),
        unit="percentunit",
        steps=((None, RED), (0.95, ORANGE), (1, GREEN)),
    ),
    stat(
        "Last attempt",
        "When the last attempt began.",
        now(f"1000 * max(mtls_probe_last_attempt_timestamp_seconds{{{ONE}}})"),
        unit="dateTimeFromNow",
        steps=((None, BLUE),),
    ),
    stat(
        "Last as expected",
        "When the last attempt began that ended as expected.",
        now(f"1000 * min(mtls_probe_last_success_timestamp_seconds{{{ONE}}})"),
        unit="dateTimeFromNow",
        steps=((None, BLUE),),
        no_value="never",
    ),
    stat(
        "First certificate ends in",
        "Time until the first client or server certificate expires.",
        now(f'min({EARLIEST}{{{ONE},source=~"client|server"}}) - time()'),
        unit="s",
        steps=TIME_LEFT,
    ),
    stat(
        "The backend's list of acceptable CAs",
        "Whether it names an issuer of our chain; a Go or Java exporter sends no other certificate.",
        now(f"min(mtls_probe_acceptable_ca_match{{{ONE}}})"),
        unit="none",
        mappings=ACCEPTED,
        no_value="no list",
    ),
    table(
        "Cause",
        "Why the last attempt failed and who must act. Click for its evidence and fix.",
        rows_of(_with_causes("mtls_probe_cause", "documented_cause, severity")),
        columns=[
            column("address", "Address"),
            column("cause", "Cause", links=RUNBOOK_OF_ROW),
            column("certain", "Certain", mappings=CERTAIN, width=110),
            column("family", "Family"),
            column("party", "Who must act", mappings=PARTIES),
            column("severity", "Severity", mappings=SEVERITIES, width=100),
            column("documented_cause", "Documented cause", width=150),
            column("target", "Target", links=TARGET_OF_ROW),
            column("instance", "Instance"),
            column("job", "Job"),
        ],
        hidden=["Value"],
        height=4,
    ),
)

_OVER_TIME: Final = (
    state_timeline(
        "State over time",
        "How the attempts ended, compared with what is expected.",
        Query(f"max by (instance) ({STATE})", "{{instance}}"),
        mappings=STATES,
        height=5,
    ),
    state_timeline(
        "Causes over time",
        "Which cause was in force when: one strip for each.",
        Query(f"max by (instance, cause) (mtls_probe_cause{{{ONE}}})", "{{cause}}"),
        mappings=IN_FORCE,
        height=6,
        links=RUNBOOK_OF_SERIES,
    ),
    timeseries(
        "Attempts and failures",
        "Attempts that ended, and those that did not end as expected, each minute.",
        Query(f"60 * sum(rate(mtls_probe_attempts_total{{{ONE}}}[$__rate_interval]))", "attempts"),
        Query(
            f"60 * sum(rate(mtls_probe_failures_total{{{ONE}}}[$__rate_interval]))",
            "not as expected",
        ),
        unit="cpm",
        width=12,
    ),
    timeseries(
        "Attempts confirmed",
        "Share of the attempts of five minutes that ended as expected. Recorded by the rules of "
        "`mtls-probe rules`.",
        Query(share_confirmed("instance, server_address", ONE), "{{server_address}}"),
        unit="percentunit",
        width=12,
    ),
    timeseries(
        "Duration by stage",
        "How long each stage of the last attempt took.",
        Query(f"max by (stage) (mtls_probe_last_duration_seconds{{{ONE}}})", "{{stage}}"),
        unit="s",
        width=12,
        bars=True,
    ),
    timeseries(
        "Clock offset",
        "The remote clock minus the probe's, by source of the reading; dashed: the tolerance.",
        Query(f"mtls_probe_clock_offset_seconds{{{ONE}}}", "{{source}}"),
        Query(f"max(mtls_probe_clock_tolerance_seconds{{{SCRAPED}}})", "tolerance"),
        Query(f"-max(mtls_probe_clock_tolerance_seconds{{{SCRAPED}}})", "tolerance, behind"),
        unit="s",
        width=12,
    ),
)

_TLS: Final = (
    table(
        "Settings",
        "Where attempts connect to, with the target's own labels.",
        rows_of(f"mtls_probe_target_info{{{ONE}}}"),
        rows_of(f"mtls_probe_interval_seconds{{{ONE}}}"),
        columns=[
            column("target", "Target", links=TARGET_OF_ROW),
            column("endpoint", "Endpoint"),
            column("address", "Address"),
            column("protocol", "Protocol"),
            column("Value #B", "Interval", unit="s"),
            column("server_address", "Server address"),
            column("server_port", "Port"),
        ],
        hidden=["Value #A"],
        width=14,
        height=5,
    ),
    table(
        "Last handshake",
        "What both sides agreed on.",
        rows_of(f"mtls_probe_tls_info{{{ONE}}}"),
        columns=[
            column("address", "Address"),
            column("version", "TLS"),
            column("cipher", "Cipher"),
            column("group", "Group"),
            column("alpn", "ALPN"),
        ],
        hidden=["Value", "job", "instance", "target"],
        width=10,
        height=5,
    ),
    table(
        "Certificates",
        "The client's chain, the CAs in ca_file, and the chain that the backend presented; "
        "position 0 is the end entity.",
        rows_of(f"mtls_probe_certificate_info{{{ONE}}}"),
        rows_of(f"{NOT_AFTER}{{{ONE}}} - time()"),
        rows_of(f"1000 * {NOT_BEFORE}{{{ONE}}}"),
        rows_of(f"1000 * {NOT_AFTER}{{{ONE}}}"),
        columns=[
            column("address", "Address"),
            column("source", "Source", mappings=SOURCES, width=160),
            column("position", "Position", width=80),
            column("subject", "Subject"),
            column("used", "Used", width=80),
            column("path", "File"),
            column("issuer", "Issuer"),
            column("Value #B", "Ends in", unit="s", steps=TIME_LEFT, width=110),
            column("Value #C", "notBefore", unit="dateTimeAsIso"),
            column("Value #D", "notAfter", unit="dateTimeAsIso"),
            column("sans", "Subject alternative names"),
            column("serial_number", "Serial number"),
            column("fingerprint_sha256", "SHA-256"),
        ],
        hidden=["Value #A", "job", "instance", "target"],
        sort=("Source", False),
    ),
    table(
        "Findings",
        "Problems that did not stop the last attempt.",
        rows_of(_with_causes("mtls_probe_finding", "family, party, severity")),
        columns=[
            column("cause", "Finding", links=RUNBOOK_OF_ROW),
            column("family", "Family"),
            column("party", "Who must act", mappings=PARTIES),
            column("severity", "Severity", mappings=SEVERITIES),
        ],
        hidden=["Value", "job", "target"],
        width=12,
        height=6,
    ),
    table(
        "Faults of the credential files",
        "What is wrong with the files that are there now, and since when the files in use are used.",
        rows_of(_with_causes("mtls_probe_credential_fault", "party, severity")),
        rows_of(f"1000 * mtls_probe_credentials_loaded_timestamp_seconds{{{ONE}}}"),
        columns=[
            column("cause", "Fault", links=RUNBOOK_OF_ROW, no_value="none"),
            column("party", "Who must act", mappings=PARTIES),
            column("severity", "Severity", mappings=SEVERITIES),
            column("Value #B", "Files in use since", unit="dateTimeAsIso"),
        ],
        hidden=["Value #A", "job", "target"],
        width=12,
        height=6,
    ),
    bars(
        "Last attempt by stage",
        "How long each stage of the last attempt took.",
        now(f"max by (stage) (mtls_probe_last_duration_seconds{{{ONE}}})", "{{stage}}"),
        unit="s",
        width=24,
        height=6,
        steps=((None, BLUE),),
    ),
)

TARGET: Final[Json] = dashboard(
    "mtls-probe-target",
    "mTLS probe / Target",
    "One target: how its attempts ended, for which cause, with which certificates.",
    variables=[
        label_values(
            "target",
            "Target",
            'mtls_probe_interval_seconds{job=~"$job",instance=~"$instance"}',
            multi=False,
        )
    ],
    rows=[
        ("Now", _NOW),
        ("Over time", _OVER_TIME),
        ("TLS and files", _TLS),
    ],
)
