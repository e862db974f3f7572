"""What the kernel says of another process, and requests at a rate.

CPU is that of the whole process, all its threads, in nanoseconds, and excludes its children.
"""

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

START_TIMEOUT: Final = 20.0
REQUESTERS: Final = 4
"""Threads that request in turn: an answer that takes long does not lower the rate."""


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used so far."""
    # What clock_getcpuclockid(3) returns on Linux: the id of a process's own clock.
    return time.clock_gettime((~pid << 3) | 2)


def read_memory(pid: int, kind: str) -> float:
    """Return Rss or Pss of a process in MB (proc_pid_smaps(5) counts in units of 1024 bytes)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{kind}:"):
            return int(line.split()[1]) * 1024 / 1e6
    sys.exit(f"the kernel tells no {kind}")


@contextmanager
def started(
    command: Sequence[str],
    environ: Mapping[str, str] | None = None,
    *,
    cwd: Path | None = None,
    log: Path | None = None,
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[int]:
    """Run a program with `environ` besides ours; yield its process id, and `stop` it at the end."""
    with (log or Path(os.devnull)).open("wb") as output:
        process = subprocess.Popen(
            command,
            env=os.environ | (environ or {}),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            yield process.pid
        finally:
            process.send_signal(stop)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def get(port: int, path: str) -> bytes:
    """Return the body that a local server answers with 200.

    Raises:
        OSError: where it does not.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10.0)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        if answer.status != 200:
            raise OSError(f"{path}: {answer.status} {answer.read()[:200]!r}")
        return answer.read()
    finally:
        connection.close()


def wait_for(port: int, path: str, is_there: Callable[[bytes], bool], log: Path) -> None:
    """Wait until what `path` answers is what is waited for.

    Raises:
        SystemExit: with the end of the log, where it never is.
    """
    end = time.monotonic() + START_TIMEOUT
    while True:
        with suppress(OSError):
            if is_there(get(port, path)):
                return
        if time.monotonic() > end:
            sys.exit(f"no such result on {path}:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.2)


@contextmanager
def requests_at(rate: float, port: int, path: str, expected: bytes) -> Iterator[None]:
    """Request `path` so many times a second, meanwhile; every answer must have `expected`.

    Raises:
        OSError: at the end, with the first answer that was another one.
    """
    ended = threading.Event()
    wrong: list[str] = []
    begin = time.monotonic()

    def request(offset: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10.0)
        due = begin + offset / rate
        while not ended.wait(max(0.0, due - time.monotonic())):
            due += REQUESTERS / rate
            connection.request("GET", path)
            body = connection.getresponse().read()
            if expected not in body:
                wrong.append(body[:500].decode(errors="replace"))
                return
        connection.close()

    threads = [threading.Thread(target=request, args=(each,)) for each in range(REQUESTERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    if wrong:
        raise OSError(f"{path}: {wrong[0]}")
