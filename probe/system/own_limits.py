"""The limits of this process: what it can run out of (descriptors, memory, threads), core dumps.

Whatever fails for want of one of them is the probe's own trouble and says nothing about a target,
a file or a source. A leaf: everybody may ask it.
"""

import errno
import os
import resource
import sys
from contextlib import suppress
from typing import Final, TypeGuard

EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
"""Errors that name a lack of this process or of its host (errno(3))."""

SPARE: Final = 4
"""Descriptors that one look-up needs at a time: nsswitch.conf, hosts, resolv.conf, a socket."""
PR_SET_DUMPABLE: Final = 4
"""Of <linux/prctl.h>."""


class OwnLimitError(Exception):
    """This process ran out of something; `detail` says of what, for people."""

    def __init__(self, detail: str) -> None:
        """Carry the detail."""
        super().__init__(detail)
        self.detail = detail


def is_own_lack(error: BaseException) -> bool:
    """Return whether `error`, or what it was raised from, is a lack of this process's own.

    Libraries wrap an OSError in one of their own, as aiohttp does.
    """
    return any(
        isinstance(one, OwnLimitError | MemoryError) or _is_exhausted(one)
        for one in _list_causes(error)
    )


def describe_lack(error: BaseException) -> str:
    """Say what this process ran out of, from an error that `is_own_lack`."""
    for one in _list_causes(error):
        if isinstance(one, OwnLimitError):
            return one.detail
        if _is_exhausted(one):
            return name_error(one.errno)
    return type(error).__name__


def _list_causes(error: BaseException) -> list[BaseException]:
    """Return `error`, what it was raised from, and so on, each once."""
    found = [error]
    while (cause := found[-1].__cause__ or found[-1].__context__) and cause not in found:
        found.append(cause)
    return found


def _is_exhausted(error: BaseException) -> TypeGuard[OSError]:
    return isinstance(error, OSError) and error.errno in EXHAUSTED


def name_error(number: int | None) -> str:
    """Return the name of an errno, else its number."""
    return errno.errorcode.get(number or 0, str(number))


def lacks_descriptors(count: int = SPARE) -> str:
    """Return the errno's name where `count` descriptors cannot be had at present, else nothing."""
    taken: list[int] = []
    try:
        for _ in range(count):
            taken.append(os.open("/", os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY))  # noqa: PERF401  (those taken before a failure are closed)
    except OSError as error:
        return name_error(error.errno) if error.errno in EXHAUSTED else ""
    finally:
        for descriptor in taken:
            os.close(descriptor)
    return ""


def raise_descriptor_limit() -> int:
    """Raise the soft limit of open files to the hard one; return what is in force now.

    systemd and shells give 1024 of often half a million (setrlimit(2)); nothing here uses
    select(2), the one call that cannot bear larger descriptors.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


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
