"""Records what backends in Go print of broken clients, alone and with the client's own lines.

`python -m tests.lab.messages.record_go_servers` writes tests/corpora/clients/go_servers.jsonl (the
backend's lines) and go_both.jsonl (both sides' lines of one handshake, as people paste them).
"""

import contextlib
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.lab.messages.credential_files import Files, write_files
from tests.lab.messages.record_go import (
    BUILT_AT,
    CORPORA,
    MOST,
    describe_pipeline,
    go_programs,
    run_collector,
    run_program,
    running_collector,
    share,
)
from tests.support.ports import reserved_port

_CLIENTS: Final = {
    "no_cert": ("", "client_cert_not_sent", ()),
    "expired": ("expired", "client_cert_expired", ()),
    "nyv": ("nyv", "client_cert_not_yet_valid", ("clock_skew",)),
    "rogue": ("rogue", "client_ca_untrusted", ("client_cert_not_sent",)),
    "inc": ("inc", "client_chain_incomplete", ("client_ca_untrusted", "client_cert_not_sent")),
    "eku": ("eku", "client_cert_wrong_usage", ()),
    "selfc": ("selfc", "client_ca_untrusted", ("client_cert_not_sent",)),
}
"""The client's files, and the true cause."""
_SERVERS: Final = {
    "self": "server_ca_untrusted",
    "sexp": "server_cert_expired",
    "snyv": "server_cert_not_yet_valid",
    "seku": "server_cert_wrong_usage",
    "sinc": "server_chain_incomplete",
    "name": "server_name_mismatch",
}
"""The backend's certificate, and why the client refuses it."""


@dataclass(frozen=True)
class Running:
    """A backend that runs: its protocol, its port, and how to read what it has printed."""

    kind: str
    protocol: str
    port: int
    log: Path


@contextmanager
def grpc_server(files: Files, certificate: str, version: str) -> Iterator[list[Running]]:
    """Run the grpc-go server of `go/`."""
    log = Path(tempfile.mkdtemp()) / "log"
    names = (f"{certificate}.crt", f"{certificate}.key", "ca.pem")
    command = [share(go_programs()), "serve-grpc", "127.0.0.1:0", *map(files.of, names), version]
    environment = {**os.environ, "GRPC_GO_LOG_SEVERITY_LEVEL": "info"}
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=written, env=environment, text=True
        )
        try:
            assert process.stdout is not None
            yield [Running("grpc-go", "grpc", int(process.stdout.readline()), log)]
        finally:
            process.terminate()
            process.wait(10)


@contextmanager
def collector_server(
    files: Files, certificate: str, version: str, encoding: str
) -> Iterator[list[Running]]:
    """Run a Collector whose receivers demand client certificates."""
    tls = {
        "cert_file": files.of(f"{certificate}.crt"),
        "key_file": files.of(f"{certificate}.key"),
        "client_ca_file": files.of("ca.pem"),
        "min_version": version,
        "max_version": version,
    }
    with reserved_port() as grpc, reserved_port() as http:
        protocols = {
            "grpc": {"endpoint": f"127.0.0.1:{grpc}", "tls": tls},
            "http": {"endpoint": f"127.0.0.1:{http}", "tls": tls},
        }
        described = describe_pipeline({"otlp": {"protocols": protocols}}, {"debug": {}}, encoding)
        folder = Path(tempfile.mkdtemp())
        with running_collector(described, folder) as (log, _):
            while "Everything is ready" not in log.read_text(errors="replace"):
                time.sleep(0.05)
            name = f"collector-{encoding}"
            yield [Running(name, "grpc", grpc, log), Running(name, "http", http, log)]


def export_with_collector(fault: Mapping[str, Any], protocol: str) -> str:
    """Return what a Collector prints that exports to the backend."""
    run = run_collector(f"otlp_{protocol}", "console", "retry")
    return run(fault, Path(tempfile.mkdtemp()))


def speak_openssl(fault: Mapping[str, Any], protocol: str) -> str:
    """Connect as a client that sends its certificate whatever the backend's list says."""
    context = ssl.create_default_context(cafile=fault["ca"])
    context.set_alpn_protocols(["h2" if protocol == "grpc" else "http/1.1"])
    if fault["cert"]:
        context.load_cert_chain(fault["cert"], fault["key"])
    try:
        with (
            socket.create_connection(("127.0.0.1", fault["port"]), 5) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secured,
        ):
            secured.settimeout(2)
            secured.recv(100)
    except OSError as error:
        return str(error)
    return ""


def send_bytes(port: int, sent: bytes) -> None:
    """Send something that is not TLS, and close when the backend does."""
    with socket.create_connection(("127.0.0.1", port), 5) as plain:
        plain.sendall(sent)
        plain.settimeout(1)
        with contextlib.suppress(OSError):
            while plain.recv(1000):
                pass


def reset_connection(port: int) -> None:
    """Begin a TLS record and end the connection by a reset."""
    plain = socket.create_connection(("127.0.0.1", port), 5)
    plain.sendall(b"\x16\x03\x01\x00\xa0")
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    plain.close()


def list_cases(running: Running, files: Files) -> Iterator[tuple[str, str, Any, Any]]:
    """Yield name, true cause, the other true causes, and what the client does, of each case."""
    go_client = "grpc" if running.protocol == "grpc" else "http"
    own: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "go": lambda fault: run_program(go_client)(fault, Path()),
        "collector": lambda fault: export_with_collector(fault, running.protocol),
        "openssl": lambda fault: speak_openssl(fault, running.protocol),
    }
    for name, (file, cause, also) in _CLIENTS.items():
        for client, run in own.items():
            yield f"{client}-{name}", cause, also, (run, describe_fault(running, files, file))
    plain = b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
    h2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
    yield "plain", "not_tls", ("tls_off",), lambda: send_bytes(running.port, plain)
    yield "plain_h2", "not_tls", ("tls_off",), lambda: send_bytes(running.port, h2)
    yield "closed", "connection_closed", (), lambda: send_bytes(running.port, b"\x16\x03")
    yield "reset", "connection_reset", (), lambda: reset_connection(running.port)
    old = {**describe_fault(running, files, "client"), "environment": {"OLD_TLS": "1"}}
    yield "tls11", "protocol_version_mismatch", (), (own["go"], old)


def describe_fault(running: Running, files: Files, pair: str, ca: str = "ca.pem") -> dict[str, Any]:
    """Return what a client needs, as `faults.json` has it."""
    return {
        "name": "",
        "url": f"https://localhost:{running.port}/",
        "port": running.port,
        "cert": files.of(f"{pair}.crt") if pair else "",
        "key": files.of(f"{pair}.key") if pair else "",
        "ca": files.of(ca),
        "as_another_user": False,
    }


def run_case(running: Running, action: Any) -> tuple[str, str]:
    """Return what the client and the backend print of one case."""
    before = running.log.stat().st_size
    printed = action[0](action[1]) if isinstance(action, tuple) else (action() or "")
    time.sleep(0.3)
    text = running.log.read_bytes()[before:].decode(errors="replace")
    return printed.strip(), text.strip()


def clean(text: str, folder: Path) -> str:
    """Return `text` without what only this machine adds."""
    for own, written in ((str(folder.resolve()), "/srv/app"), *BUILT_AT):
        text = re.sub(own, written, text)
    return text[:MOST]


def main() -> None:
    """Record every backend with every client."""
    alone: list[dict[str, Any]] = []
    both: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        files = write_files(folder / "files")
        for version in ("12", "13"):
            dotted = f"1.{version[1]}"
            servers = {
                "server": (
                    grpc_server(files, "server", version),
                    collector_server(files, "server", dotted, "console"),
                ),
            } | {
                name: (
                    grpc_server(files, name, version),
                    collector_server(files, name, dotted, "json"),
                )
                for name in _SERVERS
            }
            for certificate, starting in servers.items():
                with ExitStack() as stack:
                    for running in [one for each in starting for one in stack.enter_context(each)]:
                        record_backend(running, certificate, version, files, folder, alone, both)
    for name, lines in (("go_servers", alone), ("go_both", both)):
        path = CORPORA / f"{name}.jsonl"
        path.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines))
        sys.stdout.write(f"{path.name}: {len(lines)}\n")


def record_backend(
    running: Running,
    certificate: str,
    version: str,
    files: Files,
    folder: Path,
    alone: list[dict[str, Any]],
    both: list[dict[str, Any]],
) -> None:
    """Append what one backend and its clients print."""
    if certificate == "server":
        cases = list(list_cases(running, files))
    else:
        fault = describe_fault(running, files, "client")
        run = run_program("grpc" if running.protocol == "grpc" else "http")
        act = (lambda each: run(each, Path()), fault)
        also = ("clock_skew",) if certificate == "snyv" else ()
        cases = [(certificate, _SERVERS[certificate], also, act)]
    for name, cause, also, action in cases:
        client, backend = (clean(each, folder) for each in run_case(running, action))
        line = {
            "id": f"{running.kind}-{running.protocol}-{name}{version}",
            "client": f"backend: {running.kind}, Go 1.26",
            "runtime": "",
            "fault": name,
            "side": "backend",
            "cause": cause,
            "also": list(also),
            "text": backend,
        }
        if backend:
            alone.append(line)
        if client and backend and not name.startswith("openssl"):
            pasted = f"{_prefix('agent-7d9', client)}\n{_prefix('gateway-0', backend)}"
            both.append({**line, "side": "", "id": f"both-{line['id']}", "text": pasted[:MOST]})


def _prefix(name: str, text: str) -> str:
    return "\n".join(f"{name} otelcol: {each}" for each in text.splitlines())


if __name__ == "__main__":
    main()
