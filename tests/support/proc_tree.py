"""A /proc of a test's own: a directory with the files that proc(5) has of each process."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from probe.config.sources.process.proc_files import ProcFiles

STATUS = """\
Name:\t{name}
Tgid:\t{tgid}
Pid:\t{pid}
Uid:\t{uid}\t{uid}\t{uid}\t{uid}
Gid:\t{gid}\t{gid}\t{gid}\t{gid}
Groups:\t{gid} 7
CapPrm:\t{caps:016x}
CapEff:\t{caps:016x}
"""


class ProcTree:
    """Writes processes below a folder, which `files` reads as /proc."""

    def __init__(self, folder: Path) -> None:
        """Take an empty folder; the process that reads is number 1."""
        self.folder = folder
        self.files = ProcFiles(str(folder))
        self.files.own_pid = 1
        self.add(1, ["probe"], parent=0)

    def add(
        self,
        pid: int,
        arguments: Sequence[str],
        environ: Mapping[str, str] | None = None,
        *,
        parent: int = 1,
        executable: str = "/bin/true",
        mapped: Sequence[str] = (),
        uid: int = 1000,
        capabilities: int = 0,
        state: str = "S",
        flags: int = 0,
        thread_of: int | None = None,
    ) -> None:
        """Write one process."""
        own = self.folder / str(pid)
        (own / "fd").mkdir(parents=True)
        name = os.path.basename(executable)  # noqa: PTH119
        rest = " ".join(["0"] * 12)
        (own / "stat").write_text(f"{pid} ({name}) {state} {parent} 0 0 0 0 {flags} {rest} 500 0\n")
        status = STATUS.format(
            name=name, pid=pid, tgid=thread_of or pid, uid=uid, gid=uid, caps=capabilities
        )
        (own / "status").write_text(status)
        (own / "cmdline").write_bytes(b"".join(os.fsencode(one) + b"\0" for one in arguments))
        variables = [f"{key}={value}" for key, value in (environ or {}).items()]
        (own / "environ").write_bytes(b"".join(os.fsencode(one) + b"\0" for one in variables))
        lines = [f"7f00-7f01 r-xp 00000000 08:01 42    {path}\n" for path in (executable, *mapped)]
        (own / "maps").write_text("".join(lines))
        (own / "exe").symlink_to(executable)
        (own / "cwd").symlink_to("/srv/app")
