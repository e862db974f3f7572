"""The backends of the measurements, each in a process of its own: its CPU never counts.

`nginx_site` is the one nginx that all peers of the comparison are measured against. It takes TLS
1.3 alone, demands a client certificate, and answers every request as an OTLP receiver does; all
keys are on P-256, which every peer takes. `serve` is the product's own backend, which refuses by
an alert, silently, or not at all.
"""

import asyncio
import multiprocessing
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import uvloop

from probe.model.target import TlsSettings
from tests.lab.nginx import run_nginx
from tests.support.backends import Backend, Behaviour
from tests.support.pki import Authority, write_pem
from tests.support.ports import reserved_port

HOST = "127.0.0.1"
NAME = "localhost"
HTTP_PATH = "/v1/traces"
GRPC_PATH = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


class Files:
    """The PEM files of both sides, written to a folder."""

    def __init__(self, folder: Path) -> None:
        """Write them."""
        self.folder = folder
        server_ca = Authority.root("server CA")
        self.client_ca = Authority.root("client CA")
        self.server = server_ca.issue("collector", usages=("serverAuth",))
        client = self.client_ca.issue("exporter", sans=())
        stranger = Authority.root("other CA").issue("exporter", sans=())
        for name, pem in {
            "ca.crt": server_ca.pem,
            "client-ca.crt": self.client_ca.pem,
            "server.crt": self.server.pem,
            "server.key": self.server.key_pem,
            "tls.crt": client.pem,
            "tls.key": client.key_pem,
            "stranger.crt": stranger.pem,
            "stranger.key": stranger.key_pem,
        }.items():
            write_pem(folder, name, pem)

    def path(self, name: str) -> str:
        """Return the path of one of them."""
        return str(self.folder / name)


@dataclass(frozen=True, slots=True)
class Site:
    """A running nginx: ports by what they speak, and a count of the connections it took."""

    files: Files
    http1: int
    http2: int
    status: socket.socket

    @property
    def pid(self) -> int:
        """Its process."""
        return int((self.files.folder / "pid").read_text(encoding="ascii"))

    def connections(self) -> int:
        """Return how many connections it has taken so far."""
        self.status.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        text = self.status.recv(65536)
        # "server accepts handled requests", and the three numbers in the next line.
        return int(text.partition(b"requests\n")[2].split()[0])


@contextmanager
def nginx_site(folder: Path) -> Iterator[Site]:
    """Run nginx; OTLP over HTTP/1.1 on one port, over HTTP/2 and gRPC on the other."""
    files = Files(folder)
    tls = (
        "ssl_protocols TLSv1.3; ssl_verify_client on; "
        f"ssl_certificate {files.path('server.crt')}; "
        f"ssl_certificate_key {files.path('server.key')}; "
        f"ssl_client_certificate {files.path('client-ca.crt')};"
    )
    answers = (
        f"location = {HTTP_PATH} {{ default_type application/x-protobuf; return 200; }}\n"
        f"location = {GRPC_PATH} {{ default_type application/grpc; "
        "add_header grpc-status 0; return 200; }"
    )
    with ExitStack() as stack:
        http1, http2, status = (stack.enter_context(reserved_port()) for _ in range(3))
        servers = "".join(
            f"server {{ listen {HOST}:{port} ssl{kind}; {tls}\n{answers}\n}}\n"
            for port, kind in ((http1, ""), (http2, " http2"))
        )
        counter = (
            f"server {{ listen {HOST}:{status}; keepalive_timeout 1d; keepalive_requests 1000000; "
            "location / { stub_status; } }"
        )
        top = "worker_rlimit_nofile 4096;"
        stack.enter_context(run_nginx(folder, http1, http=servers + counter, top=top))
        connection = stack.enter_context(socket.create_connection((HOST, status)))
        yield Site(files, http1, http2, connection)


def serve(folder: str, pipe: Connection, behaviour: Behaviour = "collector") -> None:
    """Run a gRPC backend until the parent closes its end of the pipe."""

    async def main() -> None:
        files = Files(Path(folder))
        settings = TlsSettings(
            ca_file=files.path("ca.crt"),
            cert_file=files.path("tls.crt"),
            key_file=files.path("tls.key"),
            server_name_override=NAME,
        )
        backend = Backend(
            name="bench", server=files.server, client_ca=files.client_ca, behaviour=behaviour
        )
        await backend.start()
        pipe.send((backend.port, settings))
        await asyncio.get_running_loop().run_in_executor(None, pipe.poll, None)
        await backend.stop()

    uvloop.run(main())


@contextmanager
def serving(folder: Path, behaviour: Behaviour = "collector") -> Iterator[tuple[int, TlsSettings]]:
    """Run `serve` in a process of its own; yield its port and the settings of a good client."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    backend = spawn.Process(target=serve, args=(str(folder), theirs, behaviour), daemon=True)
    backend.start()
    theirs.close()  # or a backend that could not start would be waited for without end
    try:
        yield ours.recv()
    finally:
        ours.close()
        backend.terminate()
        backend.join()
