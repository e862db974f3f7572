"""The bounded standard error: order, bounds, losses that are counted and reported, no waiting."""

import asyncio
import io
import os
import re
import threading
import time
import traceback
from pathlib import Path

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.system.bounded_stderr import LONGEST_WRITE, BoundedStderr
from tests.support.unread_stderr import (
    LONG,
    PAGE,
    is_blocking,
    lines_of,
    nobody_reads,
    over_a_pipe,
    read_what_is_there,
    reported,
    until,
)

pytestmark = pytest.mark.slow

LINE = st.text(max_size=40).map("{}\n".format)


def test_what_is_written_arrives_whole_and_in_order() -> None:
    """Fragments, long lines and characters that an encoding may lack, in the order of writing."""
    with over_a_pipe() as (stream, reader):
        print("a", "b", 3, file=stream)
        stream.write("é\udcff\n")
        stream.write("x" * (PAGE * 3) + "\n")
        stream.write("last\n")
        assert stream.drain(LONG)
        assert lines_of(read_what_is_there(reader)) == ["a b 3", "é\\udcff", "x" * PAGE * 3, "last"]
        assert stream.lines_dropped == 0


def test_all_of_it_is_masked() -> None:
    """Also what no other gate sees, such as a warning or a thread's traceback."""
    reader, writer = os.pipe()
    stream = BoundedStderr(writer, mask=lambda text: text.replace("hunter2-token", "***"))
    try:
        raise ValueError("Authorization: Bearer hunter2-token")
    except ValueError:
        traceback.print_exc(file=stream)
    assert stream.drain(LONG)
    text = read_what_is_there(reader).decode()
    os.close(reader)
    os.close(writer)
    assert "ValueError: Authorization: Bearer ***" in text
    assert "hunter2" not in text


def test_nobody_waits_for_a_reader_that_does_not_read() -> None:
    """Thousands of lines into a full pipe cost no time, bounded memory, and are counted."""
    with nobody_reads(max_writes=100, max_bytes=100_000) as (stream, reader):
        began = time.monotonic()
        for number in range(20_000):
            stream.write(f"line {number}\n")
        assert time.monotonic() - began < LONG / 2
        assert stream.lines_dropped == 20_000 - 100
        assert not stream.drain(0.05)
        assert is_blocking(stream.fileno())

        read = os.read(reader, PAGE)
        assert stream.drain(LONG)
        until(lambda: stream._dropped_last == 0)
        stream.write("news\n")
        assert stream.drain(LONG)
        lines = lines_of(read + read_what_is_there(reader))[1:]
    assert lines[:100] == [f"line {number}" for number in range(100)]
    assert lines[-1] == "news"
    assert reported(lines) == 20_000 - 100
    assert len(lines) == 100 + 1 + 1


def test_bytes_are_bounded_too() -> None:
    """Few long lines fill the queue as well as many short ones; an endless one is cut."""
    with nobody_reads(max_bytes=LONGEST_WRITE * 2) as (stream, reader):
        for _ in range(10):
            stream.write("y" * (LONGEST_WRITE * 4) + "\n")
        assert stream.lines_dropped == 9
        taken = threading.Thread(target=stream.drain, args=(LONG,))
        taken.start()
        read = b""
        while len(read) < PAGE + LONGEST_WRITE:
            read += os.read(reader, 65536)
        taken.join()
    assert read.count(b"y") == LONGEST_WRITE


def test_a_line_that_begins_to_be_dropped_is_dropped_to_its_end() -> None:
    """Print writes a line in parts: half of one would be joined to the next."""
    with nobody_reads(max_writes=4) as (stream, reader):
        for part in ("1\n", "2\n", "3\n", "4\n", "dropped from", " here", " to here\n"):
            stream.write(part)
        read = os.read(reader, PAGE)
        assert stream.drain(LONG)
        stream.write("5\n")
        assert stream.drain(LONG)
        lines = lines_of(read + read_what_is_there(reader))[1:]
    assert [line for line in lines if "dropped," not in line] == ["1", "2", "3", "4", "5"]
    assert reported(lines) == 1


def test_progress_that_was_dropped_drops_nothing_more() -> None:
    """Its line has no end, but each of its states begins with a carriage return."""
    with nobody_reads(max_writes=4) as (stream, reader):
        for number in range(20):
            stream.write(f"\r{number} of 20")
        read = os.read(reader, PAGE)
        assert stream.drain(LONG)
        stream.write("\r20 of 20")
        stream.write("\n")
        assert stream.drain(LONG)
        read = (read + read_what_is_there(reader))[PAGE:]
    assert read == b"\r0 of 20\r1 of 20\r2 of 20\r3 of 20\r20 of 20\n"


def test_a_slow_reader_is_not_given_reports_alone() -> None:
    """Half of the queue is free before more is taken, so reports are few among many lines."""
    with nobody_reads(max_writes=64) as (stream, reader):
        read, written = b"", 0
        while written < 5_000:
            for _ in range(50):
                stream.write(f"line {written} {'z' * 60}\n")
                written += 1
            read += os.read(reader, 1024)
        end = time.monotonic() + LONG
        while not stream.drain(0.01):
            read += read_what_is_there(reader)
            assert time.monotonic() < end
        until(lambda: stream._dropped_last == 0)
        assert stream.drain(LONG)
        lines = lines_of(read + read_what_is_there(reader))[1:]
    kept = [line for line in lines if line.startswith("line ")]
    reports = len(lines) - len(kept)
    assert reported(lines) + len(kept) == 5_000
    assert 0 < reports <= len(kept) / 20


def test_a_reader_that_comes_back_learns_what_it_missed(tmp_path: Path) -> None:
    """A FIFO whose reader leaves (EPIPE) and returns: later lines arrive, after a report."""
    fifo = tmp_path / "log"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(fifo, os.O_WRONLY)
    stream = BoundedStderr(writer)
    stream.write("before\n")
    assert stream.drain(LONG)
    assert lines_of(os.read(reader, 4096)) == ["before"]
    os.close(reader)
    for number in range(7):
        stream.write(f"{number}\n")
    assert stream.drain(LONG)
    assert stream.lines_dropped == 7
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    stream.write("after\n")
    assert stream.drain(LONG)
    lines = lines_of(os.read(reader, 4096))
    os.close(reader)
    os.close(writer)
    assert lines[1:] == ["after"]
    assert reported(lines) == 7


def test_a_report_that_cannot_be_made_is_made_plainly(tmp_path: Path) -> None:
    """Whoever describes the loss may fail, and the lines behind it still come."""
    fifo = tmp_path / "log"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(fifo, os.O_WRONLY)
    stream = BoundedStderr(writer)

    def fails(_: int) -> str:
        raise LookupError

    stream.describe_loss = fails
    os.close(reader)
    stream.write("lost\n")
    assert stream.drain(LONG)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    stream.write("after\n")
    assert stream.drain(LONG)
    lines = lines_of(os.read(reader, 4096))
    os.close(reader)
    os.close(writer)
    assert reported(lines) == 1
    assert lines[1:] == ["after"]


def test_a_full_disk_costs_lines_and_nothing_else() -> None:
    """ENOSPC at each write: all are counted, none raises, logging.raiseExceptions finds nothing."""
    full = os.open("/dev/full", os.O_WRONLY)
    stream = BoundedStderr(full)
    for _ in range(5):
        print("lost", file=stream, flush=True)
    assert stream.drain(LONG)
    os.close(full)
    assert stream.lines_dropped == 5


def test_what_is_not_open_for_writing_costs_lines_and_nothing_else() -> None:
    """2</dev/null (EBADF) is not a reason to fail."""
    null = os.open(os.devnull, os.O_RDONLY)
    stream = BoundedStderr(null)
    stream.write("lost\n")
    assert stream.drain(LONG)
    os.close(null)
    assert stream.lines_dropped == 1


def test_a_pipe_that_somebody_else_made_non_blocking_loses_nothing() -> None:
    """O_NONBLOCK is shared with other processes: EAGAIN is waited for, by the thread alone."""
    with nobody_reads() as (stream, reader):
        os.set_blocking(stream.fileno(), False)
        for number in range(50):
            stream.write(f"{number}\n")
        assert not stream.drain(0.05)
        os.read(reader, PAGE)
        assert stream.drain(LONG)
        assert lines_of(read_what_is_there(reader)) == [str(number) for number in range(50)]
        assert not is_blocking(stream.fileno())
    assert stream.lines_dropped == 0


async def test_an_event_loop_never_waits_for_a_flush() -> None:
    """Click and structlog flush after each line."""
    with nobody_reads() as (stream, _):
        began = time.monotonic()
        for _ in range(1000):
            print("x", file=stream, flush=True)
            await asyncio.sleep(0)
        assert time.monotonic() - began < LONG / 5


def test_elsewhere_a_flush_waits_in_vain_a_few_times_only() -> None:
    """A command that prints a thousand warnings ends although nobody reads them."""
    with nobody_reads() as (stream, _):
        began = time.monotonic()
        for _ in range(1000):
            print("x", file=stream, flush=True)
        assert time.monotonic() - began < LONG / 2


def test_the_end_is_bounded_and_what_comes_after_it_still_tries() -> None:
    """What the interpreter has to say once threads are gone is written where nobody has to wait."""
    with nobody_reads() as (stream, _):
        stream.write("waits\n")
        began = time.monotonic()
        stream.finish(0.1)
        assert time.monotonic() - began < LONG / 5
        stream.write("more\n")
        stream.flush()
        assert stream.lines_dropped == 1
    with over_a_pipe() as (stream, reader):
        stream.write("first\n")
        stream.finish(LONG)
        stream.write("after the end\n")
        assert lines_of(read_what_is_there(reader)) == ["first", "after the end"]


def test_without_threads_it_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without threads left (EAGAIN) still says what is wrong with it."""

    def none_left(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with over_a_pipe() as (stream, reader):
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", none_left)
            stream.write("no threads\n")
            assert read_what_is_there(reader) == b"no threads\n"
        stream.write("threads again\n")
        assert stream.drain(LONG)
        assert read_what_is_there(reader) == b"threads again\n"


@settings(max_examples=40, deadline=None)
@given(
    st.one_of(
        st.lists(st.one_of(LINE, st.none()), max_size=60),
        st.lists(st.one_of(st.text(max_size=40), LINE, st.none()), max_size=60),
    ),
    st.integers(1, 8),
)
def test_every_line_is_either_there_or_counted(pieces: list[str | None], bound: int) -> None:
    """Whatever is written in whatever pieces, read at whatever moments (None)."""
    with nobody_reads(max_writes=bound) as (stream, reader):
        written = 0
        read = b""
        for piece in (*pieces, "\n"):
            if piece is None:
                read += read_what_is_there(reader)
                assert stream.drain(LONG)
            else:
                written += piece.count("\n")
                assert stream.write(piece) == len(piece)
        while not stream.drain(0.02):
            read += read_what_is_there(reader)
        until(lambda: stream._dropped_last == 0)
        assert stream.drain(LONG)
        read = (read + read_what_is_there(reader))[PAGE:]
    losses = re.findall(rb"mtls-probe: (\d+) lines? dropped, stderr took no more\n", read)
    assert sum(map(int, losses)) == stream.lines_dropped
    if all(piece is None or piece.endswith("\n") for piece in pieces):
        assert read.count(b"\n") - len(losses) + stream.lines_dropped == written


def test_it_is_a_text_stream_as_others_are() -> None:
    """Click, logging and warnings ask these of a stream; none of them closes it."""
    with over_a_pipe() as (stream, reader):
        assert isinstance(stream, io.TextIOBase)
        assert stream.writable()
        assert not stream.readable()
        assert not stream.isatty()
        with pytest.raises(TypeError):
            stream.write(b"bytes")  # type: ignore[arg-type]  # what it must not take
        click.echo("by click", file=stream)
        assert stream.drain(LONG)
        assert read_what_is_there(reader) == b"by click\n"
        stream.close()
        assert not stream.closed
        assert (stream.encoding, stream.errors) == ("utf-8", "backslashreplace")
