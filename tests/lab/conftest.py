"""Fixtures of the lab: real servers, peers that misbehave, and the files that all of them use."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.lab import peers, servers
from tests.lab.collector_build import FILTERING, collector_binary
from tests.lab.credentials import LabPki
from tests.lab.stacks import grpc_core
from tests.support.builds import NotBuiltError
from tests.support.required_tools import missing

T = TypeVar("T")


def _factory(stack: ExitStack, start: Callable[..., AbstractContextManager[T]]) -> Callable[..., T]:
    return lambda *arguments, **options: stack.enter_context(start(*arguments, **options))


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> LabPki:
    """One throwaway PKI for the whole session."""
    return LabPki(tmp_path_factory.mktemp("lab-pki"))


@pytest.fixture(scope="session")
def otelcol() -> Path:
    """The Collector's binary, built on first use."""
    try:
        return collector_binary()
    except NotBuiltError as error:
        missing(str(error))


@pytest.fixture(scope="session")
def filtering_otelcol() -> Path:
    """The binary of the Collector that has the filter processor, built on first use."""
    try:
        return collector_binary(FILTERING)
    except NotBuiltError as error:
        missing(str(error))


@pytest.fixture(scope="session")
def collector(
    otelcol: Path, pki: LabPki, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[servers.StartCollector]:
    """A function that returns a running Collector; the same options bring the same one."""
    with ExitStack() as stack:
        running: dict[tuple[tuple[str, Any], ...], servers.Collector] = {}

        def start(**options: Any) -> servers.Collector:
            key = tuple(sorted(options.items()))
            if key not in running:
                folder = tmp_path_factory.mktemp("collector")
                running[key] = stack.enter_context(
                    servers.collector(otelcol, folder, pki, **options)
                )
            return running[key]

        yield start


@pytest.fixture
def s_server(
    pki: LabPki, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[servers.StartSServer]:
    """A function that starts an openssl s_server, which ends with the test."""
    try:
        servers.openssl()
    except FileNotFoundError as error:
        missing(str(error))
    with ExitStack() as stack:

        def start(*arguments: str, **options: Any) -> servers.SServer:
            folder = tmp_path_factory.mktemp("s_server")
            return stack.enter_context(servers.s_server(folder, pki, *arguments, **options))

        yield start


@pytest.fixture
def tcp_peer() -> Iterator[Callable[[peers.Behaviour], int]]:
    """A function that starts a peer without TLS by its behaviour and returns its port."""
    with ExitStack() as stack:
        yield _factory(stack, peers.tcp_peer)


@pytest.fixture
def silent_tls13_peer(pki: LabPki) -> Iterator[Callable[..., int]]:
    """A function that starts a peer silent after its TLS 1.3 handshake and returns its port."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(peers.silent_tls13_peer(pki, **options))


@pytest.fixture
def plaintext_grpc(tmp_path: Path) -> Iterator[int]:
    """The port of a gRPC server that speaks no TLS."""
    absent = grpc_core.GRPC_CORE.missing()
    if absent:
        missing(f"grpc-core: {absent}")
    with grpc_core.serve_grpc(tmp_path) as port:
        yield port


@pytest.fixture
def full_backlog_port() -> Iterator[int]:
    """A port that leaves connections unanswered for as long as the test runs."""
    with peers.full_backlog_port() as port:
        yield port
