"""An OTLP/HTTP backend of the standard library alone: http.server behind CPython's ssl module.

Usage: cpython_server.py VERSION CERT_FILE KEY_FILE [CLIENT_CA_FILE [CRL_FILE]]
It prints its port, answers every POST with an empty Export response, and knows HTTP/1.1 only.
"""

import socket
import ssl
import sys
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

VERSIONS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Export(BaseHTTPRequestHandler):
    """One connection, handshake included, in its own thread."""

    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        """Do the handshake here: in accept it would make other clients wait."""
        self.request.do_handshake()
        super().setup()

    def do_POST(self) -> None:
        """Read the request and answer it with a response of no fields."""
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()


class Backend(ThreadingHTTPServer):
    """An HTTP server whose connections are TLS."""

    context: ssl.SSLContext

    def get_request(self) -> tuple[socket.socket, object]:
        """Accept without waiting for the handshake."""
        connection, address = super().get_request()
        return (
            self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False),
            address,
        )


def context(arguments: Sequence[str]) -> ssl.SSLContext:
    """Return the settings that `arguments` ask for."""
    version, cert_file, key_file, *trust = arguments
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    settings.minimum_version = settings.maximum_version = VERSIONS[version]
    settings.load_cert_chain(cert_file, key_file)
    for file in trust:
        settings.load_verify_locations(file)
    if trust:
        settings.verify_mode = ssl.CERT_REQUIRED
    if len(trust) > 1:
        settings.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    return settings


if __name__ == "__main__":
    with Backend(("127.0.0.1", 0), Export) as backend:
        backend.context = context(sys.argv[1:])
        sys.stdout.write(f"port {backend.server_port}\n")
        sys.stdout.flush()
        backend.serve_forever()
