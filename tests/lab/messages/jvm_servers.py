"""Records what servers on the JVM print of clients that they refuse, and that refuse them.

`python -m tests.lab.messages.jvm_servers FOLDER FILES` runs each server of `SERVERS` on what
`jvm_clients install FOLDER` has made, and asks it as a client with each fault of the credentials
that `backends` wrote to FILES.
"""

import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.lab.messages.jvm_clients import CORPORA, MOST_CHARACTERS, find_java, list_class_path
from tests.lab.messages.jvm_grid import SERVERS, Client

QUIET_SECONDS: Final = 1.0
"""How long nothing more must be printed until a case is over."""
NAME: Final = "localhost"
REQUEST: Final = b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
_ONLY: Final = {"12": ssl.TLSVersion.TLSv1_2, "13": ssl.TLSVersion.TLSv1_3}
_CLIENTS: Final = {
    "no_cert": ("client_cert_not_sent", ()),
    "expired": ("client_cert_expired", ()),
    "nyv": ("client_cert_not_yet_valid", ("clock_skew",)),
    "rogue": ("client_ca_untrusted", ()),
    "inc": ("client_chain_incomplete", ("client_ca_untrusted",)),
    "eku": ("client_cert_wrong_usage", ()),
    "selfc": ("client_ca_untrusted", ()),
}


@dataclass(frozen=True)
class Case:
    """One client: what it does to the server, and the true cause."""

    name: str
    cause: str
    also: tuple[str, ...]
    ask: Callable[[int], None]


def main() -> None:
    """Record every server, or those that are named."""
    folder, files, *names = sys.argv[1:]
    CORPORA.mkdir(parents=True, exist_ok=True)
    for server in SERVERS:
        if not names or server.slug in names:
            lines = list(_record(Path(folder), Path(files), server))
            written = "".join(json.dumps(line) + "\n" for line in lines)
            (CORPORA / f"{server.slug}.jsonl").write_text(written)


def _record(folder: Path, files: Path, server: Client) -> Iterator[Mapping[str, Any]]:
    with _running(folder, files, server) as (port, printed):
        for case in _list_cases(files):
            printed.clear()
            with suppress(OSError):
                case.ask(port)
            _wait_until_quiet(printed)
            text = "".join(printed).replace(f"{files}/", "/srv/app/").strip()
            if text and case.cause:
                yield {
                    "id": f"{server.slug} {case.name}",
                    "client": server.name,
                    "runtime": "",
                    "fault": case.name,
                    "side": "backend",
                    "cause": case.cause,
                    "also": case.also,
                    "text": text[:MOST_CHARACTERS],
                }


@contextmanager
def _running(folder: Path, files: Path, server: Client) -> Iterator[tuple[int, list[str]]]:
    """Run the server; gives its port and the lines that it prints from then on."""
    given = ["", str(files / "ca.pem"), str(files / "server.crt"), str(files / "server.key")]
    options = [f"-D{each}" for each in server.properties]
    command = [find_java(folder, server.jdk), *options, "-cp", list_class_path(folder, server)]
    process = subprocess.Popen(
        [*command, server.program, *given],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    printed: list[str] = []
    port = 0
    try:
        for line in process.stdout:
            if line.startswith("ready "):
                port = int(line.split()[1])
                break
        threading.Thread(target=lambda: printed.extend(process.stdout or ()), daemon=True).start()
        yield port, printed
    finally:
        process.kill()
        process.wait()


def _wait_until_quiet(printed: list[str]) -> None:
    before = -1
    while before != len(printed):
        before = len(printed)
        time.sleep(QUIET_SECONDS)


def _list_cases(files: Path) -> Iterator[Case]:
    yield Case("ok", "", (), _ask_with(files, "client"))
    for name, (cause, also) in _CLIENTS.items():
        for suffix, version in _ONLY.items():
            pair = "" if name == "no_cert" else name
            yield Case(f"{name}{suffix}", cause, also, _ask_with(files, pair, version))
    for suffix, version in _ONLY.items():
        ask = _ask_with(files, "client", version, ca="rogue.crt")
        yield Case(f"srogue{suffix}", "server_ca_untrusted", ("server_chain_incomplete",), ask)
        ask = _ask_with(files, "client", version, name="other.example.com")
        yield Case(f"name{suffix}", "server_name_mismatch", (), ask)
    ask = _ask_with(files, "client", ssl.TLSVersion.TLSv1_2, ciphers="ECDHE-RSA-AES128-GCM-SHA256")
    yield Case("cipher", "no_shared_cipher", (), ask)
    ask = _ask_with(files, "client", ssl.TLSVersion.TLSv1_1, ciphers="ALL:@SECLEVEL=0")
    yield Case("tls11", "protocol_version_mismatch", (), ask)
    yield Case("alpn", "alpn_mismatch", (), _ask_with(files, "client", alpn="spdy/3"))
    yield Case("plain", "not_tls", ("tls_off",), lambda port: _send(port, REQUEST))
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    yield Case("plain_h2", "not_tls", ("tls_off",), lambda port: _send(port, preface))
    yield Case("closed", "connection_closed", (), lambda port: _send(port, b""))


def _ask_with(
    files: Path,
    pair: str,
    version: ssl.TLSVersion | None = None,
    *,
    ca: str = "ca.pem",
    name: str = NAME,
    ciphers: str = "",
    alpn: str = "",
) -> Callable[[int], None]:
    """Return a client with the certificate `pair` (none where it is empty)."""
    context = ssl.create_default_context(cafile=str(files / ca))
    if ciphers:
        context.set_ciphers(ciphers)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if alpn:
        context.set_alpn_protocols([alpn])
    if pair:
        context.load_cert_chain(files / f"{pair}.crt", files / f"{pair}.key")

    def ask(port: int) -> None:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=name) as wrapped,
        ):
            wrapped.sendall(REQUEST)
            wrapped.recv(100)

    return ask


def _send(port: int, text: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
        plain.sendall(text)
        if text:
            plain.recv(100)


if __name__ == "__main__":
    main()
