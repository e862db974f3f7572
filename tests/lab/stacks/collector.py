"""The OpenTelemetry Collector itself, over gRPC and over HTTP: Go's crypto/tls."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from tests.lab.collector_build import collector_binary
from tests.lab.servers import Collector, serve_collector
from tests.lab.stack import CLOCK_OR_ANCHOR, Serving, Stack
from tests.support.builds import NotBuiltError


@cache
def _missing() -> str:
    try:
        collector_binary()
    except NotBuiltError as error:
        return str(error)
    return ""


@contextmanager
def _started(folder: Path, serving: Serving) -> Iterator[Collector]:
    tls = {
        "cert_file": str(serving.server.cert_file),
        "key_file": str(serving.server.key_file),
        "min_version": serving.tls,
        "max_version": serving.tls,
    }
    if serving.client_ca_file is not None:
        tls["client_ca_file"] = str(serving.client_ca_file)
    with serve_collector(collector_binary(), folder, tls) as running:
        yield running


@contextmanager
def _grpc(folder: Path, serving: Serving) -> Iterator[int]:
    with _started(folder, serving) as running:
        yield running.grpc_port


@contextmanager
def _http(folder: Path, serving: Serving) -> Iterator[int]:
    with _started(folder, serving) as running:
        yield running.http_port


_CLOCK: Final = (
    "Go reads its clock without libc, so faketime cannot move it, and the Collector has no setting "
    "for it"
)
_SKIPS: Final = {"backend_ahead": _CLOCK, "backend_ten_days_ahead": _CLOCK}
# Go 1.24 and newer know X25519MLKEM768; Go takes RSA 1024, and looks neither at the keyUsage nor at
# a list of revoked certificates.
_LETS_IN: Final = frozenset(
    {"no_group", "rsa_1024", "no_digital_signature", "revoked", "ca_as_end_entity"}
)

COLLECTOR_GRPC: Final = Stack(
    name="collector-grpc",
    start=_grpc,
    missing=_missing,
    protocol="grpc",
    lets_in=_LETS_IN,
    undecided=CLOCK_OR_ANCHOR,
    skips=_SKIPS,
)
COLLECTOR_HTTP: Final = Stack(
    name="collector-http",
    start=_http,
    missing=_missing,
    lets_in=_LETS_IN,
    undecided=CLOCK_OR_ANCHOR,
    skips=_SKIPS,
)
