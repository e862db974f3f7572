"""Servers without TLS that backends are built on, each as a process with one OTLP protocol or both."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from probe.model.target import Protocol
from tests.lab.collector_build import collector_binary
from tests.lab.nginx import run_nginx
from tests.lab.servers import HOST, accepting, process, serve_collector
from tests.lab.stack import lacking, lacking_modules
from tests.lab.stacks import collector
from tests.lab.stacks.grpc_core import serve_grpc
from tests.lab.stacks.rustls import FOLDER
from tests.support.ports import reserved_port

_NODE: Final = (
    "require('http').createServer((request, answer) => {"
    " answer.setHeader('content-type', 'application/x-protobuf'); answer.end(); })"
    ".listen(PORT, '127.0.0.1')"
)
_PYTHON: Final = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()
http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
"""
_HAPROXY: Final = """
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend otlp
  bind {bind}
  http-request return status 200 content-type application/x-protobuf
"""

Start = Callable[[Path], AbstractContextManager[int]]


@dataclass(frozen=True, slots=True)
class PlaintextServer:
    """One server without TLS, and the one OTLP protocol that it serves."""

    name: str
    start: Start
    """Start it in an empty folder and yield its port."""
    serves: Protocol
    missing: Callable[[], str]
    """Return what this machine lacks to run it; empty where nothing."""


def _collector(protocol: Protocol) -> Start:
    @contextmanager
    def start(folder: Path) -> Iterator[int]:
        with serve_collector(collector_binary(), folder, None) as running:
            yield running.grpc_port if protocol == "grpc" else running.http_port

    return start


@contextmanager
def _grpc_core(folder: Path) -> Iterator[int]:
    with serve_grpc(folder) as port:
        yield port


@contextmanager
def _nginx(folder: Path) -> Iterator[int]:
    with reserved_port() as port:
        server = (
            f"server {{ listen {HOST}:{port}; default_type application/x-protobuf; return 200; }}"
        )
        with run_nginx(folder, port, http=server):
            yield port


@contextmanager
def _haproxy(folder: Path) -> Iterator[int]:
    file = folder / "haproxy.cfg"
    with reserved_port() as port:
        # proto h1: else HAProxy would take HTTP/2's preface as well.
        file.write_text(_HAPROXY.format(bind=f"{HOST}:{port} proto h1"), encoding="utf-8")
        with process(["haproxy", "-db", "-f", str(file)], folder / "haproxy.log") as log:
            accepting(port, log)
            yield port


def _command(*command: str, cwd: Path | None = None) -> Start:
    @contextmanager
    def start(folder: Path) -> Iterator[int]:
        with reserved_port() as port:
            arguments: Sequence[str] = [part.replace("PORT", str(port)) for part in command]
            with process(arguments, folder / "server.log", cwd=cwd) as log:
                accepting(port, log)
                yield port

    return start


def _granian(http: str) -> Start:
    return _command(
        sys.executable, "-m", "granian", "--host", HOST, "--port", "PORT", "--interface", "asgi",
        "--http", http, "--no-ws", "--workers", "1", "application:application", cwd=FOLDER,
    )  # fmt: skip


PLAINTEXT_SERVERS: Final = (
    PlaintextServer("collector-grpc", _collector("grpc"), "grpc", collector.COLLECTOR_GRPC.missing),
    PlaintextServer(
        "collector-http",
        _collector("http/protobuf"),
        "http/protobuf",
        collector.COLLECTOR_HTTP.missing,
    ),
    PlaintextServer("grpc-core", _grpc_core, "grpc", lacking_modules("grpc")),
    PlaintextServer("nginx", _nginx, "http/protobuf", lacking("nginx")),
    PlaintextServer("haproxy", _haproxy, "http/protobuf", lacking("haproxy")),
    PlaintextServer("node", _command("node", "-e", _NODE), "http/protobuf", lacking("node")),
    PlaintextServer(
        "cpython", _command(sys.executable, "-c", _PYTHON), "http/protobuf", lambda: ""
    ),
    PlaintextServer("hyper", _granian("1"), "http/protobuf", lacking_modules("granian")),
)
