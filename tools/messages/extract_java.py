"""What the JDK, Netty, grpc-java, OkHttp, OpenTelemetry Java and other TLS of the JVM can print.

The JDK's classes are read from `jmods` of the machine's JDK, libraries from Maven's repository,
which `mvn` fills where the jar is missing.
"""

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from tools.messages.java_classes import read_jar
from tools.messages.library_texts import LibraryTexts, choose_texts

MAVEN: Final = Path.home() / ".m2/repository"
_OTEL: Final = "io.opentelemetry:opentelemetry"


def find_jdk() -> tuple[Path, str]:
    """Return the machine's JDK and its version."""
    java = shutil.which("javac")
    if java is None:
        raise FileNotFoundError("no JDK: `javac` is not on PATH")
    home = Path(java).resolve().parents[1]
    version = re.search(r'JAVA_VERSION="([^"]+)"', (home / "release").read_text(encoding="utf-8"))
    return home, version[1] if version else "?"


def extract_jdk(library: str, module: str, packages: str) -> LibraryTexts:
    """Return the texts of packages of the JDK's `module`."""
    home, version = find_jdk()
    names = [f"classes/{each}" for each in packages.split()]
    texts = read_jar(home / f"jmods/{module}.jmod", names)
    return LibraryTexts(library, version, choose_texts(texts))


def find_jar(coordinates: str) -> Path:
    """Return the jar `group:artifact:version`; Maven fetches it where it is missing."""
    group, artifact, version = coordinates.split(":")
    jar = MAVEN / group.replace(".", "/") / artifact / version / f"{artifact}-{version}.jar"
    if not jar.exists():
        get = ["mvn", "-q", "-B", "dependency:get", "-Dtransitive=false"]
        subprocess.run([*get, f"-Dartifact={coordinates}"], check=True)
    return jar


def extract_jars(library: str, jars: Sequence[tuple[str, str]]) -> LibraryTexts:
    """Return the texts of packages of several jars; the first one's version is the list's."""
    texts = [text for jar, packages in jars for text in read_jar(find_jar(jar), packages.split())]
    return LibraryTexts(library, jars[0][0].rpartition(":")[2], choose_texts(texts))


EXTRACTORS: Final[dict[str, Callable[[], LibraryTexts]]] = {
    "jsse": partial(
        extract_jdk,
        "JDK: TLS, and the validation of certificates",
        "java.base",
        "sun/security/ssl/ sun/security/validator/ sun/security/provider/certpath/"
        " sun/security/util/HostnameChecker sun/security/util/DisabledAlgorithmConstraints",
    ),
    "java_files": partial(
        extract_jdk,
        "JDK: certificates, keys and key stores from files",
        "java.base",
        "sun/security/provider/X509Factory sun/security/provider/JavaKeyStore sun/security/pkcs/PKCS8Key"
        " sun/security/pkcs12/ sun/security/util/Der sun/security/x509/X509CertImpl"
        " sun/security/x509/X509CertInfo sun/security/x509/CertificateValidity java/security/KeyStore"
        " java/security/cert/PKIXParameters java/util/Base64",
    ),
    "java_http": partial(
        extract_jdk, "JDK: java.net.http", "java.net.http", "jdk/internal/net/http/"
    ),
    "java_net": partial(
        extract_jdk,
        "JDK: sockets, names and HttpURLConnection",
        "java.base",
        "java/net/Socket java/net/Inet java/net/SocksSocketImpl sun/nio/ch/NioSocketImpl sun/nio/ch/Net"
        " sun/nio/ch/SocketChannelImpl sun/net/www/http/ sun/net/www/protocol/http",
    ),
    "netty": partial(
        extract_jars,
        "Netty",
        (
            ("io.netty:netty-handler:4.2.17.Final", "io/netty/handler/ssl/"),
            ("io.netty:netty-handler-proxy:4.2.17.Final", "io/netty/handler/proxy/"),
            ("io.netty:netty-transport:4.2.17.Final", "io/netty/channel/Abs io/netty/channel/nio/"),
            ("io.netty:netty-codec-http2:4.2.17.Final", "io/netty/handler/codec/http2/Http2Conn"),
        ),
    ),
    "grpc_java": partial(
        extract_jars,
        "grpc-java",
        (
            ("io.grpc:grpc-netty:1.85.1", "io/grpc/netty/"),
            ("io.grpc:grpc-core:1.85.1", "io/grpc/internal/"),
            ("io.grpc:grpc-util:1.85.1", "io/grpc/util/"),
            ("io.grpc:grpc-okhttp:1.82.2", "io/grpc/okhttp/"),
        ),
    ),
    "okhttp": partial(
        extract_jars,
        "OkHttp",
        (
            (
                "com.squareup.okhttp3:okhttp-jvm:5.5.1",
                "okhttp3/internal/connection/ okhttp3/internal/tls/ okhttp3/internal/http okhttp3/Cert",
            ),
        ),
    ),
    "otel_java": partial(
        extract_jars,
        "OpenTelemetry Java's exporters",
        tuple(
            (f"{_OTEL}-{name}:1.68.0", "io/opentelemetry/exporter/")
            for name in (
                "exporter-otlp",
                "exporter-common",
                "exporter-sender-okhttp",
                "exporter-sender-jdk",
            )
        ),
    ),
    "conscrypt": partial(
        extract_jars, "Conscrypt", (("org.conscrypt:conscrypt-openjdk-uber:2.5.2", "org/conscrypt/"),)
    ),
    "bouncycastle": partial(
        extract_jars,
        "Bouncy Castle's TLS and certification paths",
        (
            ("org.bouncycastle:bctls-jdk18on:1.78.1", "org/bouncycastle/jsse/provider/ org/bouncycastle/tls/Tls"),
            ("org.bouncycastle:bcprov-jdk18on:1.78.1", "org/bouncycastle/jce/provider/"),
        ),
    ),
}  # fmt: skip
