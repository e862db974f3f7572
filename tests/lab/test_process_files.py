"""An exporter of another user, in another root: which files it may read, by its own account.

A process tries to read files of every mode, owner, group, ACL and link, and says what it got; the
probe's view of the same process must get the same, whether the kernel judges for it or it judges by
itself.
"""

import asyncio
import ctypes
import errno
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from probe.diagnosis.diagnose import diagnose
from probe.model.surroundings import RunningProcess
from probe.model.target import Source
from probe.surroundings import process_files
from probe.surroundings.access_rights import JudgedRights
from probe.surroundings.file_view import IrregularFileError
from probe.surroundings.process_files import ProcessFiles
from tests.support.attempts import end, prober, target
from tests.support.loopback_client import SERVER_CA, backends
from tests.support.namespaces import require_namespaces
from tests.support.processes import describe_process
from tests.support.required_tools import missing

pytestmark = pytest.mark.slow

CODE: Final = """
import ctypes, json, os, sys, time
wanted = json.loads(sys.argv[1])
if wanted["namespace"]:
    assert ctypes.CDLL(None).unshare(0x10000000) == 0
    print("unshared", flush=True)
    sys.stdin.readline()
if wanted["root"]:
    os.chroot(wanted["root"])
    os.chdir("/")
uid, gid, groups = wanted["user"]
os.setgroups(groups)
os.setresgid(gid, gid, gid)
os.setresuid(uid, uid, uid)
found = {}
for path in wanted["paths"]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        found[path] = os.read(descriptor, 100).decode()
    except OSError as error:
        found[path] = error.errno
print(json.dumps(found), flush=True)
time.sleep(60)
"""
OUTER: Final = 100_000
"""What user 0 of a user namespace is outside of it."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory that every user may enter."""
    require_namespaces()
    made = Path(tempfile.mkdtemp(prefix="mtls-probe-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def write_file(path: Path, uid: int, gid: int, mode: int) -> str:
    """Write a file with its own path as its content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(path.name)
    os.chown(path, uid, gid)
    path.chmod(mode)
    return str(path)


def set_acl(path: str, *entries: tuple[int, int, int]) -> None:
    """Set a POSIX ACL: each entry is tag, permissions and id (struct posix_acl_xattr_entry)."""
    raw = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *one) for one in sorted(entries))
    os.setxattr(path, "system.posix_acl_access", raw)


def write_tree(folder: Path) -> list[str]:
    """Write files of every kind; return their paths, and paths to what is not there."""
    paths = [
        write_file(folder / f"{uid}-{gid}-{mode:o}", uid, gid, mode)
        for uid in (0, 1000, OUTER, OUTER + 7)
        for gid in (0, 1000, 2000, OUTER + 7)
        for mode in (0o600, 0o640, 0o604, 0o040, 0o004, 0o000)
    ]
    none = 0xFFFFFFFF
    for name, named, mask in (("user", (2, 4, 1000), 4), ("masked", (2, 4, 1000), 0),
                              ("group", (8, 4, 2000), 4), ("denied", (2, 0, 1000), 4)):  # fmt: skip
        path = write_file(folder / f"acl-{name}", 0, 0, 0o604)
        set_acl(path, (1, 6, none), named, (4, 0, none), (16, mask, none), (32, 4, none))
        paths.append(path)
    paths.append(write_file(folder / "closed" / "inner", 1000, 1000, 0o644))
    (folder / "closed").chmod(0o700)
    paths.append(write_file(folder / "group" / "inner", 0, 0, 0o644))
    os.chown(folder / "group", 0, 2000)
    (folder / "group").chmod(0o710)
    for name, to in (("absolute", f"{folder}/0-0-604"), ("up", f"../../../..{folder}/0-0-604"),
                     ("dangling", "nowhere"), ("loop", "loop"), ("through", "0-0-604/inner"),
                     ("passwd", "/etc/passwd"), ("into", "closed/inner")):  # fmt: skip
        (folder / name).symlink_to(to)
        paths.append(str(folder / name))
    return [*paths, f"{folder}/absent", f"{folder}/no/such", f"{folder}/0-0-604/x", "/etc/passwd"]


@contextmanager
def answering_process(
    paths: list[str],
    *options: str,
    user: tuple[int, int, list[int]] = (1000, 1000, []),
    root: str = "",
    namespace: bool = False,
) -> Iterator[tuple[RunningProcess, dict[str, str | int]]]:
    """Start a process that tries to read `paths`; yield it, and what it got.

    Args:
        paths: what to read.
        options: of setpriv, where there are any.
        user: whose ids it takes.
        root: its own root.
        namespace: whether it has a user namespace, where it is user 0.
    """
    wanted = {"paths": paths, "user": user, "root": root, "namespace": namespace}
    command = [sys.executable, "-c", CODE, json.dumps(wanted)]
    if options:
        command = ["setpriv", *options, *command]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            if namespace:
                assert process.stdout.readline() == b"unshared\n"
                for name in ("uid_map", "gid_map"):
                    Path(f"/proc/{process.pid}/{name}").write_text(f"0 {OUTER} 1000\n")
                process.stdin.write(b"\n")
                process.stdin.flush()
            found = json.loads(process.stdout.readline())
            yield describe_process(process.pid), found
        finally:
            process.kill()


def read_all(process: RunningProcess, paths: list[str]) -> dict[str, str | int]:
    """Return what the probe's view of the process gets."""
    files = ProcessFiles(process)
    found: dict[str, str | int] = {}
    for path in paths:
        try:
            found[path] = files.read(path, 100).decode()
        except OSError as error:
            found[path] = error.errno or -1
    return found


@pytest.mark.parametrize("judged", [False, True], ids=["kernel", "own judgement"])
@pytest.mark.parametrize(
    ("options", "process"),
    [
        ((), {"user": (1000, 1000, [])}),
        ((), {"user": (1000, 1000, [2000, 3000])}),
        ((), {"user": (4000, 2000, [])}),
        ((), {"user": (0, 0, [])}),
        (("--bounding-set", "-dac_override,-dac_read_search"), {"user": (0, 0, [])}),
        (("--bounding-set", "-dac_override,-dac_read_search"), {"user": (0, 0, [2000])}),
        ((), {"user": (0, 0, []), "namespace": True}),
        ((), {"user": (7, 7, []), "namespace": True}),
    ],
    ids=["user", "groups", "group", "root", "bare root", "bare root in a group", "namespace",
         "user of a namespace"],
)  # fmt: skip
def test_the_view_gets_what_the_process_gets(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    process: dict[str, Any],
    judged: bool,
) -> None:
    """About 120 files, for users with and without groups, capabilities and a namespace of their own."""
    if judged:
        monkeypatch.setattr(process_files, "borrow_rights", JudgedRights)
    paths = write_tree(folder)
    with answering_process(paths, *options, **process) as (described, found):
        seen = read_all(described, paths)

    assert {path: (seen[path], found[path]) for path in paths if seen[path] != found[path]} == {}
    assert len(set(map(str, found.values()))) > 5


def test_links_do_not_lead_out_of_another_root(folder: Path) -> None:
    """An absolute link, and one that climbs, end at the process's own file of that name."""
    root = folder / "root"
    write_file(root / "etc" / "passwd", 0, 0, 0o644)
    write_file(root / "etc" / "secret", 0, 0, 0o644)
    (root / "absolute").symlink_to("/etc/passwd")
    (root / "climbing").symlink_to("../../../../../../etc/passwd")
    (root / "shadow").symlink_to("/etc/shadow")
    (root / "etc" / "parent").symlink_to("..")
    paths = ["/absolute", "/climbing", "/shadow", "/../../etc/passwd", "/etc/parent/etc/secret",
             "etc/secret", str(folder)]  # fmt: skip
    with answering_process(paths, root=str(root)) as (described, found):
        seen = read_all(described, paths)

    assert seen == found
    assert seen["/absolute"] == seen["/climbing"] == "passwd"


def test_nobody_waits_for_what_is_not_a_file(folder: Path) -> None:
    """A FIFO, a device and a huge sparse file of the process's root hold nothing up."""
    os.mkfifo(folder / "fifo")
    os.mknod(folder / "device", 0o20666, os.makedev(1, 5))
    with (folder / "huge").open("wb") as huge:
        huge.truncate(1 << 40)
    with answering_process([]) as (described, _):
        files = ProcessFiles(described)
        for name in ("fifo", "device"):
            with pytest.raises(IrregularFileError):
                files.read(str(folder / name), 10)
        assert len(files.read(str(folder / "huge"), 1000)) == 1000


def test_the_probes_own_rights_never_change(folder: Path) -> None:
    """Its ids, groups and capabilities are the same in every thread after a thousand looks."""
    path = write_file(folder / "file", 1000, 1000, 0o600)

    def read_own() -> list[str]:
        return sorted(
            line
            for task in Path("/proc/self/task").iterdir()
            for line in (task / "status").read_text().splitlines()
            if line.startswith(("Uid", "Gid", "Groups", "CapEff"))
        )

    before = set(read_own())
    with answering_process([]) as (described, _):
        files = ProcessFiles(described)
        for _ in range(300):
            assert files.read(path, 10) == b"file"
            files.read_fingerprint(path)
    for _ in range(50):  # the last thread is ending
        if set(read_own()) == before:
            break
        time.sleep(0.02)
    assert set(read_own()) == before


async def test_a_key_that_only_root_reads_stops_the_exporter(folder: Path) -> None:
    """The fact has the exporter's user, the file's mode and owner; the probe itself could read it."""
    tried = target(folder, 9)
    key = Path(tried.tls.key_file or "")
    for file in (tried.tls.cert_file, tried.tls.ca_file):
        Path(file or "").chmod(0o644)
    key.chmod(0o600)
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    with answering_process([]) as (described, _):
        evidence = await prober().attempt(replace(tried, runs_in=described))
        key.rename(closed / "tls.key")
        settings = replace(tried.tls, key_file=str(closed / "tls.key"))
        hidden = await prober().attempt(replace(tried, runs_in=described, tls=settings))

    (fault,) = evidence.credentials.faults
    assert end(evidence) == ("load", "credentials")
    assert (fault.cause, fault.path) == ("client_file_permission", str(key))
    assert "its mode is 0600, its owner 0:0" in fault.fact
    assert f"process {described.pid} (python) runs as 1000:1000" in fault.fact
    assert "chgrp 1000" in fault.fix[0]
    assert "directory " + str(closed) in hidden.credentials.faults[0].fact


async def test_files_that_are_newer_than_the_process_are_not_what_it_has(folder: Path) -> None:
    """An SDK reads once: what was written after its start is known not to be in use."""
    async with backends() as start:
        backend = await start()
        tried = target(folder, backend.port)
        with answering_process([], user=(0, 0, [])) as (described, _):
            tried = replace(tried, runs_in=described, sources=(Source("sdk", "environment"),))
            before = diagnose(await prober().attempt(tried))
            later = described.started + 60
            os.utime(tried.tls.cert_file or "", (later, later))
            after = diagnose(await prober().attempt(tried))

    assert (before.outcome, after.outcome) == ("confirmed", "confirmed")
    assert before.findings == ()
    (finding,) = after.findings
    assert finding.cause == "exporter_not_reloading"
    assert f"1 minute after process {described.pid} (python) began" in finding.fact
    assert finding.fix[0].startswith("Restart the application")


async def test_the_roots_are_those_of_the_process(folder: Path) -> None:
    """Without a ca_file, the bundle below its root counts, and not this host's."""
    root = folder / "root"
    bundle = root / "etc" / "ssl" / "certs" / "ca-certificates.crt"
    write_file(bundle, 0, 0, 0o644)
    bundle.write_bytes(SERVER_CA.pem)
    async with backends() as start:
        backend = await start()
        with answering_process([], root=str(root), user=(0, 0, [])) as (described, _):
            tried = target(
                root, backend.port, ca_file=None, cert_file="/tls.crt", key_file="/tls.key"
            )
            own = await prober().attempt(tried)
            its = await prober().attempt(replace(tried, runs_in=described))
            named = replace(described, ssl_cert_file="/nowhere.pem", ssl_cert_dir="/nowhere")
            elsewhere = await prober().attempt(replace(tried, runs_in=named))

    assert end(its) == ("export", "answered")
    assert its.credentials.root == f"/proc/{described.pid}/root"
    assert f"begin with /proc/{described.pid}/root" in " ".join(diagnose(its).facts)
    assert end(elsewhere) == ("handshake", "unverified")
    assert end(own) == ("load", "credentials")


@contextmanager
def mounted_without_answers(folder: Path) -> Iterator[None]:
    """Mount a FUSE file system at `folder` that nobody serves: who looks there waits."""
    libc = ctypes.CDLL(None, use_errno=True)
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    if libc.mount(b"probe", str(folder).encode(), b"fuse", 0, options) < 0:
        os.close(device)
        missing("FUSE cannot be mounted here")
    try:
        yield
    finally:
        os.close(device)  # whoever waits gets ENOTCONN
        libc.umount2(str(folder).encode(), 2)


async def test_a_file_system_that_never_answers_holds_up_nobody_else(folder: Path) -> None:
    """The attempt is the probe's own failure within seconds, and the event loop goes on meanwhile."""
    (folder / "mount").mkdir()
    ticks: list[float] = []

    async def count() -> None:
        while True:
            ticks.append(time.monotonic())
            await asyncio.sleep(0.05)

    with answering_process([]) as (described, _), mounted_without_answers(folder / "mount"):
        tried = target(folder, 9, process=described, key_file=f"{folder}/mount/tls.key")
        counting = asyncio.create_task(count())
        began = time.monotonic()
        evidence = await prober().attempt(tried)
        took = time.monotonic() - began
        counting.cancel()

    assert end(evidence) == ("load", "probe_fault")
    assert "do not answer" in evidence.ending.detail
    assert took < 12
    assert max(after - before for before, after in pairwise(ticks)) < 1


def write_random_tree(root: Path, choose: random.Random) -> list[str]:
    """Write directories, files and links that lead anywhere; return paths that may exist or not."""
    folders, names = [root], "abcd"
    links = [name + end for name in names for end in "lm"]

    def join(*words: str, most: int) -> str:
        return "/".join(choose.choice(words) for _ in range(choose.randint(1, most)))

    def pick(*ends: str) -> Path | None:
        path = choose.choice(folders) / (choose.choice(names) + choose.choice(ends))
        return None if path.exists() or path.is_symlink() else path

    for _ in range(12):
        if path := pick(""):
            path.mkdir(mode=choose.choice([0o755, 0o755, 0o755, 0o700, 0o711]))
            folders.append(path)
    for _ in range(15):
        if path := pick(""):
            write_file(path, 0, 0, choose.choice([0o644, 0o644, 0o600]))
    for _ in range(25):
        if path := pick("", "l", "m"):
            path.symlink_to(
                choose.choice(["", "/", "//"]) + join(*names, "..", "..", ".", "x", most=5)
            )
    parts = (*names, *links, "..", ".", "")
    paths = {choose.choice(["/", "", "//"]) + join(*parts, most=6) for _ in range(300)}
    return sorted(path for path in paths if path)


@pytest.mark.parametrize("judged", [False, True], ids=["kernel", "own judgement"])
@pytest.mark.parametrize("seed", range(3))
def test_paths_lead_where_the_kernel_leads(
    folder: Path, monkeypatch: pytest.MonkeyPatch, seed: int, judged: bool
) -> None:
    """In another root, through closed directories, links, loops, `..`, `.` and slashes at the end."""
    if judged:
        monkeypatch.setattr(process_files, "borrow_rights", JudgedRights)
    root = folder / "root"
    root.mkdir()
    paths = write_random_tree(root, random.Random(seed))
    with answering_process(paths, root=str(root)) as (described, found):
        seen = read_all(described, paths)
    # A directory is named as one, whether the process could have opened it or not.
    differing = {
        path: (seen[path], found[path]) for path in paths if seen[path] not in {found[path], -1}
    }
    opened = [
        path
        for path in paths
        if seen[path] == -1 and found[path] not in {errno.EISDIR, errno.EACCES}
    ]

    assert (differing, opened) == ({}, [])
