"""stunnel in front of a server without TLS, as people use it for servers that have none."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from tests.lab.servers import HOST, accepting, process
from tests.lab.stack import CLOCK_OR_ANCHOR, Serving, Stack, lacking, with_clock
from tests.support.ports import reserved_port


class _Otlp(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer as an OTLP receiver that took all."""
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (http.server's name)
        """Say nothing."""


@contextmanager
def serving_plaintext() -> Iterator[int]:
    """Serve OTLP over HTTP without TLS; give the port."""
    server = ThreadingHTTPServer((HOST, 0), _Otlp)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def _start(folder: Path, serving: Serving) -> Iterator[int]:
    with reserved_port() as port, serving_plaintext() as behind:
        version = f"TLSv{serving.tls}"
        lines = [
            "foreground = yes",
            "pid =",
            "[otlp]",
            f"accept = {HOST}:{port}",
            f"connect = {HOST}:{behind}",
            f"cert = {serving.server.cert_file}",
            f"key = {serving.server.key_file}",
            f"sslVersionMin = {version}",
            f"sslVersionMax = {version}",
        ]
        if serving.client_ca_file is not None:
            lines += [f"CAfile = {serving.client_ca_file}", "verifyChain = yes"]
            lines += ["requireCert = yes"]
        if serving.crl_file is not None:
            lines += [f"CRLfile = {serving.crl_file}"]
        file = folder / "stunnel.conf"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = with_clock(["stunnel4", str(file)], serving.clock)
        with process(command, folder / "stunnel.log") as log:
            accepting(port, log)
            yield port


STUNNEL: Final = Stack(
    name="stunnel",
    start=_start,
    missing=lacking("stunnel4"),
    # OpenSSL's purposes let a CA be a client.
    lets_in=frozenset({"ca_as_end_entity"}),
    undecided=CLOCK_OR_ANCHOR,
)
