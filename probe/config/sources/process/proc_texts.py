"""The files of /proc that say what a process is, as proc(5) describes them. Pure and total.

Command line and environment belong to the process, which may have written anything into them.
Bytes that are not UTF-8 become lone surrogates, as everywhere in Python (PEP 383).
"""

from dataclasses import dataclass
from typing import Final

_KERNEL_THREAD: Final = 0x00200000
"""PF_KTHREAD of the kernel's `task_struct.flags`."""
_READS_EVERYTHING: Final = 1 << 1 | 1 << 2
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""
SYS_PTRACE: Final = 1 << 19
DELETED: Final = " (deleted)"
_ENDED: Final = frozenset("ZXx")


@dataclass(frozen=True, slots=True)
class Stat:
    """/proc/PID/stat, as far as it is used."""

    command: str
    """Its name, at most 15 bytes of what was executed or what the process calls itself."""
    ended: bool
    """Whether it is a zombie: it has ended, and its parent has not asked how."""
    parent: int
    kernel_thread: bool
    start_ticks: int


@dataclass(frozen=True, slots=True)
class Status:
    """/proc/PID/status, as far as it is used."""

    process: int
    """The process that the thread belongs to; the same as its own number for a process."""
    uids: tuple[int, int, int, int]
    """Real, effective, saved, file system."""
    gids: tuple[int, int, int, int]
    groups: tuple[int, ...]
    permitted: int
    """Its permitted capabilities, one bit each."""
    effective: int

    @property
    def reads_everything(self) -> bool:
        """Whether the permissions of files do not hold it back."""
        return bool(self.effective & _READS_EVERYTHING)


def parse_stat(raw: bytes) -> Stat:
    """Read /proc/PID/stat.

    Raises:
        ValueError: where it is not one.
    """
    # The name stands in parentheses and may hold any others.
    before, opening, rest = raw.partition(b"(")
    name, closing, after = rest.rpartition(b")")
    fields = after.split()
    if not (before.strip().isdigit() and opening and closing and len(fields) > _START):
        raise ValueError("is not what proc(5) calls stat")
    return Stat(
        command=name.decode("utf-8", "surrogateescape"),
        ended=fields[0].decode("latin-1") in _ENDED,
        parent=int(fields[1]),
        kernel_thread=bool(int(fields[6]) & _KERNEL_THREAD),
        start_ticks=int(fields[_START]),
    )


_START: Final = 19
"""Field 22; the first two are number and name."""


def parse_status(raw: bytes) -> Status:
    """Read /proc/PID/status.

    Raises:
        ValueError: where it is not one.
    """
    lines = dict(line.split(b":", 1) for line in raw.split(b"\n") if b":" in line)
    try:
        return Status(
            process=int(lines[b"Tgid"]),
            uids=_read_ids(lines[b"Uid"]),
            gids=_read_ids(lines[b"Gid"]),
            groups=tuple(map(int, lines.get(b"Groups", b"").split())),
            permitted=int(lines[b"CapPrm"], 16),
            effective=int(lines[b"CapEff"], 16),
        )
    except KeyError as error:
        raise ValueError(f"has no {error.args[0].decode()}") from None


def _read_ids(raw: bytes) -> tuple[int, int, int, int]:
    real, effective, saved, file_system = map(int, raw.split())
    return real, effective, saved, file_system


def split_arguments(raw: bytes) -> tuple[str, ...]:
    """Return the arguments of /proc/PID/cmdline, with the program's name; empty arguments count.

    A process that shows a title there instead (setproctitle) has one argument, or its rest is
    padded with zero bytes.
    """
    if not raw.strip(b"\0"):
        return ()
    text = raw.decode("utf-8", "surrogateescape").removesuffix("\0")
    return tuple(text.split("\0"))


def split_environment(raw: bytes) -> dict[str, str]:
    """Return the variables of /proc/PID/environ: of two with one name the first counts.

    So it is for getenv(3) and in Go, Java, Python and Node alike. What has no `=` is not a variable.
    """
    variables: dict[str, str] = {}
    for part in raw.decode("utf-8", "surrogateescape").split("\0"):
        name, equals, value = part.partition("=")
        if equals and name:
            variables.setdefault(name, value)
    return variables


def is_overwritten(raw: bytes) -> bool:
    """Return whether /proc/PID/environ is no longer what the program was given.

    A program that shows a title instead of its arguments (setproctitle, Ruby) writes on into its
    environment, and fills with zero bytes what it does not need. The kernel writes variables one
    behind the other; an empty one, or one without `=`, is not among what any launcher passes on.
    """
    return any(b"=" not in part for part in raw.removesuffix(b"\0").split(b"\0")) and bool(raw)


def list_mapped_files(raw: bytes) -> tuple[str, ...]:
    """Return the files in /proc/PID/maps, each once: libraries, and others that are mapped."""
    found: dict[str, None] = {}
    for line in raw.decode("utf-8", "surrogateescape").split("\n"):
        fields = line.split(None, 5)
        if len(fields) > 5 and fields[5].startswith("/"):
            found[fields[5].removesuffix(DELETED)] = None
    return tuple(found)
