"""The world's servers as processes with an address each; commands change and end them.

Every method returns only when its effect is in force, so that the caller knows the time.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol

from tests.faults.truth import Stall
from tests.support.command_line import ROOT, environment

STARTS_WITHIN: Final = 60.0
"""Seconds that a server may take to carry out a command on a busy machine."""


class Server(Protocol):
    """A server of the world."""

    def serve(self, wanted: dict[str, Any] | None) -> None:
        """Serve the wanted behaviour; None: nothing listens."""

    def kill(self) -> None:
        """End the process by SIGKILL."""

    def suspend(self) -> None:
        """Stop the process where it is."""

    def resume(self) -> None:
        """Let it go on."""

    def stalls(self) -> tuple[Stall, ...]:
        """Return the spans in which it could not run."""

    def end(self) -> None:
        """End for good."""


class DemoServer:
    """One of the demo's backends, or a peer without TLS, in its own process."""

    def __init__(self, address: str, port: int, folder: Path) -> None:
        """Start the process; nothing listens yet."""
        self.address = address
        self._stalls = folder / f"{address}.stalls"
        self._command = [
            *(sys.executable, "-m", "tests.faults.backend_host"),
            *(address, str(port), str(self._stalls)),
        ]
        self._log = (folder / f"{address}.log").open("ab")
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=ROOT,
            env=environment(),
        )

    def serve(self, wanted: dict[str, Any] | None) -> None:
        """Serve the wanted behaviour; None: nothing listens. A process that ended is started again."""
        if self._process.poll() is not None:
            self._process = self._start()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(wanted).encode() + b"\n")
        self._process.stdin.flush()
        wait_for_line(self._process)

    def kill(self) -> None:
        """End the process by SIGKILL."""
        kill(self._process)

    def suspend(self) -> None:
        """Stop the process where it is."""
        suspend(self._process.pid)

    def resume(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def stalls(self) -> tuple[Stall, ...]:
        """Return the spans in which its loop could not run, as it measured them."""
        if not self._stalls.exists():
            return ()
        return tuple(
            Stall(*map(float, line.split())) for line in self._stalls.read_text().splitlines()
        )

    def end(self) -> None:
        """End for good."""
        kill(self._process)
        self._log.close()


def wait_for_line(process: subprocess.Popen[bytes]) -> bytes:
    """Return the next line that `process` writes.

    Raises:
        AssertionError: where it ends, or writes nothing for too long.
    """
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        assert selector.select(STARTS_WITHIN), f"{process.args!r} says nothing"
    line = process.stdout.readline()
    assert line, f"{process.args!r} ended with {process.wait()}"
    return line


def kill(process: subprocess.Popen[bytes]) -> None:
    """End `process` and wait until it is gone, its sockets with it."""
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(BrokenPipeError):
                stream.close()


def suspend(pid: int) -> None:
    """Stop the process `pid` and wait until it has stopped."""
    os.kill(pid, signal.SIGSTOP)
    end = time.monotonic() + STARTS_WITHIN
    while state_of(pid) != "T":
        assert time.monotonic() < end, f"{pid} does not stop"
        time.sleep(0.001)


def state_of(pid: int) -> str:
    """Return the letter that proc(5) has for the state of `pid`."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
