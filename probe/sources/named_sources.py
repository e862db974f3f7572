"""Each item of `sources` becomes the targets of the variables, files and lists that it names.

Files are read through a callable, and lists come as they were last fetched: whoever reloads owns
both. What a target of an SDK leaves open is taken from `defaults` as far as it is the probe's own.
Law 11: the URL of a list may hold a token, and is a `Secret`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from probe.described_value import describe_path
from probe.sources import sdk
from probe.sources.collector import read_collector
from probe.sources.collector_receiver import ServedCertificate
from probe.sources.duration import seconds
from probe.sources.error import ConfigurationError
from probe.sources.file_sd import files_matching, pattern_fault, targets_from_file_sd
from probe.sources.http_sd import shown, targets_from_http_sd, url_fault
from probe.sources.schema import DefaultsEntry
from probe.sources.sdk_file import targets_from_sdk_file
from probe.sources.yaml_document import MAX_BYTES
from probe.target import Secret, Target

ENVIRONMENT: Final = sdk.SOURCE.where
HTTP_SD: Final = "http_sd"


@dataclass(frozen=True, slots=True)
class NamedSource:
    """One item of `sources`."""

    kind: str
    """sdk, collector, file_sd or http_sd."""
    where: str
    """What it names, as it may be shown: the files, the pattern, or the URL without its query."""
    files: tuple[str, ...] = ()
    """The Collector's, the later ones over the earlier."""
    url: Secret | None = None
    """The whole URL of an http_sd list."""

    @classmethod
    def of(cls, kind: str, *named: str) -> Self:
        """Return the source of `kind` that names `named`, of which only a Collector has several."""
        if kind == HTTP_SD:
            return cls(kind, shown(named[0]), url=Secret(named[0]))
        return cls(kind, ", ".join(map(describe_path, named)), files=named)


SDK_ENVIRONMENT: Final = NamedSource.of("sdk", ENVIRONMENT)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where sources are read from."""

    environ: Mapping[str, str]
    read_file: Callable[[str], bytes]
    """Returns a file's first bytes, one more than the limit for a longer one; raises OSError."""
    fetched: Mapping[str, bytes] = field(default_factory=dict)
    """The last good answer of each http_sd URL; one without an answer has no targets yet."""
    notes: list[str] = field(default_factory=list)
    """What sources have to say that is no error, each one line."""
    served: list[ServedCertificate] = field(default_factory=list)
    """What the receivers of Collectors on this host serve."""

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


def source_fault(source: NamedSource) -> str | None:
    """Say why what `source` names cannot be followed, or None; nothing is read for it."""
    if source.kind == "file_sd":
        return pattern_fault(source.where)
    if source.url is not None:
        return url_fault(source.url.reveal())
    return None if all(source.files) else "names a file without a name"


def targets_of_source(
    source: NamedSource, defaults: DefaultsEntry, surroundings: Surroundings
) -> Iterator[tuple[Target, ...]]:
    """Yield the targets of each file that `source` names; names may be empty or repeat.

    Args:
        source: `source_fault` has passed it.
        defaults: The configuration's, which have been judged.
        surroundings: Where it is read from.

    Raises:
        ConfigurationError: naming the file, URL or variable that cannot be read or understood.
    """
    if source.kind == "file_sd":
        for file in files_matching(source.where):
            yield targets_from_file_sd(_read(file, surroundings), file, defaults)
    elif source.url is not None:
        url = source.url.reveal()
        raw = surroundings.fetched.get(url)
        yield () if raw is None else targets_from_http_sd(raw, url, defaults)
    elif source.kind == "sdk":
        found = sdk_targets(source.where, surroundings)
        yield tuple(_with_defaults(target, defaults) for target in found)
    elif source.kind == "collector":
        reading = read_collector(source.files, surroundings.environ, surroundings.read_text)
        surroundings.notes.extend(reading.warnings)
        surroundings.served.extend(reading.served)
        yield tuple(_with_defaults(target, defaults) for target in reading.targets)


def sdk_targets(where: str, surroundings: Surroundings) -> tuple[Target, ...]:
    """Return the targets of an SDK's file, or of its environment, where a file may replace it.

    Raises:
        ConfigurationError: also where the environment names nothing, saying what to set.
    """
    file = declared_file(surroundings.environ) if where == ENVIRONMENT else where
    if file:
        return targets_from_sdk_file(_read(file, surroundings), file, surroundings.environ)
    targets = sdk.targets_from_environment(surroundings.environ)
    if not targets:
        reason = "set it to the backend, like https://collector:4317, or name a file with --config"
        raise ConfigurationError(reason, file=ENVIRONMENT, key="OTEL_EXPORTER_OTLP_ENDPOINT")
    return targets


def declared_file(environ: Mapping[str, str]) -> str:
    """Return the declarative file that replaces the variables, or an empty text."""
    return next((environ[name] for name in sdk.FILE_VARIABLES if environ.get(name)), "")


def _with_defaults(target: Target, defaults: DefaultsEntry) -> Target:
    chosen: dict[str, Any] = {"labels": tuple(defaults.labels.items())}
    if defaults.depth:
        chosen["depth"] = defaults.depth
    for key in ("interval", "timeout"):
        if text := getattr(defaults, key):
            chosen[key] = seconds(text)
    return replace(target, **chosen)


def _read(file: str, surroundings: Surroundings) -> bytes:
    try:
        return surroundings.read_file(file)
    except (OSError, ValueError) as error:
        # A name with a NUL in it is a ValueError.
        why = getattr(error, "strerror", None) or type(error).__name__
        raise ConfigurationError(f"cannot be read: {why}", file=file) from None
