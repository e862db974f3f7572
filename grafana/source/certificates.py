"""The dashboard `certificates`: which certificate expires first, and which renewal is not in use."""

from typing import Final

from grafana.source.dashboard import dashboard, label_values
from grafana.source.meanings import (
    PARTIES,
    RUNBOOK_OF_ROW,
    SEVERITIES,
    SOURCES,
    TARGET_OF_ROW,
    TARGET_OF_SERIES,
)
from grafana.source.panels import (
    ANY_IS_ORANGE,
    ANY_IS_RED,
    DAY,
    GREEN,
    ORANGE,
    RED,
    TIME_LEFT,
    Json,
    Query,
    bars,
    now,
    rows_of,
    stat,
    timeseries,
)
from grafana.source.queries import (
    EARLIEST,
    KNOWN_CAUSES,
    NOT_AFTER,
    NOT_BEFORE,
    chosen,
    keep_used,
)
from grafana.source.tables import column, table

SOURCE: Final = 'source=~"$source"'
LEFT: Final = f"({chosen(NOT_AFTER, SOURCE)} - time())"
LIFETIME: Final = f"({chosen(NOT_AFTER, SOURCE)} - {chosen(NOT_BEFORE, SOURCE)})"
USED_LEFT: Final = keep_used(LEFT, SOURCE)
USED_LIFETIME: Final = keep_used(LIFETIME, SOURCE)
RELOADING: Final = 'cause=~"exporter_not_reloading|backend_not_reloading"'
DAYS_LEFT: Final = ((None, RED), (14, ORANGE), (28, GREEN))


def _ending(source: str) -> Query:
    of_source = chosen(EARLIEST, f'source="{source}"')
    first = f"min by (job, instance, target) ({of_source})"
    return now(f"sort(bottomk(30, {first} - time()) / {DAY})", "{{target}}")


_NOW: Final = (
    stat(
        "Expired",
        "Expired certificates that a path uses, in chains and CA files.",
        now(f"count({USED_LEFT} <= 0) or vector(0)"),
        steps=ANY_IS_RED,
        width=5,
    ),
    stat(
        "Expire within 14 days",
        "Certificates that a path uses and that expire within 14 days.",
        now(f"count(({USED_LEFT} > 0) < {14 * DAY}) or vector(0)"),
        steps=ANY_IS_RED,
        width=5,
    ),
    stat(
        "Expire within 28 days",
        "Certificates that a path uses and that expire within 28 days.",
        now(f"count(({USED_LEFT} > 0) < {28 * DAY}) or vector(0)"),
        steps=ANY_IS_ORANGE,
        width=5,
    ),
    stat(
        "Renewals not in use",
        "Exporters and backends that may still use the certificates from before a rotation.",
        now(f"count({chosen('mtls_probe_finding', RELOADING)}) or vector(0)"),
        steps=ANY_IS_ORANGE,
        width=5,
    ),
    stat(
        "Next expiry",
        "Time until the next certificate expires that a path uses.",
        now(f"min({USED_LEFT} > 0)"),
        unit="s",
        steps=TIME_LEFT,
        width=4,
    ),
)

_DAYS_LEFT: Final = tuple(
    bars(
        title,
        description,
        _ending(source),
        unit="d",
        height=12,
        steps=DAYS_LEFT,
        links=TARGET_OF_SERIES,
        low=0,
        high=90,
    )
    for title, description, source in (
        (
            "Client certificates",
            "Days until the first certificate in cert_file expires: then backends refuse the exporter.",
            "client",
        ),
        (
            "Server certificates",
            "Days until the first certificate of the backend expires: then exporters refuse it.",
            "server",
        ),
        (
            "CA certificates",
            "Days until the first CA that is used expires: then the backends of this CA are refused.",
            "client_ca_bundle",
        ),
    )
)

_ALL: Final = (
    table(
        "Every certificate",
        "The first to expire comes first; position 0 is the end entity. Only what a verified path "
        "uses brings an alert.",
        rows_of(LEFT),
        rows_of(f"{LEFT} / {LIFETIME}"),
        rows_of(f"1000 * {chosen(NOT_BEFORE, SOURCE)}"),
        rows_of(f"1000 * {chosen(NOT_AFTER, SOURCE)}"),
        rows_of(chosen("mtls_probe_certificate_info", SOURCE)),
        columns=[
            column("target", "Target", links=TARGET_OF_ROW),
            column("source", "Source", mappings=SOURCES, width=160),
            column("position", "Position", width=80),
            column("subject", "Subject"),
            column("used", "Used", width=80),
            column("path", "File"),
            column("issuer", "Issuer"),
            column("Value #A", "Ends in", unit="s", steps=TIME_LEFT, width=110),
            column("Value #B", "Share of lifetime left", unit="percentunit", width=160),
            column("Value #C", "notBefore", unit="dateTimeAsIso"),
            column("Value #D", "notAfter", unit="dateTimeAsIso"),
            column("sans", "Subject alternative names"),
            column("serial_number", "Serial number"),
            column("fingerprint_sha256", "SHA-256"),
            column("instance", "Instance"),
            column("job", "Job"),
        ],
        hidden=["Value #E"],
        sort=("Ends in", False),
        height=14,
    ),
    bars(
        "Least of their lifetime left",
        "For short-lived certificates: they are usually renewed when a third of the lifetime is left.",
        now(
            f"sort(bottomk(30, min by (job, instance, target, source) ({USED_LEFT} / {USED_LIFETIME})))",
            "{{target}} {{source}}",
        ),
        unit="percentunit",
        steps=((None, RED), (0.125, ORANGE), (0.25, GREEN)),
        width=12,
        links=TARGET_OF_SERIES,
        high=1,
    ),
    timeseries(
        "First expiry over time",
        "Days until the first certificate of each kind expires: a renewal is a step upwards.",
        Query(f"(min by (source) ({chosen(EARLIEST, SOURCE)}) - time()) / {DAY}", "{{source}}"),
        unit="d",
        steps=DAYS_LEFT,
        shaded=True,
    ),
)

_ROTATION: Final = (
    table(
        "Renewed and not in use",
        "The files were renewed, and the exporter or the backend has not read them again.",
        rows_of(
            f"{chosen('mtls_probe_finding', RELOADING)} * on (job, instance, cause) "
            f"group_left (family, party, severity) {KNOWN_CAUSES}"
        ),
        columns=[
            column("target", "Target", links=TARGET_OF_ROW),
            column("cause", "Finding", links=RUNBOOK_OF_ROW),
            column("party", "Who must act", mappings=PARTIES),
            column("severity", "Severity", mappings=SEVERITIES, width=100),
            column("family", "Family"),
            column("instance", "Instance"),
            column("job", "Job"),
        ],
        hidden=["Value"],
        width=12,
    ),
    table(
        "Faults of credential files",
        "Files that are there now and cannot be used; the earlier ones may still be in use.",
        rows_of(
            f"{chosen('mtls_probe_credential_fault')} * on (job, instance, cause) "
            f"group_left (family, party, severity) {KNOWN_CAUSES}"
        ),
        columns=[
            column("target", "Target", links=TARGET_OF_ROW),
            column("cause", "Fault", links=RUNBOOK_OF_ROW),
            column("party", "Who must act", mappings=PARTIES),
            column("severity", "Severity", mappings=SEVERITIES, width=100),
            column("family", "Family"),
            column("instance", "Instance"),
            column("job", "Job"),
        ],
        hidden=["Value"],
        width=12,
    ),
    bars(
        "Certificates by issuer",
        "Number of different certificates from each CA: these CAs renew them.",
        now(
            "sort_desc(topk(20, count by (issuer) (count by (issuer, fingerprint_sha256) "
            f"({chosen('mtls_probe_certificate_info', SOURCE)}))))",
            "{{issuer}}",
        ),
        unit="short",
        width=12,
    ),
    timeseries(
        "Credential files in use since",
        "Time since the files in use were read: at a rotation it falls to zero.",
        Query(
            "time() - max by (job, instance, target) "
            f"({chosen('mtls_probe_credentials_loaded_timestamp_seconds')})",
            "{{target}}",
        ),
        unit="s",
        links=TARGET_OF_SERIES,
    ),
)

CERTIFICATES: Final[Json] = dashboard(
    "mtls-probe-certificates",
    "mTLS probe / Certificates and expiry",
    "Client, server and CA certificates: which expires first, and which renewal is not in use.",
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
            "source",
            "Source",
            'mtls_probe_earliest_expiry_timestamp_seconds{job=~"$job",instance=~"$instance"}',
        ),
    ],
    rows=[
        ("Now", _NOW),
        ("Days left", _DAYS_LEFT),
        ("All certificates", _ALL),
        ("Rotation", _ROTATION),
    ],
)
