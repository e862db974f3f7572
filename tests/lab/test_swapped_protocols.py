"""gRPC spoken to OTLP/HTTP ports and the reverse, with TLS and without, to real servers.

A table of what each server does with the wrong protocol: whatever that is, 404, 415, 400,
SETTINGS, RST_STREAM or a close, the cause is that the protocols are swapped.
"""

from pathlib import Path
from typing import Final

import pytest

from probe.model.target import Protocol
from tests.lab.credentials import LabPki
from tests.lab.observation import observe, target
from tests.lab.plaintext_servers import PLAINTEXT_SERVERS, PlaintextServer
from tests.lab.stack import Serving, Stack
from tests.lab.stacks import STACKS
from tests.support.required_tools import missing

OTHER: Final[dict[Protocol, Protocol]] = {"grpc": "http/protobuf", "http/protobuf": "grpc"}
NO_OTLP: Final = frozenset({"gnutls", "s_server"})
"""They answer no request, so protocols cannot be swapped."""


@pytest.mark.parametrize("server", PLAINTEXT_SERVERS, ids=lambda one: one.name)
def test_without_tls(pki: LabPki, tmp_path: Path, server: PlaintextServer) -> None:
    """The right protocol is confirmed, the other is `otlp_protocol_mismatch`, and certain."""
    if absent := server.missing():
        missing(f"{server.name}: {absent}")
    with server.start(tmp_path) as port:
        settings = {"insecure": True, "ca_file": None}
        _, right = observe(target(pki, port, None, protocol=server.serves, **settings))
        _, wrong = observe(target(pki, port, None, protocol=OTHER[server.serves], **settings))

    assert right.outcome == "confirmed", right
    assert [finding.cause for finding in right.findings] == ["tls_off"]
    assert (wrong.cause, wrong.certain) == ("otlp_protocol_mismatch", True), wrong


@pytest.mark.parametrize("with_certificate", [True, False], ids=["mtls", "tls"])
@pytest.mark.parametrize(
    "stack", [one for one in STACKS if one.name not in NO_OTLP], ids=lambda one: one.name
)
def test_inside_tls(pki: LabPki, tmp_path: Path, stack: Stack, with_certificate: bool) -> None:
    """A port without h2 stops gRPC at `alpn_mismatch`; the swapped protocol is named too."""
    if absent := stack.missing():
        missing(f"{stack.name}: {absent}")
    demanded = pki.client_ca_file if with_certificate else None
    serving = Serving(tls=stack.versions[-1], server=pki.server, client_ca_file=demanded)
    with stack.start(tmp_path, serving) as port:
        _, right = observe(target(pki, port, pki.client, protocol=stack.protocol))
        _, wrong = observe(target(pki, port, pki.client, protocol=OTHER[stack.protocol]))

    assert right.outcome == "confirmed", right
    assert wrong.certain, wrong
    assert "otlp_protocol_mismatch" in (wrong.cause, *wrong.also), wrong
    assert wrong.cause in {"otlp_protocol_mismatch", "alpn_mismatch"}, wrong
