"""What a Secret or a ConfigMap holds: keys and bytes, as the kubelet gives them to a container.

Pure and total. Nothing of a value is part of an error; that of an annotation (kubectl keeps the last
applied object there) is never read.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from probe.config.sources.manifest.objects import (
    KubernetesObject,
    Node,
    Objects,
    describe_absent,
)

MOST_BYTES: Final = 4 * 1024 * 1024
"""Of all values of one object; Kubernetes allows 1 MiB."""
MOST_MOUNTED: Final = 100_000
"""How many files all containers of one source may have together."""
_SPACES: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class StoredData:
    """The content of one Secret or ConfigMap."""

    title: str
    is_secret: bool
    values: Mapping[str, bytes] = field(repr=False)
    texts: frozenset[str] = frozenset()
    """The keys that a variable can be taken from: of a ConfigMap, those of `data` alone."""
    origins: Mapping[str, Node] = field(default_factory=dict, repr=False)
    """Where each value stands in the manifest."""
    damaged: Mapping[str, str] = field(default_factory=dict)
    """Keys whose value the API server refuses, and why."""

    is_written: bool = False
    """Whether it is a configuration that the manifest holds, and `title` names that by itself."""

    def name_key(self, key: str) -> str:
        """Return what a value of it is called: `Secret otel/client, key tls.key`."""
        if self.is_written:
            return self.title
        return f"{self.title}, key {key}"

    def list_keys(self) -> str:
        """Return its keys as a text."""
        keys = sorted(self.values)
        shown = ", ".join(keys[:8]) + (", …" if len(keys) > 8 else "")
        return f"its keys are {shown}" if keys else "it has no keys"


class Store:
    """The Secrets and ConfigMaps of a manifest, each decoded once."""

    def __init__(self, objects: Objects) -> None:
        """Decode nothing yet."""
        self.objects = objects
        self._decoded: dict[int, StoredData] = {}
        self._files_left = MOST_MOUNTED

    def take_file(self) -> bool:
        """Count one mounted file; return whether there may be one more."""
        self._files_left -= 1
        return self._files_left >= 0

    def find(self, kind: str, namespace: str, name: str) -> StoredData | None:
        """Return the Secret or ConfigMap that `name` means, or None where the manifest lacks it."""
        found = self.objects.find(kind, namespace, name)
        return None if found is None else self.read(found)

    def read(self, one: KubernetesObject) -> StoredData:
        """Return what `one` holds."""
        if id(one) not in self._decoded:
            self._decoded[id(one)] = _decode(one)
        return self._decoded[id(one)]

    def describe_absent(self, kind: str, namespace: str, name: str) -> str:
        """Say that an object is not in the manifest, and how to add it."""
        return describe_absent(kind, namespace, name, self.objects)


def _decode(one: KubernetesObject) -> StoredData:
    secret = one.kind == "Secret"
    values: dict[str, bytes] = {}
    origins: dict[str, Node] = {}
    damaged: dict[str, str] = {}
    left = MOST_BYTES
    for section, encoded in (
        (("data", True), ("stringData", False))
        if secret
        else (("binaryData", True), ("data", False))
    ):
        for key, node in one.node[section].entries():
            if node.value is None:
                value: bytes | None = b""
            elif not isinstance(node.value, str):
                damaged[key] = "is not text, so the API server refuses the object: put it in quotes"
                continue
            else:
                value = (
                    _decode_base64(node.value)
                    if encoded
                    else node.value.encode("utf-8", "surrogatepass")
                )
            if value is None:
                damaged[key] = "is not base64, so the API server refuses the object"
                continue
            left -= len(value)
            if left < 0:
                damaged[key] = f"makes the object larger than {MOST_BYTES} bytes"
                continue
            damaged.pop(key, None)
            values[key], origins[key] = value, node
    texts = frozenset(values) if secret else frozenset(dict(one.node["data"].entries()))
    return StoredData(one.title, secret, values, texts & values.keys(), origins, damaged)


def _decode_base64(text: str) -> bytes | None:
    """Return the bytes as Go's encoding/json decodes them: line breaks are passed over."""
    try:
        return base64.b64decode(_SPACES.sub("", text), validate=True)
    except (binascii.Error, ValueError):
        return None
