"""The Python SDK's OTLP exporters, answering cases (../README.md).

The argument names the exporter: python-grpc or python-http.
"""

import json
import logging
import os
import platform
import ssl
import sys
from collections.abc import Callable
from importlib.metadata import version

import grpc
from opentelemetry.exporter.otlp.common import http
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as OverGrpc
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as OverHttp
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanContext, TraceFlags

SPAN = ReadableSpan("lab", context=SpanContext(1, 1, is_remote=False, trace_flags=TraceFlags(1)))


REFUSALS = ("Failed to create security handshaker", "Client private key is encrypted")
"""What grpcio and urllib3 say of files that they cannot use, while they connect."""


class Lines(logging.Handler):
    """Keeps what the exporter logs."""

    def __init__(self) -> None:
        """Take warnings and errors."""
        super().__init__(logging.WARNING)
        self.taken: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the message, and the exception that is logged with it."""
        self.taken.append(record.getMessage())
        if record.exc_info and record.exc_info[1] is not None:
            self.taken.append(repr(record.exc_info[1]))


def make_grpc() -> SpanExporter:
    """Return the exporter that reports its first error instead of trying again."""
    return OverGrpc(retryable_error_codes=[grpc.StatusCode.ALREADY_EXISTS])


def make_http() -> SpanExporter:
    """Return the exporter; its second and last try comes at once."""
    exporter = OverHttp()
    exporter._client._compute_backoff = lambda _retry: 0.0
    return exporter


def export(case: dict[str, str], make: Callable[[], SpanExporter], lines: Lines) -> tuple[str, str]:
    """Return the outcome and what was printed."""
    for name, key in (
        ("CERTIFICATE", "ca"),
        ("CLIENT_CERTIFICATE", "cert"),
        ("CLIENT_KEY", "key"),
        ("ENDPOINT", "endpoint"),
    ):
        os.environ.pop(f"OTEL_EXPORTER_OTLP_{name}", None)
        if case.get(key):
            os.environ[f"OTEL_EXPORTER_OTLP_{name}"] = case[key]
    lines.taken.clear()
    try:
        exporter = make()
    except Exception as error:  # noqa: BLE001
        return "load", "\n".join([*lines.taken, repr(error)])
    refused = bool(lines.taken)
    raised.clear()
    result = exporter.export([SPAN])
    exporter.shutdown()
    if result is SpanExportResult.SUCCESS:
        return "ok", "\n".join(lines.taken)
    text = "\n".join(lines.taken)
    refused = refused or bool(raised) or any(each in text for each in REFUSALS)
    return ("load" if refused else "connect"), text


raised: list[str] = []
"""The loaders that raised while the exporter exported."""


def watch_loaders() -> None:
    """Note which loader raises: both raise the same types as a handshake."""
    for owner, name in (
        (ssl.SSLContext, "load_cert_chain"),
        (ssl.SSLContext, "load_verify_locations"),
    ):
        setattr(owner, name, _watched(getattr(owner, name), name))
    from requests.adapters import HTTPAdapter

    HTTPAdapter.cert_verify = _watched(HTTPAdapter.cert_verify, "cert_verify")


def _watched(function: Callable[..., object], name: str) -> Callable[..., object]:
    def call(*arguments: object, **named: object) -> object:
        try:
            return function(*arguments, **named)
        except Exception:
            raised.append(name)
            raise

    return call


def say(line: object) -> None:
    """Write one line of JSON."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Answer each line of standard input."""
    make = {"python-grpc": make_grpc, "python-http": make_http}[sys.argv[1]]
    http._MAX_RETRIES = 2
    watch_loaders()
    lines = Lines()
    logging.getLogger().addHandler(lines)
    for name in ("opentelemetry.exporter.otlp.proto.grpc.exporter",):
        logging.getLogger(name).filters.clear()  # it drops what was logged a moment ago
    versions = {"python": platform.python_version()}
    if make is make_grpc:
        names = ("opentelemetry-exporter-otlp-proto-grpc", "grpcio")
    else:
        names = ("opentelemetry-exporter-otlp-proto-http", "requests", "urllib3")
        versions["openssl"] = ssl.OPENSSL_VERSION
    versions |= {name: version(name) for name in names}
    say({"versions": versions})
    for line in os.fdopen(3, encoding="utf-8"):
        case = json.loads(line)
        outcome, text = export(case, make, lines)
        say({"id": case["id"], "outcome": outcome, "text": text})


if __name__ == "__main__":
    main()
