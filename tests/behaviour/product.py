"""The product as its users have it: a command that ends, a service that runs, and its HTTP.

Nothing here imports the package, so that recordings do not depend on its modules.
"""

import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

MTLS_PROBE: Final = Path(sys.executable).with_name("mtls-probe")
FULL_DISK: Final = ("sh", "-c", 'exec "$@" > /dev/full', "sh")
"""Runs a command whose output cannot be written, as on a full disk."""
_COMMAND_WITHIN: Final = 60.0
_SERVICE_WITHIN: Final = 30.0
_LISTENING: Final = re.compile(r'"event": "listening", "address": "([^"]+)"')


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    def document(self) -> Any:
        """Return the JSON that it printed.

        Raises:
            AssertionError: where it printed none, with the command's output.
        """
        try:
            return json.loads(self.out)
        except ValueError:
            raise AssertionError(
                f"exit code {self.code}, and no JSON: {self.err[-4000:]}"
            ) from None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service answered to one request; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def content_type(self) -> str:
        """The media type with its parameters."""
        return self.headers.get("content-type", "")


def environment(folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a command, with few variables of this machine."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        **(more or {}),
    }


def run(
    folder: Path,
    arguments: Sequence[str],
    *,
    stdin: str = "",
    variables: Mapping[str, str] | None = None,
    before: Sequence[str] = (),
) -> Ended:
    """Run a command in `folder` until it ends; `before` is a program that runs it."""
    ended = subprocess.run(
        [*before, str(MTLS_PROBE), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(folder, variables),
        timeout=_COMMAND_WITHIN,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


class Service:
    """A command that serves pages until it is stopped."""

    def __init__(
        self,
        folder: Path,
        arguments: Sequence[str],
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Start it, and wait until it listens.

        Raises:
            AssertionError: where it does not.
        """
        self._log = folder / f"{'-'.join(arguments[:1])}-{time.monotonic_ns()}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(MTLS_PROBE), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd=folder,
                env=environment(folder, variables),
            )
        end = time.monotonic() + _SERVICE_WITHIN
        while (found := _LISTENING.search(self.log())) is None:
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < end, self.log()
            time.sleep(0.05)
        host, _, port = found[1].rpartition(":")
        self.host = host
        self.port = int(port)

    def log(self) -> str:
        """Return what it has written to standard error so far."""
        return self._log.read_text(errors="replace")

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it with a signal, and return its exit code."""
        self._process.send_signal(number)
        try:
            return self._process.wait(_SERVICE_WITHIN)
        finally:
            self._process.kill()

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> Answer:
        """Send one request, and return the answer to it."""
        connection = (
            http.client.HTTPConnection(self.host, self.port, timeout=_SERVICE_WITHIN)
            if tls is None
            else http.client.HTTPSConnection(
                self.host, self.port, timeout=_SERVICE_WITHIN, context=tls
            )
        )
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, named, answer.read().decode("utf-8", "replace"))
        finally:
            connection.close()


@contextmanager
def serving(
    folder: Path, arguments: Sequence[str], variables: Mapping[str, str] | None = None
) -> Iterator[Service]:
    """Run a service as a context."""
    service = Service(folder, arguments, variables)
    try:
        yield service
    finally:
        with suppress(ProcessLookupError):
            service.stop()
