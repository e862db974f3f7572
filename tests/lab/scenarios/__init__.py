"""Every scenario of the lab; importing this fills tests.lab.scenario.SCENARIOS."""

from tests.lab.scenarios import (
    expiry,
    files,
    healthy,
    identity,
    negotiation,
    odd_chains,
    revocation,
    server_identity,
    trust,
    weakness,
)

__all__ = [
    "expiry",
    "files",
    "healthy",
    "identity",
    "negotiation",
    "odd_chains",
    "revocation",
    "server_identity",
    "trust",
    "weakness",
]
