"""`mtls-probe run` as a process, for tests with real servers and without an event loop."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

from tests.lab.servers import Log
from tests.support.command_line import ROOT, environment


@dataclass(frozen=True, slots=True)
class RunningProbe:
    """A running service, its address and its log."""

    address: str
    log: Log

    def get(self, path: str) -> str:
        """Return the text of a page."""
        with urlopen(f"http://{self.address}{path}", timeout=10) as response:
            return str(response.read().decode())

    def result(self, target: str) -> dict[str, Any] | None:
        """Return the last result of `target`, None before the first."""
        found = json.loads(self.get(f"/api/v1/targets/{quote(target, safe='')}"))["results"]
        return dict(found[0]) if found else None

    def becomes(self, target: str, cause: str | None, seconds: float = 15.0) -> dict[str, Any]:
        """Wait until `target` has `cause` (None: success), and return the result.

        Raises:
            AssertionError: with the last result, where it never has.
        """
        end = time.monotonic() + seconds
        while True:
            last = self.result(target)
            if last is not None and last["cause"] == cause and last["outcome"] != "unconfirmed":
                return last
            assert time.monotonic() < end, f"{target} never had {cause}, but {last}"
            time.sleep(0.05)


@contextmanager
def running_probe(
    file: Path, *, before: Sequence[str] = (), **variables: str
) -> Iterator[RunningProbe]:
    """Run the service with the configuration `file` and wait until it listens.

    `before` is the command that starts it, as one that enters a namespace.
    """
    command = [*before, sys.executable, "-m", "probe", "run", "--config", str(file)]
    with _run(command, Log(file.with_suffix(".log")), variables) as probe:
        yield probe


@contextmanager
def running_sidecar(folder: Path, **variables: str) -> Iterator[RunningProbe]:
    """Run the service without a configuration, on the variables of the exporter next to it."""
    command = [sys.executable, "-m", "probe", "run", "--listen", "127.0.0.1:0"]
    with _run(command, Log(folder / "sidecar.log"), variables) as probe:
        yield probe


@contextmanager
def _run(command: Sequence[str], log: Log, variables: Mapping[str, str]) -> Iterator[RunningProbe]:
    with (
        log.path.open("wb") as output,
        subprocess.Popen(
            command, stdout=output, stderr=output, cwd=ROOT, env=environment(variables)
        ) as process,
    ):
        try:
            address = log.wait_for(r'"address":\s*"([^"]+)"', timeout=20)[1]
            yield RunningProbe(address, log)
        finally:
            process.terminate()
            process.wait(10)
