"""One OTLP exporter of a Collector becomes its Targets.

Pure but for the files that `CollectorFiles` reads. Follows otlpexporter, otlphttpexporter and
configtls (v0.162.0); keys that concern no connection (`sending_queue`, `timeout`, `compression`)
have no meaning for a probe. Header values, keys given inline and proxies become `Secret`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from probe.config.check_settings import (
    authority_fault,
    check_name,
    check_tls_form,
    header_fault,
    proxy_fault,
    server_name_fault,
    tls_faults,
)
from probe.config.duration import go_seconds
from probe.config.errors import NotProbedError, UnknownSettingError
from probe.config.expand import Unresolved
from probe.config.location import Location
from probe.config.proxy_environment import find_proxy, find_proxy_url
from probe.config.schema import TlsEntry
from probe.config.sources.collector.authentication import (
    Headers,
    Warn,
    authenticate,
    basic_authorization,
)
from probe.config.sources.collector.endpoint import (
    Destination,
    parse_grpc_endpoint,
    parse_http_endpoint,
    resolve_tls,
)
from probe.config.sources.collector.merge import CollectorFiles, component_type
from probe.config.target_entry import tls_conflicts, tls_settings
from probe.config.typed_values import convert
from probe.config.yaml_document import unwrap
from probe.exporters.go_domain_names import is_looked_up, map_for_lookup
from probe.exporters.go_names import parse_address
from probe.model.target import Secret, Signal, Source, Target, TlsSettings

ARROW_TYPES: Final = frozenset({"otelarrow", "otel_arrow"})
GRPC_TYPES: Final = frozenset({"otlp_grpc", "otlp", *ARROW_TYPES})
HTTP_TYPES: Final = frozenset({"otlp_http", "otlphttp"})
_OTHER_PROXIES: Final = ("https://", "socks5://", "socks5h://")


class _Auth(Struct, frozen=True):
    authenticator: str = ""


class _Arrow(Struct, frozen=True):
    disabled: bool = False
    disable_downgrade: bool = False


class _Header(Struct, frozen=True):
    name: str = ""
    value: str = ""


class ExporterEntry(Struct, frozen=True, kw_only=True):
    """The keys of an exporter that say what it connects to, and how."""

    endpoint: str = ""
    traces_endpoint: str = ""
    metrics_endpoint: str = ""
    logs_endpoint: str = ""
    authority: str = ""
    proxy_url: str = ""
    encoding: str = "proto"
    headers: dict[str, str] = field(default_factory=dict)
    auth: _Auth = _Auth()
    tls: TlsEntry = TlsEntry()
    arrow: _Arrow = _Arrow()
    force_attempt_http2: bool = True
    http2_read_idle_timeout: str | int = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """One exporter of the configuration: its id, its key there, and the signals that reach it."""

    id: str
    key: str
    signals: tuple[Signal, ...]

    @property
    def grpc(self) -> bool:
        """Whether it speaks OTLP over gRPC."""
        return component_type(self.id) in GRPC_TYPES


def read_exporter(
    exporter: Exporter,
    files: CollectorFiles,
    environ: Mapping[str, str],
    source: Source,
    warn: Warn,
) -> tuple[Target, ...]:
    """Return one Target, or one for each endpoint where signals go to different ones.

    Raises:
        ConfigurationError: Settings with which the Collector does not start or never exports.
        NotProbedError: where the probe cannot do what the exporter does.
    """
    at = files.at["exporters"][exporter.key]
    check_name(exporter.id, at)
    entry = read_entry(files, "exporters", exporter.key)
    if entry.encoding == "json":
        warn("it sends JSON; the probe sends Protobuf")
    if component_type(exporter.id) in ARROW_TYPES and not entry.arrow.disabled:
        warn(_ARROW_ALONE if entry.arrow.disable_downgrade else _ARROW)
    targets: list[Target] = []
    for signal, destination in _read_destinations(entry, exporter, at).items():
        target = Target(
            name=f"{exporter.id}-{signal}" if targets else exporter.id,
            endpoint=destination.endpoint,
            protocol="grpc" if exporter.grpc else "http/protobuf",
            signal=signal,
            offers_http2=exporter.grpc or _offers_http2(entry),
            sources=(source,),
        )
        targets.append(complete_target(target, destination, entry, at, files, environ, warn))
    return tuple(targets)


_ARROW: Final = (
    "it sends Arrow streams where the backend takes them; the probe sends OTLP, as it falls back to"
)
_ARROW_ALONE: Final = "it sends Arrow streams alone; the probe sends OTLP over the same connection"


def complete_target(
    target: Target,
    destination: Destination,
    entry: ExporterEntry,
    location: Location,
    files: CollectorFiles,
    environ: Mapping[str, str],
    warn: Warn,
) -> Target:
    """Return `target`, which goes to `destination`, with all else that `entry` says.

    Args:
        target: With its name, endpoint, protocol and signal.
        destination: What the endpoint says.
        entry: The exporter's settings.
        location: Where they stand.
        files: The Collector's configuration.
        environ: The environment's variables.
        warn: Receives what the probe does otherwise.

    Raises:
        ConfigurationError, NotProbedError: as `read_exporter`.
    """
    grpc = target.protocol == "grpc"
    if destination.note:
        warn(destination.note)
    tls = _read_tls(entry, location, grpc=grpc)
    tls, remarks = resolve_tls(tls, destination.scheme, grpc=grpc)
    target = replace(target, tls=tls, remarks=remarks)
    authority = destination.authority
    if grpc:
        authority = _read_authority(entry, tls, destination, location)
    target = replace(
        target,
        authority=authority,
        headers=_read_headers(entry, destination, target, files, location, warn),
        proxy_url=_choose_proxy(entry, target, environ, location),
    )
    _check_host(target, location["endpoint"])
    return target


def read_entry(files: CollectorFiles, *path: str) -> ExporterEntry:
    """Return the settings of the OTLP exporter at `path`.

    Raises:
        ConfigurationError: where they have another shape, or hold a reference that is not known.
    """
    at = files.at
    for key in path:
        at = at[key]
    value = files.value(*path)
    _refuse_unresolved(value)
    if value is None:
        return ExporterEntry()
    if isinstance(value, dict):
        value = dict(value)
        headers = unwrap(value.get("headers"))
        if isinstance(headers, list):
            listed = convert(headers, list[_Header], at["headers"])
            value["headers"] = {header.name: header.value for header in listed}
            if len(value["headers"]) < len(listed):
                raise at["headers"].error(
                    "has a name twice, with which the Collector does not start"
                )
        elif isinstance(headers, dict):
            # As configopaque.MapList orders them; of those that differ in case the last one counts.
            value["headers"] = {
                name: "" if text is None else text for name, text in sorted(headers.items())
            }
        tls = unwrap(value.get("tls"))
        if isinstance(tls, dict):
            if component_type(path[-1]) in HTTP_TYPES:
                # confighttp passes over keys that it does not know.
                tls = {key: tls[key] for key in tls if key in TlsEntry.__struct_fields__}
            value["tls"] = normalize_tls(tls)
    return convert(value, ExporterEntry, at)


def _refuse_unresolved(value: Any, key: str = "") -> None:
    """Refuse to probe with settings that are not known here.

    Raises:
        UnknownSettingError: naming what is not known, or the provider that only the Collector has.
    """
    if isinstance(value, Unresolved):
        if value.reason:
            raise UnknownSettingError(value.reason)
        what = f"its {key} comes" if key else "its settings come"
        raise UnknownSettingError(
            f"{what} from the provider {value.scheme}, which the Collector has and the probe has not"
        )
    parts: Iterable[tuple[str, Any]] = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        parts = ((str(place), item) for place, item in enumerate(value))
    for name, item in parts:
        if key or name in ExporterEntry.__struct_fields__:
            _refuse_unresolved(item, f"{key}.{name}" if key else name)


def normalize_tls(tls: dict[str, Any]) -> dict[str, Any]:
    """Return `tls` with what only Go's decoder takes: names in one text, a number of nanoseconds."""
    tls = dict(tls)
    for key in ("cipher_suites", "curve_preferences"):
        names = unwrap(tls.get(key))
        if isinstance(names, str):
            tls[key] = names.split(",") if names else []
    interval = unwrap(tls.get("reload_interval"))
    if type(interval) is int:
        tls["reload_interval"] = f"{interval}ns"
    return tls


def _read_tls(entry: ExporterEntry, location: Location, *, grpc: bool) -> TlsSettings:
    tls = entry.tls
    if isinstance(tls.tpm, dict) and unwrap(tls.tpm.get("enabled")) is True:
        raise NotProbedError("its private key is in a TPM and cannot be read here")
    tls = msgspec.structs.replace(tls, tpm=None)
    check_tls_form(tls, location["tls"])
    if tls.reload_interval:
        # Go has neither the days nor the weeks that the probe's own file may have.
        location["tls"]["reload_interval"].parse(go_seconds, tls.reload_interval)
    for unusable in tls_faults(tls, location["tls"]):
        raise unusable
    settings = tls_settings(tls)
    for unusable in tls_conflicts(settings, location["tls"]):
        raise unusable
    name = settings.server_name_override
    if fault := server_name_fault(name, grpc=grpc):
        raise location["tls"]["server_name_override"].error(fault, found=name)
    if "://" in name and not settings.insecure_skip_verify:
        reason = "is verified as the name of a host, which no certificate has a URI for"
        raise location["tls"]["server_name_override"].error(reason, found=name)
    # Zero, like no value at all, means never (configtls' certReloader).
    return replace(settings, reload_interval=settings.reload_interval or None)


def _offers_http2(entry: ExporterEntry) -> bool:
    """Whether net/http offers HTTP/2: a time for its health check configures it anyhow."""
    interval = entry.http2_read_idle_timeout
    seconds = interval if isinstance(interval, int) else go_seconds(interval or "0s")
    return entry.force_attempt_http2 or seconds > 0


def _read_authority(
    entry: ExporterEntry, tls: TlsSettings, destination: Destination, location: Location
) -> str:
    """Return what requests name as the authority, where it is not the endpoint.

    Raises:
        ConfigurationError: where grpc-go does not start with it (ClientConn.initAuthority).
    """
    if not entry.authority:
        return destination.authority
    at, name = location["authority"], tls.server_name_override
    if fault := authority_fault(entry.authority):
        raise at.error(fault, found=entry.authority)
    if name and not tls.plaintext and name != entry.authority:
        reason = f"is not tls.server_name_override, {name}, with which the exporter does not start"
        raise at.error(reason, found=entry.authority)
    return entry.authority


def _check_host(target: Target, location: Location) -> None:
    """Check that Go's resolver asks for the host at all, where it is the exporter that asks.

    Raises:
        ConfigurationError: where it does not: nothing is ever exported.
    """
    host = target.endpoint.host
    if target.proxy_url or parse_address(host) is not None or is_looked_up(host):
        return
    reason = "Go does not look up such a host, so nothing is ever exported"
    if not host.isascii() and (name := map_for_lookup(host)) != host:
        reason = f"a gRPC exporter looks up no name outside of ASCII; write {name}"
    raise location.error(reason, found=target.endpoint.authority)


def _read_destinations(
    entry: ExporterEntry, exporter: Exporter, location: Location
) -> dict[Signal, Destination]:
    """Return the destination of each signal, without those that an earlier one stands for."""
    if exporter.grpc:
        return {
            exporter.signals[0]: location["endpoint"].parse(parse_grpc_endpoint, entry.endpoint)
        }
    found: dict[str, tuple[Signal, Destination]] = {}
    for signal in exporter.signals:
        own = f"{signal}_endpoint"
        url = getattr(entry, own)
        key = own if url else "endpoint"
        if not url:
            if not entry.endpoint:
                reason = f"is empty, and so is {own}, though a pipeline of {signal} uses it"
                raise location[key].error(reason)
            slash = "" if entry.endpoint.endswith("/") else "/"
            url = f"{entry.endpoint}{slash}v1/{signal}"
        # The same service with each signal's usual path is one destination.
        base = url.removesuffix(f"/v1/{signal}")
        if base not in found:
            found[base] = (signal, location[key].parse(parse_http_endpoint, url))
    return dict(found.values())


def _read_headers(
    entry: ExporterEntry,
    destination: Destination,
    target: Target,
    files: CollectorFiles,
    location: Location,
    warn: Warn,
) -> tuple[tuple[str, Secret], ...]:
    grpc = target.protocol == "grpc"
    headers, own = Headers(grpc=grpc), tuple(entry.headers.items())
    if grpc:
        # Pseudo-header fields are left out; names that differ in case are sent both.
        own = tuple((name.lower(), value) for name, value in own if not name.startswith(":"))
    else:
        for name, value in own:
            # net/http knows `Host` alone, and sends what else is like it nowhere.
            if name == "Host" or name.lower() != "host":
                headers.set(name, value)
    if entry.auth.authenticator:
        plaintext = grpc and target.plaintext
        authenticate(entry.auth.authenticator, headers, files, warn, plaintext=plaintext)
    if destination.credentials and not headers.get("Authorization"):
        headers.set("Authorization", basic_authorization(destination.credentials))
    # grpc-go sends both what credentials add and a header of the same name.
    sent = headers.items() + (own if grpc else ())
    for name, value in sent:
        if fault := header_fault(name, value, grpc=grpc):
            raise location["headers"][name].error(fault)
    return tuple((name, Secret(value)) for name, value in sent)


def _choose_proxy(
    entry: ExporterEntry, target: Target, environ: Mapping[str, str], location: Location
) -> Secret | None:
    own = entry.proxy_url if target.protocol == "http/protobuf" else ""
    if (own or find_proxy_url(target, environ) or "").lower().startswith(_OTHER_PROXIES):
        raise NotProbedError("its proxy speaks no CONNECT in plaintext, which is all the probe can")
    if own:
        if fault := proxy_fault(own):
            raise location["proxy_url"].error(fault)
        return Secret(own)
    return find_proxy(target, environ)
