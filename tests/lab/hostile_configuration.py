"""The probe's configuration for a healthy Collector among every hostile peer of the table."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.lab.credentials import LabPki
from tests.lab.hostile_peers import HOST
from tests.lab.hostile_speech import BEHAVIOURS
from tests.lab.servers import START_TIMEOUT, Log
from tests.support.command_line import ROOT

HEALTHY: Final = "healthy"
TIMEOUT: Final = "900ms"
"""Of hostile targets: those that drip and those that are silent take all of it, each time."""


@contextmanager
def hostile_peers(pki: LabPki, folder: Path) -> Iterator[dict[str, int]]:
    """Run every hostile peer in one other process; yields their ports by name."""
    for source, name in ((pki.server.cert_file, "server"), (pki.server.key_file, "server-key")):
        (folder / f"{name}.pem").write_bytes(source.read_bytes())
    log = Log(folder / "hostile.log")
    command = [sys.executable, "-m", "tests.lab.hostile_peers", str(folder)]
    with (
        log.path.open("wb") as output,
        subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output) as running,
    ):
        try:
            yield json.loads(log.wait_for(r"(?m)^(\{.*\})$", timeout=START_TIMEOUT)[1])
        finally:
            running.kill()


def targets(pki: LabPki, ports: Mapping[str, int], healthy_port: int) -> list[dict[str, Any]]:
    """Return the targets of a configuration, the healthy one first."""
    tls = {
        "ca_file": str(pki.server_ca_file),
        "cert_file": str(pki.client.cert_file),
        "key_file": str(pki.client.key_file),
        "server_name_override": "localhost",
    }
    known = {behaviour.name: behaviour for behaviour in BEHAVIOURS}
    found: list[dict[str, Any]] = [
        {"name": HEALTHY, "endpoint": f"{HOST}:{healthy_port}", "interval": "1s", "tls": tls}
    ]
    for name, port in ports.items():
        behaviour = known.get(name)
        entry: dict[str, Any] = {
            "name": name,
            "endpoint": f"{HOST}:{port}",
            "interval": "1s",
            "timeout": TIMEOUT,
            "protocol": "http/protobuf" if behaviour and behaviour.http1 else "grpc",
            "tls": {"insecure": True} if behaviour and behaviour.plaintext else tls,
        }
        if behaviour and behaviour.over == "proxy":
            # The backend behind it is the healthy one: only the proxy is at fault.
            entry |= {
                "endpoint": f"{HOST}:{healthy_port}",
                "proxy_url": f"http://{HOST}:{port}",
            }
        found.append(entry)
    return found


def write_configuration(folder: Path, entries: list[dict[str, Any]], **more: Any) -> Path:
    """Write a configuration of `entries` (every JSON document is a YAML document)."""
    file = folder / "probe.yml"
    file.write_text(
        json.dumps({"targets": entries, "web": {"listen": f"{HOST}:0"}, **more}), encoding="utf-8"
    )
    return file
