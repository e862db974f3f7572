"""aiohttp's handler of one connection; what aiohttp itself answers and logs is made harmless.

An answer that aiohttp makes (to a request that is not HTTP, to an unknown expectation, after a bug of
ours) passes none of the application's own steps: by default it repeats the request, names the server's
versions, has no header of ours, and a traceback with the request is logged. Here it is one fixed
sentence with the headers of every other answer, and nothing of the request is logged.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestPayloadError

from probe.system.fault_log import FaultLog
from probe.web.server.connections import Connection, Connections, Phase

LARGEST_HEAD: Final = 32 * 1024
"""Bytes of a request line and its headers together; one line of it may have 8190."""
WRITE_BUFFER: Final = 32 * 1024
"""Bytes of an answer that wait in this process for a slow reader."""
READ_BUFFER: Final = 16 * 1024
"""Bytes of a request's body that are kept; no page reads one."""
LINGERING: Final = 1.0
"""Seconds in which the rest of a body is read and dropped, so that its sender reads the answer."""

_TEXTS: Final = {
    400: "this is not a valid HTTP request\n",
    417: "the header Expect may only be 100-continue\n",
    500: "the probe itself failed here; its log says where\n",
    504: "the probe did not have the answer in time\n",
}

Answering = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Harden = Callable[[web.BaseRequest, web.StreamResponse], Awaitable[None]]


class RequestHandler(web.RequestHandler):
    """One connection: counted, bounded, and silent about its requests."""

    __slots__ = ("_connection", "_connections", "_draining", "_faults", "_harden", "_head")

    def __init__(
        self,
        server: web.Server,
        connection: Connection,
        connections: Connections,
        *,
        harden: Harden,
        faults: FaultLog,
        loop: asyncio.AbstractEventLoop,
        keepalive_timeout: float,
    ) -> None:
        """Serve `connection`, one of `connections`.

        Args:
            server: what has the pages.
            connection: its phases are recorded.
            connections: where it is entered until it is lost.
            harden: sets the headers of an answer that no page made.
            faults: where bugs of ours are reported.
            loop: the running one.
            keepalive_timeout: seconds that an idle connection is kept.
        """
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=keepalive_timeout,
            access_log=None,  # type: ignore[arg-type]  # aiohttp's own way to have none
            lingering_time=LINGERING,
            read_bufsize=READ_BUFFER,
        )
        self._connection = connection
        self._connections = connections
        self._harden = harden
        self._faults = faults
        self._head = 0
        self._draining = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve; the TLS handshake, if any, is done."""
        # uvloop's TLS transport is not one of asyncio's classes.
        writing = cast("asyncio.Transport", transport)
        writing.set_write_buffer_limits(high=WRITE_BUFFER)
        super().connection_made(transport)
        if self._connection not in self._connections:
            writing.abort()  # it was ended during its handshake
            return
        self._connection.end = writing.abort
        self._begin("idle")

    def connection_lost(self, exc: BaseException | None) -> None:
        """Remove the connection."""
        self._connections.leave(self._connection)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Record that the reader is too slow."""
        self._connections.stall(self._connection)
        super().pause_writing()

    def resume_writing(self) -> None:
        """Record that the reader is fast enough again."""
        self._connections.unstall(self._connection)
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        """Read what may be part of a request, one or several."""
        transport = self.transport
        if self._connection.phase == "idle" and data:
            self._begin("request")
        before = self._request_count
        try:
            super().data_received(data)
        except Exception:  # noqa: BLE001  # an error of the parser is caused by the client's bytes
            self._connections.malformed += 1
            if transport is not None:
                transport.abort()
            return
        if self._request_count > before:
            self._draining = False
        if self._request_count > before or self._draining or self._connection.phase != "request":
            self._head = 0
            return
        self._head += len(data)
        if self._head > LARGEST_HEAD and transport is not None:
            self._connections.malformed += 1
            transport.abort()

    async def _handle_request(
        self, request: web.BaseRequest, start_time: float | None, request_handler: Answering
    ) -> tuple[web.StreamResponse, bool]:
        self._begin("answer")
        try:
            # aiohttp's own answer would repeat the header, and come before any check.
            if request.headers.get("Expect", "100-continue").lower() != "100-continue":
                request_handler = _refuse_expectation
            return await super()._handle_request(request, start_time, request_handler)
        except asyncio.InvalidStateError:
            # aiohttp's own, where it stops while several requests of a connection are left.
            raise ConnectionResetError from None
        except RuntimeError:
            # uvloop's, where an answer is written to a connection that was ended.
            if self._connection in self._connections:
                raise
            raise ConnectionResetError from None
        finally:
            # A body that nobody reads may still arrive: that is not the head of another request.
            self._draining = not request.content.is_eof()
            self._begin("request" if self._draining else "idle")

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send `resp`; one that no page made gets the headers of pages."""
        # aiohttp runs the application's own hook only where a route was looked for.
        if getattr(request, "_match_info", None) is None and not resp.prepared:
            await self._harden(request, resp)
        return await super().finish_response(request, resp, start_time)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  # it repeats the request
    ) -> web.StreamResponse:
        """Return the answer to what no page could answer; the connection ends with it.

        Raises:
            ConnectionError: where part of another answer has been sent, or nobody reads one.
        """
        if isinstance(exc, ConnectionError) or self._connection not in self._connections:
            # The client has gone, or was ended, and nobody reads an answer.
            raise ConnectionResetError from exc
        if status == 400:
            self._connections.malformed += 1
        else:
            self._faults.report(exc)
        if request.writer.output_size > 0:
            raise ConnectionError("part of another answer has been sent")
        response = web.Response(status=status, text=_TEXTS.get(status, _TEXTS[500]))
        response.force_close()
        return response

    def log_exception(self, *_: Any, **named: Any) -> None:
        """Report a bug of ours; what a client's bytes caused is not one."""
        error = named.get("exc_info")
        if not isinstance(error, HttpProcessingError | RequestPayloadError | OSError):
            self._faults.report(error if isinstance(error, BaseException) else None)

    def log_debug(self, *_: Any, **__: Any) -> None:
        """Log nothing of a request."""

    def _begin(self, phase: Phase) -> None:
        self._connections.begin(self._connection, phase)


async def _refuse_expectation(_: web.BaseRequest) -> web.StreamResponse:
    response = web.Response(status=417, text=_TEXTS[417])
    response.force_close()
    return response
