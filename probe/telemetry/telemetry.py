"""The probe's own telemetry: from the ledger to the SDK, where the extra is installed.

Without the extra, or without a destination, nothing of OpenTelemetry's SDK is imported.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import structlog

from probe.config.span_destination import SpanDestination
from probe.diagnosis.catalogue import CATALOGUE
from probe.ledger.target_runtime import TargetRuntime
from probe.model.trace_context import HeadSampler
from probe.text.safe_text import safe_text

if TYPE_CHECKING:
    from probe.telemetry.sdk_tracing import Tracing
    from probe.telemetry.span_export import SpanExport

FLUSH: Final = 1.0
"""Seconds that spans get to leave when the service stops."""

log = structlog.get_logger("mtls_probe")


class Telemetry:
    """Traces of attempts, for as long as the service runs."""

    def __init__(
        self,
        destination: SpanDestination,
        *,
        resource: Mapping[str, str],
        sample_successes: float,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            destination: where spans go.
            resource: the probe's own attributes.
            sample_successes: the share of attempts recorded that ended as expected.
        """
        from probe.telemetry.sdk_tracing import SDK_ATTRIBUTES

        self.resource: Mapping[str, str] = {**resource, **SDK_ATTRIBUTES}
        self.sampler = HeadSampler(sample_successes)
        self._destination = destination
        self._export: SpanExport | None = None
        self._tracing: Tracing | None = None
        self._count: Callable[[str, int], None] = _count_nothing
        self._failing = False

    @asynccontextmanager
    async def run(self, count: Callable[[str, int], None]) -> AsyncIterator[None]:
        """Export for as long as the context lasts.

        `count` is called with how many spans were exported, failed or dropped.
        """
        from probe.telemetry.sdk_tracing import Tracing
        from probe.telemetry.span_export import SpanExport

        self._count = count
        destination = self._destination
        try:
            export = SpanExport(destination.protocol, destination.queue, self._on_export)
            self._tracing = Tracing(self.resource, export.processor)
        except Exception as error:  # noqa: BLE001 - probing goes on without
            log.error("telemetry_disabled", reason=safe_text(f"{type(error).__name__}: {error}"))  # noqa: TRY400  (a mistake of the user needs no traceback)
            yield
            return
        self._export = export
        try:
            yield
        finally:
            self._tracing = None
            await export.close(FLUSH)

    async def flush(self) -> None:
        """Wait until what is recorded has been exported, or has failed."""
        if self._export is not None:
            await self._export.flush()

    def record(self, state: TargetRuntime) -> None:
        """Export the attempt just entered, where its trace is recorded."""
        if self._tracing is None or self._export is None or state.trace is None:
            return
        from probe.telemetry.attempt_trace import build_trace

        try:
            trace = build_trace(state, CATALOGUE, self.sampler.threshold)
            if trace is None:
                return
            spans = 1 + len(trace.children)
            if self._export.reserve(spans):
                self._tracing.record(trace)
            else:
                self._count("dropped", spans)
        except Exception:
            # A bug of telemetry must not end the attempt that it is about.
            log.exception("probe_fault", work="telemetry", target=safe_text(state.target.name))

    def _on_export(self, spans: int, *, exported: bool, reason: str) -> None:
        self._count("exported" if exported else "failed", spans)
        if exported == self._failing:
            self._failing = not exported
            if exported:
                log.info("telemetry_export_recovered", endpoint=self._destination.endpoint)
            else:
                log.warning(
                    "telemetry_export_failed", endpoint=self._destination.endpoint, reason=reason
                )


def build_telemetry(
    destination: SpanDestination | None, *, resource: Mapping[str, str], sample_successes: float
) -> tuple[Telemetry | None, dict[str, str]]:
    """Return the telemetry that the environment asks for, and the fields of the log about it.

    None where it asks for none, or where the extra is not installed.
    """
    if destination is None:
        return None, {}
    kind, extra = ("grpc", "otel-grpc") if destination.protocol == "grpc" else ("http", "otel")
    if not _is_installed(f"opentelemetry.exporter.otlp.proto.{kind}"):
        needed = f"nowhere: {destination.endpoint} needs the extra mtls-probe[{extra}]"
        return None, {"spans_to": needed}
    try:
        telemetry = Telemetry(destination, resource=resource, sample_successes=sample_successes)
    except Exception as error:  # noqa: BLE001 - the SDK judges its variables when it is imported
        return None, {"spans_to": f"nowhere: {safe_text(f'{type(error).__name__}: {error}')}"}
    return telemetry, {"spans_to": f"{destination.endpoint} ({destination.protocol})"}


def _count_nothing(_result: str, _spans: int) -> None:
    """Before anything runs there is nothing to count."""


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False  # the package above it is missing
