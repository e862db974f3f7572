"""Sends spans to their destination: an OTLP exporter of the SDK, behind a queue with a limit.

It works in a thread of its own: an export that fails or hangs costs spans, which are counted, and
never an attempt. The SDK configures the exporter by its environment variables; no key passes here.
"""

import asyncio
import logging
import os
import re
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from probe.text.safe_text import safe_text

BATCH: Final = 512
"""Spans in one request, unless the queue is shorter."""
LONGEST_REASON: Final = 1024
# The query of an endpoint may hold a token.
_QUERY: Final = re.compile(r"\?[^\s)]+")
_NO_REASON: Final = "the exporter did not say why"


class OnExport(Protocol):
    """Called in the event loop when an export has ended."""

    def __call__(self, spans: int, *, exported: bool, reason: str) -> None:
        """Take how many spans it was about, and why it failed."""


class SpanExport:
    """A processor for spans, and what becomes of them."""

    def __init__(self, protocol: str, queue: int, on_export: OnExport) -> None:
        """Start, in the running event loop; the exporter is opened with the first spans.

        Args:
            protocol: grpc or http/protobuf.
            queue: how many spans may wait.
            on_export: called with how each export ended.

        Raises:
            ValueError: for a batch that the environment's variables make impossible.
        """
        self._loop = asyncio.get_running_loop()
        self._on_export = on_export
        self._waiting = 0
        self._queue = queue
        self._messages = _SdkMessages()
        self._processor = BatchSpanProcessor(
            _RenewableExporter(_exporters(protocol), self._report, self._messages),
            max_queue_size=queue,
            max_export_batch_size=min(BATCH, queue),
        )
        self._messages.attach()

    @property
    def processor(self) -> SpanProcessor:
        """What the SDK hands its spans to."""
        return self._processor

    def reserve(self, spans: int) -> bool:
        """Return whether there is room for so many more spans, and keep it for them."""
        if self._waiting + spans > self._queue:
            return False
        self._waiting += spans
        return True

    async def flush(self) -> None:
        """Wait until what waits has been exported, or has failed."""
        await self._loop.run_in_executor(None, self._processor.force_flush)

    async def close(self, seconds: float) -> None:
        """Export what waits, for at most that long; what then is left is lost."""
        done = asyncio.Event()

        def shut_down() -> None:
            self._processor.shutdown()  # type: ignore[no-untyped-call]  # the SDK's own gap
            with suppress(RuntimeError):  # the loop has already ended
                self._loop.call_soon_threadsafe(done.set)

        # A daemon: the SDK itself would wait up to half a minute.
        threading.Thread(target=shut_down, name="telemetry", daemon=True).start()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await done.wait()
        self._messages.detach()

    def _report(self, spans: int, *, exported: bool, reason: str) -> None:
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._finish, spans, exported, reason)

    def _finish(self, spans: int, exported: bool, reason: str) -> None:
        self._waiting -= spans
        self._on_export(spans, exported=exported, reason=reason)


class _RenewableExporter(SpanExporter):
    """An exporter that is made again after a failure, so that it reads rotated files."""

    def __init__(
        self, make: Callable[[], SpanExporter], on_export: OnExport, messages: "_SdkMessages"
    ) -> None:
        self._make = make
        self._on_export = on_export
        self._messages = messages
        self._exporter: SpanExporter | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._messages.messages.clear()
        try:
            self._exporter = self._exporter or self._make()
            result = self._exporter.export(spans)
        except Exception as error:  # noqa: BLE001 - reported like every other failure
            self._messages.messages.append(f"{type(error).__name__}: {error}")
            result = SpanExportResult.FAILURE
        exported = result is SpanExportResult.SUCCESS
        messages = _QUERY.sub("?…", "; ".join(dict.fromkeys(self._messages.messages)))
        reason = "" if exported else safe_text(messages or _NO_REASON, LONGEST_REASON)
        if not exported:
            self.shutdown()
        self._on_export(len(spans), exported=exported, reason=reason)
        return result

    def shutdown(self) -> None:
        exporter, self._exporter = self._exporter, None
        if exporter is not None:
            exporter.shutdown()


class _SdkMessages(logging.Handler):
    """Keeps what the SDK logs of an export, which would go to standard error unmasked."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        # Of several tries the last message has the reason; what follows it ends the tries.
        self.messages: deque[str] = deque(maxlen=2)
        self._logger = logging.getLogger("opentelemetry")
        self._propagated = self._logger.propagate

    def attach(self) -> None:
        self._logger.propagate = False
        self._logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())

    def detach(self) -> None:
        self._logger.removeHandler(self)
        self._logger.propagate = self._propagated


def _exporters(protocol: str) -> Callable[[], SpanExporter]:
    if protocol == "grpc":
        # gRPC's core writes to the descriptor of stderr itself, at each failed handshake too, and
        # waits there for whoever should read it. What an export fails with comes by its status.
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
            OTLPSpanExporter as OverGrpc,
        )

        return OverGrpc
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from requests import Session

    class OwnCaSession(Session):
        """Keeps the CA that it was given, which `requests` replaces by REQUESTS_CA_BUNDLE."""

        def merge_environment_settings(
            self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
        ) -> Any:
            verify = self.verify if verify is None else verify
            return super().merge_environment_settings(url, proxies, stream, verify, cert)

    return lambda: OTLPSpanExporter(session=OwnCaSession())
