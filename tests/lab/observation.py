"""How the lab's tests look at a backend: one attempt of the real pipeline."""

import asyncio
from dataclasses import replace

from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Evidence
from probe.model.target import Depth, Endpoint, Protocol, Target, TlsSettings
from probe.service.run_rounds import run_rounds
from tests.lab.credentials import LabPki, Pair


def target(
    pki: LabPki,
    port: int,
    client: Pair | None,
    *,
    protocol: Protocol = "grpc",
    depth: Depth = "otlp",
    timeout: float = 5.0,
    **settings: object,
) -> Target:
    """Return a target on loopback with the lab's server CA and the files of `client`."""
    tls = TlsSettings(
        ca_file=str(pki.server_ca_file),
        cert_file=str(client.cert_file) if client else None,
        key_file=str(client.key_file) if client else None,
        server_name_override="localhost",
    )
    return Target(
        name="lab",
        endpoint=Endpoint("127.0.0.1", port),
        protocol=protocol,
        depth=depth,
        timeout=timeout,
        tls=replace(tls, **settings),  # type: ignore[arg-type]  # settings are TlsSettings' fields
    )


def observe(watched: Target) -> tuple[Evidence, Diagnosis]:
    """Make one attempt and return what it saw and what that means."""
    round_ = run_rounds([watched], concurrency=1)
    ((_, evidence, diagnosis),) = asyncio.run(round_)
    return evidence, diagnosis
