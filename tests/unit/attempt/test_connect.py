"""A connection to one address, or the reason why there is none; and which addresses are our own."""

import asyncio
import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.attempt.connect import is_own_address, open_socket
from probe.model.evidence import Ending
from probe.model.module import SPECIAL, find_special_kind

HOST = "127.0.0.1"


def soon(seconds: float = 5.0) -> float:
    """Return a deadline."""
    return monotonic() + seconds


@pytest.fixture
def full() -> Iterator[int]:
    """Yield the port of a listener whose queue is full, so that it drops every SYN."""
    with ExitStack() as stack:
        listener = stack.enter_context(closing(socket.socket()))
        listener.bind((HOST, 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(closing(socket.socket()))
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


async def test_success_is_a_socket_that_does_not_block() -> None:
    """It is connected, and small writes are not held back."""
    with closing(socket.create_server((HOST, 0))) as listener:
        sock = await open_socket(HOST, listener.getsockname()[1], soon())
        assert isinstance(sock, socket.socket)
        with sock:
            assert sock.getpeername() == listener.getsockname()
            assert not sock.getblocking()
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_success_over_ipv6() -> None:
    """An address with a colon is one of IPv6; a system without it says so."""
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        outcome = await open_socket("::1", 9, soon())
        assert isinstance(outcome, Ending)
        return
    with closing(listener):
        sock = await open_socket("::1", listener.getsockname()[1], soon())
        assert isinstance(sock, socket.socket)
        assert sock.family == socket.AF_INET6
        sock.close()


async def test_refused() -> None:
    """Nobody listens: ECONNREFUSED, at once."""
    with closing(socket.socket()) as bound:
        bound.bind((HOST, 0))
        outcome = await open_socket(HOST, bound.getsockname()[1], soon())
    assert outcome == Ending(stage="connect", kind="refused", detail="ECONNREFUSED")


async def test_no_answer_by_the_deadline() -> None:
    """TEST-NET-1 (RFC 5737) answers nobody; where no route leads there, that is said instead."""
    before = monotonic()
    outcome = await open_socket("192.0.2.1", 4317, soon(0.15))
    assert isinstance(outcome, Ending)
    assert (outcome.stage, outcome.kind) in {
        ("connect", "timeout"),
        ("connect", "unreachable"),
        ("connect", "refused"),
    }
    assert monotonic() - before < 1.0


async def test_a_full_queue_is_a_timeout(full: int) -> None:
    """A listener that accepts nobody lets a connection wait until the deadline."""
    outcome = await open_socket(HOST, full, soon(0.1))
    assert outcome == Ending(stage="connect", kind="timeout", detail="ETIMEDOUT")


@pytest.mark.parametrize("address", ["255.255.255.255", "not an address", "fe80::1%nowhere"])
async def test_an_address_that_cannot_be_is_an_ending(address: str) -> None:
    """What the operating system says of it is the detail."""
    outcome = await open_socket(address, 4317, soon(0.2))
    assert isinstance(outcome, Ending)
    assert outcome.stage == "connect"
    assert outcome.detail in errno.errorcode.values()


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENETUNREACH, "unreachable"),
        (errno.EHOSTUNREACH, "unreachable"),
        (errno.ETIMEDOUT, "timeout"),
        (errno.ECONNRESET, "reset"),
        (errno.ENOMEM, "probe_fault"),
        (errno.EACCES, "socket"),
    ],
)
async def test_what_the_system_says_by_kind(
    number: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The errno's name is the detail; networks that fail so are not to be had in a test."""

    class Failing(socket.socket):
        def connect_ex(self, address: object) -> int:
            return number

    monkeypatch.setattr("probe.attempt.connect.socket.socket", Failing)
    outcome = await open_socket(HOST, 4317, soon())
    assert isinstance(outcome, Ending)
    assert (outcome.kind, outcome.detail) == (kind, errno.errorcode[number])


async def test_our_own_want_is_not_blamed_on_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without file descriptors the probe failed, not the address."""

    def exhausted(*_arguments: object) -> None:
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr("probe.attempt.connect.socket.socket", exhausted)
    outcome = await open_socket(HOST, 4317, soon())
    assert outcome == Ending(stage="connect", kind="probe_fault", detail="EMFILE")


async def test_cancellation_leaves_nothing_behind(
    full: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The socket is closed where the attempt is cancelled while it waits."""
    made = []

    class Kept(socket.socket):
        def connect_ex(self, address: tuple[str, int]) -> int:
            made.append(self)
            return super().connect_ex(address)

    monkeypatch.setattr("probe.attempt.connect.socket.socket", Kept)
    dialling = asyncio.create_task(open_socket(HOST, full, soon()))
    await asyncio.sleep(0.02)
    assert made[0].fileno() != -1
    dialling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dialling
    assert made[0].fileno() == -1


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.8.7", "0.0.0.0"])
def test_loopback_is_our_own(address: str) -> None:
    """Every address of its network, as Linux has it."""
    assert is_own_address(address)


def test_the_address_of_an_interface_is_our_own() -> None:
    """The one that this machine would send from, and not its neighbours."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no interface but loopback")
        own = sock.getsockname()[0]
    assert is_own_address(own)


@pytest.mark.parametrize("address", ["192.0.2.1", "198.51.100.200", "8.8.8.8", "2001:db8::1"])
def test_an_address_elsewhere_is_not(address: str) -> None:
    """Documentation's networks are nobody's."""
    assert not is_own_address(address)


@given(st.ip_addresses())
def test_each_address_is_special_or_not(address: object) -> None:
    """No address breaks the table; the kinds are those that it has."""
    assert find_special_kind(str(address)) in {None, *SPECIAL}
    assert isinstance(is_own_address(str(address)), bool)
