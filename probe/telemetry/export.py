"""Takes spans to their destination: an OTLP exporter of the SDK, behind a queue that has an end.

It works in a thread of its own: an export that fails or hangs costs spans, which are counted, and
never an attempt. The SDK sets the exporter up by its environment variables; no key passes here.
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
_UNTOLD: Final = "the exporter did not say why"


class Told(Protocol):
    """Who learns how an export ended, in the event loop."""

    def __call__(self, spans: int, *, exported: bool, reason: str) -> None:
        """Take how many spans it was about, and why it failed."""


class SpanExport:
    """A processor for spans, and what becomes of them."""

    def __init__(self, protocol: str, queue: int, told: Told) -> None:
        """Start, in the running event loop; the exporter is opened with the first spans.

        Args:
            protocol: grpc or http/protobuf.
            queue: how many spans may wait.
            told: learns how each export ended.

        Raises:
            ValueError: for a batch that the environment's variables make impossible.
        """
        self._loop = asyncio.get_running_loop()
        self._told = told
        self._waiting = 0
        self._queue = queue
        self._log = _LastWords()
        self._processor = BatchSpanProcessor(
            _Renewed(_exporters(protocol), self._ended, self._log),
            max_queue_size=queue,
            max_export_batch_size=min(BATCH, queue),
        )
        self._log.attach()

    @property
    def processor(self) -> SpanProcessor:
        """What the SDK hands its spans to."""
        return self._processor

    def take(self, spans: int) -> bool:
        """Return whether there is room for so many more; they are then expected."""
        if self._waiting + spans > self._queue:
            return False
        self._waiting += spans
        return True

    async def flush(self) -> None:
        """Wait until what waits has been exported, or has failed."""
        await self._loop.run_in_executor(None, self._processor.force_flush)

    async def close(self, seconds: float) -> None:
        """Export what waits, for at most that long; what then is left is lost."""
        over = asyncio.Event()

        def shut_down() -> None:
            self._processor.shutdown()  # type: ignore[no-untyped-call]  # the SDK's own gap
            with suppress(RuntimeError):  # the loop has ended before
                self._loop.call_soon_threadsafe(over.set)

        # A daemon: the SDK itself would wait up to half a minute.
        threading.Thread(target=shut_down, name="telemetry", daemon=True).start()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await over.wait()
        self._log.detach()

    def _ended(self, spans: int, *, exported: bool, reason: str) -> None:
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._tell, spans, exported, reason)

    def _tell(self, spans: int, exported: bool, reason: str) -> None:
        self._waiting -= spans
        self._told(spans, exported=exported, reason=reason)


class _Renewed(SpanExporter):
    """An exporter that is made anew after a failure, so that it reads rotated files."""

    def __init__(self, make: Callable[[], SpanExporter], told: Told, log: "_LastWords") -> None:
        self._make = make
        self._told = told
        self._log = log
        self._exporter: SpanExporter | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._log.words.clear()
        try:
            self._exporter = self._exporter or self._make()
            result = self._exporter.export(spans)
        except Exception as error:  # noqa: BLE001 - told like every other failure
            self._log.words.append(f"{type(error).__name__}: {error}")
            result = SpanExportResult.FAILURE
        exported = result is SpanExportResult.SUCCESS
        said = _QUERY.sub("?…", "; ".join(dict.fromkeys(self._log.words))) or _UNTOLD
        reason = "" if exported else safe_text(said, LONGEST_REASON)
        if not exported:
            self.shutdown()
        self._told(len(spans), exported=exported, reason=reason)
        return result

    def shutdown(self) -> None:
        exporter, self._exporter = self._exporter, None
        if exporter is not None:
            exporter.shutdown()


class _LastWords(logging.Handler):
    """Keeps what the SDK says of an export, which would go to standard error as it is."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        # Of several tries the last one tells why, and what follows it that there was no further.
        self.words: deque[str] = deque(maxlen=2)
        self._logger = logging.getLogger("opentelemetry")
        self._propagated = self._logger.propagate

    def attach(self) -> None:
        self._logger.propagate = False
        self._logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.words.append(record.getMessage())

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

    class TrueSession(Session):
        """Has the CA that it was given; `requests` puts REQUESTS_CA_BUNDLE above it."""

        def merge_environment_settings(
            self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
        ) -> Any:
            verify = self.verify if verify is None else verify
            return super().merge_environment_settings(url, proxies, stream, verify, cert)

    return lambda: OTLPSpanExporter(session=TrueSession())
