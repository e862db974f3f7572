"""The project's own configuration, from its YAML file or from an SDK's environment.

Pure but for reading the file and the files that `${file:…}` names. Every fault that the user can
mend in the file is a `ConfigurationError`; faults of credentials are left to `load`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import msgspec

from probe.sources import sdk
from probe.sources.clocks import clock_sources
from probe.sources.conversion import convert, error_at
from probe.sources.duration import seconds
from probe.sources.error import ConfigurationError, KeyPath
from probe.sources.expansion import ExpansionError, expand
from probe.sources.schema import FileEntry, ModuleEntry
from probe.sources.settings import check_settings, duration_at
from probe.sources.target_entry import targets_of, with_unique_names
from probe.sources.yaml_document import MAX_BYTES, Document, parse_yaml
from probe.target import ClockSource, Source, Target

NOT_SUPPORTED_YET: Final[tuple[tuple[KeyPath, str, Callable[[Any], bool]], ...]] = (
    (("modules",), "this section", bool),
    (("alertmanager", "url"), "this key", bool),
    (("web", "config_file"), "this key", bool),
    (("shard", "count"), "a shard count above 1", lambda count: count > 1),
    (("defaults", "depth"), "depth canary", lambda depth: depth == "canary"),
    (("targets", "*", "depth"), "depth canary", lambda depth: depth == "canary"),
    (("sources", "*", "collector"), "the source kind collector", bool),
    (("sources", "*", "file_sd"), "the source kind file_sd", bool),
    (("sources", "*", "http_sd"), "the source kind http_sd", bool),
    (("sources", "*", "sdk"), "the source kind sdk with a file", lambda sdk: sdk != "environment"),
)
"""Keys of the contract that have no effect yet: refused, so that nobody relies on them."""


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Where the pages and metrics are served; `config_file` is exporter-toolkit's web file."""

    host: str = "0.0.0.0"  # noqa: S104  # the contract's default: a scraper is another host
    port: int = 9943
    config_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Everything that the user decides; times are seconds."""

    targets: tuple[Target, ...] = ()
    sources: tuple[Source, ...] = ()
    resource: dict[str, str] = field(default_factory=dict)
    modules: dict[str, ModuleEntry] = field(default_factory=dict)
    web: WebSettings = WebSettings()
    concurrency: int = 100
    clock_tolerance: float = 60.0
    clock_sources: tuple[ClockSource, ...] = ()
    expiry_warning: float = 672 * 3600.0
    expiry_critical: float = 336 * 3600.0
    experiments_enabled: bool = True
    experiments_concurrency: int = 4
    sample_successes: float = 0.01
    propagate: bool = True
    shard_index: int = 0
    shard_count: int = 1
    alertmanager_url: str | None = None
    warnings: tuple[str, ...] = ()
    """What the user should know though it is no error, each one line."""


def load_configuration(
    path: Path, environ: Mapping[str, str], *, known_causes: Collection[str] | None = None
) -> Configuration:
    """Read the YAML file at `path`, expand its references and judge every key.

    Args:
        path: The file; relative names in it are relative to the working directory, as in a
            Collector.
        environ: The environment's variables, for references and for `sdk: environment`.
        known_causes: The ids that `expect.cause` may have; None: any.

    Raises:
        ConfigurationError: with file, line, key, what was found and what is allowed.
    """
    try:
        raw = _read_bytes(path)
    except OSError as error:
        reason = f"cannot be read: {error.strerror or type(error).__name__}"
        raise ConfigurationError(reason, file=str(path)) from None
    document = parse_yaml(raw, str(path))
    try:
        expansion = expand(document.value, environ=environ, read_file=_read_text)
    except ExpansionError as error:
        raise error_at(
            document, error.path, error.reason, found=error.found, allowed=error.allowed
        ) from None
    document = replace(document, value=expansion.value)
    entry = convert(document, FileEntry)
    return replace(
        _configuration(entry, document, environ, known_causes), warnings=expansion.warnings
    )


def configuration_from_environment(environ: Mapping[str, str]) -> Configuration:
    """Return the configuration of a probe that sees what an SDK in the same pod would see.

    Raises:
        ConfigurationError: naming the variable that has no meaning, or what to set.
    """
    return Configuration(targets=_sdk_targets(environ), sources=(sdk.SOURCE,))


def _configuration(
    entry: FileEntry,
    document: Document,
    environ: Mapping[str, str],
    known_causes: Collection[str] | None,
) -> Configuration:
    sources = tuple(_sources(entry, document))
    for key, what, applies in NOT_SUPPORTED_YET:
        _refuse(entry, key, what, applies, document)
    clocks = tuple(clock_sources(entry.clock.sources, document))
    for name, module in entry.modules.items():
        check_settings(module, document, ("modules", name))
    targets = list(targets_of(entry.targets, entry.defaults, document, known_causes))
    if not targets and not sources:
        raise error_at(document, (), "names nothing to probe; give targets or sources")
    if sources:
        found = (_with_defaults(target, entry) for target in _sdk_targets(environ))
        targets = _joined(targets, found)
    alerts = entry.alerts
    if entry.shard.index >= entry.shard.count:
        reason = f"must be below shard.count, which is {entry.shard.count}"
        raise error_at(document, ("shard", "index"), reason, found=entry.shard.index)
    return Configuration(
        targets=with_unique_names(targets),
        sources=sources,
        resource=entry.resource,
        modules=entry.modules,
        web=_web(entry, document),
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
        sample_successes=entry.telemetry.sample_successes,
        propagate=entry.telemetry.propagate,
        shard_index=entry.shard.index,
        shard_count=entry.shard.count,
        alertmanager_url=entry.alertmanager.url,
    )


def _sources(entry: FileEntry, document: Document) -> Iterator[Source]:
    for position, item in enumerate(entry.sources):
        named = [(kind, where) for kind, where in msgspec.structs.asdict(item).items() if where]
        if len(named) != 1:
            reason = "a source is exactly one of these"
            allowed = item.__struct_fields__
            raise error_at(document, ("sources", position), reason, allowed=allowed)
        yield Source(*named[0])


def _refuse(
    entry: FileEntry, key: KeyPath, what: str, applies: Callable[[Any], bool], document: Document
) -> None:
    for path, value in _values(entry, key, ()):
        if value is not None and applies(value):
            raise error_at(document, path, f"{what} is not supported yet by this version")


def _values(value: Any, key: KeyPath, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    """Yield every value that `key` leads to; `*` stands for each item of a list."""
    if not key:
        yield path, value
    elif key[0] == "*":
        for position, item in enumerate(value):
            yield from _values(item, key[1:], (*path, position))
    else:
        yield from _values(getattr(value, str(key[0])), key[1:], (*path, key[0]))


def _sdk_targets(environ: Mapping[str, str]) -> tuple[Target, ...]:
    targets = sdk.targets_from_environment(environ)
    if targets:
        return targets
    reason = "set it to the backend, like https://collector:4317, or name a file with --config"
    for variable in sdk.FILE_VARIABLES:
        if environ.get(variable):
            reason += f"; the file that {variable} names is not supported yet by this version"
            break
    raise ConfigurationError(reason, file="environment", key="OTEL_EXPORTER_OTLP_ENDPOINT")


def _with_defaults(target: Target, entry: FileEntry) -> Target:
    """Apply what of `defaults` is the probe's own; the rest is the exporter's business."""
    defaults = entry.defaults
    chosen: dict[str, Any] = {"labels": tuple(defaults.labels.items())}
    if defaults.depth:
        chosen["depth"] = defaults.depth
    for key in ("interval", "timeout"):
        if text := getattr(defaults, key):
            chosen[key] = seconds(text)
    return replace(target, **chosen)


def _joined(targets: Iterable[Target], further: Iterable[Target]) -> list[Target]:
    """Add `further`; one that equals a target in all that goes over the wire joins its sources."""
    joined = list(targets)
    positions: dict[object, int] = {}
    for position, target in enumerate(joined):
        positions.setdefault(_wire(target), position)
    for target in further:
        position = positions.get(_wire(target), -1)
        if position < 0:
            joined.append(target)
        else:
            same = joined[position]
            joined[position] = replace(same, sources=same.sources + target.sources)
    return joined


def _wire(target: Target) -> object:
    endpoint = target.endpoint
    path = "" if target.protocol == "grpc" else endpoint.path or f"/v1/{target.signal}"
    return (
        endpoint.authority,
        path,
        target.protocol,
        target.signal,
        target.plaintext,
        replace(target.tls, insecure=False),
        frozenset(target.headers),
    )


def _web(entry: FileEntry, document: Document) -> WebSettings:
    text = entry.web.listen
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and port.isascii() and port.isdecimal() and int(port[:6]) <= 65535):
        reason = "must be host:port, like 0.0.0.0:9943"
        raise error_at(document, ("web", "listen"), reason, found=text)
    return WebSettings(host or "0.0.0.0", int(port), entry.web.config_file)  # noqa: S104  # as Go


def _read_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _read_text(name: str) -> str:
    raw = _read_bytes(Path(name))
    if len(raw) > MAX_BYTES:
        raise ValueError(f"is larger than {MAX_BYTES} bytes")
    return raw.decode("utf-8")
