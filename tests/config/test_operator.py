"""The Prometheus operator takes what config/kubernetes has for it, and its names fit the pods'."""

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
    """Return what the operator's own types say against `value`; empty where nothing."""
    ended = subprocess.run(
        [operator_types], input=json.dumps(value), capture_output=True, text=True, check=False
    )
    assert (ended.returncode == 0) == (ended.stderr == "")
    return ended.stderr


def test_the_operators_types_know_every_key(
    operator_types: Path, objects: Mapping[str, Object]
) -> None:
    """PodMonitor, PrometheusRule and Probe read into the operator's types, nothing left over."""
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
    """The selector finds sidecar, central and sharded, and the port is called as theirs."""
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
    """The operator labels what it scrapes with `endpoint`, and so does mtls_probe_target_info."""
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
    """Who runs Prometheus with the operator gets the same alerts as who runs it without."""
    [rules] = load((config / "prometheus" / "rules" / "mtls-probe.yml").read_text(encoding="utf-8"))
    assert objects["PrometheusRule"]["spec"] == rules


def test_the_rules_are_valid(
    program: Callable[[str], str], objects: Mapping[str, Object], tmp_path: Path
) -> None:
    """They pass promtool, every lint included."""
    rules = tmp_path / "rules.yml"
    dump(objects["PrometheusRule"]["spec"], rules)
    command = [program("promtool"), "check", "rules", "--lint=all", "--lint-fatal", str(rules)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
