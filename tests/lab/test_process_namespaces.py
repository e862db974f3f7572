"""A real Collector with an own network, own files and another user, as its process shows it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from tests.lab.credentials import LabPki
from tests.lab.process_stage import Credentials, started, wait_for_memory
from tests.lab.servers import StartCollector
from tests.support.command_line import Ended, command, run_commands
from tests.support.namespaces import relay_from, require_namespaces
from tests.support.processes import describe_process

NOBODY: Final = 65534
INSIDE: Final = 44317
"""A port of the other network, where nothing listens in ours."""


def gateway(folder: Path, name: str, port: str) -> Path:
    """Write the configuration of a Collector whose files are named relative to its directory."""
    tls = {"ca_file": "ca.crt", "cert_file": "tls.crt", "key_file": "tls.key"}
    clear = {"endpoint": "127.0.0.1:0"}
    pipeline = {"receivers": ["otlp"], "exporters": [name]}
    file = folder / "gateway.yaml"
    file.write_bytes(
        msgspec.json.encode(
            {
                "receivers": {"otlp": {"protocols": {"grpc": clear}}},
                "exporters": {name: {"endpoint": f"localhost:{port}", "tls": tls}},
                "service": {
                    "telemetry": {"metrics": {"level": "none"}},
                    "pipelines": {"traces": pipeline},
                },
            }
        )
    )
    return file


async def check(pid: int) -> Ended:
    """Run `check --pid`."""
    (ended,) = await run_commands(command("check", f"--pid={pid}", "--output=json"))
    return ended


def only(ended: Ended) -> dict[str, Any]:
    """Return the one result."""
    (result,) = ended.document["results"]
    return dict(result)


async def test_a_collectors_command_line_is_its_configuration(
    collector: StartCollector, otelcol: Path, pki: LabPki, tmp_path: Path
) -> None:
    """Files, variables and texts, merged in its order; under whatever name it runs."""
    Credentials(tmp_path, pki)
    file = gateway(tmp_path, "otlp_grpc/eu", "${env:BACKEND_PORT}")
    renamed = tmp_path / "gw"
    renamed.symlink_to(otelcol)
    port = collector().grpc_port
    more = '{"exporters": {"otlp_grpc/eu": {"tls": {"cert_file": "missing.crt"}}}}'
    arguments = [
        f"--config={file.name}",
        "--config=env:MORE",
        "--set=exporters.otlp_grpc/eu.tls.cert_file=tls.crt",
    ]
    variables = {"BACKEND_PORT": str(port), "MORE": more}
    with started([str(renamed), *arguments], variables, folder=tmp_path) as process:
        wait_for_memory(process.pid, otelcol.name)
        ended = await check(process.pid)
    result = only(ended)
    assert (ended.code, result["outcome"], result["target"]) == (0, "confirmed", "otlp_grpc/eu")
    assert (result["exporter"], result["endpoint"]) == ("collector", f"localhost:{port}")
    assert any("built of otelcol v" in fact for fact in result["facts"])


@contextmanager
def elsewhere(otelcol: Path, pki: LabPki, folder: Path) -> Iterator[int]:
    """Run a Collector as another user, whose files and network nobody else has."""
    require_namespaces()
    source = folder / "source"
    source.mkdir()
    Credentials(source, pki)
    gateway(source, "otlp_grpc", str(INSIDE))
    private = folder / "private"
    private.mkdir()
    for each in (folder, *folder.parents[:-1]):
        if each.stat().st_uid == os.geteuid():
            each.chmod(each.stat().st_mode | 0o011)
    script = (
        f"ip link set lo up && mount -t tmpfs none {private} && cp {source}/* {private} && cp {otelcol} {private}/gw && "
        f"chmod 755 {private} {private}/gw && chmod 644 {private}/*.crt {private}/*.yaml && "
        f"chown {NOBODY} {private}/tls.key && chmod 600 {private}/tls.key && cd {private} && "
        f"exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups ./gw --config=gateway.yaml"
    )
    line = ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", script]
    with started(line, {}, folder=folder) as process:
        wait_for_memory(process.pid, "/gw")
        yield process.pid


async def test_a_process_elsewhere_is_probed_from_there(
    collector: StartCollector, otelcol: Path, pki: LabPki, tmp_path: Path
) -> None:
    """Its files do not exist here, and its backend cannot be reached from here."""
    with elsewhere(otelcol, pki, tmp_path) as pid:
        relay = await relay_from(describe_process(pid), "127.0.0.1", INSIDE, collector().grpc_port)
        async with relay:
            ended = await check(pid)
            result = only(ended)
            assert (ended.code, result["outcome"]) == (0, "confirmed"), ended.err
            key = Path(f"/proc/{pid}/root{tmp_path}/private/tls.key")
            os.chown(key, 0, 0)
            ended = await check(pid)
    result = only(ended)
    assert (ended.code, result["cause"]) == (1, "client_file_permission")
    assert any(f"{NOBODY}:{NOBODY}" in fact for fact in result["facts"])
