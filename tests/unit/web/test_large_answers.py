"""Large answers under load: few in memory, shared while they are read, and reloads that join."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from probe.web.application import SingleFlight
from probe.web.large_answers import (
    FRESH,
    MOMENT,
    MOST_BODIES,
    MOST_WAITING,
    AnswerWriter,
    BodyCache,
    Key,
)
from tests.support.web_fleet import Fleet, refused

TEXT: Key = (False, False)


class Bodies:
    """Bodies that say when they were made, and readers that were abandoned."""

    def __init__(self) -> None:
        """Begin at second 0."""
        self.now = 0.0
        self.made = 0
        self.abandoned: list[str] = []
        self.shared = BodyCache(self._make, lambda: self.now)

    async def _make(self, _: Key) -> bytes:
        self.made += 1
        return f"{self.now}".encode()

    async def read(self, stack: AsyncExitStack, name: str, key: Key = TEXT) -> bytes:
        """Begin to read; the reader leaves with `stack`."""
        reading = self.shared.lease(key, lambda: self.abandoned.append(name))
        return await stack.enter_async_context(reading)


async def test_each_scrape_after_another_gets_a_fresh_body() -> None:
    """Nobody waits for nobody's sake: what was read is gone."""
    bodies = Bodies()
    for _ in range(3):
        async with AsyncExitStack() as stack:
            await bodies.read(stack, "a")
        assert len(bodies.shared) == 0
    assert bodies.made == 3


async def test_scrapes_of_one_moment_share_a_body() -> None:
    """Two replicas of Prometheus cost one; a little later it is another one."""
    bodies = Bodies()
    async with AsyncExitStack() as stack:
        first = await bodies.read(stack, "a")
        bodies.now = MOMENT / 2
        assert await bodies.read(stack, "b") is first
        bodies.now = MOMENT * 2
        assert await bodies.read(stack, "c") != first
    assert bodies.made == 2


async def test_readers_that_take_long_hold_few_bodies() -> None:
    """A thousand of them: never more than the bound, and the oldest lose theirs to a fresh one."""
    bodies = Bodies()
    async with AsyncExitStack() as stack:
        for number in range(1000):
            bodies.now = number * (FRESH + 1)
            assert await bodies.read(stack, str(number)) == str(bodies.now).encode()
            assert len(bodies.shared) <= MOST_BODIES
        assert bodies.abandoned == [str(number) for number in range(1000 - MOST_BODIES)]
    assert len(bodies.shared) == 0


async def test_where_all_are_new_one_is_shared_before_anybody_is_abandoned() -> None:
    """Within a second, and only with those who asked for the same format."""
    bodies = Bodies()
    async with AsyncExitStack() as stack:
        for number in range(MOST_BODIES):
            bodies.now = number * (MOMENT + 0.01)
            await bodies.read(stack, str(number))
        bodies.now += FRESH
        await bodies.read(stack, "shares")
        assert (bodies.made, bodies.abandoned) == (MOST_BODIES, [])
        await bodies.read(stack, "gzip", (False, True))
        assert (bodies.made, bodies.abandoned) == (MOST_BODIES + 1, ["0"])


async def test_a_body_in_the_making_is_shared_and_nobodys_loss() -> None:
    """On a busy machine it takes seconds: who waits for it is not ended for those who come later."""
    finish = asyncio.Event()
    now, made, abandoned = 0.0, 0, []

    async def make(key: Key) -> list[bytes]:
        nonlocal made
        made += 1
        if key == TEXT:
            await finish.wait()
        return [b"whole"]

    async def read(name: str, key: Key) -> list[bytes]:
        async with shared.lease(key, lambda: abandoned.append(name)) as body:
            return list(body)

    async def hold(name: str) -> None:
        async with shared.lease((True, False), lambda: abandoned.append(name)):
            await asyncio.sleep(60)

    shared = BodyCache(make, lambda: now)
    waiting = [asyncio.create_task(read("first", TEXT))]
    holding = []
    for number in range(MOST_BODIES * 3):
        await asyncio.sleep(0)
        now += FRESH + 1
        holding.append(asyncio.create_task(hold(str(number))))
        await asyncio.sleep(0.01)
    waiting.append(asyncio.create_task(read("later", TEXT)))
    await asyncio.sleep(0.01)
    finish.set()
    assert await asyncio.gather(*waiting) == [[b"whole"]] * 2
    assert made == 1 + MOST_BODIES * 3
    assert set(abandoned) == {str(number) for number in range(MOST_BODIES * 3 - MOST_BODIES + 1)}
    for task in holding:
        task.cancel()


async def test_a_body_that_cannot_be_made_is_nobodys() -> None:
    """The next scrape tries again."""

    async def fails(_: Key) -> bytes:
        raise RuntimeError

    shared = BodyCache(fails)
    for _ in range(MOST_BODIES * 2):
        with pytest.raises(RuntimeError):
            async with shared.lease(TEXT, lambda: None):
                pass
    assert len(shared) == 0


async def test_who_asks_for_a_reload_while_one_runs_gets_the_next() -> None:
    """A hundred at once cost two: the one under way may have read the files before they changed."""
    runs: list[asyncio.Event] = []

    async def run() -> int:
        runs.append(asyncio.Event())
        number = len(runs)
        await runs[-1].wait()
        return number

    joined = SingleFlight(run)
    first = asyncio.create_task(joined.call())
    while not runs:
        await asyncio.sleep(0)
    others = [asyncio.create_task(joined.call()) for _ in range(100)]
    others[0].cancel()
    await asyncio.sleep(0)
    assert len(runs) == 1
    runs[0].set()
    assert await first == 1
    while len(runs) < 2:
        await asyncio.sleep(0)
    runs[1].set()
    assert set(await asyncio.gather(*others[1:])) == {2}
    runs_after = asyncio.create_task(joined.call())
    while len(runs) < 3:
        await asyncio.sleep(0)
    runs[2].set()
    assert await runs_after == 3


@asynccontextmanager
async def served(parts: Any) -> AsyncIterator[TestClient[Any, Any]]:
    """Serve parts that a function makes."""
    writer = AnswerWriter()

    async def page(request: web.Request) -> web.StreamResponse:
        return await writer.send_parts(request, {"Content-Type": "text/plain"}, parts())

    application = web.Application()
    application.add_routes([web.get("/", page)])
    async with TestClient(TestServer(application)) as client:
        yield client


async def test_many_pages_at_once_come_whole_or_are_asked_to_retry() -> None:
    """A part is made at a time; too many who wait for theirs would wait too long."""

    def parts() -> Iterator[bytes]:
        for number in range(20):
            yield b"" if number % 3 else f"{number} ".encode()

    async with served(parts) as client:
        answers = await asyncio.gather(*(client.get("/") for _ in range(MOST_WAITING * 3)))
        texts = [await one.text() for one in answers]
    whole = "".join(f"{number} " for number in range(0, 20, 3))
    statuses = {one.status for one in answers}
    assert 200 in statuses <= {200, 503}
    for one, text in zip(answers, texts, strict=True):
        assert (text == whole) if one.status == 200 else ("Retry-After" in one.headers)


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
async def test_a_list_in_parts_is_one_json_document(count: int) -> None:
    """Whatever number of targets has a result, and of the others each is named."""
    names = [f"t{number:03}" for number in range(count)]
    fleet = Fleet(*names, "late")
    for name in names:
        fleet.record(name, refused())
    async with fleet.serve() as client, client.get("/api/v1/targets") as response:
        shown = await response.json()
    assert [one["target"] for one in shown["results"]] == names
    assert shown["pending"] == ["late"]


@pytest.mark.parametrize("path", ["/metrics", "/api/v1/targets", "/"])
async def test_a_head_has_the_headers_and_costs_no_page(path: str) -> None:
    """The same type as GET has."""
    async with (
        Fleet("eu").serve() as client,
        client.get(path) as full,
        client.head(path) as head,
    ):
        assert head.status == 200
        assert head.headers["Content-Type"] == full.headers["Content-Type"]
        assert await head.read() == b""
