"""Standard output and error: a terminal, a reader who leaves, a full disk, a closed stream."""

import asyncio
import os
from functools import partial
from pathlib import Path

import pytest

from tests.support.command_line import (
    NOWHERE,
    finish,
    run_probe,
    start_probe,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("output", ["table", "jsonl"])
async def test_a_reader_who_leaves_changes_nothing(output: str) -> None:
    """`mtls-probe check … | head`: no complaint, and the exit code is still the check's."""
    read_end, write_end = os.pipe()
    endpoints = [f"127.0.0.1:{port}" for port in range(1, 40)]
    process = await start_probe("check", *endpoints, "--output", output, stdout=write_end)
    os.close(write_end)
    os.close(read_end)
    ended = await finish(process)
    assert (ended.code, ended.err) == (1, "")


@pytest.mark.parametrize("output", ["table", "json"])
async def test_a_full_disk_is_3(output: str) -> None:
    """What cannot be written is the machine's fault, not a target's."""
    with Path("/dev/full").open("wb") as full:
        ended = await run_probe("check", NOWHERE, "--output", output, stdout=full)
    assert (ended.code, ended.err) == (3, "mtls-probe: No space left on device\n")


async def test_a_closed_stream_is_no_obstacle() -> None:
    """A standard stream that the caller closed: the check goes on without it."""
    each = [
        await run_probe("check", NOWHERE, preexec_fn=partial(os.close, closed))
        for closed in (0, 1, 2)
    ]
    assert [ended.code for ended in each] == [1, 1, 1]
    assert ["tcp_refused" in ended.out for ended in each] == [True, False, True]


async def on_a_terminal(env: dict[str, str], *options: str) -> tuple[int, str]:
    """Run a check whose stdout and stderr are a terminal; return its code and what it showed."""
    ours, theirs = os.openpty()
    try:
        arguments = ("check", NOWHERE, *options)
        process = await start_probe(*arguments, env=env, stdout=theirs, stderr=theirs)
        os.close(theirs)
        shown = b""
        reading = asyncio.get_running_loop().run_in_executor
        while True:
            try:
                chunk = await reading(None, os.read, ours, 65536)
            except OSError:  # EIO: the other end is closed (pty(7))
                break
            shown += chunk
        return await process.wait(), shown.decode()
    finally:
        os.close(ours)


async def test_a_terminal_gets_colour_and_progress() -> None:
    """On a terminal the outcome is coloured, and progress is shown while it lasts, then erased."""
    code, shown = await on_a_terminal({"TERM": "xterm-256color"})
    assert code == 1
    assert "\x1b[31mfailed" in shown
    assert shown.startswith("\r\x1b[K0 of 1 tried\r\x1b[K1 of 1 tried, 1 not as expected: ")
    assert shown.split("\r")[3].startswith("\x1b[K")


async def test_a_terminal_sees_what_a_wait_is_waiting_for() -> None:
    """After how many attempts which target still is not as expected."""
    _, shown = await on_a_terminal({"TERM": "xterm-256color"}, "--wait", "1500ms")
    assert f"\r\x1b[K1 of 1 tried, 2 attempts, 1 not as expected: {NOWHERE}" in shown


async def test_quiet_shows_no_progress() -> None:
    """The first thing on the terminal is the table."""
    code, shown = await on_a_terminal({"TERM": "xterm-256color"}, "--quiet")
    assert code == 1
    assert "tried" not in shown.splitlines()[0]
    assert "TARGET" in shown.splitlines()[0]


async def test_no_color_is_honoured() -> None:
    """NO_COLOR leaves no colour on a terminal either."""
    code, shown = await on_a_terminal({"TERM": "xterm-256color", "NO_COLOR": "1"})
    assert code == 1
    assert "failed" in shown
    for colour in range(30, 50):
        assert f"\x1b[{colour}m" not in shown
