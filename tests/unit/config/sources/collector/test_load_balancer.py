"""The backends of a load-balancing exporter."""

from dataclasses import replace

import pytest

from probe.config.source_content import SourceContent
from probe.model.target import Endpoint, Target, TlsSettings
from tests.support.collector_texts import headers_of, reading, with_exporter


def balancer(resolver: str, *lines: str) -> SourceContent:
    """Read one load-balancing exporter with `resolver`, and `lines` below `protocol.otlp`."""
    settings = ("protocol:", "  otlp:", *(f"    {line}" for line in lines or ("timeout: 1s",)))
    return reading(with_exporter("loadbalancing", f"resolver: {resolver}", *settings))


def test_each_static_backend_is_a_target() -> None:
    """Each once, with the default port, and with the settings of protocol.otlp."""
    found = balancer(
        "{static: {hostnames: ['b:4319', a, b:4319]}}",
        "tls: {ca_file: /ca, cert_file: /crt, key_file: /key}",
        "headers: {X-Tenant: one}",
    ).targets
    assert [(one.name, one.endpoint) for one in found] == [
        ("loadbalancing/a:4317", Endpoint("a", 4317)),
        ("loadbalancing/b:4319", Endpoint("b", 4319)),
    ]
    for one in found:
        assert one.tls == TlsSettings(ca_file="/ca", cert_file="/crt", key_file="/key")
        assert headers_of(one) == {"x-tenant": "one"}
        assert (one.protocol, one.addresses) == ("grpc", "first")


def dns(*lines: str) -> Target:
    """Return the target of a DNS resolver, as it stands for one address."""
    (found,) = balancer("{dns: {hostname: gateway.example, port: '4319'}}", *lines).targets
    assert (found.endpoint, found.addresses) == (Endpoint("gateway.example", 4319), "each")
    return replace(found, address="192.0.2.1")


def test_of_a_dns_name_each_address_is_what_is_verified() -> None:
    """The exporter hands addresses to its client, which never learns the name."""
    one = dns()
    assert one.reference_identifier == "192.0.2.1"
    assert str(one.named_endpoint) == "192.0.2.1:4319"
    named = dns("tls: {server_name_override: gateway.example}")
    assert named.reference_identifier == "gateway.example"


def test_a_dns_name_has_the_default_port() -> None:
    """4317, as in loadBalancer.endpointWithPort."""
    (found,) = balancer("{dns: {hostname: gateway.example}}").targets
    assert found.endpoint.port == 4317


@pytest.mark.parametrize(
    ("resolver", "reason"),
    [
        ("{}", "has no resolver"),
        ("{static: {hostnames: []}}", "has no backend"),
        ("{dns: {port: '1'}}", "is empty"),
        ("{static: {hostnames: [a]}, dns: {hostname: b}}", "has several resolvers"),
    ],
)
def test_what_the_collector_does_not_start_with(resolver: str, reason: str) -> None:
    """It says so as an error, or as a target that fails."""
    content = balancer(resolver)
    said = [error.reason for error in content.errors]
    said += [fault.fact for target in content.targets for fault in target.faults]
    assert len(said) == 1
    assert reason in said[0]


@pytest.mark.parametrize(
    ("resolver", "said"),
    [
        ("{k8s: {service: lb.ns, ports: [4319]}}", "pods of a Kubernetes service"),
        ("{aws_cloud_map: {namespace: n, service_name: s}}", "AWS Cloud Map"),
    ],
)
def test_backends_that_only_another_service_knows(resolver: str, said: str) -> None:
    """Nothing is probed for it, what to do is said, and the source is not as it should be."""
    content = balancer(resolver)
    assert content.targets == ()
    (reason,) = content.unprobed
    assert said in reason


def test_an_endpoint_of_its_own_is_not_used() -> None:
    """The resolver's backends replace it, which is a finding."""
    (found,) = balancer("{static: {hostnames: [a]}}", "endpoint: other:1").targets
    assert found.endpoint == Endpoint("a", 4317)
    assert [remark.cause for remark in found.remarks] == ["exporter_setting_ignored"]
