"""A ClientHello above one TCP segment that something on the way does not take: its own cause."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest

from probe.model.diagnosis import Diagnosis
from probe.model.target import Target
from tests.lab.credentials import LabPki
from tests.lab.observation import observe, target
from tests.lab.one_segment_way import Refusal, one_segment_way
from tests.lab.peers import Behaviour
from tests.lab.servers import StartCollector

TRIES: Final = 4


@pytest.mark.serial
@pytest.mark.parametrize("refusal", ["drop", "reset", "close", "alert"])
def test_the_size_of_the_hello_is_named(
    refusal: Refusal, collector: StartCollector, pki: LabPki
) -> None:
    """Classic groups pass each time where the exporter's own offer does not: and so does the fix."""
    with one_segment_way(collector().grpc_port, refusal) as port:
        found = observe_undisturbed(target(pki, port, pki.client))
        assert (found.cause, found.certain) == ("client_hello_too_large", True), found
        assert found.also == ()
        assert "curve_preferences" in found.fix[0]

        curves = ("X25519", "P256", "P384", "P521")
        _, fixed = observe(target(pki, port, pki.client, curve_preferences=curves))
        assert fixed.outcome == "confirmed", fixed


def observe_undisturbed(watched: Target) -> Diagnosis:
    """Return what an attempt means whose experiments this machine did not hold up, of a few.

    Where it did, nothing is proven, and the diagnosis says so.
    """
    for _ in range(TRIES):
        _, found = observe(watched)
        if found.certain and found.cause != "tls_timeout":
            break
        assert found.cause == "tls_timeout"
    return found


def test_an_exporter_with_a_small_hello_passes(collector: StartCollector, pki: LabPki) -> None:
    """Node's OpenSSL 3.0 offers no hybrid group: its ClientHello has 376 bytes."""
    with one_segment_way(collector().grpc_port, "drop") as port:
        watched = replace(target(pki, port, pki.client), exporter="node-grpc")
        _, found = observe(watched)
    assert found.outcome == "confirmed", found


def test_a_port_that_answers_nobody_is_not_blamed_on_the_size(
    tcp_peer: Callable[[Behaviour], int], pki: LabPki
) -> None:
    """It stalls for the small ClientHello as well."""
    _, found = observe(target(pki, tcp_peer("silent"), pki.client, timeout=1.0))
    assert found.cause == "tls_timeout"
    assert "client_hello_too_large" not in found.also
