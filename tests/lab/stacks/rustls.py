"""rustls under granian, a server of HTTP/1.1 and HTTP/2 for Python applications."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.lab.servers import HOST, process, started
from tests.lab.stack import Serving, Stack, lacking_modules, with_clock
from tests.support.ports import reserved_port

FOLDER: Final = Path(__file__).with_name("asgi")
"""No package, so that granian imports the application and not this one above it."""


@contextmanager
def _start(folder: Path, serving: Serving) -> Iterator[int]:
    with reserved_port() as port:
        command = [sys.executable, "-m", "granian", "--host", HOST, "--port", str(port)]
        command += ["--interface", "asgi", "--http", "auto", "--no-ws", "--workers", "1"]
        command += ["--ssl-certificate", str(serving.server.cert_file)]
        command += ["--ssl-keyfile", str(serving.server.key_file)]
        command += ["--ssl-protocol-min", f"tls{serving.tls}"]
        if serving.client_ca_file is not None:
            command += ["--ssl-ca", str(serving.client_ca_file), "--ssl-client-verify"]
        if serving.crl_file is not None:
            command += ["--ssl-crl", str(serving.crl_file)]
        command += ["application:application"]
        command = with_clock(command, serving.clock)
        with process(command, folder / "rustls.log", cwd=FOLDER) as log:
            started(log, r"Started worker-1")
            yield port


RUSTLS: Final = Stack(
    name="rustls",
    start=_start,
    missing=lacking_modules("granian"),
    speaks_both=True,
    # webpki looks at no keyUsage, and takes an anchor's name and key without its dates.
    lets_in=frozenset({"no_digital_signature", "expired_root", "expired_root_unseen"}),
    skips={"client_too_new": "it speaks TLS 1.3 as well: its settings know a least version only"},
)
