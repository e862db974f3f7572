"""The web application: metrics, health, JSON and the pages, all read from the ledger.

Every answer carries headers that keep a browser from doing anything with it but show it. Templates
escape every value, and each has passed `safe_text` before.
"""

import asyncio
import time
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Generic, NamedTuple, TypeVar

from aiohttp import web

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import Cause
from probe.ledger.ledger import Ledger
from probe.ledger.replicas import list_results
from probe.ledger.target_runtime import TargetRuntime
from probe.metrics.exposition import OPENMETRICS, TEXT, wants_openmetrics
from probe.metrics.scrape import Metrics
from probe.model.target import SourcesSummary, SourceState
from probe.web.large_answers import AnswerWriter, BodyCache, Key
from probe.web.page_loader import PageLoader

T = TypeVar("T")

BATCH: Final = 50
"""Results made in one go: a long list must not hold back the attempts."""

PIECE: Final = 256 * 1024
"""Bytes of a piece of `/metrics`, at least."""
_GZIP: Final = 31
"""The window of zlib's format `gzip` (zlib.h, deflateInit2)."""

_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_BY_A_BROWSER: Final = ("origin", "referer", "sec-fetch-")
"""The beginnings of headers that browsers send and tools do not; no browser leaves out all."""
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Server": "mtls-probe",
    "X-Content-Type-Options": "nosniff",
}


class Reply(NamedTuple):
    """What an attempt on demand answers with: the metrics, the story, or why there are none."""

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


OnDemand = Callable[[Mapping[str, str], Mapping[str, str]], Awaitable[Reply]]
"""Makes the attempt that a query and headers ask for."""


Reload = Callable[[], Awaitable[str | None]]
"""Reads the configuration again: None when it is in force, else why it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceView:
    """What the application shows and does; the functions are asked at each request.

    Attributes:
        ledger: What is shown.
        metrics: What `/metrics` answers with.
        is_ready: Whether the service has started; targets that fail do not make it unready.
        reload: What `POST /-/reload` does; without it there is no such page.
        reload_failure: Why the last reload left the old configuration in force; None: it did not.
        warnings: What the configuration in force says that has no effect, or not the one meant.
        sources: How the sources are that the targets come from.
        on_demand: What `/probe` does; without it there is no such page.
        catalogue: Where the pages find a cause's title, who must act, and its own page.
        clock: The time of day, epoch seconds, for ages and days left on the page.
    """

    ledger: Ledger
    metrics: Metrics
    is_ready: Callable[[], bool] = lambda: True
    reload: Reload | None = None
    reload_failure: Callable[[], str | None] = lambda: None
    warnings: Callable[[], Sequence[str]] = tuple
    sources: Callable[[], SourcesSummary] = SourcesSummary
    on_demand: OnDemand | None = None
    catalogue: Mapping[str, Cause] = field(default_factory=lambda: CATALOGUE)
    clock: Callable[[], float] = time.time


def build_application(view: ServiceView) -> web.Application:
    """Return the application that shows `view`; nothing listens yet."""
    application = web.Application(client_max_size=1024)
    application.on_response_prepare.append(_harden)
    pages = _Pages(
        view,
        None if view.reload is None else SingleFlight(view.reload).call,
        AnswerWriter(),
        BodyCache(partial(_render_metrics, view.metrics)),
        PageLoader(),
    )
    application.add_routes(
        [
            web.get("/", pages.status),
            web.get(r"/targets/{name:(?s:.+)}", pages.target_page),
            web.get("/forecast", pages.forecast),
            web.get("/forecast.ics", pages.forecast_calendar),
            web.get("/api/v1/forecast", pages.forecast_json),
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
    if view.on_demand is not None:
        application.add_routes([web.get("/probe", _probe_handler(view.on_demand))])
    if view.reload is not None:
        application.add_routes([web.post("/-/reload", pages.reload)])
    return application


class SingleFlight(Generic[T]):
    """Lets all who ask during a run share the next one: one run is under way, and at most one waits.

    Who asks during a run gets the next one: the run under way may have read files before they changed.
    """

    def __init__(self, function: Callable[[], Awaitable[T]]) -> None:
        """Take the function; nothing runs yet."""
        self._function = function
        self._running: asyncio.Task[T] | None = None
        self._waiting: asyncio.Task[T] | None = None

    async def call(self) -> T:
        """Return what a run returned that began after this call.

        Raises:
            Exception: whatever the function raised.
        """
        if self._waiting is None:
            self._waiting = asyncio.create_task(self._run(self._running))
        # A caller may leave; the others still get the result.
        return await asyncio.shield(self._waiting)

    async def _run(self, before: asyncio.Task[T] | None) -> T:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._waiting = self._waiting, None
        return await self._function()


@dataclass(frozen=True, slots=True)
class _Pages:
    view: ServiceView
    read_again: Reload | None
    writer: AnswerWriter
    bodies: BodyCache
    loader: PageLoader

    async def status(self, request: web.Request) -> web.StreamResponse:
        await self.loader.load("probe.web.pages.status_page", "status.html")
        from probe.web.pages.status_page import render_status_page

        parts = render_status_page(
            self.view.ledger,
            self.view.catalogue,
            self.view.clock(),
            request.query,
            reload_failure=self.view.reload_failure(),
            warnings=self.view.warnings(),
            sources=self.view.sources(),
        )
        return await self.writer.send_parts(request, _html_headers(), parts)

    async def target_page(self, request: web.Request) -> web.Response:
        await self.loader.load("probe.web.pages.target_page", "target.html")
        from probe.web.pages.target_page import render_target_page

        state = self._find_target(request, listed_at="/")
        address = request.query.get("address", "")
        return _html(render_target_page(state, self.view.catalogue, self.view.clock(), address))

    async def forecast(self, request: web.Request) -> web.StreamResponse:
        await self.loader.load("probe.web.pages.forecast_page", "forecast.html")
        from probe.web.pages.forecast_page import render_forecast_page

        parts = render_forecast_page(self.view.ledger, self.view.clock(), request.query)
        return await self.writer.send_parts(request, _html_headers(), parts)

    async def forecast_json(self, request: web.Request) -> web.StreamResponse:
        await self.loader.load("probe.web.pages.forecast_page")
        from probe.web.pages.forecast_page import render_forecast_json

        parts = render_forecast_json(self.view.ledger, self.view.clock(), request.query)
        headers = {"Content-Type": "application/json"}
        return await self.writer.send_parts(request, headers, parts)

    async def forecast_calendar(self, request: web.Request) -> web.StreamResponse:
        await self.loader.load("probe.web.pages.forecast_page")
        from probe.report.calendar_file import MEDIA_TYPE
        from probe.web.pages.forecast_page import render_forecast_calendar

        parts = render_forecast_calendar(self.view.ledger, self.view.clock(), request.query)
        return await self.writer.send_parts(request, {"Content-Type": MEDIA_TYPE}, parts)

    async def causes(self, request: web.Request) -> web.StreamResponse:
        await self.loader.load("probe.web.pages.causes_pages", "causes.html")
        from probe.web.pages.causes_pages import render_causes_page

        parts = render_causes_page(self.view.catalogue, self.view.ledger)
        return await self.writer.send_parts(request, _html_headers(), parts)

    async def cause(self, request: web.Request) -> web.StreamResponse:
        await self.loader.load("probe.web.pages.causes_pages", "cause.html")
        from probe.web.pages.causes_pages import render_cause_page

        cause = self.view.catalogue.get(request.match_info["id"])
        if cause is None:
            raise web.HTTPNotFound(text="no cause has this id; /causes lists all\n")
        parts = render_cause_page(cause, self.view.ledger, self.view.catalogue, self.view.clock())
        return await self.writer.send_parts(request, _html_headers(), parts)

    async def badge(self, request: web.Request) -> web.Response:
        from probe.web.pages.badge import draw_badge

        name = request.match_info["name"]
        state = self.view.ledger.find(name)
        return web.Response(
            body=draw_badge(state, name),
            status=200 if state is not None else 404,
            content_type="image/svg+xml",
            # It is meant for a README, which another site serves.
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
        async with self.bodies.lease((openmetrics, zipped), abandon) as body:
            return await self.writer.send_body(request, headers, body)

    async def healthy(self, _: web.Request) -> web.Response:
        return web.Response(text="healthy\n")

    async def ready(self, _: web.Request) -> web.Response:
        if self.view.is_ready():
            return web.Response(text="ready\n")
        return web.Response(text="starting\n", status=503)

    async def targets(self, request: web.Request) -> web.StreamResponse:
        return await self._send_json(request, list(self.view.ledger), self.view.sources().states)

    async def target(self, request: web.Request) -> web.StreamResponse:
        state = self._find_target(request, listed_at="/api/v1/targets")
        return await self._send_json(request, [state], None)

    async def _send_json(
        self,
        request: web.Request,
        states: Sequence[TargetRuntime],
        sources: tuple[SourceState, ...] | None,
    ) -> web.StreamResponse:
        await self.loader.load("probe.report.address_summary")
        await self.loader.load("probe.report.result")
        headers = {"Content-Type": "application/json"}
        return await self.writer.send_parts(request, headers, _json_parts(states, sources))

    def _find_target(self, request: web.Request, *, listed_at: str) -> TargetRuntime:
        state = self.view.ledger.find(request.match_info["name"])
        if state is None:
            raise web.HTTPNotFound(text=f"no target has this name; {listed_at} lists all\n")
        return state

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


def _probe_handler(on_demand: OnDemand) -> Callable[[web.Request], Awaitable[web.Response]]:
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
    return web.Response(body=text.encode(), headers=_html_headers())


def _html_headers() -> dict[str, str]:
    from probe.web.pages.rendering import CONTENT_SECURITY_POLICY

    policy = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
    return {"Content-Type": "text/html; charset=utf-8", **policy}


def _json_parts(
    states: Sequence[TargetRuntime], sources: tuple[SourceState, ...] | None
) -> Iterator[bytes]:
    """Yield the JSON document of `states`, a part for each `BATCH` of them."""
    # Most sidecars are scraped, and nobody opens their pages.
    from probe.report.address_summary import build_target_addresses, read_runtime
    from probe.report.result import encode_line, encode_results, find_latest_result

    pending = [state.target.name for state in states if state.diagnosis is None]
    addresses = [
        build_target_addresses(state.target.name, read_runtime(state))
        for state in states
        if state.target.has_replicas and state.diagnosis is not None
    ]
    whole = encode_results((), pending, sources=sources, addresses=addresses)
    before, results, after = whole.partition(b'"results":[')
    yield before + results
    separator = b""
    each = [result for state in states for result in list_results(state)]
    for start in range(0, len(each), BATCH):
        lines = [
            encode_line(one) for one in map(find_latest_result, each[start : start + BATCH]) if one
        ]
        if lines:
            yield separator + b",".join(lines)
            separator = b","
    yield after


async def _render_metrics(metrics: Metrics, key: Key) -> list[bytes]:
    """Return the body of `/metrics` in pieces, made in many turns of the event loop."""
    openmetrics, zipped = key
    packer = zlib.compressobj(1, wbits=_GZIP) if zipped else None
    pieces: list[bytes] = []
    parts: list[bytes] = []
    size = 0
    for part in metrics.expose(openmetrics=openmetrics):
        parts.append(part)
        size += len(part)
        if size >= PIECE:
            pieces.append(await _pack(packer, b"".join(parts)))
            parts.clear()
            size = 0
        await asyncio.sleep(0)
    pieces.append(await _pack(packer, b"".join(parts)))
    if packer is not None:
        pieces.append(packer.flush())
    return pieces


async def _pack(packer: "zlib._Compress | None", piece: bytes) -> bytes:
    if packer is None:
        return piece
    # zlib releases the interpreter's lock; a thread is not worth it for a few targets.
    if len(piece) < PIECE:
        return packer.compress(piece)
    return await asyncio.to_thread(packer.compress, piece)


def _accepts_gzip(header: str) -> bool:
    for choice in header.split(","):
        coding, _, parameters = choice.partition(";")
        if coding.strip().lower() == "gzip":
            return parameters.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
