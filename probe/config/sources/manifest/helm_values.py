"""Helm values that hold the configuration of a Collector become the pods that the chart would make.

Pure. Follows opentelemetry-helm-charts: `opentelemetry-collector` (also as the dependency of another
chart, at whatever key) and `opentelemetry-kube-stack`, whose `collectors` are those of the operator.
Only Helm can render what stands in {{ }}: what it feeds is not known.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from probe.config.errors import ConfigurationError
from probe.config.location import Location
from probe.config.sources.collector.startup import SECTIONS
from probe.config.sources.manifest.container_variables import RENDERED, PodFields
from probe.config.sources.manifest.objects import KubernetesObject, Node
from probe.config.sources.manifest.pods import ContainerSpec, Pod, Volume, list_volumes
from probe.config.sources.manifest.written_config import write_config
from probe.config.yaml_document import Document, Place, parse_yaml
from probe.text.safe_text import safe_text

_DEPTH: Final = 4
"""How many charts may be within each other."""
_TEMPLATE: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_CONFIG_KEYS: Final = ("alternateConfig", "config", "configOverride")

_OTLP: Final[dict[str, Any]] = {
    "protocols": {
        "grpc": {"endpoint": "${env:MY_POD_IP}:4317"},
        "http": {"endpoint": "${env:MY_POD_IP}:4318"},
    }
}
_PIPELINE: Final = {"exporters": ["debug"], "processors": ["memory_limiter", "batch"]}
DEFAULTS: Final[dict[str, Any]] = {
    "exporters": {"debug": {}},
    "extensions": {"health_check": {"endpoint": "${env:MY_POD_IP}:13133"}},
    "processors": {
        "batch": {},
        "memory_limiter": {
            "check_interval": "5s", "limit_percentage": 80, "spike_limit_percentage": 25,
        },
    },
    "receivers": {
        "jaeger": {"protocols": {"grpc": {"endpoint": "${env:MY_POD_IP}:14250"}}},
        "otlp": _OTLP,
        "prometheus": {"config": {"scrape_configs": []}},
        "zipkin": {"endpoint": "${env:MY_POD_IP}:9411"},
    },
    "service": {
        "extensions": ["health_check"],
        "pipelines": {
            "logs": {**_PIPELINE, "receivers": ["otlp"]},
            "metrics": {**_PIPELINE, "receivers": ["otlp", "prometheus"]},
            "traces": {**_PIPELINE, "receivers": ["otlp", "jaeger", "zipkin"]},
        },
    },
}  # fmt: skip
"""What the chart's own values have, over which those of the user merge."""
_OWN_COLLECTORS: Final = ("daemon", "cluster")
"""The collectors that opentelemetry-kube-stack has of its own."""
_STACK: Final[dict[str, Any]] = {
    "exporters": {"debug": {}},
    "processors": {"batch": {}},
    "receivers": {"otlp": _OTLP},
    "service": {
        "pipelines": {
            signal: {"exporters": ["debug"], "processors": ["batch"], "receivers": ["otlp"]}
            for signal in ("logs", "metrics", "traces")
        }
    },
}
"""What those have, in short."""


@dataclass(frozen=True, slots=True)
class Release:
    """Values, and where a chart would be installed with them."""

    values: Node
    title: str = "Helm values"
    namespace: str = ""


def read_values(release: Release) -> tuple[list[Pod], list[KubernetesObject]]:
    """Return the pods and the operator's objects that the charts of a release would make."""
    pods: list[Pod] = []
    objects: list[KubernetesObject] = []
    for path, node in _find_charts(release.values, (), 0):
        if _is_kube_stack(node):
            objects += _read_kube_stack(node, release.namespace)
        elif _holds_config(node):
            pods.append(_make_pod(path, node, release))
    return pods, objects


def find_releases(one: KubernetesObject) -> Iterator[Release]:
    """Yield the values that an object of Flux or Argo CD has, or that HelmChart of k3s has."""
    spec = one.node["spec"]
    if one.kind == "HelmRelease":
        namespace = spec["targetNamespace"].text or one.namespace
        yield Release(spec["values"], one.title, namespace)
    elif one.kind == "HelmChart":
        yield from _parse_values(spec["valuesContent"], one, spec["targetNamespace"].text)
    elif one.kind == "Application" and one.group == "argoproj.io":
        namespace = spec["destination"]["namespace"].text
        for source in (spec["source"], *spec["sources"].items()):
            helm = source["helm"]
            yield Release(helm["valuesObject"], one.title, namespace)
            yield from _parse_values(helm["values"], one, namespace)


def _parse_values(node: Node, one: KubernetesObject, namespace: str) -> Iterator[Release]:
    if isinstance(node.value, str):
        try:
            document = parse_yaml(node.value, f"{one.title}, {node.at.key}")
        except ConfigurationError as error:
            node.errors.add(error)
        else:
            yield Release(
                Node(document.value, Location(document), node.errors), one.title, namespace
            )


def _find_charts(
    node: Node, path: tuple[str, ...], depth: int
) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Yield every mapping that may be the values of a chart, the outermost first."""
    if not isinstance(node.value, dict):
        return
    if _is_kube_stack(node) or _holds_config(node):
        yield path, node
        if _is_kube_stack(node):
            return
    if depth < _DEPTH:
        for key, value in node.value.items():
            if isinstance(value, dict) and key not in _CONFIG_KEYS:
                yield from _find_charts(node[key], (*path, key), depth + 1)


def _is_collector_config(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    return any(isinstance(value.get(key), dict) for key in SECTIONS) and set(value) <= set(SECTIONS)


def _holds_config(node: Node) -> bool:
    return any(_is_collector_config(node.value.get(key)) for key in _CONFIG_KEYS)


def _is_kube_stack(node: Node) -> bool:
    held = node.value.get("collectors")
    return isinstance(held, dict) and any(
        isinstance(one, dict) and _is_collector_config(one.get("config")) for one in held.values()
    )


def _make_pod(path: tuple[str, ...], node: Node, release: Release) -> Pod:
    title = " ".join(filter(None, (release.title, safe_text(".".join(path), 100))))
    value = node.value
    if _is_collector_config(value.get("alternateConfig")):
        config = node["alternateConfig"]
    else:
        key = "config" if _is_collector_config(value.get("config")) else "configOverride"
        config = _merge_defaults(node[key], DEFAULTS)
    config, templates = _replace_templates(config)
    enabled = node.get("configMap", "create").value is not False
    config_name = node.get("configMap", "existingName").text
    volumes: dict[str, Volume] = {
        **list_volumes(node["extraVolumes"].items()),
        **list_volumes(node["volumes"].items()),
        _CONFIG: write_config(config, "relay.yaml", f"{title}, config"),
    }
    if config_name:
        items = [{"key": "relay", "path": "relay.yaml"}]
        volumes[_CONFIG] = node.make(
            {"name": _CONFIG, "configMap": {"name": config_name, "items": items}}
        )
    arguments = ["--config=/conf/relay.yaml"] if enabled or config_name else []
    env = (
        node.make({"name": "MY_POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}),
        *templates,
        *node["extraEnvs"].items(),
        *(node["env"].items() if isinstance(value.get("env"), list) else ()),
    )
    container = ContainerSpec(
        name="opentelemetry-collector",
        image=node.get("image", "repository").text or "opentelemetry-collector",
        args=(
            *(node.make(each) for each in arguments),
            *node.get("command", "extraArgs").items(),
        ),
        env=env,
        env_from=(
            *node["extraEnvsFrom"].items(),
            *(node["envFrom"].items() if isinstance(value.get("envFrom"), list) else ()),
        ),
        mounts=(
            node.make({"name": _CONFIG, "mountPath": "/conf"}),
            *node["extraVolumeMounts"].items(),
            *(node["volumeMounts"].items() if isinstance(value.get("volumeMounts"), list) else ()),
        ),
        security=node["securityContext"],
    )
    namespace = node["namespaceOverride"].text or release.namespace
    fields = PodFields(known={"metadata.namespace": namespace} if namespace else {})
    return Pod(
        title=title,
        namespace=namespace,
        node=node,
        volumes=volumes,
        containers=(container,),
        security=node["podSecurityContext"],
        fields=fields,
    )


_CONFIG: Final = "opentelemetry-collector-configmap"


def _read_kube_stack(node: Node, installed: str) -> Iterator[KubernetesObject]:
    general = node["defaultCRConfig"]
    namespace = node["namespaceOverride"].text or installed
    for name, own in node["collectors"].entries():
        if own.value is None or own["enabled"].value is False:
            continue
        defaults = general.value if isinstance(general.value, dict) else {}
        if name in _OWN_COLLECTORS:
            defaults, _ = _merge(defaults, own.at.document.find_place(()), {"config": _STACK})
        merged = _merge_defaults(own, defaults)
        spec, templates = _replace_templates(merged)
        spec.value["env"] = [
            *(one.value for one in templates),
            *(spec.value.get("env") if isinstance(spec.value.get("env"), list) else []),
        ]
        body = spec.make({"spec": spec.value, "metadata": {"annotations": {}}})
        place = Place(own.at.line, {"spec": spec.at.document.find_place(spec.at.path)})
        title = own["suffix"].text or name
        yield KubernetesObject(
            "OpenTelemetryCollector",
            "opentelemetry.io",
            "v1beta1",
            namespace,
            f"collectors.{title}",
            _rebase(body.value, place, own),
        )
    instrumentation = node["instrumentation"]
    if instrumentation["enabled"].flag:
        body = instrumentation.make({"spec": instrumentation.value})
        place = Place(
            instrumentation.at.line,
            {"spec": instrumentation.at.document.find_place(instrumentation.at.path)},
        )
        yield KubernetesObject(
            "Instrumentation",
            "opentelemetry.io",
            "v1alpha1",
            namespace,
            "instrumentation",
            _rebase(body.value, place, instrumentation),
        )


def _rebase(value: Any, place: Place, node: Node) -> Node:
    document = Document(node.at.document.file, value, place)
    return Node(value, Location(document), node.errors)


def _merge_defaults(node: Node, defaults: Mapping[str, Any]) -> Node:
    """Return what Helm merges: mappings key by key, null removes, anything else replaces."""
    place = node.at.document.find_place(node.at.path)
    value, merged = _merge(node.value, place, defaults)
    return _rebase(value, merged, node)


def _merge(own: Any, place: Place, defaults: Any) -> tuple[Any, Place]:
    if not (isinstance(own, dict) and isinstance(defaults, Mapping)):
        return own, place
    parts = place.parts if isinstance(place.parts, dict) else {}
    value: dict[str, Any] = {}
    places: dict[str, Place] = {}
    for key in (*own, *(key for key in defaults if key not in own)):
        if key not in own:
            value[key], places[key] = defaults[key], Place(place.line)
        elif own[key] is not None or key not in defaults:
            value[key], places[key] = _merge(own[key], parts.get(key, place), defaults.get(key))
    return value, Place(place.line, places)


def _replace_templates(node: Node) -> tuple[Node, list[Node]]:
    """Return `node` with an unknown variable in the place of what only Helm renders."""
    found: list[str] = []

    def replace(value: Any) -> Any:
        match value:
            case str() if _TEMPLATE.search(value):
                found.append(value)
                return _TEMPLATE.sub(f"${{env:{RENDERED}}}", value)
            case dict():
                return {key: replace(item) for key, item in value.items()}
            case list():
                return [replace(item) for item in value]
            case _:
                return value

    value = replace(node.value)
    place = node.at.document.find_place(node.at.path)
    rebased = _rebase(value, place, node)
    if not found:
        return rebased, []
    source = {"fieldRef": {"fieldPath": RENDERED}}
    return rebased, [rebased.make({"name": RENDERED, "valueFrom": source})]
