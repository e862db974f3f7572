"""The status page of many targets, and whatever it is asked."""

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.diagnosis.catalogue import CATALOGUE
from probe.text.safe_text import safe_text
from probe.web.pages.status_page import BATCH, PER_PAGE, render_status_page
from probe.web.pages.target_filter import TargetFilter
from tests.support.certificate_facts import (
    AT,
)
from tests.support.status_pages import DOWN, MIXED, WELL, fleet, shown


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["down", "refused", "silent", "new", "well"]),
        ({"outcome": "failed"}, ["down", "refused"]),
        ({"outcome": "unexpected"}, ["down", "refused", "silent"]),
        ({"outcome": "unconfirmed"}, ["silent"]),
        ({"outcome": "confirmed"}, ["well"]),
        ({"outcome": "pending"}, ["new"]),
        ({"outcome": "nonsense"}, []),
        ({"cause": "tcp_refused"}, ["down"]),
        ({"cause": "client_ca_untrusted", "outcome": "confirmed"}, []),
        ({"party": "backend"}, ["down", "refused"]),
        ({"party": "exporter"}, []),
        ({"q": "SIL"}, ["silent"]),
        ({"q": "2.example:4317"}, ["down"]),
        ({"q": "client_ca untrusted"}, ["refused"]),
        ({"q": "client_ca well"}, []),
        ({"q": "  "}, ["down", "refused", "silent", "new", "well"]),
    ],
)
def test_search_and_filters_leave_out_the_rest(query: dict[str, str], names: list[str]) -> None:
    """What is asked for stays, the worst first; each word of a search must be there."""
    read = shown(fleet(*MIXED), **query)

    assert read.names == names
    narrowed = any(value.strip() for value in query.values())
    assert (f"{len(names)} of 5 targets · show all" in read.text) == narrowed


def test_the_form_shows_what_was_asked() -> None:
    """Search, choices and label survive the next click on Show; hostile text stays text."""
    asked = {"q": '"><script>\x1b', "outcome": "failed", "party": "backend", "label": "team=a"}
    read = shown(fleet(*MIXED), **asked, refresh="30")

    assert read.fields == {"q": '"><script>\\x1b', "label": "team=a", "refresh": "30"}
    assert read.selected == ["failed", "", "backend"]
    assert "No target matches." in read.text


def test_many_targets_come_in_pages() -> None:
    """The worst stand on the first page; every target is on one of them; too far is the last."""
    count = 2 * PER_PAGE + 3
    several = [(f"t{at}", [WELL]) for at in range(count - 1)]
    ledger = fleet(*several, ("worst", [DOWN]))
    pages = [shown(ledger, page=str(at)) for at in (1, 2, 3)]

    assert [len(read.names) for read in pages] == [PER_PAGE, PER_PAGE, 3]
    assert pages[0].names[0] == "worst"
    assert len({name for read in pages for name in read.names}) == count
    assert "/?page=2" in pages[0].links
    assert {"/", "/?page=3"} <= set(pages[1].links)
    assert shown(ledger, page="99").names == pages[2].names
    assert shown(ledger, page="x").names == pages[0].names
    assert "/?outcome=confirmed&page=2" in shown(ledger, outcome="confirmed").links


def test_a_large_fleet_is_counted_with_pauses_and_shown_in_parts() -> None:
    """An empty part after each batch lets attempts go on; no part holds the whole page."""
    ledger = fleet(*((f"t{at}", [WELL]) for at in range(10 * BATCH)))
    parts = list(render_status_page(ledger, CATALOGUE, AT))

    assert parts[:10] == [b""] * 10
    assert max(map(len, parts)) < sum(map(len, parts)) / 10


QUERIES: Final = st.dictionaries(
    st.sampled_from(["q", "outcome", "cause", "party", "label", "page", "refresh", "other"]),
    st.text(max_size=30) | st.sampled_from(["failed", "1", "-1", "9" * 40, "²", "\ud800"]),
)


@settings(max_examples=60, deadline=None)
@given(QUERIES)
def test_any_query_gives_a_page(query: dict[str, str]) -> None:
    """Whatever the address says, the page is whole and printable, and its links are ASCII."""
    html = b"".join(render_status_page(fleet(*MIXED), CATALOGUE, AT, query)).decode()

    assert html.endswith("</html>")
    line = html.replace("\n", "")
    assert safe_text(line, len(line)) == line
    assert TargetFilter.from_query(query).address().isascii()
