"""Every command that the catalogue or a page prints runs as it is printed.

It is typed into a shell next to a backend and an exporter's files, to which the words in capitals
(ENDPOINT, CERT) are set. What converts files is run in tests/unit/credentials/test_convert.py, and
whole fixes in tests/lab/test_steps.py.
"""

import asyncio
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from probe.backend.pki import write_pem
from tests.contract.test_printed_commands import BLOCKS, COMMANDS, FILES, PORT
from tests.support.backends import Backend
from tests.support.demo_pki import PKI
from tests.support.printed_commands import PROGRAMS
from tests.support.required_tools import missing
from tests.support.terminal import type_command

pytestmark = pytest.mark.slow

CAPITALS: Final = {
    "ENDPOINT": f"localhost:{PORT}", "HOST": "localhost", "ADDRESS": "127.0.0.1", "NAME": "localhost",
    "CERT": "tls.crt", "KEY": "tls.key", "CA": "ca.crt", "FILE": "tls.crt", "PID": "1",
}  # fmt: skip
_CAPITAL: Final = re.compile(rf"\b({'|'.join(CAPITALS)})\b")
NOT_ZERO: Final = {
    "curl": {0, 1, 52, 56},  # a backend that wants TLS
    "echo": {0, 1},  # into mtls-probe
    "mtls-probe": {0, 1},  # what is found is the exit code
    "ping": {0, 1, 2},  # a network that lets no echo through
    "timedatectl": {0, 1},  # a container without systemd
}
"""Programs whose exit code is an answer."""
ELSEWHERE: Final = {
    "docker": "it needs a daemon; make check judges the Dockerfile",
    "kubectl": "tests/config/test_kubernetes.py, tests/lab/test_manifest_source.py",
    "helm": "a rendered stream is one of objects: tests/lab/test_manifest_source.py",
    "#": "a comment",
    "make": "tests/contract/test_docs.py compares them with the Makefile, and CI runs them",
    "mtls-probe run": "a service, which tests/unit/service starts",
    "mtls-probe listen": "the same, in tests/unit/cli/test_listen_command.py",
    ".venv/bin/python": "the tests themselves",
    **dict.fromkeys(
        (
            "pipx",
            "uv tool",
            "python3 -m venv",
            "/opt/",
            "ln ",
            "install ",
            "mkdir ",
            "systemctl",
            "sha256sum",
            "_MTLS_PROBE_COMPLETE",
        ),
        "tests/release/test_installing.py",
    ),
    **dict.fromkeys(
        ("cp ", "amtool ", "promtool ", "prometheus ", "alertmanager "),
        "tests/config/test_first_alert.py",
    ),
    "OTEL_EXPORTER_OTLP_": "variables, not a command",
}
"""What blocks of the pages begin with that is not run here, and where it is."""


class Place:
    """A folder with an exporter's files, and a backend that runs as long as the tests do."""

    def __init__(self, folder: Path) -> None:
        """Write the files and start the backend on a loop of its own."""
        self.folder = folder
        issued = PKI.exporter()
        write_pem(folder, FILES["cert_file"], issued.pem)
        write_pem(folder, FILES["key_file"], issued.key_pem)
        write_pem(folder, FILES["ca_file"], PKI.server_ca.pem)
        self.backend: Backend = PKI.backend("backend")
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self.backend.start(), self.loop).result(10)
        target = f"name: collector-eu, endpoint: 'https://localhost:{self.backend.port}'"
        # A command of ours without arguments reads an SDK's variables.
        own = {
            "PATH": f"{Path(sys.executable).parent}:$PATH",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://localhost:{self.backend.port}",
            "OTEL_EXPORTER_OTLP_CERTIFICATE": FILES["ca_file"],
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": FILES["cert_file"],
            "OTEL_EXPORTER_OTLP_CLIENT_KEY": FILES["key_file"],
        }
        self.variables = "".join(f"export {name}={value}; " for name, value in own.items())
        # The first alert's: tests/config/test_first_alert.py runs its commands as they are printed.
        (folder / "alerts" / "rules").mkdir(parents=True)
        files = ", ".join(f"{key}: {name}" for key, name in FILES.items())
        (folder / "mtls-probe.yml").write_text(f"targets: [{{{target}, tls: {{{files}}}}}]\n")

    def stop(self) -> None:
        """End both."""
        asyncio.run_coroutine_threadsafe(self.backend.stop(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def type(self, printed: str) -> None:
        """Type a command into the shell; it has to work."""
        command = _CAPITAL.sub(lambda found: CAPITALS[found[1]], printed)
        command = re.sub(r"(collector\.example\.com|localhost):4317", self.backend_address, command)
        command = command.replace(f":{PORT}", f":{self.backend.port}")
        program = command.split()[0]
        code, said = type_command(f"{self.variables} {command}", self.folder)
        assert code in NOT_ZERO.get(program, {0}) or ("s_client" in command and "CONNECTED" in said), (
            command, code, said,
        )  # fmt: skip

    def backend_address(self, _: re.Match[str]) -> str:
        """Return where the backend listens."""
        return f"localhost:{self.backend.port}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The folder and the backend of all commands."""
    there = Place(tmp_path_factory.mktemp("commands"))
    try:
        yield there
    finally:
        there.stop()


def needed(command: str) -> list[str]:
    """Return the programs of a command that are not installed."""
    return [
        each for each in PROGRAMS if re.search(rf"\b{each} ", command) and not shutil.which(each)
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_catalogues_commands_run_as_printed(command: str, place: Place) -> None:
    """In the exporter's folder, with its backend up."""
    absent = needed(command)
    if absent:
        missing(f"not installed: {', '.join(absent)}")
    place.type(command)


def test_the_commands_of_the_pages_run_as_printed(place: Place) -> None:
    """In their order, so that one finds what an earlier one has written."""
    for page, line in BLOCKS:
        if line and not line.startswith(tuple(ELSEWHERE)):
            assert line.startswith(("mtls-probe ", "echo ")), (page, line)
            # What would go on until somebody ends it ends by itself.
            once = f"{line} --once" if line == "mtls-probe demo" else line
            place.type(once.replace("--wait 60s", "--wait 1s"))
