"""`mtls-probe listen`: what it starts with, what it prints, and how it ends."""

import asyncio
import json
import re
import signal
import socket
from pathlib import Path

import pytest

from tests.support.command_line import Ended, command, finish, run_commands, start_probe
from tests.support.listening import make_grpc_request
from tests.support.loopback_client import CLIENT_CA, OTHER_CA, SERVER, client_context, talk
from tests.support.pki import write_pem

pytestmark = pytest.mark.slow

CLIENT = client_context(CLIENT_CA.issue("exporter"), "1.3")
STRANGER = client_context(OTHER_CA.issue("exporter"), "1.3")


def write_files(folder: Path) -> list[str]:
    """Return the options for files in `folder`."""
    return [
        *("--cert", str(write_pem(folder, "server.crt", SERVER.pem))),
        *("--key", str(write_pem(folder, "server.key", SERVER.key_pem))),
        *("--client-ca", str(write_pem(folder, "client-ca.crt", CLIENT_CA.pem))),
    ]


async def meet(
    folder: Path, *options: str, contexts: tuple[object, ...] = (CLIENT,), stop: bool = False
) -> Ended:
    """Run the command, let clients connect, and wait for its end."""
    process = await start_probe("listen", "--listen", "127.0.0.1:0", *write_files(folder), *options)
    assert process.stderr is not None
    async with asyncio.timeout(20):
        line = (await process.stderr.readline()).decode()
    found = re.search(r":(\d+)  \(Ctrl-C ends\)", line)
    assert found, line
    for context in contexts:
        await asyncio.to_thread(
            talk, int(found[1]), context, payload=make_grpc_request(b""), patience=0.5
        )
    if stop:
        process.send_signal(signal.SIGINT)
    return await finish(process)


async def test_a_pipeline_waits_for_a_good_exporter(tmp_path: Path) -> None:
    """--expect 1: exit code 0 after the first, with a line of JSON for each connection."""
    ended = await meet(
        tmp_path, "--expect", "1", "--timeout", "20s", "--output", "jsonl",
        contexts=(STRANGER, CLIENT),
    )  # fmt: skip
    assert ended.code == 0
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert [(one["connection"], one["cause"]) for one in lines[:2]] == [
        (1, "client_ca_untrusted"),
        (2, None),
    ]
    assert lines[1]["outcome"] == "confirmed"
    assert "1 of 1 expected good" in ended.err


async def test_a_pipeline_gives_up(tmp_path: Path) -> None:
    """After --timeout without one: exit code 1, and the document says what came instead."""
    ended = await meet(
        tmp_path, "--expect", "1", "--timeout", "2s", "--output", "json", contexts=(STRANGER,)
    )
    assert ended.code == 1
    document = ended.document
    assert (document["schema"], document["expected"], document["good"]) == ("mtls-probe/1", 1, 0)
    assert document["connections"][0]["alerts"][-1]["name"] == "unknown_ca"


async def test_ctrl_c_ends_it(tmp_path: Path) -> None:
    """The table has what came; without --expect the exit code is 0."""
    ended = await meet(tmp_path, stop=True)
    assert ended.code == 0
    assert "confirmed" in ended.out
    assert "1 good, 1 connection" in ended.err
    assert "warning: what exporters send here is answered, and dropped" in ended.err


async def test_it_refuses_to_start(tmp_path: Path) -> None:
    """A key that does not fit, a missing file, a port that is taken, options that do not go together."""
    files = write_files(tmp_path)
    other = str(write_pem(tmp_path, "other.key", OTHER_CA.issue("x").key_pem))
    wrong = [*files[:3], other, *files[4:]]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        listen = ("listen", "--listen", f"127.0.0.1:{port}")
        cases = {
            "is not the private key of the certificate": (*listen, *wrong),
            "server.crt": (*listen, *files[:2], *files[2:4], "--client-ca", str(tmp_path)),
            f"cannot listen on 127.0.0.1:{port}": (*listen, *files),
            "--accept-any with --forward": (*listen, *files, "--accept-any", "--forward", "a:1"),
            "go with https://": (*listen, *files, "--forward", "a:1", "--forward-ca", files[5]),
            "go with --forward": (*listen, *files, "--forward-ca", files[5]),
            "without a path": (*listen, *files, "--forward", "https://a:1/v1/traces"),
            "is not HOST:PORT": ("listen", "--listen", "nowhere", *files),
            "Missing option '--client-ca'": ("listen", *files[:4]),
        }
        ended = await run_commands(*(command(*each) for each in cases.values()))
    for said, one in zip(cases, ended, strict=True):
        assert one.code == 2, (said, one)
        if said != "server.crt":
            assert said in one.err, (said, one.err)


async def test_a_backend_that_cannot_be_reached_is_said_at_once(tmp_path: Path) -> None:
    """Exporters are not accepted in front of nothing."""
    files = write_files(tmp_path)
    (ended,) = await run_commands(
        command("listen", "--listen", "127.0.0.1:0", *files, "--forward", "127.0.0.1:1")
    )
    assert ended.code == 2
    assert "--forward 127.0.0.1:1: " in ended.err


async def test_it_ends_where_nobody_reads_any_more(tmp_path: Path) -> None:
    """`mtls-probe listen --output jsonl | head -1` ends with the connection after that."""
    process = await start_probe(
        "listen", "--listen", "127.0.0.1:0", *write_files(tmp_path), "--output", "jsonl"
    )
    assert process.stderr is not None
    assert process.stdout is not None
    line = (await process.stderr.readline()).decode()
    port = int(line.split("  (")[0].rpartition(":")[2])
    payload = make_grpc_request(b"")
    await asyncio.to_thread(talk, port, CLIENT, payload=payload, patience=0.3)
    assert await process.stdout.readline()
    process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
    await asyncio.to_thread(talk, port, CLIENT, payload=payload, patience=0.3)
    await asyncio.wait_for(process.wait(), 10)
    assert process.returncode == 0
