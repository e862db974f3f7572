"""Every scenario of the lab; importing this fills tests.lab.scenario.SCENARIOS."""

from tests.lab.scenarios import (
    expiry,
    files,
    healthy,
    identity,
    negotiation,
    server_identity,
    trust,
)

__all__ = ["expiry", "files", "healthy", "identity", "negotiation", "server_identity", "trust"]
