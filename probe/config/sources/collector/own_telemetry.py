"""The OTLP exporters of a Collector's own telemetry, below `service.telemetry`: each is a target.

Pure but for the files that `CollectorFiles` reads. They are the Go SDK's and not the Collector's:
otelconf (v0.25.0) makes them of the declarative format 0.3, and of 0.2 where 0.3 does not fit. A key
that neither has keeps the Collector from starting.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from msgspec import field

from probe.config.check_settings import header_fault
from probe.config.errors import ConfigurationError, NotProbedError, UnknownSettingError
from probe.config.location import Location
from probe.config.proxy_environment import apply_proxy
from probe.config.schema import Entry
from probe.config.source_content import add_faults, report_ignored
from probe.config.sources.collector.endpoint import (
    Destination,
    parse_grpc_target,
    parse_http_endpoint,
)
from probe.config.sources.collector.merge import CollectorFiles
from probe.config.sources.sdk.variables import Headers, parse_headers
from probe.config.typed_values import convert
from probe.config.yaml_document import unwrap
from probe.exporters.go_url import UrlError, escape_path, from_text, parse_url, to_text
from probe.model.finding import Finding
from probe.model.runtime import GO_GRPC, GO_HTTP
from probe.model.target import Protocol, Secret, Signal, Source, Target, TlsSettings

_SECTIONS: Final[tuple[tuple[Signal, str, tuple[str, ...]], ...]] = (
    ("traces", "processors", ("batch", "simple")),
    ("metrics", "readers", ("periodic",)),
    ("logs", "processors", ("batch", "simple")),
)
_PROTOCOLS: Final[tuple[Protocol, ...]] = ("grpc", "http/protobuf")
_SCHEMES: Final = ("http://", "https://")
_DEFAULTS: Final[dict[Protocol, str]] = {
    "grpc": "https://localhost:4317",
    "http/protobuf": "https://localhost:4318",
}


class _Pair(Entry, frozen=True):
    name: str
    value: str | None = None


class OwnOtlp(Entry, frozen=True, kw_only=True):
    """The keys of `otlp` in formats 0.2 and 0.3; of metrics, two more."""

    protocol: str | None = None
    endpoint: str | None = None
    certificate: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    headers: list[_Pair] = field(default_factory=list)
    headers_list: str | None = None
    insecure: bool | None = None
    compression: str | None = None
    timeout: int | None = None
    temporality_preference: str | None = None
    default_histogram_aggregation: str | None = None


def read_own_telemetry(
    files: CollectorFiles, environ: Mapping[str, str], source: Source
) -> tuple[tuple[Target, ...], tuple[ConfigurationError, ...]]:
    """Return the targets of a Collector's own telemetry, and what cannot be one."""
    targets: list[Target] = []
    errors: list[ConfigurationError] = []
    for signal, stages, kinds in _SECTIONS:
        try:
            found = tuple(_list_exporters(files, signal, stages, kinds))
        except UnknownSettingError:
            # It is not the exporter that asks: a reader for Prometheus has the pod's address, say.
            continue
        except ConfigurationError as error:
            errors.append(error)
            continue
        for number, (at, value, kind) in enumerate(found, 1):
            name = f"service.telemetry/{signal}" + (f"-{number}" if number > 1 else "")
            try:
                targets.append(_read_target(name, signal, value, at, kind, environ, source))
            except (ConfigurationError, NotProbedError) as error:
                if isinstance(error, NotProbedError):
                    files.warn(f"{name}: it is not probed: {error}")
                else:
                    errors.append(error)
    return tuple(targets), tuple(errors)


def _list_exporters(
    files: CollectorFiles, signal: Signal, stages: str, kinds: tuple[str, ...]
) -> Iterator[tuple[Location, Any, str]]:
    """Yield where each `otlp` of a signal stands, its value, and the kind of its processor."""
    section = files.value("service", "telemetry", signal)
    if not isinstance(section, dict) or _is_off(unwrap(section.get("level"))):
        return
    at = files.at["service"]["telemetry"][signal][stages]
    listed = unwrap(section.get(stages))
    for position, stage in enumerate(listed if isinstance(listed, list) else ()):
        for kind in kinds:
            held = _dig(stage, kind, "exporter")
            if isinstance(held, dict) and "otlp" in held:
                yield at[position][kind]["exporter"]["otlp"], unwrap(held["otlp"]), kind


def _is_off(level: Any) -> bool:
    return isinstance(level, str) and level.lower() == "none"


def _dig(value: Any, *keys: str) -> Any:
    for key in keys:
        value = unwrap(value)
        value = value.get(key) if isinstance(value, dict) else None
    return unwrap(value)


def _read_target(
    name: str,
    signal: Signal,
    value: Any,
    location: Location,
    kind: str,
    environ: Mapping[str, str],
    source: Source,
) -> Target:
    """Return the target of one exporter; what no Collector starts with is a fault of it.

    Raises:
        ConfigurationError: where its endpoint cannot be read.
        NotProbedError: where no host and port can be known.
    """
    faults: list[ConfigurationError] = []
    value = _normalize(value)
    try:
        entry = convert(value, OwnOtlp, location)
    except ConfigurationError as error:
        faults.append(error)
        # What can be read of it says at least where it goes.
        texts = {k: v for k, v in value.items() if k in _NAMING} if isinstance(value, dict) else {}
        entry = convert(texts, OwnOtlp, location)
    protocol = next((one for one in _PROTOCOLS if one == entry.protocol), None)
    if protocol is None and not faults:
        reason = "is missing" if entry.protocol is None else "is unknown"
        faults.append(location["protocol"].error(reason, found=entry.protocol, allowed=_PROTOCOLS))
    protocol = protocol or "grpc"
    if entry.endpoint is None and kind == "batch" and not faults:
        faults.append(location["endpoint"].error("is missing; the Collector ends at its start"))
    destination, plaintext = _read_destination(entry, protocol, signal, location["endpoint"])
    files = (entry.certificate, entry.client_certificate, entry.client_key)
    remarks: tuple[Finding, ...] = ()
    if plaintext and any(files):
        remarks = (_TLS_STAYS,) if protocol == "grpc" else (_NEVER_SENT,)
        plaintext = protocol != "grpc"
    target = Target(
        name=name,
        endpoint=destination.endpoint,
        protocol=protocol,
        signal=signal,
        tls=TlsSettings(
            ca_file=entry.certificate or None,
            cert_file=entry.client_certificate or None,
            key_file=entry.client_key or None,
            insecure=plaintext,
        ),
        exporter=(GO_GRPC if protocol == "grpc" else GO_HTTP).id,
        sources=(source,),
        remarks=remarks,
        authority=destination.authority,
    )
    try:
        headers = _read_headers(entry, location, grpc=protocol == "grpc")
    except ConfigurationError as error:
        faults.append(error)
    else:
        target = replace(target, headers=headers)
    return add_faults(*apply_proxy(target, tuple(faults), environ))


_NAMING: Final = frozenset({"protocol", "endpoint", "insecure"})


def _normalize(value: Any) -> Any:
    """Return `value` with pairs for a mapping of headers (format 0.2)."""
    if not isinstance(value, dict):
        return {} if value is None else value
    headers = unwrap(value.get("headers"))
    if isinstance(headers, dict):
        pairs = [{"name": name, "value": text} for name, text in headers.items()]
        return {**value, "headers": pairs}
    return value


def _read_destination(
    entry: OwnOtlp, protocol: Protocol, signal: Signal, location: Location
) -> tuple[Destination, bool]:
    """Return where the exporter goes, and whether without TLS (migration.normalizeEndpoint)."""
    text = entry.endpoint if entry.endpoint is not None else _DEFAULTS[protocol]
    if not text.startswith(_SCHEMES):
        text = f"{'http' if entry.insecure else 'https'}://{text}"
    plaintext = text.startswith("http://")

    def parse(written: str) -> Destination:
        try:
            url = parse_url(from_text(text))
        except UrlError:
            raise ValueError("is not the endpoint of an OTLP exporter") from None
        if protocol == "grpc":
            return parse_grpc_target(to_text(url.host), written)
        path = escape_path(url.path) or f"/v1/{signal}"
        scheme = "http" if plaintext else "https"
        return parse_http_endpoint(f"{scheme}://{to_text(url.host)}{path}")

    return location.parse(parse, entry.endpoint or ""), plaintext


def _read_headers(entry: OwnOtlp, location: Location, *, grpc: bool) -> Headers:
    """Join both lists; `headers` comes before `headers_list` (otelconf, createHeadersConfig).

    Names that differ in case are two to a map of Go's: gRPC then sends both, net/http either.
    """
    try:
        listed = parse_headers(entry.headers_list or "", grpc=grpc)
    except ValueError as error:
        raise location["headers_list"].error(str(error)) from None
    headers = {_key(name, grpc=grpc): (name, value) for name, value in listed}
    for position, pair in enumerate(entry.headers):
        if pair.value is None:
            continue
        if fault := header_fault(pair.name, pair.value, grpc=grpc):
            raise location["headers"][position].error(fault)
        headers[_key(pair.name, grpc=grpc)] = (pair.name, Secret(pair.value))
    return tuple(headers.values())


def _key(name: str, *, grpc: bool) -> str:
    return name if grpc else name.lower()


_TLS_STAYS: Final = report_ignored(
    "http:// does not switch TLS off, because a file is set: Go's gRPC exporter uses TLS then",
    "Write the endpoint with https:// to say what happens.",
)
_NEVER_SENT: Final = report_ignored(
    "the files of certificates have no effect: the endpoint is without TLS",
    "Write the endpoint with https://.",
)
