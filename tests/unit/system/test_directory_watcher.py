"""The thread that watches directories ends with its watcher, before Python does."""

import threading
from pathlib import Path

from probe.system.directory_watcher import THREAD_NAME, DirectoryWatcher, join_watching_threads


def _list_watching() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == THREAD_NAME]


async def test_a_stopped_watcher_leaves_no_thread(tmp_path: Path) -> None:
    """Native code that runs when Python exits would abort the process."""
    others = _list_watching()
    watcher = DirectoryWatcher()
    assert watcher.watch_places([str(tmp_path / "file")])
    assert len(_list_watching()) == len(others) + 1

    watcher.stop()
    join_watching_threads()

    assert set(_list_watching()) <= set(others)
