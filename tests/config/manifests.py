"""Builds kustomizations and validates their objects, for the tests of config/kubernetes."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
from ruamel.yaml import YAML

Object = dict[str, Any]
OPERATOR: Final = "monitoring.coreos.com/v1"
WORKLOADS: Final = {"central": "Deployment", "sharded": "StatefulSet", "example": "Deployment"}
"""The folders of config/kubernetes that have a workload, and its kind."""
VERSIONS: Final = ("1.29", "1.32", kubernetes_validate.latest_version())
"""Native sidecars are on by default from 1.29, a pod's index is a stable label from 1.32."""


def load(text: str) -> list[Any]:
    """Return the documents of a YAML text."""
    return [each for each in YAML(typ="safe").load_all(text) if each is not None]


def dump(value: object, path: Path) -> None:
    """Write `value` as YAML, of which JSON is a part."""
    path.write_text(json.dumps(value), encoding="utf-8")


def build(kustomize: Path, folder: Path) -> list[Object]:
    """Return the objects of the kustomization in `folder`.

    Raises:
        AssertionError: with the output of kustomize, where it fails or warns.
    """
    ended = subprocess.run(
        [kustomize, "build", folder], capture_output=True, text=True, check=False, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return load(ended.stdout)


def overlay(folder: Path, config: Path, kustomization: Object, resources: Iterable[Object]) -> Path:
    """Make a kustomization next to a copy of config/kubernetes, as in README.md; return it."""
    shutil.copytree(config / "kubernetes", folder / "kubernetes")
    made = folder / "kubernetes" / "overlay"
    made.mkdir()
    dump(kustomization, made / "kustomization.yaml")
    text = "---\n".join(json.dumps(each) + "\n" for each in resources)
    (made / "deployment.yaml").write_text(text, encoding="utf-8")
    return made


def invalid(objects: Iterable[Object], version: str) -> list[str]:
    """Return what Kubernetes `version` would refuse, unknown keys included."""
    faults = []
    for each in objects:
        try:
            kubernetes_validate.validate(each, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            faults.append(f"{each['kind']}: {error.json_path}: {error.message}")
    return faults


def only(objects: Iterable[Object], kind: str) -> Object:
    """Return the one object of `kind`."""
    [found] = [each for each in objects if each["kind"] == kind]
    return found


def pod(workload: Object) -> Object:
    """Return the pod's spec of a workload."""
    spec: Object = workload["spec"]["template"]["spec"]
    return spec


def container(workload: Object, name: str = "mtls-probe") -> Object:
    """Return the container or init container called `name`."""
    spec = pod(workload)
    [found] = [
        each for each in spec["containers"] + spec.get("initContainers", []) if each["name"] == name
    ]
    assert isinstance(found, dict)
    return found


def readme_example(config: Path, name: str) -> Any:
    """Return the YAML of README.md whose first line is `# name`."""
    text = (config / "kubernetes" / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"```yaml\n# {re.escape(name)}\n(.*?)```", text, re.DOTALL)
    assert found, f"README.md has no example {name}"
    [value] = load(found[1])
    return value
