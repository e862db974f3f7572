"""Reads the sources again and again; what cannot be read keeps what it held when it last could.

One source that is down stops no other. What stays in force is the content of the last good reading
and not its targets, so that changed defaults apply to it too. As in Prometheus, each file of a
file_sd pattern is separate; the targets of a file that is removed from the pattern are removed.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import structlog

from probe.config.declared_source import (
    SDK_ENVIRONMENT,
    DeclaredSource,
    NotFetchedError,
    SourceInputs,
)
from probe.config.errors import ConfigurationError, explain_unreadable
from probe.config.schema import DefaultsEntry
from probe.config.source_content import SourceContent
from probe.config.sources.process.running import GIVE_SIGHT, NoExporterError, ProcessGoneError
from probe.model.surroundings import RunningProcess
from probe.model.target import Secret, SourceState, Target
from probe.text.description import describe_bug
from probe.text.safe_text import safe_text

if TYPE_CHECKING:
    from probe.config.sources.collector.receiver import ServedCertificate

KEPT: Final = "what was read before stays in force"
COMMAND_LINE: Final = "the command line"
"""Where sources are named that no file has."""
LONGEST_ERROR: Final = 20
"""Lines of all that is wrong with one source."""

log = structlog.get_logger("mtls_probe")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcesReading:
    """What all sources gave together."""

    files: tuple[tuple[Target, ...], ...] = ()
    """The targets of each file, list or environment."""
    states: tuple[SourceState, ...] = ()
    """Of each source that was asked, in the order of the configuration."""
    not_fetched: int = 0
    """How many lists nobody has asked for yet."""
    warnings: tuple[str, ...] = ()
    served: tuple["ServedCertificate", ...] = ()
    secrets: tuple[Secret, ...] = ()
    """What was read besides that nobody may see."""


@dataclass(slots=True)
class _Recording:
    """All that one reading was made of, so that it can be repeated.

    What /proc shows of a process is read anew: it stays the same while the process runs.
    """

    inputs: SourceInputs
    files: dict[str, bytes] = field(default_factory=dict)
    process_files: dict[tuple[int, str], bytes | OSError | ValueError] = field(default_factory=dict)

    def record(self) -> SourceInputs:
        """Return inputs that read as `inputs` do, and are remembered."""
        return replace(
            self.inputs, read_file=self._record, read_process_file=self._record_process_file
        )

    def replay(self, inputs: SourceInputs) -> SourceInputs:
        """Return `inputs` with the files and lists of the recording."""
        return replace(
            inputs,
            read_file=self._replay,
            read_process_file=self._replay_process_file,
            fetched=self.inputs.fetched,
        )

    def _record(self, name: str) -> bytes:
        self.files[name] = content = self.inputs.read_file(name)
        return content

    def _record_process_file(self, process: RunningProcess, name: str) -> bytes:
        key = (process.pid, name)
        try:
            content = self.inputs.read_process_file(process, name)
        except (OSError, ValueError) as error:
            self.process_files[key] = error
            raise
        self.process_files[key] = content
        return content

    def _replay_process_file(self, process: RunningProcess, name: str) -> bytes:
        content = self.process_files.get(
            (process.pid, name), FileNotFoundError(2, "not read before")
        )
        if isinstance(content, OSError | ValueError):
            raise content
        return content

    def _replay(self, name: str) -> bytes:
        if name not in self.files:
            raise FileNotFoundError(2, "was not read before", name)
        return self.files[name]


class SourceReader:
    """Reads sources, and remembers what each held when it last could be read."""

    def __init__(self) -> None:
        """Remember nothing."""
        self._last: dict[tuple[DeclaredSource, str], _Recording] = {}

    def read(
        self, sources: Sequence[DeclaredSource], defaults: DefaultsEntry, inputs: SourceInputs
    ) -> SourcesReading:
        """Return what `sources` give now; nothing that they hold raises.

        Args:
            sources: The configuration's; what is remembered of others is forgotten.
            defaults: The configuration's, which have been judged.
            inputs: Where they are read from.
        """
        found: list[SourceContent] = []
        states: list[SourceState] = []
        not_fetched = 0
        used: set[tuple[DeclaredSource, str]] = set()
        for source in sources:
            names, problem = self._list_parts(source, inputs)
            used |= {(source, name) for name in names}
            try:
                parts = [self._read_part(source, name, defaults, inputs) for name in names]
            except NotFetchedError:
                not_fetched += 1
                continue
            if source.command:
                parts = _excuse_others(parts)
            found += (part.content for part in parts)
            states.append(_summarize(source, parts, problem))
        self._last = {key: last for key, last in self._last.items() if key in used}
        return SourcesReading(
            files=tuple(content.targets for content in found),
            states=number_equal_names(states),
            not_fetched=not_fetched,
            warnings=tuple(text for content in found for text in content.warnings),
            served=tuple(one for content in found for one in content.served),
            secrets=tuple(dict.fromkeys(one for content in found for one in content.secrets)),
        )

    def _list_parts(
        self, source: DeclaredSource, inputs: SourceInputs
    ) -> tuple[tuple[str, ...], str]:
        """Return what of `source` is read by itself, and why it could not be listed, or nothing.

        Where the directory cannot be listed (no descriptors, say), the files of before are read.
        """
        try:
            return source.list_parts(inputs), ""
        except OSError as error:
            known = tuple(name for each, name in self._last if each == source)
            return known, f"{safe_text(source.where)} cannot be listed: {explain_unreadable(error)}"

    def _read_part(
        self, source: DeclaredSource, name: str, defaults: DefaultsEntry, inputs: SourceInputs
    ) -> "_ReadUnit":
        key = (source, name)
        url = "" if source.url is None else source.url.reveal()
        fetched = {url: inputs.fetched[url]} if url in inputs.fetched else {}
        recording = _Recording(replace(inputs, fetched=fetched))
        try:
            content = _read_safely(source, name, defaults, recording.record())
        except ConfigurationError as error:
            last = None if isinstance(error, ProcessGoneError) else self._last.get(key)
            failed = source.list_failed(error, defaults)
            if last is not None:
                with suppress(ConfigurationError, NotFetchedError):
                    content = _read_safely(source, name, defaults, last.replay(inputs))
                    kept = replace(content, targets=(*content.targets, *failed))
                    return _ReadUnit(kept, error, kept=True)
            return _ReadUnit(SourceContent(targets=failed), error)
        self._last[key] = recording
        return _ReadUnit(content)


def _read_safely(
    source: DeclaredSource, name: str, defaults: DefaultsEntry, inputs: SourceInputs
) -> SourceContent:
    """Read one part; a bug of ours in that is the fault of this part alone, and is logged.

    Raises:
        ConfigurationError: as `read_part` does, and for a bug.
        NotFetchedError: as `read_part` does.
    """
    try:
        return source.read_part(name, defaults, inputs)
    except (ConfigurationError, NotFetchedError):
        raise
    except Exception as error:  # noqa: BLE001  (it is reported)
        # Nobody has registered yet what is secret of it: the logger's own traceback would quote it.
        work = f"source {safe_text(source.name)}"
        log.error("probe_fault", work=work, stacktrace=describe_bug(error))  # noqa: TRY400  (as above)
        reason = f"the probe itself failed to read it: {type(error).__name__}"
        raise ConfigurationError(reason, file=source.where) from None


@dataclass(frozen=True, slots=True)
class _ReadUnit:
    """One file, list or environment; `error` says why its content is that of before, or none."""

    content: SourceContent
    error: ConfigurationError | None = None
    kept: bool = False

    def list_problems(self) -> list[str]:
        """Return all that is wrong with it, each one or more lines that are safe to show."""
        found = [str(error) for error in self.content.errors]
        # What would be green without them is not: nobody knows about these.
        found += [safe_text(f"not probed: {text}", 1024) for text in self.content.unprobed]
        if self.error is not None:
            found.insert(0, f"{self.error}; {KEPT}" if self.kept else str(self.error))
        elif not self.content.targets and self.content.empty:
            found.append("; ".join((self.content.empty, *self.content.warnings)))
        return found


def _excuse_others(parts: Sequence["_ReadUnit"]) -> "list[_ReadUnit]":
    """Turn into warnings that processes have no exporter, where others with the same text have one."""
    if not any(part.content.targets for part in parts):
        return list(parts)
    return [
        _ReadUnit(SourceContent(warnings=(str(part.error),)))
        if isinstance(part.error, NoExporterError)
        else part
        for part in parts
    ]


def _summarize(source: DeclaredSource, parts: Sequence[_ReadUnit], problem: str) -> SourceState:
    targets = [target for part in parts for target in part.content.targets]
    problems = [text for part in parts for text in part.list_problems()]
    if problem:
        problems.append(problem)
    elif not parts and source.command:
        problems.append(
            f"no process with {safe_text(source.command)} on its command line can be seen: nothing "
            f"is probed for it; {GIVE_SIGHT}"
        )
    elif not parts:
        problems.append(
            f"no file matches {safe_text(source.where)}: nothing is probed for it; create one, or "
            "correct the pattern"
        )
    if targets and not problems and all(target.faults for target in targets):
        facts = dict.fromkeys(fault.fact for target in targets for fault in target.faults)
        problems.append(f"no exporter can work with its settings: {'; '.join(facts)}")
    lines = [line for text in problems for line in text.split("\n")]
    if len(lines) > LONGEST_ERROR:
        lines = [*lines[: LONGEST_ERROR - 1], f"and {len(lines) - LONGEST_ERROR + 1} more lines"]
    return SourceState(
        source=safe_text(source.name),
        up=not problems,
        targets=len(targets),
        error="\n".join(lines) or None,
    )


def number_equal_names(states: Sequence[SourceState]) -> tuple[SourceState, ...]:
    """Give `#2` and so on to sources that are shown alike: URLs that differ in their query."""
    taken: dict[str, int] = {}
    named = []
    for state in states:
        taken[state.source] = count = taken.get(state.source, 0) + 1
        named.append(state if count == 1 else replace(state, source=f"{state.source}#{count}"))
    return tuple(named)


def explain_no_targets(states: Sequence[SourceState], *, where: str) -> str:
    """Say that there is nothing to probe, where was looked, and what to do.

    Args:
        states: Of the sources.
        where: The configuration's file, `environment`, or `COMMAND_LINE`.
    """
    if where == COMMAND_LINE:
        return (
            f"there is nothing to probe: {', '.join(each.source for each in states)} has no target"
        )
    if where == SDK_ENVIRONMENT.where:
        return "there is nothing to probe: the environment gives no target"
    looked = ", ".join(each.source for each in states)
    return (
        f"there is nothing to probe: {safe_text(where)} has no target"
        + (f", and its sources give none ({looked})" if looked else "")
        + "; add one to targets, or correct the sources"
    )
