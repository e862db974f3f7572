"""Specifies the bounded standard error where several threads, a destructor or a child write."""

import gc
import os
import threading

import pytest

from probe.system.bounded_stderr import BoundedStderr
from tests.support.unread_stderr import (
    LONG,
    PAGE,
    lines_of,
    nobody_reads,
    over_a_pipe,
    read_what_is_there,
)

pytestmark = pytest.mark.slow


def test_many_threads_write_whole_lines() -> None:
    """Lines of several threads never mix, none is lost, none comes twice."""
    with over_a_pipe() as (stream, reader):
        read: list[bytes] = []
        done = threading.Event()

        def gather() -> None:
            while not done.is_set() or (rest := read_what_is_there(reader)):
                read.append(os.read(reader, 65536) if not done.is_set() else rest)

        def write(name: int) -> None:
            for number in range(500):
                stream.write(f"{name}-{number}\n")

        gathering = threading.Thread(target=gather)
        gathering.start()
        writers = [threading.Thread(target=write, args=(name,)) for name in range(8)]
        for each in writers:
            each.start()
        for each in writers:
            each.join()
        assert stream.drain(LONG)
        done.set()
        stream.write("end\n")
        gathering.join()
        assert stream.drain(LONG)
        lines = lines_of(b"".join(read) + read_what_is_there(reader))
    assert sorted(lines) == sorted(["end", *(f"{a}-{b}" for a in range(8) for b in range(500))])
    for name in range(8):
        own = [line for line in lines if line.startswith(f"{name}-")]
        assert own == [f"{name}-{number}" for number in range(500)]


def test_a_destructor_that_complains_does_not_lock_it() -> None:
    """Garbage is collected anywhere, also while a line is taken."""

    class Complains:
        def __init__(self, stream: BoundedStderr) -> None:
            self.stream = stream
            self.ring = self

        def __del__(self) -> None:
            self.stream.write("a destructor\n")

    with over_a_pipe(max_writes=1_000_000, max_bytes=1 << 26) as (stream, _):
        threshold = gc.get_threshold()
        gc.set_threshold(1)
        ended = threading.Event()

        def write() -> None:
            for number in range(300):
                Complains(stream)
                stream.write(f"{number}\n")
            ended.set()

        try:
            threading.Thread(target=write, daemon=True).start()
            assert ended.wait(LONG)
        finally:
            gc.set_threshold(*threshold)
            gc.collect()


def test_a_child_process_writes_its_own_lines_once() -> None:
    """After fork(2) a child has neither the thread nor what the parent still has to write."""
    with nobody_reads() as (stream, reader):
        os.register_at_fork(after_in_child=stream.reset_after_fork)
        stream.write("of the parent\n")
        child = os.fork()
        if child == 0:
            stream.write("of the child\n")
            os._exit(0 if stream.drain(LONG) else 1)
        # A writer that waits already needs a page for itself: Linux lets only a write that begins
        # share one. So there is one for each.
        read = os.read(reader, PAGE) + os.read(reader, PAGE)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert stream.drain(LONG)
        lines = lines_of(read + read_what_is_there(reader))[1:]
    assert sorted(lines) == ["of the child", "of the parent"]
