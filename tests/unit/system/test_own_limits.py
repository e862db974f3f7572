"""No core dump of the probe holds a key, and it still knows itself what it needs to know."""

import asyncio
import json
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import NOWHERE, configuration, environment, running_service

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="prctl(2) is Linux's"),
]

# What is imported comes first: another user may not read the interpreter's files.
AS_SOMEBODY = """
import ctypes, json, os, resource, sys
from prometheus_client import CollectorRegistry, ProcessCollector
from probe.system.own_limits import forbid_core_dumps

libc = ctypes.CDLL(None)
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    libc.prctl(4, 1, 0, 0, 0)  # setuid(2) has taken it away

def known():
    return sorted(metric.name for metric in ProcessCollector(registry=CollectorRegistry()).collect())

def environ_is_readable():
    try:
        open("/proc/self/environ").close()
    except PermissionError:
        return False
    return True

before = [libc.prctl(3, 0, 0, 0, 0), environ_is_readable(), known()]
forbid_core_dumps()
after = [libc.prctl(3, 0, 0, 0, 0), environ_is_readable(), known()]
print(json.dumps([before, after, resource.getrlimit(resource.RLIMIT_CORE)]))
"""


async def test_a_process_that_is_not_dumpable_still_measures_itself() -> None:
    """As a user without privileges: closed to others, while the process metrics are all there."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", AS_SOMEBODY), env=environment(), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(process.communicate(), 20)
    before, after, limit = json.loads(out)
    assert before[:2] == [1, True]
    assert after[:2] == [0, False]
    assert after[2] == before[2]
    assert {"process_resident_memory_bytes", "process_open_fds"} <= set(after[2])
    assert limit == [0, 0]


@pytest.fixture
def core_dumps_wanted() -> Iterator[None]:
    """Let processes that are started now leave core dumps, as a careless host does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if hard == 0:
        pytest.skip("this host allows no core dumps")
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


@pytest.mark.usefixtures("core_dumps_wanted")
async def test_the_service_leaves_no_core_dump(tmp_path: Path) -> None:
    """`run` as it is: no file for the kernel to write, and its memory metrics on the page."""
    config = configuration(tmp_path, {"name": "nobody", "endpoint": NOWHERE})
    async with running_service(config) as service:
        limits = Path(f"/proc/{service.process.pid}/limits").read_text(encoding="ascii")
        [line] = [line for line in limits.splitlines() if line.startswith("Max core file size")]
        assert line.split()[4:6] == ["0", "0"]
        assert Path(f"/proc/{service.process.pid}/environ").stat().st_uid == 0
        assert (await service.sample("process_resident_memory_bytes") or 0) > 10e6
        assert (await service.sample("process_open_fds") or 0) > 3
