"""Java's own TLS (JSSE), by its SSLServerSocket and by the HttpsServer of the JDK."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    load_pem_private_key,
    pkcs12,
)

from tests.lab.compiled import compiled
from tests.lab.credentials import Pair
from tests.lab.servers import HOST, START_TIMEOUT, process, started
from tests.lab.stack import FAR_FROM_ITS_EDGE, Serving, Stack, days_ahead, lacking

PROGRAM: Final = Path(__file__).with_name("JsseServer.java")
PASSWORD: Final = b"changeit"


def _keystore(folder: Path, pair: Pair) -> Path:
    """Write `pair` as PKCS#12, which is what Java reads keys from."""
    key = load_pem_private_key(pair.key_file.read_bytes(), None)
    own, *above = x509.load_pem_x509_certificates(pair.cert_file.read_bytes())
    path = folder / "server.p12"
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"server",
            key,  # type: ignore[arg-type]  # the lab's keys are RSA, EC or Ed25519
            own,
            above,
            BestAvailableEncryption(PASSWORD),
        )
    )
    return path


def _starter(kind: str) -> Callable[[Path, Serving], AbstractContextManager[int]]:
    @contextmanager
    def start(folder: Path, serving: Serving) -> Iterator[int]:
        built = compiled(
            PROGRAM, version=("javac", "-version"), compiler=("javac", "-d", ".", "-Xlint:all")
        )
        # What starts and ends fastest: the first compiler alone, the plainest collector of garbage,
        # no handlers of signals. No faketime: under it a JVM spins.
        command = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xrs"]
        command += ["-cp", str(built), "JsseServer"]
        command += [kind, serving.tls, str(days_ahead(serving.clock))]
        command += [str(_keystore(folder, serving.server))]
        command += [str(file) for file in (serving.client_ca_file, serving.crl_file) if file]
        with process(command, folder / "jsse.log") as log:
            port = int(started(log, r"port (\d+)")[1])
            _first_handshake(port)
            yield port

    return start


def _first_handshake(port: int) -> None:
    """Let the JVM load the classes of a handshake: seconds, on a busy machine."""
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname = False
    anyone.verify_mode = ssl.CERT_NONE
    with (
        suppress(OSError),  # it wants a certificate, and says so or closes
        socket.create_connection((HOST, port), START_TIMEOUT) as connection,
        anyone.wrap_socket(connection) as tls,
    ):
        tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        tls.recv(1)


_UNNAMED: Final = "certificate_unknown (46) has no reason, and the list of CAs has only names"
_SILENT: Final = "it closes without an alert, at TLS 1.2 too, and its list of CAs has names alone"
_NOT_TOLD_APART: Final = (
    "rekeyed_ca",
    "rekeyed_ca_without_key_ids",
    "revoked",
    "backend_ten_days_ahead",
)
# It looks at no dates of a trust anchor, and at no basicConstraints of the end entity; java.security
# forbids RSA below 1024 bits alone, and SHA-1 under the JDK's own CAs.
_LETS_IN: Final = frozenset(
    {"rsa_1024", "signed_with_sha1", "ca_as_end_entity", "expired_root", "expired_root_unseen"}
)
_SKIPS: Final = {"backend_ahead": FAR_FROM_ITS_EDGE}

JSSE: Final = Stack(
    name="jsse",
    start=_starter("socket"),
    missing=lacking("java", "javac"),
    lets_in=_LETS_IN,
    undecided=dict.fromkeys(_NOT_TOLD_APART, _UNNAMED),
    skips=_SKIPS,
)
JSSE_HTTPSERVER: Final = Stack(
    name="jsse-httpserver",
    start=_starter("httpserver"),
    missing=lacking("java", "javac"),
    lets_in=_LETS_IN,
    undecided=dict.fromkeys(_NOT_TOLD_APART, _SILENT),
    skips=_SKIPS,
)
