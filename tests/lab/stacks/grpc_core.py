"""grpc-core, under gRPC servers in C++, Python, Ruby and PHP: it closes without an alert."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.lab.servers import process, started
from tests.lab.stack import FAR_FROM_ITS_EDGE, Serving, Stack, lacking_modules, with_clock

PROGRAM: Final = Path(__file__).with_name("grpc_core_server.py")


@contextmanager
def serve_grpc(folder: Path, *files: Path, clock: str = "") -> Iterator[int]:
    """Run a backend with the certificate, key and client CA in `files`; without any, without TLS."""
    command = [sys.executable, "-P", str(PROGRAM), *map(str, files)]
    with process(with_clock(command, clock), folder / "grpc_core.log") as log:
        yield int(started(log, r"port (\d+)")[1])


@contextmanager
def _start(folder: Path, serving: Serving) -> Iterator[int]:
    files = (serving.server.cert_file, serving.server.key_file, serving.client_ca_file)
    with serve_grpc(folder, *filter(None, files), clock=serving.clock) as port:
        yield port


_SILENT: Final = "it closes without an alert, at TLS 1.2 too, and its list of CAs is empty"

GRPC_CORE: Final = Stack(
    name="grpc-core",
    start=_start,
    missing=lacking_modules("grpc"),
    protocol="grpc",
    speaks_both=True,
    # BoringSSL knows X25519MLKEM768 and minds neither SHA-1 nor RSA 1024; a list of revoked
    # certificates has no setting in grpcio.
    lets_in=frozenset({"no_group", "rsa_1024", "signed_with_sha1", "revoked", "ca_as_end_entity"}),
    undecided={
        "unknown_ca": _SILENT,
        "rekeyed_ca": _SILENT,
        "self_signed": _SILENT,
        "backend_ten_days_ahead": _SILENT,
        "expired_root_unseen": _SILENT,
        "rekeyed_ca_without_key_ids": _SILENT,
    },
    shows_one={
        "expired_and_unknown_ca": "the file proves that it has expired; nothing tells the rest"
    },
    skips={
        "ed25519_key": "BoringSSL takes no Ed25519 here, and says so by closing",
        "backend_ahead": FAR_FROM_ITS_EDGE,
        "client_too_new": "it speaks TLS 1.3 as well, and has no setting for versions",
        "client_too_old": "it speaks TLS 1.2 as well, and has no setting for versions",
    },
)
