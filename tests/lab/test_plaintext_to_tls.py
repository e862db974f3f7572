"""Plaintext sent to the TLS ports of every stack: the cause is the exporter's own settings.

Go's servers and nginx say so in HTTP, GnuTLS, JSSE and rustls by an alert record, the others close
or reset; then a TLS handshake with the same port proves it.
"""

from pathlib import Path

import pytest

from probe.model.target import Protocol
from tests.lab import peers
from tests.lab.credentials import LabPki
from tests.lab.observation import observe, target
from tests.lab.stack import Serving, Stack
from tests.lab.stacks import STACKS
from tests.support.required_tools import missing


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
@pytest.mark.parametrize("with_certificate", [True, False], ids=["mtls", "tls"])
@pytest.mark.parametrize("stack", STACKS, ids=lambda one: one.name)
def test_a_tls_port_that_is_sent_plaintext(
    pki: LabPki, tmp_path: Path, stack: Stack, with_certificate: bool, protocol: Protocol
) -> None:
    """Whatever the port does, only the exporter must act, and no fact mentions a handshake."""
    if absent := stack.missing():
        missing(f"{stack.name}: {absent}")
    demanded = pki.client_ca_file if with_certificate else None
    serving = Serving(tls=stack.versions[-1], server=pki.server, client_ca_file=demanded)
    with stack.start(tmp_path, serving) as port:
        settings = {"insecure": True, "ca_file": None}
        _, found = observe(target(pki, port, None, protocol=protocol, **settings))

    assert (found.outcome, found.cause, found.certain) == ("failed", "tls_off", True), found
    assert not any("after the handshake" in fact for fact in found.facts)


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
@pytest.mark.parametrize("behaviour", ["close_later", "reset_later"])
def test_a_peer_that_closes_upon_anything(
    pki: LabPki, protocol: Protocol, behaviour: peers.Behaviour
) -> None:
    """It completes no handshake and answers neither protocol: so the exporter is not the cause."""
    with peers.tcp_peer(behaviour) as port:
        settings = {"insecure": True, "ca_file": None}
        _, found = observe(target(pki, port, None, protocol=protocol, **settings))

    assert found.cause in {"connection_closed", "connection_reset"}, found
    assert (found.certain, found.also) == (False, ("tls_off",)), found
