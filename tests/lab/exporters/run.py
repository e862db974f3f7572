"""Runs generated cases through real exporters and writes what happened: `make exporters`.

Each exporter is one process that reads cases and answers them one by one; where it dies or stays
silent, that is its answer, and a new process goes on with the next case.
"""

import argparse
import json
import os
import re
import selectors
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from tests.lab.exporters.case import Answer, FileCase
from tests.lab.exporters.generators.credential_set import BACKENDS, write_backend_files
from tests.lab.exporters.generators.files import credential_files
from tests.lab.exporters.measured_facts import MeasuredExporter, read_facts, write_facts
from tests.lab.exporters.programs import PROGRAMS, Program, backend_program
from tests.support.builds import NotBuiltError

START_TIMEOUT: Final = 60.0
ANSWER_TIMEOUT: Final = 20.0
"""Seconds; an exporter's own timeouts are shorter."""
TRIES: Final = 8
"""How often a case is asked whose answer is a race that was lost."""
_ASK_AGAIN: Final = re.compile(
    r"broken pipe|connection reset|EPIPE|ECONNRESET|deadline.exceeded|timed out|: timeout",
    re.IGNORECASE,
)
"""The backend's alert had come and the exporter wrote before it read; or the machine was slow."""
HOST: Final = "localhost"
LONGEST_TEXT: Final = 1200
"""Characters of a text that are kept."""


class ExporterProcess:
    """One exporter's process, and what it printed on standard error since the last answer."""

    def __init__(self, program: Program) -> None:
        """Start it and read its versions.

        Raises:
            NotBuiltError: where it cannot be built or does not start.
        """
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
        self._process = subprocess.Popen(
            program.command(),
            env={**clean_environment(), **program.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # no terminal to ask for a password on
        )
        self._buffer = b""
        self._read = 0
        first = self._line(START_TIMEOUT)
        if first is None:
            text = self._printed()
            self.close()
            raise NotBuiltError(f"{program.id} does not start:\n{text}")
        self.versions: dict[str, str] = json.loads(first)["versions"]
        self._printed()

    def ask(self, request: Mapping[str, str]) -> Answer:
        """Return the answer; after `abort` or `hang` this process is of no further use."""
        assert self._process.stdin is not None
        sent = json.dumps(request).encode() + b"\n"
        try:
            self._process.stdin.write(sent)
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self._line(ANSWER_TIMEOUT)
        if line is None:
            running = self._process.poll() is None
            return Answer(request["id"], "hang" if running else "abort", self._printed())
        answered: dict[str, Any] = json.loads(line)
        assert answered["id"] == request["id"], (answered, request)
        text = "\n".join(each for each in (answered["text"], self._printed()) if each)
        return Answer(answered["id"], answered["outcome"], text)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()

    def _line(self, seconds: float) -> bytes | None:
        assert self._process.stdout is not None
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as ready:
            ready.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                left = deadline - time.monotonic()
                if left <= 0 or not ready.select(left):
                    return None
                received = os.read(self._process.stdout.fileno(), 65536)
                if not received:
                    self._process.wait()
                    return None
                self._buffer += received
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _printed(self) -> str:
        self._errors.seek(self._read)
        added = self._errors.read()
        self._read += len(added)
        return added.decode(errors="replace").strip()


_SETTINGS: Final = re.compile(
    r".*(CERT|CA_BUNDLE|CAINFO|PROXY|SSL|TLS).*|(OTEL|GRPC|NODE|JAVA|JDK|PYTHON|RUBY|RUST)_.*",
    re.IGNORECASE,
)


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what would set an exporter up."""
    return {name: value for name, value in os.environ.items() if not _SETTINGS.fullmatch(name)}


@contextmanager
def running_backends(folder: Path) -> Iterator[dict[str, str]]:
    """Yield the URLs of the backends whose files `write_backend_files` wrote to `folder`."""
    with ExitStack() as running:
        yield {each: running.enter_context(_running_backend(folder, each)) for each in BACKENDS}


@contextmanager
def _running_backend(folder: Path, name: str) -> Iterator[str]:
    with subprocess.Popen(
        [
            str(backend_program()),
            *("-cert", str(folder / f"{name}.crt")),
            *("-key", str(folder / "server.key")),
            *("-client-ca", str(folder / "ca.crt")),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as backend:
        assert backend.stdin is not None
        assert backend.stdout is not None
        try:
            yield f"https://{HOST}:{backend.stdout.readline().split()[1]}"
        finally:
            backend.stdin.close()
            backend.wait(5)


def measure(
    program: Program, cases: Iterable[FileCase], endpoints: Mapping[str, str]
) -> tuple[dict[str, str], list[Answer]]:
    """Return the exporter's versions and its answer to each case.

    Raises:
        NotBuiltError: where it cannot be had here.
    """
    answers: list[Answer] = []
    process = ExporterProcess(program)
    versions = process.versions
    try:
        for case in cases:
            endpoint = endpoints[case.backend]
            for _ in range(TRIES):
                answer = process.ask(case.request(endpoint))
                if answer.outcome in ("abort", "hang"):
                    process.close()
                    process = ExporterProcess(program)
                if not _ASK_AGAIN.search(answer.text):
                    break
            answers.append(
                Answer(answer.id, answer.outcome, steady_text(answer.text, case, endpoint))
            )
    finally:
        process.close()
    return versions, answers


_VARYING: Final = (
    (re.compile(r"^[EFWI]\d{4} [\d:. ]+(\S+?):\d+\] ", re.MULTILINE), r"\1: "),  # absl's log lines
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:…"),
    (re.compile(r"\[::1\]:\d+"), "[::1]:…"),
    (re.compile(r"\b0x[0-9a-f]{6,}"), "0x…"),
    (re.compile(r"(?<=error:)[0-9A-F]{8}(?=:)"), "…"),
    (re.compile(r"\b[0-9A-F]{16}(?=:error:)"), "…"),
)


def steady_text(text: str, case: FileCase, endpoint: str) -> str:
    """Return `text` without paths, ports, addresses and times, which differ from run to run.

    A line that comes again stands once.
    """
    for path, name in ((case.cert, "CERT"), (case.key, "KEY"), (case.ca, "CA")):
        if path:
            text = text.replace(path, name)
    port = endpoint.rsplit(":", 1)[1]
    text = re.sub(rf"(?<=localhost:){port}\b|(?<=port=){port}\b|\b{port}(?= )", "…", text)
    for pattern, instead in _VARYING:
        text = pattern.sub(instead, text)
    return "\n".join(dict.fromkeys(text.splitlines()))[:LONGEST_TEXT]


def main() -> int:
    """Measure what the arguments choose, and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exporters", nargs="*", choices=list(PROGRAMS), default=list(PROGRAMS))
    parser.add_argument("--only", default="", help="cases whose id matches this expression")
    parser.add_argument("--print", action="store_true", help="print the answers, write nothing")
    chosen = parser.parse_args()
    files = [each for each in credential_files() if re.search(chosen.only, each.id)]
    with tempfile.TemporaryDirectory(prefix="exporters-") as name:
        folder = Path(name)
        write_backend_files(folder)
        cases = [each.write(folder) for each in files]
        with running_backends(folder) as endpoints:
            for exporter in chosen.exporters:
                started = time.monotonic()
                try:
                    versions, answers = measure(PROGRAMS[exporter], cases, endpoints)
                except NotBuiltError as error:
                    print(f"{exporter}: not measured: {error}")
                    continue
                seconds = time.monotonic() - started
                print(
                    f"{exporter}: {len(answers)} cases in {seconds:.0f} s; {count(answers)}",
                    flush=True,
                )
                if chosen.print:
                    for answer in answers:
                        print(f"  {answer.id}: {answer.outcome}: {answer.text}")
                    continue
                keep(
                    "files",
                    MeasuredExporter(versions, {each.id: each for each in answers}),
                    exporter,
                )
    return 0


def keep(name: str, measured: MeasuredExporter, exporter: str) -> None:
    """Write what one exporter did, next to what the others did, and what it did before."""
    facts = read_facts(name)
    before = facts[exporter].answers if exporter in facts else {}
    facts[exporter] = MeasuredExporter(measured.versions, {**before, **measured.answers})
    ids = [each.id for each in credential_files()]
    write_facts(name, ids, {each: facts[each] for each in PROGRAMS if each in facts})


def count(answers: Iterable[Answer]) -> str:
    """Return how often each outcome came."""
    return ", ".join(
        f"{number} {each}" for each, number in Counter(a.outcome for a in answers).items()
    )


if __name__ == "__main__":
    sys.exit(main())
