"""What the OpenTelemetry Operator makes of its objects: Collectors, and sidecars in other pods.

Pure. Follows internal/manifests/collector (volumes, container, arguments) and pkg/sidecar of the
operator: an OpenTelemetryCollector becomes the pod that the operator would make.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from probe.config.sources.manifest.objects import KubernetesObject, Objects
from probe.config.sources.manifest.pods import ContainerSpec, Pod, Volume, list_volumes, make_pod
from probe.config.sources.manifest.written_config import CONFIG_VOLUME, write_config

COLLECTOR_CONTAINER: Final = "otc-container"
SIDECAR: Final = "sidecar.opentelemetry.io/inject"
_CONFIG: Final = "/conf/collector.yaml"


def list_collectors(objects: Objects) -> Iterator[Pod]:
    """Yield the pod of each OpenTelemetryCollector that makes one; sidecars have none of their own."""
    for one in objects.list("OpenTelemetryCollector"):
        if not _is_sidecar(one):
            yield _make_collector(one)


def _make_collector(one: KubernetesObject) -> Pod:
    spec = one.node["spec"]
    pod = make_pod(one.title, one, spec.make({}), spec)
    annotations = spec["podAnnotations"].texts() or one.node["metadata"]["annotations"].texts()
    container, volumes = make_collector_container(one)
    return replace(
        pod,
        annotations=annotations,
        security=spec["podSecurityContext"],
        volumes=volumes,
        containers=(container, *map(ContainerSpec.of, spec["additionalContainers"].items())),
    )


def make_collector_container(one: KubernetesObject) -> tuple[ContainerSpec, dict[str, Volume]]:
    """Return the container of a Collector, and the volumes of its pod."""
    spec = one.node["spec"]
    arguments = {key: node for key, node in spec["args"].entries() if key != "config"}
    mounts = [
        spec.make({"name": CONFIG_VOLUME, "mountPath": "/conf"}),
        *spec["volumeMounts"].items(),
    ]
    volumes: dict[str, Volume] = {
        **list_volumes(spec["volumes"].items(), spec["volumeClaimTemplates"]),
        CONFIG_VOLUME: write_config(spec["config"], "collector.yaml", f"{one.title}, spec.config"),
    }
    for extra in spec["configmaps"].items():
        name = extra["name"].text
        held = f"configmap-{name}"
        place = f"/var/conf/{extra['mountpath'].text.strip('/')}/{held}".replace("//", "/")
        mounts.append(extra.make({"name": held, "mountPath": place}))
        volumes[held] = extra.make({"name": held, "configMap": {"name": name}})
    own = spec.make({"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}})
    container = ContainerSpec(
        name=COLLECTOR_CONTAINER,
        image=spec["image"].text or "opentelemetry-collector",
        args=(
            spec.make(f"--config={_CONFIG}"),
            *(spec.make(f"--{key}={arguments[key].text}") for key in sorted(arguments)),
        ),
        env=(*spec["env"].items(), own),
        env_from=spec["envFrom"].items(),
        mounts=tuple(mounts),
        security=spec["securityContext"],
    )
    return container, volumes


def add_sidecar(pod: Pod, asked: str, objects: Objects) -> tuple[Pod, str]:
    """Return `pod` with the sidecar that its annotation asks for, or why it has none.

    Args:
        pod: The pod.
        asked: What the annotations of pod and namespace say together.
        objects: The objects of the manifest.
    """
    if asked.lower() in {"", "false"} or any(
        one.name == COLLECTOR_CONTAINER for one in pod.list_running()
    ):
        return pod, ""
    found, why = choose_object(
        "OpenTelemetryCollector",
        asked,
        pod.namespace,
        objects,
        _is_sidecar,
        "whose mode is sidecar",
    )
    if found is None:
        return pod, why
    container, volumes = make_collector_container(found)
    return replace(
        pod, containers=(*pod.containers, container), volumes={**pod.volumes, **volumes}
    ), ""


def _is_sidecar(one: KubernetesObject) -> bool:
    return bool(one.node["spec"]["mode"].value == "sidecar")


def choose_object(
    kind: str,
    asked: str,
    namespace: str,
    objects: Objects,
    fits: Callable[[KubernetesObject], bool] | None = None,
    which: str = "",
) -> tuple[KubernetesObject | None, str]:
    """Return the object of `kind` that an annotation means, or why the operator injects nothing.

    `true` is the only one of the namespace, `name` one in it, `namespace/name` one of another.
    """
    within = f" in namespace {namespace}" if namespace else ""
    if asked.lower() == "true":
        found = [one for one in objects.within(kind, namespace) if fits is None or fits(one)]
        if len(found) == 1:
            return found[0], ""
        if found:
            names = ", ".join(sorted(one.name for one in found))
            return (
                None,
                f"there are several of {kind}{within} ({names}), and the operator chooses none",
            )
        what = f"no {kind}{f' {which}' if which else ''}{within} is in the manifest"
        return None, f"{what}: add it with: {_get(kind, namespace, '')}"
    where, slash, name = asked.partition("/")
    where, name = (where, name) if slash else (namespace, asked)
    one = objects.find(kind, where, name)
    if one is None:
        shown = f"{where}/{name}" if where else name
        return (
            None,
            f"{kind} {shown} is not in the manifest: add it with: {_get(kind, where, name)}",
        )
    if fits is not None and not fits(one):
        return None, f"{one.title} is not one {which}"
    return one, ""


def _get(kind: str, namespace: str, name: str) -> str:
    plural = f"{kind.lower()}s"
    parts = ("kubectl get", plural, name, f"-n {namespace}" if namespace else "", "-o yaml")
    return " ".join(part for part in parts if part)
