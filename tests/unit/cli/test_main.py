"""The command line as its users run it: exit codes, what is printed, and never a traceback."""

import asyncio
import json
import resource
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from probe import __version__
from probe.cli import main as cli
from tests.support.backends import Backend
from tests.support.command_line import (
    NOWHERE,
    command,
    configuration,
    entry,
    finish,
    run_commands,
    run_probe,
    start_probe,
)
from tests.support.demo_pki import PKI
from tests.support.pki import write_pem

pytestmark = pytest.mark.slow

# The documented order; by_exporter and experiments are added to it.
RESULT_KEYS: Final = (
    "target endpoint protocol labels at outcome expected stage cause family documented_cause "
    "certain also findings party exporter peer_address facts fix by_exporter changed alerts tls "
    "acceptable_cas server_certificates client_certificates clock experiments durations"
).split()
TLS_KEYS: Final = ["version", "cipher", "group", "alpn", "client_certificate_requested"]
CERTIFICATE_KEYS: Final = "subject issuer serial_number not_before not_after sans sha256".split()


@asynccontextmanager
async def healthy(port: int = 0) -> AsyncIterator[Backend]:
    """Run a backend with which nothing is wrong."""
    backend = PKI.backend("healthy")
    await backend.start(port)
    try:
        yield backend
    finally:
        await backend.stop()


def files(folder: Path) -> list[str]:
    """Write an exporter's files; return the options that name them."""
    tls = PKI.settings(folder, PKI.exporter())
    assert tls.cert_file
    assert tls.key_file
    assert tls.ca_file
    return ["--cert", tls.cert_file, "--key", tls.key_file, "--ca", tls.ca_file]


@contextmanager
def silent_port() -> Iterator[str]:
    """Listen, let the kernel take connections, and never say anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=200) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


async def test_all_as_expected_is_0_and_the_json_has_the_documented_keys(tmp_path: Path) -> None:
    """A backend that accepts the exporter: exit 0, and exactly the documented keys, in their order."""
    async with healthy() as backend:
        endpoint = f"https://127.0.0.1:{backend.port}"
        ended = await run_probe("check", endpoint, *files(tmp_path), "--output", "json")
    assert (ended.code, ended.err) == (0, "")
    document = ended.document
    assert list(document) == ["schema", "results", "sources"]
    assert document["sources"] == []
    assert document["schema"] == "mtls-probe/1"
    (result,) = document["results"]
    assert list(result) == RESULT_KEYS
    assert (result["outcome"], result["expected"], result["stage"]) == ("confirmed", True, "export")
    assert (result["cause"], result["family"]) == (None, None)
    assert list(result["tls"]) == TLS_KEYS
    assert list(result["clock"]) == ["offset_seconds", "source"]
    for certificate in (*result["server_certificates"], *result["client_certificates"]):
        assert list(certificate) == CERTIFICATE_KEYS
    assert result["server_certificates"]
    assert result["client_certificates"]
    assert ended.out.endswith("]}\n")
    assert ended.out.count("\n") == 1


async def test_one_that_is_not_as_expected_is_1(tmp_path: Path) -> None:
    """One target of two fails: exit 1, and `jsonl` prints one result a line, each whole."""
    async with healthy() as backend:
        good = f"https://127.0.0.1:{backend.port}"
        ended = await run_probe("check", good, NOWHERE, *files(tmp_path), "--output", "jsonl")
    assert ended.code == 1
    results = [json.loads(line) for line in ended.out.splitlines()]
    assert [list(result) for result in results] == [RESULT_KEYS, RESULT_KEYS]
    assert [result["cause"] for result in results] == [None, "tcp_refused"]
    alerts: list[Any] = results[1]["alerts"]
    assert alerts == []


async def test_the_table_names_cause_proof_and_fix() -> None:
    """Without --output: a row for each target and the story of what failed; no colour in a pipe."""
    ended = await run_probe("check", NOWHERE, env={"FORCE_COLOR": "1"})
    assert ended.code == 1
    heading, row, *story = ended.out.splitlines()
    assert heading.split() == ["TARGET", "ENDPOINT", "OUTCOME", "STAGE", "CAUSE"]
    assert row.split() == [NOWHERE, NOWHERE, "failed", "connect", "tcp_refused"]
    assert any(line.startswith("  seen  ") for line in story)
    assert any(line.startswith("  fix  ") for line in story)
    assert "\x1b" not in ended.out
    assert ended.err == ""


async def test_a_fault_of_the_probe_is_3() -> None:
    """Too many open files is a limit of this machine: exit 3, whatever else failed."""
    few = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (48, 48))
    with silent_port() as port:
        ended = await run_probe(
            "check", *[port] * 90, "--timeout", "1s", "--output", "json", preexec_fn=few
        )
    causes = {result["cause"] for result in ended.document["results"]}
    assert ended.code == 3
    assert "probe_fault" in causes


async def test_a_target_that_must_fail_this_way_is_as_expected(tmp_path: Path) -> None:
    """`expect` turns a refusal into success: exit 0; the table says that it is as expected."""
    async with healthy() as backend:
        without = PKI.settings(tmp_path, None)
        guard = entry(backend, without, expect={"cause": "client_cert_not_sent"})
        ended = await run_probe("check", "--config", configuration(tmp_path, guard))
    assert ended.code == 0
    assert "failed (as expected)" in ended.out
    assert "client_cert_not_sent" in ended.out


async def test_a_target_that_must_fail_and_does_not_is_1(tmp_path: Path) -> None:
    """Mutual TLS that was switched off is found: the backend accepts a client that it must refuse."""
    async with healthy() as backend:
        tls = PKI.settings(tmp_path, PKI.exporter())
        guard = entry(backend, tls, expect={"cause": "client_cert_not_sent"})
        ended = await run_probe("check", "--config", configuration(tmp_path, guard))
    assert ended.code == 1
    assert "confirmed" in ended.out


async def test_a_bug_of_the_probe_is_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only our own bug is shown as a traceback, and it is not taken for a target's failure."""

    def buggy(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli.cli, "main", buggy)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 3
    assert "ZeroDivisionError" in capsys.readouterr().err


async def test_endpoints_from_stdin_and_from_a_file(tmp_path: Path) -> None:
    """`-` and --targets read one endpoint a line, without comments and empty lines."""
    named = tmp_path / "targets.txt"
    named.write_text("\ufeff127.0.0.1:2\r\n\r\n# not this\r\n 127.0.0.1:3 \r\n", encoding="utf-8")
    ended = await run_probe(
        *("check", NOWHERE, "-", "--targets", named, "--output", "jsonl"),
        stdin=b"# none\n\n127.0.0.1:4\n127.0.0.1:4",
    )
    assert ended.code == 1
    names = [json.loads(line)["target"] for line in ended.out.splitlines()]
    assert names == [NOWHERE, "127.0.0.1:4", "127.0.0.1:4#2", "127.0.0.1:2", "127.0.0.1:3"]


async def test_the_environment_of_an_sdk_is_enough(tmp_path: Path) -> None:
    """Without --config, the OTEL_EXPORTER_OTLP_* variables are read as an SDK reads them."""
    tls = PKI.settings(tmp_path, PKI.exporter())
    async with healthy() as backend:
        variables = {
            "ENDPOINT": f"https://127.0.0.1:{backend.port}",
            "PROTOCOL": "grpc",
            "CERTIFICATE": tls.ca_file or "",
            "CLIENT_CERTIFICATE": tls.cert_file or "",
            "CLIENT_KEY": tls.key_file or "",
        }
        env = {f"OTEL_EXPORTER_OTLP_{name}": value for name, value in variables.items()}
        ended = await run_probe("check", "--output", "json", env=env)
    assert ended.code == 0
    assert [result["target"] for result in ended.document["results"]] == ["sdk"]


async def test_validate_finds_credential_faults_and_connects_nowhere(tmp_path: Path) -> None:
    """Files that fit: exit 0. A certificate with another's key: exit 1, the fault and its fix."""
    with silent_port() as port:
        good = PKI.settings(tmp_path, PKI.exporter())
        other = write_pem(tmp_path, "other.key", PKI.exporter().key_pem)
        target = {"name": "t", "endpoint": f"https://{port}"}
        tls = {"ca_file": good.ca_file, "cert_file": good.cert_file, "key_file": good.key_file}
        fits = configuration(tmp_path, {**target, "tls": tls})
        ended = await run_probe("validate", "--config", fits)
        assert ended.code == 0
        assert "fault" not in ended.out
        assert ended.err == "1 target, 0 faults\n"

        (tmp_path / "bad").mkdir()
        wrong = configuration(tmp_path / "bad", {**target, "tls": {**tls, "key_file": str(other)}})
        ended = await run_probe("validate", "--config", wrong)
        assert ended.code == 1
        assert "fault: t: " in ended.out
        assert "(client_cert_key_mismatch)" in ended.out
        assert "  fix: " in ended.out


async def test_validate_and_inspect_ask_no_list(tmp_path: Path) -> None:
    """They connect nowhere, http_sd's server included, and say what they leave out."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readline()).decode())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/list?token=s3cr3t"
        path = tmp_path / "probe.yml"
        path.write_text(json.dumps({"sources": [{"http_sd": url}]}), "utf-8")
        validated, inspected = await run_commands(
            command("validate", "--config", path), command("inspect", "--config", path)
        )
    assert asked == []
    for ended in (validated, inspected):
        assert ended.code == 0
        assert "connects nowhere" in ended.err
        assert "s3cr3t" not in ended.err


async def test_wait_ends_as_soon_as_the_backend_is_there(refused_port: int, tmp_path: Path) -> None:
    """A backend that comes up while `check --wait` repeats: exit 0, long before the time is up."""
    began = time.monotonic()
    process = await start_probe(
        *("check", f"https://127.0.0.1:{refused_port}", *files(tmp_path), "--wait", "10s")
    )
    await asyncio.sleep(1.2)
    assert process.returncode is None
    async with healthy(refused_port):
        ended = await finish(process)
    assert ended.code == 0
    assert "confirmed" in ended.out
    assert time.monotonic() - began < 8


async def test_wait_gives_up_when_the_time_is_up() -> None:
    """Nothing comes up: the last round is printed, exit 1."""
    began = time.monotonic()
    ended = await run_probe("check", NOWHERE, "--wait", "1500ms")
    assert time.monotonic() - began > 1.0
    assert ended.code == 1
    assert "tcp_refused" in ended.out


async def test_ctrl_c_during_a_check_is_130() -> None:
    """An attempt that hangs is given up at once."""
    # Tests that a shell runs in the background ignore the signal, and so would what they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    connected = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        process = await start_probe("check", f"127.0.0.1:{port}", "--timeout", "30s")
        await asyncio.wait_for(connected.wait(), 20)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        ended = await finish(process)
    assert ended.code == 130
    assert time.monotonic() - began < 5


async def test_the_version_is_reported() -> None:
    """--version names the distribution and its version."""
    ended = await run_probe("--version")
    assert (ended.code, ended.out) == (0, f"mtls-probe, version {__version__}\n")
