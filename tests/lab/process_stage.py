"""Running exporters of every language whose settings a process holds: files that tests may spoil."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from probe.model.target import Protocol
from tests.lab.credentials import LabPki, Pair
from tests.lab.exporters.programs import PROGRAMS
from tests.support.builds import NotBuiltError
from tests.support.command_line import environment
from tests.support.required_tools import missing

P: Final = "OTEL_EXPORTER_OTLP_"
NOT_THEIRS: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "PYTHONPATH")
"""Variables of a machine that change what its exporters trust."""


@dataclass(frozen=True, slots=True)
class Running:
    """One process with an exporter."""

    pid: int
    exporter: str
    protocol: Protocol
    process: subprocess.Popen[bytes]


class Credentials:
    """The files that all the exporters name; what they hold changes."""

    def __init__(self, folder: Path, pki: LabPki) -> None:
        """Put good ones there."""
        self.ca, self.cert, self.key = (folder / name for name in ("ca.crt", "tls.crt", "tls.key"))
        self.ca.write_bytes(pki.server_ca_file.read_bytes())
        self.put(pki.client)

    def put(self, pair: Pair) -> None:
        """Copy a pair."""
        self.cert.write_bytes(pair.cert_file.read_bytes())
        self.key.write_bytes(pair.key_file.read_bytes())

    def variables(self) -> dict[str, str]:
        """Return the variables that name them."""
        return {
            P + "CERTIFICATE": str(self.ca),
            P + "CLIENT_CERTIFICATE": str(self.cert),
            P + "CLIENT_KEY": str(self.key),
        }

    def settings(self) -> dict[str, str]:
        """Return the keys of a configuration that name them."""
        return {"ca_file": str(self.ca), "cert_file": str(self.cert), "key_file": str(self.key)}


def command_of(program: str) -> list[str]:
    """Return how a real exporter is started; the test is skipped by name where it cannot be built."""
    try:
        return PROGRAMS[program].command()
    except NotBuiltError as error:
        missing(str(error))


@contextmanager
def started(
    command: Sequence[str],
    variables: Mapping[str, str],
    *,
    folder: Path,
    **options: Any,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that waits for its input; it ends with the test, and its children."""
    env = {name: value for name, value in environment().items() if name not in NOT_THEIRS}
    with (
        (folder / f"log-{time.monotonic_ns()}").open("wb") as log,
        subprocess.Popen(
            command,
            env=env | dict(variables),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            process_group=0,
            **options,
        ) as process,
    ):
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def wait_for_memory(pid: int, name: str, *, limit: float = 30.0) -> None:
    """Wait until a library or a file is in the memory of a process, or open: it is under way then.

    Raises:
        AssertionError: where it never is.
    """
    end = time.monotonic() + limit
    while True:
        with suppress(OSError):
            opened = [os.readlink(one.path) for one in os.scandir(f"/proc/{pid}/fd")]  # noqa: PTH115
            if name in Path(f"/proc/{pid}/maps").read_text() or any(name in one for one in opened):
                return
        assert time.monotonic() < end, f"{name} never is in the memory of {pid}"
        time.sleep(0.05)
