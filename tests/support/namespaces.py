"""Processes with a network, files, a root or a user of their own, started through unshare(1).

A process of `started_process` sleeps until the end of the test. What listens in its network is made
there by a thread, and served by the test's own loop.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from probe.model.surroundings import RunningProcess
from probe.surroundings.own_thread import call_on_thread
from probe.surroundings.process_network import join_network
from tests.support.processes import describe_process
from tests.support.required_tools import missing

READY: Final = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(120)"
_WAIT: Final = 10.0


def require_namespaces() -> None:
    """Skip a test where namespaces cannot be made here."""
    if shutil.which("unshare") is None or os.geteuid() != 0:
        missing("namespaces need unshare (util-linux) and root")


@contextmanager
def started_process(
    folder: Path,
    *options: str,
    prepare: str = "true",
    code: str = READY,
    as_user: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    **fields: Any,
) -> Iterator[RunningProcess]:
    """Start a process through unshare with `options`; yield what describes it, once it is ready.

    Args:
        folder: for the file that says so.
        options: of unshare, like `--net`.
        prepare: a shell command that runs first, in the new namespaces.
        code: what Python runs; it makes the file of its argument when it is ready.
        as_user: options of setpriv.
        environment: variables, besides the test's own.
        fields: replace what procfs says of it.
    """
    require_namespaces()
    ready = folder / "ready"
    ready.unlink(missing_ok=True)
    run = ["setpriv", *as_user] if as_user else []
    script = f'{prepare} && exec "$@"'
    command = [*run, sys.executable, "-c", code, str(ready)]
    environ = {**os.environ, **(environment or {})}
    with subprocess.Popen(
        ["unshare", *options, "sh", "-c", script, "sh", *command], env=environ
    ) as process:
        try:
            end = time.monotonic() + _WAIT
            while not ready.exists() and time.monotonic() < end and process.poll() is None:
                time.sleep(0.02)
            assert ready.exists(), "the process has not begun"
            yield describe_process(process.pid, **fields)
        finally:
            process.kill()


def make_socket_in(process: RunningProcess, kind: int, address: str, port: int) -> socket.socket:
    """Return a socket that is bound within the network of `process`."""

    def make() -> socket.socket:
        join_network(process)
        made = socket.socket(socket.AF_INET, kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
        made.setblocking(False)
        return made

    return call_on_thread(make, "the test's sockets")


async def relay_from(
    process: RunningProcess, address: str, port: int, to_port: int
) -> asyncio.Server:
    """Serve `address:port` in the network of `process` by what listens on loopback here."""
    listening = make_socket_in(process, socket.SOCK_STREAM, address, port)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", to_port)
        with suppress(asyncio.CancelledError):  # the end of the test
            await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))

    return await asyncio.start_server(serve, sock=listening)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


class NameServer(asyncio.DatagramProtocol):
    """Answers questions for addresses by a function of name and kind; keeps what was asked."""

    def __init__(self, answer: Callable[[str, str], tuple[int, tuple[str, ...]] | None]) -> None:
        """Take what answers: a response code and addresses, or None for silence."""
        self.asked: list[tuple[str, str]] = []
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport: Any = transport

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """Answer one question."""
        import dns.message
        import dns.rdatatype
        import dns.rrset

        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text().rstrip("."), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        answered = self._answer(name, kind)
        if answered is None:
            return
        reply = dns.message.make_response(query, recursion_available=True)
        reply.set_rcode(answered[0])
        if answered[1]:
            reply.answer.append(dns.rrset.from_text_list(question.name, 1, "IN", kind, answered[1]))
        self._transport.sendto(reply.to_wire(), addr)
