"""The project's own configuration, from its YAML file or from an SDK's environment.

Pure but for reading the file and the files that `${file:…}` names. Every fault that the user can
mend in the file is a `ConfigurationError`; faults of credentials are left to `load`.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from platform import node
from typing import Final

import msgspec

from probe.config.check_settings import duration_at
from probe.config.clock_sources import clock_sources
from probe.config.errors import ConfigurationError
from probe.config.expand import ExpansionError, expand
from probe.config.join_targets import joined
from probe.config.named_sources import (
    SDK_ENVIRONMENT,
    NamedSource,
    Surroundings,
    source_fault,
)
from probe.config.obsolete import obsolete_keys
from probe.config.probe_modules import modules_of
from probe.config.read_files import ReadFiles
from probe.config.resource import resource_of
from probe.config.schema import DefaultsEntry, FileEntry
from probe.config.served_locally import with_served_files
from probe.config.shard import in_shard, ordinal_of
from probe.config.source_reader import SourceReader, explain_nothing
from probe.config.span_destination import SpanDestination, span_destination
from probe.config.target_entry import targets_of, with_unique_names
from probe.config.typed_values import convert, error_at
from probe.config.yaml_document import Document, parse_yaml
from probe.model.module import Module
from probe.model.source_state import SourceState
from probe.model.target import ClockSource, Target

SAMPLE_SUCCESSES: Final = 0.01
"""The share of successes recorded where neither file nor environment says."""

_NAME: Final = re.compile(r"(?:\*\.)?[\w-]+(?:\.[\w-]+)*\.?")


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Where the pages and metrics are served; `config_file` is exporter-toolkit's web file."""

    host: str = "0.0.0.0"  # noqa: S104  # the contract's default: a scraper is another host
    port: int = 9943
    config_file: str | None = None
    hosts: tuple[str, ...] = ()
    """Names that the pages answer to besides this host's own, each one or `*.` and a domain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Everything that the user decides; times are seconds."""

    targets: tuple[Target, ...] = ()
    sources: tuple[NamedSource, ...] = ()
    resource: dict[str, str] = field(default_factory=dict)
    """The probe's own attributes, those that the user did not have to give included."""
    modules: Mapping[str, Module] = field(default_factory=dict)
    web: WebSettings = WebSettings()
    concurrency: int = 100
    clock_tolerance: float = 60.0
    clock_sources: tuple[ClockSource, ...] = ()
    expiry_warning: float = 672 * 3600.0
    expiry_critical: float = 336 * 3600.0
    experiments_enabled: bool = True
    experiments_concurrency: int = 4
    sample_successes: float = SAMPLE_SUCCESSES
    propagate: bool = True
    spans_to: SpanDestination | None = None
    shard_index: int = 0
    shard_count: int = 1
    alert_hold: float = 300.0
    """Seconds that something must be wrong before an alerting rule fires."""
    source_states: tuple[SourceState, ...] = ()
    """How each source was when it was read last; one that nobody has asked yet is not among them."""
    nothing_to_probe: str = ""
    """Why there is nothing to probe, in any shard and by any module, and what to do; else empty."""
    warnings: tuple[str, ...] = ()
    """What the user should know though it is no error, each one line."""
    files: tuple[str, ...] = ()
    """Every file that was read for it: a change in one may change it."""


def load_configuration(
    path: Path,
    environ: Mapping[str, str],
    *,
    known_causes: Collection[str] | None = None,
    fetched: Mapping[str, bytes | ConfigurationError] | None = None,
    reader: SourceReader | None = None,
    listen: WebSettings | None = None,
) -> Configuration:
    """Read the YAML file at `path`, expand its references and judge every key.

    Args:
        path: The file; relative names in it are relative to the working directory, as in a
            Collector.
        environ: The environment's variables, for references and for `sdk: environment`.
        known_causes: The ids that `expect.cause` may have; None: any.
        fetched: What each http_sd URL has answered last, or why it has not.
        reader: Reads the sources, and knows what they held before; None: one that knows nothing.
        listen: Where to serve instead of `web.listen`.

    Raises:
        ConfigurationError: with file, line, key, what was found and what is allowed; never for
            what a source names, which `source_states` reports.
    """
    files = ReadFiles()
    surroundings = Surroundings(environ, files.read, fetched or {})
    try:
        return _loaded(path, known_causes, surroundings, files, reader or SourceReader(), listen)
    except ConfigurationError as error:
        error.files = tuple(files.names)
        raise


def _loaded(
    path: Path,
    known_causes: Collection[str] | None,
    surroundings: Surroundings,
    files: ReadFiles,
    reader: SourceReader,
    listen: WebSettings | None,
) -> Configuration:
    try:
        raw = files.read_anything(str(path))
    except OSError as error:
        reason = f"cannot be read: {error.strerror or type(error).__name__}"
        raise ConfigurationError(reason, file=str(path)) from None
    document = parse_yaml(raw, str(path))
    try:
        expansion = expand(document.value, environ=surroundings.environ, read_file=files.read_text)
    except ExpansionError as error:
        raise error_at(
            document, error.path, error.reason, found=error.found, allowed=error.allowed
        ) from None
    document = replace(document, value=expansion.value)
    entry = convert(document, FileEntry)
    configuration = _configuration(entry, document, surroundings, known_causes, reader, listen)
    return replace(
        configuration,
        warnings=(*expansion.warnings, *configuration.warnings),
        files=tuple(files.names),
    )


def configuration_from_environment(
    environ: Mapping[str, str],
    reader: SourceReader | None = None,
    listen: WebSettings | None = None,
) -> Configuration:
    """Return the configuration of a probe that sees what an SDK in the same pod would see.

    It never raises for what the variables say: `source_states` and targets that fail report it.
    """
    files = ReadFiles()
    surroundings = Surroundings(environ, files.read)
    reading = (reader or SourceReader()).read((SDK_ENVIRONMENT,), DefaultsEntry(), surroundings)
    targets = [target for each in reading.files for target in each]
    web = listen or WebSettings()
    resource, warnings = resource_of({}, environ, host=node(), port=web.port)
    spans_to, more = span_destination(environ, probed=True)
    nothing = "" if targets else explain_nothing(reading.states, where=SDK_ENVIRONMENT.where)
    return Configuration(
        targets=with_unique_names(targets),
        sources=(SDK_ENVIRONMENT,),
        resource=resource,
        web=web,
        sample_successes=_sample_successes(None, spans_to),
        spans_to=spans_to,
        source_states=reading.states,
        nothing_to_probe=nothing,
        warnings=reading.warnings + warnings + more,
        files=tuple(files.names),
    )


def _configuration(
    entry: FileEntry,
    document: Document,
    surroundings: Surroundings,
    known_causes: Collection[str] | None,
    reader: SourceReader,
    listen: WebSettings | None,
) -> Configuration:
    sources = tuple(_sources(entry, document))
    clocks = tuple(clock_sources(entry.clock.sources, document))
    modules = modules_of(entry.modules, entry.defaults, document)
    files = [targets_of(entry.targets, entry.defaults, document, known_causes)]
    if not (files[0] or sources or modules):
        raise error_at(document, (), "names nothing to probe; give targets, sources or modules")
    reading = reader.read(sources, entry.defaults, surroundings)
    files += reading.files
    alerts = entry.alerts
    shard_index = _shard_index(entry, document)
    hostname = surroundings.environ.get("HOSTNAME", "")
    web = _web(entry, document)
    if listen is not None:
        web = replace(web, host=listen.host, port=listen.port)
    resource, warnings = resource_of(
        entry.resource, surroundings.environ, host=node(), port=web.port
    )
    spans_to, more = span_destination(surroundings.environ, probed=SDK_ENVIRONMENT in sources)
    found = with_served_files(joined(files), reading.served, hostname)
    anything = found or modules or reading.not_fetched
    return Configuration(
        targets=tuple(
            target
            for target in with_unique_names(found)
            if in_shard(target.name, shard_index, entry.shard.count)
        ),
        sources=sources,
        resource=resource,
        modules=modules,
        web=web,
        concurrency=entry.concurrency,
        clock_tolerance=duration_at(
            document, ("clock", "tolerance"), entry.clock.tolerance, zero_allowed=True
        ),
        clock_sources=clocks,
        expiry_warning=duration_at(document, ("alerts", "expiry_warning"), alerts.expiry_warning),
        expiry_critical=duration_at(
            document, ("alerts", "expiry_critical"), alerts.expiry_critical
        ),
        experiments_enabled=entry.experiments.enabled,
        experiments_concurrency=entry.experiments.concurrency,
        sample_successes=_sample_successes(entry.telemetry.sample_successes, spans_to),
        propagate=entry.telemetry.propagate,
        shard_index=shard_index,
        shard_count=entry.shard.count,
        alert_hold=duration_at(document, ("alerts", "hold"), alerts.hold),
        spans_to=spans_to,
        source_states=reading.states,
        nothing_to_probe=("" if anything else explain_nothing(reading.states, where=document.file)),
        warnings=(*reading.warnings, *warnings, *more, *obsolete_keys(document)),
    )


def _sample_successes(written: float | None, destination: SpanDestination | None) -> float:
    """Return the file's word, else the environment's, else the default."""
    asked = None if destination is None else destination.sample_successes
    return next((share for share in (written, asked) if share is not None), SAMPLE_SUCCESSES)


def _sources(entry: FileEntry, document: Document) -> Iterator[NamedSource]:
    for position, item in enumerate(entry.sources):
        named = [(kind, where) for kind, where in msgspec.structs.asdict(item).items() if where]
        if len(named) != 1:
            reason = "a source is exactly one of these"
            allowed = item.__struct_fields__
            raise error_at(document, ("sources", position), reason, allowed=allowed)
        kind, what = named[0]
        source = NamedSource.of(kind, *([what] if isinstance(what, str) else what))
        if fault := source_fault(source):
            where = source.where if source.url is None else None
            raise error_at(document, ("sources", position, kind), fault, found=where)
        yield source


def _shard_index(entry: FileEntry, document: Document) -> int:
    """Return the index; the name of a StatefulSet's pod stands for its ordinal."""
    index, count = entry.shard.index, entry.shard.count
    if index is None:
        # An empty variable is null: taken for 0, every pod would be the first shard.
        if count > 1:
            raise error_at(document, ("shard", "index"), "is needed where count is above 1")
        return 0
    if isinstance(index, str):
        try:
            index = ordinal_of(index)
        except ValueError:
            reason = "must be a number or the name of a StatefulSet's pod, like mtls-probe-2"
            raise error_at(document, ("shard", "index"), reason, found=index) from None
    if index >= count:
        reason = f"must be below shard.count, which is {count}"
        raise error_at(document, ("shard", "index"), reason, found=index)
    return index


def _web(entry: FileEntry, document: Document) -> WebSettings:
    text = entry.web.listen
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and port.isascii() and port.isdecimal() and int(port[:6]) <= 65535):
        reason = "must be host:port, like 0.0.0.0:9943"
        raise error_at(document, ("web", "listen"), reason, found=text)
    for position, name in enumerate(entry.web.hosts):
        if not _NAME.fullmatch(name):
            reason = "must be a name without a port, like probe.example.com or *.example.com"
            raise error_at(document, ("web", "hosts", position), reason, found=name)
    hosts = tuple(entry.web.hosts)
    return WebSettings(host or "0.0.0.0", int(port), entry.web.config_file, hosts)  # noqa: S104  # as Go
