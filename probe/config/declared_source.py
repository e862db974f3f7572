"""Each item of `sources`: what it names, and what one reading of that gives.

Files are read through a callable, and lists come as they were last fetched: whoever reloads owns
both. What a target of an SDK leaves open is taken from `defaults` as far as it is the probe's own.
Law 11: the URL of a list may hold a token, and is a `Secret`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from probe.config.duration import seconds
from probe.config.errors import ConfigurationError, explain_unreadable
from probe.config.schema import DefaultsEntry
from probe.config.source_content import SourceContent
from probe.config.sources.collector.read_collector import read_collector
from probe.config.sources.file_sd import list_files, pattern_fault, read_file_sd
from probe.config.sources.http_sd import read_http_sd, safe_url, url_fault
from probe.config.sources.sdk.declarative_file import read_sdk_file
from probe.config.sources.sdk.environment import FILE_VARIABLES, SOURCE, read_environment
from probe.config.yaml_document import MAX_BYTES
from probe.model.target import Secret, Target
from probe.text.description import describe_path

ENVIRONMENT: Final = SOURCE.where
HTTP_SD: Final = "http_sd"


@dataclass(frozen=True, slots=True)
class DeclaredSource:
    """One item of `sources`."""

    kind: str
    """sdk, collector, file_sd or http_sd."""
    where: str
    """What it names, as it may be shown: the files, the pattern, or the URL without its query."""
    files: tuple[str, ...] = ()
    """The Collector's, the later ones over the earlier."""
    url: Secret | None = None
    """The whole URL of an http_sd list."""

    @property
    def name(self) -> str:
        """What metrics, pages and reports call it."""
        return ENVIRONMENT if self == SDK_ENVIRONMENT else f"{self.kind}:{self.where}"

    @classmethod
    def of(cls, kind: str, *named: str) -> Self:
        """Return the source of `kind` that names `named`, of which only a Collector has several."""
        if kind == HTTP_SD:
            return cls(kind, safe_url(named[0]), url=Secret(named[0]))
        return cls(kind, ", ".join(map(describe_path, named)), files=named)


SDK_ENVIRONMENT: Final = DeclaredSource.of("sdk", ENVIRONMENT)


class NotFetchedError(Exception):
    """Nobody has asked for a list yet: nothing is known of it, good or bad."""


@dataclass(frozen=True, slots=True)
class SourceInputs:
    """Where sources are read from."""

    environ: Mapping[str, str]
    read_file: Callable[[str], bytes]
    """Returns a file's first bytes, one more than the limit for a longer one; raises OSError."""
    fetched: Mapping[str, bytes | ConfigurationError] = field(default_factory=dict)
    """The last answer of each http_sd URL, or why there was none."""

    def fetched_list(self, url: str) -> bytes:
        """Return what `url` has answered.

        Raises:
            ConfigurationError: why there is no answer.
            NotFetchedError: where nobody has asked.
        """
        answer = self.fetched.get(url)
        if answer is None:
            raise NotFetchedError
        if isinstance(answer, ConfigurationError):
            raise answer
        return answer

    def read_text(self, file: str) -> str:
        """Return a file's text.

        Raises:
            OSError: where it cannot be read.
            ValueError: where it is too large, or no UTF-8.
        """
        raw = self.read_file(file)
        if len(raw) > MAX_BYTES:
            raise ValueError(f"is larger than {MAX_BYTES} bytes")
        return raw.decode("utf-8")


def source_fault(source: DeclaredSource) -> str | None:
    """Say why what `source` names cannot be followed, or None; nothing is read for it."""
    if source.kind == "file_sd":
        return pattern_fault(source.files[0])
    if source.url is not None:
        return url_fault(source.url.reveal())
    return None if all(source.files) else "names a file without a name"


def list_parts(source: DeclaredSource) -> tuple[str, ...]:
    """Return what of `source` is read by itself: each file of a pattern, else its one name."""
    # `where` may be a description, where the name of a file looks like no path.
    return list_files(source.files[0]) if source.kind == "file_sd" else (source.where,)


def read_part(
    source: DeclaredSource, part: str, defaults: DefaultsEntry, surroundings: SourceInputs
) -> SourceContent:
    """Return what `part` of `source` holds; names may be empty or repeat.

    Args:
        source: `source_fault` has passed it.
        part: One of `parts_of(source)`.
        defaults: The configuration's, which have been judged.
        surroundings: Where it is read from.

    Raises:
        ConfigurationError: naming the file, URL or variable that cannot be read or understood.
        NotFetchedError: where nobody has asked for the list yet.
    """
    return _read_part(source, part, defaults, surroundings).require_targets()


def _read_part(
    source: DeclaredSource, part: str, defaults: DefaultsEntry, surroundings: SourceInputs
) -> SourceContent:
    if source.kind == "file_sd":
        return read_file_sd(_read(part, surroundings), part, defaults)
    if source.url is not None:
        url = source.url.reveal()
        return read_http_sd(surroundings.fetched_list(url), url, defaults)
    if source.kind == "sdk":
        found = _sdk(source.files[0], surroundings)
    else:
        found = _collector(source, surroundings)
    return found.with_targets(tuple(_with_defaults(each, defaults) for each in found.targets))


def _collector(source: DeclaredSource, surroundings: SourceInputs) -> SourceContent:
    reading = read_collector(source.files, surroundings.environ, surroundings.read_text)
    return SourceContent(
        targets=reading.targets,
        errors=reading.errors,
        empty="no OTLP exporter of it is probed",
        warnings=reading.warnings,
        served=reading.served,
    )


def _sdk(where: str, surroundings: SourceInputs) -> SourceContent:
    """Return what an SDK's file says, or its environment, where a file may replace it."""
    file = find_declarative_file(surroundings.environ) if where == ENVIRONMENT else where
    if file:
        return read_sdk_file(_read(file, surroundings), file, surroundings.environ)
    return read_environment(surroundings.environ)


def find_declarative_file(environ: Mapping[str, str]) -> str:
    """Return the declarative file that replaces the variables, or an empty text."""
    return next((environ[name] for name in FILE_VARIABLES if environ.get(name)), "")


def _with_defaults(target: Target, defaults: DefaultsEntry) -> Target:
    chosen: dict[str, Any] = {"labels": tuple(defaults.labels.items())}
    if defaults.depth:
        chosen["depth"] = defaults.depth
    for key in ("interval", "timeout"):
        if text := getattr(defaults, key):
            chosen[key] = seconds(text)
    return replace(target, **chosen)


def _read(file: str, surroundings: SourceInputs) -> bytes:
    try:
        return surroundings.read_file(file)
    except (OSError, ValueError) as error:
        # A name with a NUL in it is a ValueError.
        raise ConfigurationError(
            f"cannot be read: {explain_unreadable(error)}", file=file
        ) from None
