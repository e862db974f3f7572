"""The Helm chart: what it renders, which values it refuses, and that kustomize gives the same."""

import copy
import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from probe.config.loader import load_configuration
from tests.config.helm import (
    CHART,
    RECORDED,
    VALUES,
    HelmError,
    render,
    render_example,
    run_helm,
    shorten,
)
from tests.config.manifests import (
    OPERATOR,
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

KUBERNETES = ("1.29", "1.30", "1.31", "1.32", "1.33", "1.34", "1.35")
WITH_PODS = ("central", "sharded", "operator", "web", "sources")
every_file = pytest.mark.parametrize("name", VALUES)


@pytest.fixture(scope="session")
def rendered(helm: Path) -> Mapping[str, list[Object]]:
    """What the chart renders of each file of values."""
    return {name: load(render(helm, f"--values={file}")) for name, file in VALUES.items()}


def read(path: Path) -> str:
    """Return the text of a file."""
    return path.read_text(encoding="utf-8")


def workload_of(objects: list[Object]) -> Object:
    """Return the Deployment or StatefulSet."""
    [found] = [each for each in objects if each["kind"] in {"Deployment", "StatefulSet"}]
    return found


def without_volume_names(spec: Object) -> Object:
    """Return the pod with what is mounted in place of the volumes' names."""
    made = copy.deepcopy(spec)
    volumes = {each.pop("name"): each for each in made["volumes"]}
    for each in made["containers"]:
        for mount in each["volumeMounts"]:
            mount["name"] = volumes[mount["name"]]
    return made


def test_helm_finds_nothing_to_say(helm: Path) -> None:
    """`helm lint --strict` passes with the chart's own values and with each file."""
    assert len(VALUES) == 6
    for each in ((), *((f"--values={file}",) for file in VALUES.values())):
        assert "1 chart(s) linted, 0 chart(s) failed" in run_helm(
            helm, "lint", "--strict", "--kube-version=1.29", CHART, *each
        )


@pytest.mark.parametrize("version", KUBERNETES)
@every_file
def test_kubernetes_takes_every_object_of_the_chart(helm: Path, name: str, version: str) -> None:
    """The strict schemas of that version know every key and allow every value."""
    objects = load(render(helm, f"--values={VALUES[name]}", version=version))
    assert objects
    assert invalid([each for each in objects if each["apiVersion"] != OPERATOR], version) == []


def test_an_older_kubernetes_is_refused(helm: Path) -> None:
    """Native sidecars are on by default from 1.29."""
    with pytest.raises(HelmError, match=r"requires kubeVersion: >=1\.29"):
        render(helm, version="1.28")


def test_the_operators_types_know_the_charts_objects(
    operator_types: Path, rendered: Mapping[str, list[Object]]
) -> None:
    """PodMonitor, ServiceMonitor and PrometheusRule load without unknown keys."""
    kinds = set()
    for objects in rendered.values():
        for each in objects:
            if each["apiVersion"] == OPERATOR:
                kinds.add(each["kind"])
                text = json.dumps(each)
                ended = subprocess.run(
                    [operator_types], input=text, capture_output=True, text=True, check=False
                )
                assert (ended.returncode, ended.stderr) == (0, "")
    assert kinds == {"PodMonitor", "ServiceMonitor", "PrometheusRule"}


@every_file
def test_the_rendering_is_the_recorded_one(rendered: Mapping[str, list[Object]], name: str) -> None:
    """A change that is meant shows in the diff: `make chart` records."""
    copied = json.loads(json.dumps(rendered[name]))
    assert shorten(copied) == read(RECORDED / f"{name}.yaml")


def test_rules_and_dashboards_are_those_of_the_repository(
    config: Path, rendered: Mapping[str, list[Object]]
) -> None:
    """Templates within them stay as they are; every dashboard is there, with Grafana's label."""
    [rules] = load(read(config / "prometheus" / "rules" / "mtls-probe.yml"))
    folder = config.parent / "grafana" / "dashboards"
    for name in ("operator", "sidecar"):
        assert only(rendered[name], "PrometheusRule")["spec"] == rules
        found = {}
        for each in rendered[name]:
            if each["metadata"]["labels"].get("grafana_dashboard") == "1":
                found |= each["data"]
        assert {key: json.loads(text) for key, text in found.items()} == {
            f"mtls-probe-{file.name}": json.loads(read(file)) for file in folder.glob("*.json")
        }


def test_rules_with_other_thresholds_take_their_place(helm: Path, tmp_path: Path) -> None:
    """README.md: `--set-file prometheusRule.rules=rules.yml`."""
    rules = {"groups": [{"name": "own", "rules": [{"alert": "A", "expr": "{{ $value }}"}]}]}
    file = tmp_path / "rules.yml"
    file.write_text("# Written by a program.\n" + json.dumps(rules), encoding="utf-8")
    made = render(
        helm, "--set=prometheusRule.enabled=true", f"--set-file=prometheusRule.rules={file}"
    )
    assert only(load(made), "PrometheusRule")["spec"] == rules


@pytest.mark.parametrize("name", WITH_PODS)
def test_the_restricted_standard_holds(rendered: Mapping[str, list[Object]], name: str) -> None:
    """No value opens it: user, file system, privileges, token and kinds of volumes."""
    spec = pod(workload_of(rendered[name]))
    ours = container(workload_of(rendered[name]))
    assert spec["automountServiceAccountToken"] is False
    assert (spec["securityContext"] | ours["securityContext"]).items() >= {
        "runAsNonRoot": True,
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }.items()
    kinds = {kind for each in spec["volumes"] for kind in each if kind != "name"}
    assert kinds <= {"configMap", "secret", "csi"}
    assert all(each["readOnly"] and "subPath" not in each for each in ours["volumeMounts"])
    assert {each["name"] for each in ours["volumeMounts"]} == {
        each["name"] for each in spec["volumes"]
    }


def test_no_file_of_values_asks_for_rights(rendered: Mapping[str, list[Object]]) -> None:
    """The probe does not use the cluster's API, so the chart has no role."""
    kinds = {each["kind"] for objects in rendered.values() for each in objects}
    assert kinds == {
        "ConfigMap", "Deployment", "StatefulSet", "Service", "NetworkPolicy",
        "PodMonitor", "ServiceMonitor", "PrometheusRule",
    }  # fmt: skip


@pytest.mark.parametrize("name", WITH_PODS)
def test_the_probe_takes_the_charts_configuration(
    rendered: Mapping[str, list[Object]], tmp_path: Path, name: str
) -> None:
    """What the ConfigMap holds loads, with the pod's variables."""
    [files] = [each["data"] for each in rendered[name] if "mtls-probe.yml" in each.get("data", {})]
    for file, text in files.items():
        here = text.replace("/etc/mtls-probe/", f"{tmp_path}/")
        here = here.replace("/etc/mtls-probe-web/", f"{tmp_path}/")
        (tmp_path / file).write_text(here, encoding="utf-8")
    (tmp_path / "web.yml").write_text("{}", encoding="utf-8")
    environ = {
        each["name"]: each.get("value", "3")
        for each in container(workload_of(rendered[name]))["env"]
    }
    configuration = load_configuration(tmp_path / "mtls-probe.yml", environ)
    assert (configuration.shard_index, configuration.shard_count) == (
        (3, 5) if name == "sharded" else (0, 1)
    )


@pytest.mark.parametrize("folder", ["central", "sharded"])
def test_kustomize_gives_the_same_pod(
    helm: Path, kustomize: Path, config: Path, folder: str
) -> None:
    """Pod, Service and, but for the module of the operator's Probe, configuration are equal."""
    ours = load(render(helm, f"--set=mode={folder}"))
    theirs = build(kustomize, config / "kubernetes" / folder)
    one, other = workload_of(ours), workload_of(theirs)
    assert one["kind"] == other["kind"]
    assert without_volume_names(pod(one)) == without_volume_names(pod(other))
    for key in ("replicas", "strategy", "serviceName", "podManagementPolicy"):
        assert one["spec"].get(key) == other["spec"].get(key)
    services = [only(each, "Service") for each in (ours, theirs)]
    assert services[0]["metadata"]["name"] == services[1]["metadata"]["name"]
    assert services[0]["spec"]["ports"] == services[1]["spec"]["ports"]
    texts = [only(each, "ConfigMap")["data"]["mtls-probe.yml"] for each in (ours, theirs)]
    [[our_settings], [their_settings]] = [load(each) for each in texts]
    their_settings.pop("modules", None)
    assert our_settings == their_settings


def test_kustomize_gives_the_same_monitors_and_policies(
    kustomize: Path, config: Path, rendered: Mapping[str, list[Object]], helm: Path
) -> None:
    """The PodMonitor of everything, and both NetworkPolicies."""
    folder = config / "kubernetes"
    monitor = only(build(kustomize, folder / "monitoring"), "PodMonitor")
    for name in ("operator", "sidecar"):
        assert only(rendered[name], "PodMonitor")["spec"] == monitor["spec"]
    sidecar = only(build(kustomize, folder / "network-policy" / "sidecar"), "NetworkPolicy")
    assert only(rendered["sidecar"], "NetworkPolicy")["spec"] == sidecar["spec"]
    central = only(build(kustomize, folder / "network-policy" / "central"), "NetworkPolicy")["spec"]
    ours = only(load(render(helm, "--set=networkPolicy.enabled=true")), "NetworkPolicy")["spec"]
    assert ours | {"podSelector": None} == central | {"podSelector": None}


def test_kustomize_gives_the_same_sidecar(
    helm: Path, kustomize: Path, config: Path, tmp_path: Path
) -> None:
    """An application's chart that calls the template gets the component's container and volume."""
    [made] = render_example(helm, tmp_path)
    plain = copy.deepcopy(made)
    del plain["spec"]["template"]["metadata"]["labels"]["mtls-probe"]
    ours = pod(plain).pop("initContainers")
    pod(plain)["volumes"].pop()
    example = readme_example(config, "convention")
    [patched] = build(kustomize, overlay(tmp_path, config, example, [plain]))

    assert ours == pod(patched)["initContainers"]
    assert made["spec"]["template"]["metadata"] == patched["spec"]["template"]["metadata"]
    by_name = [{each["name"]: each for each in pod(one)["volumes"]} for one in (made, patched)]
    assert by_name[0] == by_name[1]
    for version in KUBERNETES:
        assert invalid([made], version) == []


def test_the_sidecar_has_settings(helm: Path, tmp_path: Path) -> None:
    """Whose verdict, which variables and which volume are values of the application's chart."""
    settings = {
        "image": {"tag": "0.2", "pullPolicy": "Always"},
        "sidecar": {
            "envFrom": [],
            "env": [{"name": "MTLS_PROBE_EXPORTER", "value": "java-okhttp"}],
            "volumeMounts": [{"name": "client", "mountPath": "/var/run/tls", "readOnly": True}],
        },
    }
    file = tmp_path / "values.json"
    file.write_text(json.dumps({"mtls-probe": settings}), encoding="utf-8")
    ours = container(render_example(helm, tmp_path, f"--values={file}")[0])
    assert (ours["image"], ours["imagePullPolicy"]) == ("ghcr.io/example/mtls-probe:0.2", "Always")
    assert "envFrom" not in ours
    assert ours["env"][-1] == {"name": "MTLS_PROBE_EXPORTER", "value": "java-okhttp"}
    assert [each["name"] for each in ours["volumeMounts"]] == ["client", "mtls-probe-no-token"]


def test_any_secrets_and_config_maps_can_be_mounted(helm: Path) -> None:
    """With equal names, with dots, and one of them twice: the volumes differ all the same."""
    settings = (
        "secrets[0].secretName=gateway.example.com,secrets[0].mountPath=/a",
        "secrets[1].secretName=gateway.example.com,secrets[1].mountPath=/b",
        "configMaps[0].name=gateway.example.com,configMaps[0].mountPath=/c",
    )
    spec = pod(workload_of(load(render(helm, *(f"--set={each}" for each in settings)))))
    assert [each["name"] for each in spec["volumes"]] == [
        "config", "secret-0", "secret-1", "configmap-0",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("colour=red", "additional properties 'colour' not allowed"),
        ("podMonitor.enable=true", "additional properties 'enable' not allowed"),
        ("mode=agent", "/mode"),
        ("shards=0", "/shards"),
        ("image.repository=ghcr.io/example/mtls-probe:0.1", "/image/repository"),
        ("image.digest=latest", "/image/digest"),
        ("configuration.sources={}", "additional properties 'sources' not allowed"),
        ("configuration.defaults.intervall=30s", "additional properties 'intervall' not allowed"),
        ("configuration.defaults.interval=often", "/configuration/defaults/interval"),
        ("configuration.target={}", "additional properties 'target' not allowed"),
        ("extraSources[0].file=a", "additional properties 'file' not allowed"),
        ("targets[0]=collector:4317", "/targets/0"),
        ("targets[0].target=collector:4317", "additional properties 'target' not allowed"),
        ("secrets[0].secretName=otel-tls", "missing property 'mountPath'"),
        ("secrets[0].secretName=Otel_TLS,secrets[0].mountPath=/etc/otel", "/secrets/0/secretName"),
        ("configMaps[0].name=a,configMaps[0].mountPath=etc", "/configMaps/0/mountPath"),
        ("resources.limits.memory[0]=1Gi", "/resources/limits/memory"),
        ("resources.limit.memory=1Gi", "additional properties 'limit' not allowed"),
        ("podMonitor.interval=often", "/podMonitor/interval"),
        ("networkPolicy.ports[0]=70000", "/networkPolicy/ports/0"),
        ("sidecar.env[0].key=a", "additional properties 'key' not allowed"),
        ("podMonitor.enabled=true,serviceMonitor.enabled=true", "scraped twice"),
        ("mode=sidecar,serviceMonitor.enabled=true", "enable podMonitor instead"),
    ],
)
def test_wrong_values_are_refused(helm: Path, setting: str, said: str) -> None:
    """Nothing that is misspelt, misplaced or of the wrong type is passed over."""
    with pytest.raises(HelmError) as refused:
        render(helm, f"--set={setting}")
    assert said in str(refused.value)


def test_the_printed_commands_work(helm: Path, config: Path, tmp_path: Path) -> None:
    """Each of the README renders, with the values that the README shows."""
    readme = read(CHART / "README.md")
    [values] = re.findall(r"```yaml\n# values\.yaml\n(.*?)```", readme, re.DOTALL)
    (tmp_path / "values.yaml").write_text(values, encoding="utf-8")
    (tmp_path / "config").symlink_to(config)
    (tmp_path / "rules.yml").symlink_to(config / "prometheus" / "rules" / "mtls-probe.yml")
    commands = re.findall(r"^helm (?:install|upgrade) (.*)$", readme, re.MULTILINE)
    assert len(commands) == 3
    of_a_cluster = {"--create-namespace", "--reuse-values"}
    for command in commands:
        options = [each for each in command.split() if each not in of_a_cluster]
        made = run_helm(helm, "template", "--kube-version=1.29", *options, where=tmp_path)
        assert workload_of(load(made))["metadata"]["namespace"] == "otel"


def test_the_versions_are_one(config: Path) -> None:
    """Chart and kustomize name the same image."""
    [chart] = load(read(CHART / "Chart.yaml"))
    [component] = load(read(config / "kubernetes" / "image" / "kustomization.yaml"))
    [values] = load(read(CHART / "values.yaml"))
    [image] = component["images"]
    assert (image["newName"], image["newTag"]) == (
        values["image"]["repository"],
        chart["appVersion"],
    )


def test_the_package_is_complete_without_the_repository(helm: Path, tmp_path: Path) -> None:
    """`helm package` puts rules and dashboards in; what it makes renders the same."""
    run_helm(helm, "package", CHART, "--destination", tmp_path)
    [package] = tmp_path.iterdir()
    values = f"--values={VALUES['operator']}"
    assert render(helm, values, chart=package) == render(helm, values)
