"""Standard errors without a reader, for tests of a process that writes to one."""

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from probe.system.bounded_stderr import BoundedStderr

PAGE = 4096
"""The smallest a pipe can be made (fcntl(2), F_SETPIPE_SZ)."""

LONG = 10.0
"""Seconds, for a machine that is busy with something else."""


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


@contextmanager
def over_a_pipe(**bounds: int) -> Iterator[tuple[BoundedStderr, int]]:
    """Yield a stream over a pipe, and the end to read."""
    reader, writer = os.pipe()
    stream = BoundedStderr(writer, **bounds)
    try:
        yield stream, reader
    finally:
        assert stream.drain(LONG)
        os.close(reader)
        os.close(writer)


@contextmanager
def nobody_reads(**bounds: int) -> Iterator[tuple[BoundedStderr, int]]:
    """Yield a stream over a full pipe, and the end to read; nothing is on its way afterwards."""
    with full_pipe() as (reader, writer):
        stream = BoundedStderr(writer, **bounds)
        try:
            yield stream, reader
        finally:
            os.close(reader)  # who is waiting to write fails now (EPIPE)
            until(lambda: stream._writes == 0)


def lines_of(content: bytes) -> list[str]:
    """Return the lines of `content`, which ends with one."""
    assert content.endswith(b"\n"), content[-80:]
    return content.decode().splitlines()


def reported(lines: list[str]) -> int:
    """Return how many lines are missing by what the reader finds."""
    found = [re.match(r"mtls-probe: (\d+) lines? dropped", line) for line in lines]
    return sum(int(match[1]) for match in found if match)


def until(condition: Any) -> None:
    """Wait until `condition` holds."""
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)
