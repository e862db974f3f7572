"""A process that wakes up late finds answers and timers at one time: what came is read first."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from time import monotonic

import pytest
import uvloop

from probe.attempt.pump import Pump
from probe.model.evidence import Ending
from tests.support.exhaustion import hold_up
from tests.unit.attempt.test_pump import Recorder

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Yield both ends of a TCP connection on loopback; the first does not block."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    ours.setblocking(False)
    with closing(ours), closing(theirs):
        yield ours, theirs


async def pumped(sock: socket.socket, talk: Recorder, limit: float) -> Pump:
    """Run the pump until `limit` seconds have passed, and return it."""
    pump = Pump(sock, talk)
    await pump.run(monotonic() + limit)
    return pump


def hold_up_soon(seconds: float) -> None:
    """Hold the loop up as soon as it has gone round once."""
    asyncio.get_running_loop().call_later(0.01, hold_up, seconds)


async def test_an_answer_that_lay_there_at_the_deadline_counts(pair: Pair) -> None:
    """The timer and the bytes are due in the same round of the loop."""
    ours, theirs = pair
    threading.Timer(0.1, theirs.sendall, (b"bye",)).start()
    hold_up_soon(0.4)
    talk = Recorder(ends_with=b"bye")
    pump = await pumped(ours, talk, 0.2)
    assert (talk.ended_by, pump.expired) == ("received", False)


async def test_an_end_of_file_that_lay_there_at_the_deadline_counts(pair: Pair) -> None:
    """It is the peer that closed."""
    ours, theirs = pair
    threading.Timer(0.1, theirs.close).start()
    hold_up_soon(0.4)
    talk = Recorder()
    pump = await pumped(ours, talk, 0.2)
    assert (talk.ended_by, pump.expired) == ("close", False)


async def test_all_that_lay_there_is_read(pair: Pair) -> None:
    """More than one read gives, with the end at its end."""
    ours, theirs = pair
    answer = b"x" * 400_000 + b"bye"

    def send() -> None:
        with suppress(OSError):
            theirs.sendall(answer)

    sender = threading.Thread(target=send)
    hold_up_soon(0.4)
    sender.start()
    talk = Recorder(ends_with=b"bye")
    await pumped(ours, talk, 0.2)
    assert (talk.ended_by, len(talk.received)) == ("received", len(answer))
    sender.join(5)


@pytest.mark.slow
async def test_a_peer_without_an_end_is_cut_at_the_deadline(pair: Pair) -> None:
    """It sends as fast as it can: the reads after the deadline are bounded, and others go on."""
    ours, theirs = pair
    stop = threading.Event()

    def send() -> None:
        with suppress(OSError):
            while not stop.is_set():
                theirs.sendall(b"x" * 65536)

    class Deaf(Recorder):
        def receive(self, data: bytes, now: float) -> None:
            """Take it and forget it."""

    sender = threading.Thread(target=send)
    sender.start()
    talk = Deaf()
    turns = 0

    async def others() -> None:
        nonlocal turns
        while not talk.ended_by:
            turns += 1
            await asyncio.sleep(0)

    began = monotonic()
    pump, _ = await asyncio.gather(pumped(ours, talk, 0.1), others())
    stop.set()
    assert monotonic() - began < 3.0
    assert (talk.ended_by, pump.expired) == ("deadline", True)
    assert turns > 1
    theirs.close()
    sender.join(5)


async def test_silence_at_the_deadline_is_silence(pair: Pair) -> None:
    """Nothing lay there, however late the process woke up."""
    ours, _theirs = pair
    hold_up_soon(0.3)
    talk = Recorder()
    pump = await pumped(ours, talk, 0.1)
    assert (talk.ended_by, pump.expired) == ("deadline", True)


async def test_a_wake_up_reads_first(pair: Pair) -> None:
    """A refusal that has arrived is read before the timer concludes acceptance from silence."""
    ours, theirs = pair

    class Trusting(Recorder):
        def wake(self, now: float) -> None:
            """Take it that no refusal came."""
            self.ending = Ending(stage="accept", kind="application_data")
            self.ended_by = "consent"

    threading.Timer(0.05, theirs.sendall, (b"refused",)).start()
    hold_up_soon(0.3)
    talk = Trusting(ends_with=b"refused", wake_at=monotonic() + 0.1)
    await pumped(ours, talk, 2.0)
    assert talk.ended_by == "received"


async def test_a_late_wake_up_waits_a_little_more(pair: Pair) -> None:
    """After a pause of the machine, the refusal arrives only behind the timer."""
    ours, theirs = pair

    class Trusting(Recorder):
        def wake(self, now: float) -> None:
            """Take it that no refusal came."""
            self.ending = Ending(stage="accept", kind="application_data")
            self.ended_by = "consent"

    def pause() -> None:
        hold_up(0.4)
        threading.Timer(0.03, theirs.sendall, (b"refused",)).start()

    asyncio.get_running_loop().call_later(0.01, pause)
    talk = Trusting(ends_with=b"refused", wake_at=monotonic() + 0.1)
    await pumped(ours, talk, 2.0)
    assert talk.ended_by == "received"


async def test_a_wake_up_that_was_called_off_by_what_came(pair: Pair) -> None:
    """The conversation no longer waits for it."""
    ours, theirs = pair

    class Content(Recorder):
        def receive(self, data: bytes, now: float) -> None:
            """Ask for no wake-up any more."""
            self.wake_at = None
            super().receive(data, now)

    threading.Timer(0.05, theirs.sendall, (b"ticket",)).start()
    asyncio.get_running_loop().call_later(0.5, theirs.close)
    hold_up_soon(0.3)
    talk = Content(wake_at=monotonic() + 0.1)
    await pumped(ours, talk, 5.0)
    assert (talk.woken, talk.ended_by) == ([], "close")


async def test_the_sender_is_notified_of_each_sending(pair: Pair) -> None:
    """From then on the other side has its time."""
    ours, theirs = pair
    sent: list[float] = []
    talk = Recorder(says=b"question", ends_with=b"bye", answers=b"!")
    asyncio.get_running_loop().call_later(0.02, theirs.sendall, b"bye")
    pump = Pump(ours, talk, lambda: sent.append(monotonic()))
    await pump.run(monotonic() + 5)
    assert len(sent) == 2


def test_the_same_on_uvloop(pair: Pair) -> None:
    """The loop of the service runs timers before sockets."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test_an_answer_that_lay_there_at_the_deadline_counts(pair))
