"""Decodes a value as a Collector does, by the table of what its components take.

Pure. Follows confmap's decoder (v1.68.0) over mapstructure (v2.5.0): a key that is not known is
refused at every level, nothing is converted but a text of durations, of words and of lists, a
reference gives its text where text is wanted, and null leaves or empties a value. Every fault is
found, in one pass.
"""

from collections.abc import Iterable
from typing import Any, Final

from probe.config.duration import go_seconds
from probe.config.errors import ConfigurationError
from probe.config.expand import Unresolved
from probe.config.location import Location
from probe.config.sources.collector.check_rules import UNKNOWN, check_rules
from probe.config.sources.collector.go_values import (
    explain_duration,
    get_default,
    get_empty,
    id_fault,
    name_go_kind,
    name_go_type,
    remove_keys,
)
from probe.config.sources.collector.known_components import KnownCollector, Node
from probe.config.yaml_document import Expanded, unwrap
from probe.text.description import Description, describe_key

COLLECTOR_SAYS: Final = " (Collector "
"""What comes before the Collector's own words in a reason: its release follows."""
_LENIENT: Final = frozenset({"confighttp.ClientConfig", "confighttp.ServerConfig"})
"""Types whose own Unmarshal passes over keys that are not known, down to the next such type."""
_PANICKING: Final = "otelconf."
"""Types that keep unknown keys where none can be kept: the Collector panics."""
_MOST_FAULTS: Final = 20
_WANTED: Final = {
    "str": ("text", "string"),
    "bool": ("true or false", "bool"),
    "int": ("a whole number", "int"),
    "uint": ("a whole number", "uint"),
    "float": ("a number", "float64"),
    "dur": ("a duration, like 30s", "time.Duration"),
    "text": ("text", "string"),
}


class Decoder:
    """Decodes the parts of one configuration.

    Attributes:
        faults: What is wrong, in the order in which it was found.
        ignored: Keys that are not known and that this release passes over.
    """

    def __init__(self, known: KnownCollector, release: str) -> None:
        """Judge as a Collector of `release`."""
        self._known = known
        self._release = release
        self._unjudged = 0
        self._lenient = False
        self.ignored: list[ConfigurationError] = []
        self.faults: list[ConfigurationError] = []

    def report(
        self,
        at: Location,
        reason: str,
        words: str = "",
        *,
        found: Any = None,
        allowed: Iterable[str] = (),
        nearest: str | None = None,
    ) -> None:
        """Add a fault; `words` are those of the Collector."""
        if len(self.faults) >= _MOST_FAULTS:
            return
        said = f"{reason}{COLLECTOR_SAYS}{self._release}: {words})" if words else reason
        self.faults.append(at.error(said, found=found, allowed=allowed, nearest=nearest))

    def decode(self, value: Any, node: Node, at: Location, *, judged: bool = True) -> Any:
        """Return `value` as `node` takes it, with the defaults of what is not set.

        Args:
            value: As the file has it, expanded.
            node: What it has to be.
            at: Where it stands.
            judged: Whether its Validate is asked, too: not for a part that is left out.
        """
        if not judged:
            self._unjudged += 1
            try:
                return self.decode(value, node, at)
            finally:
                self._unjudged -= 1
        if isinstance(value, Unresolved):
            return UNKNOWN
        if isinstance(value, Expanded):
            value = self._choose_reading(value, node)
            if value is None and node["k"] == "struct":
                return self._empty_struct(node, at)
            return self.decode(value, node, at)
        before = self._lenient
        if node["k"] == "opt" or "u" in node:
            self._lenient = node.get("u") in _LENIENT
        elif "us" in node:
            self._lenient = _LENIENT.issuperset(node["us"])
        try:
            return self._decode_kind(value, node, at)
        finally:
            self._lenient = before

    def _empty_struct(self, node: Node, at: Location) -> Any:
        """Return what a reference to nothing leaves: every field empty, and no default."""
        empty = {
            key: get_empty(self._known.get(number)) for key, number in node.get("f", {}).items()
        }
        for type_name in (*node.get("vs", ()), node.get("v", "")):
            self._check_rules(type_name, empty, at)
        return empty

    def _decode_kind(self, value: Any, node: Node, at: Location) -> Any:
        kind = node["k"]
        match kind:
            case "any":
                return value
            case "needs":
                return self._decode_needing(value, node, at)
            case "opt" if isinstance(value, dict) and "enabled" in value:
                return self._decode_enabled(value, node, at)
            case "opt" | "ptr":
                if value is None and node.get("d") != 1:
                    return get_default(node, self._known)
                return self.decode({} if value is None else value, self._known.get(node["e"]), at)
            case "struct":
                return self._decode_struct(value, node, at)
            case "map":
                return self._decode_map(value, node, at)
            case "list":
                return self._decode_list(value, node, at)
            case _:
                return self._decode_scalar(value, node, at)

    def _decode_enabled(self, value: dict[str, Any], node: Node, at: Location) -> Any:
        """Decode a part that `enabled: false` leaves out, though it is decoded all the same."""
        enabled = unwrap(value["enabled"])
        if not isinstance(enabled, bool | Unresolved):
            words = f"unexpected type {name_go_type(enabled)} for 'enabled'"
            self.report(at["enabled"], "must be true or false", words, found=_show(enabled))
        rest = {key: item for key, item in value.items() if key != "enabled"}
        decoded = self.decode(rest, self._known.get(node["e"]), at, judged=enabled is not False)
        return None if enabled is False else decoded

    def _choose_reading(self, value: Expanded, node: Node) -> Any:
        """Return the text of a reference where text is wanted, else what YAML makes of it."""
        pointed = False
        while node["k"] == "ptr":
            node, pointed = self._known.get(node["e"]), True
        wants_text = node["k"] == "str" or (node["k"] == "text" and node["b"] == "string")
        if wants_text and not (pointed and value.value is None):
            return value.text
        return value.value

    def _decode_needing(self, value: Any, node: Node, at: Location) -> Any:
        before = len(self.faults)
        decoded = self.decode(value, self._known.get(node["e"]), at)
        if len(self.faults) > before or self._unjudged:
            return decoded
        for need in node["needs"]:
            values = [_look_up(decoded, path) for path in need["any"]]
            if not any(values):
                keys = [".".join(path) for path in need["any"]]
                reason = (
                    f"{keys[0]} is empty" if len(keys) == 1 else f"{' and '.join(keys)} are empty"
                )
                place = at
                for part in need["any"][0]:
                    place = place[part]
                self.report(place, reason, need["says"])
                break
        return decoded

    def _decode_struct(self, value: Any, node: Node, at: Location) -> Any:
        fields: dict[str, int] = node.get("f", {})
        decoded = {
            key: get_default(self._known.get(number), self._known) for key, number in fields.items()
        }
        if value is None:
            return decoded
        if not isinstance(value, dict):
            self._refuse(value, at, "a mapping", "expected a map or struct, got")
            return UNKNOWN
        for key, item in value.items():
            if key in fields:
                decoded[key] = self.decode(item, self._known.get(fields[key]), at[key])
            elif node.get("t") == "migration.ResourceConfigV030":
                decoded[key] = unwrap(item)
            elif self._lenient:
                reason = f"unknown key, which a Collector {self._release} passes over"
                self.ignored.append(at[key].error(reason, found=key, allowed=fields))
            elif not node.get("r") or node["t"].startswith(_PANICKING):
                words = f"has invalid keys: {describe_key(key)}"
                self.report(at[key], "unknown key", words, found=key, allowed=fields)
        if node.get("u") == "queuebatch.Config":
            self._share_sizer(value, decoded, at)
        for type_name in (*node.get("vs", ()), node.get("v", "")):
            self._check_rules(type_name, decoded, at)
        return decoded

    def _check_rules(self, type_name: str, decoded: Any, at: Location) -> None:
        if self._unjudged:
            return
        for path, reason, words in check_rules(type_name, decoded):
            place = at
            for part in path:
                place = place[part]
            self.report(place, reason, words)

    def _share_sizer(self, value: dict[str, Any], decoded: dict[str, Any], at: Location) -> None:
        """Give the batch of a queue the sizer of the queue, as queuebatch's Unmarshal does."""
        written, batch = unwrap(value.get("batch")), decoded.get("batch")
        if not (isinstance(written, dict) and isinstance(batch, dict)):
            return
        if "sizer" in value and "sizer" not in written:
            batch["sizer"] = decoded["sizer"]
            self._check_rules("queuebatch.BatchConfig", batch, at["batch"])

    def _decode_map(self, value: Any, node: Node, at: Location) -> Any:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._refuse(value, at, "a mapping", "expected a map or struct, got")
            return UNKNOWN
        inner = self._known.get(node["e"])
        return {key: self.decode(item, inner, at[key]) for key, item in value.items()}

    def _decode_list(self, value: Any, node: Node, at: Location) -> Any:
        inner = self._known.get(node["e"])
        if value is None:
            return get_default(node, self._known)
        if isinstance(value, str) and inner["k"] == "str":
            return value.split(",") if value else []
        if isinstance(value, dict) and _takes_pairs(node, inner):
            # A list of names and values may be written as a mapping.
            text = {"k": "str"}
            return [
                {"name": name, "value": self.decode(item, text, at[name])}
                for name, item in value.items()
            ]
        if not isinstance(value, list):
            words = f"source data must be an array or slice, got {name_go_kind(value)}"
            self.report(at, "must be a list", words, found=_show(value))
            return UNKNOWN
        decoded = [self.decode(item, inner, at[place]) for place, item in enumerate(value)]
        self._check_rules(node.get("v", ""), {"pairs": decoded}, at)
        return decoded

    def _decode_scalar(self, value: Any, node: Node, at: Location) -> Any:
        kind = node["k"]
        if kind == "text":
            return self._decode_text(value, node, at)
        if value is None:
            value = {"str": "", "bool": False}.get(kind, 0)
        if kind == "dur" and isinstance(value, str):
            try:
                value = go_seconds(value)
            except ValueError:
                words = f"time: {explain_duration(value)}"
                self.report(at, "is not a duration, like 30s or 1m30s", words, found=value)
                return UNKNOWN
            return self._check_bounds(value, node, at)
        fits = {
            "str": isinstance(value, str),
            "bool": isinstance(value, bool),
        }.get(kind, isinstance(value, int | float) and not isinstance(value, bool))
        if not fits:
            self._refuse_type(value, kind, at)
            return UNKNOWN
        if kind == "str" and not value and "ne" in node and not self._unjudged:
            self.report(at, "is empty", remove_keys(node["ne"]))
        if kind in {"str", "bool"}:
            return value
        if kind in {"int", "dur"} and not -(2**63) <= value < 2**63:
            value = -(2**63)  # what Go makes of a number that it cannot hold
        if kind == "uint" and value < 0:
            self.report(at, "must not be negative", "overflows uint", found=value)
            return UNKNOWN
        return self._check_bounds(value / 1e9 if kind == "dur" else value, node, at)

    def _decode_text(self, value: Any, node: Node, at: Location) -> Any:
        """Decode what has an UnmarshalText of its own: a word of a list, or any text."""
        if value is None:
            if node["b"] != "string" or node.get("empty", True):
                return get_default(node, self._known)
            value = ""
        if not isinstance(value, str):
            if (
                node["b"] == "struct"
                or node["b"] == "string"
                or isinstance(value, bool | dict | list)
            ):
                self._refuse_type(value, "text", at)
                return UNKNOWN
            return value  # the number behind the words
        words: list[str] | None = node.get("of")
        if words is None:
            if node["t"] == "component.ID" and (fault := id_fault(value)):
                self.report(at, "is not the id of a component", fault, found=value)
                return UNKNOWN
            return value
        taken = value.lower() if node["fold"] else value
        if taken in words or (not value and node["empty"]):
            return taken
        says = node["says"].replace('"%s"', "it").replace("%s", "it")
        self.report(at, "is not one of its words", says, found=value, allowed=words)
        return UNKNOWN

    def _check_bounds(self, value: float, node: Node, at: Location) -> Any:
        if self._unjudged:
            return value
        if "gt" in node and not value > 0:
            self.report(at, "must be above 0", remove_keys(node["gt"]), found=value)
        elif "ge" in node and not value >= 0:
            self.report(at, "must not be negative", remove_keys(node["ge"]), found=value)
        return value

    def _refuse_type(self, value: Any, kind: str, at: Location) -> None:
        ours, theirs = _WANTED[kind]
        words = f"expected type '{theirs}', got unconvertible type '{name_go_type(value)}'"
        reason = f"must be {ours}"
        if kind in {"str", "text"} and isinstance(value, int | float):
            reason += ": put it in quotes"
        self.report(at, reason, words, found=_show(value))

    def _refuse(self, value: Any, at: Location, ours: str, words: str) -> None:
        self.report(at, f"must be {ours}", f'{words} "{name_go_kind(value)}"', found=_show(value))


def _look_up(value: Any, path: Iterable[str]) -> Any:
    for key in path:
        if not isinstance(value, dict):
            return value
        value = value.get(key)
    return True if isinstance(value, Unresolved) else value


def _takes_pairs(node: Node, inner: Node) -> bool:
    return node.get("u") == "configopaque.MapList" or str(inner.get("t", "")).endswith(
        ".NameStringValuePair"
    )


def _show(value: Any) -> Any:
    return Description("nothing") if value is None else value
