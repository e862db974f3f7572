"""The runtimes whose exporters people run, by the names that pages and JSON use."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Runtime:
    """One kind of exporter: `tls` is the library that makes its handshakes."""

    id: str
    name: str
    tls: str


COLLECTOR: Final = Runtime("collector", "OpenTelemetry Collector", "Go crypto/tls")
GO: Final = Runtime("go", "Go SDK", "Go crypto/tls")
JAVA: Final = Runtime("java", "Java SDK and agent", "JSSE")
PYTHON_GRPC: Final = Runtime("python-grpc", "Python SDK, gRPC", "BoringSSL in grpcio")
PYTHON_HTTP: Final = Runtime("python-http", "Python SDK, HTTP", "OpenSSL in CPython")
NODE_GRPC: Final = Runtime("node-grpc", "Node SDK, gRPC", "OpenSSL in Node")
NODE_HTTP: Final = Runtime("node-http", "Node SDK, HTTP", "OpenSSL in Node")
DOTNET: Final = Runtime("dotnet", ".NET SDK", "OpenSSL under .NET on Linux")
CURL: Final = Runtime("curl", "curl", "OpenSSL")

GO_BASED: Final = (COLLECTOR, GO)
NODE: Final = (NODE_GRPC, NODE_HTTP)
ON_OPENSSL: Final = (PYTHON_HTTP, *NODE, CURL)
RUNTIMES: Final = (*GO_BASED, JAVA, PYTHON_GRPC, PYTHON_HTTP, *NODE, DOTNET, CURL)

RuntimeText = tuple[tuple[Runtime, ...], str]
"""Which runtimes print a text, and the text without what varies: `…` for a path, an address, a name."""
TextsByCause = dict[str, tuple[RuntimeText, ...]]
"""What runtimes print, by the id of the cause."""
