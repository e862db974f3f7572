"""The programs of the comparison, each on the same work at the same rate: how each is started."""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from probe.model.target import Protocol
from tests.bench.backends import HOST, NAME, Site
from tests.bench.exporters import run_blackbox_http, run_blackbox_tcp, run_ssl_exporter
from tests.bench.figures import Settings
from tests.bench.meters import started, wait_for
from tests.lab.compiled import compiled
from tests.support.ports import reserved_port

RATE: Final = 100
"""Attempts a second."""
PACING: Final = Path(__file__).with_name("paced_connect.c")

Peer = Callable[[Site, ExitStack], int]
"""Starts a program that makes attempts at the rate; returns its process id. The stack ends it."""
Port = Literal["http1", "http2"]


def choose_peers(settings: Settings, rate: int = RATE) -> dict[str, Peer]:
    """Return the peers by name, the probe first."""
    http = partial(run_probe, protocol="http/protobuf")
    peers: dict[str, Peer] = {
        "mtls-probe, HTTP/1.1": partial(http, rate=rate, port="http1"),
        "mtls-probe, HTTP/2": partial(http, rate=rate, port="http2"),
        "mtls-probe, gRPC": partial(run_probe, rate=rate, port="http2", protocol="grpc"),
        "bare attempt, HTTP/1.1": partial(_run_bare, rate=rate),
        "openssl s_time": partial(_run_s_time, rate=rate),
    }
    if settings.quick:
        del peers["mtls-probe, HTTP/2"], peers["mtls-probe, gRPC"]
    if program := settings.blackbox:
        for name, http2 in (("HTTP/1.1", False), ("HTTP/2", True)):
            peers[f"blackbox_exporter, {name}"] = partial(
                run_blackbox_http, program=program, rate=rate, http2=http2
            )
        peers["blackbox_exporter, TLS"] = partial(run_blackbox_tcp, program=program, rate=rate)
    if program := settings.ssl_exporter:
        peers["ssl_exporter, TLS"] = partial(run_ssl_exporter, program=program, rate=rate)
    return peers


def run_targets(
    stack: ExitStack,
    folder: Path,
    targets: Sequence[Mapping[str, Any]],
    *,
    success: int = 1,
    experiments: bool = True,
    module: Sequence[str] = ("probe",),
) -> tuple[int, int]:
    """Run `mtls-probe run` with `targets`; return its process id and its port.

    It has begun when /metrics shows for each of them that it succeeded, or has failed.
    """
    shown = re.compile(rb"^mtls_probe_success\{[^}]*\} %d" % success, re.MULTILINE)
    port = stack.enter_context(reserved_port())
    # Every JSON document is a YAML document.
    configuration = {
        "targets": targets,
        "web": {"listen": f"{HOST}:{port}"},
        "experiments": {"enabled": experiments},
    }
    file = folder / "mtls-probe.yml"
    file.write_bytes(msgspec.json.encode(configuration))
    log = folder / "mtls-probe.log"
    command = [sys.executable, "-m", *module, "run", "--config", str(file)]
    pid = stack.enter_context(started(command, log=log))
    wait_for(port, "/metrics", lambda body: len(shown.findall(body)) == len(targets), log)
    return pid, port


def run_probe(
    site: Site,
    stack: ExitStack,
    *,
    port: Port,
    protocol: Protocol,
    rate: int = RATE,
    module: Sequence[str] = ("probe",),
) -> int:
    """Run the service with as many targets, one attempt a second each; return its process id."""
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
            "interval": "1s",
            "tls": tls,
        }
        for number in range(rate)
    ]
    pid, _ = run_targets(stack, site.files.folder, targets, module=module)
    return pid


def _run_bare(site: Site, stack: ExitStack, *, rate: int) -> int:
    arguments = (str(site.files.folder), str(site.http1), str(rate))
    command = [sys.executable, "-m", "tests.bench.bare_client", *arguments]
    return stack.enter_context(started(command))


def _run_s_time(site: Site, stack: ExitStack, *, rate: int) -> int:
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
        "PACE_MICROSECONDS": str(1_000_000 // rate),
    }
    return stack.enter_context(started(command, pace))
