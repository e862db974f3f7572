"""Values as Go has them: defaults and zero values of the known types, names of types, ids.

Pure. The words are those of the Go packages that a Collector decodes with.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final

from probe.config.duration import go_seconds
from probe.config.errors import KeyPath
from probe.config.sources.collector.check_rules import UNKNOWN
from probe.config.sources.collector.known_components import KnownCollector, Node

_TYPE: Final = re.compile(r"[a-zA-Z][0-9a-zA-Z_]{0,62}")


def id_fault(text: str) -> str:
    """Return why `text` is not the id of a component, `type` or `type/name`, in Go's words."""
    kind, slash, name = (part.strip() for part in text.partition("/"))
    if not kind:
        return "the part before / should not be empty" if slash else "id must not be empty"
    if not _TYPE.fullmatch(kind):
        return "invalid character(s) in type"
    if slash and not name:
        return "the part after / should not be empty"
    if len(name.encode()) > 1024 or any(unicodedata.category(char)[0] in "ZCS" for char in name):
        return "invalid character(s) in name"
    return ""


def get_default(node: Node, known: KnownCollector) -> Any:
    """Return what a value of `node` is where nothing is written."""
    match node["k"]:
        case "struct":
            return {
                key: get_default(known.get(number), known)
                for key, number in node.get("f", {}).items()
            }
        case "needs":
            return get_default(known.get(node["e"]), known)
        case "opt":
            return get_default(known.get(node["e"]), known) if node.get("d") == 2 else None
        case "ptr":
            return None if "d" in node else get_default(known.get(node["e"]), known)
        case "map":
            return {}
        case "list":
            return [UNKNOWN] * node.get("n", 0)
        case "str":
            return node.get("d", "")
        case "text":
            text = node.get("d", "")
            return text.lower() if node.get("fold") else text
        case "bool":
            return node.get("d", False)
        case "dur":
            return go_seconds(node.get("d", "0s"))
        case "int" | "uint" | "float":
            return node.get("d", 0)
        case _:
            return None


def get_empty(node: Node) -> Any:
    """Return Go's zero value of `node`, where its parts need not be known."""
    return {"str": "", "bool": False, "list": [], "map": {}, "text": ""}.get(
        node["k"], 0 if node["k"] in {"int", "uint", "float", "dur"} else None
    )


def name_go_type(value: Any) -> str:
    """Return the Go type that YAML gives `value`."""
    match value:
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float64"
        case str():
            return "string"
        case dict():
            return "map[string]interface {}"
    return "[]interface {}"


def name_go_kind(value: Any) -> str:
    """Return the kind of the Go type that YAML gives `value`."""
    match value:
        case dict():
            return "map"
        case list():
            return "slice"
    return name_go_type(value)


def explain_duration(text: str) -> str:
    """Return Go's reason why `text` is not a duration."""
    if not text:
        return "invalid duration"
    missing = text.lstrip("+-").replace(".", "", 1).isdecimal() and text != "0"
    return "missing unit in duration" if missing else "invalid duration"


def remove_keys(says: str) -> str:
    """Return the message without the keys before it, and without the value that was tried."""
    return (
        says.rpartition(": ")[2]
        if says.rpartition(": ")[2][:1] not in "-0123456789"
        else says.rpartition(": ")[0].rpartition(": ")[2]
    )


def find_references(value: Any, key: str, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Yield the place and text of each `key` at any depth of decoded settings."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name == key and isinstance(item, str) and item:
                yield (*path, name), item
            else:
                yield from find_references(item, key, (*path, name))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from find_references(item, key, (*path, place))
