"""A target by address on the pages: "2 of 3 addresses fail" wherever it is shown, and each by itself."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from probe.diagnosis.diagnose import diagnose
from probe.ledger.ledger import Ledger
from probe.ledger.replicas import Replicas
from probe.metrics.scrape import Metrics
from probe.model.evidence import ConnectTry, Evidence
from probe.model.target import Endpoint, Target
from probe.web.application import ServiceView, build_application
from probe.web.pages.badge import draw_badge
from tests.support.certificate_facts import EXPORTER, OTHER_CA
from tests.support.evidence import answered_attempt, attempt, refused_attempt, target

ONE, TWO, THREE = "192.0.2.1", "192.0.2.2", "2001:db8::3"
SUMMARY = f"2 of 3 addresses fail: {TWO} (client_ca_untrusted), {THREE} (tcp_refused)"


def made(address: str) -> Evidence:
    """Return how an attempt of one address ended."""
    facts = target(name="eu", address=address)
    if address == ONE:
        return answered_attempt(target=facts)
    if address == TWO:
        return refused_attempt(48, EXPORTER, listed=(OTHER_CA,), target=facts)
    connects = (ConnectTry(address=address, error="ECONNREFUSED"),)
    return attempt("connect", "refused", target=facts, connects=connects, peer_address="")


@asynccontextmanager
async def served(*addresses: str) -> AsyncIterator[TestClient[Any, Any]]:
    """Serve a target with these addresses, and one that is not attempted yet."""
    each = Target(name="eu", endpoint=Endpoint("eu.example", 4317), addresses="each")
    pending = Target(name="us", endpoint=Endpoint("us.example", 4317), addresses="each")
    ledger = Ledger([each, pending])
    metrics = Metrics(ledger)
    parent = ledger.runtime_of(each)
    for runtime in parent.get_store(Replicas).follow(each, addresses, 0.0):
        evidence = made(runtime.target.address)
        ledger.record_address(parent, runtime, evidence, diagnose(evidence))
    ledger.record_round(parent)
    application = build_application(ServiceView(ledger=ledger, metrics=metrics))
    async with TestClient(TestServer(application)) as client:
        yield client


async def read(client: TestClient[Any, Any], path: str) -> str:
    """Return a page."""
    async with client.get(path) as answer:
        assert answer.status == 200, path
        return await answer.text()


async def test_the_list_the_page_and_the_badge_say_how_many_fail() -> None:
    """None shows one address as if it were the target."""
    async with served(ONE, TWO, THREE) as client:
        listed, page = await read(client, "/"), await read(client, "/targets/eu")
        badge = await read(client, "/badge/eu.svg")
    assert SUMMARY in listed
    assert SUMMARY in page
    assert "2 of 3 addresses not as expected" in badge
    for address in (ONE, TWO, THREE):
        assert f"<code>{address}</code>" in page


async def test_each_address_has_its_page() -> None:
    """Facts and fix are those of the address that is asked for; others do not exist."""
    async with served(ONE, TWO, THREE) as client:
        refused = await read(client, "/targets/eu?address=2001%3Adb8%3A%3A3")
        healthy = await read(client, f"/targets/eu?address={ONE}")
        unknown = await read(client, "/targets/eu?address=%3Cscript%3E")
    assert "ECONNREFUSED" in refused
    assert "unknown_ca" not in refused
    assert "gRPC status 0" in healthy
    assert "<script>" not in unknown
    assert SUMMARY in unknown


async def test_the_api_has_a_result_of_each() -> None:
    """And the target as a whole; one without a finished attempt is pending."""
    async with served(ONE, TWO, THREE) as client:
        document = json.loads(await read(client, "/api/v1/targets"))
    assert [one["labels"] for one in document["results"]] == [
        {"address": ONE}, {"address": TWO}, {"address": THREE},
    ]  # fmt: skip  # one list
    assert [(one["target"], one["summary"]) for one in document["addresses"]] == [("eu", SUMMARY)]
    assert document["pending"] == ["us"]


async def test_it_is_found_by_each_of_its_causes_and_addresses() -> None:
    """The filter, the counts and the pages of causes know all of them."""
    async with served(ONE, TWO, THREE) as client:
        for query in ("cause=tcp_refused", "cause=client_ca_untrusted", f"q={THREE}"):
            assert 'href="/targets/eu"' in await read(client, f"/?{query}"), query
        assert 'href="/targets/eu"' not in await read(client, "/?cause=dns_failure")
        for cause in ("tcp_refused", "client_ca_untrusted"):
            assert 'href="/targets/eu"' in await read(client, f"/causes/{cause}")


def test_a_badge_counts_addresses_that_are_all_well() -> None:
    """A reader sees that it is about more than one."""
    each = Target(name="eu", endpoint=Endpoint("eu.example", 4317), addresses="each")
    ledger = Ledger([each])
    parent = ledger.runtime_of(each)
    for runtime in parent.get_store(Replicas).follow(each, [ONE, TWO], 0.0):
        evidence = made(ONE)
        ledger.record_address(parent, runtime, evidence, diagnose(evidence))
    ledger.record_round(parent)
    assert b"confirmed at all 2 addresses" in draw_badge(parent, "eu")


async def test_addresses_that_are_all_well_say_so() -> None:
    """The target is as expected, and so is its badge."""
    async with served(ONE) as client:
        assert "its only address is as expected" in await read(client, "/targets/eu")
        assert "confirmed" in await read(client, "/badge/eu.svg")
        assert "not probed yet" in await read(client, "/badge/us.svg")
