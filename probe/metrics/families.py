"""Every metric family of the probe, declared once: its name, type, labels, meaning and condition.

`docs/metrics.md` is generated from these. `/probe` adds the names of blackbox_exporter, which
`blackbox.py` declares.
"""

from typing import Final

from probe.metrics.exposition import Family, Kind

ATTEMPTED: Final = "after the first attempt"
WITH_CERTIFICATES: Final = "for each certificate of the files, and of the last handshake"
SOURCE_READ: Final = "for each source that has been read"

_targets: list[Family] = []
_service: list[Family] = []


def _of_target(name: str, kind: Kind, help_: str, labels: str = "", when: str = "") -> Family:
    family = Family(name, kind, help_, ("target", *labels.split()), when)
    _targets.append(family)
    return family


def _of_service(name: str, kind: Kind, help_: str, labels: str = "", when: str = "") -> Family:
    family = Family(name, kind, help_, tuple(labels.split()), when)
    _service.append(family)
    return family


SUCCESS: Final = _of_target(
    "mtls_probe_success", "gauge", "Whether the last attempt ended as expected.", when=ATTEMPTED
)
CAUSE: Final = _of_target(
    "mtls_probe_cause",
    "gauge",
    "1 for the cause now in force.",
    "cause family certain party",
    when="while an attempt fails; the series ends with the cause",
)
OUTCOME: Final = _of_target(
    "mtls_probe_outcome",
    "gauge",
    "1 for the outcome of the last attempt.",
    "outcome",
    when=ATTEMPTED,
)
FINDING: Final = _of_target(
    "mtls_probe_finding",
    "gauge",
    "1 for each finding now in force, whatever the outcome.",
    "cause",
    when="while the last attempt has the finding",
)
EXPECTED_CAUSE: Final = _of_target(
    "mtls_probe_expected_cause",
    "gauge",
    "1 for the cause that the target must fail with.",
    "cause",
    when="where `expect` names a cause",
)
INTERVAL: Final = _of_target("mtls_probe_interval_seconds", "gauge", "Time between two attempts.")
ATTEMPTS: Final = _of_target("mtls_probe_attempts_total", "counter", "Attempts that ended.")
FAILURES: Final = _of_target(
    "mtls_probe_failures_total", "counter", "Attempts that did not end as expected."
)
LAST_ATTEMPT: Final = _of_target(
    "mtls_probe_last_attempt_timestamp_seconds",
    "gauge",
    "When the last attempt began.",
    when=ATTEMPTED,
)
LAST_SUCCESS: Final = _of_target(
    "mtls_probe_last_success_timestamp_seconds",
    "gauge",
    "When the last attempt began that ended as expected.",
    when="once an attempt ended as expected",
)
LAST_DURATION: Final = _of_target(
    "mtls_probe_last_duration_seconds",
    "gauge",
    "Duration of the last attempt by stage.",
    "stage",
    when="for each stage that the last attempt reached",
)
TARGET_INFO: Final = _of_target(
    "mtls_probe_target_info",
    "info",
    "The target's settings and its own labels.",
    "endpoint protocol server_address server_port",
)
TLS_INFO: Final = _of_target(
    "mtls_probe_tls_info",
    "info",
    "What the last handshake agreed on.",
    "version cipher group alpn",
    when="where the last attempt agreed on a version",
)
NOT_AFTER: Final = _of_target(
    "mtls_probe_certificate_not_after_timestamp_seconds",
    "gauge",
    "notAfter of a certificate; position 0 is the end entity.",
    "source position",
    when=WITH_CERTIFICATES,
)
NOT_BEFORE: Final = _of_target(
    "mtls_probe_certificate_not_before_timestamp_seconds",
    "gauge",
    "notBefore of a certificate; position 0 is the end entity.",
    "source position",
    when=WITH_CERTIFICATES,
)
CERTIFICATE_INFO: Final = _of_target(
    "mtls_probe_certificate_info",
    "info",
    "Names and fingerprint of a certificate.",
    "source position subject issuer serial_number fingerprint_sha256 sans",
    when=WITH_CERTIFICATES,
)
EARLIEST_EXPIRY: Final = _of_target(
    "mtls_probe_earliest_expiry_timestamp_seconds",
    "gauge",
    "The earliest notAfter among a source's certificates.",
    "source",
    when="for each source that has a certificate",
)
ACCEPTABLE_CA_MATCH: Final = _of_target(
    "mtls_probe_acceptable_ca_match",
    "gauge",
    "Whether the backend's acceptable-CA list names an issuer of the client chain.",
    when="where the backend sent a list",
)
CLOCK_OFFSET: Final = _of_target(
    "mtls_probe_clock_offset_seconds",
    "gauge",
    "The remote clock minus the local one.",
    "source",
    when="for each clock that the last attempt could read",
)
CREDENTIAL_FAULT: Final = _of_target(
    "mtls_probe_credential_fault",
    "gauge",
    "1 for each fault of the credential files.",
    "cause",
    when="while a file has the fault",
)
CREDENTIALS_LOADED: Final = _of_target(
    "mtls_probe_credentials_loaded_timestamp_seconds",
    "gauge",
    "When the credential files in use were read.",
    when="where a file has been read",
)
TARGET_FAMILIES: Final = tuple(_targets)
"""What each target has samples of, in the order of a scrape."""

CAUSE_INFO: Final = _of_service(
    "mtls_probe_cause_info",
    "gauge",
    "Each cause of the catalogue: its family, who must act, how severe it is.",
    "cause family documented_cause party severity",
)
"""A gauge in OpenMetrics too: an info family would be called `mtls_probe_cause` there, which is the
name of another family."""
FAILURES_BY_CAUSE: Final = _of_service(
    "mtls_probe_failures_by_cause_total",
    "counter",
    "Failures that were not expected, by cause.",
    "cause",
)
DURATION: Final = _of_service(
    "mtls_probe_duration_seconds", "histogram", "Duration of attempts by stage.", "stage"
)
SCHEDULE_LATENESS: Final = _of_service(
    "mtls_probe_schedule_lateness_seconds", "histogram", "How long after its time an attempt began."
)
SCHEDULE_MISSED: Final = _of_service(
    "mtls_probe_schedule_missed_total", "counter", "Attempts that the schedule left out."
)
TARGETS: Final = _of_service("mtls_probe_targets", "gauge", "Targets that are probed.")
IN_FLIGHT: Final = _of_service("mtls_probe_in_flight", "gauge", "Attempts under way.")
SOURCE_UP: Final = _of_service(
    "mtls_probe_source_up",
    "gauge",
    "Whether the source of targets was read, whole, the last time.",
    "source",
    when=SOURCE_READ,
)
SOURCE_TARGETS: Final = _of_service(
    "mtls_probe_source_targets",
    "gauge",
    "How many targets the source gives.",
    "source",
    when=SOURCE_READ,
)
NOTHING_TO_PROBE: Final = _of_service(
    "mtls_probe_nothing_to_probe",
    "gauge",
    "Whether neither targets nor sources nor modules give anything to probe.",
)
RELOAD_SUCCESSFUL: Final = _of_service(
    "mtls_probe_config_last_reload_successful",
    "gauge",
    "Whether the configuration was read without an error the last time.",
)
RELOAD_TIMESTAMP: Final = _of_service(
    "mtls_probe_config_last_reload_success_timestamp_seconds",
    "gauge",
    "When the configuration in force was read.",
)
CREDENTIALS_RELOADS: Final = _of_service(
    "mtls_probe_credentials_reloads_total",
    "counter",
    "How often changed credential files were read again.",
)
CLOCK_TOLERANCE: Final = _of_service(
    "mtls_probe_clock_tolerance_seconds", "gauge", "By how much two clocks may differ."
)
BUDGET_EXCEEDED: Final = _of_service(
    "mtls_probe_budget_exceeded_total",
    "counter",
    "Attempts that ended because a peer sent more bytes or steps than one may take.",
)
HELD_UP: Final = _of_service(
    "mtls_probe_held_up_seconds_total",
    "counter",
    "Seconds, while attempts were under way, in which this process could not act.",
)
LOOKUPS: Final = _of_service(
    "mtls_probe_lookups", "gauge", "Names that are being looked up.", "for"
)
LOOKUPS_LIMIT: Final = _of_service(
    "mtls_probe_lookups_limit", "gauge", "How many may be looked up at a time.", "for"
)
LOOKUPS_REFUSED: Final = _of_service(
    "mtls_probe_lookups_refused_total",
    "counter",
    "Names that were not looked up, because every place was taken.",
    "for",
)
WEB_CONNECTIONS: Final = _of_service(
    "mtls_probe_web_connections", "gauge", "Open connections to the web side."
)
WEB_CONNECTIONS_LIMIT: Final = _of_service(
    "mtls_probe_web_connections_limit",
    "gauge",
    "The most connections to the web side that may be open.",
)
WEB_CONNECTIONS_ENDED: Final = _of_service(
    "mtls_probe_web_connections_ended_total",
    "counter",
    "Connections that the web side ended: to make room for another one (full), or because their peer was slow (overdue).",
    "reason",
)
WEB_MALFORMED_REQUESTS: Final = _of_service(
    "mtls_probe_web_malformed_requests_total",
    "counter",
    "Requests to the web side that were not valid HTTP.",
)
TELEMETRY_SPANS: Final = _of_service(
    "mtls_probe_telemetry_spans_total",
    "counter",
    "Spans of the probe's own, by what became of them.",
    "result",
    when="where the probe exports its own traces",
)
LOG_LINES_DROPPED: Final = _of_service(
    "mtls_probe_log_lines_dropped_total",
    "counter",
    "Lines of the log that were lost, because nobody read them or they could not be written.",
)
BUILD_INFO: Final = _of_service(
    "mtls_probe_build_info", "info", "The version of the probe.", "version python_version"
)
RESOURCE: Final = Family(
    "target_info",
    "info",
    "The probe's OpenTelemetry resource.",
    when="where the probe has a resource; its attributes are the labels",
)
SERVICE_FAMILIES: Final = (*_service, RESOURCE)
"""What the service has once; prometheus_client's `process_*` families come on top."""
