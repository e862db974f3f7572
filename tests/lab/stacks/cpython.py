"""CPython's ssl module: the alerts of OpenSSL, and no list of acceptable CAs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.lab.servers import process, started
from tests.lab.stack import CLOCK_OR_ANCHOR, Serving, Stack, lacking, with_clock

PROGRAM: Final = Path(__file__).with_name("cpython_server.py")


@contextmanager
def _start(folder: Path, serving: Serving) -> Iterator[int]:
    files = (
        serving.server.cert_file,
        serving.server.key_file,
        serving.client_ca_file,
        serving.crl_file,
    )
    command = [
        sys.executable,
        "-P",
        str(PROGRAM),
        serving.tls,
        *(str(file) for file in files if file),
    ]
    with process(with_clock(command, serving.clock), folder / "cpython.log") as log:
        yield int(started(log, r"port (\d+)")[1])


CPYTHON: Final = Stack(
    name="cpython",
    start=_start,
    missing=lacking(),
    # OpenSSL's purposes let a CA be a client.
    lets_in=frozenset({"ca_as_end_entity"}),
    undecided=CLOCK_OR_ANCHOR,
)
