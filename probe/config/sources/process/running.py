"""Gathers what /proc shows of one process, and says which right is missing where it shows nothing.

What may be read follows ptrace(2), "Ptrace access mode checking", with PTRACE_MODE_READ_FSCREDS:
the same user and group and no capability that we lack, or CAP_SYS_PTRACE in its user namespace; a
process that is not dumpable (it was setuid, say) is shown with that capability only. Yama restricts
attaching, and not reading.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from probe.config.errors import ConfigurationError
from probe.config.sources.process.proc_files import MAX_BYTES, ProcFiles
from probe.config.sources.process.proc_texts import (
    DELETED,
    SYS_PTRACE,
    Stat,
    Status,
    is_overwritten,
    list_mapped_files,
    parse_stat,
    parse_status,
    split_arguments,
    split_environment,
)
from probe.model.surroundings import RunningProcess
from probe.text.description import describe_name
from probe.text.safe_text import safe_text

GIVE_SIGHT: Final = (
    "a container shows the processes of its own pid namespace only: in a pod set "
    "shareProcessNamespace: true, or use kubectl debug --target=CONTAINER; with Docker "
    "--pid=container:NAME, or --pid=host"
)
GIVE_RIGHT: Final = (
    "run the probe as {user}, or with the capability SYS_PTRACE: sudo, docker run --cap-add "
    "SYS_PTRACE, securityContext.capabilities.add: [SYS_PTRACE] in Kubernetes"
)


class ProcessGoneError(ConfigurationError):
    """There is no such process, or no longer: nothing of what it was stays in force."""


class NoExporterError(ConfigurationError):
    """A process that can be looked into shows no exporter: nothing is wrong where others have one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessView:
    """One process as /proc shows it, and where its exporters run."""

    runs_in: RunningProcess
    parent: int
    arguments: tuple[str, ...]
    environ: Mapping[str, str] = field(repr=False)
    executable: str
    """The program's file, as the process sees it."""
    mapped: tuple[str, ...]
    """Files in its memory: its program and libraries."""
    opened: Mapping[int, str]
    """Its open files, by descriptor."""
    overwritten: bool = False
    """Whether the process has overwritten its environment, or a part of it, as setproctitle does."""

    @property
    def pid(self) -> int:
        """Its number, as the probe sees it."""
        return self.runs_in.pid


def gather_process(pid: int, files: ProcFiles) -> ProcessView:
    """Return what /proc shows of the process `pid`.

    Raises:
        ProcessGoneError: where there is no such process.
        ConfigurationError: where it is not one that could have an exporter, or may not be read.
    """
    where = f"process {pid}"
    try:
        stat = parse_stat(files.read(pid, "stat"))
        status = parse_status(files.read(pid, "status"))
    except FileNotFoundError:
        raise ProcessGoneError(_explain_absence(files), file=where) from None
    except ProcessLookupError:
        raise ProcessGoneError("has ended", file=where) from None
    except (OSError, ValueError) as error:
        reason = f"cannot be read in /proc: {getattr(error, 'strerror', None) or error}"
        raise ConfigurationError(reason, file=where) from None
    _refuse_others(pid, stat, status)
    try:
        raw_environ = files.read(pid, "environ")
        arguments = split_arguments(files.read(pid, "cmdline"))
        executable = files.read_link(pid, "exe").removesuffix(DELETED)
        working_directory = files.read_link(pid, "cwd").removesuffix(DELETED)
        mapped = list_mapped_files(files.read(pid, "maps"))
        opened = files.list_descriptors(pid)
        again = parse_stat(files.read(pid, "stat"))
    except (FileNotFoundError, ProcessLookupError):
        raise ProcessGoneError("ended while it was read", file=where) from None
    except PermissionError:
        raise ConfigurationError(_explain_denial(stat, status, files), file=where) from None
    except (OSError, ValueError) as error:
        reason = f"cannot be read in /proc: {getattr(error, 'strerror', None) or error}"
        raise ConfigurationError(reason, file=where) from None
    if again.start_ticks != stat.start_ticks:
        raise ProcessGoneError("ended while it was read", file=where)
    environ = split_environment(raw_environ)
    return ProcessView(
        runs_in=RunningProcess(
            pid=pid,
            start_ticks=stat.start_ticks,
            started=files.start_time(stat.start_ticks),
            uid=status.uids[3],
            gid=status.gids[3],
            groups=status.groups,
            reads_everything=status.reads_everything,
            working_directory=working_directory,
            command=name_command(executable, stat.command),
            ssl_cert_file=environ.get("SSL_CERT_FILE", ""),
            ssl_cert_dir=environ.get("SSL_CERT_DIR", ""),
        ),
        parent=stat.parent,
        arguments=arguments,
        environ=environ,
        executable=executable,
        mapped=mapped,
        opened=opened,
        overwritten=len(raw_environ) >= MAX_BYTES or is_overwritten(raw_environ),
    )


def name_command(executable: str, command: str) -> str:
    """Return what the process is called in short, as it may be shown."""
    return safe_text(describe_name(executable.rpartition("/")[2] or command), 64)


def _explain_absence(files: ProcFiles) -> str:
    reason = "there is no such process that the probe can see"
    if files.hides_others():
        reason += "; /proc is mounted with hidepid, which hides the processes of other users"
    return f"{reason}; {GIVE_SIGHT}"


def _refuse_others(pid: int, stat: Stat, status: Status) -> None:
    """Refuse what is not a process with a program.

    Raises:
        ConfigurationError: naming what it is.
    """
    name = safe_text(describe_name(stat.command), 64)
    if status.process != pid:
        reason = f"is a thread of process {status.process} ({name}): give that number"
        raise ConfigurationError(reason, file=f"process {pid}")
    if stat.kernel_thread:
        reason = f"is a thread of the kernel ({name}), which exports nothing"
        raise ConfigurationError(reason, file=f"process {pid}")
    if stat.ended:
        reason = (
            f"has ended ({name}): it is a zombie, which process {stat.parent} has not waited for"
        )
        raise ProcessGoneError(reason, file=f"process {pid}")


def _explain_denial(stat: Stat, status: Status, files: ProcFiles) -> str:
    """Say which of the kernel's conditions for reading a process is not met, and how to meet it."""
    uid = status.uids[0]
    user, give = f"user {uid}", GIVE_RIGHT
    try:
        own = parse_status(files.read(files.own_pid, "status"))
    except (OSError, ValueError):
        own = None
    if own is None or {own.uids[3]} != set(status.uids[:3]):
        mine = "another user" if own is None else f"user {own.uids[3]}"
        ids = "/".join(map(str, dict.fromkeys(status.uids[:3])))
        why = f"it runs as user {ids}, the probe as {mine}"
    elif {own.gids[3]} != set(status.gids[:3]):
        ids = "/".join(map(str, dict.fromkeys(status.gids[:3])))
        why = f"it runs with group {ids}, the probe with group {own.gids[3]}"
        user += f" with group {ids}"
    elif missing := status.permitted & ~own.effective:
        why = f"it has capabilities that the probe has not ({missing:#x} of its CapPrm)"
    elif own.effective & SYS_PTRACE:
        why = "it is in another user namespace, where the probe's CAP_SYS_PTRACE does not count"
        give = "run the probe in that user namespace, or in the one that it was made from"
    else:
        why = (
            "it is in another user namespace, or its memory is protected (prctl PR_SET_DUMPABLE, a "
            "setuid program, a security module)"
        )
    name = safe_text(describe_name(stat.command), 64)
    return (
        f"{name} may not be looked into: {why}, and the probe lacks CAP_SYS_PTRACE there; "
        f"{give.format(user=user)}"
    )
