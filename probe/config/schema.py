"""The shape of the project's own YAML file, as msgspec reads it; defaults are those of the contract.

Only names and types stand here: what values mean is judged where they become a `Configuration`.
None means that a key is not set, so that `defaults` can fill it.
"""

from typing import Annotated, Any

from msgspec import Meta, Struct, field

Positive = Annotated[int, Meta(ge=1)]
Natural = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]

Duration = Annotated[str, Meta(extra={"duration": True})]
"""A Go duration with its unit, or one of `d` and `w`."""


class Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every mapping of the file has in common: a key that is not listed is an error."""


class TlsEntry(Entry, frozen=True, kw_only=True):
    """The Collector's client TLS settings (`configtls.ClientConfig`)."""

    ca_file: str | None = None
    ca_pem: str | None = None
    cert_file: str | None = None
    cert_pem: str | None = None
    key_file: str | None = None
    key_pem: str | None = None
    include_system_ca_certs_pool: bool | None = None
    insecure: bool | None = None
    insecure_skip_verify: bool | None = None
    server_name_override: str | None = None
    min_version: str | None = None
    max_version: str | None = None
    cipher_suites: list[str] | None = None
    include_insecure_cipher_suites: bool | None = None
    curve_preferences: list[str] | None = None
    reload_interval: Duration | None = None
    tpm: Any = None


class DefaultsEntry(Entry, frozen=True, kw_only=True):
    """What a target may say, and `defaults` may say for all of them."""

    protocol: str | None = None
    signal: str | None = None
    proxy_url: str | None = None
    depth: str | None = None
    interval: Duration | None = None
    timeout: Duration | None = None
    headers: dict[str, str] = field(default_factory=dict)
    tls: TlsEntry = TlsEntry()
    labels: dict[str, str] = field(default_factory=dict)


class ExpectEntry(Entry, frozen=True, kw_only=True):
    """How a target must fail."""

    cause: str


class TargetEntry(DefaultsEntry, frozen=True, kw_only=True):
    """One item of `targets`."""

    endpoint: str
    name: str | None = None
    expect: ExpectEntry | None = None
    server_cert_file: str | None = None


class ModuleEntry(DefaultsEntry, frozen=True, kw_only=True):
    """One of `modules`, for /probe."""

    allow: list[str] = field(default_factory=list)


class SourceEntry(Entry, frozen=True, kw_only=True):
    """One item of `sources`; exactly one key is set. A Collector's files merge in their order."""

    collector: str | list[str] | None = None
    sdk: str | None = None
    file_sd: str | None = None
    http_sd: str | None = None


class ClockSourceEntry(Entry, frozen=True, kw_only=True):
    """One item of `clock.sources`; exactly one key is set."""

    http: str | None = None
    sntp: str | None = None


class ClockEntry(Entry, frozen=True, kw_only=True):
    """`clock`."""

    sources: list[ClockSourceEntry] = field(default_factory=list)
    tolerance: Duration = "60s"


class WebEntry(Entry, frozen=True, kw_only=True):
    """`web`."""

    listen: str = "0.0.0.0:9943"
    config_file: str | None = None
    hosts: list[str] = field(default_factory=list)


class ShardEntry(Entry, frozen=True, kw_only=True):
    """`shard`; the name of a StatefulSet's pod is an index too."""

    index: Natural | str | None = None
    count: Positive = 1


class ExperimentsEntry(Entry, frozen=True, kw_only=True):
    """`experiments`."""

    enabled: bool = True
    concurrency: Positive = 4


class AlertsEntry(Entry, frozen=True, kw_only=True):
    """`alerts`."""

    expiry_warning: Duration = "672h"
    expiry_critical: Duration = "336h"
    hold: Duration = "5m"


class TelemetryEntry(Entry, frozen=True, kw_only=True):
    """`telemetry`."""

    sample_successes: Share | None = None
    propagate: bool = True


class FileEntry(Entry, frozen=True, kw_only=True):
    """The whole file."""

    defaults: DefaultsEntry = DefaultsEntry()
    resource: dict[str, str] = field(default_factory=dict)
    targets: list[TargetEntry] = field(default_factory=list)
    sources: list[SourceEntry] = field(default_factory=list)
    modules: dict[str, ModuleEntry] = field(default_factory=dict)
    clock: ClockEntry = ClockEntry()
    alertmanager: Any = None
    """Obsolete, whatever it holds: `obsolete.py` says what to do instead."""
    web: WebEntry = WebEntry()
    shard: ShardEntry = ShardEntry()
    concurrency: Positive = 100
    experiments: ExperimentsEntry = ExperimentsEntry()
    alerts: AlertsEntry = AlertsEntry()
    telemetry: TelemetryEntry = TelemetryEntry()
