"""The targets of an SDK whose settings stand in a file, of whatever format. Pure.

What the file sets becomes variables, which are read as every SDK reads them; a declarative file
alone has a reader of its own.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from errno import ENOENT
from typing import Final

from probe.config.errors import ConfigurationError
from probe.config.source_content import SourceContent, report_ignored
from probe.config.sources.sdk.declarative_file import read_sdk_file
from probe.config.sources.sdk.env_files.env_readers import (
    MAX_BYTES,
    READERS,
    READERS_BY_ID,
    EnvReader,
    find_lines,
    list_disagreeing,
)
from probe.config.sources.sdk.env_files.line_error import LineError
from probe.config.sources.sdk.environment import read_environment
from probe.config.sources.sdk.formats import FORMATS, recognise_format
from probe.config.sources.sdk.java.properties_file import list_properties
from probe.config.sources.sdk.java.system_properties import to_variable
from probe.config.sources.sdk.origin import Origin
from probe.model.finding import Finding
from probe.model.runtime import JAVA_OKHTTP, NODE_HTTP, PYTHON_HTTP
from probe.text.description import describe_path
from probe.text.safe_text import safe_text

_RUNTIMES: Final = {
    "properties": JAVA_OKHTTP.id,
    "spring": JAVA_OKHTTP.id,
    "dotenv": NODE_HTTP.id,
    "node-env": NODE_HTTP.id,
    "python-dotenv": PYTHON_HTTP.id,
}
"""By format, the exporter of the only programs that read it."""
_RUNS_JAVA: Final = re.compile(
    rb"^[ \t]*ExecStart[ \t]*=[ \t]*[-@:+!|]*(?:\S*/)?java[ \t]", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A file with an SDK's settings, as it was read."""

    path: str
    raw: bytes = field(repr=False)
    format: str = ""
    """A key of FORMATS that the user gave; empty: by name and content."""

    profiles: tuple[str, ...] = ()
    """Of a Spring application, the active ones that the user gave."""
    read_file: Callable[[str], bytes] | None = None
    """Reads the files that this one brings in; raises OSError or ValueError."""
    list_directory: Callable[[str], Sequence[str]] | None = None
    """Returns the names in a directory; raises OSError."""

    @property
    def kind(self) -> str:
        """Its format."""
        return self.format or recognise_format(self.path, self.raw)

    @property
    def exporter(self) -> str | None:
        """Whose exporter reads it, where only one language does."""
        if self.kind == "unit":
            return JAVA_OKHTTP.id if _RUNS_JAVA.search(self.raw) else None
        return _RUNTIMES.get(self.kind)

    @property
    def names_exporters(self) -> bool:
        """Whether it says of each target by itself whose exporter it is."""
        return self.kind == "compose"

    def read(self, environ: Mapping[str, str], exporter: str) -> SourceContent:
        """Return the targets of every OTLP exporter that the file gives.

        Args:
            environ: The probe's environment, for references of the file and for proxies.
            exporter: Whose verdict counts, by its id.

        Raises:
            ConfigurationError: with file and line, where it cannot be read as its format.
        """
        if self.kind == "declarative":
            return read_sdk_file(self.raw, self.path, environ)
        if self.kind == "spring":
            from probe.config.sources.sdk.spring.read_spring import read_spring

            content = read_spring(
                self.raw,
                self.path,
                environ,
                exporter,
                profiles=self.profiles,
                read_file=self.read_file,
            )
        elif self.kind == "compose":
            from probe.config.sources.compose.read_compose import read_compose

            content = read_compose(
                self.raw,
                self.path,
                environ,
                exporter,
                self.read_file or _read_nothing,
                self.list_directory or _list_nothing,
            )
        elif self.kind == "unit":
            content = self._read_unit(exporter, environ)
        elif self.kind == "properties":
            content = self._read_properties(exporter)
        else:
            content = self._read_env_file(READERS_BY_ID[self.kind], exporter, environ)
        if not content.empty:
            return content
        shown = f"it is read as {FORMATS[self.kind]}"
        return replace(content, empty=f"{shown}: {content.empty}")

    def _read_properties(self, exporter: str) -> SourceContent:
        values: dict[str, str] = {}
        lines: dict[str, int] = {}
        written: dict[str, str] = {}
        try:
            for each in list_properties(self.raw.decode("utf-8", "replace")):
                variable = to_variable(each.key)
                if variable is not None:
                    values[variable], lines[variable] = each.value, each.line
                    written[variable] = each.key
        except ValueError as error:
            raise self._error(str(error)) from None
        origin = Origin(
            file=self.path,
            lines=lines,
            written=written,
            properties=True,
            default_protocol="http/protobuf",
            reader="the Java agent since 2.0; before, it was grpc",
            runtime_known=True,
        )
        return read_environment(values, exporter, origin)

    def _read_env_file(
        self, reader: EnvReader, exporter: str, environ: Mapping[str, str]
    ) -> SourceContent:
        if len(self.raw) > MAX_BYTES:
            raise self._error(f"is larger than {MAX_BYTES} bytes, more than a process takes")
        try:
            values = reader.read(self.raw, environ)
        except LineError as error:
            raise self._explain_refusal(reader, error, environ) from None
        known = self.exporter is not None
        lines = find_lines(self.raw, values)
        origin = Origin(file=self.path, lines=lines, runtime_known=known)
        content = read_environment(_with_proxies(values, environ), exporter, origin)
        if self.format:
            return content
        remarks = tuple(self._report_disagreement(reader, environ))
        targets = tuple(
            replace(target, remarks=(*remarks, *target.remarks)) for target in content.targets
        )
        return replace(content, targets=targets)

    def _read_unit(self, exporter: str, environ: Mapping[str, str]) -> SourceContent:
        from probe.config.sources.sdk.unit.read_unit import list_drop_ins, read_unit

        read_file, list_directory = self.read_file or _read_nothing, self.list_directory
        drop_ins = [] if list_directory is None else list_drop_ins(self.path, list_directory)
        found = read_unit(self.raw, self.path, read_file, drop_ins)
        origin = Origin(file=self.path, lines=found.lines, runtime_known=found.java)
        content = read_environment(_with_proxies(found.variables, environ), exporter, origin)
        if not content.targets and found.collector:
            empty = (
                f"it runs a Collector ({safe_text(describe_path(found.collector))}): name its "
                "configuration as the source, collector: FILE"
            )
            return SourceContent(empty=empty, errors=content.errors)
        targets = tuple(
            replace(target, notes=(*target.notes, *found.notes)) for target in content.targets
        )
        return replace(content, targets=targets)

    def _report_disagreement(self, chosen: EnvReader, environ: Mapping[str, str]) -> list[Finding]:
        differing = list(list_disagreeing(self.raw, environ, chosen))
        names = dict.fromkeys(name for _, found in differing for name in found)
        others = [
            f"{reader.name} {'reads other values' if found else 'refuses it'}"
            for reader, found in differing
        ]
        if not names:
            return []
        fact = (
            f"{describe_path(self.path)} is read as {chosen.name} reads it; of {', '.join(names)} "
            f"others make something else: {', '.join(others)}"
        )
        ids = ", ".join(reader.id for reader in READERS)
        fix = (
            f"Say in the probe's configuration who reads the file: sdk: {{file: "
            f"{describe_path(self.path)}, format: {chosen.id}}}; formats are {ids}."
        )
        return [report_ignored(fact, fix)]

    def _explain_refusal(
        self, reader: EnvReader, error: LineError, environ: Mapping[str, str]
    ) -> ConfigurationError:
        reason = f"is read as {FORMATS[reader.id]}: {error.reason}"
        if not self.format and (takers := _list_takers(self.raw, environ)):
            reason += (
                f"; {', '.join(one.name for one in takers)} would take it: say who reads it, with "
                f"format: {takers[0].id}"
            )
        return self._error(reason, line=error.line or None)

    def _error(self, reason: str, line: int | None = None) -> ConfigurationError:
        return ConfigurationError(reason, file=self.path, line=line)


def _read_nothing(name: str) -> bytes:
    raise FileNotFoundError(ENOENT, "is not read here", name)


def _list_nothing(name: str) -> list[str]:
    raise FileNotFoundError(ENOENT, "is not listed here", name)


def _list_takers(raw: bytes, environ: Mapping[str, str]) -> list[EnvReader]:
    takers = []
    for reader in READERS:
        try:
            reader.read(raw, environ)
        except LineError:
            continue
        takers.append(reader)
    return takers


def _with_proxies(values: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return `values` with the probe's own proxies, unless the file sets them."""
    proxies = {name: text for name, text in environ.items() if name.lower().endswith("_proxy")}
    return proxies | dict(values)
