"""What this process itself lost of an attempt's time, and what follows for how the attempt ended."""

import asyncio
import resource
import time

import pytest

from probe.attempt.loop_delays import LEAST_DELAY, TICK, TICK_TOLERANCE, DelayMeter, LoopDelays
from probe.model.evidence import Ending
from tests.support.exhaustion import hold_up

TIMEOUT = Ending(stage="handshake", kind="timeout")
CLOSE = Ending(stage="accept", kind="close", detail="")
ALERT = Ending(stage="accept", kind="alert")


async def test_a_loop_that_is_free_loses_nothing_that_matters() -> None:
    """Timers are a little late; a busy machine's lateness stays below what changes a verdict."""
    with LoopDelays().measure(2.0) as own:
        await asyncio.sleep(0.5)
        lost = own.held_up
    assert lost < 0.25


async def test_one_long_hold_up_is_measured() -> None:
    """As a suspension is, also while it has not been noticed by a beat yet."""
    with LoopDelays().measure(1.0) as own:
        await asyncio.sleep(2 * TICK)
        before = own.held_up
        hold_up(0.4)
        seen_at_once = own.held_up - before
        await asyncio.sleep(2 * TICK)
        seen_later = own.held_up - before
    assert seen_at_once >= 0.4 - TICK - TICK_TOLERANCE
    assert seen_later >= 0.4 - TICK - TICK_TOLERANCE


async def test_many_short_hold_ups_add_up() -> None:
    """A quota of 5 % takes 95 ms of each 100 ms; none of these is long."""
    with LoopDelays().measure(1.0) as own:
        for _ in range(8):
            await asyncio.sleep(0.005)
            hold_up(0.095)
        lost = own.held_up
    assert lost > 0.5 * 8 * 0.095


async def test_attempts_at_the_same_time_share_the_beats() -> None:
    """Each counts what fell into its own time, whoever began or ended meanwhile."""
    delays = LoopDelays()
    with delays.measure(1.0) as early:
        await asyncio.sleep(2 * TICK)
        hold_up(0.2)
        with delays.measure(1.0) as late:
            hold_up(0.1)
            await asyncio.sleep(2 * TICK)
            assert late.held_up < early.held_up
            assert late.held_up < 0.2
        hold_up(0.1)
        await asyncio.sleep(2 * TICK)
        assert early.held_up > 0.3


async def test_nobody_watching_nothing_beats() -> None:
    """An idle probe pays nothing, and a hold-up between two attempts belongs to none of them."""
    delays = LoopDelays()
    with delays.measure(1.0):
        pass
    hold_up(0.2)
    with delays.measure(1.0) as own:
        await asyncio.sleep(2 * TICK)
        assert own.held_up < 0.15


async def test_a_hold_up_between_attempts_that_follow_one_another_belongs_to_none() -> None:
    """Also where the tick of the first one is still to come."""
    delays = LoopDelays()
    for _ in range(3):
        with delays.measure(1.0) as own:
            await asyncio.sleep(0)
        hold_up(0.1)
    assert own.held_up < 0.05


class Recorded:
    """A waiter that notes when it acts."""

    def __init__(self) -> None:
        """Wait for nothing yet."""
        self.acted: list[float] = []

    def act(self) -> None:
        """Note the time."""
        self.acted.append(time.monotonic())


async def test_who_waits_acts_at_the_first_tick_after_its_time() -> None:
    """Not before it, once, and not at all where it has been forgotten."""
    delays, began = LoopDelays(), time.monotonic()
    soon, later, never = Recorded(), Recorded(), Recorded()
    with delays.measure(1.0):
        delays.wake(soon, began + 5.0)
        delays.wake(soon, began + 0.03)
        delays.wake(later, began + 5.0)
        delays.wake(never, began + 0.03)
        delays.forget(never)
        while not soon.acted:
            await asyncio.sleep(TICK)
        await asyncio.sleep(2 * TICK)
    assert len(soon.acted) == 1
    assert soon.acted[0] >= began + 0.03
    assert later.acted == never.acted == []


async def test_of_many_who_wait_for_one_time_others_are_not_held_up() -> None:
    """They act in several turns of the loop."""
    delays, turns = LoopDelays(), 0
    waiters = [Recorded() for _ in range(40)]

    async def others() -> None:
        nonlocal turns
        while not waiters[-1].acted:
            turns += bool(waiters[0].acted)
            await asyncio.sleep(0)

    with delays.measure(1.0):
        for waiter in waiters:
            delays.wake(waiter, 0.0)
        await others()
    assert turns >= 4
    assert all(len(waiter.acted) == 1 for waiter in waiters)


async def test_who_waits_again_at_once_does_not_keep_others_waiting() -> None:
    """Peers that send without end are looked at again and again, and all others in between."""
    delays, patient = LoopDelays(), Recorded()

    class Greedy(Recorded):
        def act(self) -> None:
            super().act()
            if not patient.acted:
                delays.wake(self, 0.0)

    greedy = [Greedy() for _ in range(20)]
    with delays.measure(1.0):
        for waiter in (*greedy, patient):
            delays.wake(waiter, 0.0)
        async with asyncio.timeout(1.0):
            while not patient.acted:
                await asyncio.sleep(TICK)
    assert all(1 <= len(waiter.acted) <= 2 for waiter in greedy)


@pytest.mark.slow
async def test_the_beats_cost_next_to_nothing() -> None:
    """Below half a percent of a core while attempts are under way."""
    with LoopDelays().measure(5.0):
        await asyncio.sleep(0.1)
        before = resource.getrusage(resource.RUSAGE_THREAD)
        began = time.monotonic()
        await asyncio.sleep(2.0)
        after = resource.getrusage(resource.RUSAGE_THREAD)
        took = time.monotonic() - began
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert used / took < 0.02  # clock ticks of 10 ms are the measure's own grain


class Story:
    """An attempt on a clock that is moved by hand."""

    def __init__(self, limit: float) -> None:
        """Begin an attempt of `limit` seconds."""
        self.now = 100.0
        self._delays = LoopDelays(lambda: self.now)
        self.own: DelayMeter = self._delays.measure(limit)
        self.own.__enter__()

    def pass_time(self, seconds: float) -> None:
        """Let time pass in which the loop beats."""
        end = self.now + seconds
        while self.now + TICK <= end:
            self.now += TICK
            self._beat()
        self.now = end

    def hold_up(self, seconds: float) -> None:
        """Let time pass in which nothing can act."""
        self.now += seconds
        self._beat()

    def _beat(self) -> None:
        self._delays._measure_tick(asyncio.get_running_loop())

    def kind(self, ending: Ending, **options: bool | int) -> str:
        """Return the kind that the attempt ends by."""
        return self.own.judge(ending, **options).kind  # type: ignore[arg-type]  # by name


async def test_a_target_that_stalls_is_to_blame() -> None:
    """Nothing held the process up: the deadline is the target's."""
    story = Story(5.0)
    story.pass_time(5.0)
    assert story.own.judge(TIMEOUT) == TIMEOUT


async def test_a_deadline_in_a_suspension_is_the_probe_s() -> None:
    """The fact says how long it was held up."""
    story = Story(5.0)
    story.pass_time(1.0)
    story.hold_up(4.2)
    ending = story.own.judge(TIMEOUT)
    assert (ending.stage, ending.kind) == ("handshake", "probe_fault")
    assert "held up for 4.2 s of 5.2 s" in ending.detail


async def test_a_throttled_process_is_the_probe_s_trouble() -> None:
    """Fifty hold-ups, each below 100 ms."""
    story = Story(5.0)
    for _ in range(50):
        story.pass_time(0.005)
        story.hold_up(0.095)
    assert story.kind(TIMEOUT) == "probe_fault"


async def test_who_had_our_ear_for_long_enough_is_to_blame() -> None:
    """Held up before the question went out, then silent for more than half of the time."""
    story = Story(5.0)
    story.hold_up(1.5)
    story.own.note_action()
    story.pass_time(3.5)
    assert story.own.judge(TIMEOUT) == TIMEOUT


async def test_who_had_our_ear_too_briefly_is_not() -> None:
    """The question went out late, because of us."""
    story = Story(5.0)
    story.hold_up(3.0)
    story.own.note_action()
    story.pass_time(2.0)
    assert story.kind(TIMEOUT) == "probe_fault"


async def test_a_slow_backend_is_no_hold_up() -> None:
    """It let us ask late, and then fell silent; nothing held the process up."""
    story = Story(5.0)
    story.pass_time(4.5)
    story.own.note_action()
    story.pass_time(0.5)
    assert story.own.judge(TIMEOUT) == TIMEOUT


async def test_a_little_lateness_changes_nothing() -> None:
    """A busy machine's."""
    story = Story(0.3)
    story.pass_time(0.25)
    story.hold_up(LEAST_DELAY - 0.01)
    assert story.own.judge(TIMEOUT) == TIMEOUT


async def test_each_address_has_its_share() -> None:
    """Of two addresses each has half of the time, of which it must have had half."""
    story = Story(4.0)
    story.hold_up(0.9)
    story.own.note_action()
    story.pass_time(1.1)
    assert story.kind(TIMEOUT, shares=1) == "probe_fault"
    assert story.kind(TIMEOUT, shares=2) == "timeout"


@pytest.mark.parametrize("expired", [False, True])
async def test_another_kind_that_the_deadline_brought_is_judged_as_one(expired: bool) -> None:
    """A proxy that opened no tunnel, a name that did not resolve in time."""
    story = Story(1.0)
    story.hold_up(1.0)
    dns = Ending(stage="resolve", kind="dns", detail="EAI_AGAIN")
    assert story.kind(dns, expired=expired) == ("probe_fault" if expired else "dns")


async def test_what_the_peer_said_stands() -> None:
    """However late it is read."""
    story = Story(1.0)
    story.hold_up(30.0)
    for ending in (ALERT, Ending(stage="export", kind="answered")):
        assert story.own.judge(ending) == ending


async def test_a_peer_that_had_to_wait_for_us_may_have_given_up() -> None:
    """It closed while the process was suspended for most of the attempt."""
    story = Story(5.0)
    story.pass_time(0.1)
    story.hold_up(3.0)
    assert story.kind(CLOSE) == "probe_fault"


async def test_a_peer_that_closes_on_us_at_once_does_so_by_itself() -> None:
    """No peer gives up within a fraction of a second."""
    story = Story(5.0)
    story.hold_up(0.2)
    assert story.own.judge(CLOSE) == CLOSE
    assert story.own.reportable == 0.0


async def test_in_between_the_ending_stands_and_the_hold_up_is_reported() -> None:
    """The diagnosis makes it uncertain."""
    story = Story(5.0)
    story.hold_up(0.8)
    story.pass_time(2.0)
    assert story.own.judge(CLOSE) == CLOSE
    assert story.own.reportable == pytest.approx(0.8, abs=0.05)
