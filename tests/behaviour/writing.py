"""The format of recordings: JSON with small values on one line, for reading."""

import difflib
import json
from typing import Final

from tests.behaviour.normal import Json

WIDTH: Final = 110
MOST_LINES: Final = 40
"""Lines of a difference that are shown."""


def written(value: Json) -> str:
    """Return `value` as JSON; what fits on a line is on one line."""
    return _written(value, "", 0) + "\n"


def _written(value: Json, indent: str, before: int) -> str:
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value:
        return line
    if len(indent) + before + len(line) <= WIDTH and indent:
        return line
    deeper = indent + "  "
    if isinstance(value, dict):
        parts = [
            f"{json.dumps(key, ensure_ascii=False)}: "
            + _written(item, deeper, len(json.dumps(key, ensure_ascii=False)) + 2)
            for key, item in value.items()
        ]
        opening, closing = "{", "}"
    else:
        parts = [_written(item, deeper, 0) for item in value]
        opening, closing = "[", "]"
    inner = ",\n".join(deeper + part for part in parts)
    return f"{opening}\n{inner}\n{indent}{closing}"


def difference(name: str, promised: Json, found: Json) -> str:
    """Return the changes as paths into the recording; empty where there are none."""
    changes = list(_changes("", promised, found))
    shown = changes[:MOST_LINES]
    if len(changes) > MOST_LINES:
        shown.append(f"and {len(changes) - MOST_LINES} more")
    return "\n".join([f"{name}:", *shown]) if changes else ""


def _changes(path: str, one: Json, other: Json) -> list[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        changes = []
        for key in dict.fromkeys([*one, *other]):
            below = f"{path} / {key}" if path else key
            if key not in other:
                changes.append(f"  {below}: gone (was {_short(one[key])})")
            elif key not in one:
                changes.append(f"  {below}: new ({_short(other[key])})")
            else:
                changes += _changes(below, one[key], other[key])
        return changes
    if one == other:
        return []
    if isinstance(one, list) and isinstance(other, list):
        return _changed_items(path, one, other)
    return [f"  {path}: was {_short(one)}, is {_short(other)}"]


def _changed_items(path: str, one: list[Json], other: list[Json]) -> list[str]:
    """Return removed and added items; with an equal number of items, the changes in each."""
    before = [json.dumps(each, sort_keys=True) for each in one]
    after = [json.dumps(each, sort_keys=True) for each in other]
    if len(one) == len(other) and any(isinstance(each, dict | list) for each in one):
        changes = []
        for position, (was, now) in enumerate(zip(one, other, strict=True)):
            changes += _changes(f"{path} [{position}]", was, now)
        return changes
    lines = difflib.ndiff(before, after)
    return [f"  {path}: {line[0]} {_short_text(line[2:])}" for line in lines if line[0] in "+-"]


def _short(value: Json) -> str:
    return _short_text(json.dumps(value, ensure_ascii=False))


def _short_text(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"
