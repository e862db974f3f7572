"""Which running processes a text names: those whose command line has it, but no mere launchers.

A shell that was given a program as text, `timeout` and the like have the same words on their
command line, and the program's environment too; they export nothing. The workers that a server
forks have its whole configuration, and the first of them stands for all with the same rights.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from probe.config.sources.process.proc_files import ProcFiles
from probe.config.sources.process.proc_texts import (
    Status,
    parse_stat,
    parse_status,
    split_arguments,
)


@dataclass(frozen=True, slots=True)
class _Match:
    pid: int
    parent: int
    arguments: tuple[str, ...]
    rights: object
    program: tuple[str, bytes]
    """Its executable and its environment, which a fork has of its parent; empty where not shown."""

    def is_fork_of(self, other: "_Match") -> bool:
        """Return whether it is `other` once more, whatever title each of them shows."""
        return self.arguments == other.arguments or (
            bool(self.program[1]) and self.program == other.program
        )

    @property
    def line(self) -> str:
        return " ".join(self.arguments)


def find_processes(text: str, files: ProcFiles) -> tuple[int, ...]:
    """Return the numbers of the processes whose command line has `text`, in order.

    Raises:
        OSError: where /proc cannot be listed.
    """
    parents: dict[int, int] = {}
    matches: dict[int, _Match] = {}
    for pid in files.list_pids():
        with suppress(OSError, ValueError):
            stat = parse_stat(files.read(pid, "stat"))
            parents[pid] = stat.parent
            if pid == files.own_pid or stat.ended or stat.kernel_thread:
                continue
            arguments = split_arguments(files.read(pid, "cmdline"))
            if text in " ".join(arguments):
                rights = _describe_rights(parse_status(files.read(pid, "status")))
                program = _read_program(pid, files)
                matches[pid] = _Match(pid, stat.parent, arguments, rights, program)
    left_out = set(_list_left_out(text, matches, parents))
    return tuple(pid for pid in matches if pid not in left_out)


def _read_program(pid: int, files: ProcFiles) -> tuple[str, bytes]:
    try:
        return files.read_link(pid, "exe"), files.read(pid, "environ")
    except OSError:
        return "", b""


def _describe_rights(status: Status) -> object:
    return status.uids, status.gids, status.groups, status.effective


def _list_left_out(
    text: str, matches: Mapping[int, _Match], parents: Mapping[int, int]
) -> Iterator[int]:
    for match in matches.values():
        for above in _list_ancestors(match.pid, parents):
            other = matches.get(above)
            if other is None:
                continue
            if match.is_fork_of(other):
                if other.rights == match.rights:
                    yield match.pid
            elif match.line in other.line or _is_script(text, other):
                yield other.pid


def _is_script(text: str, match: _Match) -> bool:
    """Return whether what was looked for stands within one argument of several words."""
    return any(text in argument and " " in argument.strip() for argument in match.arguments[1:])


def _list_ancestors(pid: int, parents: Mapping[int, int]) -> Iterator[int]:
    seen = {pid}
    while (pid := parents.get(pid, 0)) and pid not in seen:
        seen.add(pid)
        yield pid


def list_children(files: ProcFiles) -> dict[int, list[int]]:
    """Return the numbers of the children of each process, as far as they can be seen.

    Raises:
        OSError: where /proc cannot be listed.
    """
    children: dict[int, list[int]] = {}
    for pid in files.list_pids():
        with suppress(OSError, ValueError):
            children.setdefault(parse_stat(files.read(pid, "stat")).parent, []).append(pid)
    return children


def identify_processes(pids: Iterable[int], files: ProcFiles) -> frozenset[tuple[int, int, bytes]]:
    """Return what tells processes from later ones, and from what they execute in their place."""
    found = set()
    for pid in pids:
        with suppress(OSError, ValueError):
            stat = parse_stat(files.read(pid, "stat"))
            if not stat.ended:
                found.add((pid, stat.start_ticks, files.read(pid, "cmdline")))
    return frozenset(found)
