"""A quota of CPU time for a process, as a container with a limit has: a control group of its own.

Where this process may not make one (it needs root, or a delegated cgroup v2), `limited_to` raises
`NoQuotaError`. Sources: cgroups(7), "CFS Bandwidth Control" and "Control Group v2" of Linux.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PERIOD: Final = 100_000
"""Microseconds, as container runtimes have it."""
_ROOT: Final = Path("/sys/fs/cgroup")


class NoQuotaError(Exception):
    """No control group can be made here."""


@contextmanager
def limited_to(share: float) -> Iterator[Sequence[str]]:
    """Yield what to put before a command, so that it gets `share` of one core.

    Raises:
        NoQuotaError: where no control group can be made.
    """
    quota = round(PERIOD * share)
    if (_ROOT / "cpu" / "cpu.cfs_quota_us").exists():
        parent, limits = _ROOT / "cpu", {"cpu.cfs_period_us": PERIOD, "cpu.cfs_quota_us": quota}
    else:
        parent, limits = _ROOT, {"cpu.max": f"{quota} {PERIOD}"}
    group = parent / f"mtls-probe-tests-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        raise NoQuotaError(f"no control group for CPU time can be made here: {error}") from None
    try:
        for name, value in limits.items():
            try:
                (group / name).write_text(str(value), encoding="ascii")
            except OSError as error:
                raise NoQuotaError(f"CPU time cannot be limited here: {error}") from None
        # The shell enters the group and becomes the command.
        yield ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
    finally:
        _remove(group)


def _remove(group: Path) -> None:
    """Remove a group whose processes end."""
    for _ in range(50):
        with suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.1)
