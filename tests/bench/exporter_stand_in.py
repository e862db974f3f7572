"""Stands in for blackbox_exporter and ssl_exporter where the driver of the comparison is tested.

It takes their flags, refuses keys that they do not have, as both do, and answers /probe after a
real handshake with the client certificate, and a request where the module wants one. What it costs
says nothing about them.
"""

import http.client
import json
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_connection
from typing import Any
from urllib.parse import parse_qs, urlsplit

MODULE = {"prober", "timeout", "http", "tcp", "tls_config"}
PROBER = {
    *("method", "headers", "valid_status_codes", "fail_if_not_ssl", "preferred_ip_protocol"),
    *("enable_http2", "tls", "tls_config"),
}


class Handler(BaseHTTPRequestHandler):
    """Answers as an exporter does."""

    protocol_version = "HTTP/1.1"
    module: dict[str, Any]

    def do_GET(self) -> None:
        """Probe once."""
        target = parse_qs(urlsplit(self.path).query)["target"][0]
        success = int(probe(self.module, target))
        name = "ssl_probe_success" if "tls_config" in self.module else "probe_success"
        body = f"# TYPE {name} gauge\n{name} {success}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def probe(module: dict[str, Any], target: str) -> bool:
    """Return whether the handshake, and the request where there is one, went well."""
    settings = module.get(module["prober"], {})
    tls = settings.get("tls_config") or module["tls_config"]
    context = ssl.create_default_context(cafile=tls["ca_file"])
    context.load_cert_chain(tls["cert_file"], tls["key_file"])
    where = urlsplit(target if "//" in target else f"//{target}")
    if module["prober"] == "http" and not settings["enable_http2"]:
        address = (where.hostname or "", where.port)
        connection = http.client.HTTPSConnection(*address, context=context)
        connection.request(settings["method"], where.path, headers=settings["headers"])
        return connection.getresponse().status in settings["valid_status_codes"]
    with create_connection((where.hostname, where.port)) as sock:
        context.wrap_socket(sock, server_hostname=tls["server_name"]).close()
    return True


def main() -> None:
    """Serve until terminated."""
    given = dict(argument.removeprefix("--").split("=", 1) for argument in sys.argv[1:])
    ((_, module),) = json.loads(Path(given["config.file"]).read_bytes())["modules"].items()
    unknown = (set(module) - MODULE) | (set(module.get(module["prober"], {})) - PROBER)
    if unknown:
        sys.exit(f"unknown keys: {unknown}")
    Handler.module = module
    host, _, port = given["web.listen-address"].rpartition(":")
    ThreadingHTTPServer((host, int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main()
