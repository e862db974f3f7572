"""Every metric family of the probe, declared once: its name, type, labels, meaning and condition.

`docs/metrics.md` is generated from this table. `/probe` adds the names of blackbox_exporter, which
`blackbox.py` declares.
"""

from typing import Final

from probe.metrics.exposition import Family

ATTEMPTED: Final = "after the first attempt"
CERTIFICATE: Final = ("target", "source", "position")

SUCCESS: Final = Family(
    "mtls_probe_success",
    "gauge",
    "Whether the last attempt ended as expected.",
    ("target",),
    ATTEMPTED,
)
CAUSE: Final = Family(
    "mtls_probe_cause",
    "gauge",
    "1 for the cause now in force.",
    ("target", "cause", "family", "certain", "party"),
    "while an attempt fails; the series ends with the cause",
)
OUTCOME: Final = Family(
    "mtls_probe_outcome",
    "gauge",
    "1 for the outcome of the last attempt.",
    ("target", "outcome"),
    ATTEMPTED,
)
FINDING: Final = Family(
    "mtls_probe_finding",
    "gauge",
    "1 for each finding now in force, whatever the outcome.",
    ("target", "cause"),
    "while the last attempt has the finding",
)
EXPECTED_CAUSE: Final = Family(
    "mtls_probe_expected_cause",
    "gauge",
    "1 for the cause that the target must fail with.",
    ("target", "cause"),
    "where `expect` names a cause",
)
INTERVAL: Final = Family(
    "mtls_probe_interval_seconds", "gauge", "Time between two attempts.", ("target",)
)
ATTEMPTS: Final = Family(
    "mtls_probe_attempts_total", "counter", "Attempts that ended.", ("target",)
)
FAILURES: Final = Family(
    "mtls_probe_failures_total", "counter", "Attempts that did not end as expected.", ("target",)
)
LAST_ATTEMPT: Final = Family(
    "mtls_probe_last_attempt_timestamp_seconds",
    "gauge",
    "When the last attempt began.",
    ("target",),
    ATTEMPTED,
)
LAST_SUCCESS: Final = Family(
    "mtls_probe_last_success_timestamp_seconds",
    "gauge",
    "When the last attempt began that ended as expected.",
    ("target",),
    "once an attempt ended as expected",
)
LAST_DURATION: Final = Family(
    "mtls_probe_last_duration_seconds",
    "gauge",
    "Duration of the last attempt by stage.",
    ("target", "stage"),
    "for each stage that the last attempt reached",
)
TARGET_INFO: Final = Family(
    "mtls_probe_target_info",
    "info",
    "The target's settings and its own labels.",
    ("target", "endpoint", "protocol", "server_address", "server_port"),
)
TLS_INFO: Final = Family(
    "mtls_probe_tls_info",
    "info",
    "What the last handshake agreed on.",
    ("target", "version", "cipher", "group", "alpn"),
    "where the last attempt agreed on a version",
)
NOT_AFTER: Final = Family(
    "mtls_probe_certificate_not_after_timestamp_seconds",
    "gauge",
    "notAfter of a certificate; position 0 is the end entity.",
    CERTIFICATE,
    "for each certificate of the files, and of the last handshake",
)
NOT_BEFORE: Final = Family(
    "mtls_probe_certificate_not_before_timestamp_seconds",
    "gauge",
    "notBefore of a certificate; position 0 is the end entity.",
    CERTIFICATE,
    "for each certificate of the files, and of the last handshake",
)
CERTIFICATE_INFO: Final = Family(
    "mtls_probe_certificate_info",
    "info",
    "Names and fingerprint of a certificate.",
    (*CERTIFICATE, "subject", "issuer", "serial_number", "fingerprint_sha256", "sans"),
    "for each certificate of the files, and of the last handshake",
)
EARLIEST_EXPIRY: Final = Family(
    "mtls_probe_earliest_expiry_timestamp_seconds",
    "gauge",
    "The earliest notAfter among a source's certificates.",
    ("target", "source"),
    "for each source that has a certificate",
)
ACCEPTABLE_CA_MATCH: Final = Family(
    "mtls_probe_acceptable_ca_match",
    "gauge",
    "Whether the backend's acceptable-CA list names an issuer of the client chain.",
    ("target",),
    "where the backend sent a list",
)
CLOCK_OFFSET: Final = Family(
    "mtls_probe_clock_offset_seconds",
    "gauge",
    "The remote clock minus the local one.",
    ("target", "source"),
    "for each clock that the last attempt could read",
)
CREDENTIAL_FAULT: Final = Family(
    "mtls_probe_credential_fault",
    "gauge",
    "1 for each fault of the credential files.",
    ("target", "cause"),
    "while a file has the fault",
)
CREDENTIALS_LOADED: Final = Family(
    "mtls_probe_credentials_loaded_timestamp_seconds",
    "gauge",
    "When the credential files in use were read.",
    ("target",),
    "where a file has been read",
)
TARGET_FAMILIES: Final = (
    SUCCESS,
    CAUSE,
    OUTCOME,
    FINDING,
    EXPECTED_CAUSE,
    INTERVAL,
    ATTEMPTS,
    FAILURES,
    LAST_ATTEMPT,
    LAST_SUCCESS,
    LAST_DURATION,
    TARGET_INFO,
    TLS_INFO,
    NOT_AFTER,
    NOT_BEFORE,
    CERTIFICATE_INFO,
    EARLIEST_EXPIRY,
    ACCEPTABLE_CA_MATCH,
    CLOCK_OFFSET,
    CREDENTIAL_FAULT,
    CREDENTIALS_LOADED,
)
"""What each target has samples of, in the order of a scrape."""

CAUSE_INFO: Final = Family(
    "mtls_probe_cause_info",
    "gauge",
    "Each cause of the catalogue: its family, who must act, how severe it is.",
    ("cause", "family", "documented_cause", "party", "severity"),
)
"""A gauge in OpenMetrics too: an info family would be called `mtls_probe_cause` there, which is the
name of another family."""
FAILURES_BY_CAUSE: Final = Family(
    "mtls_probe_failures_by_cause_total",
    "counter",
    "Failures that were not expected, by cause.",
    ("cause",),
)
DURATION: Final = Family(
    "mtls_probe_duration_seconds", "histogram", "Duration of attempts by stage.", ("stage",)
)
SCHEDULE_LATENESS: Final = Family(
    "mtls_probe_schedule_lateness_seconds", "histogram", "How long after its time an attempt began."
)
SCHEDULE_MISSED: Final = Family(
    "mtls_probe_schedule_missed_total", "counter", "Attempts that the schedule left out."
)
TARGETS: Final = Family("mtls_probe_targets", "gauge", "Targets that are probed.")
IN_FLIGHT: Final = Family("mtls_probe_in_flight", "gauge", "Attempts under way.")
SOURCE_UP: Final = Family(
    "mtls_probe_source_up",
    "gauge",
    "Whether the source of targets was read, whole, the last time.",
    ("source",),
    "for each source that has been read",
)
SOURCE_TARGETS: Final = Family(
    "mtls_probe_source_targets",
    "gauge",
    "How many targets the source gives.",
    ("source",),
    "for each source that has been read",
)
NOTHING_TO_PROBE: Final = Family(
    "mtls_probe_nothing_to_probe",
    "gauge",
    "Whether neither targets nor sources nor modules give anything to probe.",
)
RELOAD_SUCCESSFUL: Final = Family(
    "mtls_probe_config_last_reload_successful",
    "gauge",
    "Whether the configuration was read without an error the last time.",
)
RELOAD_TIMESTAMP: Final = Family(
    "mtls_probe_config_last_reload_success_timestamp_seconds",
    "gauge",
    "When the configuration in force was read.",
)
CREDENTIALS_RELOADS: Final = Family(
    "mtls_probe_credentials_reloads_total",
    "counter",
    "How often changed credential files were read again.",
)
CLOCK_TOLERANCE: Final = Family(
    "mtls_probe_clock_tolerance_seconds", "gauge", "By how much two clocks may differ."
)
BUDGET_EXCEEDED: Final = Family(
    "mtls_probe_budget_exceeded_total",
    "counter",
    "Attempts that ended because a peer sent more bytes or steps than one may take.",
)
HELD_UP: Final = Family(
    "mtls_probe_held_up_seconds_total",
    "counter",
    "Seconds, while attempts were under way, in which this process could not act.",
)
LOOKUPS: Final = Family("mtls_probe_lookups", "gauge", "Names that are being looked up.", ("for",))
LOOKUPS_LIMIT: Final = Family(
    "mtls_probe_lookups_limit", "gauge", "How many may be looked up at a time.", ("for",)
)
LOOKUPS_REFUSED: Final = Family(
    "mtls_probe_lookups_refused_total",
    "counter",
    "Names that were not looked up, because every place was taken.",
    ("for",),
)
WEB_CONNECTIONS: Final = Family(
    "mtls_probe_web_connections", "gauge", "Open connections to the web side."
)
WEB_CONNECTIONS_LIMIT: Final = Family(
    "mtls_probe_web_connections_limit",
    "gauge",
    "The most connections to the web side that may be open.",
)
WEB_CONNECTIONS_ENDED: Final = Family(
    "mtls_probe_web_connections_ended_total",
    "counter",
    "Connections that the web side ended: to make room for another one (full), or because their "
    "peer was slow (overdue).",
    ("reason",),
)
WEB_MALFORMED_REQUESTS: Final = Family(
    "mtls_probe_web_malformed_requests_total",
    "counter",
    "Requests to the web side that were not valid HTTP.",
)
TELEMETRY_SPANS: Final = Family(
    "mtls_probe_telemetry_spans_total",
    "counter",
    "Spans of the probe's own, by what became of them.",
    ("result",),
    "where the probe exports its own traces",
)
LOG_LINES_DROPPED: Final = Family(
    "mtls_probe_log_lines_dropped_total",
    "counter",
    "Lines of the log that were lost, because nobody read them or they could not be written.",
)
BUILD_INFO: Final = Family(
    "mtls_probe_build_info", "info", "The version of the probe.", ("version", "python_version")
)
RESOURCE: Final = Family(
    "target_info",
    "info",
    "The probe's OpenTelemetry resource.",
    when="where the probe has a resource; its attributes are the labels",
)
SERVICE_FAMILIES: Final = (
    CAUSE_INFO,
    FAILURES_BY_CAUSE,
    DURATION,
    SCHEDULE_LATENESS,
    SCHEDULE_MISSED,
    TARGETS,
    IN_FLIGHT,
    SOURCE_UP,
    SOURCE_TARGETS,
    NOTHING_TO_PROBE,
    RELOAD_SUCCESSFUL,
    RELOAD_TIMESTAMP,
    CREDENTIALS_RELOADS,
    CLOCK_TOLERANCE,
    BUDGET_EXCEEDED,
    HELD_UP,
    LOOKUPS,
    LOOKUPS_LIMIT,
    LOOKUPS_REFUSED,
    WEB_CONNECTIONS,
    WEB_CONNECTIONS_LIMIT,
    WEB_CONNECTIONS_ENDED,
    WEB_MALFORMED_REQUESTS,
    TELEMETRY_SPANS,
    LOG_LINES_DROPPED,
    BUILD_INFO,
    RESOURCE,
)
"""What the service has once; prometheus_client's `process_*` families come on top."""
