"""The recipes of config/kubernetes/README.md: other workloads, the operator, meshes, one look."""

import json
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.config.manifests import (
    VERSIONS,
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
from tests.config.test_kubernetes_sidecar import APPLICATION, with_kind

ROLLOUT = "argoproj.io/v1alpha1"
POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "checkout", "namespace": "default"},
    "spec": {"containers": [{"name": "checkout", "image": "checkout:1"}]},
    "status": {"phase": "Running"},
}
RESOURCES = {
    "kind": "APIResourceList",
    "groupVersion": "v1",
    "resources": [
        {"name": "pods", "singularName": "pod", "namespaced": True, "kind": "Pod", "verbs": ["get"]},
        {"name": "pods/ephemeralcontainers", "singularName": "", "namespaced": True, "kind": "Pod",
         "verbs": ["patch"]},
    ],
}  # fmt: skip


def rollout(**spec: Any) -> Object:
    """Return the application as an Argo Rollout."""
    made = with_kind("Rollout")
    made["apiVersion"] = ROLLOUT
    made["spec"] |= {"strategy": {"canary": {"steps": [{"setWeight": 20}]}}, **spec}
    return made


def job() -> Object:
    """Return the application as a Job."""
    made = with_kind("Job")
    made["apiVersion"] = "batch/v1"
    del made["spec"]["selector"]
    pod(made)["restartPolicy"] = "Never"
    return made


def with_sidecar(
    kustomize: Path, config: Path, folder: Path, example: str, *workloads: Object
) -> list[Object]:
    """Build an example of README.md with these workloads."""
    return build(kustomize, overlay(folder, config, readme_example(config, example), workloads))


def test_a_job_ends_with_its_own_containers(kustomize: Path, config: Path, tmp_path: Path) -> None:
    """Kubernetes stops a native sidecar, and does not wait for it; the pod's policy stays."""
    [after] = with_sidecar(kustomize, config, tmp_path, "convention", job())
    assert container(after)["restartPolicy"] == "Always"
    assert container(after) in pod(after)["initContainers"]
    assert pod(after)["restartPolicy"] == "Never"
    assert pod(after)["containers"] == pod(APPLICATION)["containers"]
    for version in VERSIONS:
        assert invalid([after], version) == []


def test_a_cronjob_has_it_in_its_jobs(kustomize: Path, config: Path, tmp_path: Path) -> None:
    """The same container in the deeper template."""
    cron: Object = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "nightly"},
        "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": job()["spec"]}},
    }
    objects = with_sidecar(kustomize, config, tmp_path, "convention", cron, job())
    after = only(objects, "CronJob")["spec"]["jobTemplate"]
    assert container(after) == container(only(objects, "Job"))
    assert container(after, "migrate") == container(APPLICATION, "migrate")
    assert after["spec"]["template"]["metadata"]["labels"]["mtls-probe"] == "sidecar"
    for version in VERSIONS:
        assert invalid(objects, version) == []


def test_a_rollout_keeps_what_it_has(kustomize: Path, config: Path, tmp_path: Path) -> None:
    """Its containers and volumes stay, and it gets what the workloads next to it get."""
    workloads = (rollout(), with_kind("Deployment"), with_kind("StatefulSet"))
    objects = with_sidecar(kustomize, config, tmp_path, "convention", *workloads)
    expected = container(only(objects, "Deployment"))
    assert {each["kind"] for each in objects} == {"Rollout", "Deployment", "StatefulSet"}
    for each in objects:
        assert container(each) == expected
        assert container(each, "migrate") == container(APPLICATION, "migrate")
        assert pod(each)["containers"] == pod(APPLICATION)["containers"]
        kept = [one for one in pod(each)["volumes"] if one["name"] != "mtls-probe-no-token"]
        assert kept == pod(APPLICATION)["volumes"]
    labels = only(objects, "Rollout")["spec"]["template"]["metadata"]["labels"]
    assert labels == {"app": "checkout", "mtls-probe": "sidecar"}
    assert only(objects, "Rollout")["spec"]["strategy"] == rollout()["spec"]["strategy"]


def test_nothing_is_left_of_the_pattern(kustomize: Path, config: Path, tmp_path: Path) -> None:
    """The Deployment that is copied from is removed, so that two bases can have the component."""
    first = overlay(tmp_path, config, readme_example(config, "convention"), [APPLICATION])
    second, both = first.with_name("second"), first.with_name("both")
    shutil.copytree(first, second)
    dump({"resources": ["deployment.yaml"], "components": ["../sidecar"], "nameSuffix": "-b"},
         second / "kustomization.yaml")  # fmt: skip
    both.mkdir()
    dump({"resources": ["../overlay", "../second"]}, both / "kustomization.yaml")
    objects = build(kustomize, both)
    assert [each["metadata"]["name"] for each in objects] == ["checkout", "checkout-b"]


def test_a_rollout_that_refers_to_a_deployment_has_no_template(
    kustomize: Path, config: Path, tmp_path: Path
) -> None:
    """README.md: with the label `mtls-probe: none` it stays as it is, and its Deployment does not."""
    referring = rollout(workloadRef={"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"})
    del referring["spec"]["template"]
    referring["metadata"]["labels"] = {"mtls-probe": "none"}
    workloads = (referring, with_kind("Deployment"))
    objects = with_sidecar(kustomize, config, tmp_path, "convention", *workloads)
    assert only(objects, "Rollout") == referring
    assert container(only(objects, "Deployment"))["restartPolicy"] == "Always"


def test_the_operator_injects_into_the_probe_too(
    kustomize: Path, config: Path, tmp_path: Path
) -> None:
    """Each container has one kind of injection; the component's own mount is gone."""
    objects = with_sidecar(kustomize, config, tmp_path, "operator", with_kind("Deployment"))
    after = only(objects, "Deployment")
    prefix = "instrumentation.opentelemetry.io/"
    assert after["spec"]["template"]["metadata"]["annotations"] == {
        f"{prefix}inject-java": "true",
        f"{prefix}java-container-names": "checkout",
        f"{prefix}inject-sdk": "true",
        f"{prefix}sdk-container-names": container(after)["name"],
    }
    assert [each["name"] for each in container(after)["volumeMounts"]] == ["mtls-probe-no-token"]
    assert {"name": "MTLS_PROBE_EXPORTER", "value": "java-okhttp"} in container(after)["env"]
    # The operator takes a pod for injected where a container has this variable.
    assert "OTEL_RESOURCE_ATTRIBUTES_NODE_NAME" not in json.dumps(after)
    assert invalid(objects, VERSIONS[0]) == []


def test_a_mesh_leaves_the_probes_port_alone(kustomize: Path, config: Path, tmp_path: Path) -> None:
    """The annotations have the container's port; what the exporter reaches is not changed."""
    objects = with_sidecar(kustomize, config, tmp_path, "mesh", with_kind("Deployment"))
    after = only(objects, "Deployment")
    [port] = container(after)["ports"]
    assert after["spec"]["template"]["metadata"]["annotations"] == {
        "traffic.sidecar.istio.io/excludeInboundPorts": str(port["containerPort"]),
        "config.linkerd.io/skip-inbound-ports": str(port["containerPort"]),
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_a_volume_of_csi_driver_spiffe_is_shared(
    kustomize: Path, config: Path, tmp_path: Path, version: str
) -> None:
    """The probe mounts the driver's volume in place of the Secret's, and may read its key."""
    workload = with_kind("Deployment")
    objects = with_sidecar(kustomize, config, tmp_path, "csi-driver-spiffe", workload)
    after = only(objects, "Deployment")
    mounts = {each["name"]: each for each in container(after)["volumeMounts"]}
    assert mounts.keys() == {"spiffe", "mtls-probe-no-token"}
    [volume] = [each for each in pod(after)["volumes"] if each["name"] == "spiffe"]
    assert volume["csi"] == {"driver": "spiffe.csi.cert-manager.io", "readOnly": True}
    assert pod(after)["securityContext"]["fsGroup"] == 65532
    assert invalid(objects, version) == []


class ApiServer(BaseHTTPRequestHandler):
    """As much of Kubernetes as `kubectl debug` asks for: one pod, and its change."""

    patches: ClassVar[list[Object]] = []

    def log_message(self, *_: object) -> None:  # type: ignore[override]
        """Print nothing."""

    def do_GET(self) -> None:
        """Answer with what is discovered, or with the pod."""
        answers: dict[str, Object] = {
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/apis": {"kind": "APIGroupList", "groups": []},
            "/api/v1": RESOURCES,
            "/api/v1/namespaces/default/pods/checkout": POD,
        }
        self.answer(answers.get(self.path.partition("?")[0]))

    def do_PATCH(self) -> None:
        """Keep the change of the pod."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.patches.append(json.loads(body))
        self.answer(POD)

    def answer(self, value: Object | None) -> None:
        """Send `value` as JSON, or say that nothing is there."""
        body = json.dumps(value or {"kind": "Status", "status": "Failure", "code": 404}).encode()
        self.send_response(200 if value else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def api_server() -> Iterator[str]:
    """The address of an API server on loopback."""
    ApiServer.patches.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), ApiServer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def debug(kubectl: str, config: Path, server: str, *changes: tuple[str, str]) -> Object:
    """Run README.md's command, with changes; return the container that it adds to the pod."""
    readme = (config / "kubernetes" / "README.md").read_text(encoding="utf-8")
    [printed] = re.findall(r"^kubectl debug .*$", readme, re.MULTILINE)
    # Nothing is attached to: the server has no containers.
    for old, new in ((" -it ", " "), *changes):
        assert old in printed
        printed = printed.replace(old, new)
    command = [kubectl, f"--server={server}", *shlex.split(printed)[1:]]
    ended = subprocess.run(
        command, cwd=config.parent, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    [added] = ApiServer.patches.pop()["spec"]["ephemeralContainers"]
    assert isinstance(added, dict)
    return added


def test_a_look_into_a_running_pod(
    program: Callable[[str], str], config: Path, api_server: str
) -> None:
    """README.md: kubectl's debug container runs the probe's command, with the rights it needs."""
    added = debug(program("kubectl"), config, api_server)
    assert added["targetContainerName"] == "checkout"
    assert added["command"] == ["mtls-probe", "check", "--pid", "1"]
    assert added["securityContext"] == {
        "runAsUser": 0,
        "runAsNonRoot": False,
        "capabilities": {"add": ["SYS_PTRACE"]},
    }


def test_a_look_where_the_restricted_standard_is_enforced(
    program: Callable[[str], str], config: Path, api_server: str, tmp_path: Path
) -> None:
    """README.md: kubectl's own profile, and the exporter's user alone in the file."""
    file = tmp_path / "debug.json"
    dump({"securityContext": {"runAsUser": 1000}}, file)
    changes = (
        ("--profile=general", "--profile=restricted"),
        ("config/kubernetes/debug.json", str(file)),
    )
    added = debug(program("kubectl"), config, api_server, *changes)
    assert added["securityContext"] == {
        "runAsUser": 1000,
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
