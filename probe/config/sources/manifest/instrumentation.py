"""What the OpenTelemetry Operator injects into the pods of others: an SDK and its settings.

Pure. Follows internal/instrumentation of the operator (podmutator, annotation, sdk, exporter and the
languages): which Instrumentation an annotation chooses, which containers get it, and which variables
and volumes it adds. A variable that the container sets itself is never replaced.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from probe.config.sources.manifest.objects import KubernetesObject, Node, Objects
from probe.config.sources.manifest.operator import choose_object
from probe.config.sources.manifest.pods import ContainerSpec, Pod

PREFIX: Final = "instrumentation.opentelemetry.io/"
_AGENT: Final = "opentelemetry-auto-instrumentation"
_EVERYWHERE: Final = f"{PREFIX}container-names"


@dataclass(frozen=True, slots=True)
class _Language:
    """One language, by the names that annotations and the specification have for it."""

    name: str
    key: str
    """The key of the specification; empty for the SDK's variables alone."""
    containers: str
    """The annotation that names containers."""
    defaults: tuple[tuple[str, str], ...] = ()
    """Variables that are set where nothing else sets them, before those of the exporter."""


_OTLP: Final = tuple(
    (f"OTEL_{signal}_EXPORTER", "otlp") for signal in ("TRACES", "METRICS", "LOGS")
)
LANGUAGES: Final = (
    _Language("java", "java", "java-container-names"),
    _Language("nodejs", "nodejs", "nodejs-container-names"),
    _Language(
        "python",
        "python",
        "python-container-names",
        (("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), *_OTLP),
    ),
    _Language("dotnet", "dotnet", "dotnet-container-names"),
    _Language("go", "go", "go-container-names"),
    _Language("apache-httpd", "apacheHttpd", "apache-httpd-container-names"),
    _Language("nginx", "nginx", "inject-nginx-container-names"),
    _Language("sdk", "", "sdk-container-names"),
)
WEB_SERVERS: Final = frozenset({"apache-httpd", "nginx"})
"""Modules of web servers, which read a file of their own and no variables."""


def find_annotation(name: str, pod: Mapping[str, str], namespace: Mapping[str, str]) -> str:
    """Return what the annotations of pod and namespace say together.

    A pod's `true` is the least definite: a namespace that names one decides then.
    """
    own, general = pod.get(name, ""), namespace.get(name, "")
    if not general or not own:
        return own or general
    if own.lower() != "true" or general.lower() == "false":
        return own
    return general


@dataclass(frozen=True, slots=True)
class Injection:
    """A pod as the webhook makes it."""

    pod: Pod
    problems: tuple[str, ...] = ()
    """Why nothing is injected, though it is asked for."""
    unknown: frozenset[str] = frozenset()
    """The containers that it is asked for: what they would have is then not known."""


def inject(pod: Pod, namespace: Mapping[str, str], objects: Objects) -> Injection:
    """Return `pod` as the operator's webhook makes it.

    Args:
        pod: The pod, with its sidecar.
        namespace: The annotations of its namespace.
        objects: The objects of the manifest.
    """
    if not pod.containers:
        return Injection(pod)
    if _is_injected(pod):
        return Injection(_recognise_injected(pod))
    wanted: list[tuple[_Language, KubernetesObject]] = []
    problems: list[str] = []
    unknown: set[str] = set()
    for language in LANGUAGES:
        asked = find_annotation(f"{PREFIX}inject-{language.name}", pod.annotations, namespace)
        if asked.lower() in {"", "false"}:
            continue
        found, why = choose_object("Instrumentation", asked, pod.namespace, objects)
        if found is None:
            problems.append(f"its annotation asks for an SDK of {language.name}, but {why}")
            unknown |= set(_name_containers(pod, language, namespace))
        else:
            wanted.append((language, found))
            unknown |= set(_name_containers(pod, language, namespace))
    if problems:
        # The webhook bails out where any of them cannot be chosen.
        return Injection(pod, tuple(problems), frozenset(unknown))
    for language, found in wanted:
        pod = _inject_language(pod, language, found, _name_containers(pod, language, namespace))
    return Injection(pod)


def _name_containers(pod: Pod, language: _Language, namespace: Mapping[str, str]) -> list[str]:
    everywhere = find_annotation(_EVERYWHERE, pod.annotations, namespace)
    own = find_annotation(f"{PREFIX}{language.containers}", pod.annotations, namespace)
    names = [name for name in (own or everywhere).split(",") if name]
    return names or [pod.containers[0].name]


def _is_injected(pod: Pod) -> bool:
    return any(one.name.startswith(_AGENT) for one in pod.list_running())


def _recognise_injected(pod: Pod) -> Pod:
    """Return `pod`, which the webhook has changed, with the languages that its volumes show."""
    images = {one.name: one.image for one in pod.init_containers}

    def recognise(one: ContainerSpec) -> ContainerSpec:
        if one.name == _AGENT:
            return replace(one, language="go", agent_image=one.image)
        for mount in one.mounts:
            agent = mount["name"].text
            language = agent.removeprefix(f"{_AGENT}-")
            if language != agent and any(language == each.name for each in LANGUAGES):
                return replace(one, language=language, agent_image=images.get(agent, ""))
        return one

    return replace(pod, containers=tuple(map(recognise, pod.containers)))


def _inject_language(
    pod: Pod, language: _Language, found: KubernetesObject, names: list[str]
) -> Pod:
    spec = found.node["spec"]
    own = spec[language.key] if language.key else spec.make({})
    volumes = {**pod.volumes, **dict(_list_volumes(spec))}
    if language.name == "go":
        agent = ContainerSpec(name=_AGENT, image=own["image"].text)
        agent = _add_settings(agent, language, spec, own)
        return replace(pod, containers=(*pod.containers, agent), volumes=volumes)

    def change(one: ContainerSpec) -> ContainerSpec:
        return _add_settings(one, language, spec, own) if one.name in names else one

    return replace(
        pod,
        containers=tuple(map(change, pod.containers)),
        init_containers=tuple(map(change, pod.init_containers)),
        volumes=volumes,
    )


def _add_settings(one: ContainerSpec, language: _Language, spec: Node, own: Node) -> ContainerSpec:
    one = replace(one, language=language.name, agent_image=own["image"].text)
    one = one.add_env(own["env"].items())
    # Those of the pod's addresses stand first, so that others can refer to them.
    first = tuple(
        spec.make({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}})
        for name, path in (("OTEL_NODE_IP", "status.hostIP"), ("OTEL_POD_IP", "status.podIP"))
    )
    held = {entry["name"].value for entry in one.env}
    one = replace(one, env=(*(each for each in first if each["name"].value not in held), *one.env))
    one = one.add_env(spec["env"].items())
    one = one.add_env(
        tuple(spec.make({"name": name, "value": value}) for name, value in language.defaults)
    )
    one = one.add_env(tuple(_list_exporter_settings(spec)))
    mounts = tuple(
        spec.make({"name": name, "mountPath": path}) for name, path, _ in _list_places(spec)
    )
    mounted = {mount["name"].value for mount in one.mounts}
    return replace(
        one, mounts=(*one.mounts, *(each for each in mounts if each["name"].value not in mounted))
    )


def _list_places(spec: Node) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Yield name, mount path and source of the volumes that hold the exporter's files."""
    tls = spec["exporter"]["tls"]
    if secret := tls["secretName"].text:
        path = f"/otel-auto-instrumentation-secret-{secret}"
        yield f"otel-auto-secret-{secret}"[:63], path, {"secret": {"secretName": secret}}
    if configmap := tls["configMapName"].text:
        path = f"/otel-auto-instrumentation-configmap-{configmap}"
        yield f"otel-auto-configmap-{configmap}"[:63], path, {"configMap": {"name": configmap}}


def _list_volumes(spec: Node) -> Iterator[tuple[str, Node]]:
    for name, _, source in _list_places(spec):
        yield name, spec["exporter"]["tls"].make({"name": name, **source})


def _list_exporter_settings(spec: Node) -> Iterator[Node]:
    exporter = spec["exporter"]
    tls = exporter["tls"]
    if endpoint := exporter["endpoint"].text:
        yield exporter["endpoint"].make({"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": endpoint})
    secret = f"/otel-auto-instrumentation-secret-{tls['secretName'].text}"
    configmap = tls["configMapName"].text
    for key, variable in (
        ("ca_file", "OTEL_EXPORTER_OTLP_CERTIFICATE"),
        ("cert_file", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"),
        ("key_file", "OTEL_EXPORTER_OTLP_CLIENT_KEY"),
    ):
        if name := tls[key].text:
            base = secret
            if key == "ca_file" and configmap:
                base = f"/otel-auto-instrumentation-configmap-{configmap}"
            path = name if posixpath.isabs(name) else f"{base}/{name}"
            yield tls[key].make({"name": variable, "value": path})


_MAJOR: Final = re.compile(r":v?([0-9]+)\.")


def speaks_grpc_by_default(language: str, agent_image: str) -> bool:
    """Return whether an injected SDK sends gRPC where no variable says a protocol.

    The Java agent did before version 2; every other SDK that the operator injects sends
    http/protobuf.
    """
    found = _MAJOR.search(agent_image)
    return language == "java" and found is not None and found[1] in {"0", "1"}
