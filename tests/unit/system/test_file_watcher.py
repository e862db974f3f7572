"""Files are watched by directory and by fingerprint: every kind of change is seen, and only that."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest
from watchfiles import watch as notifications

from probe.system.directory_watcher import map_watched_places
from probe.system.file_watcher import QUICK, SLOW, watch_files
from probe.system.own_limits import lacks_threads
from tests.support.command_line import ROOT
from tests.support.watched_files import Seen, refused, silent, watching

pytestmark = pytest.mark.slow


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


async def test_where_no_thread_can_be_had_the_quick_poll_sees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit of processes is reached: the watch goes on without its thread."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    path, change = rewrite(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        async with watching(path) as seen:
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


async def test_another_version_brings_a_look(tmp_path: Path) -> None:
    """Files that others name from now on are watched within the quick poll's time."""
    other = tmp_path / "other"
    other.mkdir()
    first, second = tmp_path / "a", other / "b"
    first.write_text("one")
    second.write_text("one")
    named = [str(first)]
    seen = Seen()
    task = asyncio.create_task(
        watch_files(lambda: list(named), seen.changed, version=lambda: len(named))
    )
    await asyncio.sleep(0.4)
    named.append(str(second))
    await asyncio.sleep(QUICK + 0.3)
    second.write_text("two")
    assert await seen.next(within=0.6) == {str(second)}
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_end_leaves_no_thread_behind(tmp_path: Path) -> None:
    """Each watch has one; a service that stops is not held up by it."""
    path, _ = rewrite(tmp_path)
    async with watching(path):
        assert "directories" in {thread.name for thread in threading.enumerate()}
        began = monotonic()
    assert monotonic() - began < 0.2
    await asyncio.sleep(0.3)
    assert "directories" not in {thread.name for thread in threading.enumerate()}


def test_the_real_limit_of_the_system_is_an_error_that_is_expected(tmp_path: Path) -> None:
    """What watchfiles raises where a directory cannot be watched is what is caught here."""
    with pytest.raises(OSError, match=r"."):
        next(notifications(tmp_path / "not there", recursive=False))


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


WATCHES_WITHOUT_MEMORY = """
import asyncio, pathlib, resource, sys
import watchfiles
from probe.system.file_watcher import watch_files

async def main():
    file, room = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    file.write_text("1")
    seen = asyncio.Event()
    async def changed(paths):
        seen.set()
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + room
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    task = asyncio.create_task(watch_files(lambda: [str(file)], changed))
    await asyncio.sleep(1.2)
    file.write_text("22")
    await asyncio.wait_for(seen.wait(), 8)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("room", [2, 9, 12, 30])
def test_a_watch_that_gets_no_thread_of_its_own_ends_nothing(tmp_path: Path, room: int) -> None:
    """With memory for too few stacks the process lives on, and sees what changes.

    notify, below watchfiles, would abort it: its watcher takes the lack of a thread for a bug.
    """
    command = [
        sys.executable,
        "-c",
        WATCHES_WITHOUT_MEMORY,
        str(tmp_path / "file"),
        str(room << 20),
    ]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False
    )

    assert ended.returncode == 0, ended.stderr[-2000:]


def test_a_thread_that_can_be_had_is_no_lack() -> None:
    """Where nothing is limited there are threads."""
    assert not lacks_threads(4)
