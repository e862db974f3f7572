"""Problems of the probe itself: suspended, throttled, without descriptors, its stderr not read."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from tests.faults import name_server
from tests.faults.fault import Parameters, ProbeTrouble
from tests.faults.name_server import DOMAIN
from tests.faults.probe_process import DESCRIPTORS
from tests.faults.wall_clock import unmovable
from tests.faults.world import LIMITS, MODULE, PORT, World

HANGING_NAMES: Final = 200
_PERIOD: Final = 0.1
"""Seconds; that of the kernel's own CPU quotas (cpu.max)."""


def _suspend(world: World, _parameters: Parameters) -> Callable[[], None]:
    probe = world.probe
    probe.suspend()
    return probe.resume


def _throttle(world: World, parameters: Parameters) -> Callable[[], None]:
    """Let it run only for a share of each period, as a quota does."""
    pid = world.probe.pid
    ended = threading.Event()

    def run() -> None:
        while not ended.is_set():
            os.kill(pid, signal.SIGCONT)
            time.sleep(parameters["share"] * _PERIOD)
            os.kill(pid, signal.SIGSTOP)
            ended.wait((1 - parameters["share"]) * _PERIOD)
        os.kill(pid, signal.SIGCONT)

    throttling = threading.Thread(target=run, daemon=True)
    throttling.start()

    def undo() -> None:
        ended.set()
        throttling.join()

    return undo


def _take_descriptors(world: World, _parameters: Parameters) -> Callable[[], None]:
    probe = world.probe
    probe.take_descriptors()
    return probe.give_descriptors


def _flood(world: World, _parameters: Parameters) -> Callable[[], None]:
    """Open more idle connections to its pages than it has descriptors."""
    host, _, port = world.address.rpartition(":")
    held: list[socket.socket] = []
    for _ in range(DESCRIPTORS + 100):
        idle = socket.socket()
        held.append(idle)
        idle.setblocking(False)
        idle.connect_ex((host, int(port)))

    def undo() -> None:
        for idle in held:
            idle.close()

    return undo


def _ask_about_hanging_names(world: World, _parameters: Parameters) -> Callable[[], None]:
    """Request more /probe look-ups of names without an answer than it has free descriptors."""
    assert world.names is not None
    host, _, port = world.address.rpartition(":")
    asking: list[socket.socket] = []
    for number in range(HANGING_NAMES):
        name = f"hanging-{number}.{DOMAIN}"
        world.names.set(name, "silent")
        path = f"/probe?module={MODULE}&target={name}:{PORT}"
        one = socket.create_connection((host, int(port)), 5)
        one.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        asking.append(one)

    def undo() -> None:
        for one in asking:
            one.close()

    return undo


def _take_memory(world: World, _parameters: Parameters) -> Callable[[], None]:
    """Limit its address space to the present size: a new thread may not start."""
    probe = world.probe
    probe.take_memory()
    return probe.give_memory


def _block_stderr(world: World, _parameters: Parameters) -> Callable[[], None]:
    probe = world.probe
    probe.block_stderr()
    return probe.unblock_stderr


def _leave_stderr(world: World, _parameters: Parameters) -> Callable[[], None]:
    """Close the reading end: it stays closed until the next probe is started."""
    world.probe.leave_stderr()
    return lambda: None


def _step_clock(world: World, parameters: Parameters) -> Callable[[], None]:
    world.probe.set_clock(parameters["minutes"])
    return lambda: world.probe.set_clock(0)


def _busy(_world: World, parameters: Parameters) -> Callable[[], None]:
    # It ends by itself if nobody ends it.
    loop = "import time\nend = time.monotonic() + 30\nwhile time.monotonic() < end: pass"
    loops = [subprocess.Popen([sys.executable, "-c", loop]) for _ in range(parameters["loops"])]

    def undo() -> None:
        for each in loops:
            with suppress(ProcessLookupError):
                each.kill()
            each.wait()

    return undo


def _seconds(parameters: Parameters) -> float:
    return float(parameters["seconds"])


PROBE_TROUBLES: Final = (
    ProbeTrouble(
        name="probe_suspended_briefly",
        strike=_suspend,
        choose=lambda random: {"seconds": random.uniform(0.2, 0.8) * LIMITS.timeout},
        hold=_seconds,
        halts=True,
    ),
    ProbeTrouble(
        name="probe_suspended_long",
        strike=_suspend,
        choose=lambda random: {"seconds": random.uniform(1.2, 4.0) * LIMITS.timeout},
        hold=_seconds,
        halts=True,
    ),
    ProbeTrouble(
        name="probe_throttled",
        strike=_throttle,
        choose=lambda random: {"share": random.uniform(0.05, 0.2)},
        halts=True,
    ),
    ProbeTrouble(name="probe_without_descriptors", strike=_take_descriptors, deafens=True),
    ProbeTrouble(name="probe_flooded", strike=_flood),
    ProbeTrouble(name="probe_without_memory", strike=_take_memory, deafens=True),
    *(
        ()
        if name_server.unavailable()
        else (
            ProbeTrouble(name="probe_asked_about_hanging_names", strike=_ask_about_hanging_names),
        )
    ),
    ProbeTrouble(
        name="probe_stderr_blocked",
        strike=_block_stderr,
        hold=lambda _parameters: 2 * LIMITS.timeout + 6 * LIMITS.interval,
        needs_a_fault=True,
    ),
    ProbeTrouble(name="probe_stderr_left", strike=_leave_stderr, needs_a_fault=True),
    *(
        ()
        if unmovable()
        else (
            ProbeTrouble(
                name="probe_clock_stepped",
                strike=_step_clock,
                choose=lambda random: {"minutes": random.choice((-30, 30, 300))},
            ),
        )
    ),
    ProbeTrouble(
        name="machine_busy",
        strike=_busy,
        choose=lambda random: {"loops": random.choice((2, 4))},
    ),
)
