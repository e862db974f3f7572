"""Which versions of each exporter the laboratory measured (`make exporters`): for people to read.

What is said of an exporter that is not here was read in its sources, and not seen.
"""

from typing import Final

from probe.model.runtime import (
    COLLECTOR,
    CURL,
    GO_GRPC,
    GO_HTTP,
    JAVA_GRPC,
    JAVA_JDK,
    JAVA_OKHTTP,
    NODE_GRPC,
    NODE_HTTP,
    PYTHON_GRPC,
    PYTHON_HTTP,
    RUST_REQWEST,
    RUST_TONIC,
)

MEASURED: Final = {
    COLLECTOR.id: "Go 1.26.8, Collector configgrpc 1.68.0 and confighttp 0.162.0",
    GO_GRPC.id: "Go 1.26.8, otlptracegrpc 1.45.0",
    GO_HTTP.id: "Go 1.26.8, otlptracehttp 1.45.0",
    JAVA_OKHTTP.id: "OpenJDK 17.0.21, opentelemetry-exporter-otlp 1.68.0, OkHttp 5.5.1",
    JAVA_JDK.id: "OpenJDK 17.0.21, opentelemetry-exporter-otlp 1.68.0",
    JAVA_GRPC.id: "OpenJDK 17.0.21, opentelemetry-exporter-otlp 1.63.0, grpc-netty 1.85.1",
    PYTHON_GRPC.id: "CPython 3.11.7, opentelemetry-exporter-otlp 1.45.2, grpcio 1.85.1",
    PYTHON_HTTP.id: "CPython 3.11.7 with OpenSSL 3.0.19, opentelemetry-exporter-otlp 1.45.2, "
    "urllib3 2.8.0",
    NODE_GRPC.id: "Node 20.20.2, exporter-trace-otlp-grpc 0.223.1, grpc-js 1.14.7",
    NODE_HTTP.id: "Node 20.20.2, exporter-trace-otlp-proto 0.223.1",
    RUST_TONIC.id: "opentelemetry-otlp 0.33.1, tonic 0.14.9, rustls 0.23.46",
    RUST_REQWEST.id: "opentelemetry-otlp 0.33.1, reqwest 0.13.5, rustls 0.23.46",
    CURL.id: "curl 7.88.1 with OpenSSL 3.0.19",
}
"""By runtime; tests compare it with the versions of what was measured."""
