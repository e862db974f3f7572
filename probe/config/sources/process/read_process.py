"""The targets of one running process: each OTLP exporter that its configuration gives it.

Impure only through what is passed in. A Collector's configuration is read as its command line names
it; an SDK's variables as its runtime reads them. What cannot be seen is said: a program that sets
its exporter up by itself, or changes its environment later, shows nothing of that in /proc.
"""

import posixpath
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from probe.config.errors import ConfigurationError
from probe.config.file_reader import decode_text
from probe.config.source_content import SourceContent, add_faults
from probe.config.sources.collector.read_collector import read_collector
from probe.config.sources.process.collector_arguments import read_collector_arguments
from probe.config.sources.process.effective_settings import choose_settings, has_endpoint
from probe.config.sources.process.proc_files import ProcFiles
from probe.config.sources.process.recognised import Recognised
from probe.config.sources.process.running import NoExporterError, ProcessView, gather_process
from probe.config.sources.process.runtime_of_process import CollectorProcess, recognise
from probe.config.sources.process.runtime_rules import apply_runtime_rules, reads_root_variables
from probe.config.sources.process.select_processes import list_children
from probe.config.sources.sdk.declarative_file import read_sdk_file
from probe.config.sources.sdk.environment import FILE_VARIABLES, read_environment
from probe.config.workload_name import name_service
from probe.model.known_secrets import environment_secrets
from probe.model.runtime import COLLECTOR, find_sibling
from probe.model.surroundings import RunningProcess
from probe.model.target import Secret, Target, TlsSettings
from probe.text.description import describe_path, is_description
from probe.text.safe_text import safe_text

ReadProcessFile = Callable[[RunningProcess, str], bytes]
"""Returns a file as a process sees it; raises OSError or ValueError."""
FindChanged = Callable[[RunningProcess, Iterable[str]], tuple[str, ...]]
"""Returns which files were changed after a process began."""

_NONE: Final = "no pipeline of it has an OTLP exporter"
_OVERWRITTEN: Final = (
    "has written a title over its environment (setproctitle), so that /proc no longer shows what its "
    "exporters were given; start it with SPT_NOENV=1, which keeps the environment, or run the probe "
    "next to it with the same variables"
)
_MOST_STARTED: Final = 64
"""Processes below a launcher that are looked at."""
_CODE: Final = (".py", ".js", ".mjs", ".cjs", ".ts", "package.json")
_START_ONLY: Final = (
    "/proc shows the environment at its start: what the program sets later (by a .env file, say) or "
    "in its code is not seen"
)


def read_process(
    pid: int,
    files: ProcFiles,
    read_file: ReadProcessFile,
    find_changed: FindChanged,
    fallback: str,
) -> SourceContent:
    """Return the targets of the process `pid`.

    Args:
        pid: Its number, as the probe sees it.
        files: /proc.
        read_file: Reads a file as a process sees it.
        find_changed: Tells which files were changed since a process began.
        fallback: Whose verdict counts where the runtime is not known.

    Raises:
        ConfigurationError: where the process cannot be looked into, or has no exporter to be seen.
    """
    reader = _Reader(files, read_file, find_changed, fallback)
    view, found, read = reader.look_at(pid)
    if not _has_exporter(found):
        started = reader.read_started(view)
        if started is not None:
            return started
    return reader.read_own(view, found, read)


class _Files:
    """Reads files as one process finds them, and remembers which."""

    def __init__(self, process: RunningProcess, read_file: ReadProcessFile) -> None:
        self._process = process
        self._read_file = read_file
        self.names: dict[str, None] = {}

    def __call__(self, path: str) -> bytes:
        content = self._read_file(self._process, path)
        self.names[path] = None
        return content


@dataclass(frozen=True, slots=True)
class _Reader:
    files: ProcFiles
    read_file: ReadProcessFile
    find_changed: FindChanged
    fallback: str

    def look_at(self, pid: int) -> tuple[ProcessView, Recognised | CollectorProcess, _Files]:
        """Return what a process shows, and what it is."""
        view = gather_process(pid, self.files)
        read = _Files(view.runs_in, self.read_file)
        return view, recognise(view, read, self.files), read

    def read_own(
        self, view: ProcessView, found: Recognised | CollectorProcess, read: _Files
    ) -> SourceContent:
        """Return the targets of the exporters that a process has itself."""
        if isinstance(found, CollectorProcess):
            content = _read_collector(view, found, read)
            environ: Mapping[str, str] = view.environ
        else:
            content, environ = _read_sdk(view, found, read, self.fallback)
        name = f"{view.pid} ({view.runs_in.command})"
        changed = self.find_changed(view.runs_in, _drop_code(read.names))
        targets = tuple(
            replace(
                target,
                tls=_find_files(target.tls, view.runs_in.working_directory),
                notes=(*target.notes, *map(_note_change, changed)),
                runs_in=_choose_roots(view.runs_in, target.exporter),
                sources=tuple(replace(source, process=name) for source in target.sources),
            )
            for target in content.targets
        )
        secrets = tuple(map(Secret, dict.fromkeys(_list_secrets(view.environ, environ))))
        return replace(content, targets=targets, secrets=secrets)

    def read_started(self, view: ProcessView) -> SourceContent | None:
        """Return the targets of the programs that a launcher has started (a shell, an init), or None.

        Those count whose runtime is known, and which have an SDK or are a Collector; what they
        have started in turn (workers) does not.
        """
        try:
            children = list_children(self.files)
        except OSError:
            return None
        found: list[SourceContent] = []
        errors: list[ConfigurationError] = []
        waiting = deque(children.get(view.pid, ()))
        for _ in range(_MOST_STARTED):
            if not waiting:
                break
            pid = waiting.popleft()
            if pid == self.files.own_pid:
                continue
            try:
                below, what, read = self.look_at(pid)
            except ConfigurationError:
                continue
            if not _has_exporter(what):
                waiting += children.get(pid, ())
                continue
            try:
                found.append(self.read_own(below, what, read))
            except ConfigurationError as error:
                errors.append(error)
        if not (found or errors):
            return None
        note = f"process {view.pid} ({view.runs_in.command}), which was named, has started it"
        return SourceContent(
            targets=tuple(
                replace(target, notes=(note, *target.notes))
                for content in found
                for target in content.targets
            ),
            errors=(*errors, *(error for content in found for error in content.errors)),
            warnings=tuple(text for content in found for text in content.warnings),
            secrets=tuple(secret for content in found for secret in content.secrets),
        )


def _has_exporter(found: Recognised | CollectorProcess) -> bool:
    return isinstance(found, CollectorProcess) or bool(
        found.runtime and (found.sdk or has_endpoint(found.settings))
    )


def _choose_roots(process: RunningProcess, exporter: str) -> RunningProcess:
    """Return `process` without variables for roots that this exporter does not read."""
    if reads_root_variables(exporter):
        return process
    return replace(process, ssl_cert_file="", ssl_cert_dir="")


def _find_files(tls: TlsSettings, folder: str) -> TlsSettings:
    """Return `tls` with whole paths: printed commands run elsewhere than the process."""

    def find(path: str | None) -> str | None:
        return path and (path if is_description(path) else posixpath.join(folder, path))

    return replace(
        tls,
        ca_file=find(tls.ca_file),
        cert_file=find(tls.cert_file),
        key_file=find(tls.key_file),
    )


def _drop_code(paths: Iterable[str]) -> Iterator[str]:
    """Yield the files that are settings: of a program's own code nothing is asked."""
    return (path for path in paths if not path.endswith(_CODE))


def _note_change(path: str) -> str:
    return (
        f"{safe_text(describe_path(path), 256)} was changed after the process began: it may still "
        "work by what the file held before"
    )


def _read_collector(
    view: ProcessView, found: CollectorProcess, read: Callable[[str], bytes]
) -> SourceContent:
    where = f"process {view.pid}"
    locations = read_collector_arguments(view.arguments, view.environ)
    if locations.unread:
        reason = (
            f"is a Collector ({found.by}) that reads its configuration through "
            f"{', '.join(locations.unread)}:, which the probe cannot; write it into a file and name "
            "that with sources: [{collector: FILE}]"
        )
        raise ConfigurationError(reason, file=where)
    if locations.missing:
        reason = f"its --config names the variable {', '.join(locations.missing)}, which it has not"
        raise ConfigurationError(reason, file=where)
    if not locations.paths:
        reason = (
            f"is a Collector ({found.by}) without --config on its command line: where its "
            "distribution reads its configuration is not shown there; name the file with sources: "
            "[{collector: FILE}]"
        )
        raise ConfigurationError(reason, file=where)

    def read_text(path: str) -> str:
        text = locations.texts.get(path)
        return decode_text(read(path)) if text is None else text

    content = read_collector(locations.paths, view.environ, read_text)
    if not (content.targets or content.errors):
        raise NoExporterError(f"is a Collector ({found.by}): {content.empty or _NONE}", file=where)
    note = f"the process is recognised as a Collector: {found.by}"
    targets = (replace(each, notes=(note, *each.notes)) for each in content.targets)
    # What it serves is read below its own root, which a receiver's own source does not do.
    return replace(content, targets=tuple(targets), served=())


def _read_sdk(
    view: ProcessView, found: Recognised, read: Callable[[str], bytes], fallback: str
) -> tuple[SourceContent, Mapping[str, str]]:
    if view.overwritten:
        raise ConfigurationError(_OVERWRITTEN, file=f"process {view.pid}")
    settings = choose_settings(found, fallback)
    environ, exporter = settings.environ, settings.exporter
    file = next((environ[name] for name in FILE_VARIABLES if environ.get(name)), "")
    if file:
        try:
            raw = read(file)
        except (OSError, ValueError) as error:
            reason = f"cannot be read: {getattr(error, 'strerror', None) or error}"
            raise ConfigurationError(reason, file=file) from None
        content = read_sdk_file(raw, file, environ)
    else:
        # Without a protocol of its own the port decides, whatever the first of its exporters speaks.
        content = read_environment(environ, runtime_known=bool(found.runtime))
    if not (content.targets or content.errors):
        raise NoExporterError(
            _explain_nothing(view, found, content.empty), file=f"process {view.pid}"
        )
    base = name_service(environ) or f"{view.runs_in.command}-{view.pid}"
    notes = (*settings.notes, *found.notes, _START_ONLY)
    targets = tuple(
        apply_runtime_rules(
            replace(
                target,
                name=base + target.name.removeprefix("sdk"),
                exporter=_choose_exporter(exporter, target),
                notes=tuple(dict.fromkeys((*notes, *target.notes))),
            ),
            {} if file else environ,
            found.roots if target.protocol == "http/protobuf" else "",
        )
        for target in content.targets
    )
    return replace(
        content,
        targets=tuple(
            add_faults(replace(each, remarks=(*found.remarks, *each.remarks)), found.faults)
            for each in targets
        ),
    ), environ


def _choose_exporter(exporter: str, target: Target) -> str:
    sibling = find_sibling(exporter, target.protocol)
    return exporter if sibling == COLLECTOR.id else sibling


def _explain_nothing(view: ProcessView, found: Recognised, why: str) -> str:
    """Say that no exporter can be seen, and what was looked at."""
    looked = ["its environment", "its command line", "its program and the libraries in its memory"]
    text = f"has no OTLP exporter that can be seen ({view.runs_in.command}): looked at were "
    text += f"{', '.join(looked[:-1])} and {looked[-1]}"
    if found.runtime:
        text += f"; it is recognised as {found.runtime}, and nothing shows an OpenTelemetry SDK"
        text = (
            text
            if not found.sdk
            else text.replace("nothing shows an OpenTelemetry SDK", f"has {found.sdk}")
        )
    if found.sdk and why:
        text += f"; {why}"
    return f"{text}; {_START_ONLY}"


def _list_secrets(*environments: Mapping[str, str]) -> Iterator[str]:
    for environ in environments:
        yield from environment_secrets(environ)
