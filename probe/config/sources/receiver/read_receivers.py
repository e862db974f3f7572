"""The receivers of an OpenTelemetry Collector next to the probe become targets.

Pure but for reading the files. Each protocol of an OTLP receiver that a pipeline uses is a target
over loopback. A receiver that asks for client certificates must refuse a probe that has none: that
is what its target expects.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from msgspec import Struct, field

from probe.config.check_settings import check_name
from probe.config.errors import ConfigurationError
from probe.config.location import Location
from probe.config.source_content import SourceContent, add_faults
from probe.config.sources.collector.merge import (
    CollectorFiles,
    ReadText,
    component_id,
    component_type,
)
from probe.config.sources.collector.read_collector import read_collector
from probe.config.sources.collector.startup import SECTIONS
from probe.config.sources.receiver.listening import (
    Listener,
    find_port_conflict,
    parse_listener,
    remark_on_local,
)
from probe.config.sources.receiver.receiver_tls import read_server_tls
from probe.config.yaml_document import Expanded, unwrap
from probe.model.collector_receiver import Receiver
from probe.model.target import (
    SIGNALS,
    Endpoint,
    Protocol,
    ServerCertificateFile,
    Signal,
    Source,
    Target,
    TlsSettings,
)
from probe.text.host_port import join_host_port
from probe.text.safe_text import safe_text

PROTOCOLS: Final[Mapping[str, Mapping[str, str]]] = {
    "otlp": {"grpc": "localhost:4317", "http": "localhost:4318"},
    "otelarrow": {"grpc": "localhost:4317"},
}
"""By type, each protocol of a receiver that takes OTLP, with what it listens on by default."""
_ALWAYS_ON: Final = frozenset({"otelarrow"})
"""Types whose protocols are there without being named."""
_OTLP_PROTOCOLS: Final[Mapping[str, Protocol]] = {"grpc": "grpc", "http": "http/protobuf"}


NO_SETTINGS: Final = TlsSettings()
"""Of a probe that has no CA, certificate or key for receivers."""


class _Pipeline(Struct, frozen=True):
    receivers: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ReadReceiver:
    """One protocol of one receiver, as far as it could be read."""

    receiver: Receiver
    signals: tuple[str, ...]
    """What begins the ids of the pipelines that use it; none: the Collector does not start it."""
    listener: Listener | None = None
    """None where it listens on nothing that can be connected to."""
    unprobed: str = ""
    """Why it is not probed; empty where it is."""
    auth: str = ""
    """The authenticator that it asks for more than a certificate, by its id."""
    path: str = ""
    """OTLP/HTTP: the path that takes the signal's requests, where it is not the usual one."""
    errors: tuple[ConfigurationError, ...] = ()
    """What keeps it, and so its Collector, from starting."""


def read_receivers(
    paths: Sequence[str],
    environ: Mapping[str, str],
    read_text: ReadText,
    client: TlsSettings = NO_SETTINGS,
) -> SourceContent:
    """Read the receivers of the configuration that `paths` make together.

    Args:
        paths: The files, as `--config` of the Collector names them.
        environ: The environment's variables, for references.
        read_text: Returns a file's text; raises OSError or ValueError where it cannot.
        client: The probe's own TLS settings for receivers: CA, certificate and key.

    Raises:
        ConfigurationError: where the files cannot be read.
    """
    files = CollectorFiles(paths, environ, read_text)
    found = list_receivers(files)
    source = Source("receiver", files.document.file)
    exporters = _find_own_exporters(paths, environ, read_text)
    listeners = [one.listener for one in found if one.listener and one.signals]
    targets: list[Target] = []
    for one in found:
        if one.unprobed:
            files.warn(f"receivers.{one.receiver.name}: {one.unprobed}")
            continue
        targets.append(_make_target(one, listeners, source, client, exporters, environ))
    where = files.document.file
    return SourceContent(
        targets=tuple(targets),
        empty="no OTLP receiver of it is probed",
        warnings=tuple(safe_text(f"{where}: {text}", 1024) for text in files.warnings),
    )


def read_all_receivers(
    paths: Sequence[str], environ: Mapping[str, str], read_text: ReadText
) -> tuple[ReadReceiver, ...]:
    """Return every protocol of every receiver that has TLS settings or takes OTLP.

    Raises:
        ConfigurationError: where the files cannot be read.
    """
    return tuple(list_receivers(CollectorFiles(paths, environ, read_text)))


def list_receivers(files: CollectorFiles) -> list[ReadReceiver]:
    """Return the receivers of a configuration that has been read.

    Raises:
        ConfigurationError: where it is not a Collector's.
    """
    _check_sections(files)
    used = _find_signals(files)
    found: list[ReadReceiver] = []
    receivers = files.components("receivers")
    for name, key in receivers.items():
        check_name(name, files.at["receivers"][key])
        found += _read_receiver(name, key, files, tuple(used.get(name, ())))
    for name in used:
        if name not in receivers and component_type(name) in PROTOCOLS:
            reason = f"a pipeline uses the receiver {name}, which is not among the receivers"
            files.warn(reason)
    return found


def _check_sections(files: CollectorFiles) -> None:
    if not files.document.value:
        raise ConfigurationError("is empty", file=files.document.file)
    for key in files.document.value:
        if key not in SECTIONS:
            raise files.at[key].error("unknown key", found=key, allowed=SECTIONS)


def _find_signals(files: CollectorFiles) -> dict[str, dict[str, None]]:
    """Return what the pipelines of each receiver carry, in their order."""
    pipelines = files.component("service", "pipelines", dict[str, _Pipeline])
    used: dict[str, dict[str, None]] = {}
    for pipeline, entry in pipelines.items():
        for name in entry.receivers:
            used.setdefault(component_id(name), {})[component_type(pipeline)] = None
    return used


def _read_receiver(
    name: str, key: str, files: CollectorFiles, signals: tuple[str, ...]
) -> Iterator[ReadReceiver]:
    at = files.at["receivers"][key]
    kind = component_type(name)
    blank = Receiver(id=name, protocol="", listens="", settings_file=files.document.file)
    try:
        settings = _as_mapping(files.value("receivers", key))
    except ConfigurationError as error:
        if kind in PROTOCOLS:
            for protocol, default in PROTOCOLS[kind].items():
                receiver = replace(blank, protocol=protocol, listens=default)
                yield ReadReceiver(receiver, signals, errors=(error,))
        return
    protocols = settings.get("protocols")
    if kind not in PROTOCOLS:
        yield from _read_other(blank, settings, at, signals)
        return
    named = _as_mapping(protocols)
    for protocol, default in PROTOCOLS[kind].items():
        if protocol not in named and kind not in _ALWAYS_ON:
            continue
        receiver = replace(blank, protocol=protocol, listens=default)
        yield _read_protocol(receiver, named.get(protocol), at["protocols"][protocol], signals)


def _read_other(
    blank: Receiver, settings: Mapping[str, Any], at: Location, signals: tuple[str, ...]
) -> Iterator[ReadReceiver]:
    """Yield what of a receiver of another protocol has TLS settings: its files are judged alone."""
    nested = _as_mapping(settings.get("protocols"))
    parts = {"": (settings, at)} | {
        key: (_as_mapping(value), at["protocols"][key]) for key, value in nested.items()
    }
    for protocol, (part, location) in parts.items():
        listens = _as_text(part.get("endpoint"))
        if not isinstance(unwrap(part.get("tls")), dict) or not listens:
            continue
        receiver = replace(blank, protocol=protocol or component_type(blank.id), listens=listens)
        read = _read_protocol(receiver, part, location, signals)
        if read.receiver.tls is not None and not read.errors:
            # A key that only clients have shows that this is one: a scraper's settings.
            yield replace(read, unprobed="it takes no OTLP, so it is not probed")


def _read_protocol(
    receiver: Receiver, value: Any, at: Location, signals: tuple[str, ...]
) -> ReadReceiver:
    settings = _as_mapping(value)
    listens = _as_text(settings.get("endpoint")) or receiver.listens
    receiver = replace(receiver, listens=safe_text(listens), where=_place(at))
    read = ReadReceiver(
        receiver,
        signals,
        unprobed="" if signals else "no pipeline uses it, so the Collector does not start it",
        auth=_as_text(_as_mapping(settings.get("auth")).get("authenticator")),
    )
    errors: list[ConfigurationError] = []
    if _as_text(settings.get("transport")) == "unix":
        shown = "it listens on a Unix socket, so it is not probed"
        read = replace(read, unprobed=read.unprobed or shown)
    else:
        try:
            where = _place(at["endpoint"])
            listener = at["endpoint"].parse(
                lambda text: parse_listener(at.key, where, text), listens
            )
            read = replace(read, listener=listener)
            if not listener.port:
                shown = "it listens on a port that the system chooses, so it is not probed"
                read = replace(read, unprobed=read.unprobed or shown)
        except ConfigurationError as error:
            errors.append(error)
    if receiver.protocol == "http" and (signal := _choose_signal(signals)):
        path = _as_text(settings.get(f"{signal}_url_path"))
        read = replace(read, path=path if not path or path.startswith("/") else f"/{path}")
    try:
        read = replace(read, receiver=read_server_tls(receiver, settings.get("tls"), at["tls"]))
    except ConfigurationError as error:
        errors.append(error)
    return replace(read, errors=tuple(errors))


def _make_target(
    read: ReadReceiver,
    listeners: Sequence[Listener],
    source: Source,
    client: TlsSettings,
    exporters: Sequence[Target],
    environ: Mapping[str, str],
) -> Target:
    receiver, listener = read.receiver, read.listener
    endpoint = listener.endpoint if listener else Endpoint("", 0)
    errors = list(read.errors)
    remarks = receiver.remarks
    if listener is not None:
        remarks += remark_on_local(listener, environ)
        if other := find_port_conflict(listener, listeners):
            errors.append(_make_conflict(listener, other, receiver))
    tls, notes = _choose_client(read, endpoint, client, exporters)
    target = Target(
        name=receiver.name,
        endpoint=replace(endpoint, path=read.path, scheme=_choose_scheme(receiver)),
        protocol=_OTLP_PROTOCOLS.get(receiver.protocol, "grpc"),
        signal=_choose_signal(read.signals) or "traces",
        tls=tls,
        expect_cause=_choose_expected(read, tls),
        sources=(source,),
        remarks=remarks,
        notes=notes,
        receiver=receiver,
        server_certificate_file=_name_served_file(receiver),
    )
    return add_faults(target, errors)


def _choose_signal(signals: Sequence[str]) -> Signal | None:
    return next((signal for signal in SIGNALS if signal in signals), None)


def _choose_scheme(receiver: Receiver) -> str:
    if receiver.protocol != "http":
        return ""
    return "http" if receiver.tls is None else "https"


def _choose_client(
    read: ReadReceiver, endpoint: Endpoint, client: TlsSettings, exporters: Sequence[Target]
) -> tuple[TlsSettings, tuple[str, ...]]:
    """Return the probe's own TLS settings for a receiver, and where they are from."""
    if read.receiver.tls is None:
        return TlsSettings(insecure=True), ()
    own = replace(client, insecure=False, insecure_skip_verify=False)
    if own.has_client_certificate:
        return own, ("the client certificate is that of defaults in the probe's configuration",)
    for exporter in exporters:
        same_port = exporter.endpoint.port == endpoint.port
        local = exporter.endpoint.host in {"localhost", "127.0.0.1", "::1", endpoint.host}
        if same_port and local and exporter.tls.has_client_certificate and not exporter.plaintext:
            note = (
                f"the client certificate is that of the exporter {exporter.name} in the same file"
            )
            return exporter.tls, (note,)
    return own, ()


def _choose_expected(read: ReadReceiver, tls: TlsSettings) -> str | None:
    """Return the cause with which a probe without a client certificate or token must fail."""
    if read.receiver.client_ca_file and not tls.has_client_certificate:
        return "client_cert_not_sent"
    return "otlp_unauthenticated" if read.auth else None


def _name_served_file(receiver: Receiver) -> ServerCertificateFile | None:
    tls = receiver.tls
    if tls is None or not tls.cert_file:
        return None
    return ServerCertificateFile(
        tls.cert_file,
        receiver=receiver.id,
        reload_interval=tls.reload_interval,
        settings_file=receiver.settings_file,
        key_file=tls.key_file or "",
        client_ca_file=receiver.client_ca_file,
        client_ca_file_reload=receiver.client_ca_file_reload,
    )


def _make_conflict(listener: Listener, other: Listener, receiver: Receiver) -> ConfigurationError:
    file, _, line = listener.where.rpartition(":")
    taken = join_host_port(other.host, other.port)
    return ConfigurationError(
        f"listens on a port that {other.owner} ({other.where}, {taken}) listens on too: the "
        "Collector does not start",
        file=file,
        line=int(line),
        key=f"{listener.owner}.endpoint",
        found=receiver.listens,
    )


def _find_own_exporters(
    paths: Sequence[str], environ: Mapping[str, str], read_text: ReadText
) -> tuple[Target, ...]:
    """Return the exporters of the same file: one that exports to a receiver has a certificate for it."""
    try:
        return read_collector(paths, environ, read_text).targets
    except ConfigurationError:
        return ()


def _place(location: Location) -> str:
    return safe_text(f"{location.document.file_of(location.path)}:{location.line}", 1024)


def _as_mapping(value: Any) -> dict[str, Any]:
    value = unwrap(value)
    return value if isinstance(value, dict) else {}


def _as_text(value: Any) -> str:
    if isinstance(value, Expanded):
        return value.text
    return value if isinstance(value, str) else ""
