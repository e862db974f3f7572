"""`listen` refuses an exporter with the alert of a real Collector that has the same files."""

from pathlib import Path

import pytest
from OpenSSL import SSL

from tests.lab.credentials import LabPki, Pair
from tests.lab.listening import listen
from tests.lab.servers import StartCollector
from tests.support.loopback_client import client_context, talk

pytestmark = pytest.mark.slow

TRIES = 20
CLIENTS = (
    "none", "client", "stranger", "expired", "not_yet_valid", "wrong_usage", "self_signed",
    "rekeyed", "below_intermediate", "expired_stranger",
)  # fmt: skip


def make_context(client: Pair | None, version: str) -> SSL.Context:
    """Return a client that presents whatever it has."""
    context = client_context(None, version)
    if client is not None:
        context.use_certificate_chain_file(str(client.cert_file))
        context.use_privatekey_file(str(client.key_file))
    return context


def read_alert(port: int, context: SSL.Context, payload: bytes) -> list[int]:
    """Return the alert that ends a handshake; Go's may be lost to the reset behind it."""
    for _ in range(TRIES):
        seen = talk(port, context, payload=payload, patience=0.5)
        alerts = [one for one in seen.alerts if one]
        if alerts or seen.ended not in {"reset", "close"}:
            return alerts
    return []


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_the_alert_is_a_collectors(
    collector: StartCollector, pki: LabPki, tmp_path: Path, version: str
) -> None:
    """For clients of ten kinds, in both versions."""
    port = collector().grpc_port
    with listen(tmp_path, pki.server, pki.client_ca_file) as listening:
        for name in CLIENTS:
            pair = getattr(pki, name) if name != "none" else None
            context = make_context(pair, version)
            there, here = (read_alert(one, context, b"") for one in (port, listening.port))
            assert here == there, name
