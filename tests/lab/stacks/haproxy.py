"""HAProxy: OpenSSL's alerts, and nothing said before the client's HTTP/2 preface."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.lab.servers import HOST, accepting, process
from tests.lab.stack import CLOCK_OR_ANCHOR, Serving, Stack, lacking, with_clock
from tests.support.ports import reserved_port

_CONFIGURATION: Final = """
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend otlp
  bind {bind}
  http-request return status 200 content-type application/x-protobuf
"""


@contextmanager
def _start(folder: Path, serving: Serving) -> Iterator[int]:
    pair = folder / "pair.pem"
    pair.write_bytes(serving.server.cert_file.read_bytes() + serving.server.key_file.read_bytes())
    with reserved_port() as port:
        version = f"TLSv{serving.tls}"
        bind = [f"{HOST}:{port} ssl crt {pair} alpn h2,http/1.1"]
        bind += [f"ssl-min-ver {version} ssl-max-ver {version}"]
        if serving.client_ca_file is not None:
            bind += [f"ca-file {serving.client_ca_file} verify required"]
        if serving.crl_file is not None:
            bind += [f"crl-file {serving.crl_file}"]
        file = folder / "haproxy.cfg"
        file.write_text(_CONFIGURATION.format(bind=" ".join(bind)), encoding="utf-8")
        command = with_clock(["haproxy", "-db", "-f", str(file)], serving.clock)
        with process(command, folder / "haproxy.log") as log:
            accepting(port, log)
            yield port


HAPROXY: Final = Stack(
    name="haproxy",
    start=_start,
    missing=lacking("haproxy"),
    # OpenSSL's purposes let a CA be a client.
    lets_in=frozenset({"ca_as_end_entity"}),
    undecided=CLOCK_OR_ANCHOR,
)
