"""What wakes a watch of directories, and what does not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from probe.system.directory_watcher import EVERYTHING, DirectoryWatcher, map_watched_places


@asynccontextmanager
async def watching(*paths: str) -> AsyncIterator[DirectoryWatcher]:
    """Watch `paths`, the directories of all of which are there."""
    watcher, places = DirectoryWatcher(), map_watched_places(paths)
    assert await watcher.watch_places(places)
    assert not await watcher.watch_places(places)
    try:
        yield watcher
    finally:
        watcher.stop()


async def test_only_what_is_watched_wakes(tmp_path: Path) -> None:
    """Another file of the directory does not, and the watched one does."""
    file = tmp_path / "tls.crt"
    async with watching(str(file)) as watcher:
        (tmp_path / "other").write_text("one")
        assert not await watcher.wait_for_changes(0.1)
        file.write_text("one")
        assert await watcher.wait_for_changes(1.0)
        assert watcher.take_changes() == {str(file)}
        assert not await watcher.wait_for_changes(0.1)


async def test_a_directory_that_goes_is_a_change_of_everything(tmp_path: Path) -> None:
    """Nothing in it is watched any more, under whatever name it may come back."""
    folder = tmp_path / "etc"
    folder.mkdir()
    async with watching(str(folder / "tls.crt")) as watcher:
        assert not watcher.find_unwatched({str(folder / "tls.crt"): ["file"]})
        folder.rename(tmp_path / "away")
        assert await watcher.wait_for_changes(1.0)
        assert EVERYTHING in watcher.take_changes()


async def test_what_cannot_be_watched_is_named(tmp_path: Path) -> None:
    """A directory that is not there, next to one that is."""
    here, there = str(tmp_path / "a"), str(tmp_path / "not there" / "b")
    async with watching(here, there) as watcher:
        assert watcher.find_unwatched({here: [here], there: [there]}) == {there}
