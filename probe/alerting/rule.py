"""What a Prometheus rule file holds, as plain values, and its YAML, stable to the byte.

Pure. A text of several lines is a block as it stands, a word stands bare, and everything else is
in quotes: single ones around double ones, else JSON's, which are YAML's too.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_:-]*[A-Za-z0-9_]|\d+[smh]")
_NO_TEXT: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off"})
"""Words that YAML readers, old ones too, do not take for text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRule:
    """A series that Prometheus keeps up to date."""

    record: str
    expr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """An alert; `hold` is for how long `expr` must have held, as Prometheus writes durations."""

    alert: str
    expr: str
    hold: str = ""
    severity: str
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From when on alerts fire; seconds.

    Args:
        expiry_warning: before the notAfter of a certificate.
        expiry_critical: the same, for the severity critical.
        patience: how long a target must not have been as expected.
    """

    expiry_warning: float = 28 * 86400.0
    expiry_critical: float = 14 * 86400.0
    patience: float = 300.0

    @property
    def window(self) -> str:
        """The patience as Prometheus writes durations."""
        seconds = max(round(self.patience), 1)
        return f"{seconds // 60}m" if seconds % 60 == 0 else f"{seconds}s"


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that are evaluated together, in order."""

    name: str
    rules: tuple[AlertRule | RecordingRule, ...]


def groups_yaml(groups: Iterable[RuleGroup]) -> str:
    """Return the key `groups` of a rule file, ending in a line break."""
    lines = ["groups:"]
    for group in groups:
        lines += (f"  - name: {_scalar(group.name, 4)}", "    rules:")
        for rule in group.rules:
            rendered = [f"        {line}" if line else "" for line in _rule(rule)]
            lines += (f"      - {rendered[0].lstrip()}", *rendered[1:])
    return "\n".join(lines) + "\n"


def indent_text(text: str, spaces: int) -> str:
    """Return `text` moved to the right, empty lines left empty."""
    return "".join(
        f"{' ' * spaces}{line}" if line.strip() else line for line in text.splitlines(keepends=True)
    )


def _rule(rule: AlertRule | RecordingRule) -> Iterator[str]:
    if isinstance(rule, RecordingRule):
        yield from _entries({"record": rule.record, "expr": rule.expr})
        return
    yield from _entries({"alert": rule.alert, "expr": rule.expr})
    if rule.hold:
        yield from _entries({"for": rule.hold})
    yield "labels:"
    yield from (f"  {line}" for line in _entries({"severity": rule.severity}))
    yield "annotations:"
    yield from (f"  {line}" if line else "" for line in _entries(rule.annotations))


def _entries(entries: Mapping[str, str]) -> Iterator[str]:
    for key, value in entries.items():
        yield from f"{key}: {_scalar(value, 2)}".split("\n")


def _scalar(text: str, indent: int) -> str:
    if "\n" in text:
        return "|-\n" + indent_text(text, indent)
    if _WORD.fullmatch(text) and text.lower() not in _NO_TEXT:
        return text
    if '"' in text and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text, ensure_ascii=False)
