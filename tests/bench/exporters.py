"""blackbox_exporter and ssl_exporter in the comparison: one module each for what is measured.

Each presents the client certificate, verifies the server's, and is requested once for each attempt,
as Prometheus does; its answer must say that the probe succeeded. Keys and flags are those of
blackbox_exporter 0.28 (CONFIGURATION.md) and ssl_exporter 2.4 (README.md).
"""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from tests.bench.backends import HOST, HTTP_PATH, NAME, Files, Site
from tests.bench.meters import requests_at, started, wait_for
from tests.support.ports import reserved_port

TIMEOUT: Final = "5s"


def _tls_config(files: Files) -> dict[str, str]:
    return {
        "ca_file": files.path("ca.crt"),
        "cert_file": files.path("tls.crt"),
        "key_file": files.path("tls.key"),
        "server_name": NAME,
    }


def run_blackbox_http(
    site: Site, stack: ExitStack, *, program: Path, rate: float, http2: bool
) -> int:
    """Run blackbox_exporter with a module that makes the probe's own request."""
    module = {
        "prober": "http",
        "timeout": TIMEOUT,
        "http": {
            "method": "POST",
            "headers": {"Content-Type": "application/x-protobuf"},
            "valid_status_codes": [200],
            "fail_if_not_ssl": True,
            "preferred_ip_protocol": "ip4",
            "enable_http2": http2,
            "tls_config": _tls_config(site.files),
        },
    }
    target = f"https://{HOST}:{site.http2 if http2 else site.http1}{HTTP_PATH}"
    return _run(site, stack, program, module, target, rate, b"\nprobe_success 1\n")


def run_blackbox_tcp(site: Site, stack: ExitStack, *, program: Path, rate: float) -> int:
    """Run blackbox_exporter with a module that makes a handshake."""
    tcp = {"preferred_ip_protocol": "ip4", "tls": True, "tls_config": _tls_config(site.files)}
    module = {"prober": "tcp", "timeout": TIMEOUT, "tcp": tcp}
    return _run(site, stack, program, module, f"{HOST}:{site.http1}", rate, b"\nprobe_success 1\n")


def run_ssl_exporter(site: Site, stack: ExitStack, *, program: Path, rate: float) -> int:
    """Run ssl_exporter with a module that makes a handshake."""
    module = {"prober": "tcp", "timeout": TIMEOUT, "tls_config": _tls_config(site.files)}
    return _run(
        site, stack, program, module, f"{HOST}:{site.http1}", rate, b"\nssl_probe_success 1\n"
    )


def _run(
    site: Site,
    stack: ExitStack,
    program: Path,
    module: Mapping[str, Any],
    target: str,
    rate: float,
    expected: bytes,
) -> int:
    port = stack.enter_context(reserved_port())
    file, log = (site.files.folder / f"exporter.{kind}" for kind in ("yml", "log"))
    # Every JSON document is a YAML document.
    file.write_bytes(msgspec.json.encode({"modules": {"bench": module}}))
    arguments = (f"--config.file={file}", f"--web.listen-address={HOST}:{port}")
    pid = stack.enter_context(started([str(program), *arguments], log=log))
    path = f"/probe?{urlencode({'module': 'bench', 'target': target})}"
    wait_for(port, path, lambda body: expected in body, log)
    stack.enter_context(requests_at(rate, port, path, expected))
    return pid
