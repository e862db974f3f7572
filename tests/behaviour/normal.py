"""Replaces what varies from run to run by placeholders, and sentences for people by `<text>`.

Names, types, and values from closed sets stay.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

Json = Any
"""A JSON value."""

PROSE: Final = frozenset(
    {
        "because",
        "blocks",
        "error",
        "evidence",
        "fact",
        "facts",
        "fix",
        "meaning",
        "nothing_to_probe",
        "tell_apart",
        "title",
        "warnings",
        "what",
        "why",
    }
)
"""Keys that hold sentences for people; of a list, the number of sentences is kept."""
KEPT_NUMBERS: Final = frozenset({"score"})
"""Keys whose fractions are part of the promise; any other is a duration or an offset."""

_REPLACED: Final = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( UTC|Z)?"), "<time>"),
    (re.compile(r"(127\.0\.0\.1|localhost):\d+"), r"\1:<port>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<sha256>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<id>"),
)
_SERIAL: Final = re.compile(r"[0-9a-f]{30,40}")
_SERIALS: Final = frozenset({"authority_key_id", "serial_number", "serialnumber", "subject_key_id"})
_DEMO_FOLDER: Final = re.compile(r"[^\s\"',:]*/mtls-probe-demo-[^/\s\"',:]+")


class Normaliser:
    """Knows the folder of this recording, so that paths in it stay comparable."""

    def __init__(self, folder: str, version: str) -> None:
        """Take the folder that all files are in, and the product's version."""
        self._folder = folder
        self._version = version

    def text(self, text: str) -> str:
        """Return `text` with placeholders for folders, times, ports and fingerprints."""
        if text == self._version:
            return "<version>"
        text = _DEMO_FOLDER.sub("<demo>", text).replace(self._folder, "<folder>")
        for pattern, placeholder in _REPLACED:
            text = pattern.sub(placeholder, text)
        return text

    def value(self, value: Json, key: str = "") -> Json:
        """Return `value`, the value of `key`, without what varies."""
        if key in PROSE:
            return prose(value)
        if key == "experiments" and isinstance(value, list):
            return self._experiments(value)
        if key == "durations" and isinstance(value, dict):
            return list(value)
        if isinstance(value, dict):
            return {self.text(name): self.value(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, key) for item in value]
        if (isinstance(value, float) and key not in KEPT_NUMBERS) or key == "days_left":
            return "<number>"
        if isinstance(value, str):
            if key in _SERIALS and _SERIAL.fullmatch(value):
                return "<id>"
            return self.text(value)
        return value

    def _experiments(self, made: list[dict[str, Json]]) -> list[Json]:
        """Return each kind of further handshake once: how many are made depends on the path."""
        kinds: list[Json] = []
        for one in made:
            kind = self.value(one | {"outcome": prose(one.get("outcome"))})
            if kind not in kinds:
                kinds.append(kind)
        return kinds

    def label(self, name: str, value: str) -> str:
        """Return the value of a metric's label without what varies."""
        if name in {"server_port", "port"}:
            return "<port>"
        if name == "python_version":
            return "<version>"
        return str(self.value(value, name))

    def labels(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Return a sample's labels without what varies."""
        return {name: self.label(name, value) for name, value in labels.items()}


def prose(value: Json) -> Json:
    """Return a placeholder that shows that there are sentences, and how many."""
    if isinstance(value, str):
        return "<text>" if value else ""
    if isinstance(value, list):
        return f"<texts: {len(value)}>"
    return value


def shape(value: Json) -> Json:
    """Return the keys and types of `value`; the items of a list share one shape."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        merged: Json = None
        for item in value:
            merged = shape(item) if merged is None else merge(merged, shape(item))
        return [] if merged is None else [merged]
    if value is None:
        return "null"
    return {bool: "true or false", int: "number", float: "number", str: "text"}[type(value)]


def merge(one: Json, other: Json) -> Json:
    """Return the union of both shapes; where they differ, it says `or`."""
    if one == other:
        return one
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted({*one, *other})
        return {
            key: merge(one[key], other[key])
            if key in one and key in other
            else one.get(key, other.get(key))
            for key in keys
        }
    if isinstance(one, list) and isinstance(other, list):
        if not (one and other):
            return one or other
        return [merge(one[0], other[0])]
    if isinstance(one, str) and isinstance(other, str):
        return " or ".join(sorted({*one.split(" or "), *other.split(" or ")}))
    return one if other == "null" else other
