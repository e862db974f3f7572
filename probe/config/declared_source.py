"""Each item of `sources`: what it names, and what one reading of that gives.

Files are read through a callable, and lists come as they were last fetched: whoever reloads owns
both. What a target of an SDK leaves open is taken from `defaults` as far as it is the probe's own.
The URL of a list may hold a token, and is a `Secret`. The readers of a kind are imported when a
source of that kind is read: most probes need few of them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from glob import has_magic
from os import listdir
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from probe.config.duration import seconds
from probe.config.errors import (
    ConfigurationError,
    ErrorList,
    UnreadableFileError,
    explain_unreadable,
    find_nearest,
)
from probe.config.file_reader import decode_text
from probe.config.other_files import recognise_document
from probe.config.schema import DefaultsEntry
from probe.config.source_content import SourceContent
from probe.config.sources.file_sd import list_files, pattern_fault, read_file_sd
from probe.config.sources.http_sd import read_http_sd, url_fault
from probe.config.sources.manifest.files import list_manifest_files, list_watched, manifest_fault
from probe.config.sources.process.files_of_process import find_changed_files, read_process_file
from probe.config.sources.process.proc_files import ProcFiles
from probe.config.sources.process.select_processes import find_processes, identify_processes
from probe.config.sources.sdk.environment import FILE_VARIABLES, SOURCE, read_environment
from probe.config.sources.sdk.java.machine_environment import (
    MachineEnvironment,
    read_machine_environment,
)
from probe.config.target_entry import tls_settings
from probe.config.workload_name import name_targets, name_workload
from probe.config.yaml_document import parse_yaml
from probe.model.runtime import COLLECTOR, EXPORTERS, JAVA_OKHTTP, find_sibling
from probe.model.target import Secret, Target
from probe.text.description import describe_path, describe_url

if TYPE_CHECKING:
    from probe.config.sources.process.read_process import ReadProcessFile
    from probe.config.sources.sdk.settings_file import SettingsFile

MANIFEST: Final = "manifest"
"""The kind of the source, and what stands for a configuration file where manifests are given."""
ENVIRONMENT: Final = SOURCE.where
EXPORTER_VARIABLE: Final = "MTLS_PROBE_EXPORTER"
"""Whose verdict counts for the targets of an SDK: its variables do not say which SDK reads them."""


class NotFetchedError(Exception):
    """Nobody has asked for a list yet: nothing is known of it, good or bad."""


@dataclass(frozen=True, slots=True)
class SourceInputs:
    """Where sources are read from."""

    environ: Mapping[str, str]
    read_file: Callable[[str], bytes]
    """Returns a file's first bytes, one more than the limit for a longer one; raises OSError, or
    ValueError for what is not a regular file or a path."""
    fetched: Mapping[str, bytes | ConfigurationError] = field(default_factory=dict)
    """The last answer of each http_sd URL, or why there was none."""
    processes: ProcFiles = field(default_factory=ProcFiles)
    """What is known of running processes."""
    read_process_file: "ReadProcessFile" = read_process_file
    """Reads a file as one of them sees it."""

    def get_list(self, url: str) -> bytes:
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

    def read_named(self, file: str) -> bytes:
        """Return the content of a file that a source names.

        Raises:
            ConfigurationError: where it cannot be read.
        """
        try:
            return self.read_file(file)
        except (OSError, ValueError) as error:
            reason = f"cannot be read: {explain_unreadable(error)}"
            raise ConfigurationError(reason, file=file) from None

    def read_text(self, file: str) -> str:
        """Return a file's text.

        Raises:
            OSError: where it cannot be read.
            ValueError: where it is too large, or no UTF-8.
        """
        return decode_text(self.read_file(file))


@dataclass(frozen=True, slots=True)
class DeclaredSource:
    """One item of `sources`."""

    kind: str
    """sdk, collector, receiver, process, manifest, file_sd or http_sd."""
    where: str
    """What it names, as it may be shown: the files, the pattern, or the URL without its query."""
    files: tuple[str, ...] = ()
    """The Collector's, the later ones over the earlier; of a manifest also patterns and directories."""
    url: Secret | None = None
    """The whole URL of an http_sd list."""
    format: str = ""
    """Of an SDK's file; empty: its name and content say it."""
    profiles: tuple[str, ...] = ()
    """The active profiles of a Spring application, where the user gives them."""
    pid: int | None = None
    """The number of a process."""
    command: str = ""
    """Text of the command lines of processes."""

    @classmethod
    def of_process(cls, pid: int) -> Self:
        """Return the source of one process."""
        return cls("process", str(pid), pid=pid)

    @classmethod
    def of_command(cls, text: str) -> Self:
        """Return the source of all processes whose command line has `text`."""
        return cls("process", text, command=text)

    @classmethod
    def of(cls, kind: str, *named: str) -> Self:
        """Return the source of `kind` that names `named`, of which only a Collector has several."""
        if kind == "http_sd":
            return cls(kind, describe_url(named[0]), url=Secret(named[0]))
        return cls(kind, ", ".join(map(describe_path, named)), files=named)

    @property
    def name(self) -> str:
        """What metrics, pages and reports call it."""
        return ENVIRONMENT if self == SDK_ENVIRONMENT else f"{self.kind}:{self.where}"

    @property
    def fault(self) -> str | None:
        """Why what it names cannot be followed, or None; nothing is read for it."""
        if self.kind == "file_sd":
            return pattern_fault(self.files[0])
        if self.kind == MANIFEST:
            return next(filter(None, map(manifest_fault, self.files)), None)
        if self.url is not None:
            return url_fault(self.url.reveal())
        return None if all(self.files) else "names a file without a name"

    def identify_processes(self, files: ProcFiles) -> frozenset[tuple[int, int, bytes]]:
        """Return what changes whenever a process of this source begins, ends, or executes another program.

        Raises:
            OSError: where /proc cannot be listed.
        """
        if self.kind != "process":
            return frozenset()
        pids = find_processes(self.command, files) if self.pid is None else (self.pid,)
        return identify_processes(pids, files)

    def list_parts(self, inputs: SourceInputs) -> tuple[str, ...]:
        """Return what of it is read by itself: each file of a pattern, each process, or its one name.

        Raises:
            OSError: where the directory of a pattern cannot be listed.
        """
        if self.command:
            return tuple(map(str, find_processes(self.command, inputs.processes)))
        # `where` may be a description, where the name of a file looks like no path.
        return list_files(self.files[0]) if self.kind == "file_sd" else (self.where,)

    def read_part(self, part: str, defaults: DefaultsEntry, inputs: SourceInputs) -> SourceContent:
        """Return what `part`, one of `list_parts`, holds; names may be empty or repeat.

        Args:
            part: What to read.
            defaults: The configuration's, which have been judged.
            inputs: Where it is read from.

        Raises:
            ConfigurationError: naming the file, URL or variable that cannot be read or understood.
            NotFetchedError: where nobody has asked for the list yet.
        """
        content = self._read_part(part, defaults, inputs)
        if not content.targets:
            ErrorList(content.errors).raise_any()
        return content

    def list_failed(self, error: ConfigurationError, defaults: DefaultsEntry) -> tuple[Target, ...]:
        """Return the target that fails where a file says nothing that a Collector could start with."""
        if self.kind != "collector" or isinstance(error, UnreadableFileError):
            return ()
        from probe.config.sources.collector.read_collector import make_unreadable_target

        return (_apply_defaults(make_unreadable_target(self.where, error), defaults),)

    def _read_part(self, part: str, defaults: DefaultsEntry, inputs: SourceInputs) -> SourceContent:
        if self.kind == "file_sd":
            return read_file_sd(inputs.read_named(part), part, defaults)
        if self.kind == MANIFEST:
            return self._read_manifest(defaults, inputs)
        if self.url is not None:
            url = self.url.reveal()
            return read_http_sd(inputs.get_list(url), url, defaults)
        if self.kind == "process":
            from probe.config.sources.process.read_process import read_process

            content = read_process(
                int(part),
                inputs.processes,
                inputs.read_process_file,
                find_changed_files,
                _choose_exporter(inputs.environ, defaults)[0],
            )
        elif self.kind == "collector":
            from probe.config.sources.collector.read_collector import read_collector

            content = read_collector(self.files, inputs.environ, inputs.read_text)
        elif self.kind == "receiver":
            client = tls_settings(defaults.tls)
            from probe.config.sources.receiver.read_receivers import read_receivers

            content = read_receivers(self.files, inputs.environ, inputs.read_text, client)
        else:
            named = find_declarative_file(inputs.environ)
            file = named if self.files[0] == ENVIRONMENT else self.files[0]
            settings = self._read_settings(file, named, inputs) if file else None
            java = (
                read_machine_environment(inputs.environ, inputs.read_file)
                if settings is None
                else None
            )
            read_by = JAVA_OKHTTP.id if java is not None else None
            if settings is not None:
                read_by = settings.exporter
            exporter, errors = _choose_exporter(inputs.environ, defaults, read_by)
            content = (
                _read_environment(inputs, exporter, java)
                if settings is None
                else _read_settings_file(settings, inputs.environ, exporter)
            )
            if self.files[0] == ENVIRONMENT:
                content = name_targets(content, name_workload(inputs.environ))
            targets = content.targets
            if settings is None or not settings.names_exporters:
                targets = tuple(
                    replace(target, exporter=find_sibling(exporter, target.protocol))
                    for target in targets
                )
            content = replace(content, targets=targets, errors=content.errors + errors)
        targets = tuple(_apply_defaults(target, defaults) for target in content.targets)
        return replace(content, targets=targets)

    def _read_manifest(self, defaults: DefaultsEntry, inputs: SourceInputs) -> SourceContent:
        try:
            files = list_manifest_files(self.files)
        except OSError as error:
            reason = f"cannot be listed: {explain_unreadable(error)}"
            raise ConfigurationError(reason, file=self.where) from None
        if not files:
            reason = "there is no such file; create one, or correct the path"
            raise ConfigurationError(reason, file=self.where)
        from probe.config.sources.manifest.read_manifest import read_manifest

        content = read_manifest(files, inputs.read_file, exporter=defaults.exporter or COLLECTOR.id)
        targets = tuple(_apply_defaults(target, defaults) for target in content.targets)
        return replace(content, targets=targets)

    def list_watched(self) -> Iterator[str]:
        """Yield the files and directories, with `/` at the end, in which a file may be new.

        Raises:
            OSError: where a directory cannot be listed.
        """
        if self.kind == "file_sd":
            yield from list_files(self.files[0])
            if has_magic(self.files[0]):
                yield f"{Path(self.files[0]).parent}/"
        elif self.kind == MANIFEST:
            yield from list_watched(self.files)

    def _read_settings(self, file: str, named: str, inputs: SourceInputs) -> "SettingsFile":
        from probe.config.sources.sdk.settings_file import SettingsFile

        # Whoever follows the variable that names a file reads no other format.
        chosen = self.format or ("declarative" if file == named else "")
        return SettingsFile(
            file,
            inputs.read_named(file),
            chosen,
            profiles=self.profiles,
            read_file=inputs.read_file,
            list_directory=listdir,
        )


SDK_ENVIRONMENT: Final = DeclaredSource.of("sdk", ENVIRONMENT)


def find_declarative_file(environ: Mapping[str, str]) -> str:
    """Return the declarative file that replaces the variables, or an empty text."""
    return next((environ[name] for name in FILE_VARIABLES if environ.get(name)), "")


def _read_settings_file(
    settings: "SettingsFile", environ: Mapping[str, str], exporter: str
) -> SourceContent:
    """Return what an SDK's file gives.

    Raises:
        ConfigurationError: where it cannot be read, or is another program's.
    """
    try:
        content = settings.read(environ, exporter)
    except ConfigurationError:
        _refuse_other_file(settings)
        raise
    if not content.targets:
        _refuse_other_file(settings)
    return content


def _refuse_other_file(settings: "SettingsFile") -> None:
    """Refuse a file that another kind of source reads.

    Raises:
        ConfigurationError: saying what it is, and how to name it.
    """
    try:
        value = parse_yaml(settings.raw, first_alone=True).value
    except ConfigurationError:
        return
    other = recognise_document(value)
    if other is not None and other.source != "sdk":
        raise ConfigurationError(other.explain(settings.path), file=settings.path)


def _read_environment(
    inputs: SourceInputs, exporter: str, java: MachineEnvironment | None
) -> SourceContent:
    if java is None:
        return read_environment(inputs.environ, exporter)
    content = read_environment(java.variables, exporter, runtime_known=True)
    targets = tuple(
        replace(target, notes=(*target.notes, *java.notes)) for target in content.targets
    )
    empty = "; ".join((content.empty, *java.notes)) if content.empty else ""
    return replace(content, targets=targets, empty=empty)


def _choose_exporter(
    environ: Mapping[str, str], defaults: DefaultsEntry, read_by: str | None = None
) -> tuple[str, tuple[ConfigurationError, ...]]:
    """Return whose verdict counts for an SDK's targets, and what is wrong with the variable."""
    fallback = defaults.exporter or read_by or COLLECTOR.id
    text = environ.get(EXPORTER_VARIABLE, "").strip()
    if not text or text in EXPORTERS:
        return text or fallback, ()
    error = ConfigurationError(
        f"is unknown; {fallback} is taken",
        file=ENVIRONMENT,
        key=EXPORTER_VARIABLE,
        found=text,
        allowed=EXPORTERS,
        nearest=find_nearest(text, EXPORTERS),
    )
    return fallback, (error,)


def _apply_defaults(target: Target, defaults: DefaultsEntry) -> Target:
    chosen: dict[str, Any] = {"labels": tuple(defaults.labels.items())}
    if defaults.depth:
        chosen["depth"] = defaults.depth
    if defaults.addresses:
        chosen["addresses"] = defaults.addresses
    for key in ("interval", "timeout"):
        if text := getattr(defaults, key):
            chosen[key] = seconds(text)
    return replace(target, **chosen)
