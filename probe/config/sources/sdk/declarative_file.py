"""The targets of an OpenTelemetry SDK, read from its declarative configuration file.

Pure. The file replaces the variables, but those that it refers to. Header values become
`Secret` here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from probe.config.check_settings import header_fault
from probe.config.errors import ConfigurationError
from probe.config.location import Location
from probe.config.proxy_environment import apply_proxy
from probe.config.source_content import SourceContent, add_faults, report_ignored
from probe.config.sources.sdk.file_schema import EXPORTERS, Otlp, SdkFile, normalize_exporters
from probe.config.sources.sdk.substitution import read_plain_scalar, substitute_references
from probe.config.sources.sdk.traps import report_plaintext_files
from probe.config.sources.sdk.variables import PREFIX, Headers, parse_headers
from probe.config.typed_values import convert
from probe.config.yaml_document import parse_yaml
from probe.model.finding import Finding
from probe.model.target import Endpoint, Protocol, Secret, Signal, Source, Target, TlsSettings

_PROTOCOLS: Final[dict[str, Protocol]] = {
    "grpc": "grpc",
    "grpc/protobuf": "grpc",
    "http/protobuf": "http/protobuf",
}
"""What `protocol` of the early `otlp` may say; without one it is HTTP."""


KEYS: Final = frozenset(
    {
        *("file_format", "disabled", "resource", "propagator", "attribute_limits", "log_level"),
        *("tracer_provider", "meter_provider", "logger_provider"),
        *("instrumentation", "instrumentation/development", "distribution"),
    }
)
"""The keys of the file (opentelemetry-configuration 1.0): one of another program has none of them."""

_PROVIDERS: Final[tuple[tuple[Signal, str, str, tuple[str, ...]], ...]] = (
    ("traces", "tracer_provider", "processors", ("batch", "simple")),
    ("metrics", "meter_provider", "readers", ("periodic",)),
    ("logs", "logger_provider", "processors", ("batch", "simple")),
)


def read_sdk_file(raw: bytes, file: str, environ: Mapping[str, str]) -> SourceContent:
    """Return the targets of every OTLP exporter in the file.

    Exporters of several signals with the same settings (and, over HTTP, the same endpoint but for
    `/v1/<signal>`) are one target, `sdk`, which exports the first of them; any other is
    `sdk-traces`, `sdk-metrics` or `sdk-logs`. Names repeat where a file repeats an exporter. A file
    that says `disabled: true` has no targets. An exporter with settings that no SDK could use is a
    target that fails; one whose endpoint cannot be read is an error, and the others go on.

    Args:
        raw: The file's content.
        file: Its name, for errors and as the targets' source.
        environ: The environment's variables, for references and proxies.

    Raises:
        ConfigurationError: with line and key, where it is not YAML, has an invalid reference, or another shape.
    """
    document = parse_yaml(raw, file, plain=read_plain_scalar)
    if document.value is None:
        raise ConfigurationError("is empty", file=file)
    value = normalize_exporters(substitute_references(document, environ))
    if isinstance(value, dict) and KEYS.isdisjoint(value):
        reason = "holds no key of an SDK's configuration"
        raise ConfigurationError(reason, file=file, allowed=sorted(KEYS))
    document = replace(document, value=value)
    entry = convert(document.value, SdkFile, Location(document))
    if entry.disabled:
        return SourceContent(empty="it says disabled: true, so that its SDK exports nothing")
    groups: dict[object, list[_Exporter]] = {}
    errors: list[ConfigurationError] = []
    for signal, provider, stages, kinds in _PROVIDERS:
        seen: dict[object, int] = {}
        for at, otlp in _list_exporters(entry, Location(document), provider, stages, kinds):
            try:
                found = _read_exporter(otlp, at, signal)
            except ConfigurationError as error:
                errors.append(error)
                continue
            key = found.group_key()
            # A second exporter of one signal to one place is another one: it joins another group.
            seen[key] = seen.get(key, 0) + 1
            groups.setdefault((key, seen[key]), []).append(found)
    return SourceContent(
        targets=tuple(_make_target(found, file, environ) for found in groups.values()),
        errors=tuple(errors),
        empty="" if groups or errors else "it holds no OTLP exporter",
    )


@dataclass(frozen=True, slots=True)
class _Exporter:
    """One exporter of the file; `endpoint` has its whole path."""

    signal: Signal
    endpoint: Endpoint
    protocol: Protocol
    tls: TlsSettings
    headers: Headers
    remarks: tuple[Finding, ...]
    notes: tuple[str, ...]
    faults: tuple[ConfigurationError, ...]

    def group_key(self) -> object:
        """Return what an exporter of another signal must have in common with this one."""
        path, mark, query = self.endpoint.path.partition("?")
        base = path.removesuffix(f"/v1/{self.signal}")
        if self.protocol == "http/protobuf" and base == path:
            base += f" of {self.signal} alone"
        endpoint = replace(self.endpoint, path=base + mark + query)
        return (endpoint, self.protocol, self.tls, self.headers, *self.faults)


def _make_target(found: list[_Exporter], file: str, environ: Mapping[str, str]) -> Target:
    first = found[0]
    remarks = dict.fromkeys(remark for exporter in found for remark in exporter.remarks)
    if any(name.startswith(PREFIX) and text for name, text in environ.items()):
        remarks[_VARIABLES] = None
    target = Target(
        name="sdk" if len(found) > 1 else f"sdk-{first.signal}",
        endpoint=first.endpoint,
        protocol=first.protocol,
        signal=first.signal,
        tls=first.tls,
        headers=first.headers,
        sources=(Source("sdk", file),),
        remarks=tuple(remarks),
        notes=tuple(dict.fromkeys(note for exporter in found for note in exporter.notes)),
    )
    return add_faults(*apply_proxy(target, first.faults, environ))


def _list_exporters(
    entry: SdkFile, location: Location, provider: str, stages: str, kinds: tuple[str, ...]
) -> Iterator[tuple[Location, Otlp]]:
    for position, stage in enumerate(getattr(getattr(entry, provider), stages, ())):
        for kind in kinds:
            choice = getattr(getattr(stage, kind), "exporter", None)
            for key in EXPORTERS:
                if (otlp := getattr(choice, key, None)) is not None:
                    yield location[provider][stages][position][kind]["exporter"][key], otlp


def _read_exporter(otlp: Otlp, location: Location, signal: Signal) -> _Exporter:
    if otlp.encoding == "json" or otlp.protocol == "http/json":
        key = "protocol" if otlp.protocol == "http/json" else "encoding"
        # Some SDKs speak it, so their configuration is not at fault.
        reason = "is JSON, which this probe does not speak, so that nothing is probed for it"
        raise location[key].error(reason, found=getattr(otlp, key))
    faults: list[ConfigurationError] = []
    protocol: Protocol = "http/protobuf"
    try:
        protocol = _read_protocol(otlp, location)
    except ConfigurationError as error:
        faults.append(error)
    tls = otlp.tls
    insecure = tls.insecure if tls.insecure is not None else otlp.insecure
    endpoint, remarks = _read_endpoint(otlp, location, signal, protocol, insecure)
    settings = TlsSettings(
        ca_file=tls.ca_file or tls.certificate_file or otlp.certificate_file or otlp.certificate,
        cert_file=tls.cert_file
        or tls.client_certificate_file
        or otlp.client_certificate_file
        or otlp.client_certificate,
        key_file=tls.key_file or tls.client_key_file or otlp.client_key_file or otlp.client_key,
        insecure=endpoint.scheme == "http",
    )
    files = [name for name in ("ca_file", "cert_file", "key_file") if getattr(settings, name)]
    if endpoint.scheme == "http" and files:
        taken = bool(settings.ca_file or (settings.cert_file and settings.key_file))
        remarks.append(report_plaintext_files(protocol, files[0], go_takes_them=taken))
    headers: Headers = ()
    try:
        headers = _read_headers(otlp, location, grpc=protocol == "grpc")
    except ConfigurationError as error:
        faults.append(error)
    notes = (_NO_PROTOCOL,) if location.path[-1] == "otlp" and not otlp.protocol else ()
    return _Exporter(
        signal, endpoint, protocol, settings, headers, tuple(remarks), notes, tuple(faults)
    )


def _read_protocol(otlp: Otlp, location: Location) -> Protocol:
    if location.path[-1] == "otlp_grpc":
        return "grpc"
    if location.path[-1] == "otlp":
        text = otlp.protocol or "http/protobuf"
        if text in _PROTOCOLS:
            return _PROTOCOLS[text]
        raise location["protocol"].error("is unknown", found=text, allowed=_PROTOCOLS)
    if otlp.encoding not in (None, "", "protobuf"):
        raise location["encoding"].error("is unknown", found=otlp.encoding, allowed=("protobuf",))
    return "http/protobuf"


def _read_endpoint(
    otlp: Otlp, location: Location, signal: Signal, protocol: Protocol, insecure: bool | None
) -> tuple[Endpoint, list[Finding]]:
    """Return the endpoint with its scheme and, over HTTP, its path, and what is odd about it."""
    where = location["endpoint"]
    place = "4317" if protocol == "grpc" else f"4318/v1/{signal}"
    text = otlp.endpoint or f"http://localhost:{place}"
    endpoint = where.parse(Endpoint.parse, text)
    remarks = []
    if endpoint.scheme and insecure is not None and insecure != (endpoint.scheme == "http"):
        remarks.append(_report_insecure(endpoint, insecure))
    if protocol == "grpc":
        scheme = endpoint.scheme or ("http" if insecure else "https")
        return replace(endpoint, scheme=scheme, path=""), remarks
    if not endpoint.scheme:
        raise where.error("an endpoint for HTTP begins with http:// or https://", found=text)
    if not endpoint.path.partition("?")[0]:
        if location.path[-1] == "otlp_http":
            remarks.append(_NO_PATH)
            return replace(endpoint, path=f"/{endpoint.path}"), remarks
        endpoint = replace(endpoint, path=f"/v1/{signal}{endpoint.path}")
    return endpoint, remarks


def _read_headers(otlp: Otlp, location: Location, *, grpc: bool) -> Headers:
    """Join both lists; `headers` comes before `headers_list`, whatever the case of a name."""
    try:
        listed = parse_headers(otlp.headers_list or "", grpc=grpc)
    except ValueError as error:
        raise location["headers_list"].error(str(error)) from None
    headers = {name.lower(): (name, value) for name, value in listed}
    for position, pair in enumerate(otlp.headers):
        if pair.value is None:
            continue
        if fault := header_fault(pair.name, pair.value, grpc=grpc):
            raise location["headers"][position].error(fault)
        headers[pair.name.lower()] = (pair.name, Secret(pair.value))
    return tuple(headers.values())


def _report_insecure(endpoint: Endpoint, insecure: bool) -> Finding:
    effect = "telemetry goes in plaintext" if endpoint.scheme == "http" else "TLS stays on"
    fact = (
        f"insecure: {'true' if insecure else 'false'} has no effect with an "
        f"{endpoint.scheme}:// endpoint: {effect}"
    )
    return report_ignored(fact, "Remove it; the endpoint's scheme says whether TLS is used.")


_NO_PATH: Final = report_ignored(
    "an endpoint of otlp_http is used as it is, and this one has no path: a request goes to /, "
    "where no OTLP receiver listens; but Go's exporters add /v1/<signal>",
    "Write the whole URL, like https://collector:4318/v1/traces.",
)
_NO_PROTOCOL: Final = "otlp sets no protocol: http/protobuf is taken, on any port"
_VARIABLES: Final = report_ignored(
    f"{PREFIX}* variables are set in addition to a declarative file, which replaces them; but Go's "
    "exporters still take from them what the file does not say",
    f"Remove the {PREFIX}* variables, or refer to them in the file: ${{NAME}}.",
)
