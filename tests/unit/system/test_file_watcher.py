"""Files are watched by directory and by fingerprint: every kind of change is seen, and only that."""

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from probe.system.directory_watcher import DirectoryWatcher, map_watched_places
from probe.system.file_watcher import QUICK, SLOW, watch_files
from tests.support.watched_files import Seen, refused, silent, watching

pytestmark = pytest.mark.slow


def count_descriptors() -> int:
    """Count what this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def secret(folder: Path) -> Path:
    """Lay out a Secret volume as the kubelet does; return the file that people name."""
    (folder / "..1").mkdir(parents=True)
    (folder / "..1" / "tls.crt").write_text("one")
    (folder / "..data").symlink_to("..1")
    (folder / "tls.crt").symlink_to("..data/tls.crt")
    return folder / "tls.crt"


def swap(folder: Path, number: int) -> None:
    """Bring the next generation of a Secret volume, as the kubelet does."""
    (folder / f"..{number}").mkdir()
    (folder / f"..{number}" / "tls.crt").write_text(f"generation {number}")
    (folder / "..tmp").symlink_to(f"..{number}")
    (folder / "..tmp").rename(folder / "..data")


def rewrite(folder: Path) -> tuple[Path, Callable[[], object]]:
    """The file is written in its place."""
    file = folder / "tls.crt"
    file.write_text("one")
    return file, lambda: file.write_text("two")


def rename(folder: Path) -> tuple[Path, Callable[[], object]]:
    """Another file takes its name."""
    file = folder / "tls.crt"
    file.write_text("one")
    (folder / "new").write_text("two")
    return file, lambda: (folder / "new").rename(file)


def data_swap(folder: Path) -> tuple[Path, Callable[[], object]]:
    """The kubelet swaps `..data`."""
    return secret(folder), lambda: swap(folder, 2)


def through_the_link(folder: Path) -> tuple[Path, Callable[[], object]]:
    """The same, and people name the file by `..data` itself."""
    secret(folder)
    return folder / "..data" / "tls.crt", lambda: swap(folder, 2)


def far_off(folder: Path) -> tuple[Path, Callable[[], object]]:
    """The file is a link, and what it leads to is written elsewhere."""
    there = folder / "there"
    there.mkdir()
    (there / "real.crt").write_text("one")
    file = folder / "tls.crt"
    file.symlink_to("there/real.crt")
    return file, lambda: (there / "real.crt").write_text("two")


def comes(folder: Path) -> tuple[Path, Callable[[], object]]:
    """The file was not there."""
    return folder / "tls.crt", lambda: (folder / "tls.crt").write_text("one")


def goes(folder: Path) -> tuple[Path, Callable[[], object]]:
    """The file is deleted."""
    file = folder / "tls.crt"
    file.write_text("one")
    return file, file.unlink


KINDS = (rewrite, rename, data_swap, through_the_link, far_off, comes, goes)
Kind = Callable[[Path], tuple[Path, Callable[[], object]]]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
async def test_a_change_is_reported_at_once(tmp_path: Path, kind: Kind) -> None:
    """By the directory: long before the slow poll."""
    path, change = kind(tmp_path)
    async with watching(path) as seen:
        began = monotonic()
        change()
        assert await seen.next(within=SLOW) == {str(path)}
        assert monotonic() - began < 0.45
        await seen.nothing(0.3)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
async def test_where_nothing_can_be_watched_the_quick_poll_sees_it(
    tmp_path: Path, kind: Kind
) -> None:
    """The system has no watch left, and says so."""
    path, change = kind(tmp_path)
    async with watching(path, notifications=refused) as seen:
        change()
        assert await seen.next(within=2 * QUICK + 0.3) == {str(path)}


async def test_what_the_watch_misses_the_slow_poll_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network file system takes watches and tells nothing."""
    monkeypatch.setattr("probe.system.file_watcher.SLOW", 1.0)
    path, change = rewrite(tmp_path)
    async with watching(path, notifications=silent) as seen:
        change()
        assert await seen.next(within=2.0) == {str(path)}


async def test_what_others_do_in_the_directory_is_nothing(tmp_path: Path) -> None:
    """A log next to the certificate causes neither a call nor a read of the files."""
    path, _ = rewrite(tmp_path)
    looks = 0

    def named() -> list[str]:
        nonlocal looks
        looks += 1
        return [str(path)]

    async with watching(named=named) as seen:
        before = looks
        for number in range(40):
            (tmp_path / "app.log").write_text(str(number))
            await asyncio.sleep(0.02)
        assert seen.reported == []
        assert looks - before <= 1


async def test_a_touch_that_changes_nothing_else_is_a_change(tmp_path: Path) -> None:
    """The fingerprint decides, and its times are part of it: reading once more costs little."""
    path, _ = rewrite(tmp_path)
    async with watching(path) as seen:
        os.utime(path, (1, 1))
        assert await seen.next(within=1.0) == {str(path)}


async def test_a_directory_that_is_made_again_is_watched_again(tmp_path: Path) -> None:
    """A volume that was mounted anew, an installer that removes first."""
    folder = tmp_path / "etc"
    folder.mkdir()
    path, _ = rewrite(folder)
    async with watching(path) as seen:
        path.unlink()
        folder.rmdir()
        assert await seen.next(within=2.0) == {str(path)}
        folder.mkdir()
        path.write_text("again")
        assert await seen.next(within=2.0) == {str(path)}
        await asyncio.sleep(2 * QUICK + 0.2)
        began = monotonic()
        path.write_text("and again")
        assert await seen.next(within=2.0) == {str(path)}
        assert monotonic() - began < 0.45


async def test_a_directory_that_is_not_there_yet(tmp_path: Path) -> None:
    """It cannot be watched; the quick poll waits for it."""
    path = tmp_path / "later" / "tls.crt"
    async with watching(path) as seen:
        path.parent.mkdir()
        path.write_text("one")
        assert await seen.next(within=2 * QUICK + 0.5) == {str(path)}


async def test_one_directory_that_is_missing_holds_nobody_up(tmp_path: Path) -> None:
    """Beside thousands of files that are watched, those that cannot be are looked at quickly."""
    many = [tmp_path / str(number) for number in range(5_000)]
    for path in many:
        path.touch()
    late = tmp_path / "later" / "tls.crt"
    async with watching(*many, late) as seen:
        await asyncio.sleep(1.0)
        late.parent.mkdir()
        late.write_text("one")
        assert await seen.next(within=2 * QUICK + 0.5) == {str(late)}
        many[0].write_text("one")
        assert await seen.next(within=1.0) == {str(many[0])}


async def test_an_entry_that_comes_into_a_directory_is_reported_at_once(tmp_path: Path) -> None:
    """A path with "/" at its end is a directory: patterns name files that are not there yet."""
    folder = tmp_path / "groups"
    folder.mkdir()
    async with watching(f"{folder}/") as seen:
        began = monotonic()
        (folder / "new.json").write_text("[]")
        assert await seen.next(within=SLOW) == {f"{folder}/"}
        assert monotonic() - began < 0.45
        (folder / "new.json").write_text("[ ]")
        await seen.nothing(0.3)


async def test_two_names_of_one_directory(tmp_path: Path) -> None:
    """The kernel reports an inode by one of its names: the file counts under both."""
    folder, other = tmp_path / "run", tmp_path / "var_run"
    folder.mkdir()
    other.symlink_to(folder)
    (folder / "a").write_text("one")
    (folder / "b").write_text("one")
    by_one, by_other = folder / "a", other / "b"
    async with watching(by_one, by_other) as seen:
        for path in (by_one, by_other, by_one):
            began = monotonic()
            path.write_text(f"{began}")
            assert await seen.next(within=SLOW) == {str(path)}
            assert monotonic() - began < 0.45


async def test_a_path_that_is_named_by_the_change_is_seen_from_then_on(tmp_path: Path) -> None:
    """A configuration that is read anew names a file, which comes right after."""
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("one")
    named = [str(first)]
    seen = Seen()

    async def changed(paths: frozenset[str]) -> None:
        if len(named) == 1:
            named.append(str(second))
            asyncio.get_running_loop().call_soon(second.write_text, "there")
        await seen.changed(paths)

    task = asyncio.create_task(watch_files(lambda: list(named), changed))
    await asyncio.sleep(0.4)
    first.write_text("two")
    assert await seen.next(within=1.0) == {str(first)}
    assert await seen.next(within=2.0) == {str(second)}
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_look_can_be_asked_for(tmp_path: Path) -> None:
    """Files that others name from now on are watched at once."""
    other = tmp_path / "other"
    other.mkdir()
    first, second = tmp_path / "a", other / "b"
    first.write_text("one")
    second.write_text("one")
    named = [str(first)]
    seen, directories = Seen(), DirectoryWatcher()
    task = asyncio.create_task(
        watch_files(lambda: list(named), seen.changed, directories=directories)
    )
    await asyncio.sleep(QUICK + 0.3)
    named.append(str(second))
    directories.report_everything()
    await asyncio.sleep(0.4)
    second.write_text("two")
    assert await seen.next(within=0.6) == {str(second)}
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_watches_need_no_thread_and_leave_no_descriptor(tmp_path: Path) -> None:
    """The event loop reads the notifications; a watch that ends gives its descriptor back."""
    path, _ = rewrite(tmp_path)
    threads, descriptors = threading.active_count(), count_descriptors()
    async with watching(path):
        assert threading.active_count() == threads
        assert count_descriptors() == descriptors + 1
    assert count_descriptors() == descriptors


def test_the_places_of_a_secret_volume(tmp_path: Path) -> None:
    """The name itself, the links on the way, and the file in the end."""
    path = secret(tmp_path)
    base = str(tmp_path.resolve())
    assert {f"{base}/tls.crt", f"{base}/..data", f"{base}/..1/tls.crt"} <= map_watched_places(
        [str(Path(base) / path.name)]
    ).keys()


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    """A link that leads nowhere is watched too: it may be fixed."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert {str(tmp_path / "a"), str(tmp_path / "b")} <= map_watched_places(
        [str(tmp_path / "a")]
    ).keys()
