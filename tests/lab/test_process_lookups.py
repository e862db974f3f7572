"""Look-ups for a process in a container, against those of the C library in that very container.

glibc's getaddrinfo runs in the process's namespaces, with the same files and the same name server;
the probe must find the same addresses, and ask for the same names.
"""

import asyncio
import random
import socket
import subprocess
from pathlib import Path

import pytest

from probe.attempt.resolver import ResolutionError, Resolver
from probe.attempt.target_network import open_network
from probe.model.runtime import PYTHON_HTTP
from probe.model.surroundings import RunningProcess
from tests.support.namespaces import NameServer, make_socket_in, started_process

pytestmark = pytest.mark.slow

FILES = ("hosts", "resolv.conf", "nsswitch.conf")
NAMES = ("gw", "gw.otel", "gw.otel.svc", "gw.otel.svc.test", "GW.otel", "gw.", "gw.otel.svc.test.",
         "here", "here.local", "none", "broken", "broken.svc", "v6", "both")  # fmt: skip
KNOWN = {
    "gw.otel.svc.test": {"A": ("10.0.0.1",)},
    "gw.test": {"A": ("10.0.0.2", "10.0.0.3")},
    "gw.otel": {"A": ("10.0.0.4",)},
    "gw": {"A": ("10.0.0.5",)},
    "v6.test": {"AAAA": ("fd00::1",)},
    "both": {"A": ("10.0.0.6",), "AAAA": ("fd00::2",)},
    "empty.test": {},
}
HOSTS = "127.0.0.1 localhost\n10.1.1.1 here here.local # gw\n10.1.1.2 Here\nfd00::9 here\n"


def answer(name: str, kind: str) -> tuple[int, tuple[str, ...]] | None:
    """Answer as a server that knows a few names, and fails for some."""
    known = KNOWN.get(name.lower())
    if "broken" in name:
        return 2, ()
    return (3, ()) if known is None else (0, known.get(kind, ()))


def write_case(folder: Path, choose: random.Random) -> None:
    """Write files as containers have them, and as they should not."""
    domains = choose.sample(
        ["test", "svc.test", "otel.svc.test", "other", "svc"], choose.randint(0, 4)
    )
    lines = [f"search {' '.join(domains)}"] if domains else []
    options = [f"ndots:{choose.choice([0, 1, 2, 5, 99])}"] * choose.randint(0, 1)
    options += choose.sample(
        ["edns0", "rotate", "single-request", "trust-ad"], choose.randint(0, 2)
    )
    lines += [f"options {' '.join(('timeout:1', 'attempts:1', *options))}", "nameserver 127.0.0.1"]
    choose.shuffle(lines)
    orders = ["files dns", "dns files", "files", "dns", "files [NOTFOUND=return] dns", "files dns # x",
              "files mdns4_minimal [NOTFOUND=return] dns"]  # fmt: skip
    (folder / "resolv.conf").write_text("\n".join(lines) + "\n")
    (folder / "hosts").write_text(HOSTS)
    (folder / "nsswitch.conf").write_text(f"passwd: files\nhosts: {choose.choice(orders)}\n")


async def ask_library(process: RunningProcess, name: str) -> frozenset[str]:
    """Return what getaddrinfo finds in the process's own namespaces; empty where nothing."""
    enter = ["nsenter", "--target", str(process.pid), "--net", "--mount"]
    run = await asyncio.create_subprocess_exec(
        *enter, "getent", "ahosts", name, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    out, _ = await run.communicate()
    return frozenset(line.split()[0] for line in out.decode().splitlines())


async def ask_probe(process: RunningProcess, name: str) -> frozenset[str]:
    """Return what the probe finds for an exporter in that process."""
    network = await open_network(process, PYTHON_HTTP.id)
    try:
        return frozenset(await Resolver().resolve(name, network=network))
    except ResolutionError:
        return frozenset()


async def test_the_probe_finds_what_the_library_finds(tmp_path: Path) -> None:
    """For generated files, and names of every kind: the same addresses, and the same questions."""
    choose = random.Random(15)
    write_case(tmp_path, choose)
    mounts = [f"mount --bind {tmp_path / name} /etc/{name}" for name in FILES]
    prepare = " && ".join(("ip link set lo up", "ip addr add fd00::77/64 dev lo",
                           "ip addr add 10.0.0.77/24 dev lo", *mounts))  # fmt: skip
    differing = []
    with started_process(tmp_path, "--net", "--mount", prepare=prepare) as process:
        sock = make_socket_in(process, socket.SOCK_DGRAM, "127.0.0.1", 53)
        server = NameServer(answer)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: server, sock=sock)
        for _ in range(12):
            write_case(tmp_path, choose)
            for name in choose.sample(NAMES, 6):
                server.asked.clear()
                library = await ask_library(process, name)
                asked = list(dict.fromkeys(one.lower() for one, _ in server.asked))
                server.asked.clear()
                own = await ask_probe(process, name)
                also = list(dict.fromkeys(one.lower() for one, _ in server.asked))
                if (library, asked) != (own, also):
                    files = [(tmp_path / file).read_text() for file in FILES[1:]]
                    differing.append((name, library, asked, own, also, files))
        transport.close()

    assert differing == []
