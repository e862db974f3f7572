"""Names to addresses: one slow look-up delays nobody else."""

import _thread
import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from probe.attempt import resolver as module
from probe.attempt.resolver import ResolutionError, Resolver
from probe.system.own_limits import OwnLimitError

Found = list[tuple[Any, ...]]
GetAddrInfo = Callable[..., Found]


def entry(address: str) -> tuple[Any, ...]:
    """Return one result as getaddrinfo gives it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return (family, socket.SOCK_STREAM, 6, "", (address, 0))


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[GetAddrInfo], None]:
    """Put a function in getaddrinfo's place, in the resolver's module only."""

    def put(function: GetAddrInfo) -> None:
        class Sockets:
            SOCK_STREAM = socket.SOCK_STREAM
            gaierror = socket.gaierror
            getaddrinfo = staticmethod(function)

        monkeypatch.setattr(module, "socket", Sockets)

    return put


@pytest.fixture
def hang() -> Iterator[threading.Event]:
    """Yield an event that a look-up may wait for; it is set at the end."""
    event = threading.Event()
    yield event
    event.set()


@pytest.mark.parametrize(
    ("literal", "address"),
    [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("2001:DB8:0::1", "2001:db8::1")],
)
async def test_an_address_needs_no_thread(
    literal: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is its own answer."""

    def forbidden(*_arguments: object) -> None:
        raise AssertionError("a thread")

    monkeypatch.setattr(_thread, "start_new_thread", forbidden)
    assert await Resolver().resolve(literal) == (address,)


async def test_localhost_resolves() -> None:
    """With the real resolver."""
    assert {"127.0.0.1", "::1"} & set(await Resolver().resolve("localhost"))


async def test_the_order_is_kept_and_doubles_go(answers: Callable[[GetAddrInfo], None]) -> None:
    """RFC 6724's order is getaddrinfo's business."""
    found = [entry("2001:db8::1"), entry("192.0.2.1"), entry("2001:db8::1"), entry("192.0.2.2")]
    answers(lambda *_a, **_k: found)
    assert await Resolver().resolve("h") == ("2001:db8::1", "192.0.2.1", "192.0.2.2")


async def test_look_ups_of_one_host_share_a_thread(
    answers: Callable[[GetAddrInfo], None], hang: threading.Event
) -> None:
    """While one is under way; the next one after it is asked anew."""
    calls: list[str] = []

    def slow(host: str, *_a: object, **_k: object) -> Found:
        calls.append(host)
        hang.wait(5)
        return [entry("192.0.2.1")]

    answers(slow)
    resolver = Resolver()
    waiting = [asyncio.create_task(resolver.resolve("h")) for _ in range(20)]
    await asyncio.sleep(0.02)
    assert calls == ["h"]
    hang.set()
    assert set(await asyncio.gather(*waiting)) == {("192.0.2.1",)}
    await resolver.resolve("h")
    assert calls == ["h", "h"]


async def test_a_hanging_look_up_delays_no_other_host(
    answers: Callable[[GetAddrInfo], None], hang: threading.Event
) -> None:
    """Fifty hang; the next host is answered, and the number of threads is that of the hosts."""
    threads = _thread._count()

    def stuck(host: str, *_a: object, **_k: object) -> Found:
        if host != "fine":
            hang.wait(5)
        return [entry("192.0.2.1")]

    answers(stuck)
    resolver = Resolver()
    waiting = [
        asyncio.create_task(resolver.resolve(f"stuck-{n}")) for n in range(50) for _ in range(3)
    ]
    await asyncio.sleep(0.02)
    assert _thread._count() <= threads + 50
    async with asyncio.timeout(1.0):
        assert await resolver.resolve("fine") == ("192.0.2.1",)
    hang.set()
    await asyncio.gather(*waiting)


async def test_who_gives_up_does_not_stop_the_others(
    answers: Callable[[GetAddrInfo], None], hang: threading.Event
) -> None:
    """A deadline cancels the wait, not the look-up."""

    def slow(*_a: object, **_k: object) -> Found:
        hang.wait(5)
        return [entry("192.0.2.1")]

    answers(slow)
    resolver = Resolver()
    other = asyncio.create_task(resolver.resolve("h"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await resolver.resolve("h")
    hang.set()
    assert await other == ("192.0.2.1",)


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), "EAI_NONAME"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "EAI_AGAIN"),
        (socket.gaierror(12345, "x"), "12345"),
        (UnicodeError("label too long"), "EAI_NONAME"),
        (ValueError("embedded null character"), "EAI_NONAME"),
        (OSError(5, "x"), "EAI_SYSTEM"),
    ],
)
async def test_a_failure_has_getaddrinfo_s_code(
    raised: Exception, code: str, answers: Callable[[GetAddrInfo], None]
) -> None:
    """By name; every waiter gets it."""

    def fail(*_a: object, **_k: object) -> Found:
        raise raised

    answers(fail)
    resolver = Resolver()
    outcomes = await asyncio.gather(
        resolver.resolve("h"), resolver.resolve("h"), return_exceptions=True
    )
    assert [each.code for each in outcomes if isinstance(each, ResolutionError)] == [code, code]


async def test_no_address_is_a_failure(answers: Callable[[GetAddrInfo], None]) -> None:
    """An empty answer."""
    answers(lambda *_a, **_k: [])
    with pytest.raises(ResolutionError) as caught:
        await Resolver().resolve("h")
    assert caught.value.code == "EAI_NODATA"


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "..", "a\0b"])
async def test_what_is_no_name_does_not_resolve(host: str) -> None:
    """The real getaddrinfo raises in several ways; none of them hangs or escapes."""
    async with asyncio.timeout(5):
        with pytest.raises(ResolutionError):
            await Resolver().resolve(host)


async def test_a_failure_that_nobody_waits_for_leaves_no_trace(
    answers: Callable[[GetAddrInfo], None], hang: threading.Event
) -> None:
    """The loop has nothing to complain about, and the host can be asked again."""
    complaints: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: complaints.append(context))

    def slow(*_a: object, **_k: object) -> Found:
        hang.wait(5)
        raise socket.gaierror(socket.EAI_AGAIN, "x")

    answers(slow)
    resolver = Resolver()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await resolver.resolve("h")
    hang.set()
    await asyncio.sleep(0.05)
    assert complaints == []
    answers(lambda *_a, **_k: [entry("192.0.2.1")])
    assert await resolver.resolve("h") == ("192.0.2.1",)


async def test_where_no_thread_can_start_the_next_attempt_is_a_new_one(
    answers: Callable[[GetAddrInfo], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The probe's own want is raised once, and does not make the host hang for ever."""
    answers(lambda *_a, **_k: [entry("192.0.2.1")])
    resolver = Resolver()

    def refuse(*_arguments: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(_thread, "start_new_thread", refuse)
        with pytest.raises(OwnLimitError, match="EAGAIN"):
            await resolver.resolve("h")
    async with asyncio.timeout(1.0):
        assert await resolver.resolve("h") == ("192.0.2.1",)


async def test_a_thread_that_never_begins_is_our_own_lack(
    answers: Callable[[GetAddrInfo], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without memory a thread may end before its first step: nothing was asked, so no name is bad."""
    answers(lambda *_a, **_k: [entry("192.0.2.1")])
    resolver = Resolver(slots=1)
    with monkeypatch.context() as patched:
        patched.setattr(_thread, "start_new_thread", lambda *_arguments: 1)
        with pytest.raises(OwnLimitError, match="ENOMEM"):
            await resolver.resolve("h", time.monotonic() + 0.05)
    # Its place is free again.
    assert await resolver.resolve("other", time.monotonic() + 5.0) == ("192.0.2.1",)


async def test_a_loop_that_has_ended_is_not_missed(
    answers: Callable[[GetAddrInfo], None], hang: threading.Event
) -> None:
    """A look-up that comes back after the end finds nobody, and says nothing."""
    failures: list[object] = []
    done = threading.Event()

    def slow(*_a: object, **_k: object) -> Found:
        hang.wait(5)
        done.set()
        return [entry("192.0.2.1")]

    answers(slow)

    def another_life() -> None:
        async def short() -> None:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await Resolver().resolve("h")

        asyncio.run(short())

    hook, threading.excepthook = threading.excepthook, failures.append
    try:
        await asyncio.to_thread(another_life)
        hang.set()
        await asyncio.to_thread(done.wait, 5)
        await asyncio.sleep(0.02)
    finally:
        threading.excepthook = hook
    assert failures == []
