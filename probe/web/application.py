"""The web application: metrics, health, JSON and the pages, all read from the ledger.

Interfaces.md, section 6. Every answer carries headers that keep a browser from doing anything
with it but show it; law 10 is kept by autoescape on the page and by `safe_text` before it.
"""

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from aiohttp import web

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import Cause
from probe.ledger.ledger import Ledger
from probe.ledger.target_runtime import TargetRuntime
from probe.metrics.exposition import OPENMETRICS, TEXT, wants_openmetrics
from probe.metrics.scrape import Metrics
from probe.model.target import SourcesShown, SourceState
from probe.report.result import encode_line, encode_results, latest_result
from probe.web.joined_calls import JoinedCalls
from probe.web.shared_bodies import Key, SharedBodies
from probe.web.streaming import PartWriter

BATCH: Final = 100
"""Results made in one go: a fleet's JSON must not hold back the attempts."""

_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_BY_A_BROWSER: Final = ("origin", "referer", "sec-fetch-")
"""How headers begin that browsers send and tools do not; not every browser sends each of them."""
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
    warnings: Callable[[], Sequence[str]] = tuple,
    sources: Callable[[], SourcesShown] = SourcesShown,
    on_demand: OnDemand | None = None,
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
        warnings: What the configuration in force says that has no effect, or not the one meant.
        sources: How the sources are that the targets come from.
        on_demand: What `/probe` does; without it there is no such page.
        catalogue: Where the pages find a cause's title, who must act, and its own page.
        clock: The time of day, epoch seconds, for ages and days left on the page.
    """
    application = web.Application(client_max_size=1024)
    application.on_response_prepare.append(_harden)
    pages = _Pages(
        ledger,
        metrics,
        ready,
        None if reload is None else JoinedCalls(reload).call,
        reload_failure,
        warnings,
        sources,
        catalogue,
        clock,
        PartWriter(),
        SharedBodies(partial(_exposition, metrics)),
    )
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
    if reload is not None:
        application.add_routes([web.post("/-/reload", pages.reload)])
    return application


@dataclass(frozen=True, slots=True)
class _Pages:
    ledger: Ledger
    registry: Metrics
    is_ready: Callable[[], bool]
    read_again: Reload | None
    reload_failure: Callable[[], str | None]
    warnings: Callable[[], Sequence[str]]
    sources: Callable[[], SourcesShown]
    catalogue: Mapping[str, Cause]
    clock: Callable[[], float]
    writer: PartWriter
    bodies: SharedBodies

    async def status(self, request: web.Request) -> web.StreamResponse:
        # Jinja2 is slow to import and most processes never show a page.
        from probe.web.pages.status_page import CONTENT_SECURITY_POLICY, page

        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        }
        sources = self.sources()
        parts = page(
            self.ledger,
            self.catalogue,
            self.clock(),
            request.query,
            reload_failure=self.reload_failure(),
            warnings=self.warnings(),
            sources=sources.states,
            nothing_to_probe=sources.nothing_to_probe,
        )
        return await self.writer.send_parts(request, headers, parts)

    async def target_page(self, request: web.Request) -> web.Response:
        from probe.web.pages.detail_pages import target_page

        state = self.ledger.state(request.match_info["name"])
        if state is None:
            raise web.HTTPNotFound(text="no target has this name; / lists all\n")
        return _html(target_page(state, self.catalogue, self.clock()))

    async def causes(self, _: web.Request) -> web.Response:
        from probe.web.pages.detail_pages import causes_page

        return _html(causes_page(self.catalogue, self.ledger))

    async def cause(self, request: web.Request) -> web.Response:
        from probe.web.pages.detail_pages import one_cause_page

        cause = self.catalogue.get(request.match_info["id"])
        if cause is None:
            raise web.HTTPNotFound(text="no cause has this id; /causes lists all\n")
        return _html(one_cause_page(cause, self.ledger, self.catalogue, self.clock()))

    async def badge(self, request: web.Request) -> web.Response:
        from probe.web.pages.badge import badge

        name = request.match_info["name"]
        state = self.ledger.state(name)
        return web.Response(
            body=badge(state, name),
            status=200 if state is not None else 404,
            content_type="image/svg+xml",
            # It is made to stand in a README, which another site serves.
            headers={"Cross-Origin-Resource-Policy": "cross-origin"},
        )

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        openmetrics = wants_openmetrics(request.headers.get("Accept", ""))
        zipped = _accepts_gzip(request.headers.get("Accept-Encoding", ""))
        headers = {
            "Content-Type": OPENMETRICS if openmetrics else TEXT,
            "Vary": "Accept, Accept-Encoding",
        }
        if zipped:
            headers["Content-Encoding"] = "gzip"
        if request.method == "HEAD":
            return await self.writer.send_parts(request, headers, iter(()))
        transport = request.transport
        abandon = transport.abort if transport is not None else lambda: None
        async with self.bodies.reading((openmetrics, zipped), abandon) as body:
            return await self.writer.send_body(request, headers, body)

    async def healthy(self, _: web.Request) -> web.Response:
        return web.Response(text="healthy\n")

    async def ready(self, _: web.Request) -> web.Response:
        if self.is_ready():
            return web.Response(text="ready\n")
        return web.Response(text="starting\n", status=503)

    async def targets(self, request: web.Request) -> web.StreamResponse:
        return await self._json(request, list(self.ledger), self.sources().states)

    async def _json(
        self,
        request: web.Request,
        states: Sequence[TargetRuntime],
        sources: tuple[SourceState, ...] | None = None,
    ) -> web.StreamResponse:
        headers = {"Content-Type": "application/json"}
        return await self.writer.send_parts(request, headers, _json_parts(states, sources))

    async def target(self, request: web.Request) -> web.StreamResponse:
        state = self.ledger.state(request.match_info["name"])
        if state is None:
            raise web.HTTPNotFound(text="no target has this name; /api/v1/targets lists all\n")
        return await self._json(request, [state])

    async def reload(self, request: web.Request) -> web.Response:
        if self.read_again is None:
            raise web.HTTPNotFound
        # A page elsewhere could otherwise make its visitor's browser send this.
        if any(name.lower().startswith(_BY_A_BROWSER) for name in request.headers):
            text = "not from a browser: use curl -X POST without Origin, Referer or Sec-Fetch-*\n"
            raise web.HTTPForbidden(text=text)
        if request.can_read_body:
            raise web.HTTPRequestEntityTooLarge(0, 1, text="a reload takes no body\n")
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


async def _harden(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    response.headers.update(_HEADERS)


def _html(text: str) -> web.Response:
    from probe.web.pages.status_page import CONTENT_SECURITY_POLICY

    return web.Response(
        text=text,
        content_type="text/html",
        headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY},
    )


def _json_parts(
    states: Sequence[TargetRuntime], sources: tuple[SourceState, ...] | None
) -> Iterator[bytes]:
    """Yield the JSON document of `states`, a part for each `BATCH` of them."""
    pending = [state.target.name for state in states if state.diagnosis is None]
    whole = encode_results((), pending, sources=sources)
    before, results, after = whole.partition(b'"results":[')
    yield before + results
    separator = b""
    for start in range(0, len(states), BATCH):
        lines = [
            encode_line(one) for one in map(latest_result, states[start : start + BATCH]) if one
        ]
        if lines:
            yield separator + b",".join(lines)
            separator = b","
    yield after


async def _exposition(metrics: Metrics, key: Key) -> bytes:
    openmetrics, zipped = key
    body, _ = metrics.exposition(OPENMETRICS if openmetrics else "")
    if not zipped:
        return body
    # zlib lets go of the interpreter; thousands of targets' metrics are tens of megabytes.
    return await asyncio.to_thread(gzip.compress, body, 1, mtime=0)


def _accepts_gzip(header: str) -> bool:
    for choice in header.split(","):
        coding, _, parameters = choice.partition(";")
        if coding.strip().lower() == "gzip":
            return parameters.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
