"""The sidecar in a user's workload: it shares what the exporter has, and changes nothing else."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.config.manifests import (
    VERSIONS,
    Object,
    build,
    container,
    invalid,
    load,
    only,
    overlay,
    pod,
    readme_example,
)

APPLICATION: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "checkout"},
    "spec": {
        "selector": {"matchLabels": {"app": "checkout"}},
        "template": {
            "metadata": {"labels": {"app": "checkout"}},
            "spec": {
                "initContainers": [{"name": "migrate", "image": "checkout:1"}],
                "containers": [
                    {
                        "name": "checkout",
                        "image": "checkout:1",
                        "env": [
                            {
                                "name": "OTEL_EXPORTER_OTLP_ENDPOINT",
                                "value": "https://collector:4317",
                            },
                            {
                                "name": "OTEL_EXPORTER_OTLP_HEADERS",
                                "valueFrom": {"secretKeyRef": {"name": "otel", "key": "headers"}},
                            },
                        ],
                        "volumeMounts": [
                            {"name": "collector-client", "mountPath": "/var/run/tls"},
                            {"name": "relay", "mountPath": "/conf"},
                        ],
                    },
                ],
                "volumes": [
                    {"name": "collector-client", "secret": {"secretName": "collector-client"}},
                    {"name": "otel-tls", "secret": {"secretName": "otel-tls"}},
                    {"name": "relay", "configMap": {"name": "relay"}},
                ],
            },
        },
    },
}
"""A user's Deployment, with its own init container and volumes."""


def with_kind(kind: str, **metadata: Any) -> Object:
    """Return the application as another kind of workload."""
    workload = copy.deepcopy(APPLICATION)
    workload["kind"] = kind
    workload["metadata"] |= metadata
    if kind == "StatefulSet":
        workload["spec"]["serviceName"] = "checkout"
    return workload


def test_the_sidecar_is_native_and_shares_what_the_exporter_has(
    workloads: Mapping[str, Object],
) -> None:
    """Same variables, same files at the same paths; it starts first, stops last, and keeps running."""
    workload = workloads["example"]
    ours, exporter = container(workload), container(workload, "checkout")
    assert ours in pod(workload)["initContainers"]
    assert ours["restartPolicy"] == "Always"
    assert "args" not in ours
    [shared], [of_exporter] = ours["envFrom"], exporter["envFrom"]
    assert shared["configMapRef"]["name"] == of_exporter["configMapRef"]["name"]
    assert exporter["volumeMounts"][0] in ours["volumeMounts"]


def test_the_sidecar_has_no_token_of_the_application(workloads: Mapping[str, Object]) -> None:
    """An empty volume is where Kubernetes would mount the token."""
    workload = workloads["example"]
    [mount] = [
        each
        for each in container(workload)["volumeMounts"]
        if each["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"
    ]
    assert {"name": mount["name"], "emptyDir": {}} in pod(workload)["volumes"]


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_the_sidecar_leaves_the_application_as_it_was(
    kustomize: Path, config: Path, tmp_path: Path, kind: str
) -> None:
    """Everything that a workload has stays, in its order; the result is valid."""
    before = with_kind(kind)
    example = readme_example(config, "convention")
    objects = build(kustomize, overlay(tmp_path, config, example, [before]))
    after = only(objects, kind)

    assert invalid(objects, VERSIONS[0]) == []
    assert pod(after)["containers"] == pod(before)["containers"]
    names = [each["name"] for each in pod(after)["initContainers"]]
    assert sorted(names) == ["migrate", "mtls-probe"]
    volumes = [each for each in pod(after)["volumes"] if each["name"] != "mtls-probe-no-token"]
    assert volumes == pod(before)["volumes"]
    assert container(after)["image"].startswith("ghcr.io/example/mtls-probe:")
    assert after["spec"]["selector"] == before["spec"]["selector"]


@pytest.mark.parametrize("value", ["none", "central"])
def test_a_workload_can_be_left_out(
    kustomize: Path, config: Path, tmp_path: Path, value: str
) -> None:
    """A workload with the label gets no sidecar."""
    labelled = with_kind("Deployment", labels={"mtls-probe": value})
    example = readme_example(config, "convention")
    [after] = build(kustomize, overlay(tmp_path, config, example, [labelled]))
    assert after == labelled


def test_variables_can_be_copied_from_the_exporter(
    kustomize: Path, config: Path, tmp_path: Path
) -> None:
    """README.md: the probe gets the exporter's own `env` too, Secrets included."""
    example = readme_example(config, "variables-copied")
    objects = build(kustomize, overlay(tmp_path, config, example, [APPLICATION]))
    after = only(objects, "Deployment")
    assert container(after)["env"] == container(APPLICATION, "checkout")["env"]
    assert invalid(objects, VERSIONS[0]) == []


def test_another_volume_can_be_shared(kustomize: Path, config: Path, tmp_path: Path) -> None:
    """README.md: a volume with any name and path replaces the default."""
    example = readme_example(config, "another-volume")
    objects = build(kustomize, overlay(tmp_path, config, example, [APPLICATION]))
    mounts = {
        each["mountPath"]: each["name"]
        for each in container(only(objects, "Deployment"))["volumeMounts"]
    }
    assert mounts.pop("/var/run/tls") == "collector-client"
    assert list(mounts.values()) == ["mtls-probe-no-token"]
    assert invalid(objects, VERSIONS[0]) == []


def test_a_collectors_configuration_can_be_read(
    kustomize: Path, config: Path, tmp_path: Path
) -> None:
    """README.md: next to a Collector the probe reads the Collector's file, at the same path."""
    example = readme_example(config, "collector")
    objects = build(kustomize, overlay(tmp_path, config, example, [APPLICATION]))
    after = only(objects, "Deployment")
    mounts = {each["mountPath"]: each["name"] for each in container(after)["volumeMounts"]}
    assert mounts["/conf"] == "relay"
    [volume] = [each for each in pod(after)["volumes"] if each["name"] == mounts["/etc/mtls-probe"]]
    generated = only(objects, "ConfigMap")
    assert volume["configMap"]["name"] == generated["metadata"]["name"]
    [configuration] = load(generated["data"]["mtls-probe.yml"])
    assert configuration == {"sources": [{"collector": "/conf/relay.yaml"}]}
    assert invalid(objects, VERSIONS[0]) == []
