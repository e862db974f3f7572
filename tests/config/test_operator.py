"""The Prometheus operator accepts its objects in config/kubernetes, and their names fit the pods'."""

import copy
import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.config.manifests import Object, build, container, dump, load, only

FOLDERS = ("monitoring", "probe")


@pytest.fixture(scope="session")
def objects(kustomize: Path, config: Path) -> Mapping[str, Object]:
    """Each object for the operator by its kind."""
    built = [each for name in FOLDERS for each in build(kustomize, config / "kubernetes" / name)]
    return {each["kind"]: each for each in built}


def refusal(operator_types: Path, value: Object) -> str:
    """Return the error of the operator's own types for `value`; empty where there is none."""
    ended = subprocess.run(
        [operator_types], input=json.dumps(value), capture_output=True, text=True, check=False
    )
    assert (ended.returncode == 0) == (ended.stderr == "")
    return ended.stderr


def test_the_operators_types_know_every_key(
    operator_types: Path, objects: Mapping[str, Object]
) -> None:
    """PodMonitor, PrometheusRule and Probe load into the operator's types, without unknown keys."""
    assert objects.keys() == {"PodMonitor", "PrometheusRule", "Probe"}
    assert {kind: refusal(operator_types, each) for kind, each in objects.items()} == dict.fromkeys(
        objects, ""
    )


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [("jobLabell", "app", "jobLabell"), ("selector", "all", "selector"), ("interval", "1m", "int")],
)
def test_the_operators_types_see_mistakes(
    operator_types: Path, objects: Mapping[str, Object], key: str, value: str, said: str
) -> None:
    """A misspelt key, a value of the wrong type and a key of another kind are refused."""
    wrong = copy.deepcopy(objects["PodMonitor"])
    wrong["spec"][key] = value
    assert said in refusal(operator_types, wrong)


def test_every_pod_with_a_probe_is_scraped(
    kustomize: Path, config: Path, objects: Mapping[str, Object]
) -> None:
    """The selector finds sidecar, central and sharded, and the port has their port's name."""
    monitor = objects["PodMonitor"]["spec"]
    [expression] = monitor["selector"]["matchExpressions"]
    assert (expression["key"], expression["operator"]) == ("mtls-probe", "In")
    [endpoint] = monitor["podMetricsEndpoints"]
    assert endpoint["path"] == "/metrics"
    values = set()
    for folder, kind in (
        ("central", "Deployment"),
        ("sharded", "StatefulSet"),
        ("example", "Deployment"),
    ):
        workload = only(build(kustomize, config / "kubernetes" / folder), kind)
        values.add(workload["spec"]["template"]["metadata"]["labels"]["mtls-probe"])
        assert endpoint["port"] in {port["name"] for port in container(workload)["ports"]}
    assert values == set(expression["values"])


def test_the_probes_own_endpoint_label_is_kept(objects: Mapping[str, Object]) -> None:
    """The operator adds a label `endpoint`, and mtls_probe_target_info has one too."""
    [endpoint] = objects["PodMonitor"]["spec"]["podMetricsEndpoints"]
    assert endpoint["honorLabels"] is True


def test_probe_asks_the_service_of_central(
    kustomize: Path, config: Path, objects: Mapping[str, Object]
) -> None:
    """The prober's address is a name that exists, and its port is open there."""
    service = only(build(kustomize, config / "kubernetes" / "central"), "Service")
    [port] = service["spec"]["ports"]
    prober = objects["Probe"]["spec"]["prober"]
    assert prober == {"url": f"{service['metadata']['name']}:{port['port']}", "path": "/probe"}


def test_the_rules_are_those_of_prometheus(config: Path, objects: Mapping[str, Object]) -> None:
    """Users of the operator get the same rules as users of Prometheus without it."""
    [rules] = load((config / "prometheus" / "rules" / "mtls-probe.yml").read_text(encoding="utf-8"))
    assert objects["PrometheusRule"]["spec"] == rules


def test_the_rules_are_valid(
    program: Callable[[str], str], objects: Mapping[str, Object], tmp_path: Path
) -> None:
    """They pass promtool with every lint."""
    rules = tmp_path / "rules.yml"
    dump(objects["PrometheusRule"]["spec"], rules)
    command = [program("promtool"), "check", "rules", "--lint=all", "--lint-fatal", str(rules)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
