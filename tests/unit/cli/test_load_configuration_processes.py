"""--pid on the command line: a running exporter, or why it cannot be looked at."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.backends import Backend
from tests.support.command_line import command, run_commands
from tests.support.demo_pki import PKI

pytestmark = pytest.mark.slow

P: Final = "OTEL_EXPORTER_OTLP_"
NO_PROCESS: Final = "4194304"
"""One more than the highest number of a process (pid_max_limit of Linux)."""
TOKEN: Final = "Bearer s3cret-token-of-another"


@pytest.fixture
def sleeping(backend: Backend, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with the variables of an exporter."""
    tls = PKI.settings(tmp_path, PKI.exporter())
    variables = {
        P + "ENDPOINT": f"https://127.0.0.1:{backend.port}",
        P + "PROTOCOL": "grpc",
        P + "CERTIFICATE": str(tls.ca_file),
        P + "CLIENT_CERTIFICATE": os.path.basename(str(tls.cert_file)),  # noqa: PTH119
        P + "CLIENT_KEY": str(tls.key_file),
        P + "HEADERS": f"authorization={TOKEN}",
        "OTEL_SERVICE_NAME": "shop",
    }
    with subprocess.Popen(["sleep", "100"], env=variables, cwd=tmp_path) as process:
        yield process
        process.kill()


@pytest.fixture
def idle() -> Iterator[str]:
    """The number of a process without an exporter."""
    with subprocess.Popen(["sleep", "100"], env={}) as process:
        yield str(process.pid)
        process.kill()


async def test_every_command_reads_the_process(sleeping: subprocess.Popen[bytes]) -> None:
    """check, inspect and validate; none of them shows what it holds."""
    pid = f"--pid={sleeping.pid}"
    checked, inspected, validated = await run_commands(
        command("check", pid, "--output=json"),
        command("inspect", pid, "--output=json"),
        command("validate", pid, "--output=json"),
    )
    (result,) = checked.document["results"]
    assert (checked.code, result["target"], result["outcome"]) == (0, "shop", "confirmed")
    assert checked.document["sources"][0]["source"] == f"process:{sleeping.pid}"
    assert len(inspected.document["files"]) == 3
    (valid,) = validated.document["targets"]
    assert valid["sources"][0]["where"] == f"environment of process {sleeping.pid} (sleep)"
    for ended in (checked, inspected, validated):
        assert "s3cret-token" not in ended.out + ended.err


async def test_the_files_of_a_process_are_inspected_with_its_rights(
    sleeping: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """A path that is relative is looked up in its own directory, and shown whole."""
    (ended,) = await run_commands(command("inspect", f"--pid={sleeping.pid}", "--output=json"))
    paths = {file["path"] for file in ended.document["files"]}
    assert all(path.startswith(f"{tmp_path}/") for path in paths)


@pytest.mark.parametrize(
    ("runs", "words"),
    [(False, "shareProcessNamespace"), (True, "no OTLP exporter that can be seen")],
)
async def test_what_cannot_be_probed_is_said(idle: str, words: str, *, runs: bool) -> None:
    """Exit 1, and a source that is down, as for any that cannot be read."""
    pid = idle if runs else NO_PROCESS
    table, document = await run_commands(
        command("check", "--pid", pid), command("check", "--pid", pid, "--output=json")
    )
    assert (table.code, document.code) == (1, 1)
    assert words in table.err
    (source,) = document.document["sources"]
    assert (source["up"], source["targets"]) == (False, 0)
    assert words in source["error"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--pid=0",),
        ("--pid=x",),
        ("--pid=1", "host:4317"),
        ("--pid=1", "--config=f"),
        ("--pid=1", "--cert=c"),
    ],
)
async def test_what_does_not_go_together_is_an_error_of_usage(arguments: tuple[str, ...]) -> None:
    """Exit 2, without looking at any process."""
    (ended,) = await run_commands(command("check", *arguments))
    assert ended.code == 2


async def test_a_process_that_has_ended_is_a_zombie() -> None:
    """Its parent has to wait for it; nothing of it can be read."""
    script = "import os, sys, time; pid = os.fork() or os._exit(0); print(pid, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid: Any = parent.stdout.readline().decode().strip()
        (ended,) = await run_commands(command("check", f"--pid={pid}"))
        parent.kill()
    assert ended.code == 1
    assert "zombie" in ended.err
