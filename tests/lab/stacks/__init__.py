"""Every TLS stack of the lab, by the order in which its tests run."""

from typing import Final

from tests.lab.stack import Stack
from tests.lab.stacks import collector, cpython, grpc_core, openssl, rustls

STACKS: Final[tuple[Stack, ...]] = (
    openssl.S_SERVER,
    cpython.CPYTHON,
    grpc_core.GRPC_CORE,
    rustls.RUSTLS,
    collector.COLLECTOR_GRPC,
    collector.COLLECTOR_HTTP,
)
