"""The environment of a container, as the kubelet makes it of `env` and `envFrom`.

Pure and total. Follows makeEnvironmentVariables (pkg/kubelet) and the expansion of `$(NAME)`
(third_party/forked/golang/expansion). A value that the manifest does not say is `Unknown`, with the
reason, which whoever asks for it receives.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from probe.config.errors import ConfigurationError, UnknownSettingError
from probe.config.sources.manifest.objects import Node
from probe.config.sources.manifest.stored_data import Store, StoredData

LONGEST_VALUE: Final = 1024 * 1024
"""Characters of one variable; Linux allows 128 KiB."""
_REFERENCE: Final = re.compile(r"\$(?:\$|\(([^)]*)\))")
_LABEL: Final = re.compile(r"metadata\.(labels|annotations)\['([^']*)'\]")


RENDERED: Final = "HELM_TEMPLATE"
"""The variable, and the field that it is taken from, for what only Helm knows."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only the cluster knows."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A value with which the container does not start."""

    error: ConfigurationError


Value = str | Unknown | Refused

_NEVER_FROM_ABSENT: Final = frozenset(
    {"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
)
"""Variables that every exporter asks for and hardly any Secret holds: what is missing elsewhere does
not make them unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFields:
    """What `fieldRef` can ask for, as far as it is known."""

    known: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    def get(self, path: str) -> Value:
        """Return the value of a field."""
        if found := _LABEL.fullmatch(path):
            held = self.labels if found[1] == "labels" else self.annotations
            return held.get(found[2], "")
        if path in self.known:
            return self.known[path]
        if path == RENDERED:
            return Unknown(
                "only Helm knows what stands for {{ }}; give what it makes: "
                "helm template NAME CHART -f values.yaml | mtls-probe check --manifest -"
            )
        return Unknown(f"{path} of the pod is known in the cluster only")


NOTHING_KNOWN: Final = PodFields()


class Variables(Mapping[str, str]):
    """The variables of one container.

    Looking up one whose value is unknown raises UnknownSettingError, which leaves what asked for it
    unprobed.

    Attributes:
        faults: Why the container does not start.
        secrets: The values that come from Secrets.
    """

    def __init__(self) -> None:
        """Hold none."""
        self._held: dict[str, Value] = {}
        self._absent: dict[str, str] = {}
        self.faults: list[ConfigurationError] = []
        self.secrets: dict[str, None] = {}

    def __getitem__(self, name: str) -> str:
        """Return the value of `name`.

        Raises:
            KeyError: where it is not set.
            ConfigurationError: where it cannot be set, so that the container does not start.
            UnknownSettingError: where the manifest does not say whether it is, or to what.
        """
        value = self.peek(name)
        if value is None:
            raise KeyError(name)
        if isinstance(value, Refused):
            raise value.error
        if isinstance(value, Unknown):
            text = f"the value of its variable {name} is not known: {value.reason}"
            raise UnknownSettingError(text)
        return value

    def __contains__(self, name: object) -> bool:
        """Return whether it is set; an unknown one counts, so that it is asked for."""
        return isinstance(name, str) and self.peek(name) is not None

    def __iter__(self) -> Iterator[str]:
        """Yield the names of those whose values are known."""
        return (name for name, value in self._held.items() if isinstance(value, str))

    def __len__(self) -> int:
        """Return how many values are known."""
        return sum(1 for _ in self)

    def peek(self, name: str) -> Value | None:
        """Return the value of `name`, `Unknown` where it is not known, None where it is not set."""
        if name in self._held:
            return self._held[name]
        for prefix, reason in self._absent.items():
            if name.startswith(prefix) and name.upper() not in _NEVER_FROM_ABSENT:
                return Unknown(reason)
        return None

    def list_names(self) -> Iterator[str]:
        """Yield the names of all that are set, those with an unknown value too."""
        return iter(self._held)

    def set(self, name: str, value: Value) -> None:
        """Set `name`, in place of what it was."""
        self._held[name] = value

    def set_absent(self, prefix: str, reason: str) -> None:
        """Remember that any name that begins with `prefix` may be set, by what is missing."""
        self._absent.setdefault(prefix, reason)

    def expand(self, text: str, *, services: Mapping[str, str]) -> Value:
        """Return `text` with its `$(NAME)` replaced; `$$` is `$`, and what is not set stays.

        Args:
            text: What the manifest says.
            services: The variables that the kubelet makes of the Services of the namespace.
        """
        if "$" not in text:
            return text
        pieces: list[str] = []
        done = 0
        for found in _REFERENCE.finditer(text):
            pieces.append(text[done : found.start()])
            done = found.end()
            name = found[1]
            if name is None:
                pieces.append("$")
                continue
            value = self.peek(name)
            if isinstance(value, Unknown | Refused):
                return value
            value = services.get(name) if value is None else value
            pieces.append(found[0] if value is None else value)
        whole = "".join((*pieces, text[done:]))
        return whole if len(whole) <= LONGEST_VALUE else Unknown("it is too long")


def make_variables(
    env: tuple[Node, ...],
    env_from: tuple[Node, ...],
    *,
    namespace: str,
    store: Store,
    pod: PodFields,
    services: Mapping[str, str],
) -> Variables:
    """Return the variables that the kubelet gives to a container."""
    made = Variables()
    for source in env_from:
        _add_all(made, source, namespace, store)
    for entry in env:
        name = entry["name"].text
        if not name:
            continue
        value: Value | None
        text = entry["value"].text
        if text:
            value = made.expand(text, services=services)
        elif entry["valueFrom"]:
            value = _read_value_from(made, entry["valueFrom"], namespace, store, pod)
        else:
            value = ""
        if value is not None:
            made.set(name, value)
    return made


def _add_all(made: Variables, source: Node, namespace: str, store: Store) -> None:
    prefix = source["prefix"].text
    for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
        reference = source[key]
        name = reference["name"].text
        if not name:
            continue
        data = store.find(kind, namespace, name)
        if data is None:
            made.set_absent(prefix, f"envFrom: {store.describe_absent(kind, namespace, name)}")
            continue
        for variable in sorted(data.texts):
            made.set(prefix + variable, _take_text(made, data, variable))


def _read_value_from(
    made: Variables, source: Node, namespace: str, store: Store, pod: PodFields
) -> Value | None:
    for key, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
        reference = source[key]
        if not reference:
            continue
        name, held = reference["name"].text, reference["key"].text
        data = store.find(kind, namespace, name)
        if data is None:
            return Unknown(store.describe_absent(kind, namespace, name))
        if held in data.texts:
            return _take_text(made, data, held)
        if reference["optional"].flag:
            return None
        why = data.damaged.get(held) or f"is not there; {data.list_keys()}"
        reason = f"{data.name_key(held)} {why}: the container does not start"
        error = reference["key"].at.error(reason)
        made.faults.append(error)
        return Refused(error)
    if field_path := source.get("fieldRef", "fieldPath").text:
        return pod.get(field_path)
    if source["resourceFieldRef"]:
        return Unknown("it is made of the container's resources")
    return Unknown("it comes from a source that the probe does not know")


def _take_text(made: Variables, data: StoredData, key: str) -> Value:
    text = data.values[key].decode("utf-8", "surrogateescape")
    if data.is_secret:
        made.secrets[text] = None
    return text if "\0" not in text else Unknown(f"{data.name_key(key)} is not text")
