"""Look-ups are bounded in number and in threads, and each answers for its own time alone."""

import _thread
import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from time import monotonic
from typing import Any

import pytest

from probe.attempt.resolver import MOST_AGE, NoSlotError, ResolutionError, Resolver
from probe.system.own_limits import OwnLimitError
from tests.support.command_line import ROOT
from tests.support.exhaustion import no_descriptors


class Names:
    """Stands in for getaddrinfo: names that begin with "stuck" hang until they are let go."""

    def __init__(self) -> None:
        """Hold all that hang."""
        self.go = threading.Event()
        self.asked: list[str] = []

    def __call__(self, host: str, *_a: object, **_k: object) -> list[tuple[Any, ...]]:
        """Answer with the number of the look-up in the address."""
        self.asked.append(host)
        number = len(self.asked)
        if host.startswith("stuck"):
            self.go.wait(20)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{number}", 0))]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    """Put `Names` in getaddrinfo's place; at the end nothing hangs any more."""
    found = Names()
    monkeypatch.setattr(socket, "getaddrinfo", found)
    yield found
    found.go.set()


def soon(seconds: float = 0.2) -> float:
    """Return a deadline."""
    return monotonic() + seconds


async def outcomes(resolver: Resolver, *hosts: str, seconds: float = 0.2) -> list[Any]:
    """Resolve all of `hosts` at one time; return what came of each."""
    waiting = (resolver.resolve(host, soon(seconds)) for host in hosts)
    return await asyncio.gather(*waiting, return_exceptions=True)


async def test_threads_are_bounded_by_the_places(names: Names) -> None:
    """Fifteen hundred names that hang, and a place for four of them."""
    before = _thread._count()
    resolver = Resolver(slots=4)
    came = await outcomes(resolver, *(f"stuck-{n}" for n in range(1500)))
    assert _thread._count() <= before + 4
    assert len(names.asked) == 4
    assert sum(isinstance(one, ResolutionError) for one in came) == 4
    assert sum(isinstance(one, NoSlotError) for one in came) == 1496


async def test_a_place_is_free_only_when_its_look_up_has_ended(names: Names) -> None:
    """Whoever gave up on it does not end it."""
    resolver = Resolver(slots=1)
    await outcomes(resolver, "stuck")
    (refused,) = await outcomes(resolver, "fine")
    assert isinstance(refused, NoSlotError)
    assert "all 1 look-ups" in refused.detail
    assert "stuck" in refused.detail
    names.go.set()
    assert await resolver.resolve("fine", soon(5)) == ("192.0.2.2",)


async def test_who_waits_gets_the_place_that_becomes_free(names: Names) -> None:
    """In a large round of healthy names each has its turn."""
    resolver = Resolver(slots=2)
    waiting = asyncio.gather(
        *(resolver.resolve(f"{'stuck' if n < 2 else 'fine'}-{n}", soon(10)) for n in range(40))
    )
    await asyncio.sleep(0.05)
    assert len(names.asked) == 2
    names.go.set()
    assert len(set(await waiting)) == 40


async def test_a_name_that_hangs_takes_only_its_own_places(names: Names) -> None:
    """Its further attempts fail as it does; other names are looked up as ever."""
    resolver = Resolver(slots=8, per_host=2)
    for _ in range(2):
        await outcomes(resolver, "stuck", seconds=MOST_AGE + 0.1)
    (third,) = await outcomes(resolver, "stuck")
    assert isinstance(third, ResolutionError)
    assert (third.late, third.code) == (True, "no answer in time, nor to 2 look-ups before")
    assert names.asked == ["stuck", "stuck"]
    assert await resolver.resolve("fine", soon(5)) == ("192.0.2.3",)


async def test_an_old_look_up_does_not_answer_for_a_new_attempt(names: Names) -> None:
    """It was begun before the network healed."""
    resolver = Resolver()
    (early,) = await outcomes(resolver, "stuck", seconds=MOST_AGE + 0.1)
    assert isinstance(early, ResolutionError)
    late = asyncio.create_task(resolver.resolve("stuck", soon(10)))
    await asyncio.sleep(0.05)
    assert names.asked == ["stuck", "stuck"]
    names.go.set()
    assert await late == ("192.0.2.2",)


async def test_attempts_of_the_same_moment_share_a_look_up(names: Names) -> None:
    """Whatever the number of targets behind one name."""
    resolver = Resolver()
    waiting = [asyncio.create_task(resolver.resolve("stuck", soon(10))) for _ in range(50)]
    await asyncio.sleep(0.05)
    names.go.set()
    assert set(await asyncio.gather(*waiting)) == {("192.0.2.1",)}


async def test_patience_bounds_the_wait_for_a_place(names: Names) -> None:
    """A scrape gets its answer long before its own limit."""
    resolver = Resolver(slots=1, slot_timeout=0.1)
    await outcomes(resolver, "stuck")
    began = monotonic()
    with pytest.raises(NoSlotError):
        await resolver.resolve("fine", soon(10))
    assert monotonic() - began < 2


async def test_cancellation_while_waiting_leaves_nothing_behind(names: Names) -> None:
    """The place goes to the next one."""
    resolver = Resolver(slots=1)
    await outcomes(resolver, "stuck")
    waiting = asyncio.create_task(resolver.resolve("gone", soon(10)))
    await asyncio.sleep(0.02)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    names.go.set()
    assert await resolver.resolve("fine", soon(5))
    assert "gone" not in names.asked


async def test_without_descriptors_a_name_is_not_blamed() -> None:
    """The real getaddrinfo says EAI_NONAME of localhost then, and EAI_AGAIN of others."""
    resolver = Resolver()
    await resolver.resolve("localhost", soon(10))
    for host in ("localhost", "no-such-name.invalid"):
        with no_descriptors(), pytest.raises(OwnLimitError, match="EMFILE"):
            await resolver.resolve(host, soon(10))
    assert await resolver.resolve("localhost", soon(10))


@pytest.mark.parametrize(
    "raised",
    [
        socket.gaierror(socket.EAI_MEMORY, "Memory allocation failure"),
        OSError(24, "Too many open files"),
        OSError(23, "Too many open files in system"),
        OSError(12, "Cannot allocate memory"),
        MemoryError(),
    ],
)
async def test_what_the_resolver_itself_lacks_is_ours(
    raised: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EAI_MEMORY, and what Python makes of EAI_SYSTEM."""

    def fail(*_a: object, **_k: object) -> None:
        raise raised

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(OwnLimitError):
        await Resolver().resolve("h", soon(5))


@pytest.mark.slow
def test_a_look_up_that_hangs_does_not_keep_the_process() -> None:
    """Its thread is a daemon: the process ends with its work."""
    program = (
        "import asyncio, socket, time\n"
        "from probe.attempt.resolver import Resolver, ResolutionError\n"
        "socket.getaddrinfo = lambda *a, **k: time.sleep(60)\n"
        "try:\n"
        "    asyncio.run(Resolver().resolve('h', time.monotonic() + 0.1))\n"
        "except ResolutionError as error:\n"
        "    print(error)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, timeout=30, check=True
    )
    assert ended.stdout == b"no answer in time\n"
    assert ended.stderr == b""
