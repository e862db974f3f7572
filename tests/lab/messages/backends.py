"""Starts one backend per fault on loopback and says where each one is.

`python -m tests.lab.messages.backends DIRECTORY` writes the files, DIRECTORY/faults.json and
DIRECTORY/server.log (what the backends print, each line behind the fault's name), and stays.
"""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.lab.compiled import go_server
from tests.lab.messages.credential_files import Files, write_files
from tests.lab.messages.faults import UNREADABLE, Fault, every_fault

PROGRAM: Final = Path(__file__).with_name("faulty_server.go")
PATIENCE: Final = 30.0
"""Seconds until all listeners are there."""


@contextmanager
def backends(folder: Path) -> Iterator[Path]:
    """Run all backends; gives the path of faults.json."""
    files = write_files(folder)
    faults = tuple(every_fault())
    listeners = [_listener(fault, files) for fault in faults if fault.backend.kind != "refused"]
    log = folder / "server.log"
    with log.open("w") as written, _nobody() as closed:
        command = [str(go_server(PROGRAM))]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=written, text=True)
        try:
            assert process.stdin is not None
            json.dump(listeners, process.stdin)
            process.stdin.close()
            ports = dict.fromkeys((fault.name for fault in faults), closed) | _ports(log)
            described = {fault.name: _described(fault, files, ports) for fault in faults}
            path = folder / "faults.json"
            path.write_text(json.dumps(described, indent=1) + "\n")
            yield path
        finally:
            process.terminate()
            process.wait()


def _ports(log: Path) -> Mapping[str, int]:
    """Return the port of each listener, once all of them are there."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        lines = [line.split(" ") for line in log.read_text().splitlines() if "\t" not in line]
        if ["ready", "0"] in lines:
            return {name: int(port) for name, port in lines if name != "ready"}
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@contextmanager
def _nobody() -> Iterator[int]:
    """Give a port that nobody listens on: it is bound and stays so."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def _listener(fault: Fault, files: Files) -> Mapping[str, Any]:
    backend = fault.backend
    return {
        "name": fault.name,
        "kind": backend.kind,
        "cert": files.of(f"{backend.certificate}.crt"),
        "key": files.of(f"{backend.certificate}.key"),
        "client_ca": files.of("ca.pem"),
        "min": backend.min,
        "max": backend.max,
        "alpn": backend.alpn or None,
        "ciphers": backend.ciphers or None,
    }


def _described(fault: Fault, files: Files, ports: Mapping[str, int]) -> Mapping[str, Any]:
    port = ports[fault.name]
    return {
        "url": f"https://{fault.host}:{port}/",
        "host": fault.host,
        "port": port,
        "cert": files.of(fault.cert) if fault.cert else "",
        "key": files.of(fault.key) if fault.key else "",
        "ca": files.of(fault.ca),
        "cause": fault.cause,
        "also": list(fault.also),
        "own_files": fault.own_files,
        "as_another_user": fault.name in UNREADABLE,
    }


if __name__ == "__main__":
    with backends(Path(sys.argv[1])) as written:
        sys.stdout.write(f"{written}\n")
        sys.stdout.flush()
        threading.Event().wait()
