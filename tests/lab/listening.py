"""`mtls-probe listen` as a process, and the real exporters that are pointed at it."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.lab.credentials import Pair
from tests.lab.exporters.case import Answer
from tests.lab.exporters.run import ExporterProcess
from tests.support.command_line import environment

TIMEOUT: Final = 30.0
_PORT: Final = re.compile(r"listening on (?:127\.0\.0\.1|\[::1\]):(\d+)")

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listen:
    """A running `listen`, with what it writes."""

    port: int
    output: Path
    errors: Path
    process: subprocess.Popen[bytes]

    def lines(self) -> list[Line]:
        """Return the last line of each connection so far."""
        found: dict[int, Line] = {}
        for text in self.output.read_text(encoding="utf-8").splitlines(keepends=True):
            if text.endswith("\n"):
                line = json.loads(text)
                found[line["connection"]] = line
        return list(found.values())

    def wait_for(self, wanted: Callable[[Line], bool]) -> Line:
        """Return the first connection that is `wanted`.

        Raises:
            AssertionError: with all of them, where none comes.
        """
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            for line in self.lines():
                if wanted(line):
                    return line
            time.sleep(0.05)
        ended = [
            {key: line[key] for key in ("outcome", "cause", "facts", "alerts", "end", "looks_like")}
            for line in self.lines()
        ]
        raise AssertionError(f"none of these: {json.dumps(ended, indent=1)}")


@contextmanager
def listen(
    folder: Path, server: Pair, client_ca: Path, *options: str, output: str = "jsonl"
) -> Iterator[Listen]:
    """Run the command on a free port of loopback."""
    folder.mkdir(exist_ok=True)
    written, errors = folder / "listen.jsonl", folder / "listen.err"
    command = [sys.executable, "-m", "probe", "listen", "--listen", "127.0.0.1:0"]
    command += ["--cert", str(server.cert_file), "--key", str(server.key_file)]
    command += ["--client-ca", str(client_ca), "--output", output, *options]
    with written.open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env=environment())
        try:
            end = time.monotonic() + TIMEOUT
            while (found := _PORT.search(errors.read_text(encoding="utf-8"))) is None:
                assert process.poll() is None, errors.read_text(encoding="utf-8")
                assert time.monotonic() < end, errors.read_text(encoding="utf-8")
                time.sleep(0.02)
            yield Listen(int(found[1]), written, errors, process)
        finally:
            process.terminate()
            process.wait(TIMEOUT)


def export(
    exporter: ExporterProcess, port: int, client: Pair | None, ca: Path, scheme: str = "https"
) -> Answer:
    """Let an exporter export once."""
    request = {
        "id": "listen",
        "kind": "files",
        "cert": str(client.cert_file) if client is not None else "",
        "key": str(client.key_file) if client is not None else "",
        "ca": str(ca),
        "endpoint": f"{scheme}://localhost:{port}",
    }
    return exporter.ask(request)
