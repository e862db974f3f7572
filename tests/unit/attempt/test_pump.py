"""The pump between a socket and a conversation: every byte that the kernel holds is read."""

import asyncio
import socket
import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from time import monotonic, thread_time

import pytest
import uvloop

from probe.attempt.loop_delays import LoopDelays
from probe.attempt.pump import Pump
from probe.model.evidence import Ending

PATIENCE = 5.0


@dataclass
class Recorder:
    """A conversation that sends `says`, records what it receives, and ends at an end of file."""

    says: bytes = b""
    ends_with: bytes = b"\0never\0"
    wake_at: float | None = None
    ending: Ending | None = None
    received: bytes = b""
    woken: list[float] = field(default_factory=list)
    ended_by: str = ""
    answers: bytes = b""

    def start(self, now: float) -> None:
        """Nothing to do."""

    def receive(self, data: bytes, now: float) -> None:
        """Remember `data`."""
        self.received += data
        self.says += self.answers
        if self.ends_with in self.received:
            self._end("received")

    def receive_eof(self, now: float, *, reset: bool) -> None:
        """End."""
        self._end("reset" if reset else "close")

    def wake(self, now: float) -> None:
        """Remember when."""
        self.wake_at = None
        self.woken.append(now)

    def expire(self, now: float) -> None:
        """End."""
        self._end("deadline")

    def take_output(self) -> bytes:
        """Return what is to be said."""
        says, self.says = self.says, b""
        return says

    def _end(self, by: str) -> None:
        self.ended_by = by
        self.ending = Ending(stage="connect", kind="completed")


class Faulty(Recorder):
    """A conversation with a bug of ours in it."""

    def receive(self, data: bytes, now: float) -> None:
        """Fail."""
        raise LookupError("a bug")

    def wake(self, now: float) -> None:
        """Fail."""
        raise ArithmeticError("a bug")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Yield both ends of a TCP connection on loopback; the first does not block."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    ours.setblocking(False)
    with closing(ours), closing(theirs):
        yield ours, theirs


async def pump(
    sock: socket.socket, conversation: Recorder, *, patience: float = PATIENCE, already: bytes = b""
) -> None:
    """Run the pump on the loop that runs."""
    await Pump(sock, conversation).run(monotonic() + patience, already)


def reset(sock: socket.socket) -> None:
    """Close with an RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def watched(sock: socket.socket) -> tuple[bool, bool]:
    """Return whether the loop still watches `sock` for reading and writing; end it."""
    loop = asyncio.get_running_loop()
    return loop.remove_reader(sock.fileno()), loop.remove_writer(sock.fileno())


Pair = tuple[socket.socket, socket.socket]


async def test_both_directions(pair: Pair) -> None:
    """What the conversation sends arrives, what the peer sends is read, until the ending."""
    ours, theirs = pair
    theirs.sendall(b"hello ")
    talk = Recorder(says=b"question", ends_with=b"bye", answers=b"!")
    asyncio.get_running_loop().call_later(0.02, theirs.sendall, b"bye")
    await pump(ours, talk)

    assert (talk.received, talk.ended_by) == (b"hello bye", "received")
    assert theirs.recv(99) == b"question!!"
    assert watched(ours) == (False, False)


async def test_what_came_before_is_read_first(pair: Pair) -> None:
    """Bytes that a proxy sent behind its answer belong to the conversation that follows."""
    ours, theirs = pair
    theirs.sendall(b"second bye")
    talk = Recorder(ends_with=b"bye")
    await pump(ours, talk, already=b"first ")
    assert talk.received == b"first second bye"


async def test_a_failed_write_does_not_stop_reading(pair: Pair) -> None:
    """The alert that is in the queue before an RST is read, and the RST is reported."""
    ours, theirs = pair
    theirs.sendall(b"the alert")
    reset(theirs)
    await asyncio.sleep(0.02)
    talk = Recorder(says=b"into the void", answers=b"once more")
    await pump(ours, talk)

    assert (talk.received, talk.ended_by) == (b"the alert", "reset")
    assert watched(ours) == (False, False)


def test_the_same_on_uvloop(pair: Pair) -> None:
    """The loop of the service has no other habits."""
    ours, theirs = pair
    theirs.sendall(b"the alert")
    reset(theirs)
    talk = Recorder(says=b"into the void")

    async def attempt() -> None:
        await asyncio.sleep(0.02)
        await pump(ours, talk)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(attempt())
    assert (talk.received, talk.ended_by) == (b"the alert", "reset")


async def test_a_broken_pipe_does_not_stop_reading() -> None:
    """On a socket pair, a write to a peer that is gone fails otherwise, and the rest is read."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours:
        theirs.sendall(b"last words")
        theirs.close()
        talk = Recorder(says=b"too late")
        await pump(ours, talk)
        assert (talk.received, talk.ended_by) == (b"last words", "close")


async def test_a_reset_and_an_end_of_file_are_two_things(pair: Pair) -> None:
    """An RST without an earlier write is reported by the read."""
    ours, theirs = pair
    reset(theirs)
    talk = Recorder()
    await pump(ours, talk)
    assert talk.ended_by == "reset"


async def test_an_end_of_file(pair: Pair) -> None:
    """A FIN behind the data is a close, after the data."""
    ours, theirs = pair
    theirs.sendall(b"data")
    theirs.close()
    talk = Recorder()
    await pump(ours, talk)
    assert (talk.received, talk.ended_by) == (b"data", "close")


async def test_the_deadline_ends_a_silent_peer(pair: Pair) -> None:
    """No sooner, and not much later."""
    ours, _theirs = pair
    talk = Recorder(says=b"anybody?")
    before = monotonic()
    await pump(ours, talk, patience=0.1)
    assert talk.ended_by == "deadline"
    assert 0.09 <= monotonic() - before < 1.0
    assert watched(ours) == (False, False)


async def test_the_deadline_ends_a_peer_that_never_stops(pair: Pair) -> None:
    """A peer that always has one byte more can't hold the attempt."""
    ours, theirs = pair
    talk = Recorder()
    loop = asyncio.get_running_loop()

    async def drip() -> None:
        while True:
            theirs.sendall(b".")
            await asyncio.sleep(0)

    dripping = loop.create_task(drip())
    await pump(ours, talk, patience=0.1)
    dripping.cancel()
    assert talk.ended_by == "deadline"
    assert talk.received


async def test_a_deadline_that_is_past(pair: Pair) -> None:
    """It ends at once; nothing hangs."""
    ours, _theirs = pair
    talk = Recorder()
    await pump(ours, talk, patience=-1.0)
    assert talk.ended_by == "deadline"


async def test_a_peer_that_reads_slowly_gets_everything(pair: Pair) -> None:
    """What does not fit into the socket's buffer goes when there is room."""
    ours, theirs = pair
    data = bytes(range(256)) * 40_000
    talk = Recorder(says=data, ends_with=b"thanks")

    def read_all() -> bytes:
        got = bytearray()
        while len(got) < len(data):
            got += theirs.recv(1 << 20)
        theirs.sendall(b"thanks")
        return bytes(got)

    reading = asyncio.get_running_loop().run_in_executor(None, read_all)
    await pump(ours, talk)
    assert await reading == data
    assert watched(ours) == (False, False)


async def test_a_peer_that_does_not_read_is_no_longer_watched(pair: Pair) -> None:
    """The writer that waits for room is removed at the deadline."""
    ours, _theirs = pair
    talk = Recorder(says=bytes(20_000_000))
    await pump(ours, talk, patience=0.1)
    assert talk.ended_by == "deadline"
    assert watched(ours) == (False, False)


async def test_the_timer_that_a_conversation_asks_for(pair: Pair) -> None:
    """It comes once, when it was asked for; what is said then is sent."""
    ours, theirs = pair
    at = monotonic() + 0.05
    talk = Recorder(wake_at=at)
    asyncio.get_running_loop().call_later(0.15, theirs.close)
    await pump(ours, talk)
    assert len(talk.woken) == 1
    assert at - 0.01 <= talk.woken[0] < at + 0.09


async def test_sessions_that_were_woken_once_and_wait_on_cost_nothing() -> None:
    """As many attempts that wait for an answer, after their quiet time, leave the loop at rest."""
    acts: list[Pump] = []

    class Counted(Pump):
        def act(self) -> None:
            acts.append(self)
            super().act()

    delays, began = LoopDelays(), monotonic()
    pairs = [socket.socketpair() for _ in range(20)]
    talks = [Recorder(wake_at=began + 0.03) for _ in pairs]
    spent = -thread_time()
    async with asyncio.TaskGroup() as group:
        for (ours, _), talk in zip(pairs, talks, strict=True):
            ours.setblocking(False)
            group.create_task(Counted(ours, talk, delays=delays).run(began + 0.6))
    spent += thread_time()
    for one in (one for both in pairs for one in both):
        one.close()
    assert all(len(talk.woken) == 1 and talk.ended_by == "deadline" for talk in talks)
    # Once for the time that was asked for, once for the deadline.
    assert len(acts) == 2 * len(pairs)
    assert spent < 0.3


async def test_a_timer_that_is_no_longer_wanted(pair: Pair) -> None:
    """It is cancelled where the conversation drops it, and where it ends."""
    ours, theirs = pair

    class Dropping(Recorder):
        def receive(self, data: bytes, now: float) -> None:
            self.wake_at = None

    talk = Dropping(wake_at=monotonic() + 0.05)
    theirs.sendall(b"drop it")
    asyncio.get_running_loop().call_later(0.1, theirs.close)
    await pump(ours, talk)
    assert talk.woken == []

    asked = Recorder(wake_at=monotonic() + 0.05)
    await pump(ours, asked)
    await asyncio.sleep(0.08)
    assert (asked.ended_by, asked.woken) == ("close", [])


async def test_a_bug_of_ours_reaches_the_attempt(pair: Pair) -> None:
    """It is raised where the attempt waits, not written into the loop's log; all is tidied up."""
    ours, theirs = pair
    theirs.sendall(b"data")
    with pytest.raises(LookupError):
        await pump(ours, Faulty())
    assert watched(ours) == (False, False)

    with pytest.raises(ArithmeticError):
        await pump(ours, Faulty(wake_at=monotonic() + 0.01, received=b""), already=b"")
    assert watched(ours) == (False, False)


async def test_cancellation_tidies_up(pair: Pair) -> None:
    """An attempt that is cancelled leaves nothing behind on the loop."""
    ours, _theirs = pair
    talk = Recorder(says=b"x")
    running = asyncio.create_task(pump(ours, talk))
    await asyncio.sleep(0.02)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert watched(ours) == (False, False)
    assert talk.ended_by == ""
