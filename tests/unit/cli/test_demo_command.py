"""`mtls-probe demo`, once and until somebody ends it."""

import asyncio
import shlex
import signal
import sys
from pathlib import Path

import pytest

from probe.demo.scenarios import SCENARIOS
from tests.support.command_line import (
    Ended,
    environment,
    finish,
    run_probe,
    start_probe,
)
from tests.support.terminal import type_command

pytestmark = pytest.mark.slow


async def test_demo_once_finds_every_cause() -> None:
    """One round over the demo's backends: exit 0, and each cause is in the table."""
    ended = await run_probe("demo", "--once")
    assert (ended.code, ended.err) == (0, "")
    for scenario in SCENARIOS:
        assert scenario.name in ended.out
        assert (scenario.expected or "confirmed") in ended.out
    # The fixes name files: whoever copies one should know that they were the demo's, and what stays.
    said = ended.out.splitlines()[-1]
    assert "demo, without --once, keeps backends and files until Ctrl-C" in said
    folder = said.removeprefix("The certificates in ").partition(" ")[0]
    assert f"{folder}/" in ended.out
    assert not Path(folder).exists()
    # A first reader sees failures and exit code 0, and should know why.
    faulty = sum(scenario.expected is not None for scenario in SCENARIOS)
    assert f"{faulty} of {len(SCENARIOS)} targets are not as expected" in ended.out
    assert said.endswith(f"The probe found the fault of each of the {faulty} backends.")
    first = ended.out.splitlines()[0]
    assert first.startswith(f"{faulty} of these {len(SCENARIOS)} targets fail on purpose: ")


async def until_served(process: asyncio.subprocess.Process) -> str:
    """Wait until the demo names its status page."""
    assert process.stderr is not None
    async with asyncio.timeout(20):
        while line := await process.stderr.readline():
            if line.startswith(b"status page: "):
                return line.decode().split()[2]
    raise AssertionError("the demo ended")


async def read_further_commands(process: asyncio.subprocess.Process) -> list[str]:
    """Return what the demo prints to go on with, below its status page: the indented lines."""
    assert process.stderr is not None
    lines: list[str] = []
    async with asyncio.timeout(20):
        while not (line := (await process.stderr.readline()).decode()).startswith("Ctrl-C stops"):
            lines += [line.strip()] if line.startswith("  ") else []
    return lines


async def test_what_it_prints_to_go_on_works_while_it_runs(tmp_path: Path) -> None:
    """Each command, pasted into a shell: as the demo says, one is taken and one refused."""
    process = await start_probe("demo", "--listen", "127.0.0.1:0", env={"TMPDIR": str(tmp_path)})
    try:
        await until_served(process)
        enter, *commands = await read_further_commands(process)
        said = {}
        for command in commands:
            typed = await asyncio.create_subprocess_shell(
                f"{enter}\n{command}",
                env=environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
            out, _ = await asyncio.wait_for(typed.communicate(), 30)
            said[command] = (typed.returncode, out.decode())
        (folder,) = tmp_path.glob("mtls-probe-demo-*")
        assert enter == f"cd {folder}"
    finally:
        process.send_signal(signal.SIGINT)
    good, refused, ahead, damaged, cause, both = said.values()
    assert (good[0], "confirmed" in good[1]) == (0, True), good
    assert (refused[0], "client_cert_not_sent" in refused[1]) == (1, True), refused
    assert (ahead[0], "the client certificate in healthy-grpc/tls.crt" in ahead[1]) == (1, True), (
        ahead
    )
    assert (damaged[0], "it is truncated" in damaged[1]) == (1, True), damaged
    assert (cause[0], "client_ca_untrusted" in cause[1]) == (0, True), cause
    assert (both[0], "ClientHello" in both[1], "1 of 1 expected good" in both[1]) == (
        0,
        True,
        True,
    ), both
    ended = await finish(process)
    assert f"The demo's backends are stopped, and {folder} is removed." in ended.err
    assert not folder.exists()


def test_a_person_reads_the_next_commands_last(tmp_path: Path) -> None:
    """On a terminal no log pushes them away: the table has just said what it would say."""
    probe = Path(sys.executable).with_name("mtls-probe")
    demo = f"timeout --signal INT 6 {shlex.quote(str(probe))} demo --listen 127.0.0.1:0"
    _, said = type_command(demo, tmp_path)
    assert "target_outcome_changed" not in said
    after = said.partition("status page: ")[2]
    # As it has to be typed from any folder, where it is not on the path.
    assert f"\n  {probe} explain client_ca_untrusted\r" in after


async def test_ctrl_c_ends_the_demo_and_leaves_nothing(tmp_path: Path) -> None:
    """The demo serves its page until Ctrl-C; its throwaway keys are gone afterwards."""
    process = await start_probe("demo", "--listen", "127.0.0.1:0", env={"TMPDIR": str(tmp_path)})
    page = await until_served(process)
    assert page.startswith("http://127.0.0.1:")
    assert list(tmp_path.iterdir())
    process.send_signal(signal.SIGINT)
    ended: Ended = await finish(process)
    assert ended.code == 0
    assert list(tmp_path.iterdir()) == []
