"""The shape of the project's own YAML file: keys, types, defaults, and what each key means.

docs/configuration.md is generated from it (`make references`). What values mean is judged where they
become a `Configuration`. None means that a key is not set, so that `defaults` can fill it.
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
    """File of the CAs that the backend's certificate must come from (PEM). Without it the system's
    CAs count."""
    ca_pem: str | None = None
    """The same as text. Excludes `ca_file`."""
    cert_file: str | None = None
    """File of the client certificate and its intermediates (PEM). Needs a key."""
    cert_pem: str | None = None
    """The same as text. Excludes `cert_file`."""
    key_file: str | None = None
    """File of the client certificate's private key (PEM)."""
    key_pem: str | None = None
    """The same as text. Excludes `key_file`; write it as `${env:NAME}` or `${file:PATH}`."""
    include_system_ca_certs_pool: bool | None = None
    """Whether the system's CAs count besides those of `ca_file`."""
    insecure: bool | None = None
    """Whether the connection has no TLS. Has no effect with a CA, or with `https://`."""
    insecure_skip_verify: bool | None = None
    """Whether a backend's certificate that cannot be verified is accepted."""
    server_name_override: str | None = None
    """The name to ask for (SNI) and to verify, instead of the endpoint's host."""
    min_version: str | None = None
    """Lowest TLS version: `1.0` to `1.3`. Put it in quotes. Without it 1.2."""
    max_version: str | None = None
    """Highest TLS version: `1.0` to `1.3`. Put it in quotes. Without it 1.3."""
    cipher_suites: list[str] | None = None
    """Names of the cipher suites to offer (IANA, `TLS_…`)."""
    include_insecure_cipher_suites: bool | None = None
    """Whether `cipher_suites` may have insecure ones."""
    curve_preferences: list[str] | None = None
    """Names of the groups to offer, like `X25519` or `P256`."""
    reload_interval: Duration | None = None
    """How often the exporter reads its files again. The probe itself notices a change at once."""
    tpm: Any = None
    """Accepted where it is not enabled; a key in a TPM cannot be read."""


class DefaultsEntry(Entry, frozen=True, kw_only=True):
    """What a target may set for itself, and `defaults` for all of them."""

    protocol: str | None = None
    """`grpc` or `http/protobuf`. Without it the one that `exporter` speaks; where that speaks
    both, 4318 means `http/protobuf`, any other port `grpc`."""
    signal: str | None = None
    """`traces`, `metrics` or `logs`: whose `Export` is called."""
    proxy_url: str | None = None
    """An HTTP proxy, `http://host:port`, that is asked for a tunnel with CONNECT."""
    exporter: str | None = None
    """Whose verdict the outcome is: `collector`, `go-grpc`, `go-http`, `java-okhttp`, `java-jdk`,
    `java-grpc`, `python-grpc`, `python-http`, `node-grpc`, `node-http`, `rust-tonic`,
    `rust-reqwest`, `dotnet` or `curl`. Without it `collector`. A Collector's own exporters are
    always `collector`."""
    depth: str | None = None
    """`tls`: handshake and its judgement; `otlp`: an empty export request as well; `canary`: a
    request with one item of the probe's own, marked as synthetic."""
    addresses: str | None = None
    """`first`: the first address of the name that takes the connection stands for all; where others
    differ, a finding says so. `each`: every address has a result of its own, with the label
    `address`, and the target is as expected only if all are. Without it `first`; gRPC's `dns:///`
    and the exporter `loadbalancing` ask for `each`."""
    interval: Duration | None = None
    """Time from one attempt to the next."""
    timeout: Duration | None = None
    """Time for a whole attempt, from files to answer."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers of the request. Those of `defaults` are kept, except of the same name."""
    tls: TlsEntry = TlsEntry()
    """The client's TLS settings. Keys that are not set come from `defaults`, one by one."""
    labels: dict[str, str] = field(default_factory=dict)
    """Labels of the target's metrics, besides the probe's own."""


class ExpectEntry(Entry, frozen=True, kw_only=True):
    """How an attempt must end: `cause`, with or without an end, or `client_certificate_requested`."""

    cause: str | None = None
    """The id of the cause that the target must fail with, as proof that mTLS stays on."""
    until: str | None = None
    """`2026-12-24`: makes `cause` a silence that ends at 00:00 UTC of this day. Until then the target
    may fail with the cause, or be confirmed; from then on it must be confirmed."""
    client_certificate_requested: bool | None = None
    """`true`: the target must be confirmed, and its backend must ask every client for a certificate
    and refuse those without one."""


class TargetEntry(DefaultsEntry, frozen=True, kw_only=True):
    """One target."""

    endpoint: str
    """`https://host:port/path` or `host:port`. `http://` needs `tls: {insecure: true}`."""
    name: str | None = None
    """A unique name of one line. Without it `host:port` of the endpoint."""
    expect: ExpectEntry | None = None
    """How an attempt must end. Without it, it must be confirmed."""
    server_cert_file: str | None = None
    """File of the backend's own certificate, where it can be read here: a renewed one that is not
    served yet is reported."""


class ModuleEntry(DefaultsEntry, frozen=True, kw_only=True):
    """One module: settings for targets that `/probe` names, without an endpoint of its own."""

    allow: list[str] = field(default_factory=list)
    """What `/probe` may connect to: names (`*` for any characters) and networks, each with a port
    or without. Empty: nothing."""


class SdkEntry(Entry, frozen=True, kw_only=True):
    """A file with the settings of an SDK, where its name and content do not say who reads it."""

    file: str
    """Its path."""
    format: str | None = None
    """Who reads it: [the formats](sources.md#files-of-an-sdk)."""
    profiles: list[str] = field(default_factory=list)
    """The active profiles of a Spring application; without, `SPRING_PROFILES_ACTIVE`, else the file's
    own `spring.profiles.active`."""


class ProcessEntry(Entry, frozen=True, kw_only=True):
    """Which running processes are read. Exactly one of the keys is set."""

    pid: Positive | None = None
    """The number of one process, as the probe sees it."""
    command: str | None = None
    """Text of a command line, like `java -jar app`: every process that has it, whenever it runs.
    The probe itself is not among them."""


class SourceEntry(Entry, frozen=True, kw_only=True):
    """One source. Exactly one of the keys is set."""

    collector: str | list[str] | None = None
    """A Collector's configuration file, or a list of files that merge in their order."""
    receiver: str | list[str] | None = None
    """A Collector's configuration file, or a list of files that merge in their order: its OTLP
    receivers are probed over loopback, and their files are judged as [the backend's](receivers.md)."""
    sdk: str | SdkEntry | None = None
    """`environment`; or a file with an SDK's settings, or a mapping of `file` and `format`: see
    [where targets come from](sources.md#files-of-an-sdk)."""
    manifest: str | list[str] | None = None
    """Kubernetes objects and Helm values: a file, a directory, a path with `*` in its last part, or
    a list of these. What one refers to may be in another."""
    file_sd: str | None = None
    """Files of Prometheus's file-based discovery, `.json`, `.yml` or `.yaml`; `*` in the last part
    of the path."""
    process: ProcessEntry | None = None
    """Running exporters: [their environment, command line and files](processes.md) are read."""
    http_sd: str | None = None
    """URL of Prometheus's HTTP-based discovery, without user name and password."""


class ClockSourceEntry(Entry, frozen=True, kw_only=True):
    """One clock. Exactly one of the keys is set."""

    http: str | None = None
    """A URL whose answer to HEAD has a `Date`. Prefer `http://`: with a wrong clock here an
    `https://` URL does not verify."""
    sntp: str | None = None
    """`host` or `host:port` of an SNTP server; without a port 123."""


class ClockEntry(Entry, frozen=True, kw_only=True):
    """How the clocks of this host and of others are compared."""

    sources: list[ClockSourceEntry] = field(default_factory=list)
    """Clocks to compare this host's with. Each entry has exactly one key."""
    tolerance: Duration = "60s"
    """How far two clocks may disagree."""


class WebEntry(Entry, frozen=True, kw_only=True):
    """How pages and metrics are served."""

    listen: str = "0.0.0.0:9943"
    """`host:port` of pages and metrics; without a host every address of this host."""
    config_file: str | None = None
    """A [web file](#web-file): TLS, client certificates, users."""
    hosts: list[str] = field(default_factory=list)
    """Further names that the pages answer to, each a name or `*.` and a domain."""


class ShardEntry(Entry, frozen=True, kw_only=True):
    """The share of the targets that this probe probes. Every shard reads the same sources."""

    index: Natural | str | None = None
    """Which share of the targets is this probe's, from 0; or the name of a StatefulSet's pod.
    Needed where `count` is above 1."""
    count: Positive = 1
    """How many probes divide the targets among themselves."""


class ExperimentsEntry(Entry, frozen=True, kw_only=True):
    """Further handshakes that tell one cause from another, made when a verdict changes."""

    enabled: bool = True
    """Whether further handshakes are made that tell one cause from another."""
    concurrency: Positive = 4
    """How many of them at once."""


class AlertsEntry(Entry, frozen=True, kw_only=True):
    """Thresholds of the alerting rules that `mtls-probe rules` prints."""

    expiry_warning: Duration = "672h"
    """How long before its notAfter a certificate is a warning."""
    expiry_critical: Duration = "336h"
    """The same for the severity critical."""
    hold: Duration = "5m"
    """How long something must be wrong before an alerting rule fires."""


class TelemetryEntry(Entry, frozen=True, kw_only=True):
    """The probe's own traces; where they go, the SDK's variables say."""

    sample_successes: Share | None = None
    """The share, 0 to 1, of attempts traced that ended as expected. Without it
    `OTEL_TRACES_SAMPLER` decides, else 0.01."""
    propagate: bool = True
    """Whether requests carry `traceparent` and `tracestate`."""


class FileEntry(Entry, frozen=True, kw_only=True):
    """The configuration file. Every key is optional, but something must be named to probe."""

    defaults: DefaultsEntry = DefaultsEntry()
    """What every target and every module gets where it sets nothing itself; of targets from sources
    the keys that are the probe's own."""
    resource: dict[str, str] = field(default_factory=dict)
    """OpenTelemetry resource attributes of the probe itself."""
    targets: list[TargetEntry] = field(default_factory=list)
    """What to probe."""
    sources: list[SourceEntry] = field(default_factory=list)
    """Where further targets come from. Each entry has exactly one key. All are followed as they
    change."""
    modules: dict[str, ModuleEntry] = field(default_factory=dict)
    """Settings for `/probe?target=HOST:PORT&module=NAME`, by name."""
    clock: ClockEntry = ClockEntry()
    """Comparison of this host's clock with others."""
    alertmanager: Any = None
    """Obsolete, without effect: a warning says what to do instead."""
    web: WebEntry = WebEntry()
    """Where pages and metrics are served."""
    shard: ShardEntry = ShardEntry()
    """Division of the targets among several probes."""
    concurrency: Positive = 100
    """How many attempts may run at once."""
    experiments: ExperimentsEntry = ExperimentsEntry()
    """Further handshakes."""
    alerts: AlertsEntry = AlertsEntry()
    """Thresholds of the alerting rules that `mtls-probe rules` prints."""
    telemetry: TelemetryEntry = TelemetryEntry()
    """The probe's own traces."""
