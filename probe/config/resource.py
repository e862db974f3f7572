"""The probe's own resource: who it is, in the attributes of OTel's semantic conventions. Pure.

The same set is on its spans, on the items of its canaries and on `target_info` in /metrics.
"""

import re
import uuid
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

from probe import __version__
from probe.text.description import describe_name, describe_value
from probe.text.safe_text import safe_text

SERVICE_NAME: Final = "mtls-probe"

# The namespace that the semantic conventions give for ids that last (service.instance.id).
_INSTANCES: Final = uuid.UUID("4d63009a-8d0f-11ee-aad7-4c796ed8e320")

KUBERNETES: Final = (
    "k8s.cluster.name", "k8s.namespace.name", "k8s.node.name", "k8s.pod.name", "k8s.pod.uid",
    "k8s.pod.ip", "k8s.container.name", "k8s.deployment.name", "k8s.statefulset.name",
    "k8s.daemonset.name",
)  # fmt: skip
"""Each is read from the variable of its name: K8S_POD_NAME, from the downward API."""

_LONE_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


def build_resource(
    configured: Mapping[str, str], environ: Mapping[str, str], *, host: str, port: int
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the resource's attributes, and what the user should know about its variables.

    As in an SDK, what is configured has precedence over OTEL_SERVICE_NAME, that over
    OTEL_RESOURCE_ATTRIBUTES, and that over what is found out.

    Args:
        configured: `resource` of the configuration.
        environ: the environment's variables.
        host: the machine's name.
        port: where the probe listens; with the host it tells instances apart.
    """
    found = {name: environ.get(name.upper().replace(".", "_"), "") for name in KUBERNETES}
    warnings: tuple[str, ...] = ()
    listed: dict[str, str] = {}
    try:
        listed = parse_attributes(environ.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    except ValueError as error:
        warnings = (f"OTEL_RESOURCE_ATTRIBUTES is ignored as a whole: {error}",)
    given = {
        **{name: value for name, value in found.items() if value},
        **listed,
        **({"service.name": name} if (name := environ.get("OTEL_SERVICE_NAME", "")) else {}),
        **configured,
    }
    about = {
        "service.name": SERVICE_NAME,
        "service.version": __version__,
        "service.instance.id": _choose_instance_id(given, f"{host}:{port}"),
        **given,
    }
    return {
        safe_text(name): safe_text(describe_name(value)) for name, value in about.items()
    }, warnings


def parse_attributes(text: str) -> dict[str, str]:
    """Return what OTEL_RESOURCE_ATTRIBUTES says: `key=value` pairs, percent-encoded.

    Source: the specification, "Specifying resource information via an environment variable": one
    mistake voids all of it.

    Raises:
        ValueError: describing the invalid pair.
    """
    attributes: dict[str, str] = {}
    for pair in filter(None, map(str.strip, text.split(","))):
        key, equals, value = pair.partition("=")
        name = _decode(key.strip())
        if not (equals and name):
            raise ValueError(f"{safe_text(describe_value(pair))} is not key=value")
        attributes[name] = _decode(value.strip())
    return attributes


def _decode(text: str) -> str:
    if _LONE_PERCENT.search(text):
        raise ValueError(f"{safe_text(describe_value(text))} holds a % that begins no code")
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeError:
        raise ValueError(f"{safe_text(describe_value(text))} is not UTF-8") from None


def _choose_instance_id(given: Mapping[str, str], place: str) -> str:
    """Return an id that stays over restarts, so that no series and no alert begins anew.

    In Kubernetes the conventions make it of namespace, pod and container.
    """
    names = [given.get(f"k8s.{each}.name", "") for each in ("namespace", "pod", "container")]
    return ".".join(names) if all(names) else str(uuid.uuid5(_INSTANCES, place))
