"""Files of a process that change are noticed, without a watch on the host's directories."""

import asyncio
import os
from pathlib import Path

from probe.surroundings.view_watcher import WatchedView, watch_views
from tests.support.processes import describe_process


async def test_a_change_is_noticed_once(tmp_path: Path) -> None:
    """A file that is replaced, and one that comes; a name that is new has not changed."""
    process = describe_process(os.getpid())
    file = tmp_path / "file"
    file.write_text("a")
    ended = describe_process(os.getpid(), start_ticks=1)
    listed = [WatchedView("a", process, (str(file),)), WatchedView("c", ended, (str(file),))]
    seen: list[set[str]] = []
    noticed = asyncio.Event()

    async def take(views: frozenset[WatchedView]) -> None:
        seen.append({view.name for view in views})
        noticed.set()

    task = asyncio.create_task(watch_views(lambda: tuple(listed), take, every=0.02))
    await asyncio.sleep(0.1)
    listed.append(WatchedView("b", process, (str(tmp_path / "absent"),)))
    await asyncio.sleep(0.1)
    assert seen == []

    file.write_text("bb")
    await asyncio.wait_for(noticed.wait(), 5)
    noticed.clear()
    (tmp_path / "absent").write_text("c")
    await asyncio.wait_for(noticed.wait(), 5)
    task.cancel()

    assert seen == [{"a"}, {"b"}]
