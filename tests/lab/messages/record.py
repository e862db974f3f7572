"""Records what a client prints for each fault, and what the backend prints.

In a client's command {url} {host} {port} {ca} {cert} {key} are filled in; a word `[…]` is left out
where the client has no certificate (its blanks divide it into words).
"""

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

CORPORA: Final = Path(__file__).parents[2] / "corpora/clients"
LONGEST: Final = 4000
PATIENCE: Final = 25.0
"""Seconds that one run may take."""

_OTHERS: Final = frozenset(
    {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "https_proxy"}
)
"""Settings of this machine that would take the place of the fault's."""

AS_ANOTHER: Final = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""Runs a command as a user who may not read what is unreadable, though root records."""

_PYTHON: Final = re.compile(r"(?:/[\w.+-]+)+?/(?=lib/python3)")


@dataclass(frozen=True)
class Client:
    """One client: the corpus's name, what it is, its exporter id, and how to run it."""

    name: str
    version: str
    runtime: str
    command: Sequence[str]
    settings: dict[str, str]
    without: frozenset[str] = frozenset()
    """Faults that are none for this client."""
    succeeds_with_0: bool = True
    """Whether exit code 0 says that all went well: an SDK's exporter only logs."""


def arguments(command: Sequence[str], fault: Mapping[str, Any]) -> list[str]:
    """Return the words of `command` for `fault`."""
    words: list[str] = []
    for word in command:
        optional = word.startswith("[")
        if optional and not fault["cert"]:
            continue
        parts = word.strip("[]").split() if optional else [word]
        words += [part.format_map(fault) for part in parts]
    return words


def run(client: Client, fault: Mapping[str, Any]) -> tuple[int, str]:
    """Run the client once; return its exit code and everything that it printed."""
    prefix = AS_ANOTHER if fault["as_another_user"] else ()
    with subprocess.Popen(
        [*prefix, *arguments(client.command, fault)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={key: os.environ[key] for key in os.environ if key not in _OTHERS} | client.settings,
        start_new_session=True,
    ) as process:
        try:
            printed, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            printed, _ = process.communicate()
    return process.returncode, printed.decode(errors="replace").strip()


def neutral(text: str, places: Mapping[str, str]) -> str:
    """Return `text` with other paths instead of this machine's."""
    for place, written in places.items():
        text = text.replace(place, written)
    return _PYTHON.sub("/srv/app/", text)[:LONGEST]


def record(
    client: Client, faults: Mapping[str, Mapping[str, Any]], places: Mapping[str, str]
) -> Iterator[Mapping[str, Any]]:
    """Yield the records of `client` for every fault that it has."""
    for name, fault in faults.items():
        if name == "ok" or name in client.without:
            continue
        code, printed = run(client, fault)
        if not printed or (code == 0 and client.succeeds_with_0):
            continue
        yield {
            "id": f"{client.name} {name}",
            "client": client.version,
            "runtime": client.runtime,
            "fault": name,
            "side": "exporter",
            "cause": fault["cause"],
            "also": fault["also"],
            "text": neutral(printed, places),
        }


def backend_lines(
    log: Path, before: int, faults: Mapping[str, Mapping[str, Any]], client: Client
) -> Iterator[Mapping[str, Any]]:
    """Yield what the backends printed since `before` characters of their log.

    Of a client that has no usable files a backend sees a close at most, which says nothing.
    """
    time.sleep(0.5)
    lines: dict[str, list[str]] = {}
    for line in log.read_text()[before:].splitlines():
        name, tab, text = line.partition("\t")
        if tab and name != "ok" and not faults[name]["own_files"]:
            lines.setdefault(name, []).append(text)
    for name, texts in lines.items():
        yield {
            "id": f"{client.name} {name} backend",
            "client": f"Go net/http, of {client.version}",
            "runtime": "",
            "fault": name,
            "side": "backend",
            "cause": faults[name]["cause"],
            "also": faults[name]["also"],
            "text": "\n".join(texts)[:LONGEST],
        }
