"""The network policies allow what the probe needs, no more, and never block an application."""

import copy
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from tests.config.manifests import (
    VERSIONS,
    WORKLOADS,
    Object,
    build,
    container,
    invalid,
    load,
    only,
)

FOLDERS = ("central", "sidecar")
PROMETHEUS = {"kubernetes.io/metadata.name": "monitoring"}


@pytest.fixture(scope="session")
def policies(kustomize: Path, config: Path) -> Mapping[str, Object]:
    """The policy of each folder."""
    folder = config / "kubernetes" / "network-policy"
    return {name: only(build(kustomize, folder / name), "NetworkPolicy") for name in FOLDERS}


def selects(policy: Object, workload: Object) -> bool:
    """Return whether the policy selects the pods of a workload."""
    labels = workload["spec"]["template"]["metadata"]["labels"]
    selector = policy["spec"]["podSelector"]
    exact = selector.get("matchLabels", {}).items() <= labels.items()
    listed = (
        labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", [])
    )
    assert all(each["operator"] == "In" for each in selector.get("matchExpressions", []))
    return exact and all(listed)


def allows(rules: list[Object], address: str, protocol: str, port: int) -> bool:
    """Return whether rules for egress allow a connection to an address outside of the cluster."""
    for rule in rules:
        if {"protocol": protocol, "port": port} not in rule["ports"]:
            continue
        for block in (peer["ipBlock"] for peer in rule["to"] if "ipBlock" in peer):
            within = ip_address(address) in ip_network(block["cidr"])
            if within and not any(
                ip_address(address) in ip_network(each) for each in block["except"]
            ):
                return True
    return False


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", FOLDERS)
def test_kubernetes_takes_the_policies(
    policies: Mapping[str, Object], folder: str, version: str
) -> None:
    """The schemas of that version know every key, and detect a mistake."""
    assert invalid([policies[folder]], version) == []
    wrong = copy.deepcopy(policies[folder])
    wrong["spec"]["ingress"][0]["port"] = wrong["spec"]["ingress"][0].pop("ports")
    assert invalid([wrong], version) != []


def test_each_policy_selects_the_pods_that_it_is_for(
    policies: Mapping[str, Object], workloads: Mapping[str, Object]
) -> None:
    """One for the probe's own pods, one for those of an application; no pod has both."""
    assert WORKLOADS.keys() == {"central", "sharded", "example"}
    assert {name: selects(policies["central"], each) for name, each in workloads.items()} == {
        "central": True,
        "sharded": True,
        "example": False,
    }
    assert {name: selects(policies["sidecar"], each) for name, each in workloads.items()} == {
        "central": False,
        "sharded": False,
        "example": True,
    }


@pytest.mark.parametrize("folder", FOLDERS)
def test_prometheus_reaches_the_port_that_the_pods_have(
    policies: Mapping[str, Object], workloads: Mapping[str, Object], folder: str
) -> None:
    """By number: not every network plugin resolves the named ports of a native sidecar."""
    [rule] = policies[folder]["spec"]["ingress"]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": PROMETHEUS}}]
    for workload in workloads.values():
        [port] = container(workload)["ports"]
        assert rule["ports"] == [{"protocol": "TCP", "port": port["containerPort"]}]


def test_an_application_keeps_what_it_may_reach(policies: Mapping[str, Object]) -> None:
    """A policy for the sidecar that had Egress would close the whole pod, application included."""
    assert policies["sidecar"]["spec"]["policyTypes"] == ["Ingress"]
    assert "egress" not in policies["sidecar"]["spec"]


def test_the_probe_reaches_names_and_backends(config: Path, policies: Mapping[str, Object]) -> None:
    """DNS over UDP and TCP, and every target of the examples; not the node and its metadata."""
    spec = policies["central"]["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    names, backends = spec["egress"]
    assert names["ports"] == [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
    [cluster_dns] = names["to"]
    assert cluster_dns.keys() == {"namespaceSelector", "podSelector"}
    for folder in ("central", "sharded"):
        text = (config / "kubernetes" / folder / "targets.yaml").read_text(encoding="utf-8")
        for group in load(text)[0]:
            for endpoint in group["targets"]:
                port = int(endpoint.rpartition(":")[2])
                assert allows([backends], "203.0.113.5", "TCP", port)
    for address in ("10.0.0.7", "203.0.113.5", "2001:db8::7", "fd12::1"):
        assert allows(spec["egress"], address, "TCP", 4317)
        assert allows(spec["egress"], address, "TCP", 4318)
        assert not allows(spec["egress"], address, "TCP", 22)
        assert not allows(spec["egress"], address, "UDP", 4317)
    for own in (
        "127.0.0.1",
        "169.254.169.254",
        "100.100.100.200",
        "::1",
        "fe80::1",
        "fd00:ec2::254",
    ):
        assert not allows(spec["egress"], own, "TCP", 4317)
