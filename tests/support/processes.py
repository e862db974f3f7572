"""Describes running processes for tests, as a source would."""

import os
import time
from pathlib import Path
from typing import Any

from probe.model.surroundings import RunningProcess


def describe_process(pid: int, **fields: Any) -> RunningProcess:
    """Return the process `pid` with what procfs says of it; `fields` replace that."""
    folder = Path(f"/proc/{pid}")
    ticks = int((folder / "stat").read_text().rpartition(")")[2].split()[19])
    lines = (folder / "status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines if ":" in line)
    since_boot = time.clock_gettime(time.CLOCK_BOOTTIME)
    found: dict[str, Any] = {
        "pid": pid,
        "start_ticks": ticks,
        "started": time.time() - since_boot + ticks / os.sysconf("SC_CLK_TCK"),
        "uid": int(status["Uid"].split()[3]),
        "gid": int(status["Gid"].split()[3]),
        "groups": tuple(map(int, status["Groups"].split())),
        "reads_everything": bool(int(status["CapEff"], 16) & 0b110),
        "command": status["Name"].strip(),
    }
    return RunningProcess(**(found | fields))
