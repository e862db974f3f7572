"""What exporters print where the bytes do not get through, or end without an alert.

Recorded from real clients; "…" stands for an address or a name.
"""

from typing import Final

from probe.model.runtime import (
    COLLECTOR,
    CURL,
    GO_BASED,
    GO_GRPC,
    GO_HTTP,
    JAVA,
    JAVA_JDK,
    NODE,
    NODE_GRPC,
    NODE_HTTP,
    PYTHON_GRPC,
    PYTHON_HTTP,
    RuntimeText,
    TextsByCause,
)

CLOSED_AFTER_THE_HANDSHAKE: Final[tuple[RuntimeText, ...]] = (
    ((COLLECTOR, GO_GRPC), "error reading server preface: EOF"),
    ((GO_HTTP,), "unexpected EOF"),
    (JAVA, "Unexpected end of file from server"),
    ((PYTHON_GRPC,), "Socket closed"),
    ((PYTHON_HTTP,), "EOF occurred in violation of protocol"),
    ((NODE_HTTP,), "socket hang up"),
    ((CURL,), "Send failure: Broken pipe"),
)
"""A backend that refuses without an alert: grpc-core, Node, nginx stream."""

LOST_IN_THE_RACE: Final[tuple[RuntimeText, ...]] = (
    ((COLLECTOR, GO_GRPC), "write: broken pipe"),
    ((GO_HTTP,), "http2: client conn could not be established"),
    (JAVA, "java.net.SocketException: Broken pipe"),
    ((PYTHON_GRPC,), "Unwrap failed (TSI_DATA_CORRUPTED)"),
    ((PYTHON_HTTP,), "EOF occurred in violation of protocol"),
    ((CURL,), "Send failure: Connection reset by peer"),
)
"""In TLS 1.3 the client has begun to write when the refusal comes; its failed write hides the refusal."""

NETWORK_TEXTS: Final[TextsByCause] = {
    "dns_failure": (
        ((COLLECTOR, GO_GRPC), "name resolver error: produced zero addresses"),
        (GO_BASED, "dial tcp: lookup …: no such host"),
        (JAVA, "java.net.UnknownHostException: …"),
        ((PYTHON_GRPC,), "address lookup failed for …: Domain name not found"),
        ((PYTHON_HTTP,), "Failed to resolve … ([Errno -2] Name or service not known)"),
        (NODE, "getaddrinfo ENOTFOUND …"),
        ((CURL,), "curl: (6) Could not resolve host: …"),
    ),
    "tcp_refused": (
        (GO_BASED, "connect: connection refused"),
        (JAVA, "java.net.ConnectException: Connection refused"),
        ((PYTHON_GRPC,), "Failed to connect to remote host: Connection refused"),
        ((PYTHON_HTTP,), "[Errno 111] Connection refused"),
        (NODE, "connect ECONNREFUSED …"),
        ((CURL,), "curl: (7) Failed to connect to …"),
    ),
    "tcp_timeout": (
        (GO_BASED, "context deadline exceeded"),
        ((PYTHON_HTTP,), "timed out"),
        ((NODE_GRPC,), "4 DEADLINE_EXCEEDED: Deadline exceeded after …"),
    ),
    "tls_timeout": (
        ((GO_HTTP,), "net/http: TLS handshake timeout"),
        ((JAVA_JDK,), "java.net.http.HttpConnectTimeoutException: HTTP connect timed out"),
        ((PYTHON_GRPC,), "Deadline Exceeded"),
        ((NODE_GRPC,), "4 DEADLINE_EXCEEDED: Deadline exceeded after …"),
        ((NODE_HTTP,), "Request timed out"),
        ((CURL,), "curl: (28) Connection timed out after …"),
    ),
    "network_unreachable": (
        (GO_BASED, "connect: network is unreachable"),
        (GO_BASED, "connect: no route to host"),
        (JAVA, "java.net.NoRouteToHostException: No route to host"),
        ((PYTHON_HTTP,), "[Errno 101] Network is unreachable"),
        ((PYTHON_HTTP,), "[Errno 113] No route to host"),
        (NODE, "connect ENETUNREACH …"),
        (NODE, "connect EHOSTUNREACH …"),
        ((CURL,), "curl: (7) Failed to connect to …"),
    ),
    "connection_reset": (
        (GO_BASED, "read: connection reset by peer"),
        (JAVA, "java.net.SocketException: Connection reset"),
        ((PYTHON_GRPC,), "recvmsg:Connection reset by peer"),
        ((PYTHON_HTTP,), "Connection reset by peer"),
        ((NODE_HTTP,), "read ECONNRESET"),
        ((CURL,), "curl: (35) Recv failure: Connection reset by peer"),
    ),
    "proxy_failure": (
        ((COLLECTOR, GO_GRPC), "failed to do connect handshake, response: …"),
        ((GO_HTTP,), "Proxy Authentication Required"),
        ((PYTHON_HTTP,), "Tunnel connection failed: 407 Proxy Authentication Required"),
        ((CURL,), "curl: (56) CONNECT tunnel failed, response …"),
    ),
}
"""By cause."""
