"""What clients do wrong to a server of the laboratory: certificates, versions, and no TLS at all."""

import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.lab.compiled import go_server
from tests.lab.messages.credential_files import Files

DRIVERS: Final = Path(__file__).with_name("drivers")
Act = Callable[[Files, int], str]
"""Connect to a port; return what the client prints."""


@dataclass(frozen=True)
class ClientFault:
    """One fault: what the client does, the server's certificate, and the truth."""

    name: str
    cause: str
    act: Act
    also: tuple[str, ...] = ()
    server: str = "server"
    versions: tuple[str, ...] = ("1.2", "1.3")


def _printed(command: Sequence[str]) -> str:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "LANG": "C.UTF-8", "NODE_OPTIONS": ""}, timeout=30,
        start_new_session=True, check=False,
    )  # fmt: skip
    return done.stdout.decode(errors="replace").strip()


def _curl(url: str, ca: str, pair: Sequence[str]) -> Sequence[str]:
    own = ["--cert", pair[0], "--key", pair[1]] if pair else []
    return ["curl", "-sSf", "-m", "5", "-d", "{}", "--cacert", ca, *own, url]


def _gnutls(url: str, ca: str, pair: Sequence[str]) -> Sequence[str]:
    own = ["--x509certfile", pair[0], "--x509keyfile", pair[1]] if pair else []
    port = url.rstrip("/").rpartition(":")[2]
    return ["gnutls-cli", "--x509cafile", ca, *own, "-p", port, "localhost"]


def _driver(*program: str) -> Callable[[str, str, Sequence[str]], Sequence[str]]:
    *before, file = program
    return lambda url, ca, pair: [*before, str(DRIVERS / file), url, ca, *pair]


def _go(url: str, ca: str, pair: Sequence[str]) -> Sequence[str]:
    return [str(go_server(DRIVERS / "go_get.go")), url, ca, *pair]


CLIENTS: Final = {
    "curl": _curl,
    "go": _go,
    "gnutls-cli": _gnutls,
    "erlang": _driver("escript", "erlang_httpc.escript"),
    "ruby": _driver("ruby", "ruby_net_http.rb"),
    "php": _driver("php", "php_streams.php"),
    "perl": _driver("perl", "perl_lwp.pl"),
}


def _through(client: str, certificate: str = "client") -> Act:
    def act(files: Files, port: int) -> str:
        pair = [files.of(f"{certificate}.{end}") for end in ("crt", "key")] if certificate else []
        return _printed(CLIENTS[client](f"https://localhost:{port}/", files.of("ca.pem"), pair))

    return act


def _s_client(*arguments: str) -> Act:
    def act(files: Files, port: int) -> str:
        own = ["-cert", files.of("client.crt"), "-key", files.of("client.key")]
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-brief"]
        return _printed([*command, "-CAfile", files.of("ca.pem"), *own, *arguments])

    return act


def _plain(*arguments: str) -> Act:
    return lambda _, port: _printed(
        ["curl", "-sSf", "-m", "5", *arguments, f"http://127.0.0.1:{port}/v1/traces"]
    )


def _raw(speak: Callable[[socket.socket], None]) -> Act:
    def act(_: Files, port: int) -> str:
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            speak(connection)
        return ""

    return act


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


# A ClientHello of TLS 1.2 that says it is longer than what follows.
_HALF_HELLO: Final = bytes.fromhex("16030100c8010000c40303") + bytes(20)


def _half(connection: socket.socket) -> None:
    connection.sendall(_HALF_HELLO)
    time.sleep(0.2)


def _half_and_reset(connection: socket.socket) -> None:
    _half(connection)
    _reset(connection)


_CERTIFICATES: Final = (
    ("no_cert", "", "client_cert_not_sent", ()),
    ("expired", "expired", "client_cert_expired", ()),
    ("nyv", "nyv", "client_cert_not_yet_valid", ("clock_skew",)),
    ("rogue", "rogue", "client_ca_untrusted", ()),
    ("inc", "inc", "client_chain_incomplete", ("client_ca_untrusted",)),
    ("eku", "eku", "client_cert_wrong_usage", ()),
    ("selfc", "selfc", "client_ca_untrusted", ()),
)
_SERVERS: Final = (
    ("sexp", "server_cert_expired", ("clock_skew",)),
    ("snyv", "server_cert_not_yet_valid", ("clock_skew",)),
    ("srogue", "server_ca_untrusted", ("server_chain_incomplete",)),
    ("sinc", "server_chain_incomplete", ("server_ca_untrusted",)),
    ("self", "server_ca_untrusted", ()),
    ("seku", "server_cert_wrong_usage", ()),
    ("name", "server_name_mismatch", ()),
)
_OF_CERTIFICATES: Final = ("curl", "go", "erlang")
_OF_SERVERS: Final = ("curl", "go", "gnutls-cli", "erlang")


def every_client_fault() -> Iterator[ClientFault]:
    """Return all of them, and first `ok`, which is none."""
    yield ClientFault("ok curl", "", _through("curl"))
    for name, certificate, cause, also in _CERTIFICATES:
        for client in _OF_CERTIFICATES:
            yield ClientFault(f"{name} {client}", cause, _through(client, certificate), also)
    for name, cause, also in _SERVERS:
        for client in _OF_SERVERS:
            if (name, client) != (
                "name",
                "curl",
            ):  # it closes without an alert, after the handshake
                yield ClientFault(f"{name} {client}", cause, _through(client), also, name)
    off = ("tls_off", ("not_tls",))
    yield ClientFault("plain curl", off[0], _plain(), off[1], versions=("1.2",))
    h2 = _plain("--http2-prior-knowledge")
    yield ClientFault("plain_h2 curl", off[0], h2, off[1], versions=("1.2",))
    old = _s_client("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    yield ClientFault("tls11 openssl", "protocol_version_mismatch", old)
    newer = _s_client("-tls1_3")
    yield ClientFault("tls13 openssl", "protocol_version_mismatch", newer, versions=("1.2",))
    older = _s_client("-tls1_2")
    yield ClientFault("tls12 openssl", "protocol_version_mismatch", older, versions=("1.3",))
    cipher = _s_client("-tls1_2", "-cipher", "AES128-SHA:AES256-SHA")
    yield ClientFault("cipher openssl", "no_shared_cipher", cipher, versions=("1.2",))
    suites = _s_client("-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256")
    yield ClientFault("suite openssl", "no_shared_cipher", suites, versions=("1.3",))
    group = _s_client("-tls1_2", "-groups", "brainpoolP512r1")
    yield ClientFault("group openssl", "no_shared_group", group, versions=("1.2",))
    alpn = _s_client("-alpn", "spdy/3")
    yield ClientFault("alpn openssl", "alpn_mismatch", alpn, versions=("1.3",))
    once = ("1.3",)
    closed = ("connection_closed", ("connection_reset",))
    for name, speak in (("close", lambda _: None), ("half", _half)):
        yield ClientFault(name, closed[0], _raw(speak), closed[1], versions=once)
    for name, speak in (("reset", _reset), ("half_reset", _half_and_reset)):
        yield ClientFault(name, "connection_reset", _raw(speak), closed[:1], versions=once)
    silent = _raw(lambda _: time.sleep(7))
    yield ClientFault("silent", "tls_timeout", silent, closed[:1], versions=once)


def missing_clients() -> Sequence[str]:
    """Return the programs that this machine lacks."""
    programs = ("curl", "openssl", "gnutls-cli", "go", "escript", sys.executable)
    return [program for program in programs if shutil.which(program) is None]
