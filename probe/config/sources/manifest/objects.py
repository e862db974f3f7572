"""The objects of a manifest, and how a value of one is looked at: wrongly typed, it is reported once.

Pure and total. The API server refuses an object with a value of a wrong type, so each is an error
that names the object, the key and the line; it is then read as if it were not there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Self

from probe.config.errors import ConfigurationError
from probe.config.location import Location
from probe.config.yaml_document import Document
from probe.text.description import Description
from probe.text.safe_text import safe_text

MOST_OBJECTS: Final = 20_000
"""How many objects one source may have."""
_OBJECT_KEYS: Final = frozenset({"apiVersion", "metadata"})
"""One of these tells an object from values that have a key `kind`."""
_WITHOUT: Final = "Kustomization"
"""The kind whose file needs neither."""
MOST_PROBLEMS: Final = 1000
"""How many errors one reading holds."""
_LONGEST_NAME: Final = 253
"""Characters of an object's name (RFC 1123 subdomain, as Kubernetes has it)."""


class Problems:
    """Collects what is wrong with a manifest, each once."""

    def __init__(self) -> None:
        """Hold nothing."""
        self._held: dict[str, ConfigurationError] = {}

    def add(self, error: ConfigurationError) -> None:
        """Hold `error`, unless the same is held or there are too many."""
        if len(self._held) < MOST_PROBLEMS:
            self._held.setdefault(str(error), error)

    def list(self) -> tuple[ConfigurationError, ...]:
        """Return them in their order."""
        return tuple(self._held.values())


@dataclass(frozen=True, slots=True)
class Node:
    """One value of an object, with its place."""

    value: Any = field(repr=False)
    """It may be a password or a key, so that no representation shows it."""
    at: Location = field(repr=False)
    errors: Problems = field(repr=False, compare=False)

    def __getitem__(self, key: str) -> Self:
        """Return the value of `key`; null where there is none, or where this is not a mapping."""
        value = self.value
        if isinstance(value, dict):
            return type(self)(value.get(key), self.at[key], self.errors)
        if value is not None:
            self.refuse("must be a mapping")
        return type(self)(None, self.at[key], self.errors)

    def __bool__(self) -> bool:
        """Whether anything is set."""
        return self.value is not None

    def get(self, *path: str) -> Self:
        """Return the value at `path`."""
        node = self
        for key in path:
            node = node[key]
        return node

    def items(self) -> tuple[Self, ...]:
        """Return the values of a list."""
        if not isinstance(self.value, list):
            if self.value is not None:
                self.refuse("must be a list")
            return ()
        return tuple(
            type(self)(item, self.at[place], self.errors) for place, item in enumerate(self.value)
        )

    def entries(self) -> Iterator[tuple[str, Self]]:
        """Yield the keys of a mapping and their values."""
        if isinstance(self.value, dict):
            for key in self.value:
                yield key, self[key]
        elif self.value is not None:
            self.refuse("must be a mapping")

    @property
    def text(self) -> str:
        """The text; empty where there is none."""
        if isinstance(self.value, str):
            return self.value
        if self.value is not None:
            self.refuse("must be text; put it in quotes")
        return ""

    @property
    def flag(self) -> bool:
        """Whether it is true."""
        return self.value is True

    @property
    def number(self) -> int | None:
        """The whole number, or None."""
        return self.value if type(self.value) is int else None

    def texts(self) -> dict[str, str]:
        """Return a mapping of names to texts."""
        return {key: node.text for key, node in self.entries()}

    def make(self, value: Any) -> Self:
        """Return a value that comes from here without being written: what the operator adds."""
        return type(self)(value, self.at, self.errors)

    def refuse(self, reason: str) -> None:
        """Report that the value here is not what it must be, by its type: it may be a secret."""
        value = self.value
        found = value if isinstance(value, dict | list) else Description(_name_type(value))
        self.errors.add(self.at.error(reason, found=found))


def _name_type(value: Any) -> str:
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case _:
            return "text"


@dataclass(frozen=True, slots=True)
class KubernetesObject:
    """One object of the manifest."""

    kind: str
    group: str
    """The API group, without the version."""
    version: str
    namespace: str
    """Empty where the object does not say."""
    name: str
    node: Node

    @property
    def title(self) -> str:
        """What people call it: `Deployment otel/gateway`."""
        return make_title(self.kind, self.namespace, self.name)

    @property
    def owner(self) -> tuple[str, str] | None:
        """Kind and name of the object that controls it."""
        for reference in self.node.get("metadata", "ownerReferences").items():
            if reference["controller"].flag:
                return reference["kind"].text, reference["name"].text
        return None


def make_title(kind: str, namespace: str, name: str) -> str:
    """Return what an object is called in texts."""
    return safe_text(f"{kind} {f'{namespace}/' if namespace else ''}{name}", 160)


class Objects:
    """All objects of one source, by kind, namespace and name."""

    def __init__(self) -> None:
        """Hold none."""
        self._held: dict[str, dict[str, list[KubernetesObject]]] = {}
        self._count = 0

    def __len__(self) -> int:
        """Return how many there are."""
        return self._count

    def add(self, one: KubernetesObject) -> None:
        """Hold `one`; as with `kubectl apply`, a later one replaces one of the same name."""
        same = self._held.setdefault(one.kind, {}).setdefault(one.name, [])
        for place, other in enumerate(same):
            if (other.namespace, other.group) == (one.namespace, one.group):
                same[place] = one
                return
        same.append(one)
        self._count += 1

    def list(self, kind: str = "") -> Iterator[KubernetesObject]:
        """Yield the objects of `kind`, or all."""
        for each in [kind] if kind else [*self._held]:
            for same in self._held.get(each, {}).values():
                yield from same

    def find(self, kind: str, namespace: str, name: str) -> KubernetesObject | None:
        """Return the object that `name` means within `namespace`.

        An object without a namespace goes where it is applied, so it fits each; and what is without
        one itself refers to wherever the only object of that name is.
        """
        same = self._held.get(kind, {}).get(name, [])
        for wanted in (namespace, ""):
            for one in same:
                if one.namespace == wanted:
                    return one
        return same[0] if len(same) == 1 and not namespace else None

    def within(self, kind: str, namespace: str) -> Iterator[KubernetesObject]:
        """Yield the objects of `kind` that may be in `namespace`."""
        for one in self.list(kind):
            if not (namespace and one.namespace) or one.namespace == namespace:
                yield one


def read_objects(document: Document, errors: Problems) -> Iterator[KubernetesObject]:
    """Yield the objects of one document, those of a List included; none where it holds none."""
    yield from _read(Node(document.value, Location(document), errors), "", 0)


def _read(node: Node, kind: str, depth: int) -> Iterator[KubernetesObject]:
    """Yield the object at `node`; `kind` is what its list says where it does not say itself."""
    value = node.value
    if not isinstance(value, dict):
        return
    own = value.get("kind")
    kind = own if isinstance(own, str) and own else kind
    if not kind or not (kind == _WITHOUT or kind.endswith("List") or _OBJECT_KEYS & value.keys()):
        return
    if kind.endswith("List") and isinstance(value.get("items"), list) and depth < 4:
        for item in node["items"].items():
            yield from _read(item, kind.removesuffix("List"), depth + 1)
        return
    metadata = node["metadata"]
    name = metadata["name"].text or metadata["generateName"].text
    group, slash, version = node["apiVersion"].text.rpartition("/")
    if len(name) > _LONGEST_NAME:
        metadata["name"].refuse(f"is longer than {_LONGEST_NAME} characters")
        return
    namespace = metadata["namespace"].text[:_LONGEST_NAME]
    yield KubernetesObject(kind, group if slash else "", version, namespace, name, node)


def describe_absent(kind: str, namespace: str, name: str, objects: Objects) -> str:
    """Say that an object is not in the manifest, what makes it, and how to add it."""
    plural = {"Secret": "secret", "ConfigMap": "configmap"}.get(kind, kind.lower())
    within = f" -n {namespace}" if namespace else ""
    text = f"{make_title(kind, namespace, name)} is not in the manifest"
    maker = find_maker(kind, namespace, name, objects)
    if maker:
        text += f" ({maker} makes it in the cluster)"
    return f"{text}: add it with: kubectl get {plural}{within} {safe_text(name)} -o yaml"


_MAKERS: Final = (
    ("Certificate", "Secret", ("spec", "secretName")),
    ("ExternalSecret", "Secret", ("spec", "target", "name")),
    ("SealedSecret", "Secret", ("spec", "template", "metadata", "name")),
    ("VaultStaticSecret", "Secret", ("spec", "destination", "name")),
    ("VaultPKISecret", "Secret", ("spec", "destination", "name")),
    ("Bundle", "ConfigMap", ()),
    ("ClusterBundle", "ConfigMap", ()),
)
"""Objects that have a controller make a Secret or ConfigMap, and where they say its name; without
one, or where nothing stands there, it has their own."""


def find_maker(kind: str, namespace: str, name: str, objects: Objects) -> str:
    """Return the object of the manifest from which a controller makes another one, or nothing."""
    for maker, makes, path in _MAKERS:
        if makes != kind:
            continue
        for one in objects.within(maker, namespace):
            said = one.node.get(*path).value if path else None
            if (said if isinstance(said, str) and said else one.name) == name:
                return one.title
    return ""
