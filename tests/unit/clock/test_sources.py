"""Other clocks that are read during the attempts: real servers, hostile ones, and old readings."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import structlog
from aiohttp import web

from probe.attempt.resolver import Resolver
from probe.clock.sources import LONGEST_AGE, ClockSources
from probe.model.evidence import ClockReading, Ending, Evidence, TargetFacts
from probe.model.target import ClockSource
from tests.support.ntp_server import Says, ntp_server

DAY = 86_400.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def http_clock(handler: Handler) -> AsyncIterator[ClockSource]:
    """Serve `handler` on loopback and yield it as a source."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield ClockSource("http", f"http://127.0.0.1:{runner.addresses[0][1]}/status")
    finally:
        await runner.cleanup()


def dated(ahead: float, **fields: Any) -> Handler:
    """Return a handler whose Date is `ahead` seconds off; `fields` are those of its response."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
        headers = {"Date": date, **fields.pop("headers", {})}
        return web.Response(headers=headers, **fields)

    return answer


class Clocks:
    """Our own two clocks, which the test moves."""

    def __init__(self) -> None:
        """Begin at the present."""
        self.wall, self.steady = time.time, time.monotonic
        self.stepped = self.passed = 0.0

    def sources(self, *sources: ClockSource, limit: float = 3.0) -> ClockSources:
        """Return what asks `sources` by these clocks."""
        return ClockSources(
            sources,
            Resolver(),
            wall_clock=lambda: self.wall() + self.stepped + self.passed,
            steady_clock=lambda: self.steady() + self.passed,
            user_agent="mtls-probe/test",
            limit=limit,
        )


async def once(*sources: ClockSource, limit: float = 3.0) -> tuple[ClockReading, ...]:
    """Return the readings of one round."""
    clocks = Clocks().sources(*sources, limit=limit)
    await clocks.measure()
    return clocks.readings()


def sntp(port: int) -> ClockSource:
    """Return the source of a server on loopback."""
    return ClockSource("sntp", f"127.0.0.1:{port}")


@pytest.mark.parametrize("days", [0.0, 365.0, -60.0])
@pytest.mark.parametrize("status", [200, 302, 404, 503])
async def test_the_date_of_any_answer_is_a_reading(days: float, status: int) -> None:
    """A health check that is not well tells the time all the same; redirects are not followed."""
    fields: dict[str, Any] = {"headers": {"Location": "/elsewhere"}} if status == 302 else {}
    async with http_clock(dated(days * DAY, status=status, **fields)) as source:
        (found,) = await once(source)
    assert found.source == source.where
    assert found.offset == pytest.approx(days * DAY, abs=found.uncertainty + 0.1)
    assert 0.5 <= found.uncertainty < 2


async def test_an_http_source_is_asked_one_bare_head() -> None:
    """One request, without a body, a cookie or credentials, that names the probe."""
    seen: list[web.Request] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        return await dated(0, headers={"Set-Cookie": "a=b"})(request)

    async with http_clock(handler) as source:
        clocks = Clocks().sources(source)
        await clocks.measure()
        await clocks.measure()
    assert [request.method for request in seen] == ["HEAD", "HEAD"]
    assert all(request.headers["User-Agent"] == "mtls-probe/test" for request in seen)
    assert not {"Cookie", "Authorization"} & set(seen[1].headers)


@pytest.mark.parametrize(
    "headers", [{"Date": "yesterday"}, {"Age": "86400"}], ids=["no date", "from a cache"]
)
async def test_an_http_answer_that_does_not_say_now_is_no_reading(headers: dict[str, str]) -> None:
    """A Date that is none, and one that a cache has kept."""

    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(headers=headers)

    async with http_clock(handler) as source:
        assert await once(source) == ()


async def test_a_server_without_end_is_waited_for_no_longer_than_the_limit() -> None:
    """It holds back no other source, and is said to be silent once."""

    async def never(_request: web.Request) -> web.StreamResponse:
        return await asyncio.Future()

    began = time.monotonic()
    with structlog.testing.capture_logs() as logged, ntp_server(Says(offset=5.0)) as (port, _):
        async with http_clock(never) as source:
            clocks = Clocks().sources(source, sntp(port), limit=0.3)
            await clocks.measure()
            await clocks.measure()
            assert [reading.source for reading in clocks.readings()] == [f"sntp:127.0.0.1:{port}"]
    assert time.monotonic() - began < 5
    assert [(entry["event"], entry["source"]) for entry in logged] == [
        ("clock_source_silent", source.where)
    ]


@pytest.mark.parametrize("offset", [0.0, 365 * DAY, -60 * DAY])
async def test_sntp_over_real_datagrams(offset: float) -> None:
    """The server's clock is `offset` ahead of ours, to a few milliseconds."""
    with ntp_server(Says(offset=offset)) as (port, _):
        (found,) = await once(sntp(port))
    assert found.source == f"sntp:127.0.0.1:{port}"
    assert found.offset == pytest.approx(offset, abs=0.5)
    assert found.uncertainty < 1


async def test_what_did_not_see_the_question_cannot_answer_it() -> None:
    """Answers to other questions are passed over, and the right one is taken."""

    def respond(question: bytes) -> list[bytes]:
        forged = Says(offset=DAY, origin=b"guessing")
        now = time.time()
        return [b"", b"x", forged.answer(question, now), Says(offset=7.0).answer(question, now)]

    with ntp_server(respond) as (port, _):
        (found,) = await once(sntp(port))
    assert found.offset == pytest.approx(7.0, abs=0.5)


async def test_a_flood_of_other_answers_ends_the_question() -> None:
    """A bounded number of them is looked at."""
    forged = Says(origin=b"guessing")
    with ntp_server(lambda question: [forged.answer(question, 0.0)] * 64) as (port, _):
        assert await once(sntp(port)) == ()


async def test_a_server_that_wishes_so_is_left_alone() -> None:
    """After a kiss-o'-death it is not asked again for an hour; then it is."""
    ours = Clocks()
    with ntp_server(Says(stratum=0, code=b"RATE")) as (port, questions):
        clocks = ours.sources(sntp(port))
        await clocks.measure()
        await clocks.measure()
        assert (clocks.readings(), len(questions)) == ((), 1)
        ours.passed += 3601
        await clocks.measure()
        assert len(questions) == 2


async def test_nobody_there_leaves_no_reading(refused_port: int) -> None:
    """A closed port and a name without an address are not exceptions."""
    gone = ClockSource("http", f"http://127.0.0.1:{refused_port}/")
    nowhere = ClockSource("sntp", "clock.invalid")
    assert await once(gone, nowhere, sntp(refused_port), limit=1.0) == ()


async def test_the_last_reading_stays_and_grows_uncertain() -> None:
    """A source that falls silent keeps its reading for an hour, at less and less certainty."""
    ours = Clocks()
    with ntp_server(Says(offset=100.0)) as (port, _):
        clocks = ours.sources(sntp(port), limit=0.2)
        await clocks.measure()
    (fresh,) = clocks.readings()
    await clocks.measure()
    ours.passed += 1800
    (old,) = clocks.readings()
    assert old.offset == fresh.offset
    assert fresh.uncertainty + 0.5 < old.uncertainty < fresh.uncertainty + 2
    ours.passed += LONGEST_AGE
    assert clocks.readings() == ()


async def test_a_step_of_our_clock_makes_a_reading_uncertain() -> None:
    """What was measured before the clock was set, or before a sleep, decides nothing after it."""
    ours = Clocks()
    with ntp_server(Says()) as (port, _):
        clocks = ours.sources(sntp(port))
        await clocks.measure()
    ours.stepped = 365 * DAY
    (found,) = clocks.readings()
    assert found.uncertainty > 364 * DAY


async def test_running_asks_at_once_and_readings_join_the_evidence() -> None:
    """Whoever waits for the first round has its readings; after the block nothing goes on."""
    evidence = Evidence(
        target=TargetFacts(name="t", endpoint="c:1", host="c", port=1, protocol="grpc"),
        at=0.0,
        ending=Ending(stage="export", kind="answered"),
        clock=(ClockReading(source="http_date", offset=1.0),),
    )
    before = asyncio.all_tasks()
    with ntp_server(Says(offset=9.0)) as (port, _):
        clocks = Clocks().sources(sntp(port))
        assert clocks.add_readings(evidence) is evidence
        async with clocks.run_in_background():
            await clocks.wait_first_round()
            joined = clocks.add_readings(evidence)
    assert [reading.source for reading in joined.clock] == ["http_date", f"sntp:127.0.0.1:{port}"]
    assert asyncio.all_tasks() == before


async def test_without_sources_nothing_is_asked_or_waited_for() -> None:
    """No task, no reading, the evidence as it is."""
    clocks = Clocks().sources()
    async with clocks.run_in_background():
        await clocks.wait_first_round()
        assert clocks.readings() == ()
