"""Targets whose headers are secret, and a prober with a stopped clock."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from probe.attempt.prepared_target import PreparedTarget, ProberSettings
from probe.attempt.prober import Prober
from probe.attempt.resolver import Resolver
from probe.credentials.store import CredentialStore
from probe.model.evidence import Evidence, Experiment, Varied
from probe.model.surroundings import RunningProcess
from probe.model.target import Depth, Endpoint, Protocol, Secret, Target, TlsSettings
from tests.support.loopback_client import CLIENT_CA, OTHER_CA, SERVER_CA
from tests.support.pki import Issued, write_pem

AT = 1_800_000_000.0
TOKEN = "s3cr3t-t0ken-of-the-tenant"
GOOD = CLIENT_CA.issue("exporter")
STRANGER = OTHER_CA.issue("stranger")
HEADERS = (("authorization", Secret(f"Bearer {TOKEN}")), ("x-tenant", Secret("tenant-4711")))
PROTOCOLS: tuple[Protocol, ...] = ("grpc", "http/protobuf")


class TargetProber:
    """A prober that is given targets, and prepares each once."""

    def __init__(self, made: Prober) -> None:
        """Attempt by `made`."""
        self.prober = made
        self._prepared: dict[int, PreparedTarget] = {}

    async def attempt(self, target: Target) -> Evidence:
        """Try `target` once."""
        return await self.prober.attempt(self._prepare(target))

    async def run_experiments(
        self, target: Target, evidence: Evidence, varied: Sequence[Varied]
    ) -> tuple[Experiment, ...]:
        """Make the variations `varied` of an attempt."""
        return await self.prober.run_experiments(self._prepare(target), evidence, varied)

    def _prepare(self, target: Target) -> PreparedTarget:
        known = self._prepared.get(id(target))
        if known is None or known.target is not target:
            known = self._prepared[id(target)] = self.prober.prepare(target)
        return known


def prober(
    resolver: Resolver | None = None, clock: Callable[[], float] = lambda: AT
) -> TargetProber:
    """Return a prober with a stopped clock."""
    settings = ProberSettings(user_agent="mtls-probe/test", wall_clock=clock)
    return TargetProber(Prober(CredentialStore(), resolver or Resolver(), settings))


def target(
    folder: Path,
    port: int,
    client: Issued | None = GOOD,
    *,
    host: str = "127.0.0.1",
    protocol: Protocol = "grpc",
    depth: Depth = "otlp",
    timeout: float = 5.0,
    proxy_url: str | None = None,
    scheme: str = "",
    process: RunningProcess | None = None,
    **tls: Any,
) -> Target:
    """Return a target with the files of `client` in `folder`, and headers that are secret."""
    files = {"ca_file": str(write_pem(folder, "ca.crt", SERVER_CA.pem))}
    if client is not None:
        files["cert_file"] = str(write_pem(folder, "tls.crt", client.pem))
        files["key_file"] = str(write_pem(folder, "tls.key", client.key_pem))
    return Target(
        name="t",
        endpoint=Endpoint(host, port, scheme=scheme),
        protocol=protocol,
        depth=depth,
        timeout=timeout,
        proxy_url=Secret(proxy_url) if proxy_url else None,
        headers=HEADERS,
        tls=TlsSettings(**{**files, **tls}),
        runs_in=process,
    )


def end(evidence: Evidence) -> tuple[str, str]:
    """Return stage and kind of the ending."""
    return evidence.ending.stage, evidence.ending.kind


def received(evidence: Evidence) -> list[int]:
    """Return the numbers of the alerts that came."""
    assert evidence.handshake is not None
    return [a.number for a in evidence.handshake.alerts if a.direction == "received"]


@asynccontextmanager
async def serving(
    client_connected: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any],
) -> AsyncIterator[int]:
    """Serve on loopback; yield the port."""
    server = await asyncio.start_server(client_connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def splice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Carry bytes to and from `port` of loopback until one side ends."""
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            sink.close()

    await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))
