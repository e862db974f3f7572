"""The runtimes whose exporters people run, by the names that configuration, pages and JSON use."""

from dataclasses import dataclass
from typing import Final

_GRPC: Final = ("grpc",)
_HTTP: Final = ("http/protobuf",)


@dataclass(frozen=True, slots=True)
class Runtime:
    """One kind of exporter: `tls` is the library that makes its handshakes."""

    id: str
    name: str
    tls: str
    protocols: tuple[str, ...] = (*_GRPC, *_HTTP)
    """The OTLP protocols that it speaks."""


COLLECTOR: Final = Runtime("collector", "OpenTelemetry Collector", "Go crypto/tls")
GO_GRPC: Final = Runtime("go-grpc", "Go SDK, gRPC", "Go crypto/tls", _GRPC)
GO_HTTP: Final = Runtime("go-http", "Go SDK, HTTP", "Go crypto/tls", _HTTP)
JAVA_OKHTTP: Final = Runtime("java-okhttp", "Java SDK and agent, OkHttp", "JSSE")
JAVA_JDK: Final = Runtime("java-jdk", "Java SDK, JDK HttpClient", "JSSE", _HTTP)
JAVA_GRPC: Final = Runtime("java-grpc", "Java SDK, grpc-java", "JSSE", _GRPC)
PYTHON_GRPC: Final = Runtime("python-grpc", "Python SDK, gRPC", "BoringSSL in grpcio", _GRPC)
PYTHON_HTTP: Final = Runtime("python-http", "Python SDK, HTTP", "OpenSSL in CPython", _HTTP)
NODE_GRPC: Final = Runtime("node-grpc", "Node SDK, gRPC", "OpenSSL in Node", _GRPC)
NODE_HTTP: Final = Runtime("node-http", "Node SDK, HTTP", "OpenSSL in Node", _HTTP)
RUST_TONIC: Final = Runtime("rust-tonic", "Rust SDK, tonic", "rustls", _GRPC)
RUST_REQWEST: Final = Runtime("rust-reqwest", "Rust SDK, reqwest", "rustls", _HTTP)
DOTNET: Final = Runtime("dotnet", ".NET SDK", "OpenSSL under .NET on Linux")
CURL: Final = Runtime("curl", "curl", "OpenSSL")
"""Of both protocols: people try a gRPC endpoint's TLS with curl too."""

GO: Final = (GO_GRPC, GO_HTTP)
GO_BASED: Final = (COLLECTOR, *GO)
GO_IDS: Final = frozenset(runtime.id for runtime in GO_BASED)
JAVA: Final = (JAVA_OKHTTP, JAVA_JDK, JAVA_GRPC)
NODE: Final = (NODE_GRPC, NODE_HTTP)
RUST: Final = (RUST_TONIC, RUST_REQWEST)
ON_OPENSSL: Final = (PYTHON_HTTP, *NODE, CURL)
RUNTIMES: Final = (*GO_BASED, *JAVA, PYTHON_GRPC, PYTHON_HTTP, *NODE, *RUST, DOTNET, CURL)
RUNTIMES_BY_ID: Final = {runtime.id: runtime for runtime in RUNTIMES}
EXPORTERS: Final = tuple(RUNTIMES_BY_ID)
"""What `exporter` may be."""

RuntimeText = tuple[tuple[Runtime, ...], str]
"""Which runtimes print a text, and the text without what varies: `…` for a path, an address, a name."""
TextsByCause = dict[str, tuple[RuntimeText, ...]]
"""What runtimes print, by the id of the cause."""


def find_sibling(exporter: str, protocol: str) -> str:
    """Return `exporter`, or where it does not speak `protocol` the one of its SDK that does."""
    if protocol in RUNTIMES_BY_ID[exporter].protocols:
        return exporter
    sdk = exporter.partition("-")[0]
    speaking = (one.id for one in RUNTIMES if protocol in one.protocols)
    return next((one for one in speaking if one.partition("-")[0] == sdk), COLLECTOR.id)
