"""The web application: what each path answers, and how the page treats hostile text."""

from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient
from prometheus_client.parser import text_string_to_metric_families
from yarl import URL

from probe.model.diagnosis import Diagnosis
from probe.text.safe_text import safe_text
from tests.support.web_fleet import HOSTILE, Fleet, guarded, refused

CONFIRMED: Final = Diagnosis(outcome="confirmed", stage="export")


class Page(HTMLParser):
    """What a browser would make of the page: its tags, and the text of each table row."""

    def __init__(self, html: str) -> None:
        """Read `html`."""
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.rows: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag, and what it points to."""
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append("")
        self.links += [value or "" for key, value in attrs if key in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        """Add the text to its row."""
        if self.rows:
            self.rows[-1] += data


async def read(client: TestClient[Any, Any]) -> Page:
    """Return the status page as a browser reads it."""
    async with client.get("/") as response:
        assert response.status == 200
        assert response.content_type == "text/html"
        return Page(await response.text())


async def test_the_page_shows_what_is_needed_to_act() -> None:
    """A failed target has its cause's title, who must act, since when, facts and fix."""
    fleet = Fleet("eu")
    fleet.record("eu", refused())
    async with fleet.serve() as client:
        page = await read(client)

    row = page.rows[1]
    for text in (
        "eu", "eu.example:4317", "failed", "The backend trusts another CA", "(not certain)",
        "client_ca_untrusted", "backend_ca_trust", "Possible too: client_cert_revoked",
        "the backend's side", "1 h", "10 days left", "issued by CN=<img", "the key is short",
        "add the CA to client_ca_file",
    ):  # fmt: skip  # one list
        assert text in row
    assert "details" in page.tags


async def test_the_worst_comes_first() -> None:
    """Failures by severity, then the unconfirmed, the not yet probed, and what is well."""
    fleet = Fleet("well", "expiring", "pending", "unsure", "throttled", "refused")
    fleet.record("well", CONFIRMED, days=300)
    fleet.record("expiring", CONFIRMED, days=-1)
    fleet.record("unsure", Diagnosis(outcome="unconfirmed", stage="export"))
    fleet.record("throttled", refused("otlp_throttled"))
    fleet.record("refused", refused())
    async with fleet.serve() as client:
        page = await read(client)

    order = ["refused", "throttled", "unsure", "pending", "expiring", "well"]
    assert [row.split("eu.example")[0].strip() for row in page.rows[1:]] == order
    assert "expired" in page.rows[5]
    assert "not probed yet" in page.rows[4]


async def test_an_expected_failure_asks_nobody_to_act() -> None:
    """A target that fails as it must shows so, without a fix."""
    fleet = Fleet("guard", expect="client_ca_untrusted")
    fleet.record("guard", refused())
    async with fleet.serve() as client:
        page = await read(client)

    assert "failed, as expected" in page.rows[1]
    assert "the backend's side" not in page.rows[1]
    assert "add the CA" not in page.rows[1]


async def test_a_target_called_script_is_only_text() -> None:
    """Names and certificates that hold HTML or control characters stay text, on one line."""
    fleet = Fleet("<script>alert(1)</script>", "\x1b[2J\u202e")
    fleet.record("<script>alert(1)</script>", refused())
    async with fleet.serve() as client:
        async with client.get("/") as response:
            html = await response.text()
            assert guarded(response)
        page = Page(html)
        async with client.get("/metrics") as response:
            metrics = await response.text()

    assert not {"script", "img"} & set(page.tags)
    assert "<script>alert(1)</script>" in page.rows[1]
    assert html.replace("\n", "").isprintable()
    assert metrics.replace("\n", "").isprintable()
    subjects = {
        sample.labels["subject"]
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
        if sample.name == "mtls_probe_certificate_info"
    }
    assert subjects == {safe_text(HOSTILE)}


async def test_the_page_needs_nothing_else() -> None:
    """No script, no outside resource; the style sheet is the one that the policy names."""
    fleet = Fleet("a/b ü")
    async with fleet.serve() as client:
        page = await read(client)
        async with client.get(URL(page.links[-1], encoded=True)) as response:
            assert response.status == 200

    assert page.links == [
        "data:,", "#main", "/", "/forecast", "/causes", "/api/v1/targets", "/metrics", "/?refresh=30",
        "/?outcome=pending", "/targets/a%2Fb%20%C3%BC",
    ]  # fmt: skip  # one list
    assert "script" not in page.tags


@pytest.mark.parametrize(
    "name",
    [
        "eu",
        "otlp_grpc/pem",
        "a/b/",
        "/",
        "a b?c#d&e",
        "50%",
        "a%2Fb",
        "ü→\n",
        "<script>",
        "#2",
        "..a",
    ],
)
async def test_any_name_has_its_own_address(name: str) -> None:
    """A percent-encoded name is found, whatever it holds."""
    fleet = Fleet(name, "other")
    fleet.record(name, CONFIRMED)
    path = URL(f"/api/v1/targets/{quote(name, safe='')}", encoded=True)
    async with fleet.serve() as client, client.get(path) as response:
        assert response.status == 200
        shown = await response.json()

    assert [one["target"] for one in shown["results"]] == [safe_text(name)]
