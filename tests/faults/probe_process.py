"""The probe as a process: started, stopped, suspended, short of resources, with a blocked stderr."""

import fcntl
import json
import os
import re
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.faults import wall_clock
from tests.faults.judging import Attempt
from tests.faults.servers import STARTS_WITHIN, suspend
from tests.support.command_line import ROOT, environment

STOPS_WITHIN: Final = 15.0
"""Seconds from SIGTERM to the end, including attempts in flight."""
DESCRIPTORS: Final = 512
"""The most that the probe may open, soft and hard: few, so that a flood need not be large."""
_SMALL_PIPE: Final = 4096
_LOOK_AGAIN: Final = 0.1
"""Seconds until the reader of stderr notices a request."""


class ProbeProcess:
    """One `mtls-probe run`, and the file in which its attempts are recorded."""

    def __init__(
        self, config: Path, record: Path, before: list[str], *, movable_clock: bool = False
    ) -> None:
        """Start it; `before` is put before its command."""
        self._clock = record.with_suffix(".clock")
        if movable_clock:
            before = [*before, *wall_clock.movable(self._clock)]
        self._record = record
        self.log = record.with_suffix(".log")
        read, self._write = os.pipe()
        fcntl.fcntl(self._write, fcntl.F_SETPIPE_SZ, _SMALL_PIPE)
        limited = ["sh", "-c", f'ulimit -n {DESCRIPTORS} && exec "$@"', "sh"]
        command = [*limited, *before, sys.executable, "-m", "tests.faults.recorded_run"]
        command += [str(record), "run", "--config", str(config)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._write,
            stderr=self._write,
            cwd=ROOT,
            env=environment({"PYTHONFAULTHANDLER": "1"}),
        )
        self._reading = threading.Event()
        self._reading.set()
        self._gone = threading.Event()
        self._reader = threading.Thread(target=self._drain, args=(read,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def address(self) -> str:
        """Return the address of its pages once it listens.

        Raises:
            AssertionError: where it does not come to that.
        """
        end = time.monotonic() + STARTS_WITHIN
        while True:
            text = self.log.read_text(errors="replace") if self.log.exists() else ""
            if found := re.search(r'"address":\s*"([^"]+)"', text):
                return found[1]
            assert self._process.poll() is None, text
            assert time.monotonic() < end, text
            time.sleep(0.05)

    def attempts(self) -> list[Attempt]:
        """Return all attempts so far."""
        if not self._record.exists():
            return []
        with self._record.open(encoding="utf-8") as lines:
            return [attempt(line) for line in lines if line.endswith("\n")]

    def suspend(self) -> None:
        """Suspend the process."""
        suspend(self.pid)

    def resume(self) -> None:
        """Resume the process."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)

    def take_descriptors(self) -> None:
        """Leave it only the descriptors that it always holds."""
        folder = Path(f"/proc/{self.pid}/fd")
        kept = {int(each.name) for each in folder.iterdir()}
        for _ in range(10):
            time.sleep(0.03)
            kept &= {int(each.name) for each in folder.iterdir()}
        lowest_free = next(number for number in range(DESCRIPTORS) if number not in kept)
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (lowest_free, DESCRIPTORS))

    def give_descriptors(self) -> None:
        """Restore the limit of its start."""
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))

    def take_memory(self) -> None:
        """Limit its address space to the present size: small objects fit, a new thread may not."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        used = 1024 * int(status.partition("VmSize:")[2].split()[0])
        _soft, hard = resource.prlimit(self.pid, resource.RLIMIT_AS)
        resource.prlimit(self.pid, resource.RLIMIT_AS, (used, hard))

    def give_memory(self) -> None:
        """Remove the limit."""
        _soft, hard = resource.prlimit(self.pid, resource.RLIMIT_AS)
        resource.prlimit(self.pid, resource.RLIMIT_AS, (hard, hard))

    def block_stderr(self) -> None:
        """Read its stderr no more, and fill the pipe."""
        self._reading.clear()
        if self._gone.is_set():
            return
        # A separate file description: O_NONBLOCK on the probe's would change its behaviour.
        filler = os.open(f"/proc/self/fd/{self._write}", os.O_WRONLY | os.O_NONBLOCK)
        for _ in range(5):  # a read that had begun may empty it once more
            with suppress(BlockingIOError):
                while True:
                    os.write(filler, b"\n")
            time.sleep(0.02)
        os.close(filler)

    def unblock_stderr(self) -> None:
        """Read it again."""
        self._reading.set()

    def set_clock(self, minutes: float) -> None:
        """Move its wall clock to `minutes` from the machine's."""
        wall_clock.set_clock(self._clock, minutes)

    def leave_stderr(self) -> None:
        """Close the reading end of the pipe."""
        self._gone.set()
        self._reader.join()

    def stop(self) -> str:
        """End it by SIGTERM; return what is wrong with its end, empty where nothing is."""
        self._process.terminate()
        try:
            code = self._process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            self._reading.set()
            # Python's fault handler then writes to the log where each thread is.
            self._process.send_signal(signal.SIGABRT)
            time.sleep(_LOOK_AGAIN)
            self._process.kill()
            self._process.wait()
            return f"still running {STOPS_WITHIN:g} s after SIGTERM"
        finally:
            self._reading.set()
            os.close(self._write)
            self._reader.join(5)
        return f"exit code {code} after SIGTERM" if code else ""

    def _drain(self, read: int) -> None:
        """Copy its stderr to the log, except while it is blocked."""
        with self.log.open("ab", buffering=0) as log, os.fdopen(read, "rb", buffering=0) as pipe:
            while not self._gone.is_set():
                self._reading.wait()
                if not select.select([pipe], [], [], _LOOK_AGAIN)[0]:
                    continue
                if not (data := pipe.read(_SMALL_PIPE)):
                    return
                log.write(data)


def attempt(line: str) -> Attempt:
    """Return the attempt that a line of the record holds."""
    known = json.loads(line)
    for several in ("also", "findings"):
        known[several] = tuple(known[several])
    return Attempt(**known)
