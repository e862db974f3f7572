"""The pods that the objects of a manifest make, each once: workloads by the shape of their template.

Pure. A Deployment, its ReplicaSet and its pods are one: what another object of the manifest controls
is left out. Kinds need no list: whatever has `spec.template.spec.containers` makes such pods.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Any, Final, Self

from probe.config.sources.manifest.container_variables import NOTHING_KNOWN, PodFields
from probe.config.sources.manifest.objects import KubernetesObject, Node, Objects, make_title
from probe.config.sources.manifest.stored_data import StoredData

Volume = Node | StoredData
"""As the pod has it, or with its content."""
MOST_CONTAINERS: Final = 100
"""Of one pod."""
_TEMPLATES: Final = (
    ("spec", "template"),
    ("spec", "jobTemplate", "spec", "template"),
    ("template",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """One container as its pod has it."""

    name: str
    image: str = ""
    command: tuple[Node, ...] = ()
    args: tuple[Node, ...] = ()
    env: tuple[Node, ...] = ()
    env_from: tuple[Node, ...] = ()
    mounts: tuple[Node, ...] = ()
    working_directory: str = ""
    language: str = ""
    """The language whose SDK the operator injects, or empty."""
    agent_image: str = ""
    """The image that the injected SDK comes from."""
    security: Node | None = None
    """Its security context."""

    @classmethod
    def of(cls, node: Node) -> Self:
        """Return the container at `node`."""
        return cls(
            name=node["name"].text,
            image=node["image"].text,
            command=node["command"].items(),
            args=node["args"].items(),
            env=node["env"].items(),
            env_from=node["envFrom"].items(),
            mounts=node["volumeMounts"].items(),
            working_directory=node["workingDir"].text,
            security=node["securityContext"],
        )

    def add_env(self, entries: tuple[Node, ...]) -> Self:
        """Return it with those of `entries` whose names it does not set."""
        names = {one["name"].value for one in self.env}
        added = tuple(one for one in entries if one["name"].value not in names)
        return replace(self, env=(*self.env, *added))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """The pod of one workload, before or after the operator has changed it."""

    title: str
    """The workload's: `Deployment otel/gateway`."""
    namespace: str
    node: Node
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    containers: tuple[ContainerSpec, ...] = ()
    init_containers: tuple[ContainerSpec, ...] = ()
    fields: PodFields = NOTHING_KNOWN
    security: Node | None = None
    """Its security context, which those of its containers stand over."""
    host_aliases: Mapping[str, str] = field(default_factory=dict)
    """By name, the address that the pod's own hosts file has for it."""
    service_account: bool = True
    """Whether the files of a service account are mounted."""
    injected: bool = False
    """Whether the operator's webhook has changed it already."""

    def list_running(self) -> tuple[ContainerSpec, ...]:
        """Return every container that may export: init containers too, native sidecars are some."""
        return (*self.init_containers, *self.containers)


def list_pods(objects: Objects) -> Iterator[Pod]:
    """Yield a pod for each workload that no other object of the manifest controls."""
    owners: set[tuple[str, str, str]] = set()
    for one in objects.list():
        spec = find_pod_spec(one)
        if spec is None:
            continue
        title = one.title
        if (owner := one.owner) is not None:
            kind, name = owner
            if objects.find(kind, one.namespace, name) is not None:
                continue
            if one.kind == "ReplicaSet" and one.node.get("spec", "replicas").number == 0:
                continue
            key = (kind, one.namespace, name)
            if key in owners:
                continue
            owners.add(key)
            title = make_title(kind, one.namespace, name)
        yield make_pod(title, one, *spec)


def find_pod_spec(one: KubernetesObject) -> tuple[Node, Node] | None:
    """Return metadata and spec of the pods that an object makes, or None."""
    if one.kind == "Pod":
        return one.node["metadata"], one.node["spec"]
    for path in _TEMPLATES:
        value: Any = one.node.value
        for key in (*path, "spec", "containers"):
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, list):
            template = one.node.get(*path)
            return template["metadata"], template["spec"]
    return None


def make_pod(title: str, one: KubernetesObject, metadata: Node, spec: Node) -> Pod:
    """Return the pod of a workload."""
    annotations, labels = metadata["annotations"].texts(), metadata["labels"].texts()
    known = {"spec.serviceAccountName": spec["serviceAccountName"].text or "default"}
    if one.namespace:
        known["metadata.namespace"] = one.namespace
    if node_name := spec["nodeName"].text:
        known["spec.nodeName"] = node_name
    if one.kind == "Pod":
        known["metadata.name"] = one.name
        status = one.node["status"]
        for key in ("podIP", "hostIP"):
            if address := status[key].text:
                known[f"status.{key}"] = address
        if uid := metadata["uid"].text:
            known["metadata.uid"] = uid
    automount = spec["automountServiceAccountToken"].value
    return Pod(
        title=title,
        namespace=one.namespace,
        node=spec,
        annotations=annotations,
        labels=labels,
        volumes=list_volumes(spec["volumes"].items(), one.node["spec"]["volumeClaimTemplates"]),
        containers=_read_containers(spec["containers"]),
        init_containers=_read_containers(spec["initContainers"]),
        fields=PodFields(known=known, labels=labels, annotations=annotations),
        security=spec["securityContext"],
        host_aliases=_read_host_aliases(spec["hostAliases"]),
        service_account=automount is not False,
    )


def _read_host_aliases(node: Node) -> dict[str, str]:
    found: dict[str, str] = {}
    for alias in node.items():
        try:
            address = str(ip_address(alias["ip"].text))
        except ValueError:
            continue
        for name in alias["hostnames"].items():
            found.setdefault(name.text.lower(), address)
    return found


def list_volumes(volumes: tuple[Node, ...], claims: Node | None = None) -> dict[str, Volume]:
    """Return the volumes by name, those of a StatefulSet's claim templates included."""
    held: dict[str, Volume] = {one["name"].text: one for one in volumes}
    for claim in claims.items() if claims is not None else ():
        name = claim.get("metadata", "name").text
        held.setdefault(name, claim.make({"name": name, "persistentVolumeClaim": {}}))
    return held


def _read_containers(node: Node) -> tuple[ContainerSpec, ...]:
    items = node.items()
    if len(items) > MOST_CONTAINERS:
        node.errors.add(node.at.error(f"has more than {MOST_CONTAINERS} containers"))
    return tuple(map(ContainerSpec.of, items[:MOST_CONTAINERS]))
