"""What an attempt does, counted: figures that repeat even on a busy machine.

Of the running service, schedule included: functions called, timers set, system calls, and how
often the loop wakes up. Of attempts one after another, without a schedule: the same calls, system
calls, and instructions (callgrind), as the difference of two runs.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from probe.model.target import Protocol
from tests.bench.attempts import count_calls, make_target
from tests.bench.backends import Site, nginx_site, serving
from tests.bench.figures import Figure, Settings, show
from tests.bench.meters import started
from tests.bench.peers import run_probe

SECONDS: Final = 8.0
QUICK_SECONDS: Final = 3.0
SETTLING: Final = 15.0
"""Seconds until each target has had its experiments, which are made a few at a time."""
CALLS: Final = 50
SYSTEM_CALLS: Final = (20, 60)
INSTRUCTIONS: Final = (20, 60)
"""Attempts of the two runs."""
COUNTED: Final = {"functions called": 650, "system calls": 29.0}
"""What an attempt alone took when it was last counted, on Python 3.11; the test holds it there."""
LARGEST: Final = 1.05
SMALLEST: Final = 0.93
"""Less than this is an improvement that belongs into the table, or a later loss is not seen."""
EACH: Final = "an attempt"
_BY_CHANCE: Final = re.compile(r"epoll_p?wait|recv|futex|brk|mmap|munmap|madvise|restart_syscall")
_TOTAL: Final = re.compile(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\S+)$", re.MULTILINE)


def read_strace(file: Path) -> dict[str, int]:
    """Return how often each system call was made, by the table of `strace -c`."""
    text = file.read_text(encoding="ascii", errors="replace")
    return {name: int(calls) for calls, name in _TOTAL.findall(text)}


def count_system_calls(folder: Path, port: int, protocol: Protocol) -> float:
    """Return the system calls of one attempt, without a schedule.

    Waits and reads are left out, and what only memory is asked for with: how often an attempt waits
    and reads depends on when the backend's bytes come, so on the load of the machine.
    """

    def count(attempts: int) -> int:
        file = folder / "strace.txt"
        _attempts(["strace", "-c", "-f", "-o", str(file)], folder, port, protocol, attempts)
        made = read_strace(file)
        return made["total"] - sum(calls for name, calls in made.items() if _BY_CHANCE.match(name))

    return _difference(count, SYSTEM_CALLS)


def count_instructions(folder: Path, port: int, protocol: Protocol) -> float:
    """Return the instructions of one attempt, without a schedule."""

    def count(attempts: int) -> int:
        tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/callgrind.out"]
        said = _attempts(tool, folder, port, protocol, attempts)
        return int(said.split()[-1].replace(",", ""))

    return _difference(count, INSTRUCTIONS)


def _difference(count: Callable[[int], int], attempts: tuple[int, int]) -> float:
    fewer, more = attempts
    return (count(more) - count(fewer)) / (more - fewer)


def _attempts(
    tool: Sequence[str], folder: Path, port: int, protocol: Protocol, attempts: int
) -> str:
    arguments = (str(folder), str(port), protocol, str(attempts))
    return subprocess.run(
        [*tool, sys.executable, "-m", "tests.bench.attempts", *arguments],
        # The same layout of dicts and sets in both runs.
        env=os.environ | {"PYTHONHASHSEED": "0"},
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    ).stderr


def measure_service(site: Site, seconds: float) -> Iterator[Figure]:
    """Yield what one attempt of the running service does."""
    with ExitStack() as stack:
        file = site.files.folder / "counts.txt"
        module = ("tests.bench.counted_service", str(file))
        pid = run_probe(site, stack, port="http1", protocol="http/protobuf", module=module)
        time.sleep(SETTLING)
        taken, (calls, timers) = site.connections(), _read_counts(pid, file)
        time.sleep(seconds)
        taken, later = site.connections() - taken, _read_counts(pid, file)
        yield Figure("service: functions called", (later[0] - calls) / taken, EACH)
        yield Figure("service: timers set", (later[1] - timers) / taken, EACH)
    with ExitStack() as stack:
        pid = run_probe(site, stack, port="http1", protocol="http/protobuf")
        log = site.files.folder / "strace.txt"
        command = ["strace", "-c", "-f", "-p", str(pid), "-o", str(log)]
        time.sleep(SETTLING)
        taken = -site.connections()
        with started(command, stop=signal.SIGINT):
            time.sleep(seconds)
        taken += site.connections()
        made = read_strace(log)
    yield Figure("service: system calls", made["total"] / taken, EACH)
    waits = sum(calls for name, calls in made.items() if re.fullmatch("epoll_p?wait2?", name))
    yield Figure("service: wake-ups", waits / taken, EACH)


def _read_counts(pid: int, file: Path) -> tuple[int, int]:
    file.unlink(missing_ok=True)
    os.kill(pid, signal.SIGUSR1)
    while not file.exists():
        time.sleep(0.005)
    calls, timers = file.read_text(encoding="ascii").split()
    return int(calls), int(timers)


def measure(settings: Settings) -> Iterator[Figure]:
    """Yield the counts of the service, then those without a schedule."""
    seconds = QUICK_SECONDS if settings.quick else SECONDS
    with tempfile.TemporaryDirectory() as folder, nginx_site(Path(folder)) as site:
        yield from measure_service(site, seconds)
    with tempfile.TemporaryDirectory() as place, serving(Path(place)) as (port, _):
        folder = Path(place)
        counts: dict[str, Callable[[], float]] = {
            "functions called": lambda: count_calls(make_target(folder, port, "grpc"), CALLS),
            "system calls": lambda: count_system_calls(folder, port, "grpc"),
        }
        for name, count in counts.items():
            counted = count()
            yield Figure(
                f"alone: {name}",
                counted,
                EACH,
                "this : as recorded",
                counted / COUNTED[name],
                LARGEST,
            )
        if not settings.quick:
            yield Figure(
                "alone: instructions",
                count_instructions(folder, port, "grpc") / 1e6,
                f"million {EACH}",
            )


if __name__ == "__main__":
    sys.exit(show(measure))
