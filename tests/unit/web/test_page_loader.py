"""What the first page of its kind needs: loaded once, and aside from the event loop."""

import json
import subprocess
import sys
import threading

import pytest

from probe.web import page_loader
from probe.web.page_loader import PageLoader
from tests.support.command_line import ROOT

LONGEST = 0.02
"""Seconds of CPU for which the loop may be held."""

FIRST_PAGES = """
import asyncio, json, sys, time
from tests.support.web_fleet import Fleet, refused
from tests.unit.service.test_fairness import Held

async def main():
    fleet = Fleet("a", "b")
    fleet.record("a", refused())
    found = {}
    async with fleet.serve() as client:
        async with client.get("/-/healthy") as response:
            await response.read()
        assert "jinja2" not in sys.modules
        for path in ("/api/v1/targets", "/", "/targets/a", "/causes", "/forecast"):
            held = Held()
            async with held.watching(), client.get(path) as response:
                assert response.status == 200, path
                await response.read()
            found[path] = held.longest
    assert "jinja2" in sys.modules
    print(json.dumps(found))

asyncio.run(main())
"""


@pytest.mark.serial
@pytest.mark.slow
def test_the_first_page_of_a_process_does_not_hold_the_loop() -> None:
    """Imports and templates, tens of milliseconds of each kind, are a thread's; at the best of three."""
    runs = []
    for _ in range(3):
        command = [sys.executable, "-c", FIRST_PAGES]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout))
    longest = {path: min(run[path] for run in runs) for path in runs[0]}
    assert {path: took for path, took in longest.items() if took > LONGEST} == {}


async def test_each_is_loaded_once_and_on_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was loaded before costs nothing; what could not be is tried again."""
    seen: list[tuple[str, bool]] = []

    def load(module: str, _: tuple[str, ...]) -> None:
        seen.append((module, threading.current_thread() is threading.main_thread()))
        if module == "broken":
            raise ImportError(module)

    monkeypatch.setattr(page_loader, "_load", load)
    loader = PageLoader()
    for _ in range(2):
        await loader.load("json", "a.html")
        with pytest.raises(ImportError):
            await loader.load("broken")
    assert seen == [("json", False), ("broken", False), ("broken", False)]
