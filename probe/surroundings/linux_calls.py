"""Calls of Linux that Python has not, through ctypes: ids, capabilities and namespaces of one thread.

Credentials are a thread's own (credentials(7)); the C library's setgroups changes them in every
thread of a process, so it is called by its number.
"""

import ctypes
import os
import platform
import sys
from typing import Final

CAP_DAC_OVERRIDE: Final = 1
CAP_DAC_READ_SEARCH: Final = 2
"""Of <linux/capability.h>."""
CLONE_NEWNET: Final = 0x40000000
"""Of <linux/sched.h>."""
PROC_SUPER_MAGIC: Final = 0x9FA0
FUSE_SUPER_MAGIC: Final = 0x65735546
"""Of <linux/magic.h>."""

_SETGROUPS: Final = {
    "x86_64": 116, "aarch64": 159, "riscv64": 159, "loongarch64": 159, "ppc64le": 81, "ppc64": 81,
    "s390x": 206, "armv7l": 206, "armv6l": 206, "i686": 206, "i386": 206,
}  # fmt: skip
"""The number of setgroups(2), with ids of 32 bits, by architecture."""
_CAPABILITY_VERSION: Final = 0x20080522
_NO_ID: Final = 0xFFFFFFFF
_STATFS_SIZE: Final = 256


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapabilityData(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


_CapabilitySets = _CapabilityData * 2

_libc: Final = ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def set_groups(groups: tuple[int, ...]) -> None:
    """Replace the supplementary groups of this thread alone.

    Raises:
        OSError: without CAP_SETGID; ENOSYS where the call's number is not known here.
    """
    number = _SETGROUPS.get(platform.machine())
    if number is None or (sys.maxsize < _NO_ID and platform.machine() == "x86_64"):
        raise OSError(38, "setgroups is not known on this architecture")
    ids = (ctypes.c_uint32 * len(groups))(*groups)
    _check(_libc.syscall(ctypes.c_long(number), ctypes.c_long(len(groups)), ids))


def set_file_ids(uid: int, gid: int) -> None:
    """Have the kernel judge this thread's access to files by these ids (setfsuid(2)).

    Raises:
        OSError: without CAP_SETUID or CAP_SETGID.
    """
    for call, wanted in ((_libc.setfsgid, gid), (_libc.setfsuid, uid)):
        call(ctypes.c_uint32(wanted))
        # It returns the previous id and no error: an id that is none changes nothing.
        if call(ctypes.c_uint32(_NO_ID)) & _NO_ID != wanted:
            raise PermissionError(1, os.strerror(1))


def set_effective(capabilities: frozenset[int], *, on: bool) -> None:
    """Put `capabilities`, all below 32, in force for this thread, or out of it; those permitted stay.

    Raises:
        OSError: where one to be put in force is not permitted.
    """
    header, sets = _CapabilityHeader(_CAPABILITY_VERSION, 0), _CapabilitySets()
    _check(_libc.capget(ctypes.byref(header), ctypes.byref(sets)))
    mask = sum(1 << number for number in capabilities)
    sets[0].effective = sets[0].effective | mask if on else sets[0].effective & ~mask
    _check(_libc.capset(ctypes.byref(header), ctypes.byref(sets)))


def enter_network(descriptor: int) -> None:
    """Move this thread into the network namespace of `descriptor` (setns(2)).

    Raises:
        OSError: EPERM without CAP_SYS_ADMIN.
    """
    _check(_libc.setns(descriptor, CLONE_NEWNET))


def read_file_system_type(descriptor: int) -> int:
    """Return the magic number of the file system that an open file is on; 0 where unknown.

    `f_type` is the first field of struct statfs (statfs(2)).
    """
    buffer = ctypes.create_string_buffer(_STATFS_SIZE)
    if _libc.fstatfs(descriptor, buffer) < 0:
        return 0
    size = 4 if platform.machine() == "s390x" else ctypes.sizeof(ctypes.c_long)
    return int.from_bytes(buffer.raw[:size], sys.byteorder)
