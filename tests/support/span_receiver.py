"""A backend of OTLP/HTTP for the probe's own spans, which answers as it is configured to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Receiver:
    """A backend of OTLP/HTTP that answers as it is configured to."""

    def __init__(self) -> None:
        """Take everything."""
        self.status = 200
        self.delay = 0.0
        self.requests = 0
        self.spans: list[Span] = []
        self.contexts: list[str | None] = []
        """traceparent of each request that is an attempt."""

    @property
    def names(self) -> list[str]:
        """The names of the spans taken, in order."""
        return [span.name for span in self.spans]

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Listen in plaintext; yields the endpoint."""
        application = web.Application()
        application.router.add_post("/v1/traces", self._take)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        if request.headers["User-Agent"].startswith("mtls-probe"):
            self.contexts.append(request.headers.get("traceparent"))
            return web.Response()
        self.requests += 1
        read = ExportTraceServiceRequest.FromString(await request.read())
        await asyncio.sleep(self.delay)
        if self.status == 200:
            self.spans += [
                span
                for group in read.resource_spans
                for scope in group.scope_spans
                for span in scope.spans
            ]
        return web.Response(status=self.status)
