"""The programs of the comparison, each on the same work at the same rate: how each is started.

blackbox_exporter and ssl_exporter get one module for what is measured, with a client certificate,
and are requested once for each attempt, as Prometheus does.
"""

import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlencode

import msgspec

from tests.bench.backends import HOST, HTTP_PATH, NAME, Site
from tests.bench.figures import Settings
from tests.bench.meters import get, requests_at, started
from tests.lab.compiled import compiled
from tests.support.ports import reserved_port

RATE: Final = 100
"""Attempts a second."""
TARGETS: Final = 100
PACING: Final = Path(__file__).with_name("paced_connect.c")
START_TIMEOUT: Final = 20.0

Peer = Callable[[Site, ExitStack], int]
"""Starts a program that makes attempts at the rate; returns its process id. The stack ends it."""
Port = Literal["http1", "http2"]


def choose_peers(settings: Settings) -> dict[str, Peer]:
    """Return the peers by name, the probe first."""
    bare = partial(_run_bare, port="http1")
    peers: dict[str, Peer] = {
        "mtls-probe, HTTP/1.1": partial(_run_probe, port="http1", protocol="http/protobuf"),
        "mtls-probe, HTTP/2": partial(_run_probe, port="http2", protocol="http/protobuf"),
        "mtls-probe, gRPC": partial(_run_probe, port="http2", protocol="grpc"),
        "bare attempt, HTTP/1.1": bare,
        "openssl s_time": _run_s_time,
    }
    if settings.quick:
        del peers["mtls-probe, HTTP/2"], peers["mtls-probe, gRPC"]
    if program := settings.blackbox:
        for name, port in (("HTTP/1.1", "http1"), ("HTTP/2", "http2")):
            peers[f"blackbox_exporter, {name}"] = partial(
                _run_exporter,
                program=program,
                module={
                    "prober": "http",
                    "timeout": "5s",
                    "http": _http_post(http2=port == "http2"),
                },
                port=port,
                target=f"https://{HOST}:{{port}}{HTTP_PATH}",
                expected=b"\nprobe_success 1\n",
            )
        peers["blackbox_exporter, TLS"] = partial(
            _run_exporter,
            program=program,
            module={
                "prober": "tcp",
                "timeout": "5s",
                "tcp": {"preferred_ip_protocol": "ip4", "tls": True, "tls_config": TLS},
            },
            expected=b"\nprobe_success 1\n",
        )
    if program := settings.ssl_exporter:
        peers["ssl_exporter, TLS"] = partial(
            _run_exporter,
            program=program,
            module={"prober": "tcp", "timeout": "5s", "tls_config": TLS},
            expected=b"\nssl_probe_success 1\n",
        )
    return peers


TLS: Final = {
    "ca_file": "ca.crt",
    "cert_file": "tls.crt",
    "key_file": "tls.key",
    "server_name": NAME,
}
"""The keys are the same in both exporters; the files are those of the site."""


def _http_post(*, http2: bool) -> dict[str, Any]:
    return {
        "method": "POST",
        "headers": {"Content-Type": "application/x-protobuf"},
        "valid_status_codes": [200],
        "fail_if_not_ssl": True,
        "preferred_ip_protocol": "ip4",
        "enable_http2": http2,
        "tls_config": TLS,
    }


def run_targets(
    stack: ExitStack, folder: Path, targets: Sequence[Mapping[str, Any]], success: int = 1
) -> tuple[int, int]:
    """Run `mtls-probe run` with `targets`; return its process id and its port.

    It has begun when /metrics shows for each of them that it succeeded, or has failed.
    """
    shown = re.compile(rb"^mtls_probe_success\{[^}]*\} %d" % success, re.MULTILINE)
    port = stack.enter_context(reserved_port())
    # Every JSON document is a YAML document.
    configuration = {"targets": targets, "web": {"listen": f"{HOST}:{port}"}}
    file = folder / "mtls-probe.yml"
    file.write_bytes(msgspec.json.encode(configuration))
    log = folder / "mtls-probe.log"
    command = [sys.executable, "-m", "probe", "run", "--config", str(file)]
    pid = stack.enter_context(started(command, log=log))
    _wait_for(port, "/metrics", lambda body: len(shown.findall(body)) == len(targets), log)
    return pid, port


def _run_probe(site: Site, stack: ExitStack, *, port: Port, protocol: str) -> int:
    tls = {
        "ca_file": site.files.path("ca.crt"),
        "cert_file": site.files.path("tls.crt"),
        "key_file": site.files.path("tls.key"),
        "server_name_override": NAME,
    }
    targets = [
        {
            "name": f"backend-{number}",
            "endpoint": f"https://{HOST}:{getattr(site, port)}",
            "protocol": protocol,
            "interval": f"{TARGETS / RATE:g}s",
            "tls": tls,
        }
        for number in range(TARGETS)
    ]
    pid, _ = run_targets(stack, site.files.folder, targets)
    return pid


def _run_bare(site: Site, stack: ExitStack, *, port: Port) -> int:
    arguments = (str(site.files.folder), str(getattr(site, port)), str(RATE))
    command = [sys.executable, "-m", "tests.bench.bare_client", *arguments]
    return stack.enter_context(started(command))


def _run_s_time(site: Site, stack: ExitStack) -> int:
    files = site.files
    command = [
        *("openssl", "s_time", "-connect", f"{HOST}:{site.http1}", "-new", "-time", "3600"),
        *("-CAfile", files.path("ca.crt"), "-verify", "2"),
        *("-cert", files.path("tls.crt"), "-key", files.path("tls.key")),
    ]
    library = compiled(
        PACING,
        version=("gcc", "--version"),
        compiler=("gcc", "-O2", "-shared", "-fPIC", "-o", "paced_connect.so"),
    )
    pace = {
        "LD_PRELOAD": str(library / "paced_connect.so"),
        "PACE_MICROSECONDS": str(1_000_000 // RATE),
    }
    return stack.enter_context(started(command, pace))


def _run_exporter(
    site: Site,
    stack: ExitStack,
    *,
    program: Path,
    module: Mapping[str, Any],
    expected: bytes,
    port: Port = "http1",
    target: str = f"{HOST}:{{port}}",
) -> int:
    listen = stack.enter_context(reserved_port())
    folder = site.files.folder
    file = folder / f"{program.name}.yml"
    file.write_bytes(msgspec.json.encode({"modules": {"bench": module}}))
    log = folder / f"{program.name}.log"
    arguments = (f"--config.file={file}", f"--web.listen-address={HOST}:{listen}")
    pid = stack.enter_context(started([str(program), *arguments], cwd=folder, log=log))
    asked = {"module": "bench", "target": target.format(port=getattr(site, port))}
    path = f"/probe?{urlencode(asked)}"
    _wait_for(listen, path, lambda body: expected in body, log)
    stack.enter_context(requests_at(RATE, listen, path, expected))
    return pid


def _wait_for(port: int, path: str, is_there: Callable[[bytes], bool], log: Path) -> None:
    end = time.monotonic() + START_TIMEOUT
    while True:
        with suppress(OSError):
            body = get(port, path)
            if is_there(body):
                return
        if time.monotonic() > end:
            sys.exit(f"no such result on {path}:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.2)
