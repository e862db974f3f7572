"""Records what servers print for every fault of a client, and what the client printed of it.

`python -m tests.lab.messages.record_servers DIRECTORY [SERVER …]` writes server-NAME.jsonl there, and
pair-NAME.jsonl: what both sides print of one handshake, pasted together.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from tests.lab.credentials import Pair
from tests.lab.messages.client_faults import ClientFault, every_client_fault
from tests.lab.messages.credential_files import Files, write_files
from tests.lab.messages.talking_servers import SERVERS, Talking, installed
from tests.lab.stack import VERSIONS, Serving, TlsVersion

LONGEST: Final = 4000
SETTLES: Final = 0.4
"""Seconds until a server has written what it has to say of a connection that ended."""

_LET_IN: Final = "CONNECTION ESTABLISHED"
"""What `openssl s_client -brief` prints after a handshake."""
_TIME_OUT: Final = re.compile(r"timed? ?out|timeout", re.IGNORECASE)
_VARYING: Final = re.compile(r"0x[0-9a-f]+|[\d.:]+|[0-9A-F]{12,}")


def _version(server: Talking) -> str:
    done = subprocess.run(
        server.version, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    found = re.search(r"\d+(?:\.\d+)+|^\d+$", done.stdout, re.MULTILINE)
    return f"{server.name} {found[0] if found else ''}".strip()


def _log(folder: Path) -> str:
    files = sorted(folder.glob("*.log"))
    return "".join(file.read_text(errors="replace") for file in files)


def _scrubbed(text: str, *folders: Path) -> str:
    for folder in folders:
        text = text.replace(str(folder), "/srv/app")
    text = text.replace(sys.base_prefix, "/usr")
    text = re.sub(r"/tmp/[\w./-]*", "/srv/app", text)
    root = Path(__file__).parents[3]
    return text.replace(str(root), "/srv/app")[:LONGEST].strip()


def _of_version(
    server: Talking, version: TlsVersion, files: Files, folder: Path
) -> Iterator[tuple[ClientFault, str, str]]:
    """Give each fault with the server's lines and the client's."""
    by_certificate: dict[str, list[ClientFault]] = {}
    for fault in every_client_fault():
        if version in fault.versions:
            by_certificate.setdefault(fault.server, []).append(fault)
    for certificate, faults in by_certificate.items():
        own = folder / f"{version}-{certificate}"
        own.mkdir()
        pair = Pair(Path(files.of(f"{certificate}.crt")), Path(files.of(f"{certificate}.key")))
        serving = Serving(version, pair, Path(files.of("ca.pem")))
        with server.start(own, serving) as port:
            time.sleep(1)
            for fault in faults:
                time.sleep(SETTLES)
                before = len(_log(own))
                client = fault.act(files, port)
                time.sleep(SETTLES)
                yield (
                    fault,
                    _scrubbed(_log(own)[before:], own, files.folder),
                    _scrubbed(client, own, files.folder),
                )


def records(server: Talking, files: Files, folder: Path) -> Iterator[Mapping[str, Any]]:
    """Give one record for each fault on which the server says something."""
    client = _version(server)
    known: set[tuple[str, str]] = set()
    accepted = ""
    for version in VERSIONS:
        for fault, lines, printed in _of_version(server, version, files, folder):
            name = f"{fault.name} {version}"
            if not lines:
                sys.stderr.write(f"{server.name} {name}: says nothing\n")
                continue
            alike = (fault.cause, _VARYING.sub("0", lines))
            if not fault.cause:
                accepted = alike[1]
            if alike[1] == accepted or alike in known or _LET_IN in printed:
                continue
            known.add(alike)
            waited = fault.name != "silent" or _TIME_OUT.search(lines)
            yield {
                "id": f"{server.name} {name}",
                "client": f"{client} as a server",
                "runtime": "",
                "fault": f"{fault.name} TLS {version}",
                "side": "backend",
                "cause": fault.cause if waited else "connection_closed",
                "also": list(fault.also),
                "text": lines,
                "other side": printed,
            }


def pairs(found: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Give one paste of both sides' lines for each handshake of which both say something."""
    for number, one in enumerate(found):
        if one["other side"]:
            both = [one["other side"], one["text"]]
            text = "\n".join(both if number % 2 else reversed(both))
            yield {**one, "id": f"pair {one['id']}", "side": "both", "text": text[:LONGEST]}


def _write(path: Path, found: Iterable[Mapping[str, Any]]) -> None:
    kept = ({key: value for key, value in one.items() if key != "other side"} for one in found)
    lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in kept]
    path.write_text("".join(lines), encoding="utf-8")


def main() -> None:
    """Record the servers that the command line names, or all."""
    directory, *names = sys.argv[1:]
    with ExitStack() as ending:
        work = Path(ending.enter_context(tempfile.TemporaryDirectory()))
        files = write_files(work / "files")
        for server in SERVERS:
            if (names and server.name not in names) or not installed(server):
                continue
            folder = work / server.name
            folder.mkdir()
            os.environ.update(server.environment)
            try:
                found = list(records(server, files, folder))
            except AssertionError as error:
                sys.stderr.write(f"{server.name}: {error}\n")
                continue
            finally:
                for key in server.environment:
                    os.environ.pop(key, None)
            _write(Path(directory) / f"server-{server.name}.jsonl", found)
            _write(Path(directory) / f"pair-{server.name}.jsonl", pairs(found))


if __name__ == "__main__":
    main()
