"""An address that cannot be listened on: who has to change what, with the command that does."""

import re
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.command_line import NOWHERE, configuration, environment, run_probe
from tests.support.namespaces import require_namespaces
from tests.support.required_tools import missing

pytestmark = pytest.mark.slow

IS_UP = "ip link set lo up"
IS_DOWN = f"{IS_UP} && ip link set lo down"
"""Linux still listens there, and nothing comes through."""
NO_IPV4 = f"{IS_UP} && ip addr del 127.0.0.1/8 dev lo"
NO_IPV6 = f"{IS_UP} && ip -6 addr flush dev lo"


def run_in_namespaces(prepare: str, *arguments: str, wrapper: str = "") -> tuple[int, str]:
    """Run the probe in a network and file tree of its own, once `prepare` is done there."""
    require_namespaces()
    script = f'{prepare} && exec {wrapper} "$@"'
    ended = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-c", script, "sh", sys.executable, "-m", "probe", *arguments],
        capture_output=True, text=True, env=environment(), timeout=30, check=False,
    )  # fmt: skip
    return ended.returncode, ended.stderr


async def test_a_port_that_is_taken_for_the_demo() -> None:
    """It names who listens there, and the same command with another port, which can be pasted."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = await run_probe("demo", "--listen", f"127.0.0.1:{port}")
    assert ended.code == 2
    assert f"cannot listen on 127.0.0.1:{port}: address already in use. " in ended.err.lower()
    assert f"ss -ltnp 'sport = :{port}'" in ended.err
    offered = re.search(r"or write: (.*) demo --listen 127\.0\.0\.1:(\d+)$", ended.err.strip())
    assert offered
    assert int(offered[2]) not in {0, port}
    # As it is pasted: the command itself runs.
    shown = subprocess.run(
        ["sh", "-c", f"{offered[1]} --version"],
        capture_output=True, text=True, env=environment(), check=False,
    )  # fmt: skip
    assert "mtls-probe, version" in shown.stdout


async def test_a_port_that_is_taken_for_the_service(tmp_path: Path) -> None:
    """The setting that has the address is named, and only where it has it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        config = configuration(tmp_path, {"endpoint": NOWHERE}, web={"listen": address})
        by_file = await run_probe("run", "--config", config)
        by_option = await run_probe("run", "--config", config, "--listen", address)
    assert (by_file.code, by_option.code) == (2, 2)
    assert f"or change web.listen in {config}, or write: " in by_file.err
    assert f" run --config {config} --listen 127.0.0.1:" in by_file.err
    assert "web.listen" not in by_option.err
    assert f" run --config {config} --listen 127.0.0.1:" in by_option.err


async def test_the_usual_port_is_taken() -> None:
    """Without any option: a second probe on the machine, or another container of the pod."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # then it is taken already
            taken.bind(("0.0.0.0", 9943))
            taken.listen()
        served, shown = await run_probe("run"), await run_probe("demo")
    assert (served.code, shown.code) == (2, 2)
    assert served.err.strip().endswith(" run --listen 0.0.0.0:9944")
    assert shown.err.strip().endswith(" demo --listen 127.0.0.1:9944")


def test_a_port_of_roots() -> None:
    """A user without rights reads from which port on it works."""
    if shutil.which("setpriv") is None:
        missing("not installed: setpriv")
    dropped = "-net_bind_service"
    code, said = run_in_namespaces(
        "ip link set lo up && echo 1024 > /proc/sys/net/ipv4/ip_unprivileged_port_start",
        "demo", "--listen", "127.0.0.1:443",
        wrapper=f"setpriv --bounding-set={dropped} --inh-caps={dropped}",
    )  # fmt: skip
    assert code == 2
    assert "Ports below 1024 are for root" in said
    assert said.strip().endswith("demo --listen 127.0.0.1:9943")


@pytest.mark.parametrize(
    ("prepare", "listen", "means", "instead"),
    [
        (NO_IPV4, "127.0.0.1:9943", "ip link set lo up", "[::1]:9943"),
        (NO_IPV6, "[::1]:9943", "this IPv6 address, or no IPv6 at all", "127.0.0.1:9943"),
        (IS_UP, "10.1.2.3:9943", "no such name or address", "0.0.0.0:9943"),
        (IS_UP, "nowhere.invalid:9943", "no such name or address", "0.0.0.0:9943"),
    ],
)
def test_an_address_that_the_machine_does_not_have(
    prepare: str, listen: str, means: str, instead: str
) -> None:
    """No IPv4 on loopback, no IPv6, another machine's address, a name of nothing."""
    code, said = run_in_namespaces(prepare, "demo", "--listen", listen)
    assert code == 2, said
    assert means in said
    assert said.strip().endswith(f"demo --listen {instead}")


@pytest.mark.parametrize("prepare", ["true", IS_DOWN, NO_IPV4])
def test_the_demo_without_loopback(prepare: str) -> None:
    """Whether its backends can listen there and nobody reaches them, or not even that."""
    code, said = run_in_namespaces(prepare, "demo", "--once")
    assert code == 2
    assert "the demo's backends listen on 127.0.0.1, and that does not work here: " in said
    assert "ip link set lo up" in said


def test_the_demo_where_nothing_can_be_written() -> None:
    """A container with --read-only has no folder for its certificates: which option gives one."""
    folders = "/ /tmp /var/tmp /usr/tmp /dev/shm"
    prepare = (
        f"cd / && for each in {folders}; do mountpoint -q $each || mount --bind $each $each 2>/dev/null; "
        "mount -o remount,bind,ro $each 2>/dev/null; done; true"
    )
    code, said = run_in_namespaces(prepare, "demo", "--once")
    assert code == 2, said
    assert "no folder for the demo's certificates" in said
    assert "TMPDIR=FOLDER" in said
    assert "--tmpfs /tmp" in said
