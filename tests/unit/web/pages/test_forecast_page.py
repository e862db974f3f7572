"""The page of the forecast: a timeline without a script, the same as a table, JSON and calendar."""

import re

import icalendar
import msgspec.structs
import pytest
from aiohttp.test_utils import TestClient, TestServer

from probe.diagnosis.diagnose import diagnose
from probe.ledger.ledger import Ledger
from probe.metrics.scrape import Metrics
from probe.model.evidence import Evidence
from probe.model.target import Endpoint, Target
from probe.web.application import ServiceView, build_application
from probe.web.pages.forecast_page import (
    BATCH,
    MOST_SHOWN,
    read_days,
    render_forecast_calendar,
    render_forecast_page,
)
from tests.support.certificate_facts import AT, backend, exporter, name
from tests.support.evidence import (
    answered_attempt,
    complete_handshake,
    held_credentials,
    unconnected_attempt,
)
from tests.support.web_fleet import guarded


def ledger_of(**attempts: Evidence) -> Ledger:
    """Return a ledger with a target for each attempt, and one that has none yet."""
    targets = {name: Target(name=name, endpoint=Endpoint("eu.example", 4317)) for name in attempts}
    pending = Target(name="pending", endpoint=Endpoint("eu.example", 4318))
    ledger = Ledger([*targets.values(), pending])
    for each, seen in attempts.items():
        facts = msgspec.structs.replace(seen.target, name=each, endpoint=f"{each}.example:4317")
        evidence = msgspec.structs.replace(seen, target=facts)
        ledger.record(targets[each], evidence, diagnose(evidence))
    return ledger


def page_of(ledger: Ledger, **query: str) -> str:
    """Return the page."""
    return b"".join(render_forecast_page(ledger, AT, query)).decode()


def served(ends: float) -> Evidence:
    """Return an attempt at a backend whose certificate ends in so many days."""
    return answered_attempt(
        credentials=held_credentials(exporter(ends=1000)),
        handshake=complete_handshake(server_chain=(backend(ends=ends),)),
    )


def test_timeline_and_table_have_the_same_entries_in_the_same_order() -> None:
    """Nearer ends have shorter lines; each has its number."""
    html = page_of(ledger_of(late=served(80), soon=served(5), middle=served(20)))
    drawn = re.findall(r'<text class="words long"[^>]*>(\d+) · ([^·]+) · ', html)
    assert drawn == [("1", "in 5 days"), ("2", "in 20 days"), ("3", "in 80 days")]
    places = [float(x) for x in re.findall(r'<circle cx="([\d.]+)%"', html)]
    assert places == sorted(places)
    assert all(0 < x <= 100 for x in places)
    table = re.findall(r'class="quiet">(\d+)</span> <span class="outcome">([^<]+)<', html)
    assert table == drawn
    assert re.findall(r'<g class="(\w+)">', html) == ["bad", "unsure", "good"]
    assert "3 things break within 90 days: the first in 5 days." in html
    assert "1 not probed yet" in html


def test_what_was_not_seen_is_said() -> None:
    """The page must not look as if nothing were to come."""
    html = page_of(ledger_of(down=unconnected_attempt("refused", "ECONNREFUSED")), days="1")
    assert "The certificates of 1 target could not all be seen" in html
    assert "down: its backend&#39;s certificate was not seen" in html


def test_a_reader_chooses_how_far_to_look() -> None:
    """What is not a number of days means 90."""
    assert "Timeline" not in page_of(ledger_of(soon=served(20)), days="7")
    asked = ("7", "0", "99999", "soon", "", "1e3", "-5", "٣")
    assert [read_days({"days": each}) for each in asked] == [7, 1, 36500, 90, 90, 90, 90, 90]
    assert read_days({}) == 90


@pytest.mark.parametrize("days", ["1", "2", "30", "365", "36500"])
def test_any_span_has_an_axis(days: str) -> None:
    """From hours to a hundred years."""
    html = page_of(ledger_of(soon=served(0.5)), days=days)
    assert len(re.findall(r'<text class="date"', html)) == 4


def test_hostile_names_stay_text() -> None:
    """A certificate says what it wants to."""
    own = msgspec.structs.replace(exporter(ends=3), subject=name("</text><script>alert(1)"))
    html = page_of(ledger_of(a=answered_attempt(credentials=held_credentials(own))))
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_a_long_list_is_bounded() -> None:
    """The page shows the first entries, and where the others are."""
    attempts = {f"t{number}": served(1 + number / 10) for number in range(MOST_SHOWN + 20)}
    html = page_of(ledger_of(**attempts), days="365")
    assert html.count("<tr ") == MOST_SHOWN + 1
    assert "and 20 more, which" in html
    assert html.count("<circle") == 24


def test_a_long_calendar_is_made_in_parts() -> None:
    """Of a few events each: the loop serves others in between."""
    ledger = ledger_of(**{f"t{number}": served(5 + number / 100) for number in range(100)})
    parts = list(render_forecast_calendar(ledger, AT, {}))
    assert sum(part.count(b"BEGIN:VEVENT") for part in parts) == 100
    assert max(part.count(b"BEGIN:VEVENT") for part in parts) <= BATCH
    assert len(icalendar.Calendar.from_ical(b"".join(parts)).events) == 100


async def test_the_application_serves_page_json_and_calendar() -> None:
    """All three from the ledger, with the headers of every answer."""
    ledger = ledger_of(eu=served(10))
    view = ServiceView(ledger=ledger, metrics=Metrics(ledger), clock=lambda: AT)
    async with TestClient(TestServer(build_application(view))) as client:
        async with client.get("/forecast?days=5000") as response:
            assert guarded(response)
            assert "What will break by itself" in await response.text()
        async with client.get("/api/v1/forecast?days=5000") as response:
            assert response.content_type == "application/json"
            document = await response.json()
            assert "server_certificate" in {one["kind"] for one in document["forecast"]}
        async with client.get("/forecast.ics?days=5000") as response:
            assert response.content_type == "text/calendar"
            calendar = icalendar.Calendar.from_ical(await response.read())
            assert len(calendar.events) == len(document["forecast"])
