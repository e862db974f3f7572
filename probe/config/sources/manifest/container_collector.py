"""A container that runs a Collector: which configuration it would start with, and its exporters.

Pure. The configuration is read by what its arguments name, through the files and variables that the
container would have.
"""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from probe.config.errors import (
    ConfigurationError,
    NotProbedError,
    UnknownSettingError,
    explain_unreadable,
)
from probe.config.source_content import SourceContent
from probe.config.sources.collector.read_collector import read_collector
from probe.config.sources.collector.startup import SECTIONS
from probe.config.sources.manifest.container_arguments import CollectorArguments
from probe.config.sources.manifest.place import Place
from probe.config.sources.process.collector_arguments import read_collector_arguments
from probe.config.yaml_document import parse_yaml

_MOST_CONFIGS: Final = 64


@dataclass(frozen=True, slots=True)
class CollectorTexts:
    """The configuration of one Collector."""

    texts: Mapping[str, str]
    """Each part by what it is called, in the order of merging."""
    used: tuple[str, ...] = ()
    """The objects and keys that it was read from."""


def find_texts(place: Place, arguments: CollectorArguments) -> CollectorTexts | None:
    """Return the configuration that the arguments name; None where it is no Collector's.

    Raises:
        NotProbedError: where the container is a Collector, and the manifest lacks some of it.
        ConfigurationError: where it is one, and could not read it either.
    """
    try:
        found = _read_named(place, arguments)
    except (NotProbedError, ConfigurationError):
        if arguments.is_collector:
            raise
        return None
    is_one = arguments.is_collector or any(map(holds_collector, found.texts.values()))
    return found if is_one else None


def _read_named(place: Place, arguments: CollectorArguments) -> CollectorTexts:
    named = read_collector_arguments(("", *arguments.words), place.variables)
    if named.unread:
        raise UnknownSettingError(f"the probe has no provider {', '.join(named.unread)}")
    if named.missing:
        reason = f"its --config names the variable {named.missing[0]}, which it has not"
        raise ConfigurationError(reason, file=place.title)
    texts: dict[str, str] = {}
    used: list[str] = []
    for name in named.paths[:_MOST_CONFIGS] or arguments.defaults:
        if name in named.texts:
            texts[f"{place.title}, {name}"] = named.texts[name]
            continue
        path = _make_absolute(name, place.spec.working_directory)
        label = place.name_origin(path)
        texts[label] = _read(place, path)
        used.append(label)
    return CollectorTexts(texts, tuple(used))


def _make_absolute(path: str, directory: str) -> str:
    if not path.startswith("/") and directory.startswith("/"):
        path = posixpath.join(directory, path)
    return "/" + posixpath.normpath(path).lstrip("/") if path.startswith("/") else path


def _read(place: Place, path: str) -> str:
    try:
        return place.read_text(path)
    except (OSError, ValueError) as error:
        reason = f"cannot be read: {explain_unreadable(error)}"
        raise ConfigurationError(reason, file=f"{place.title}: {path}") from None


def read_texts(texts: Mapping[str, str], place: Place) -> SourceContent:
    """Return the targets of the Collector whose configuration `texts` make together.

    Raises:
        ConfigurationError: as `read_collector` does.
        NotProbedError: where all of it depends on what is not known.
    """

    def read_text(path: str) -> str:
        return texts[path] if path in texts else place.read_text(path)

    return read_collector(tuple(texts), place.variables, read_text)


def is_collector_document(value: object) -> bool:
    """Return whether `value` is shaped like the whole configuration of a Collector."""
    if not isinstance(value, dict) or "service" not in value:
        return False
    return set(value) <= set(SECTIONS) and ("exporters" in value or "receivers" in value)


def holds_collector(text: str) -> bool:
    """Return whether `text` is the configuration of a Collector by its shape."""
    try:
        return is_collector_document(parse_yaml(text).value)
    except ConfigurationError:
        return False
