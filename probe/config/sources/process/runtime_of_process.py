"""Which runtime and which SDK a process has: the first that its program and memory show."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from probe.config.sources.process.collector_arguments import names_configuration
from probe.config.sources.process.go_build_info import GoBuild, read_go_build
from probe.config.sources.process.java_process import is_java, recognise_java
from probe.config.sources.process.native_process import (
    is_collector,
    recognise_go,
    recognise_rust,
)
from probe.config.sources.process.proc_files import ProcFiles, identify_file
from probe.config.sources.process.recognised import ReadFile, Recognised
from probe.config.sources.process.running import ProcessView
from probe.config.sources.process.script_process import (
    is_node,
    is_python,
    recognise_dotnet,
    recognise_node,
    recognise_others,
    recognise_python,
)
from probe.text.safe_text import safe_text

_MOST_SEARCHED: Final = 256
_SEARCHED: Final[dict[tuple[int, ...], Recognised | None]] = {}
"""What the executables are that were searched from end to end; each stays as it is."""


@dataclass(frozen=True, slots=True)
class CollectorProcess:
    """A process that is a Collector, and what shows it."""

    by: str


def recognise(
    view: ProcessView, read_file: ReadFile, files: ProcFiles
) -> Recognised | CollectorProcess:
    """Return what the process is: a Collector, or a program with an SDK, or an unknown one."""
    build = _read_build(view, files)
    if build is not None and is_collector(build):
        version = build.modules["go.opentelemetry.io/collector/otelcol"]
        return CollectorProcess(f"its executable is built of otelcol {safe_text(version, 32)}")
    if is_java(view):
        return recognise_java(view, read_file, lambda number: files.open(view.pid, f"fd/{number}"))
    if is_node(view):
        return recognise_node(view, read_file)
    found = recognise_dotnet(view)
    if found is not None:
        return found
    if is_python(view):
        return recognise_python(view, read_file)
    if build is not None:
        if names_configuration(view.arguments) and not build.modules:
            return CollectorProcess("a program of Go with --config")
        return replace(recognise_go(build), settings=view.environ)
    other = recognise_others(view) or _recognise_rust(view, files)
    return replace(other or Recognised(runtime="", by=""), settings=view.environ)


def _read_build(view: ProcessView, files: ProcFiles) -> GoBuild | None:
    with suppress(OSError, ValueError), files.open(view.pid, "exe") as file:
        return read_go_build(file)
    return None


def _recognise_rust(view: ProcessView, files: ProcFiles) -> Recognised | None:
    with suppress(OSError, ValueError), files.open(view.pid, "exe") as file:
        identity = identify_file(file)
        if identity not in _SEARCHED:
            while len(_SEARCHED) >= _MOST_SEARCHED:
                _SEARCHED.pop(next(iter(_SEARCHED)), None)
            _SEARCHED[identity] = recognise_rust(file)
        return _SEARCHED[identity]
    return None
