"""The sections of the file besides `targets`: sources, modules, clock, shard and web.

Pure: nothing that a section names is read here. Every fault is an error of the configuration.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import msgspec

from probe.config.check_settings import check_settings
from probe.config.configuration import WebSettings
from probe.config.declared_source import DeclaredSource
from probe.config.errors import ConfigurationError, find_nearest
from probe.config.location import Location
from probe.config.schema import (
    ClockSourceEntry,
    DefaultsEntry,
    FileEntry,
    ModuleEntry,
    ProcessEntry,
    SdkEntry,
    TargetEntry,
)
from probe.config.target_entry import read_target
from probe.config.target_list import parse_ordinal
from probe.config.yaml_document import Document
from probe.model.module import AllowEntry, AllowList, Module
from probe.model.runtime import COLLECTOR, RUNTIMES_BY_ID
from probe.model.target import PROTOCOLS, ClockSource, Endpoint, Protocol, Target
from probe.text.safe_text import LIMIT, safe_text

_SNTP_PORT: Final = 123
_HOST_NAME: Final = re.compile(r"(?:\*\.)?[\w-]+(?:\.[\w-]+)*\.?")
_PLACEHOLDER: Final = "module.invalid:4317"
"""RFC 6761 §6.4: resolves nowhere; no attempt ever has it."""
_ALERTMANAGER = (
    "alertmanager has no effect any more, and the next release refuses it: the probe sends no "
    "alerts. Let Prometheus scrape /metrics and evaluate the output of `mtls-probe rules`, name "
    "your Alertmanager under alerting in Prometheus's own configuration, and remove the key here"
)


def read_clock_sources(
    entries: Sequence[ClockSourceEntry], location: Location
) -> Iterator[ClockSource]:
    """Yield the clocks that the file names, each once.

    Raises:
        ConfigurationError: for an entry that is not exactly one of http and sntp, whose URL is not
            http or https, whose server is not host or host:port, or that repeats another.
    """
    seen: set[str] = set()
    for position, entry in enumerate(entries):
        here = location["clock"]["sources"][position]
        if (entry.http is None) == (entry.sntp is None):
            raise here.error("a clock is exactly one of these", allowed=entry.__struct_fields__)
        source = (
            ClockSource("sntp", entry.sntp or "")
            if entry.http is None
            else ClockSource("http", entry.http)
        )
        if fault := _clock_fault(source):
            raise here[source.kind].error(fault, found=source.where)
        if source.name in seen:
            raise here[source.kind].error("is named twice", found=source.where)
        seen.add(source.name)
        yield source


def _clock_fault(source: ClockSource) -> str | None:
    if source.kind == "http" and "://" not in source.where:
        return "must be a URL, like http://collector:13133/"
    if source.kind == "sntp" and any(char in source.where for char in "/?#@"):
        return "must be host or host:port, like pool.example.org"
    if safe_text(source.where) != source.where:
        return f"must be one printable line of at most {LIMIT} characters"
    try:
        Endpoint.parse(source.where, default_port=_SNTP_PORT)
    except ValueError as error:
        return str(error)
    return None


def read_modules(
    entries: Mapping[str, ModuleEntry], defaults: DefaultsEntry, location: Location
) -> dict[str, Module]:
    """Return the modules by their names.

    Raises:
        ConfigurationError: for the first that cannot be one.
    """
    return {
        name: _read_module(name, entry, defaults, location["modules"][name])
        for name, entry in entries.items()
    }


def _read_module(
    name: str, entry: ModuleEntry, defaults: DefaultsEntry, location: Location
) -> Module:
    check_settings(entry, location)
    allowed = tuple(
        location["allow"][position].parse(AllowEntry.parse, text)
        for position, text in enumerate(entry.allow)
    )
    settings = msgspec.structs.asdict(entry)
    del settings["allow"]
    spoken = RUNTIMES_BY_ID[entry.exporter or defaults.exporter or COLLECTOR.id].protocols
    wanted = entry.protocol or defaults.protocol or (spoken[0] if len(spoken) == 1 else None)
    chosen = next((known for known in PROTOCOLS if known == wanted), None)
    templates: dict[tuple[str, Protocol], Target] = {}
    for scheme in ("", "https", "http"):
        for protocol in (chosen,) if chosen else PROTOCOLS:
            url = f"{scheme}://{_PLACEHOLDER}" if scheme else _PLACEHOLDER
            placed = TargetEntry(endpoint=url, **{**settings, "protocol": protocol})
            try:
                template, faults = read_target(placed, defaults, location)
            except ConfigurationError:
                if scheme != "http":
                    raise
                continue  # without TLS only where the module says insecure
            for fault in faults:
                raise fault
            templates[scheme, protocol] = template
    return Module(name, templates, chosen, AllowList(allowed))


def find_obsolete_keys(document: Document) -> Iterator[str]:
    """Yield a warning for each obsolete key of `document`; none of its value is shown."""
    if isinstance(document.value, dict) and "alertmanager" in document.value:
        path = ("alertmanager",)
        line = document.line(path)
        yield f"{document.file_of(path)}, line {line}: {_ALERTMANAGER}"


def read_sources(entry: FileEntry, location: Location) -> Iterator[DeclaredSource]:
    """Yield the items of `sources`.

    Raises:
        ConfigurationError: for one that is not exactly one kind of source, or cannot be followed.
    """
    for position, item in enumerate(entry.sources):
        here = location["sources"][position]
        named = [
            (kind, where)
            for kind, where in msgspec.structs.asdict(item).items()
            if where not in (None, "", [])
        ]
        if len(named) != 1:
            raise here.error("a source is exactly one of these", allowed=item.__struct_fields__)
        kind, what = named[0]
        source = _declare(kind, what, here)
        if fault := source.fault:
            where = source.where if source.url is None else None
            raise here[kind].error(fault, found=where)
        yield source


def _declare(
    kind: str, what: str | list[str] | SdkEntry | ProcessEntry, location: Location
) -> DeclaredSource:
    if isinstance(what, ProcessEntry):
        return _read_process_source(what, location[kind])
    if not isinstance(what, SdkEntry):
        return DeclaredSource.of(kind, *([what] if isinstance(what, str) else what))
    from probe.config.sources.sdk.formats import FORMATS

    chosen = what.format or ""
    if chosen and chosen not in FORMATS:
        at = location[kind]["format"]
        near = find_nearest(chosen, FORMATS)
        raise at.error("is unknown", found=chosen, allowed=FORMATS, nearest=near)
    source = DeclaredSource.of(kind, what.file)
    return replace(source, format=chosen, profiles=tuple(what.profiles))


def _read_process_source(entry: ProcessEntry, location: Location) -> DeclaredSource:
    if entry.pid is not None and not entry.command:
        return DeclaredSource.of_process(entry.pid)
    if entry.pid is None and entry.command and entry.command.strip():
        return DeclaredSource.of_command(entry.command)
    raise location.error("a process is exactly one of these", allowed=entry.__struct_fields__)


def read_shard_index(entry: FileEntry, location: Location) -> int:
    """Return the index; for the name of a StatefulSet's pod, its ordinal.

    Raises:
        ConfigurationError: for an index that is missing, not valid, or not below the count.
    """
    index, count = entry.shard.index, entry.shard.count
    here = location["shard"]["index"]
    if index is None:
        # An empty variable is null: taken for 0, every pod would be the first shard.
        if count > 1:
            raise here.error("is needed where count is above 1")
        return 0
    if isinstance(index, str):
        try:
            index = parse_ordinal(index)
        except ValueError:
            reason = "must be a number or the name of a StatefulSet's pod, like mtls-probe-2"
            raise here.error(reason, found=index) from None
    if index >= count:
        reason = f"must be below shard.count, which is {count}"
        raise here.error(reason, found=index)
    return index


def read_web(entry: FileEntry, location: Location) -> WebSettings:
    """Return where and for which names the pages are served.

    Raises:
        ConfigurationError: for an address or a name that is not valid.
    """
    web = location["web"]["listen"].parse(WebSettings.parse_listen, entry.web.listen)
    for position, name in enumerate(entry.web.hosts):
        if not _HOST_NAME.fullmatch(name):
            reason = "must be a name without a port, like probe.example.com or *.example.com"
            raise location["web"]["hosts"][position].error(reason, found=name)
    return replace(web, config_file=entry.web.config_file, hosts=tuple(entry.web.hosts))
