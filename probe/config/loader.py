"""Loads the configuration, with all that its sources name: a file, or an SDK's environment.

Two steps: `load_configuration` reads files and environment without any network;
`ConfigurationLoader` adds the lists of http_sd, off the event loop. A source that cannot be read
keeps what it held before, and says so. A configuration that has an error itself is not used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from platform import node
from typing import TYPE_CHECKING, Final

from probe.config.check_settings import check_duration
from probe.config.configuration import SAMPLE_SUCCESSES, Configuration, WebSettings
from probe.config.declared_source import SDK_ENVIRONMENT, SourceInputs
from probe.config.errors import ConfigurationError, NothingToProbeError, explain_unreadable
from probe.config.expand import expand
from probe.config.file_reader import FileReader
from probe.config.location import Location
from probe.config.other_files import recognise_document, recognise_text
from probe.config.resource import build_resource
from probe.config.schema import DefaultsEntry, FileEntry, SourceEntry
from probe.config.sections import (
    find_obsolete_keys,
    read_clock_sources,
    read_modules,
    read_shard_index,
    read_sources,
    read_web,
)
from probe.config.source_reader import COMMAND_LINE, SourceReader, explain_no_targets
from probe.config.sources.http_sd import fetch_list
from probe.config.span_destination import SpanDestination, read_span_destination
from probe.config.target_entry import read_targets
from probe.config.target_list import assign_names, is_in_shard, merge_targets, share_settings
from probe.config.typed_values import convert
from probe.config.yaml_document import Document, Place, parse_yaml
from probe.text.description import describe_url
from probe.text.safe_text import safe_text

if TYPE_CHECKING:
    import aiohttp

_NEIGHBOURS: Final = 100
"""Files of a folder among which those are looked for that may have been meant."""

Answers = Mapping[str, bytes | ConfigurationError]
"""What each http_sd URL has answered last, or why it has not."""

Read = Callable[[Answers], Configuration]
"""Reads everything but the lists of http_sd, which it is given; raises ConfigurationError."""


def load_configuration(
    path: Path,
    environ: Mapping[str, str],
    *,
    known_causes: Collection[str] | None = None,
    fetched: Answers | None = None,
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
    files = FileReader()
    inputs = SourceInputs(environ, files.read, fetched or {})
    try:
        document, warnings = _read_document(path, files, inputs)
        entry = _read_entry(document)
        # From here on only its keys are asked for; the values of thousands of targets are many.
        document = replace(document, value=dict.fromkeys(document.value or ()))
        loaded = _build(entry, document, inputs, known_causes, reader, listen)
    except ConfigurationError as error:
        error.files = tuple(files.names)
        raise
    warnings = (*warnings, *loaded.warnings)
    return replace(loaded, warnings=warnings, files=tuple(files.names))


def load_from_environment(
    environ: Mapping[str, str],
    reader: SourceReader | None = None,
    listen: WebSettings | None = None,
) -> Configuration:
    """Return the configuration of a probe that sees what an SDK in the same pod would see.

    It never raises for what the variables say: `source_states` and targets that fail report it.
    """
    files = FileReader()
    entry = FileEntry(sources=[SourceEntry(sdk=SDK_ENVIRONMENT.where)])
    document = Document(SDK_ENVIRONMENT.where, {}, Place(1))
    loaded = _build(entry, document, SourceInputs(environ, files.read), None, reader, listen)
    return replace(loaded, files=tuple(files.names))


def load_named_sources(
    sources: Sequence[SourceEntry],
    defaults: DefaultsEntry,
    environ: Mapping[str, str],
    reader: SourceReader | None = None,
    listen: WebSettings | None = None,
    held: Mapping[str, bytes] | None = None,
) -> Configuration:
    """Return the configuration of a probe whose sources are named on its command line.

    `held` is what has been read already, by its name: standard input.
    """
    files = FileReader(held)
    entry = FileEntry(sources=list(sources), defaults=defaults)
    document = Document(COMMAND_LINE, {}, Place(1))
    loaded = _build(entry, document, SourceInputs(environ, files.read), None, reader, listen)
    return replace(loaded, files=tuple(files.names))


def _name_neighbours(path: Path) -> str:
    """Say which files of YAML are where `path` should be, three at most."""
    found = sorted(islice(path.parent.glob("*.y*ml"), _NEIGHBOURS))[:3]
    names = ", ".join(safe_text(each.name) for each in found)
    return f"; its folder has {names}" if names else ""


def _read_document(
    path: Path, files: FileReader, inputs: SourceInputs
) -> tuple[Document, tuple[str, ...]]:
    """Return the file at `path` with its references expanded, and warnings about those."""
    try:
        raw = files.read_any_kind(str(path))
    except OSError as error:
        near = _name_neighbours(path) if isinstance(error, FileNotFoundError) else ""
        reason = f"cannot be read: {explain_unreadable(error)}{near}"
        raise ConfigurationError(reason, file=str(path)) from None
    try:
        document = parse_yaml(raw, str(path))
    except ConfigurationError:
        if other := recognise_text(raw.decode("utf-8", "replace")):
            raise ConfigurationError(other.explain(str(path)), file=str(path)) from None
        raise
    at = Location(document)
    expansion = expand(document.value, at, environ=inputs.environ, read_file=inputs.read_text)
    return replace(document, value=expansion.value), expansion.warnings


def _read_entry(document: Document) -> FileEntry:
    """Return what the file says; an exporter's settings alone are a source by themselves.

    Raises:
        ConfigurationError: with what the file is, where it is another program's.
    """
    try:
        return convert(document.value, FileEntry, Location(document))
    except ConfigurationError:
        from probe.config.sources.collector.exporter_block import find_exporter_block

        if find_exporter_block(document):
            return FileEntry(sources=[SourceEntry(collector=document.file)])
        value = document.value
        other = recognise_text(value) if isinstance(value, str) else recognise_document(value)
        if other is None or other.source == "config":
            raise
        raise ConfigurationError(other.explain(document.file), file=document.file) from None


def _build(
    entry: FileEntry,
    document: Document,
    inputs: SourceInputs,
    known_causes: Collection[str] | None,
    reader: SourceReader | None,
    listen: WebSettings | None,
) -> Configuration:
    at = Location(document)
    sources = tuple(read_sources(entry, at))
    clocks = tuple(read_clock_sources(entry.clock.sources, at))
    # Targets first: that judges `defaults` too, and modules are built from them.
    own = read_targets(entry.targets, entry.defaults, at, known_causes)
    modules = read_modules(entry.modules, entry.defaults, at)
    # Thresholds alone are a configuration: of `mtls-probe rules`.
    if not (own or sources or modules) and list(document.value or ()) != ["alerts"]:
        nothing = "names nothing to probe; give targets, sources or modules"
        raise NothingToProbeError(nothing, file=document.file, line=at.line)
    reading = (reader or SourceReader()).read(sources, entry.defaults, inputs)
    shard_index = read_shard_index(entry, at)
    web = read_web(entry, at)
    if listen is not None:
        web = replace(web, host=listen.host, port=listen.port)
    resource, warnings = build_resource(entry.resource, inputs.environ, host=node(), port=web.port)
    spans_to, more = read_span_destination(inputs.environ, probed=SDK_ENVIRONMENT in sources)
    found = merge_targets([own, *reading.files])
    if reading.served:
        from probe.config.sources.collector.receiver import assign_served_files

        hostname = inputs.environ.get("HOSTNAME", "")
        found = list(assign_served_files(found, reading.served, hostname))
    anything = found or modules or reading.not_fetched

    def seconds(section: str, key: str, *, zero_allowed: bool = False) -> float:
        text = getattr(getattr(entry, section), key)
        return check_duration(at[section][key], text, zero_allowed=zero_allowed)

    return Configuration(
        targets=tuple(
            target
            for target in share_settings(assign_names(found))
            if is_in_shard(target.name, shard_index, entry.shard.count)
        ),
        sources=sources,
        resource=resource,
        modules=modules,
        web=web,
        concurrency=entry.concurrency,
        clock_tolerance=seconds("clock", "tolerance", zero_allowed=True),
        clock_sources=clocks,
        expiry_warning=seconds("alerts", "expiry_warning"),
        expiry_critical=seconds("alerts", "expiry_critical"),
        experiments_enabled=entry.experiments.enabled,
        experiments_concurrency=entry.experiments.concurrency,
        sample_successes=_choose_sampling(entry.telemetry.sample_successes, spans_to),
        propagate=entry.telemetry.propagate,
        shard_index=shard_index,
        shard_count=entry.shard.count,
        alert_hold=seconds("alerts", "hold"),
        spans_to=spans_to,
        source_states=reading.states,
        secrets=reading.secrets,
        nothing_to_probe=(
            "" if anything else explain_no_targets(reading.states, where=document.file)
        ),
        warnings=(*reading.warnings, *warnings, *more, *find_obsolete_keys(document)),
    )


def _choose_sampling(configured: float | None, destination: SpanDestination | None) -> float:
    """Return the file's share of successes, else the environment's, else the default."""
    asked = None if destination is None else destination.sample_successes
    return next((share for share in (configured, asked) if share is not None), SAMPLE_SUCCESSES)


class ConfigurationLoader:
    """Reads the configuration again and again, and remembers the last answers of lists."""

    def __init__(self, read: Read, *, user_agent: str) -> None:
        """Take how everything else is read."""
        self._read = read
        self._user_agent = user_agent
        self._answers: dict[str, bytes | ConfigurationError] = {}

    async def load(self) -> Configuration:
        """Read everything, fetch the lists, and judge it whole.

        Raises:
            ConfigurationError: with where and what.
            OSError: where a file cannot be read for want of descriptors or memory.
        """
        loaded = await self.read()
        if await self.refresh(list_urls(loaded)):
            loaded = await self.read()
        return loaded

    async def read(self) -> Configuration:
        """Read everything with the lists as they were fetched last: no network is waited for.

        Raises:
            ConfigurationError: with where and what.
            OSError: where a file cannot be read for want of descriptors or memory.
        """
        return await asyncio.to_thread(self._read, dict(self._answers))

    async def load_without_lists(self) -> Configuration:
        """Read everything but the lists of http_sd, for commands that connect nowhere.

        Raises:
            ConfigurationError: with where and what.
        """
        loaded = await asyncio.to_thread(self._read, {})
        left_out = tuple(
            f"{describe_url(url)}: this command connects nowhere, so the targets of that list are left out"
            for url in list_urls(loaded)
        )
        return replace(loaded, warnings=(*loaded.warnings, *left_out))

    async def refresh(self, urls: Sequence[str]) -> bool:
        """Fetch the lists at `urls` and forget others; return whether one is another than before."""
        self._answers = {url: self._answers[url] for url in urls if url in self._answers}
        if not urls:
            return False
        import aiohttp

        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            changed = await asyncio.gather(
                *(self._fetch(session, url) for url in dict.fromkeys(urls))
            )
        return any(changed)

    async def _fetch(self, session: aiohttp.ClientSession, url: str) -> bool:
        answer: bytes | ConfigurationError
        try:
            answer = await fetch_list(session, url, user_agent=self._user_agent)
        except ConfigurationError as error:
            answer = error
        before = self._answers.get(url)
        self._answers[url] = answer
        return before != answer


def list_urls(configuration: Configuration) -> tuple[str, ...]:
    """Return the URLs of its http_sd sources, whole: show only `describe_url` of them."""
    return tuple(source.url.reveal() for source in configuration.sources if source.url is not None)
