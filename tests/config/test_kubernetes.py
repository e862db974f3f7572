"""Kubernetes accepts the objects of config/kubernetes, and its pods are as restricted as possible."""

import copy
from collections.abc import Mapping
from pathlib import Path

import kubernetes_validate
import pytest

from probe.config.loader import load_configuration
from probe.config.resource import build_resource
from tests.config.manifests import (
    OPERATOR,
    VERSIONS,
    WORKLOADS,
    Object,
    build,
    container,
    dump,
    invalid,
    only,
    overlay,
    pod,
    readme_example,
)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", WORKLOADS)
def test_kubernetes_takes_every_object(
    kustomize: Path, config: Path, folder: str, version: str
) -> None:
    """The schemas of that version know every key and allow every value."""
    assert invalid(build(kustomize, config / "kubernetes" / folder), version) == []


def test_the_validation_sees_mistakes(workloads: Mapping[str, Object]) -> None:
    """A key that is misspelt, one in the wrong place and a value of the wrong type are refused."""
    for key, value in (("restartPolcy", "Always"), ("hostNetwork", False), ("args", "run")):
        wrong = copy.deepcopy(workloads["example"])
        container(wrong)[key] = value
        assert len(invalid([wrong], VERSIONS[-1])) == 1


@pytest.mark.parametrize("folder", WORKLOADS)
def test_the_security_context_is_complete(workloads: Mapping[str, Object], folder: str) -> None:
    """The restricted Pod Security Standard and more: a read-only file system, no privileges."""
    workload = workloads[folder]
    ours = container(workload)
    # A container's own settings override its pod's.
    shared = {} if folder == "example" else pod(workload)["securityContext"]
    effective = shared | ours["securityContext"]
    assert (
        effective.items()
        >= {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        }.items()
    )
    assert ours["resources"]["requests"].keys() == {"cpu", "memory"}
    assert ours["resources"]["limits"].keys() == {"memory"}
    assert all(mount["readOnly"] for mount in ours["volumeMounts"])
    assert not any("subPath" in mount for mount in ours["volumeMounts"])


def test_the_image_runs_as_the_same_user(config: Path) -> None:
    """The manifests and the image have the same user, so that each alone is safe."""
    dockerfile = (config.parent / "Dockerfile").read_text(encoding="utf-8")
    assert "\nUSER 65532:65532\n" in dockerfile


@pytest.mark.parametrize("folder", ["central", "sharded"])
def test_a_pod_of_its_own_has_no_token_and_ends_soon(
    workloads: Mapping[str, Object], folder: str
) -> None:
    """The probe does not use the cluster's API."""
    spec = pod(workloads[folder])
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["terminationGracePeriodSeconds"] <= 30


@pytest.mark.parametrize("folder", WORKLOADS)
def test_health_never_depends_on_a_backend(workloads: Mapping[str, Object], folder: str) -> None:
    """The platform requests `/-/healthy` and `/-/ready`, on the named port."""
    ours = container(workloads[folder])
    assert ours["readinessProbe"]["httpGet"] == {"path": "/-/ready", "port": "mtls-probe"}
    assert ours["livenessProbe"]["httpGet"] == {"path": "/-/healthy", "port": "mtls-probe"}
    assert ours["ports"] == [{"name": "mtls-probe", "containerPort": 9943}]
    assert "startupProbe" not in ours


@pytest.mark.parametrize("folder", ["example", "central", "sharded"])
def test_the_probe_knows_where_it_runs(workloads: Mapping[str, Object], folder: str) -> None:
    """The downward API gives its resource: the attributes of Kubernetes, and a unique id."""
    environ = {
        each["name"]: each.get("value") or each["valueFrom"]["fieldRef"]["fieldPath"]
        for each in container(workloads[folder])["env"]
    }
    # The ConfigMap may set it for the application, whose name is not the probe's.
    environ["OTEL_RESOURCE_ATTRIBUTES"] = "service.name=checkout"
    found, _ = build_resource({}, environ, host="h", port=9943)
    assert {name: found[name] for name in found if name.startswith("k8s.")} == {
        "k8s.namespace.name": "metadata.namespace",
        "k8s.node.name": "spec.nodeName",
        "k8s.pod.name": "metadata.name",
        "k8s.pod.uid": "metadata.uid",
        "k8s.container.name": "mtls-probe",
    }
    assert found["service.instance.id"] == "metadata.namespace.metadata.name.mtls-probe"
    if folder == "example":
        assert found["service.name"] == "mtls-probe"


@pytest.mark.parametrize("folder", WORKLOADS)
def test_the_image_is_named_in_one_place(
    kustomize: Path, config: Path, tmp_path: Path, folder: str
) -> None:
    """Another registry or version is one edit."""
    copied = overlay(tmp_path, config, {}, []).parent
    image = copied / "image" / "kustomization.yaml"
    text = image.read_text(encoding="utf-8")
    image.write_text(text.replace("ghcr.io/example/", "registry.example.com/"), encoding="utf-8")
    workload = only(build(kustomize, copied / folder), WORKLOADS[folder])
    assert container(workload)["image"].startswith("registry.example.com/mtls-probe:")


def test_each_pod_of_the_shards_knows_its_index_and_their_count(
    workloads: Mapping[str, Object],
) -> None:
    """The index is the pod's ordinal; the count is that of the replicas, as text."""
    workload = workloads["sharded"]
    found = {each["name"]: each for each in container(workload)["env"]}
    index, count = found["SHARD_INDEX"], found["SHARD_COUNT"]
    label = "metadata.labels['apps.kubernetes.io/pod-index']"
    assert index == {"name": "SHARD_INDEX", "valueFrom": {"fieldRef": {"fieldPath": label}}}
    assert count == {"name": "SHARD_COUNT", "value": str(workload["spec"]["replicas"])}


def test_a_service_stands_before_each_pod(kustomize: Path, config: Path) -> None:
    """Its selector finds the pods, its port is the container's; the StatefulSet names its Service."""
    for folder in ("central", "sharded"):
        objects = build(kustomize, config / "kubernetes" / folder)
        service, workload = only(objects, "Service"), only(objects, WORKLOADS[folder])
        labels = workload["spec"]["template"]["metadata"]["labels"]
        assert service["spec"]["selector"] == workload["spec"]["selector"]["matchLabels"] == labels
        [port], [of_pod] = service["spec"]["ports"], container(workload)["ports"]
        assert port["targetPort"] == of_pod["name"]
        named = workload["spec"].get("serviceName", service["metadata"]["name"])
        assert named == service["metadata"]["name"]


@pytest.mark.parametrize(
    ("folder", "index"), [("central", "0"), ("sharded", "0"), ("sharded", "2")]
)
def test_the_probe_takes_the_configuration(
    kustomize: Path, config: Path, tmp_path: Path, folder: str, index: str
) -> None:
    """The configuration in the ConfigMap loads, with the pod's variables."""
    objects = build(kustomize, config / "kubernetes" / folder)
    files = only(objects, "ConfigMap")["data"]
    workload = only(objects, WORKLOADS[folder])
    for name, text in files.items():
        here = text.replace("/etc/mtls-probe/", f"{tmp_path}/")
        (tmp_path / name).write_text(here, encoding="utf-8")
    environ = {
        each["name"]: each.get("value", index) for each in container(workload).get("env", [])
    }
    *_, name = container(workload)["args"][-1].split("/")

    configuration = load_configuration(tmp_path / name, environ)

    assert configuration.shard_index == int(index)
    assert configuration.shard_count == int(environ.get("SHARD_COUNT", "1"))


def test_the_example_for_spiffe_is_a_configuration(config: Path, tmp_path: Path) -> None:
    """README.md: spiffe-helper's files, and the backend's ID as the reference identifier."""
    file = tmp_path / "mtls-probe.yml"
    dump(readme_example(config, "spiffe"), file)
    [target] = load_configuration(file, {}).targets
    assert target.reference_identifier.startswith("spiffe://")
    tls = target.tls
    names = [Path(name).name for name in (tls.cert_file, tls.key_file, tls.ca_file) if name]
    assert names == ["svid.pem", "svid_key.pem", "svid_bundle.pem"]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_operators_objects_are_not_of_kubernetes(version: str) -> None:
    """Kubernetes has no schema for them: test_operator.py validates them with the operator's types."""
    with pytest.raises(kubernetes_validate.SchemaNotFoundError):
        kubernetes_validate.validate({"apiVersion": OPERATOR, "kind": "PodMonitor"}, version)
