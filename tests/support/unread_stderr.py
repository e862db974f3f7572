"""Standard errors without a reader, for tests of a process that writes to one."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PAGE = 4096
"""The smallest a pipe can be made (fcntl(2), F_SETPIPE_SZ)."""


@contextmanager
def full_pipe() -> Iterator[tuple[int, int]]:
    """Yield both ends of a full pipe."""
    reader, writer = os.pipe()
    try:
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PAGE)
        os.write(writer, b"x" * (PAGE - 1) + b"\n")
        yield reader, writer
    finally:
        for end in (reader, writer):
            with suppress(OSError):
                os.close(end)


def is_blocking(descriptor: int) -> bool:
    """Return whether the open file description behind `descriptor` is still as it was made."""
    return os.get_blocking(descriptor)


def read_what_is_there(descriptor: int) -> bytes:
    """Return what can be read without waiting."""
    os.set_blocking(descriptor, False)
    parts = []
    with suppress(BlockingIOError):
        while part := os.read(descriptor, 65536):
            parts.append(part)
    os.set_blocking(descriptor, True)
    return b"".join(parts)
