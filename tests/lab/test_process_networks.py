"""An exporter in a network of its own: the probe enters it, and looks up names as it would."""

import asyncio
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from probe.attempt.resolver import Resolver
from probe.attempt.target_network import open_network
from probe.model.evidence import NetworkView
from probe.model.runtime import COLLECTOR
from probe.surroundings.process_entry import ProcessEndedError
from tests.support.attempts import end, prober, target
from tests.support.loopback_client import backends
from tests.support.namespaces import NameServer, make_socket_in, relay_from, started_process

pytestmark = pytest.mark.slow

UP = "ip link set lo up"


def make_files(folder: Path, *, hosts: str = "", resolv: str = "nameserver 127.0.0.1\n") -> str:
    """Write what the process's resolver reads; return the command that mounts it."""
    files = {"hosts": hosts, "resolv.conf": resolv, "nsswitch.conf": "hosts: files dns\n"}
    commands = [UP]
    for name, text in files.items():
        (folder / name).write_text(text)
        commands.append(f"mount --bind {folder / name} /etc/{name}")
    return " && ".join(commands)


async def test_the_attempt_is_made_from_the_network_of_the_process(tmp_path: Path) -> None:
    """Its hosts file has the name, and only its network has the backend; the probe's own has neither."""
    prepare = make_files(tmp_path, hosts="127.0.0.1 gateway.test\n")
    own = Path("/proc/self/ns/net").stat().st_ino
    async with backends() as start:
        backend = await start()
        with started_process(tmp_path, "--net", "--mount", prepare=prepare) as process:
            server = await relay_from(process, "127.0.0.1", 4317, backend.port)
            async with server:
                tried = target(
                    tmp_path,
                    4317,
                    host="gateway.test",
                    process=process,
                    server_name_override="localhost",
                )
                evidence = await prober().attempt(tried)
                server.close()

    assert end(evidence) == ("export", "answered")
    assert evidence.addresses == ("127.0.0.1",)
    assert evidence.network is not None
    assert evidence.network.network == "entered"
    assert evidence.network.look_up == "files"
    assert Path("/proc/self/ns/net").stat().st_ino == own


async def test_the_name_server_of_the_process_is_asked(tmp_path: Path) -> None:
    """With its search list: the name that DNS has is the full one."""
    prepare = make_files(
        tmp_path, resolv="nameserver 127.0.0.1\nsearch otel.svc.test svc.test\noptions ndots:5\n"
    )
    known = {"gateway.svc.test": "10.9.8.7"}

    def answer(name: str, kind: str) -> tuple[int, tuple[str, ...]]:
        if name not in known:
            return 3, ()
        return 0, ((known[name],) if kind == "A" else ())

    with started_process(tmp_path, "--net", "--mount", prepare=prepare) as process:
        sock = make_socket_in(process, socket.SOCK_DGRAM, "127.0.0.1", 53)
        server = NameServer(answer)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: server, sock=sock)
        network = await open_network(process, COLLECTOR.id)
        found = await Resolver().resolve("gateway", network=network)
        transport.close()

    assert found == ("10.9.8.7",)
    assert [name for name, _ in server.asked[::2]] == ["gateway.otel.svc.test", "gateway.svc.test"]
    assert network.seen is not None
    assert network.seen.name_servers == ("127.0.0.1",)


async def test_nothing_is_entered_where_the_network_is_the_probes_own(tmp_path: Path) -> None:
    """A process of this host, with this host's files, is looked up for as the probe itself is."""
    with started_process(tmp_path) as process:
        network = await open_network(process, COLLECTOR.id)

    assert network.look_up is None
    assert network.seen == NetworkView(process=f"process {process.pid} (python)", network="own")


async def test_a_process_that_ends_is_no_fault_of_the_backend(tmp_path: Path) -> None:
    """Between two attempts, and in the middle of one: the probe says that it has ended."""
    with started_process(tmp_path, "--net", prepare=UP) as process:
        network = await open_network(process, COLLECTOR.id)
        tried = target(tmp_path, 4317, host="127.0.0.1", process=process)
        refused = await prober().attempt(tried)
    gone = await prober().attempt(tried)

    assert end(refused) == ("connect", "refused")
    assert end(gone) == ("load", "probe_fault")
    assert "has ended" in gone.ending.detail
    with pytest.raises(ProcessEndedError):
        await network.make_socket(socket.AF_INET, socket.SOCK_STREAM)


def test_a_network_that_may_not_be_entered_is_a_finding(tmp_path: Path) -> None:
    """setns(2) needs CAP_SYS_ADMIN: what is missing is said, and the backend is not blamed."""
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://127.0.0.1:9"}
    with started_process(tmp_path, "--net", prepare=UP, environment=environment) as process:
        command = ["mtls-probe", "check", "--pid", str(process.pid), "--output", "json"]
        without = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-all"]
        ran = subprocess.run(
            [*without, Path(sys.executable).parent / command[0], *command[1:]],
            capture_output=True,
            check=False,
        )
    document = json.loads(ran.stdout)
    (result,) = document["results"]

    assert [one["cause"] for one in result["findings"]] == ["network_not_entered"]
    assert "CAP_SYS_ADMIN" in result["findings"][0]["fact"]
    # What answers on the probe's own loopback is not what the exporter would reach.
    assert (result["cause"], ran.returncode) == ("probe_fault", 3)
    assert "loopback of process" in result["facts"][0]
