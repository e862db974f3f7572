"""Reads the sources again and again; what cannot be read keeps what it held when it last could.

One source that is down stops no other. What stays in force is the content of the last good reading
and not its targets, so that changed defaults apply to it too. As in Prometheus, each file of a
file_sd pattern stands by itself, and a file that is gone from the pattern takes its targets along.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from probe.config.declared_source import (
    SDK_ENVIRONMENT,
    DeclaredSource,
    NotFetchedError,
    SourceInputs,
    list_parts,
    read_part,
)
from probe.config.errors import ConfigurationError, explain_unreadable
from probe.config.schema import DefaultsEntry
from probe.config.source_content import SourceContent
from probe.config.sources.collector.receiver import ServedCertificate
from probe.model.target import SourceState, Target
from probe.text.description import describe_bug
from probe.text.safe_text import safe_text

KEPT: Final = "what was read before stays in force"
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
    served: tuple[ServedCertificate, ...] = ()


@dataclass(frozen=True, slots=True)
class _Good:
    """All that one good reading was made of."""

    files: Mapping[str, bytes]
    fetched: Mapping[str, bytes | ConfigurationError]

    def read_file(self, name: str) -> bytes:
        """Return what the file held then.

        Raises:
            OSError: where it was not read then.
        """
        if name not in self.files:
            raise FileNotFoundError(2, "was not read before", name)
        return self.files[name]


class SourceReader:
    """Reads sources, and remembers what each held when it last could be read."""

    def __init__(self) -> None:
        """Remember nothing."""
        self._good: dict[tuple[DeclaredSource, str], _Good] = {}

    def read(
        self, sources: Sequence[DeclaredSource], defaults: DefaultsEntry, surroundings: SourceInputs
    ) -> SourcesReading:
        """Return what `sources` give now; nothing that they hold raises.

        Args:
            sources: The configuration's; what is remembered of others is forgotten.
            defaults: The configuration's, which have been judged.
            surroundings: Where they are read from.
        """
        files: list[tuple[Target, ...]] = []
        states: list[SourceState] = []
        warnings: list[str] = []
        served: list[ServedCertificate] = []
        not_fetched = 0
        used: set[tuple[DeclaredSource, str]] = set()
        for source in sources:
            names, trouble = self._parts(source)
            used |= {(source, name) for name in names}
            try:
                parts = [self._part(source, name, defaults, surroundings) for name in names]
            except NotFetchedError:
                not_fetched += 1
                continue
            files += [part.content.targets for part in parts]
            warnings += [text for part in parts for text in part.content.warnings]
            served += [each for part in parts for each in part.content.served]
            states.append(_state(source, parts, trouble))
        self._good = {key: good for key, good in self._good.items() if key in used}
        return SourcesReading(
            files=tuple(files),
            states=number_equal_names(states),
            not_fetched=not_fetched,
            warnings=tuple(warnings),
            served=tuple(served),
        )

    def _parts(self, source: DeclaredSource) -> tuple[tuple[str, ...], str]:
        """Return what of `source` is read by itself, and why it could not be listed, or nothing.

        Where the directory cannot be listed (no descriptors, say), the files of before are read.
        """
        try:
            return list_parts(source), ""
        except OSError as error:
            known = tuple(name for each, name in self._good if each == source)
            return known, f"{safe_text(source.where)} cannot be listed: {explain_unreadable(error)}"

    def _part(
        self, source: DeclaredSource, name: str, defaults: DefaultsEntry, surroundings: SourceInputs
    ) -> "_Part":
        key = (source, name)
        recorder = _Recorder(surroundings.read_file)
        try:
            content = _guarded(source, name, defaults, recorder.within(surroundings))
        except ConfigurationError as error:
            before = self._as_before(key, defaults, surroundings)
            return _Part(before or SourceContent(), error, kept=before is not None)
        url = "" if source.url is None else source.url.reveal()
        answers = {url: surroundings.fetched[url]} if url else {}
        self._good[key] = _Good(recorder.files, answers)
        return _Part(content)

    def _as_before(
        self, key: tuple[DeclaredSource, str], defaults: DefaultsEntry, surroundings: SourceInputs
    ) -> SourceContent | None:
        good = self._good.get(key)
        if good is None:
            return None
        before = replace(surroundings, read_file=good.read_file, fetched=good.fetched)
        try:
            return _guarded(*key, defaults, before)
        except (ConfigurationError, NotFetchedError):
            return None


def _guarded(
    source: DeclaredSource, name: str, defaults: DefaultsEntry, surroundings: SourceInputs
) -> SourceContent:
    """Read one part; a bug of ours in that is the fault of this part alone, and is logged.

    Raises:
        ConfigurationError: as `read_part` does, and for a bug.
        NotFetchedError: as `read_part` does.
    """
    try:
        return read_part(source, name, defaults, surroundings)
    except (ConfigurationError, NotFetchedError):
        raise
    except Exception as error:  # noqa: BLE001  (it is reported)
        # Nobody has registered yet what is secret of it: the logger's own traceback would quote it.
        work = f"source {safe_text(source.name)}"
        log.error("probe_fault", work=work, stacktrace=describe_bug(error))  # noqa: TRY400
        reason = f"the probe itself failed to read it: {type(error).__name__}"
        raise ConfigurationError(reason, file=source.where) from None


class _Recorder:
    """Reads files, and keeps what they held."""

    def __init__(self, read_file: Callable[[str], bytes]) -> None:
        self._read_file = read_file
        self.files: dict[str, bytes] = {}

    def read(self, name: str) -> bytes:
        self.files[name] = content = self._read_file(name)
        return content

    def within(self, surroundings: SourceInputs) -> SourceInputs:
        return replace(surroundings, read_file=self.read)


@dataclass(frozen=True, slots=True)
class _Part:
    """One file, list or environment; `error` says why its content is that of before, or none."""

    content: SourceContent
    error: ConfigurationError | None = None
    kept: bool = False

    def problems(self) -> list[str]:
        """Return all that is wrong with it, each one or more lines that are safe to show."""
        found = [str(error) for error in self.content.errors]
        if self.error is not None:
            found.insert(0, f"{self.error}; {KEPT}" if self.kept else str(self.error))
        elif not self.content.targets and self.content.empty:
            found.append("; ".join((self.content.empty, *self.content.warnings)))
        return found


def _state(source: DeclaredSource, parts: Sequence[_Part], trouble: str) -> SourceState:
    targets = [target for part in parts for target in part.content.targets]
    problems = [text for part in parts for text in part.problems()]
    if trouble:
        problems.append(trouble)
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
        where: The configuration's file, or `environment`.
    """
    if where == SDK_ENVIRONMENT.where:
        return "there is nothing to probe: the environment gives no target"
    looked = ", ".join(each.source for each in states)
    return (
        f"there is nothing to probe: {safe_text(where)} has no target"
        + (f", and its sources give none ({looked})" if looked else "")
        + "; add one to targets, or correct the sources"
    )
