"""Ports that speak no TLS, or nothing at all, are named as precisely as they can be known."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from probe.model.target import Protocol
from tests.lab import peers
from tests.lab.credentials import LabPki
from tests.lab.observation import observe, target
from tests.lab.servers import HOST, process, serve_collector, started

PROTOCOLS: tuple[Protocol, ...] = ("grpc", "http/protobuf")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_collector_without_tls_is_not_tls(
    otelcol: Path, pki: LabPki, tmp_path: Path, protocol: Protocol
) -> None:
    """Both receivers of a Collector without tls settings, whichever protocol the exporter speaks."""
    with serve_collector(otelcol, tmp_path, None) as running:
        for port in (running.grpc_port, running.http_port):
            _, diagnosis = observe(target(pki, port, pki.client, protocol=protocol))
            assert (diagnosis.stage, diagnosis.cause) == ("handshake", "not_tls"), diagnosis
            assert diagnosis.certain


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_grpc_without_tls_is_recognised_by_its_settings(
    plaintext_grpc: int, pki: LabPki, protocol: Protocol
) -> None:
    """grpc-core sends its SETTINGS before it reads: they show which protocol is served without TLS."""
    _, diagnosis = observe(target(pki, plaintext_grpc, pki.client, protocol=protocol))
    assert diagnosis.cause == "not_tls", diagnosis
    assert diagnosis.certain
    assert any("gRPC without TLS" in fact for fact in diagnosis.facts)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_web_server_without_tls_is_not_tls(
    pki: LabPki, tmp_path: Path, protocol: Protocol
) -> None:
    """http.server answers the ClientHello with a page about a bad request."""
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", HOST]
    with process(command, tmp_path / "http.log", cwd=tmp_path) as log:
        port = int(started(log, r"port (\d+)")[1])
        _, diagnosis = observe(target(pki, port, pki.client, protocol=protocol))
    assert diagnosis.cause == "not_tls", diagnosis
    assert diagnosis.certain


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        ("close", "connection_closed"),
        ("close_later", "connection_closed"),
        ("reset", "connection_reset"),
        ("reset_later", "connection_reset"),
    ],
)
def test_an_end_before_any_answer_stays_open(
    tcp_peer: Callable[[peers.Behaviour], int],
    pki: LabPki,
    behaviour: peers.Behaviour,
    cause: str,
    protocol: Protocol,
) -> None:
    """An allow-list of addresses, or a load balancer without targets: nothing shows which.

    It ends the same with every version and group, so that these are not to blame. Its own suites may
    still not fit the key of its certificate, which nobody has seen.
    """
    port = tcp_peer(behaviour)
    evidence, diagnosis = observe(target(pki, port, pki.client, protocol=protocol))
    if behaviour == "reset" and diagnosis.stage == "connect":
        # The end came before the first byte: TLS cannot be the reason.
        assert (diagnosis.cause, diagnosis.certain) == (cause, True), diagnosis
        return
    assert (diagnosis.stage, diagnosis.cause) == ("handshake", cause), diagnosis
    assert not diagnosis.certain
    assert {"not_tls", "no_shared_cipher"} <= set(diagnosis.also)
    # A reset may come before a ClientHello is out: that experiment was about nothing.
    asked = {one.varied for one in evidence.experiments if one.ending.stage == "handshake"}
    # Nor does a round count whose unvaried handshakes were not all reset where the attempt was.
    counts = all(
        one.ending.stage == "handshake" for one in evidence.experiments if one.varied == "unvaried"
    )
    ruled_out = {
        "every_version": "protocol_version_mismatch",
        "every_group": "no_shared_group",
    }
    for varied, ruled in ruled_out.items():
        assert (ruled in diagnosis.also) is (varied not in asked or not counts), diagnosis
    if behaviour != "reset":
        assert ruled_out.keys() <= asked


def test_a_mute_port_is_a_timeout(tcp_peer: Callable[[peers.Behaviour], int], pki: LabPki) -> None:
    """It accepts, reads, and answers neither TLS nor plaintext."""
    _, diagnosis = observe(target(pki, tcp_peer("silent"), pki.client, timeout=0.5))
    assert (diagnosis.stage, diagnosis.cause) == ("handshake", "tls_timeout"), diagnosis
