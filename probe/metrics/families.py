"""Every metric family of the probe, declared once: its name, type, labels, meaning and condition.

`docs/metrics.md` is generated from these. `/probe` adds the names of blackbox_exporter, which
`blackbox.py` declares.
"""

from functools import partial
from typing import Final

from probe.metrics.exposition import Family, Kind

ATTEMPTED: Final = "after the first attempt"
WITH_CERTIFICATES: Final = (
    "for each certificate of the files, and of the last handshake, used ones first, within a bound"
)
SOURCE_READ: Final = "for each source that has been read"

_families: list[Family] = []


def _declare(kind: Kind, name: str, help_: str, labels: str = "", when: str = "") -> Family:
    family = Family(name, kind, help_, tuple(labels.split()), when)
    _families.append(family)
    return family


_gauge: Final = partial(_declare, "gauge")
_counter: Final = partial(_declare, "counter")
_histogram: Final = partial(_declare, "histogram")
_info: Final = partial(_declare, "info")

SUCCESS: Final = _gauge(
    "mtls_probe_success", "Whether the last attempt ended as expected.", "target", when=ATTEMPTED
)
CAUSE: Final = _gauge(
    "mtls_probe_cause",
    "1 for the cause now in force.",
    "target cause family certain party",
    when="while an attempt fails; the series ends with the cause",
)
OUTCOME: Final = _gauge(
    "mtls_probe_outcome", "1 for the outcome of the last attempt.", "target outcome", when=ATTEMPTED
)
FINDING: Final = _gauge(
    "mtls_probe_finding",
    "1 for each finding now in force, whatever the outcome.",
    "target cause",
    when="while the last attempt has the finding",
)
EXPECTED_CAUSE: Final = _gauge(
    "mtls_probe_expected_cause",
    "1 for the cause that the target must fail with.",
    "target cause",
    when="where `expect` names a cause",
)
INTERVAL: Final = _gauge("mtls_probe_interval_seconds", "Time between two attempts.", "target")
ATTEMPTS: Final = _counter("mtls_probe_attempts_total", "Attempts that ended.", "target")
FAILURES: Final = _counter(
    "mtls_probe_failures_total", "Attempts that did not end as expected.", "target"
)
LAST_ATTEMPT: Final = _gauge(
    "mtls_probe_last_attempt_timestamp_seconds",
    "When the last attempt began.",
    "target",
    when=ATTEMPTED,
)
LAST_SUCCESS: Final = _gauge(
    "mtls_probe_last_success_timestamp_seconds",
    "When the last attempt began that ended as expected.",
    "target",
    when="once an attempt ended as expected",
)
LAST_DURATION: Final = _gauge(
    "mtls_probe_last_duration_seconds",
    "Duration of the last attempt by stage.",
    "target stage",
    when="for each stage that the last attempt reached",
)
TARGET_INFO: Final = _info(
    "mtls_probe_target_info",
    "The target's settings and its own labels.",
    "target endpoint protocol server_address server_port",
)
TLS_INFO: Final = _info(
    "mtls_probe_tls_info",
    "What the last handshake agreed on.",
    "target version cipher group alpn",
    when="where the last attempt agreed on a version",
)
NOT_AFTER: Final = _gauge(
    "mtls_probe_certificate_not_after_timestamp_seconds",
    "notAfter of a certificate; position 0 is the end entity.",
    "target source position",
    when=WITH_CERTIFICATES,
)
NOT_BEFORE: Final = _gauge(
    "mtls_probe_certificate_not_before_timestamp_seconds",
    "notBefore of a certificate; position 0 is the end entity.",
    "target source position",
    when=WITH_CERTIFICATES,
)
CERTIFICATE_INFO: Final = _info(
    "mtls_probe_certificate_info",
    "Names and fingerprint of a certificate, its file, and whether a verified path uses it.",
    "target source position subject issuer serial_number fingerprint_sha256 sans path used",
    when=WITH_CERTIFICATES,
)
EARLIEST_EXPIRY: Final = _gauge(
    "mtls_probe_earliest_expiry_timestamp_seconds",
    "The earliest notAfter among a source's certificates that a verified path uses.",
    "target source",
    when="for each source with a certificate that is used",
)
LEFT_OUT: Final = _gauge(
    "mtls_probe_certificates_left_out",
    "How many certificates of a source have no series: a bundle may hold thousands.",
    "target source",
    when="where a source has more certificates than series",
)
ACCEPTABLE_CA_MATCH: Final = _gauge(
    "mtls_probe_acceptable_ca_match",
    "Whether the backend's acceptable-CA list names an issuer of the client chain.",
    "target",
    when="where the backend sent a list",
)
CERTIFICATE_REQUESTED: Final = _gauge(
    "mtls_probe_client_certificate_requested",
    "Whether the backend asked for a client certificate; 0: mTLS is not asked for.",
    "target",
    when="where the last attempt finished a TLS handshake",
)
BACKEND_CHANGED: Final = _gauge(
    "mtls_probe_backend_changed_timestamp_seconds",
    "When the backend was last seen to have changed.",
    "target what",
    when="once something of the backend is another than in earlier attempts",
)
CLOCK_OFFSET: Final = _gauge(
    "mtls_probe_clock_offset_seconds",
    "The remote clock minus the local one.",
    "target source",
    when="for each clock that the last attempt could read",
)
CREDENTIAL_FAULT: Final = _gauge(
    "mtls_probe_credential_fault",
    "1 for each fault of the credential files.",
    "target cause",
    when="while a file has the fault",
)
CREDENTIALS_LOADED: Final = _gauge(
    "mtls_probe_credentials_loaded_timestamp_seconds",
    "When the credential files in use were read.",
    "target",
    when="where a file has been read",
)
_EACH: Final = "of a target with `addresses: each`"
ADDRESSES: Final = _gauge(
    "mtls_probe_addresses",
    "How many addresses of the target's name have a result.",
    "target",
    when=_EACH,
)
ADDRESSES_UNEXPECTED: Final = _gauge(
    "mtls_probe_addresses_unexpected",
    "How many of these addresses are not as expected.",
    "target",
    when=_EACH,
)
ADDRESSES_LEFT_OUT: Final = _gauge(
    "mtls_probe_addresses_left_out",
    "How many addresses of the name are not attempted, because there are too many.",
    "target",
    when=_EACH,
)
TARGET_FAMILIES: Final = tuple(_families)
"""What each target has samples of, in the order of a scrape."""

CAUSE_INFO: Final = _gauge(
    "mtls_probe_cause_info",
    "What the catalogue says of a cause: its family, who must act, how severe it is.",
    "cause family documented_cause party severity",
    when="for each cause that a target has, has had since the start, or must have",
)
"""A gauge in OpenMetrics too: an info family would be called `mtls_probe_cause` there, which is the
name of another family."""
FAILURES_BY_CAUSE: Final = _counter(
    "mtls_probe_failures_by_cause_total",
    "Failures that were not expected, by cause.",
    "cause",
    when="from the first failure of the cause on, with which it is 1",
)
DURATION: Final = _histogram(
    "mtls_probe_duration_seconds",
    "Duration of the stages that wait for the backend.",
    "stage",
    when="for each of these stages that an attempt has reached",
)
SCHEDULE_LATENESS: Final = _histogram(
    "mtls_probe_schedule_lateness_seconds", "How long after its time an attempt began."
)
SCHEDULE_MISSED: Final = _counter(
    "mtls_probe_schedule_missed_total", "Attempts that the schedule left out."
)
TARGETS: Final = _gauge("mtls_probe_targets", "Targets that are probed.")
IN_FLIGHT: Final = _gauge("mtls_probe_in_flight", "Attempts under way.")
SOURCE_UP: Final = _gauge(
    "mtls_probe_source_up",
    "Whether the source of targets was read, whole, the last time.",
    "source",
    when=SOURCE_READ,
)
SOURCE_TARGETS: Final = _gauge(
    "mtls_probe_source_targets", "How many targets the source gives.", "source", when=SOURCE_READ
)
NOTHING_TO_PROBE: Final = _gauge(
    "mtls_probe_nothing_to_probe",
    "Whether neither targets nor sources nor modules give anything to probe.",
)
RELOAD_SUCCESSFUL: Final = _gauge(
    "mtls_probe_config_last_reload_successful",
    "Whether the configuration was read without an error the last time.",
)
RELOAD_TIMESTAMP: Final = _gauge(
    "mtls_probe_config_last_reload_success_timestamp_seconds",
    "When the configuration in force was read.",
)
CREDENTIALS_RELOADS: Final = _counter(
    "mtls_probe_credentials_reloads_total", "How often changed credential files were read again."
)
CLOCK_TOLERANCE: Final = _gauge(
    "mtls_probe_clock_tolerance_seconds", "By how much two clocks may differ."
)
BUDGET_EXCEEDED: Final = _counter(
    "mtls_probe_budget_exceeded_total",
    "Attempts that ended because a peer sent more bytes or steps than one may take.",
)
HELD_UP: Final = _counter(
    "mtls_probe_held_up_seconds_total",
    "Seconds, while attempts were under way, in which this process could not act.",
)
LOOKUPS_REFUSED: Final = _counter(
    "mtls_probe_lookups_refused_total",
    "Names that were not looked up, because every place was taken.",
    "for",
    when="`schedule` always, `probe` with modules, `clocks` with clock sources",
)
WEB_CONNECTIONS: Final = _gauge("mtls_probe_web_connections", "Open connections to the web side.")
WEB_CONNECTIONS_LIMIT: Final = _gauge(
    "mtls_probe_web_connections_limit", "The most connections to the web side that may be open."
)
WEB_CONNECTIONS_ENDED: Final = _counter(
    "mtls_probe_web_connections_ended_total",
    "Connections that the web side ended: to make room for another one (full), or because their peer was slow (overdue).",
    "reason",
)
WEB_MALFORMED_REQUESTS: Final = _counter(
    "mtls_probe_web_malformed_requests_total", "Requests to the web side that were not valid HTTP."
)
TELEMETRY_SPANS: Final = _counter(
    "mtls_probe_telemetry_spans_total",
    "Spans of the probe's own, by what became of them.",
    "result",
    when="where the probe exports its own traces",
)
LOG_LINES_DROPPED: Final = _counter(
    "mtls_probe_log_lines_dropped_total",
    "Lines of the log that were lost, because nobody read them or they could not be written.",
)
BUILD_INFO: Final = _info(
    "mtls_probe_build_info", "The version of the probe.", "version python_version"
)
RESOURCE: Final = _info(
    "target_info",
    "The probe's OpenTelemetry resource.",
    when="where the probe has a resource; its attributes are the labels",
)
SERVICE_FAMILIES: Final = tuple(_families[len(TARGET_FAMILIES) :])
"""What the service has once; five of prometheus_client's `process_*` families come on top."""
