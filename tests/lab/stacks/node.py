"""Node's https and http2: OpenSSL, whose verdict Node looks at only after the handshake."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from tests.lab.servers import process, started
from tests.lab.stack import FAR_FROM_ITS_EDGE, Serving, Stack, lacking, with_clock

PROGRAM: Final = Path(__file__).with_name("node_server.js")


def _starter(kind: str) -> Callable[[Path, Serving], AbstractContextManager[int]]:
    @contextmanager
    def start(folder: Path, serving: Serving) -> Iterator[int]:
        files = (
            serving.server.cert_file,
            serving.server.key_file,
            serving.client_ca_file,
            serving.crl_file,
        )
        command = ["node", str(PROGRAM), kind, serving.tls, *(str(file) for file in files if file)]
        with process(with_clock(command, serving.clock), folder / "node.log") as log:
            yield int(started(log, r"port (\d+)")[1])

    return start


_SILENT: Final = "it closes without an alert, at TLS 1.2 too, and its list of CAs has names alone"
_UNDECIDED: Final = dict.fromkeys(
    (
        "rekeyed_ca",
        "rekeyed_ca_without_key_ids",
        "revoked",
        "backend_ten_days_ahead",
        "expired_root_unseen",
    ),
    _SILENT,
)
# Node's security level is 1, and OpenSSL takes a CA's certificate that is for clients.
_LETS_IN: Final = frozenset({"rsa_1024", "ca_as_end_entity"})
_SKIPS: Final = {"backend_ahead": FAR_FROM_ITS_EDGE}

NODE_HTTPS: Final = Stack(
    name="node-https",
    start=_starter("https"),
    missing=lacking("node"),
    lets_in=_LETS_IN,
    undecided=_UNDECIDED,
    skips=_SKIPS,
)
NODE_HTTP2: Final = Stack(
    name="node-http2",
    start=_starter("http2"),
    missing=lacking("node"),
    protocol="grpc",
    lets_in=_LETS_IN,
    undecided=_UNDECIDED,
    skips=_SKIPS,
)
