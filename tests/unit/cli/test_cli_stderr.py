"""Standard error that nobody reads, or can't be written: the service goes on, exit codes stay right."""

import asyncio
import json
import os
import re
import signal
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from probe.service.service import DRAIN_TIME
from probe.system.standard_streams import LAST_LINES
from tests.support.backends import Backend
from tests.support.command_line import (
    NOWHERE,
    RunningService,
    configuration,
    entry,
    environment,
    finish,
    run_probe,
    start_probe,
)
from tests.support.demo_pki import PKI
from tests.support.ports import reserved_port
from tests.support.unread_stderr import PAGE, full_pipe, is_blocking, read_what_is_there

pytestmark = pytest.mark.slow

LOST = "mtls_probe_log_lines_dropped_total"


@contextmanager
def reader_that_left() -> Iterator[int]:
    """Yield the end to write of a pipe without a reader (EPIPE)."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@contextmanager
def full_disk() -> Iterator[int]:
    """Yield a file that takes nothing (ENOSPC)."""
    full = os.open("/dev/full", os.O_WRONLY)
    yield full
    os.close(full)


@contextmanager
def reader_that_does_not_read() -> Iterator[int]:
    """Yield the end to write of a pipe that is full."""
    with full_pipe() as (_, writer):
        yield writer


BROKEN = [reader_that_left, full_disk, reader_that_does_not_read]


@asynccontextmanager
async def service(
    folder: Path, stderr: int, env: Mapping[str, str] | None = None, **more: Any
) -> AsyncIterator[RunningService]:
    """Run the service with `stderr`, on a port that is known without its log."""
    config = configuration(folder, {"name": "nobody", "endpoint": NOWHERE}, **more)
    document = json.loads(config.read_text(encoding="utf-8"))
    with reserved_port() as port:
        address = f"127.0.0.1:{port}"
        config.write_text(json.dumps(document | {"web": {"listen": address}}), encoding="utf-8")
        process = await start_probe("run", "--config", config, stderr=stderr, env=env)
        running = RunningService(process, address, {})
        try:
            async with asyncio.timeout(20):
                while not await is_ready(running):
                    await asyncio.sleep(0.05)
            yield running
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def is_ready(running: RunningService) -> bool:
    """Return whether the service answers that it is."""
    try:
        return await running.get("/-/ready") == (200, "ready\n")
    except aiohttp.ClientError:
        return False


@pytest.mark.parametrize("broken", BROKEN)
async def test_the_service_runs_and_stops_whatever_stderr_is(tmp_path: Path, broken: Any) -> None:
    """It probes, answers, reads its configuration again, and ends with 0 soon after SIGTERM."""
    with broken() as stderr:
        async with service(tmp_path, stderr) as running:
            for _ in range(5):
                running.process.send_signal(signal.SIGHUP)
                await asyncio.sleep(0.05)
            await running.reaches('mtls_probe_failures_total{target="nobody"}', 1.0)
            if broken is not reader_that_does_not_read:
                await running.reaches(LOST, 2.0)
            assert await running.get("/-/healthy") == (200, "healthy\n")
            began = time.monotonic()
            ended = await running.stop()
            assert time.monotonic() - began < 5.0
        assert ended.code == 0
        assert is_blocking(stderr)


async def test_the_end_is_in_time_with_both_a_peer_and_a_reader_that_hang(tmp_path: Path) -> None:
    """What is granted to attempts under way and to the last lines is less than five seconds."""
    assert DRAIN_TIME + LAST_LINES < 4.0
    backend = Backend(
        name="silent", server=PKI.server(), client_ca=PKI.client_ca, behaviour="silent"
    )
    await backend.start()
    try:
        target = entry(backend, PKI.settings(tmp_path, PKI.exporter()), timeout="30s")
        with reader_that_does_not_read() as stderr:
            async with service(tmp_path, stderr, targets=[target]) as running:
                await running.reaches("mtls_probe_in_flight", 1.0)
                began = time.monotonic()
                ended = await running.stop()
                # Five, and what a machine that is busy with other tests may add.
                assert time.monotonic() - began < 8.0
    finally:
        await backend.stop()
    assert ended.code == 0


async def test_the_log_goes_on_where_it_was_when_the_reader_reads_again(tmp_path: Path) -> None:
    """A few lines wait in a full pipe's stead; none is lost, and none was late to the service."""
    with full_pipe() as (reader, writer):
        async with service(tmp_path, writer) as running:
            await running.reaches('mtls_probe_failures_total{target="nobody"}', 1.0)
            assert await running.sample(LOST) == 0.0
            os.read(reader, PAGE)
            assert (await running.stop()).code == 0
        lines = [json.loads(line) for line in read_what_is_there(reader).splitlines()]
    events = [line["event"] for line in lines]
    assert events[0] == "listening"
    assert "target_outcome_changed" in events
    assert events[-1] == "stopping"


async def test_a_reader_that_comes_back_reads_how_much_it_missed(tmp_path: Path) -> None:
    """A FIFO's reader (a log shipper that restarts) finds a line of JSON as the others."""
    fifo = tmp_path / "log"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(fifo, os.O_WRONLY)
    async with service(tmp_path, writer) as running:
        os.close(writer)
        await running.reaches('mtls_probe_failures_total{target="nobody"}', 1.0)
        read = b""
        while b"target_outcome_changed" not in read:
            read += read_what_is_there(reader)
            await asyncio.sleep(0.02)
        os.close(reader)
        for lost in range(1, 4):
            running.process.send_signal(signal.SIGHUP)
            await running.reaches(LOST, float(lost))
        missed = await running.sample(LOST)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        assert (await running.stop()).code == 0
    report, *rest = (json.loads(line) for line in os.read(reader, 65536).splitlines())
    os.close(reader)
    assert report.pop("timestamp").endswith("Z")
    assert report == {"level": "warning", "event": "log_lines_dropped", "lines": missed}
    assert [line["event"] for line in rest] == ["stopping"]


async def test_a_library_that_writes_past_python_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """The core of gRPC would report each failed handshake of the span exporter on the descriptor itself."""
    pytest.importorskip("grpc")

    async def no_tls(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"this is not TLS\r\n" * 10)
        writer.close()

    async with await asyncio.start_server(no_tls, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        env = {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"https://127.0.0.1:{port}",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc",
        }
        with reader_that_does_not_read() as stderr:
            async with service(tmp_path, stderr, env) as running:
                await running.reaches('mtls_probe_failures_total{target="nobody"}', 1.0)
                began = time.monotonic()
                ended = await running.stop()
                assert time.monotonic() - began < 5.0
    assert ended.code == 0


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_check_ends_as_it_ended_whatever_stderr_is(tmp_path: Path, broken: Any) -> None:
    """Its warnings are lost; its document is whole and its exit code is the check's."""
    config = configuration(
        tmp_path,
        {"name": "nobody", "endpoint": NOWHERE, "labels": {"a": "${env:NOT_SET_ANYWHERE}"}},
    )
    with broken() as stderr:
        ended = await run_probe(
            "check",
            "--config",
            config,
            "--output",
            "json",
            stderr=stderr,
            env={"PYTHONWARNINGS": "d"},
        )
    assert ended.code == 1
    [result] = ended.document["results"]
    assert result["cause"] == "tcp_refused"


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_usage_error_is_2_whatever_stderr_is(broken: Any) -> None:
    """Nobody reads the message; a script still finds out."""
    with broken() as stderr:
        ended = await run_probe("check", "--no-such-option", stderr=stderr)
    assert (ended.code, ended.out) == (2, "")


async def test_both_streams_may_be_full() -> None:
    """What can't be delivered is 3 by stdout, also where stderr can't say so."""
    with full_disk() as full:
        ended = await run_probe("check", NOWHERE, "--output", "json", stdout=full, stderr=full)
    assert ended.code == 3


async def test_a_full_disk_behind_output_file_is_the_machines_fault(tmp_path: Path) -> None:
    """3, with the file's name; a folder that is missing is said before anything is tried."""
    full = await run_probe("check", NOWHERE, "--output", "json", "--output-file", "/dev/full")
    said = "mtls-probe: cannot write: No space left on device (/dev/full)\n"
    assert (full.code, full.err) == (3, said)
    nowhere = tmp_path / "missing" / "out.json"
    wrong = await run_probe("check", NOWHERE, "--output", "json", "--output-file", nowhere)
    assert wrong.code == 3
    assert "No such file or directory; make its folder first" in wrong.err
    assert str(nowhere) in wrong.err


async def test_both_streams_in_one_pipe_keep_their_order(tmp_path: Path) -> None:
    """`mtls-probe validate 2>&1`: warnings, then the table, then the sum, as they were written."""
    config = configuration(
        tmp_path,
        {"name": "nobody", "endpoint": NOWHERE, "labels": {"a": "${env:NOT_SET_ANYWHERE}"}},
    )
    process = await start_probe("validate", "--config", config, stderr=asyncio.subprocess.STDOUT)
    ended = await finish(process)
    warning, *_, total = ended.out.splitlines()
    assert warning.startswith("warning: ")
    assert total == "1 target, 0 faults"


WRITERS = """
import asyncio, logging, sys, threading, warnings, weakref
from probe.system.standard_streams import count_dropped_lines, install_bounded_stderr
install_bounded_stderr()

class Fails:
    def __del__(self):
        raise ValueError("in a destructor")

class FailsLate:
    def __del__(self, write=sys.stderr.write):
        write("as the interpreter ends" * 1000)
        raise ValueError("as the interpreter ends")

def fails():
    raise ValueError("in a thread")

async def main():
    for _ in range(60):
        warnings.warn("x" * 2000, stacklevel=1)
        logging.getLogger("aiohttp.server").error("Error handling request", exc_info=ValueError())
        logging.getLogger("apscheduler").critical("y" * 2000)
        logging.getLogger("hpack").warning("not enough %d for %s", "arguments")
        asyncio.get_running_loop().call_exception_handler({"message": "z" * 2000})
        Fails()
        thread = threading.Thread(target=fails)
        thread.start()
        thread.join()
        print("progress", end="\\r", file=sys.stderr, flush=True)
    asyncio.create_task(asyncio.sleep(0)).cancel()

warnings.simplefilter("always")
asyncio.run(main())
late = FailsLate()
print(count_dropped_lines())
sys.exit(7)
"""


@pytest.mark.parametrize("broken", BROKEN)
async def test_nothing_of_python_waits_for_stderr_or_fails_by_it(broken: Any) -> None:
    """Warnings, loggers of libraries, tracebacks of threads and destructors, and the end itself."""
    with broken() as stderr:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", textwrap.dedent(WRITERS)),
            env=environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
        )
        ended = await finish(process)
    assert ended.code == 7
    assert re.fullmatch(r"\d+\n", ended.out)
    if broken is not reader_that_does_not_read:
        assert int(ended.out) > 400


async def test_all_of_it_arrives_where_somebody_reads() -> None:
    """The same with a reader: nothing is lost, so the tests above lost it to the pipe alone."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", textwrap.dedent(WRITERS)),
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    assert (process.returncode, out) == (7, b"0\n")
    assert err.count(b"Error handling request") == 60
    assert err.count(b"ValueError: in a destructor") == 60
    assert err.count(b"ValueError: in a thread") == 60
    assert err.count(b"Arguments: ('arguments',)") == 60
    assert b"ValueError: as the interpreter ends" in err
