"""Other clocks, asked beside the attempts: configured HTTP URLs by their Date, and SNTP servers.

Law 2: a source that is silent, refuses or lies about itself is no exception: it leaves no reading,
and the one before grows old. Law 7: the wall clock is passed in, durations are monotonic. A
reading loses its certainty with age, and at once where our clock is set or the machine sleeps.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Final

import msgspec.structs
import structlog

from probe.attempt.resolver import ResolutionError, Resolver
from probe.clock.sntp import (
    COOKIE,
    PORT,
    Comparison,
    SntpRefusalError,
    answers,
    read_sntp,
    sntp_request,
)
from probe.model.evidence import ClockReading, Evidence
from probe.model.target import ClockSource, Endpoint
from probe.otlp.response import http_date
from probe.system.own_limits import OwnLimitError
from probe.text.safe_text import safe_text

INTERVAL: Final = 64.0
"""Seconds between two rounds: what NTP clients ask public servers at (RFC 5905, 2**6 s)."""
LIMIT: Final = 3.0
"""Seconds that one source gets to answer."""
LONGEST_AGE: Final = 3600.0
"""Seconds after which a reading no longer counts."""
DRIFT: Final = 500e-6
"""Seconds by which an undisciplined clock may go wrong in one (RFC 5905 §11.3)."""
LEFT_ALONE: Final = 3600.0
"""Seconds for which a server is not asked that wished so (kiss-o'-death)."""

_MOST_ADDRESSES: Final = 3
_MOST_STRANGERS: Final = 32
"""Datagrams that are no answer to our question, until a source is given up."""

log = structlog.get_logger("mtls_probe")


class SilentSourceError(Exception):
    """A source gave no reading; its text says why."""


@dataclass(frozen=True, slots=True)
class _Measured:
    """A comparison, and when it was made by both of our clocks."""

    comparison: Comparison
    wall: float
    at: float


class ClockSources:
    """Asks the configured clocks, in the background, and keeps what they last said."""

    def __init__(
        self,
        sources: Sequence[ClockSource],
        resolver: Resolver,
        *,
        wall_clock: Callable[[], float],
        user_agent: str,
        steady_clock: Callable[[], float] = monotonic,
        interval: float = INTERVAL,
        limit: float = LIMIT,
    ) -> None:
        """Take what to ask; nothing is asked yet.

        Args:
            sources: the clocks to compare ours with.
            resolver: for the names of SNTP servers.
            wall_clock: seconds since the epoch.
            user_agent: what HTTP sources are told of us.
            steady_clock: monotonic seconds.
            interval: seconds between two rounds.
            limit: seconds for one source.
        """
        self._sources = tuple(sources)
        self._resolver = resolver
        self._wall_clock = wall_clock
        self._user_agent = user_agent
        self._steady_clock = steady_clock
        self._interval = interval
        self._limit = limit
        self._known: dict[ClockSource, _Measured] = {}
        self._left_alone: dict[ClockSource, float] = {}
        self._silent: set[ClockSource] = set()
        self._first_round: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Ask at once and then at each interval, until the block ends."""
        if not self._sources:
            yield
            return
        self._first_round = asyncio.create_task(self.measure())
        rounds = asyncio.create_task(self._repeat(self._first_round))
        try:
            yield
        finally:
            for task in (rounds, self._first_round):
                task.cancel()
            await asyncio.gather(rounds, self._first_round, return_exceptions=True)

    async def measure(self) -> None:
        """Ask every source once, all at a time."""
        await asyncio.gather(*(self._ask(source) for source in self._sources))

    async def measured(self) -> None:
        """Wait for the first round of `running`, which is over within the limit of a source."""
        if self._first_round is not None:
            await asyncio.wait([self._first_round])

    def readings(self) -> tuple[ClockReading, ...]:
        """Return what each source last said, as far as it still counts."""
        wall, now = self._wall_clock(), self._steady_clock()
        return tuple(
            ClockReading(
                source=source.name,
                offset=known.comparison.offset,
                uncertainty=_uncertainty(known, wall, now),
            )
            for source in self._sources
            if (known := self._known.get(source)) is not None and now - known.at <= LONGEST_AGE
        )

    def beside(self, evidence: Evidence) -> Evidence:
        """Return `evidence` with the readings of these clocks after its own."""
        readings = self.readings()
        if not readings:
            return evidence
        return msgspec.structs.replace(evidence, clock=evidence.clock + readings)

    async def _repeat(self, first: asyncio.Task[None]) -> None:
        await asyncio.wait([first])
        while True:
            await asyncio.sleep(self._interval)
            await self.measure()

    async def _ask(self, source: ClockSource) -> None:
        if self._steady_clock() < self._left_alone.get(source, float("-inf")):
            return
        try:
            async with asyncio.timeout(self._limit):
                ask = self._over_http if source.kind == "http" else self._over_sntp
                comparison = await ask(source.where)
        except TimeoutError:
            self._heard_nothing(source, f"no answer within {self._limit:g} s")
        except SntpRefusalError as error:
            if error.kiss:
                self._left_alone[source] = self._steady_clock() + LEFT_ALONE
            self._heard_nothing(source, str(error))
        except (SilentSourceError, ResolutionError, OwnLimitError, OSError) as error:
            self._heard_nothing(source, str(error))
        except Exception:
            # A bug of ours: no attempt may suffer from a clock that is only asked beside it.
            log.exception("probe_fault", work="clock source", source=source.name)
        else:
            self._known[source] = _Measured(comparison, self._wall_clock(), self._steady_clock())
            self._silent.discard(source)

    def _heard_nothing(self, source: ClockSource, reason: str) -> None:
        """Say once that a source is silent; its last reading stays."""
        if source not in self._silent:
            self._silent.add(source)
            log.warning("clock_source_silent", source=source.name, reason=safe_text(reason))

    async def _over_http(self, url: str) -> Comparison:
        import aiohttp

        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": self._user_agent},
            timeout=aiohttp.ClientTimeout(total=self._limit),
        )
        async with session:
            began = self._steady_clock()
            try:
                async with session.head(url, allow_redirects=False) as response:
                    elapsed = self._steady_clock() - began
                    heard_at = self._wall_clock()
                    date = http_date(response.headers.get("Date", "").encode())
                    cached = "Age" in response.headers
            except (aiohttp.ClientError, ValueError) as error:
                raise SilentSourceError(f"{type(error).__name__}: {error}") from None
        if date is None or cached:
            raise SilentSourceError("the answer has no Date of now")
        # The Date has whole seconds: on average half of one has passed (RFC 9110 §5.6.7).
        return Comparison(date + 0.5 - (heard_at - elapsed / 2), 0.5 + elapsed / 2)

    async def _over_sntp(self, where: str) -> Comparison:
        server = Endpoint.parse(where, default_port=PORT)
        addresses = (await self._resolver.resolve(server.host))[:_MOST_ADDRESSES]
        for left in range(len(addresses), 1, -1):
            with suppress(OSError, SntpRefusalError, SilentSourceError):
                async with asyncio.timeout(self._limit / (left + 1)):
                    return await self._from_server(addresses[-left], server.port)
        return await self._from_server(addresses[-1], server.port)

    async def _from_server(self, address: str, port: int) -> Comparison:
        cookie = os.urandom(COOKIE)
        loop = asyncio.get_running_loop()
        # Connected: the kernel drops what comes from anywhere else.
        transport, heard = await loop.create_datagram_endpoint(
            lambda: _Answer(cookie, loop.create_future(), self._steady_clock),
            remote_addr=(address, port),
        )
        try:
            sent, began = self._wall_clock(), self._steady_clock()
            transport.sendto(sntp_request(cookie))
            raw, came = await heard.future
        finally:
            transport.close()
        return read_sntp(raw, sent=sent, elapsed=came - began)


class _Answer(asyncio.DatagramProtocol):
    """Waits for the datagram that answers one question, past a bounded number of others."""

    def __init__(
        self,
        cookie: bytes,
        future: asyncio.Future[tuple[bytes, float]],
        steady_clock: Callable[[], float],
    ) -> None:
        self.future = future
        self._cookie = cookie
        self._steady_clock = steady_clock
        self._strangers = 0

    def datagram_received(self, data: bytes, _addr: object) -> None:
        if self.future.done():
            return
        if answers(data, self._cookie):
            self.future.set_result((data, self._steady_clock()))
            return
        self._strangers += 1
        if self._strangers >= _MOST_STRANGERS:
            self.future.set_exception(SilentSourceError("only answers to other questions come"))

    def error_received(self, exc: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(exc)


def _uncertainty(known: _Measured, wall: float, now: float) -> float:
    age = now - known.at
    # What the two clocks of ours do not agree on: one was set, or the machine slept.
    slipped = abs(wall - known.wall - age)
    return known.comparison.uncertainty + age * DRIFT + slipped
