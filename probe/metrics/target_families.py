"""The metric families that each target has samples of (interfaces.md, section 5): plain values."""

from typing import Final

from probe.metrics.exposition import Family

FAMILIES: Final[tuple[tuple[Family, tuple[str, ...]], ...]] = (
    (
        Family("mtls_probe_success", "gauge", "Whether the last attempt ended as expected."),
        ("success",),
    ),
    (
        Family("mtls_probe_cause", "gauge", "1 for the cause now in force."),
        ("cause",),
    ),
    (
        Family("mtls_probe_outcome", "gauge", "1 for the outcome of the last attempt."),
        ("outcome",),
    ),
    (
        Family(
            "mtls_probe_finding", "gauge", "1 for each finding now in force, whatever the outcome."
        ),
        ("finding",),
    ),
    (
        Family(
            "mtls_probe_expected_cause", "gauge", "1 for the cause that the target must fail with."
        ),
        ("expected_cause",),
    ),
    (
        Family("mtls_probe_interval_seconds", "gauge", "Time between two attempts."),
        ("interval",),
    ),
    (
        Family("mtls_probe_attempts_total", "counter", "Attempts that ended."),
        ("attempts",),
    ),
    (
        Family("mtls_probe_failures_total", "counter", "Attempts that did not end as expected."),
        ("failures",),
    ),
    (
        Family(
            "mtls_probe_last_attempt_timestamp_seconds", "gauge", "When the last attempt began."
        ),
        ("last_attempt",),
    ),
    (
        Family(
            "mtls_probe_last_success_timestamp_seconds",
            "gauge",
            "When the last attempt began that ended as expected.",
        ),
        ("last_success",),
    ),
    (
        Family(
            "mtls_probe_last_duration_seconds", "gauge", "Duration of the last attempt by stage."
        ),
        ("last_duration",),
    ),
    (
        Family("mtls_probe_target_info", "info", "The target's settings and its own labels."),
        ("target_info",),
    ),
    (
        Family("mtls_probe_tls_info", "info", "What the last handshake agreed on."),
        ("tls_info",),
    ),
    (
        Family(
            "mtls_probe_certificate_not_after_timestamp_seconds",
            "gauge",
            "notAfter of a certificate; position 0 is the end entity.",
        ),
        ("local.not_after", "server.not_after"),
    ),
    (
        Family(
            "mtls_probe_certificate_not_before_timestamp_seconds",
            "gauge",
            "notBefore of a certificate; position 0 is the end entity.",
        ),
        ("local.not_before", "server.not_before"),
    ),
    (
        Family("mtls_probe_certificate_info", "info", "Names and fingerprint of a certificate."),
        ("local.info", "server.info"),
    ),
    (
        Family(
            "mtls_probe_earliest_expiry_timestamp_seconds",
            "gauge",
            "The earliest notAfter among a source's certificates.",
        ),
        ("local.earliest", "server.earliest"),
    ),
    (
        Family(
            "mtls_probe_acceptable_ca_match",
            "gauge",
            "Whether the backend's acceptable-CA list names an issuer of the client chain.",
        ),
        ("acceptable_ca_match",),
    ),
    (
        Family("mtls_probe_clock_offset_seconds", "gauge", "The remote clock minus the local one."),
        ("clock_offset",),
    ),
    (
        Family("mtls_probe_credential_fault", "gauge", "1 for each fault of the credential files."),
        ("credential_fault",),
    ),
    (
        Family(
            "mtls_probe_credentials_loaded_timestamp_seconds",
            "gauge",
            "When the credential files in use were read.",
        ),
        ("credentials_loaded",),
    ),
)
"""Each family with the attributes of `TargetLines` that hold its samples."""
