"""The command line as its users run it: exit codes, what is printed, and never a traceback."""

import asyncio
import json
import os
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

from probe import __version__, cli
from probe.demo.backend import Backend
from probe.demo.pki import write_pem
from probe.demo.scenarios import SCENARIOS
from tests.unit.command_line import (
    Ended,
    configuration,
    entry,
    finish,
    run_probe,
    side_by_side,
    start_probe,
)
from tests.unit.demo_pki import PKI

NOWHERE: Final = "127.0.0.1:1"
"""Where nothing listens."""
WITH_CONFIGURATION: Final = ("run", "check", "validate", "rules")
NOTHING_SET: Final = "OTEL_EXPORTER_OTLP_ENDPOINT: set it to the backend"

# interfaces.md, section 4, in its order; by_exporter and experiments are added to it.
RESULT_KEYS: Final = (
    "target endpoint protocol labels at outcome expected stage cause family documented_cause "
    "certain also findings facts fix by_exporter alerts tls acceptable_cas "
    "server_certificates client_certificates clock experiments durations"
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
    """A backend that lets the exporter in: exit 0, and exactly the contract's keys, in its order."""
    async with healthy() as backend:
        endpoint = f"https://127.0.0.1:{backend.port}"
        ended = await run_probe("check", endpoint, *files(tmp_path), "--output", "json")
    assert (ended.code, ended.err) == (0, "")
    document = ended.document
    assert list(document) == ["schema", "results"]
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
    """Mutual TLS that has been switched off is found: the backend lets in whom it must refuse."""
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


async def test_bytes_that_are_no_text_are_no_endpoint() -> None:
    """A binary file on stdin is a usage error that shows, escaped, what was read."""
    ended = await run_probe("check", "-", stdin=b"\x7fELF\xff\xfe\x1b[31m\n")
    assert ended.code == 2
    assert r"'\x7fELF\udcff\udcfe\x1b[31m'" in ended.err
    assert "\x1b" not in ended.err


USAGE_ERRORS: Final = {
    "an unknown command": (["chekc"], "No such command"),
    "an unknown option": (["check", "--certificate", "x"], "No such option"),
    "no endpoint": (["check", "host"], "has no port"),
    "two sources": (["check", NOWHERE, "--config", "x.yml"], "not both"),
    "files for nothing": (["check", "--ca", "ca.pem"], "--ca goes with an endpoint"),
    "an empty list": (["check", "-"], "no endpoint is named"),
    "a missing list": (["check", "--targets", "nowhere.txt"], "No such file"),
    "no port to serve on": (["demo", "--listen", "127.0.0.1:99999"], "is no HOST:PORT"),
}


async def test_a_usage_error_is_2() -> None:
    """A mistake on the command line is named on stderr, and nothing is on stdout."""
    commands = [arguments for arguments, _ in USAGE_ERRORS.values()]
    each = await side_by_side(*(run_probe(*arguments, stdin=b"") for arguments in commands))
    for ended, (mistake, (_, named)) in zip(each, USAGE_ERRORS.items(), strict=True):
        assert (ended.code, ended.out) == (2, ""), mistake
        assert named in ended.err, mistake


async def test_neither_file_nor_environment_is_2_and_says_what_to_set() -> None:
    """With nothing to probe, the first thing to set is named."""
    for ended in await side_by_side(*map(run_probe, WITH_CONFIGURATION)):
        assert (ended.code, ended.out) == (2, "")
        assert NOTHING_SET in ended.err
        assert "--config" in ended.err


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


async def test_a_configuration_error_says_where_what_and_what_is_near(tmp_path: Path) -> None:
    """File and line, the key's path, what was found, what is allowed, and the nearest of it."""
    config = tmp_path / "probe.yml"
    config.write_text(f"targets:\n  - endpoint: {NOWHERE}\n    protocol: grcp\n", encoding="utf-8")
    commands = ((command, "--config", config) for command in WITH_CONFIGURATION)
    for ended in await side_by_side(*(run_probe(*command) for command in commands)):
        assert (ended.code, ended.out) == (2, "")
        first, found, allowed, nearest = ended.err.splitlines()
        assert first.startswith(f"{config}:3: targets[0].protocol: ")
        assert found.split() == ["found:", "grcp"]
        assert allowed.split() == ["allowed:", "grpc,", "http/protobuf"]
        assert nearest.split() == ["nearest:", "grpc"]


async def test_a_configuration_that_cannot_be_read_is_2(tmp_path: Path) -> None:
    """A folder, a missing file, a loop of links, bytes that are no text: one line each."""
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00\x1b[31m")
    each = (tmp_path, tmp_path / "missing", tmp_path / "loop", tmp_path / "bytes")
    for ended in await side_by_side(*(run_probe("run", "--config", path) for path in each)):
        assert (ended.code, ended.out) == (2, "")
        assert str(tmp_path) in ended.err
        assert "\x1b" not in ended.err


async def test_a_hostile_file_name_is_shown_escaped(tmp_path: Path) -> None:
    """A path with an escape sequence does not reach the terminal as one."""
    ended = await run_probe("check", "--config", os.fsencode(tmp_path) + b"/\xff\x1b[31m\n.yml")
    assert ended.code == 2
    assert r"\udcff\x1b[31m\x0a.yml: cannot be read" in ended.err
    assert "\x1b" not in ended.err


async def test_what_the_configuration_leaves_open_is_said(tmp_path: Path) -> None:
    """A variable that is not set expands to nothing, as in a Collector, and a warning names it."""
    config = configuration(tmp_path, {"endpoint": NOWHERE, "name": "n${env:NOT_SET_HERE}"})
    ended = await run_probe("validate", "--config", config)
    assert ended.code == 0
    assert ended.err.splitlines()[0].startswith("warning: ")
    assert "NOT_SET_HERE" in ended.err


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
        assert ended.err == "1 target, 0 credential faults\n"

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
        validated, inspected = await side_by_side(
            run_probe("validate", "--config", path), run_probe("inspect", "--config", path)
        )
    assert asked == []
    for ended in (validated, inspected):
        assert ended.code == 0
        assert "connects nowhere" in ended.err
        assert "s3cr3t" not in ended.err


async def test_wait_ends_as_soon_as_the_backend_is_there(tmp_path: Path) -> None:
    """A backend that comes up while `check --wait` repeats: exit 0, long before the time is up."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    began = time.monotonic()
    process = await start_probe(
        *("check", f"https://127.0.0.1:{port}", *files(tmp_path), "--wait", "10s")
    )
    await asyncio.sleep(1.2)
    assert process.returncode is None
    async with healthy(port):
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


@pytest.mark.parametrize("output", ["table", "jsonl"])
async def test_a_reader_who_leaves_changes_nothing(output: str) -> None:
    """`mtls-probe check … | head`: no complaint, and the exit code is still the check's."""
    read_end, write_end = os.pipe()
    endpoints = [f"127.0.0.1:{port}" for port in range(1, 40)]
    process = await start_probe("check", *endpoints, "--output", output, stdout=write_end)
    os.close(write_end)
    os.close(read_end)
    ended = await finish(process)
    assert (ended.code, ended.err) == (1, "")


@pytest.mark.parametrize("output", ["table", "json"])
async def test_a_full_disk_is_3(output: str) -> None:
    """What cannot be written is the machine's fault, not a target's."""
    with Path("/dev/full").open("wb") as full:
        ended = await run_probe("check", NOWHERE, "--output", output, stdout=full)
    assert (ended.code, ended.err) == (3, "mtls-probe: No space left on device\n")


async def test_a_closed_stream_is_no_obstacle() -> None:
    """A standard stream that the caller closed: the check goes on without it."""
    each = await side_by_side(
        *(run_probe("check", NOWHERE, preexec_fn=partial(os.close, closed)) for closed in (0, 1, 2))
    )
    assert [ended.code for ended in each] == [1, 1, 1]
    assert ["tcp_refused" in ended.out for ended in each] == [True, False, True]


async def on_a_terminal(env: dict[str, str], *options: str) -> tuple[int, str]:
    """Run a check whose stdout and stderr are a terminal; return its code and what it showed."""
    ours, theirs = os.openpty()
    try:
        arguments = ("check", NOWHERE, *options)
        process = await start_probe(*arguments, env=env, stdout=theirs, stderr=theirs)
        os.close(theirs)
        shown = b""
        reading = asyncio.get_running_loop().run_in_executor
        while True:
            try:
                chunk = await reading(None, os.read, ours, 65536)
            except OSError:  # EIO: the other end is closed (pty(7))
                break
            shown += chunk
        return await process.wait(), shown.decode()
    finally:
        os.close(ours)


async def test_a_terminal_gets_colour_and_progress() -> None:
    """On a terminal the outcome is coloured, and progress is shown while it lasts, then erased."""
    code, shown = await on_a_terminal({"TERM": "xterm-256color"})
    assert code == 1
    assert "\x1b[31mfailed" in shown
    assert shown.startswith("\r\x1b[K0 of 1 tried\r\x1b[K1 of 1 tried, 1 not as expected: ")
    assert shown.split("\r")[3].startswith("\x1b[K")


async def test_a_terminal_sees_what_a_wait_is_waiting_for() -> None:
    """After how many attempts which target still is not as expected."""
    _, shown = await on_a_terminal({"TERM": "xterm-256color"}, "--wait", "1500ms")
    assert f"\r\x1b[K1 of 1 tried, 2 attempts, 1 not as expected: {NOWHERE}" in shown


async def test_quiet_shows_no_progress() -> None:
    """The first thing on the terminal is the table."""
    code, shown = await on_a_terminal({"TERM": "xterm-256color"}, "--quiet")
    assert code == 1
    assert "tried" not in shown.splitlines()[0]
    assert "TARGET" in shown.splitlines()[0]


async def test_no_color_is_honoured() -> None:
    """NO_COLOR leaves no colour on a terminal either."""
    code, shown = await on_a_terminal({"TERM": "xterm-256color", "NO_COLOR": "1"})
    assert code == 1
    assert "failed" in shown
    for colour in range(30, 50):
        assert f"\x1b[{colour}m" not in shown


async def test_ctrl_c_during_a_check_is_130() -> None:
    """An attempt that hangs is given up at once."""
    with silent_port() as port:
        process = await start_probe("check", port, "--timeout", "30s")
        await asyncio.sleep(1.5)
        process.send_signal(signal.SIGINT)
        told = time.monotonic()
        ended = await finish(process)
    assert ended.code == 130
    assert time.monotonic() - told < 5


async def test_demo_once_finds_every_cause() -> None:
    """One round over the demo's backends: exit 0, and each cause is in the table."""
    ended = await run_probe("demo", "--once")
    assert (ended.code, ended.err) == (0, "")
    for scenario in SCENARIOS:
        assert scenario.name in ended.out
        assert (scenario.expected or "confirmed") in ended.out
    # The fixes name files: whoever copies one should know that they were the demo's.
    said = ended.out.splitlines()[-1]
    folder = said.removeprefix("The certificates in ").partition(" ")[0]
    assert f"{folder}/" in ended.out
    assert not Path(folder).exists()


async def until_served(process: asyncio.subprocess.Process) -> str:
    """Wait until the demo names its status page."""
    assert process.stderr is not None
    async with asyncio.timeout(20):
        while line := await process.stderr.readline():
            if line.startswith(b"status page: "):
                return line.decode().split()[2]
    raise AssertionError("the demo ended")


async def test_ctrl_c_ends_the_demo_and_leaves_nothing(tmp_path: Path) -> None:
    """The demo serves its page until Ctrl-C; its throwaway keys are gone afterwards."""
    process = await start_probe("demo", "--listen", "127.0.0.1:0", env={"TMPDIR": str(tmp_path)})
    page = await until_served(process)
    assert page.startswith("http://127.0.0.1:")
    assert list(tmp_path.iterdir())
    process.send_signal(signal.SIGINT)
    ended: Ended = await finish(process)
    assert ended.code == 0
    assert list(tmp_path.iterdir()) == []


async def test_a_demo_that_cannot_listen_is_2() -> None:
    """The demo says where it wanted to serve its page; its port may be another demo's."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = await run_probe("demo", "--listen", address)
    assert ended.code == 2
    assert f"cannot listen on {address}" in ended.err


async def test_the_version_is_told() -> None:
    """--version names the distribution and its version."""
    ended = await run_probe("--version")
    assert (ended.code, ended.out) == (0, f"mtls-probe, version {__version__}\n")
