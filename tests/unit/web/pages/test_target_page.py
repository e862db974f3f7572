"""The pages of a target and of the causes: what they show, and how they treat hostile text."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

import msgspec.structs
import pytest
from aiohttp.test_utils import TestClient, TestServer
from markupsafe import escape
from yarl import URL

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.diagnose import diagnose
from probe.ledger.ledger import Ledger
from probe.ledger.target_runtime import TargetRuntime
from probe.metrics.scrape import Metrics
from probe.model.certificate import Name
from probe.model.evidence import Ending, Evidence, Experiment
from probe.model.target import Endpoint, Secret, Target
from probe.model.trace_context import TraceContext
from probe.report.cause_page import list_neighbours
from probe.web.application import ServiceView, build_application
from probe.web.pages.rendering import CONTENT_SECURITY_POLICY
from probe.web.pages.target_page import render_target_page
from tests.support.certificate_facts import (
    AT,
    BACKEND,
    EXPORTER,
    OTHER_CA,
    exporter,
)
from tests.support.evidence import (
    answered_attempt,
    attempt,
    clock_offset,
    complete_handshake,
    held_credentials,
    refused_attempt,
)

UNTRUSTED: Final = refused_attempt(48, EXPORTER, listed=(OTHER_CA,))


@asynccontextmanager
async def served(
    *names: str, evidence: Evidence | None = None, expect: str | None = None
) -> AsyncIterator[TestClient[Any, Any]]:
    """Serve targets of `names`, the first with an attempt that left `evidence`."""
    targets = [
        Target(name=name, endpoint=Endpoint("eu.example", 4317), expect_cause=expect)
        for name in names
    ]
    ledger = Ledger(targets)
    if evidence is not None:
        facts = msgspec.structs.replace(evidence.target, name=names[0], expect_cause=expect)
        evidence = msgspec.structs.replace(evidence, target=facts)
        ledger.record(targets[0], evidence, diagnose(evidence))
    application = build_application(
        ServiceView(ledger=ledger, metrics=Metrics(ledger, CATALOGUE), clock=lambda: AT + 60)
    )
    async with TestClient(TestServer(application)) as client:
        yield client


async def read(client: TestClient[Any, Any], path: str) -> str:
    """Return the page at `path`, which has the headers of every page."""
    async with client.get(URL(path, encoded=True)) as response:
        assert response.status == 200
        assert response.content_type == "text/html"
        assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        return await response.text()


async def test_a_targets_page_holds_what_is_needed_to_act() -> None:
    """Outcome, title, meaning, who must act, every fact and step, and what exporters would do."""
    diagnosis = diagnose(UNTRUSTED)
    cause = CATALOGUE["client_ca_untrusted"]
    async with served("eu", evidence=UNTRUSTED) as client:
        page = await read(client, "/targets/eu")

    for text in (
        "failed", cause.title, cause.meaning, "the backend's side must act", "eu.example:4317",
        "2026-11-22T10:00:00Z", *diagnosis.all_facts, *diagnosis.fix,
        "OpenTelemetry Collector", "fails in another way", "remote error: tls: certificate required",
    ):  # fmt: skip  # one list
        assert str(escape(text)) in page
    assert 'href="/causes/client_ca_untrusted"' in page
    assert 'href="/api/v1/targets/eu"' in page
    assert "<script" not in page


async def test_page_and_json_lead_to_the_trace() -> None:
    """Where the attempt's trace is recorded, both name it; without telemetry neither does."""
    trace = TraceContext(
        trace_id="ab" * 16, span_id="cd" * 8, export_span_id="ef" * 8, sampled=False
    )
    for evidence in (UNTRUSTED, msgspec.structs.replace(UNTRUSTED, trace=trace)):
        async with served("eu", evidence=evidence) as client:
            page = await read(client, "/targets/eu")
            async with client.get("/api/v1/targets/eu") as response:
                (found,) = (await response.json())["results"]
        assert ("<code>" + "ab" * 16 + "</code>" in page) is (evidence.trace is not None)
        assert found.get("trace_id") == (trace.trace_id if evidence.trace else None)


async def test_findings_come_with_their_fix() -> None:
    """A healthy target may still have something to fix."""
    soon = answered_attempt(credentials=held_credentials(exporter(ends=5)))
    finding = diagnose(soon).findings[0]
    async with served("eu", evidence=soon) as client:
        page = await read(client, "/targets/eu")

    assert "confirmed" in page
    for text in (finding.cause, finding.fact, *finding.fix):
        assert str(escape(text)) in page
    assert "By exporter" not in page


async def test_a_target_that_was_not_probed_yet_has_a_page() -> None:
    """It says so, and what it is set to."""
    async with served("eu") as client:
        page = await read(client, "/targets/eu")

    assert "not probed yet" in page
    assert "<h2>" not in page
    assert "<table" not in page


async def test_an_expected_failure_asks_nobody_to_act() -> None:
    """Facts stay, the fix goes: the target fails as it must."""
    async with served("eu", evidence=UNTRUSTED, expect="client_ca_untrusted") as client:
        page = await read(client, "/targets/eu")

    assert "failed, as expected" in page
    assert "must act" not in page
    assert "<h2>Fix</h2>" not in page


@pytest.mark.parametrize("name", ["a/b/", "<script>alert(1)</script>", "50%", "ü→\n", "#2"])
async def test_any_name_has_its_page(name: str) -> None:
    """A percent-encoded name is found, and stays text."""
    async with served(name, "other", evidence=UNTRUSTED) as client:
        page = await read(client, f"/targets/{quote(name, safe='')}")
        index = await read(client, "/")

    assert "<script" not in page
    assert page.replace("\n", "").isprintable()
    assert f'href="/targets/{quote(name, safe="")}"' in index


async def test_hostile_certificates_stay_text() -> None:
    """A subject that holds HTML is escaped on the page, as everywhere."""
    hostile = Name(text="CN=<img src=x>", digest=OTHER_CA.subject.digest)
    shake = UNTRUSTED.handshake
    assert shake is not None
    evidence = msgspec.structs.replace(
        UNTRUSTED, handshake=msgspec.structs.replace(shake, acceptable_cas=(hostile,))
    )
    async with served("eu", evidence=evidence) as client:
        page = await read(client, "/targets/eu")

    assert "<img" not in page
    assert "CN=&lt;img src=x&gt;" in page


LISTING: Final = "CAs that the backend accepts"


async def test_a_targets_page_shows_the_whole_attempt() -> None:
    """Chains with their facts, stages with numbers, clocks, history, connection and settings."""
    evidence = msgspec.structs.replace(
        UNTRUSTED,
        clock=clock_offset(60),
        durations={"load": 0.00002, "resolve": 0.0004, "connect": 0.0123, "handshake": 1.5},
    )
    async with served("eu", evidence=evidence) as client:
        page = await read(client, "/targets/eu")

    for text in (
        LISTING, "No match.", "broken link:", "the backend's list has no CA of this chain",
        EXPORTER.sha256, BACKEND.sha256, "DNS:checkout.example.com", "274 days left",
        "below 0.1 ms", "0.4 ms", "12 ms", "1.50 s", "not reached",
        "http_date", "60 days ahead of the probe", "last attempt: 1 not as expected",
        "received unknown_ca (48)", "asked for, sent", "TLS_AES_128_GCM_SHA256",
        "30 seconds, for at most 5 seconds", "configuration", "/badge/eu.svg",
    ):  # fmt: skip  # one list
        assert str(escape(text)) in page, text


async def test_further_handshakes_are_reported() -> None:
    """What each varied, what came, and what that rules out."""
    one = Experiment(
        varied="no_client_certificate", at=AT, ending=Ending(stage="accept", kind="close")
    )
    evidence = attempt("accept", "close", handshake=complete_handshake(), experiments=(one,))
    async with served("eu", evidence=evidence) as client:
        page = await read(client, "/targets/eu")

    assert "no client certificate" in page
    assert "closed without an alert" in page


def test_a_secret_stays_out_of_the_settings() -> None:
    """Of headers only the names are shown, of a proxy nothing."""
    with_secrets = Target(
        name="eu",
        endpoint=Endpoint("eu.example", 4317),
        headers=(("authorization", Secret("Bearer hidden")),),
        proxy_url=Secret("http://user:hidden@proxy:3128"),
    )
    page = render_target_page(TargetRuntime(with_secrets), CATALOGUE, AT)

    assert "authorization" in page
    assert "hidden" not in page.split("</style>")[1]


async def test_a_cause_leads_to_the_targets_that_have_it() -> None:
    """Its page links them, the index counts them; another cause has none."""
    async with served("a/b", "other", evidence=UNTRUSTED) as client:
        own = await read(client, "/causes/client_ca_untrusted")
        other = await read(client, "/causes/tls_off")
        index = await read(client, "/causes")

    assert "1 target now" in own
    assert 'href="/targets/a%2Fb"' in own
    assert "/targets/" not in other
    assert index.count('href="/?cause=') == 1
    assert 'href="/?cause=client_ca_untrusted"><strong>1</strong>' in index


async def test_the_causes_are_listed_with_their_pages() -> None:
    """Each cause of the catalogue is linked once, by its id."""
    async with served("eu") as client:
        page = await read(client, "/causes")

    for cause in CATALOGUE.values():
        assert page.count(f'href="/causes/{cause.id}"') == 1
        assert str(escape(cause.title)) in page


@pytest.mark.parametrize("id_", ["client_ca_untrusted", "tls_off", "unexplained", "dns_failure"])
async def test_a_causes_page_is_that_of_the_document(id_: str) -> None:
    """Meaning, evidence, steps with examples, printed words, neighbours and sources."""
    cause = CATALOGUE[id_]
    async with served("eu") as client:
        page = await read(client, f"/causes/{id_}")

    for text in (cause.title, cause.meaning, cause.evidence, *cause.citations):
        assert str(escape(text)) in page
    for sentence in list_neighbours(cause, CATALOGUE):
        assert str(escape(sentence.replace("`", ""))) in page
    assert "{" not in page.split("</style>")[1]


@pytest.mark.parametrize("path", ["/targets/nobody", "/causes/nothing", "/targets/", "/causes/"])
async def test_unknown_pages_are_404_in_plain_text(path: str) -> None:
    """What is not there is said so without a page."""
    async with served("eu") as client, client.get(path) as response:
        assert response.status == 404
        assert response.content_type == "text/plain"


@pytest.mark.parametrize("path", ["/targets/eu", "/causes", "/causes/tcp_refused"])
async def test_only_reading_is_allowed(path: str) -> None:
    """HEAD answers without a body; anything that writes is refused."""
    async with served("eu", evidence=UNTRUSTED) as client:
        async with client.head(path) as response:
            assert response.status == 200
            assert await response.read() == b""
        for method in ("POST", "PUT", "DELETE"):
            async with client.request(method, path) as response:
                assert response.status == 405
