"""An application with Python's OpenTelemetry SDK: exports one span for each line that it reads.

A script; its argument is the protocol. It says `ready`, then `yes` or `no` for each line.
"""

import sys
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider


def make_exporter(protocol: str) -> Any:
    """Return the SDK's exporter, which reads its variables and its files now."""
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter(timeout=2)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
        OTLPSpanExporter as OverHttp,
    )

    return OverHttp(timeout=2)


def make_span() -> ReadableSpan:
    """Return a span that has ended."""
    span = TracerProvider().get_tracer("application").start_span("of the application")
    span.end()
    assert isinstance(span, ReadableSpan)
    return span


def main() -> None:
    """Export until standard input ends."""
    exporter = make_exporter(sys.argv[1])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for _ in sys.stdin:
        try:
            done = exporter.export([make_span()]).name == "SUCCESS"
        except Exception:  # noqa: BLE001  # what an SDK raises exports nothing
            done = False
        sys.stdout.write("yes\n" if done else "no\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
