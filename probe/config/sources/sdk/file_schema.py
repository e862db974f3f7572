"""The shape of an SDK's declarative file, as far as it says where telemetry goes.

Follows the schema of opentelemetry-configuration 1.0 and knows what earlier file formats call
otherwise: `otlp` with a `protocol` (0.1 to 0.3), and other names of files (0.1 to 1.0-rc). Keys that
are not listed are the SDK's business, but for `tls`: there, one not known here might decide.
"""

from typing import Any, Final

from msgspec import Struct, field

from probe.config.errors import KeyPath
from probe.config.schema import Entry

EXPORTERS: Final = ("otlp_grpc", "otlp_http", "otlp")


class TlsSection(Entry, frozen=True, kw_only=True):
    """`tls`, by its present names and those of 1.0-rc.1."""

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    insecure: bool | None = None
    certificate_file: str | None = None
    client_certificate_file: str | None = None
    client_key_file: str | None = None


class HeaderPair(Struct, frozen=True):
    """An item of `headers`; one without a value is none."""

    name: str
    value: str | None = None


class Otlp(Struct, frozen=True, kw_only=True):
    """An exporter of any file format."""

    endpoint: str | None = None
    tls: TlsSection = TlsSection()
    headers: list[HeaderPair] = field(default_factory=list)
    headers_list: str | None = None
    encoding: str | None = None
    protocol: str | None = None
    insecure: bool | None = None
    certificate_file: str | None = None
    client_certificate_file: str | None = None
    client_key_file: str | None = None
    certificate: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None


class ExporterChoice(Struct, frozen=True):
    """`exporter`: a mapping of one key, the kind."""

    otlp_grpc: Otlp | None = None
    otlp_http: Otlp | None = None
    otlp: Otlp | None = None


class Stage(Struct, frozen=True):
    """What a processor or reader of one kind says."""

    exporter: ExporterChoice | None = None


class Processor(Struct, frozen=True):
    """A processor of spans or log records, or a reader of metrics."""

    batch: Stage | None = None
    simple: Stage | None = None
    periodic: Stage | None = None


class Provider(Struct, frozen=True):
    """One of the providers; metrics have readers, the others processors."""

    processors: list[Processor] = field(default_factory=list)
    readers: list[Processor] = field(default_factory=list)


class SdkFile(Struct, frozen=True):
    """The whole file."""

    disabled: bool | None = None
    tracer_provider: Provider | None = None
    meter_provider: Provider | None = None
    logger_provider: Provider | None = None


def normalize_exporters(value: Any, path: KeyPath = ()) -> Any:
    """Return `value` with `{}` for an exporter that is null, and pairs for a mapping of headers (0.2)."""
    if isinstance(value, list):
        return [normalize_exporters(item, (*path, index)) for index, item in enumerate(value)]
    if path[-2:-1] == ("exporter",) and path[-1] in EXPORTERS:
        if not isinstance(value, dict):
            return {} if value is None else value
        headers = value.get("headers")
        if isinstance(headers, dict):
            pairs = [{"name": name, "value": text} for name, text in headers.items()]
            return {**value, "headers": pairs}
        return value
    if isinstance(value, dict):
        return {key: normalize_exporters(item, (*path, key)) for key, item in value.items()}
    return value
