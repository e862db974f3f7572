"""The web application: what each path answers, and how the page treats hostile text."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import quote

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families
from yarl import URL

from probe.causes.cause import Cause
from probe.credential_facts import CertificateFacts, CredentialFacts, Name
from probe.diagnosis import Diagnosis, Finding
from probe.evidence import Ending, Evidence, TargetFacts
from probe.ledger import Ledger
from probe.outputs.metrics import Metrics
from probe.outputs.web import web_application, web_runner
from probe.safe_text import safe_text
from probe.target import Endpoint, Target

NOW: Final = 1_795_341_600.0
DAY: Final = 86_400.0
HOSTILE: Final = "CN=<img src=x onerror=alert(1)>\x1b[31m\u202e\n</td>"
CONFIRMED: Final = Diagnosis(outcome="confirmed", stage="export")
CATALOGUE: Final = {
    id_: Cause(
        id=id_,
        title=title,
        family="backend_ca_trust",
        party="backend",
        severity=severity,
        meaning="",
        evidence="",
        fix=(),
        citations=(),
        applies=frozenset(),
        match=lambda _: None,
    )
    for id_, title, severity in (
        ("client_ca_untrusted", "The backend trusts another CA", "critical"),
        ("otlp_throttled", "The backend throttles", "warning"),
    )
}


def refused(cause: str = "client_ca_untrusted") -> Diagnosis:
    """Return a failure of `cause` with hostile facts."""
    return Diagnosis(
        outcome="failed",
        stage="accept",
        cause=cause,
        family="backend_ca_trust",
        certain=False,
        also=("client_cert_revoked",),
        findings=(Finding(cause="client_cert_weak", fact="the key is short"),),
        facts=(f"issued by {safe_text(HOSTILE)}",),
        fix=("add the CA to client_ca_file",),
    )


class Fleet:
    """A ledger with its application, and targets recorded by name."""

    def __init__(self, *names: str, expect: str | None = None) -> None:
        """Know a target for each of `names`."""
        self.targets = {
            name: Target(name=name, endpoint=Endpoint("eu.example", 4317), expect_cause=expect)
            for name in names
        }
        self.ledger = Ledger(self.targets.values())
        self.metrics = Metrics(self.ledger, CATALOGUE)
        self.started = True

    def record(self, name: str, diagnosis: Diagnosis, *, days: float = 10.0) -> None:
        """Enter an attempt of an hour ago whose client certificate has `days` left."""
        target = self.targets[name]
        facts = TargetFacts(
            name=name,
            endpoint="eu.example:4317",
            host="eu.example",
            port=4317,
            protocol="grpc",
            expect_cause=target.expect_cause,
        )
        certificate = CertificateFacts(
            subject=Name(text=safe_text(HOSTILE), digest="s"),
            issuer=Name(text="CN=ca", digest="i"),
            serial_number="2a",
            not_before=0.0,
            not_after=NOW + days * DAY,
            sha256="ab",
        )
        evidence = Evidence(
            target=facts,
            at=NOW - 3600,
            ending=Ending(stage="accept", kind="alert"),
            credentials=CredentialFacts(client_chain=(certificate,)),
        )
        self.ledger.record(target, evidence, diagnosis)

    @asynccontextmanager
    async def serve(
        self, reload: Callable[[], Awaitable[str | None]] | None = None
    ) -> AsyncIterator[TestClient[Any, Any]]:
        """Serve the application on loopback."""
        application = web_application(
            self.ledger,
            self.metrics,
            ready=lambda: self.started,
            reload=reload,
            catalogue=CATALOGUE,
            clock=lambda: NOW,
        )
        async with TestClient(TestServer(application)) as client:
            yield client


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


def guarded(response: ClientResponse) -> bool:
    """Return whether the answer carries the headers that tie a browser's hands."""
    policy = response.headers["Content-Security-Policy"]
    return (
        policy.startswith("default-src 'none';")
        and "unsafe" not in policy
        and response.headers["X-Content-Type-Options"] == "nosniff"
        and response.headers["Referrer-Policy"] == "no-referrer"
        and "aiohttp" not in response.headers["Server"]
    )


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
        "data:,", "#main", "/", "/causes", "/api/v1/targets", "/metrics", "/?refresh=30",
        "/?outcome=pending", "/targets/a%2Fb%20%C3%BC",
    ]  # fmt: skip  # one list
    assert "script" not in page.tags


async def test_metrics_come_in_the_format_asked_for() -> None:
    """The scraper's Accept and Accept-Encoding headers decide."""
    fleet = Fleet("eu")
    async with fleet.serve() as client:
        async with client.get("/metrics", headers={"Accept-Encoding": "identity"}) as response:
            assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            assert "Content-Encoding" not in response.headers
            assert "mtls_probe_targets 1.0" in await response.text()
        asked = {"Accept": "application/openmetrics-text; version=1.0.0"}
        async with client.get("/metrics", headers=asked) as response:
            assert response.headers["Content-Type"].startswith("application/openmetrics-text")
            assert response.headers["Content-Encoding"] == "gzip"
            assert (await response.text()).endswith("# EOF\n")
        async with client.get("/metrics", headers={"Accept-Encoding": "gzip;q=0"}) as response:
            assert "Content-Encoding" not in response.headers


async def test_health_does_not_depend_on_results() -> None:
    """Ready means started: targets that fail do not take the probe out of service."""
    fleet = Fleet("eu")
    fleet.record("eu", refused())
    async with fleet.serve() as client:
        assert (await client.get("/-/healthy")).status == 200
        assert (await client.get("/-/ready")).status == 200
        fleet.started = False
        assert (await client.get("/-/ready")).status == 503
        assert (await client.get("/-/healthy")).status == 200


async def test_targets_are_listed_as_json() -> None:
    """Results have the form of section 4; a target without one is named as pending."""
    fleet = Fleet("eu", "late")
    fleet.record("eu", refused())
    async with fleet.serve() as client, client.get("/api/v1/targets") as response:
        assert response.content_type == "application/json"
        assert guarded(response)
        shown = await response.json()

    assert shown["schema"] == "mtls-probe/1"
    assert [(one["target"], one["cause"]) for one in shown["results"]] == [
        ("eu", "client_ca_untrusted")
    ]
    assert shown["pending"] == ["late"]


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


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/targets/nobody", "/-/reload", "/static/"])
async def test_unknown_paths_are_404_in_plain_text(path: str) -> None:
    """What is not there is said so without a page."""
    async with Fleet("eu").serve() as client, client.get(path) as response:
        assert response.status == 404
        assert response.content_type == "text/plain"
        assert guarded(response)


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/ready", "/api/v1/targets"])
async def test_only_reading_is_allowed(path: str) -> None:
    """HEAD answers as GET without a body; anything that writes is refused."""
    fleet = Fleet("eu")
    async with fleet.serve() as client:
        async with client.head(path) as response:
            assert response.status == 200
            assert await response.read() == b""
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            async with client.request(method, path) as response:
                assert response.status == 405


async def test_a_reload_says_how_it_went() -> None:
    """POST /-/reload reports success or why the old configuration stays, never to other sites."""
    answers: list[str | None] = [None, "line 3: unknown key"]

    async def reload() -> str | None:
        return answers.pop(0)

    async with Fleet("eu").serve(reload) as client:
        elsewhere = {"Sec-Fetch-Site": "cross-site"}
        assert (await client.post("/-/reload", headers=elsewhere)).status == 403
        assert (await client.post("/-/reload")).status == 200
        async with client.post("/-/reload") as response:
            assert response.status == 500
            assert "line 3: unknown key" in await response.text()
        assert (await client.get("/-/reload")).status == 405


async def test_the_runner_starts_and_stops() -> None:
    """The runner that the service uses accepts the application and lets go of it."""
    fleet = Fleet("eu")
    runner = web_runner(web_application(fleet.ledger, fleet.metrics, ready=lambda: True))
    await runner.setup()
    assert runner.server is not None
    await runner.cleanup()
    assert runner.server is None
