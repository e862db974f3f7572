"""OpenSSL's own s_server: the alerts of OpenSSL with nothing in between."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.lab.servers import HOST, process, started
from tests.lab.stack import CLOCK_OR_ANCHOR, Serving, Stack, lacking, with_clock


@contextmanager
def _start(folder: Path, serving: Serving) -> Iterator[int]:
    command = ["openssl", "s_server", "-accept", f"{HOST}:0", "-alpn", "http/1.1"]
    command += ["-cert", str(serving.server.cert_file), "-key", str(serving.server.key_file)]
    # -cert takes the first certificate alone.
    command += ["-cert_chain", str(serving.server.cert_file)]
    command += ["-tls" + serving.tls.replace(".", "_")]
    if serving.client_ca_file is not None:
        command += ["-CAfile", str(serving.client_ca_file), "-Verify", "3", "-verify_return_error"]
    if serving.crl_file is not None:
        command += ["-CRL", str(serving.crl_file), "-crl_check"]
    command = with_clock(command, serving.clock)
    with process(command, folder / "s_server.log") as log:
        yield int(started(log, r"ACCEPT \S*:(\d+)")[1])


S_SERVER: Final = Stack(
    name="s_server",
    start=_start,
    missing=lacking("openssl"),
    depth="tls",
    answers=False,
    # OpenSSL's purposes let a CA be a client.
    lets_in=frozenset({"ca_as_end_entity"}),
    undecided=CLOCK_OR_ANCHOR,
)
