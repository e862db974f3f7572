"""Without descriptors, memory, threads or source ports the probe failed, and nobody else."""

import _thread
import errno
import resource
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from probe.attempt.connect import open_socket
from probe.attempt.resolver import Resolver
from probe.clock.sources import ClockSources
from probe.diagnosis.diagnose import diagnose
from probe.ledger.ledger import Ledger
from probe.model.evidence import Ending, Evidence
from probe.model.target import ClockSource
from probe.service.pipeline import Pipeline
from probe.system.own_limits import (
    describe_lack,
    is_own_lack,
    lacks_descriptors,
    raise_descriptor_limit,
)
from tests.support.attempts import AT, prober, target
from tests.support.command_line import ROOT, configuration, entry, run_probe
from tests.support.exhaustion import no_descriptors
from tests.support.loopback_client import Start


def require_our_fault(evidence: Evidence) -> None:
    """Require that an attempt is called the probe's own failure, for want of descriptors."""
    diagnosis = diagnose(evidence)
    assert diagnosis.cause == "probe_fault", diagnosis
    assert "EMFILE" in diagnosis.facts[0]


@pytest.mark.parametrize(
    "more",
    [
        {"host": "localhost"},
        {"host": "127.0.0.1"},
        {"host": "no-such-name.invalid"},
        {"host": "127.0.0.1", "proxy_url": "http://127.0.0.1:9"},
        {"host": "127.0.0.1", "proxy_url": "http://localhost:9"},
    ],
    ids=["name", "address", "unknown name", "proxy", "proxy by name"],
)
async def test_without_descriptors_no_target_is_blamed(
    start: Start, tmp_path: Path, more: dict[str, Any]
) -> None:
    """Whether the look-up, the socket or the proxy's socket wants one."""
    backend = await start()
    probe, watched = prober(), target(tmp_path, backend.port, **more)
    await probe.attempt(watched)  # reads the files
    with no_descriptors():
        require_our_fault(await probe.attempt(watched))


async def test_without_descriptors_no_file_is_missing(start: Start, tmp_path: Path) -> None:
    """Files that cannot be opened for that are there; with descriptors they are read."""
    backend = await start()
    probe, watched = prober(), target(tmp_path, backend.port)
    with no_descriptors():
        require_our_fault(await probe.attempt(watched))
    assert diagnose(await probe.attempt(watched)).outcome == "confirmed"


async def test_without_descriptors_no_rotation_is_lost(start: Start, tmp_path: Path) -> None:
    """Files that changed meanwhile are read as soon as they can be."""
    backend = await start()
    probe, watched = prober(), target(tmp_path, backend.port)
    await probe.attempt(watched)
    certificate = tmp_path / "tls.crt"
    certificate.write_bytes(certificate.read_bytes() + b"\n")
    with no_descriptors():
        require_our_fault(await probe.attempt(watched))
    assert diagnose(await probe.attempt(watched)).outcome == "confirmed"


async def test_without_descriptors_the_line_goes_on(start: Start, tmp_path: Path) -> None:
    """Each attempt is the probe's failure, and the next one after it is confirmed."""
    backend = await start()
    watched = target(tmp_path, backend.port, host="localhost")
    pipeline = Pipeline(Ledger([watched]))
    with no_descriptors():
        for _ in range(3):
            _, _, diagnosis = await pipeline.probe_once(watched)
            assert diagnosis.cause == "probe_fault"
    _, _, diagnosis = await pipeline.probe_once(watched)
    assert diagnosis.outcome == "confirmed"


async def test_experiments_without_descriptors_show_nothing(start: Start, tmp_path: Path) -> None:
    """The round's first handshake could not be made: nothing is proven or ruled out."""
    backend = await start(behaviour="close")
    probe, watched = prober(), target(tmp_path, backend.port)
    evidence = await probe.attempt(watched)
    with no_descriptors():
        made = await probe.run_experiments(watched, evidence, ("every_cipher",))
    assert {one.ending.kind for one in made} == {"probe_fault"}


async def test_a_clock_is_not_asked_without_descriptors() -> None:
    """It leaves no reading, and no exception."""
    sources = ClockSources(
        [ClockSource("sntp", "127.0.0.1:9"), ClockSource("http", "http://127.0.0.1:9/")],
        Resolver(),
        wall_clock=lambda: AT,
        user_agent="t",
    )
    with no_descriptors():
        await sources.measure()
    assert sources.readings() == ()


async def test_no_thread_is_no_dns_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pthread_create gives EAGAIN at the limit of processes (pids.max, RLIMIT_NPROC)."""

    def refuse(*_what: object) -> int:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    diagnosis = diagnose(await prober().attempt(target(tmp_path, 1, host="localhost")))
    assert diagnosis.cause == "probe_fault"
    assert "EAGAIN" in diagnosis.facts[0]


@pytest.mark.parametrize(
    ("has_source", "kind"), [(True, "probe_fault"), (False, "socket")], ids=["ports", "address"]
)
async def test_no_source_port_is_ours_and_no_source_address_is_not(
    has_source: bool, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """connect(2) says EADDRNOTAVAIL of both; a container without IPv6 gets it for ::1."""

    class Failing(socket.socket):
        def connect_ex(self, address: object) -> int:
            if has_source and self.type == socket.SOCK_DGRAM:
                return 0
            return errno.EADDRNOTAVAIL

    monkeypatch.setattr("probe.attempt.connect.socket.socket", Failing)
    outcome = await open_socket("127.0.0.1", 4317, 0.0)
    assert isinstance(outcome, Ending)
    assert outcome.kind == kind
    assert outcome.detail.startswith("EADDRNOTAVAIL")


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS])
def test_a_lack_is_known_through_what_wraps_it(number: int) -> None:
    """Libraries raise their own errors from it."""
    try:
        try:
            raise OSError(number, "x")
        except OSError as error:
            raise LookupError("wrapped") from error
    except LookupError as error:
        assert is_own_lack(error)
        assert describe_lack(error) == errno.errorcode[number]


@pytest.mark.parametrize("error", [OSError(errno.ENOENT, "x"), ValueError("x"), TimeoutError()])
def test_another_error_is_no_lack(error: Exception) -> None:
    """A file that is missing is missing."""
    assert not is_own_lack(error)


def test_descriptors_can_be_had_or_not() -> None:
    """And none of those that were tried is kept."""
    assert lacks_descriptors() == ""
    with no_descriptors():
        assert lacks_descriptors() == "EMFILE"
    free = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(10):
        lacks_descriptors()
    assert len(list(Path("/proc/self/fd").iterdir())) == free


@pytest.mark.slow
def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    """At the start of every command that runs a loop; a shell gives 1024 of many more."""
    program = (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 300))\n"
        "from probe.cli.run_command import run_in_loop\n"
        "async def main():\n"
        "    print(*resource.getrlimit(resource.RLIMIT_NOFILE))\n"
        "run_in_loop(main())\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, timeout=30, check=True
    )
    assert ended.stdout == b"300 300\n"
    assert raise_descriptor_limit() == resource.getrlimit(resource.RLIMIT_NOFILE)[0]


@pytest.mark.slow
async def test_check_exits_3_without_descriptors(start: Start, tmp_path: Path) -> None:
    """A hard limit that leaves no socket for the attempts; nobody is blamed."""
    backend = await start()
    files = target(tmp_path, backend.port).tls
    endpoint = f"https://localhost:{backend.port}"
    many = [entry(backend, files, name=f"t{n}", endpoint=endpoint) for n in range(60)]
    file = configuration(tmp_path, *many, concurrency=60)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30))

    ended = await run_probe("check", "--config", file, "--output", "json", preexec_fn=limit)
    causes = {one["cause"] for one in ended.document["results"]}
    assert causes <= {None, "probe_fault"}, ended.document
    assert ended.code == (3 if "probe_fault" in causes else 0)
    assert "probe_fault" in causes
