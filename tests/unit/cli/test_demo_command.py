"""`mtls-probe demo`, once and until somebody ends it."""

import asyncio
import signal
from pathlib import Path

import pytest

from probe.demo.scenarios import SCENARIOS
from tests.support.command_line import (
    Ended,
    finish,
    run_probe,
    start_probe,
)

pytestmark = pytest.mark.slow


async def test_demo_once_finds_every_cause() -> None:
    """One round over the demo's backends: exit 0, and each cause is in the table."""
    ended = await run_probe("demo", "--once")
    assert (ended.code, ended.err) == (0, "")
    for scenario in SCENARIOS:
        assert scenario.name in ended.out
        assert (scenario.expected or "confirmed") in ended.out
    # The fixes name files: whoever copies one should know that they were the demo's.
    said = ended.out.splitlines()[-1]
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
