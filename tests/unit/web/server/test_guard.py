"""What stands before the pages: rate limit, passwords, headers, and that probing goes on."""

import asyncio
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import bcrypt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from probe.ledger.ledger import Ledger
from probe.metrics.scrape import Metrics
from probe.web.application import ServiceView, build_application
from probe.web.server.guard import Guard
from probe.web.server.passwords import MOST_WAITING, BusyError, Passwords
from probe.web.server.web_file import RateLimit, ServerSettings
from tests.support.web_files import HASH, PASSWORD

PATHS = ("/", "/metrics", "/-/healthy", "/-/ready", "/api/v1/targets", "/causes", "/nothing")
USERS = {b"prometheus": HASH.encode()}
SLOW = bcrypt.hashpw(PASSWORD, bcrypt.gensalt(11))


def basic(user: bytes, password: bytes) -> dict[str, str]:
    """Return the header of basic auth (RFC 7617)."""
    return {"Authorization": f"Basic {b64encode(user + b':' + password).decode()}"}


GOOD = basic(b"prometheus", PASSWORD)


class Guarded:
    """The product's application behind a guard whose settings can change."""

    def __init__(self, **settings: Any) -> None:
        """Begin with `settings` at second 0."""
        self.settings = ServerSettings(**settings)
        self.now = 0.0
        ledger = Ledger(())
        self.application = build_application(ServiceView(ledger=ledger, metrics=Metrics(ledger)))
        Guard(lambda: self.settings, clock=lambda: self.now).install(self.application)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[TestClient[web.Request, web.Application]]:
        """Serve it for as long as the context lasts."""
        async with TestClient(TestServer(self.application)) as client:
            yield client


async def status(
    client: TestClient[web.Request, web.Application],
    headers: Mapping[str, str] | None = None,
    path: str = "/metrics",
) -> int:
    """Return the status of one GET."""
    async with client.get(path, headers=headers) as response:
        return response.status


@pytest.mark.parametrize("path", PATHS)
async def test_every_path_asks_for_the_password(path: str) -> None:
    """Health included, as exporter-toolkit does, and pages that are none."""
    async with Guarded(users=USERS).serving() as client, client.get(path) as refused:
        assert refused.status == 401
        assert refused.headers["WWW-Authenticate"].startswith("Basic ")
        assert await refused.text() == "unauthorized\n"
        assert await status(client, GOOD, path) == (404 if path == "/nothing" else 200)


async def test_without_users_nobody_is_asked() -> None:
    """A file without basic_auth_users leaves the pages open."""
    async with Guarded().serving() as client:
        assert await status(client) == 200


@pytest.mark.parametrize(
    "headers",
    [
        basic(b"prometheus", b"wrong"),
        basic(b"nobody", PASSWORD),
        basic(b"", b""),
        basic(b"prometheus", PASSWORD + b"!"),
        {"Authorization": "Bearer " + GOOD["Authorization"].split()[1]},
        {"Authorization": "Basic"},
        {"Authorization": "Basic ?"},
        {"Authorization": "Basic " + b64encode(b"prometheus").decode()},
        {"Authorization": "Basic " + "Ā"},
        {"Authorization": "Basic " + HASH},
    ],
    ids=range(10),
)
async def test_anything_else_is_refused(headers: dict[str, str]) -> None:
    """A wrong password, an unknown user, another scheme, and invalid base64."""
    async with Guarded(users=USERS).serving() as client:
        assert await status(client, headers) == 401


async def test_a_password_longer_than_bcrypt_reads_is_compared_as_far() -> None:
    """As in Go: a hash that htpasswd made of it stays good."""
    long = b"x" * 100
    users = {b"a": bcrypt.hashpw(long[:72], bcrypt.gensalt(4))}

    async with Guarded(users=users).serving() as client:
        assert await status(client, basic(b"a", long)) == 200
        assert await status(client, basic(b"a", b"y" * 100)) == 401


async def test_a_changed_file_counts_for_the_next_request() -> None:
    """A new hash ends the old password, though it was remembered as right."""
    guarded = Guarded(users=USERS)
    async with guarded.serving() as client:
        assert await status(client, GOOD) == 200
        guarded.settings = replace(
            guarded.settings, users={b"prometheus": bcrypt.hashpw(b"new", bcrypt.gensalt(4))}
        )
        assert await status(client, GOOD) == 401
        assert await status(client, basic(b"prometheus", b"new")) == 200


async def test_an_unknown_user_that_comes_to_be_known_is_accepted() -> None:
    """What was remembered of the name while nobody had it is not said of the user."""
    guarded = Guarded(users=USERS)
    async with guarded.serving() as client:
        assert await status(client, basic(b"new", PASSWORD)) == 401
        guarded.settings = replace(guarded.settings, users={**USERS, b"new": HASH.encode()})
        assert await status(client, basic(b"new", PASSWORD)) == 200


async def test_a_password_that_was_right_costs_nothing_again() -> None:
    """Each scrape would else cost what bcrypt is made to cost."""
    passwords = Passwords()
    users = {b"a": SLOW}
    began = time.perf_counter()
    assert await passwords.is_right(users, b"a", PASSWORD)
    first = time.perf_counter() - began
    began = time.perf_counter()
    for _ in range(20):
        assert await passwords.is_right(users, b"a", PASSWORD)

    assert time.perf_counter() - began < first


@pytest.mark.slow
async def test_an_unknown_user_costs_as_much_as_a_known_one() -> None:
    """Who measures does not learn which users there are, even with hashes of several costs."""
    passwords = Passwords()
    users = {b"cheap": HASH.encode(), b"dear": SLOW}

    async def cost(user: bytes, password: bytes) -> float:
        began = time.perf_counter()
        assert not await passwords.is_right(users, user, password)
        return time.perf_counter() - began

    known = min([await cost(b"dear", bytes([n])) for n in range(1, 4)])
    unknown = min([await cost(b"nobody", bytes([n])) for n in range(1, 4)])

    assert 0.5 < unknown / known < 2


@pytest.mark.slow
async def test_a_known_user_with_a_cheap_hash_costs_as_much_as_the_others() -> None:
    """Else the time would say of each name whether it is known, and how dear its hash is."""
    users = {
        b"cheap": HASH.encode(),
        b"middle": bcrypt.hashpw(PASSWORD, bcrypt.gensalt(9)),
        b"dear": SLOW,
    }
    costs: dict[bytes, float] = {}
    for user in (*users, b"nobody"):
        spent = []
        for number in range(5):
            passwords = Passwords()  # which remembers nothing
            given = PASSWORD if number == 0 else bytes([number])
            # Another thread does it: the process's own CPU time tells, however busy the machine is.
            began = time.process_time()
            assert await passwords.is_right(users, user, given) == (user in users and number == 0)
            spent.append(time.process_time() - began)
            passwords.close()
        costs[user] = min(spent)
    assert max(costs.values()) < 1.5 * min(costs.values()), costs


@pytest.mark.parametrize("password", [b"", b"\x00", b"a\x00b", b"\xff" * 200], ids=range(4))
async def test_a_password_of_any_bytes_is_right_or_wrong(password: bytes) -> None:
    """For a known and an unknown user alike, and never an error of ours."""
    async with Guarded(users=USERS).serving() as client:
        for user in (b"prometheus", b"nobody"):
            assert await status(client, basic(user, password)) == 401


@pytest.mark.slow
async def test_the_event_loop_goes_on_while_passwords_are_checked() -> None:
    """Attempts share the loop: bcrypt runs in a thread, one check at a time."""
    passwords = Passwords()
    lags = []

    async def ticking() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            lags.append(time.perf_counter() - began)

    ticker = asyncio.create_task(ticking())
    began = time.perf_counter()
    checks = [passwords.is_right({b"a": SLOW}, b"a", bytes([n])) for n in range(1, 9)]
    await asyncio.gather(*checks)
    took = time.perf_counter() - began
    ticker.cancel()

    assert len(lags) > took / 0.005 / 4, "the loop hardly ran"


@pytest.mark.slow
async def test_too_many_at_once_are_asked_to_retry() -> None:
    """A flood of wrong passwords does not queue for minutes, nor block clients that were accepted before."""
    guarded = Guarded(users={b"a": SLOW})
    async with guarded.serving() as client:
        assert await status(client, basic(b"a", PASSWORD)) == 200
        flood = [
            asyncio.create_task(status(client, basic(b"a", bytes([n]))))
            for n in range(1, MOST_WAITING + 20)
        ]
        await asyncio.sleep(0.05)
        assert await status(client, basic(b"a", PASSWORD)) == 200
        answered = await asyncio.gather(*flood)

    assert set(answered) == {401, 503}
    assert answered.count(401) >= MOST_WAITING


async def test_the_same_password_asked_for_at_once_is_checked_once() -> None:
    """Every page of a browser's first visit sends it."""
    passwords = Passwords()

    asked = [passwords.is_right({b"a": SLOW}, b"a", PASSWORD) for _ in range(MOST_WAITING * 3)]

    assert await asyncio.gather(*asked) == [True] * (MOST_WAITING * 3)


async def test_one_too_many_is_an_error_of_its_own() -> None:
    """The caller says what it means in HTTP."""
    passwords = Passwords()
    flood = [
        asyncio.ensure_future(passwords.is_right({b"a": SLOW}, b"a", bytes([n])))
        for n in range(1, MOST_WAITING + 1)
    ]
    await asyncio.sleep(0)

    with pytest.raises(BusyError):
        await passwords.is_right({b"a": SLOW}, b"a", b"one more")
    passwords.close()
    await asyncio.gather(*flood, return_exceptions=True)


async def test_headers_of_the_file_stand_on_every_answer() -> None:
    """Also on refusals, and in place of what a page would say."""
    policy = "frame-ancestors https://grafana.example"
    named = {"Content-Security-Policy": policy, "X-Frame-Options": "deny"}
    async with Guarded(users=USERS, headers=named).serving() as client:
        for path, given in (("/", GOOD), ("/metrics", GOOD), ("/", {}), ("/nothing", GOOD)):
            async with client.get(path, headers=given) as response:
                assert response.headers["Content-Security-Policy"] == policy, (path, given)
                assert response.headers["X-Frame-Options"] == "deny"


async def test_without_headers_the_pages_keep_their_own() -> None:
    """The strict policy is there unless the file says another."""
    async with Guarded().serving() as client, client.get("/metrics") as response:
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "X-Frame-Options" not in response.headers


async def test_a_burst_is_let_through_and_then_one_an_interval() -> None:
    """A token bucket, full at first (exporter-toolkit's `rate_limit`)."""
    guarded = Guarded(rate_limit=RateLimit(interval=0.5, burst=3))
    async with guarded.serving() as client:
        assert [await status(client) for _ in range(5)] == [200, 200, 200, 429, 429]
        guarded.now = 0.5
        assert [await status(client) for _ in range(2)] == [200, 429]
        guarded.now = 1000.0
        assert [await status(client) for _ in range(4)] == [200, 200, 200, 429]
        guarded.settings = ServerSettings()
        assert await status(client) == 200


async def test_the_rate_limit_comes_before_the_password() -> None:
    """It is what keeps guessing slow."""
    guarded = Guarded(users=USERS, rate_limit=RateLimit(interval=60, burst=1))
    async with guarded.serving() as client:
        assert [await status(client) for _ in range(2)] == [401, 429]
        assert await status(client, GOOD) == 429
