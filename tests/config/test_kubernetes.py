"""What config/kubernetes makes is what Kubernetes takes, and its pods are as closed as they can be."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from probe.sources.configuration import load_configuration
from probe.sources.resource import resource_of
from tests.config.manifests import (
    OPERATOR,
    Object,
    build,
    container,
    dump,
    invalid,
    load,
    only,
    overlay,
    pod,
    readme_example,
)

WORKLOADS = {"central": "Deployment", "sharded": "StatefulSet", "example": "Deployment"}
VERSIONS = ("1.29", "1.32", kubernetes_validate.latest_version())
"""Native sidecars are on by default from 1.29, a pod's index is a stable label from 1.32."""

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
"""Someone's Deployment, with an init container and volumes of its own."""


def with_kind(kind: str, **metadata: Any) -> Object:
    """Return the application as another kind of workload."""
    workload = copy.deepcopy(APPLICATION)
    workload["kind"] = kind
    workload["metadata"] |= metadata
    if kind == "StatefulSet":
        workload["spec"]["serviceName"] = "checkout"
    return workload


@pytest.fixture(scope="session")
def workloads(kustomize: Path, config: Path) -> Mapping[str, Object]:
    """The workload of each folder that has one."""
    return {
        folder: only(build(kustomize, config / "kubernetes" / folder), kind)
        for folder, kind in WORKLOADS.items()
    }


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
    """The restricted Pod Security Standard and more: nothing to write, nothing to gain."""
    workload = workloads[folder]
    ours = container(workload)
    # A container's own settings come before its pod's.
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
    """The manifests and the image agree on the user, so that either alone is safe."""
    dockerfile = (config.parent / "Dockerfile").read_text(encoding="utf-8")
    assert "\nUSER 65532:65532\n" in dockerfile


@pytest.mark.parametrize("folder", ["central", "sharded"])
def test_a_pod_of_its_own_has_no_token_and_ends_soon(
    workloads: Mapping[str, Object], folder: str
) -> None:
    """The probe asks nothing of the cluster."""
    spec = pod(workloads[folder])
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["terminationGracePeriodSeconds"] <= 30


@pytest.mark.parametrize("folder", WORKLOADS)
def test_health_never_depends_on_a_backend(workloads: Mapping[str, Object], folder: str) -> None:
    """The two pages that the platform asks for are those of interfaces.md, on the named port."""
    ours = container(workloads[folder])
    assert ours["readinessProbe"]["httpGet"] == {"path": "/-/ready", "port": "mtls-probe"}
    assert ours["livenessProbe"]["httpGet"] == {"path": "/-/healthy", "port": "mtls-probe"}
    assert ours["ports"] == [{"name": "mtls-probe", "containerPort": 9943}]
    assert "startupProbe" not in ours


def test_the_sidecar_is_native_and_shares_what_the_exporter_has(
    workloads: Mapping[str, Object],
) -> None:
    """Same variables, same files at the same place; it starts first, stops last, and goes on."""
    workload = workloads["example"]
    ours, exporter = container(workload), container(workload, "checkout")
    assert ours in pod(workload)["initContainers"]
    assert ours["restartPolicy"] == "Always"
    assert "args" not in ours
    [shared], [of_exporter] = ours["envFrom"], exporter["envFrom"]
    assert shared["configMapRef"]["name"] == of_exporter["configMapRef"]["name"]
    assert exporter["volumeMounts"][0] in ours["volumeMounts"]


@pytest.mark.parametrize("folder", ["example", "central", "sharded"])
def test_the_probe_knows_where_it_runs(workloads: Mapping[str, Object], folder: str) -> None:
    """The downward API gives its resource: the attributes of Kubernetes, and an id of its own."""
    environ = {
        each["name"]: each.get("value") or each["valueFrom"]["fieldRef"]["fieldPath"]
        for each in container(workloads[folder])["env"]
    }
    # As it would be shared with the application, whose name is not the probe's.
    environ["OTEL_RESOURCE_ATTRIBUTES"] = "service.name=checkout"
    found, _ = resource_of({}, environ, host="h", port=9943)
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


def test_the_sidecar_has_no_token_of_the_application(workloads: Mapping[str, Object]) -> None:
    """An empty volume lies where Kubernetes would mount the token."""
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
    """Whatever a workload has already stays, in its order; the result is valid."""
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
    """A label of the workload's own keeps the sidecar away."""
    labelled = with_kind("Deployment", labels={"mtls-probe": value})
    example = readme_example(config, "convention")
    [after] = build(kustomize, overlay(tmp_path, config, example, [labelled]))
    assert after == labelled


def test_variables_can_be_copied_from_the_exporter(
    kustomize: Path, config: Path, tmp_path: Path
) -> None:
    """README.md: what the exporter's own `env` says, Secrets included, the probe reads too."""
    example = readme_example(config, "variables-copied")
    objects = build(kustomize, overlay(tmp_path, config, example, [APPLICATION]))
    after = only(objects, "Deployment")
    assert container(after)["env"] == container(APPLICATION, "checkout")["env"]
    assert invalid(objects, VERSIONS[0]) == []


def test_another_volume_can_be_shared(kustomize: Path, config: Path, tmp_path: Path) -> None:
    """README.md: a volume of any name at any path takes the place of the default."""
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
    """README.md: beside a Collector the probe reads the Collector's file, at the same path."""
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


@pytest.mark.parametrize("folder", WORKLOADS)
def test_the_image_is_named_in_one_place(
    kustomize: Path, config: Path, tmp_path: Path, folder: str
) -> None:
    """A registry or a version of one's own is one edit."""
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
    """Its selector finds the pods, its port is the container's; a StatefulSet names its own."""
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
    """What the ConfigMap holds loads, with the variables that the pod has."""
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
    """README.md: spiffe-helper's files, and the backend's ID as the name to look for."""
    file = tmp_path / "mtls-probe.yml"
    dump(readme_example(config, "spiffe"), file)
    [target] = load_configuration(file, {}).targets
    assert target.reference_identifier.startswith("spiffe://")
    tls = target.tls
    names = [Path(name).name for name in (tls.cert_file, tls.key_file, tls.ca_file) if name]
    assert names == ["svid.pem", "svid_key.pem", "svid_bundle.pem"]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_operators_objects_are_not_of_kubernetes(version: str) -> None:
    """No schema of Kubernetes knows them: test_operator.py judges them by the operator's own."""
    with pytest.raises(kubernetes_validate.SchemaNotFoundError):
        kubernetes_validate.validate({"apiVersion": OPERATOR, "kind": "PodMonitor"}, version)
