"""The receivers of an OpenTelemetry Collector next to the probe become targets.

Pure but for reading the files. Each protocol of an OTLP receiver that a pipeline uses is a target
over loopback. A receiver that asks for client certificates must refuse a probe that has none: that
is what its target expects.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from probe.config.check_settings import check_name
from probe.config.errors import ConfigurationError
from probe.config.source_content import SourceContent, add_faults, list_findings
from probe.config.sources.collector.merge import (
    CollectorFiles,
    ReadText,
    component_id,
    component_type,
)
from probe.config.sources.collector.read_collector import read_collector
from probe.config.sources.collector.startup import SECTIONS, judge_startup
from probe.config.sources.receiver.listening import (
    Listener,
    find_port_conflict,
    remark_on_local,
)
from probe.config.sources.receiver.receiver_entry import ReadReceiver, choose_signal, read_receiver
from probe.model.collector_receiver import Receiver
from probe.model.finding import Finding
from probe.model.target import (
    NO_ENDPOINT,
    Endpoint,
    Protocol,
    ServerCertificateFile,
    Source,
    Target,
    TlsSettings,
)
from probe.text.description import describe_path
from probe.text.host_port import join_host_port
from probe.text.safe_text import safe_text

_OTLP_PROTOCOLS: Final[Mapping[str, Protocol]] = {"grpc": "grpc", "http": "http/protobuf"}


_MOST_NAMED: Final = 3
"""How many reasons the finding on a neighbour names."""
NO_SETTINGS: Final = TlsSettings()
"""Of a probe that has no CA, certificate or key for receivers."""


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
    reading = list_receivers(files, environ)
    source = Source("receiver", files.document.file)
    exporters = _find_own_exporters(paths, environ, read_text)
    targets: list[Target] = []
    for one in reading.receivers:
        if one.unprobed:
            files.warn(f"receivers.{one.receiver.name}: {one.unprobed}")
        else:
            targets.append(_make_target(one, source, client, exporters))
    if reading.besides:
        name = safe_text(describe_path(source.where))
        blank = Target(name=name, endpoint=NO_ENDPOINT, sources=(source,))
        targets.append(add_faults(blank, reading.besides))
    where = files.document.file
    return SourceContent(
        targets=tuple(targets),
        empty="no OTLP receiver of it is probed",
        warnings=tuple(safe_text(f"{where}: {text}", 1024) for text in files.warnings),
    )


@dataclass(frozen=True, slots=True)
class ReadReceivers:
    """The receivers of one configuration, and what else keeps its Collector from starting."""

    receivers: tuple[ReadReceiver, ...] = ()
    besides: tuple[ConfigurationError, ...] = ()


def read_all_receivers(
    paths: Sequence[str], environ: Mapping[str, str], read_text: ReadText
) -> ReadReceivers:
    """Return every protocol of every receiver that has TLS settings or takes OTLP.

    Raises:
        ConfigurationError: where the files cannot be read.
    """
    return list_receivers(CollectorFiles(paths, environ, read_text), environ)


def list_receivers(files: CollectorFiles, environ: Mapping[str, str]) -> ReadReceivers:
    """Return the receivers of a configuration that has been read.

    Raises:
        ConfigurationError: where it is not a Collector's.
    """
    where = files.document.file
    if not files.document.value:
        raise ConfigurationError("is empty", file=where)
    if not any(key in SECTIONS for key in files.document.value):
        key = next(iter(files.document.value))
        reason = "is not the configuration of a Collector: unknown key"
        raise files.at[key].error(reason, found=key, allowed=SECTIONS)
    startup = judge_startup(files)
    used: dict[str, dict[str, None]] = {}
    for pipeline, held in startup.pipelines.items():
        for name in held["receivers"]:
            used.setdefault(component_id(name), {})[component_type(pipeline)] = None
    found: list[ReadReceiver] = []
    for name, key in files.components("receivers").items():
        check_name(name, files.at["receivers"][key])
        errors = startup.components.get(("receivers", name), ())
        read = read_receiver(name, key, files, tuple(used.get(name, ())))
        found += (replace(one, errors=_choose_errors(one, errors)) for one in read)
    probed = {one.receiver.id for one in found if not one.unprobed}
    besides = [
        *startup.collector,
        *(
            error
            for (section, name), errors in startup.components.items()
            if section != "receivers" or name not in probed
            for error in errors
        ),
    ]
    listeners = [one.listener for one in found if one.listener and one.signals]
    checked = [_check_listener(one, listeners, environ) for one in found]
    return ReadReceivers(tuple(_tell_neighbours(checked, besides)), tuple(besides))


def _choose_errors(
    one: ReadReceiver, errors: Sequence[ConfigurationError]
) -> tuple[ConfigurationError, ...]:
    """Return what of the receiver's `errors` is of this protocol, and what only its reading says."""
    others = {f".protocols.{other}" for other in _OTLP_PROTOCOLS if other != one.receiver.protocol}
    own = [each for each in errors if not any(f"{other}." in f"{each.key}." for other in others)]
    known = {each.key or "" for each in own}
    more = [
        each
        for each in one.errors
        if not any(
            key.startswith(each.key or "") or (each.key or "").startswith(key) for key in known
        )
    ]
    return (*own, *more)


def _check_listener(
    one: ReadReceiver, listeners: Sequence[Listener], environ: Mapping[str, str]
) -> ReadReceiver:
    """Return `one` with what is wrong with where it listens."""
    if one.listener is None or not one.signals:
        return one
    remarks = (*one.receiver.remarks, *remark_on_local(one.listener, environ))
    errors = one.errors
    if other := find_port_conflict(one.listener, listeners):
        errors += (_make_conflict(one.listener, other, one.receiver),)
    return replace(one, receiver=replace(one.receiver, remarks=remarks), errors=errors)


def _tell_neighbours(
    found: Sequence[ReadReceiver], besides: Sequence[ConfigurationError]
) -> Iterator[ReadReceiver]:
    """Yield each receiver; those that can work carry what keeps their Collector from starting."""
    errors = [*besides, *(error for one in found for error in one.errors)]
    reasons = [fault for error in errors for fault in list_findings(error)]
    for one in found:
        if one.errors or not reasons:
            yield one
            continue
        named = "; ".join(fault.fact for fault in reasons[:_MOST_NAMED])
        more = f", and {len(reasons) - _MOST_NAMED} more" if len(reasons) > _MOST_NAMED else ""
        finding = Finding(
            cause="exporter_configuration_invalid",
            role="receiver",
            path=one.receiver.settings_file,
            fact=safe_text(
                f"the Collector does not start with this configuration: {named}{more}", 1024
            ),
            fix=tuple(dict.fromkeys(step for fault in reasons for step in fault.fix))[:_MOST_NAMED],
        )
        remarks = (*one.receiver.remarks, finding)
        yield replace(one, receiver=replace(one.receiver, remarks=remarks))


def _make_target(
    read: ReadReceiver, source: Source, client: TlsSettings, exporters: Sequence[Target]
) -> Target:
    receiver, listener = read.receiver, read.listener
    endpoint = listener.endpoint if listener else NO_ENDPOINT
    tls, notes = _choose_client(read, endpoint, client, exporters)
    target = Target(
        name=receiver.name,
        endpoint=replace(endpoint, path=read.path, scheme=_choose_scheme(receiver)),
        protocol=_OTLP_PROTOCOLS.get(receiver.protocol, "grpc"),
        signal=choose_signal(read.signals) or "traces",
        tls=tls,
        expect_cause=None if read.errors else _choose_expected(read, tls),
        sources=(source,),
        notes=notes,
        receiver=receiver,
        server_certificate_file=_name_served_file(receiver),
    )
    return add_faults(target, read.errors)


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
