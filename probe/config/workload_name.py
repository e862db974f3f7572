"""What a target of an SDK's own environment is called: after the workload that exports. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from probe.config.resource import SERVICE_NAME, parse_attributes
from probe.config.source_content import SourceContent
from probe.text.description import describe_name
from probe.text.safe_text import safe_text

STANDS_FOR: Final = "sdk"
"""The name that a target has where nothing says whose exporter it is."""
_LONGEST: Final = 128


def name_service(environ: Mapping[str, str]) -> str:
    """Return service.name: OTEL_SERVICE_NAME, else the one of OTEL_RESOURCE_ATTRIBUTES."""
    name = environ.get("OTEL_SERVICE_NAME", "").strip()
    return _show(name or _list_attributes(environ).get("service.name", ""))


def name_workload(environ: Mapping[str, str]) -> str:
    """Return the service's name, else the pod's, else nothing.

    OTEL_SERVICE_NAME may name the probe itself, whose container it is set for. A pod is known by K8S_POD_NAME or k8s.pod.name of OTEL_RESOURCE_ATTRIBUTES; Kubernetes sets
    HOSTNAME to it, and KUBERNETES_SERVICE_HOST shows that this is a pod.
    """
    pod = environ.get("K8S_POD_NAME", "") or _list_attributes(environ).get("k8s.pod.name", "")
    if not pod and environ.get("KUBERNETES_SERVICE_HOST"):
        pod = environ.get("HOSTNAME", "")
    service = name_service(environ)
    if service == SERVICE_NAME:
        service = _show(_list_attributes(environ).get("service.name", ""))
    return service if service != SERVICE_NAME and service else _show(pod)


def name_targets(content: SourceContent, name: str) -> SourceContent:
    """Return `content` with `name` in place of `sdk` in the names of its targets."""
    if not name:
        return content
    targets = (
        replace(each, name=name + each.name.removeprefix(STANDS_FOR)) for each in content.targets
    )
    return replace(content, targets=tuple(targets))


def _list_attributes(environ: Mapping[str, str]) -> Mapping[str, str]:
    try:
        return parse_attributes(environ.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    except ValueError:
        return {}


def _show(name: str) -> str:
    name = name.strip()
    return safe_text(describe_name(name), _LONGEST) if name else ""
