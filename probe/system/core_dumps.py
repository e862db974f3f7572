"""Keeps private keys out of core dumps, and out of reach of other processes of the same user."""

import resource
import sys
from contextlib import suppress
from typing import Final

PR_SET_DUMPABLE: Final = 4
"""Of <linux/prctl.h>."""


def forbid_core_dumps() -> None:
    """Have this process leave no core dump, as far as the system lets it; never fails.

    The limit keeps the kernel from writing a file. It does not hold where core_pattern names a
    program (core(5)): for that the process is made not dumpable on Linux, whereupon other
    processes without CAP_SYS_PTRACE can't read its memory and environment either (prctl(2)). Its
    own reading of /proc/self/stat, limits and fd, which the process metrics come from, goes on.
    """
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
