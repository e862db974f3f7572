"""What machines ask the web application for: metrics, JSON, health, reload; and what it refuses."""

import asyncio

import pytest
from aiohttp import ClientSession

from probe.web.application import ServiceView, build_application
from probe.web.server.connections import Connections
from probe.web.server.listener import serve_application
from tests.support.web_fleet import Fleet, guarded, refused


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


async def test_the_listener_starts_and_stops() -> None:
    """While it lasts it answers, and afterwards the address is free."""
    fleet = Fleet("eu")
    application = build_application(ServiceView(ledger=fleet.ledger, metrics=fleet.metrics))
    async with (
        serve_application(application, "127.0.0.1", 0, connections=Connections(16)) as (host, port),
        ClientSession() as client,
        client.get(f"http://{host}:{port}/") as response,
    ):
        assert response.status == 200
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, port)
