"""Other clocks, asked in the background: configured HTTP URLs by their Date, and SNTP servers.

A source that is silent, refuses or contradicts itself is not an exception: it leaves no reading,
and the one before grows old. A reading loses its certainty with age, and at once where our clock is
set or the machine sleeps.
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
    encode_question,
    is_answer,
    read_answer,
)
from probe.model.evidence import ClockReading, Evidence
from probe.model.target import ClockSource, Endpoint
from probe.otlp.response import parse_http_date
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
KISS_PAUSE: Final = 3600.0
"""Seconds for which a server is not asked after a kiss-o'-death (RFC 5905 §7.4)."""

_MOST_ADDRESSES: Final = 3
_MOST_STRANGERS: Final = 32
"""Datagrams that do not answer our question, until a source is given up."""

log = structlog.get_logger("mtls_probe")


class SilentSourceError(Exception):
    """A source gave no reading; its text says why."""


@dataclass(slots=True)
class _State:
    """What is known of one source; times are of both of our clocks."""

    comparison: Comparison | None = None
    wall: float = 0.0
    at: float = 0.0
    not_before: float = 0.0
    """When it may be asked again, after a kiss-o'-death."""
    silent: bool = False


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
        limit: float = LIMIT,
    ) -> None:
        """Take what to ask; nothing is asked yet.

        Args:
            sources: the clocks to compare ours with.
            resolver: for the names of SNTP servers.
            wall_clock: seconds since the epoch.
            user_agent: how the probe calls itself to HTTP sources.
            steady_clock: monotonic seconds.
            limit: seconds for one source.
        """
        self._states = {source: _State() for source in sources}
        self._resolver = resolver
        self._wall_clock = wall_clock
        self._user_agent = user_agent
        self._steady_clock = steady_clock
        self._limit = limit
        self._first_round: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def run_in_background(self) -> AsyncIterator[None]:
        """Ask at once and then at each interval, until the block ends."""
        if not self._states:
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
        await asyncio.gather(*(self._ask(source) for source in self._states))

    async def wait_first_round(self) -> None:
        """Wait for the first round of `run_in_background`, which is over within the limit of a source."""
        if self._first_round is not None:
            await asyncio.wait([self._first_round])

    def readings(self) -> tuple[ClockReading, ...]:
        """Return what each source last said, as far as it still counts."""
        wall, now = self._wall_clock(), self._steady_clock()
        found = []
        for source, state in self._states.items():
            age = now - state.at
            if state.comparison is None or age > LONGEST_AGE:
                continue
            # Where the two clocks of ours do not agree, one was set, or the machine slept.
            slip = abs(wall - state.wall - age)
            uncertainty = state.comparison.uncertainty + age * DRIFT + slip
            found.append(ClockReading(source.name, state.comparison.offset, uncertainty))
        return tuple(found)

    def add_readings(self, evidence: Evidence) -> Evidence:
        """Return `evidence` with the readings of these clocks after its own."""
        readings = self.readings()
        if not readings:
            return evidence
        return msgspec.structs.replace(evidence, clock=evidence.clock + readings)

    async def _repeat(self, first: asyncio.Task[None]) -> None:
        await asyncio.wait([first])
        while True:
            await asyncio.sleep(INTERVAL)
            await self.measure()

    async def _ask(self, source: ClockSource) -> None:
        state = self._states[source]
        if self._steady_clock() < state.not_before:
            return
        try:
            async with asyncio.timeout(self._limit):
                ask = self._ask_http if source.kind == "http" else self._ask_sntp
                state.comparison = await ask(source.where)
        except TimeoutError:
            reason = f"no answer within {self._limit:g} s"
        except (
            SntpRefusalError,
            SilentSourceError,
            ResolutionError,
            OwnLimitError,
            OSError,
        ) as error:
            reason = str(error)
            if isinstance(error, SntpRefusalError) and error.kiss:
                state.not_before = self._steady_clock() + KISS_PAUSE
        except Exception:
            # A bug of ours: no attempt may suffer from it.
            log.exception("probe_fault", source=source.name)
            return
        else:
            state.wall, state.at = self._wall_clock(), self._steady_clock()
            state.silent = False
            return
        # Reported once, until it answers; its last reading stays.
        if not state.silent:
            state.silent = True
            log.warning("clock_source_silent", source=source.name, reason=safe_text(reason))

    async def _ask_http(self, url: str) -> Comparison:
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
                    received_at = self._wall_clock()
                    date = parse_http_date(response.headers.get("Date", "").encode())
                    cached = "Age" in response.headers
            except (aiohttp.ClientError, ValueError) as error:
                raise SilentSourceError(f"{type(error).__name__}: {error}") from None
        if date is None or cached:
            raise SilentSourceError("the answer has no Date of now")
        # The Date has whole seconds: on average half of one has passed (RFC 9110 §5.6.7).
        return Comparison(date + 0.5 - (received_at - elapsed / 2), 0.5 + elapsed / 2)

    async def _ask_sntp(self, where: str) -> Comparison:
        server = Endpoint.parse(where, default_port=PORT)
        addresses = (await self._resolver.resolve(server.host))[:_MOST_ADDRESSES]
        for left in range(len(addresses), 1, -1):
            with suppress(OSError, SntpRefusalError, SilentSourceError):
                async with asyncio.timeout(self._limit / (left + 1)):
                    return await self._ask_address(addresses[-left], server.port)
        return await self._ask_address(addresses[-1], server.port)

    async def _ask_address(self, address: str, port: int) -> Comparison:
        cookie = os.urandom(COOKIE)
        loop = asyncio.get_running_loop()
        # Connected: the kernel drops what comes from anywhere else.
        transport, waiting = await loop.create_datagram_endpoint(
            lambda: _Answer(cookie, loop.create_future(), self._steady_clock),
            remote_addr=(address, port),
        )
        try:
            sent, began = self._wall_clock(), self._steady_clock()
            transport.sendto(encode_question(cookie))
            raw, received_at = await waiting.future
        finally:
            transport.close()
        return read_answer(raw, sent=sent, elapsed=received_at - began)


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
        if is_answer(data, self._cookie):
            self.future.set_result((data, self._steady_clock()))
            return
        self._strangers += 1
        if self._strangers >= _MOST_STRANGERS:
            self.future.set_exception(SilentSourceError("only answers to other questions come"))

    def error_received(self, exc: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(exc)
