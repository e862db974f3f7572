"""The web application: metrics, health, JSON and the pages, all read from the ledger.

Interfaces.md, section 6. Every answer carries headers that keep a browser from doing anything
with it but show it; law 10 is kept by autoescape on the page and by `safe_text` before it.
"""

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec
from aiohttp import web
from msgspec import Raw

from probe.causes.catalogue import CATALOGUE
from probe.causes.cause import Cause
from probe.ledger import Ledger, TargetState
from probe.outputs.metrics import Metrics
from probe.outputs.result import document, line, result_of
from probe.source_state import SourcesShown, SourceState

KEEPALIVE_TIMEOUT: Final = 75.0
"""Seconds an idle connection is kept: longer than the usual scrape interval."""
SHUTDOWN_TIMEOUT: Final = 2.0
"""Seconds that requests under way get when the service stops."""
BATCH: Final = 100
"""Results made in one go: a fleet's JSON must not hold back the attempts."""

_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Server": "mtls-probe",
    "X-Content-Type-Options": "nosniff",
}


class Reply(Protocol):
    """What an attempt on demand answers with."""

    @property
    def status(self) -> int:
        """HTTP's."""

    @property
    def body(self) -> bytes:
        """The metrics, the story, or why there are none."""

    @property
    def content_type(self) -> str:
        """The media type with its parameters."""


OnDemand = Callable[[Mapping[str, str], Mapping[str, str]], Awaitable[Reply]]
"""Makes the attempt that a query and headers ask for."""


Reload = Callable[[], Awaitable[str | None]]
"""Reads the configuration again: None when it is in force, else why it is not."""


def web_application(
    ledger: Ledger,
    metrics: Metrics,
    *,
    ready: Callable[[], bool],
    reload: Reload | None = None,
    reload_failure: Callable[[], str | None] = lambda: None,
    sources: Callable[[], SourcesShown] = SourcesShown,
    on_demand: OnDemand | None = None,
    alerts: Callable[[], object] | None = None,
    catalogue: Mapping[str, Cause] = CATALOGUE,
    clock: Callable[[], float] = time.time,
) -> web.Application:
    """Return the application; nothing listens yet.

    Args:
        ledger: What is shown.
        metrics: What `/metrics` answers with.
        ready: Whether the service has started; targets that fail do not make it unready.
        reload: What `POST /-/reload` does; without it there is no such page.
        reload_failure: Why the last reload left the old configuration in force; None: it did not.
        sources: How the sources are that the targets come from.
        on_demand: What `/probe` does; without it there is no such page.
        alerts: What `/api/v1/alerts` answers with; without it there is no such page.
        catalogue: Where the pages find a cause's title, who must act, and its own page.
        clock: The time of day, epoch seconds, for ages and days left on the page.
    """
    application = web.Application(client_max_size=1024)
    application.on_response_prepare.append(_harden)
    pages = _Pages(ledger, metrics, ready, reload, reload_failure, sources, catalogue, clock)
    application.add_routes(
        [
            web.get("/", pages.status),
            web.get(r"/targets/{name:(?s:.+)}", pages.target_page),
            web.get("/causes", pages.causes),
            web.get(r"/causes/{id}", pages.cause),
            web.get(r"/badge/{name:(?s:.+)}.svg", pages.badge),
            web.get("/metrics", pages.metrics),
            web.get("/-/healthy", pages.healthy),
            web.get("/-/ready", pages.ready),
            web.get("/api/v1/targets", pages.targets),
            web.get(r"/api/v1/targets/{name:(?s:.+)}", pages.target),
        ]
    )
    if on_demand is not None:
        application.add_routes([web.get("/probe", _probing(on_demand))])
    if alerts is not None:
        application.add_routes([web.get("/api/v1/alerts", _as_json(alerts))])
    if reload is not None:
        application.add_routes([web.post("/-/reload", pages.reload)])
    return application


def web_runner(application: web.Application) -> web.AppRunner:
    """Return a runner with limits that suit scrapers and probes of an orchestrator."""
    return web.AppRunner(
        application,
        access_log=None,
        handle_signals=False,
        keepalive_timeout=KEEPALIVE_TIMEOUT,
        lingering_time=1.0,
        shutdown_timeout=SHUTDOWN_TIMEOUT,
    )


@dataclass(frozen=True, slots=True)
class _Pages:
    ledger: Ledger
    registry: Metrics
    is_ready: Callable[[], bool]
    read_again: Reload | None
    reload_failure: Callable[[], str | None]
    sources: Callable[[], SourcesShown]
    catalogue: Mapping[str, Cause]
    clock: Callable[[], float]

    async def status(self, request: web.Request) -> web.StreamResponse:
        # Jinja2 is slow to import and most processes never show a page.
        from probe.outputs.status_page import CONTENT_SECURITY_POLICY, page

        response = web.StreamResponse(
            headers={
                "Content-Type": "text/html; charset=utf-8",
                "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            }
        )
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        sources = self.sources()
        for part in page(
            self.ledger,
            self.catalogue,
            self.clock(),
            request.query,
            reload_failure=self.reload_failure(),
            sources=sources.states,
            nothing_to_probe=sources.nothing_to_probe,
        ):
            if part:
                await response.write(part)
            # A page of ten thousand targets must not hold back the attempts.
            await asyncio.sleep(0)
        await response.write_eof()
        return response

    async def target_page(self, request: web.Request) -> web.Response:
        from probe.outputs.detail_pages import target_page

        state = self.ledger.state(request.match_info["name"])
        if state is None:
            raise web.HTTPNotFound(text="no target has this name; / lists all\n")
        return _html(target_page(state, self.catalogue, self.clock()))

    async def causes(self, _: web.Request) -> web.Response:
        from probe.outputs.detail_pages import causes_page

        return _html(causes_page(self.catalogue, self.ledger))

    async def cause(self, request: web.Request) -> web.Response:
        from probe.outputs.detail_pages import one_cause_page

        cause = self.catalogue.get(request.match_info["id"])
        if cause is None:
            raise web.HTTPNotFound(text="no cause has this id; /causes lists all\n")
        return _html(one_cause_page(cause, self.ledger, self.catalogue, self.clock()))

    async def badge(self, request: web.Request) -> web.Response:
        from probe.outputs.badge import badge

        name = request.match_info["name"]
        state = self.ledger.state(name)
        return web.Response(
            body=badge(state, name),
            status=200 if state is not None else 404,
            content_type="image/svg+xml",
            # It is made to stand in a README, which another site serves.
            headers={"Cross-Origin-Resource-Policy": "cross-origin"},
        )

    async def metrics(self, request: web.Request) -> web.Response:
        body, content_type = self.registry.exposition(request.headers.get("Accept", ""))
        headers = {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
        if _accepts_gzip(request.headers.get("Accept-Encoding", "")):
            # zlib lets go of the interpreter; a fleet's metrics are tens of megabytes.
            body = await asyncio.to_thread(gzip.compress, body, 1, mtime=0)
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=body, headers=headers)

    async def healthy(self, _: web.Request) -> web.Response:
        return web.Response(text="healthy\n")

    async def ready(self, _: web.Request) -> web.Response:
        if self.is_ready():
            return web.Response(text="ready\n")
        return web.Response(text="starting\n", status=503)

    async def targets(self, _: web.Request) -> web.Response:
        return await _json(list(self.ledger), self.sources().states)

    async def target(self, request: web.Request) -> web.Response:
        state = self.ledger.state(request.match_info["name"])
        if state is None:
            raise web.HTTPNotFound(text="no target has this name; /api/v1/targets lists all\n")
        return await _json([state])

    async def reload(self, request: web.Request) -> web.Response:
        if self.read_again is None:
            raise web.HTTPNotFound
        # A page elsewhere could otherwise make its visitor's browser send this.
        if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
            raise web.HTTPForbidden(text="not from another site\n")
        error = await self.read_again()
        if error is not None:
            return web.Response(text=f"the configuration in force stays: {error}\n", status=500)
        return web.Response(text="the configuration was read again\n")


def _probing(on_demand: OnDemand) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def probe(request: web.Request) -> web.Response:
        if len(request.query) != len(set(request.query)):
            raise web.HTTPBadRequest(text="a parameter is given twice\n")
        reply = await on_demand(request.query, request.headers)
        headers = {"Content-Type": reply.content_type}
        return web.Response(status=reply.status, body=reply.body, headers=headers)

    return probe


def _as_json(document: Callable[[], object]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(document()), content_type="application/json")

    return answer


async def _harden(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    response.headers.update(_HEADERS)


def _html(text: str) -> web.Response:
    from probe.outputs.status_page import CONTENT_SECURITY_POLICY

    return web.Response(
        text=text,
        content_type="text/html",
        headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY},
    )


async def _json(
    states: list[TargetState], sources: tuple[SourceState, ...] | None = None
) -> web.Response:
    results: list[Raw] = []
    for index, state in enumerate(states, 1):
        if (one := result_of(state)) is not None:
            results.append(Raw(line(one)))
        if index % BATCH == 0:
            await asyncio.sleep(0)
    pending = [state.target.name for state in states if state.diagnosis is None]
    return web.Response(
        body=document(results, pending, sources=sources), content_type="application/json"
    )


def _accepts_gzip(header: str) -> bool:
    for choice in header.split(","):
        coding, _, parameters = choice.partition(";")
        if coding.strip().lower() == "gzip":
            return parameters.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
