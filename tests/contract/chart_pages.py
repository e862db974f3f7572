"""Writes what of the Helm chart follows from other files: `make references`.

That is the table of values in its README, from the comments of values.yaml, and the part of its
schema that is the probe's own.
"""

import json
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from tests.contract.imports import ROOT

CHART: Final = ROOT / "config" / "helm" / "mtls-probe"
README: Final = CHART / "README.md"
VALUES: Final = CHART / "values.yaml"
SCHEMA: Final = CHART / "values.schema.json"
SCHEMA_OF_THE_PROBE: Final = ROOT / "config" / "mtls-probe.schema.json"
WRITTEN_BY_THE_CHART: Final = {"sources", "shard"}
OBSOLETE: Final = {"alertmanager"}
_LOOK_AHEAD: Final = re.compile(r"\(\?[=!][^()]*\)")
_ESCAPE: Final = re.compile(r"\\u([0-9a-f]{4})")
"""What Go's regular expressions, and so Helm's, do not have. What look-aheads refuse, such as a
duration of zero, the probe refuses itself."""
_TABLE: Final = re.compile(r"(?<=<!-- values -->\n).*?(?=<!-- end of values -->)", re.DOTALL)
_KEY: Final = re.compile(r"( *)([\w-]+):")


def read(path: Path) -> str:
    """Return the text of a file."""
    return path.read_text(encoding="utf-8")


def read_values() -> dict[str, Any]:
    """Return the chart's values as they are without a file of one's own."""
    values: dict[str, Any] = YAML(typ="safe").load(read(VALUES))
    return values


def list_values(text: str) -> Iterator[tuple[str, str]]:
    """Yield the path of each key of values.yaml that has a comment, with the comment."""
    comment: list[str] = []
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            comment.append(line.strip().removeprefix("# "))
            continue
        if found := _KEY.match(line):
            depth = len(found[1])
            above = [*(each for each in above if each[0] < depth), (depth, found[2])]
            if comment:
                yield ".".join(name for _, name in above), " ".join(comment)
        comment = []


def describe_values(text: str) -> str:
    """Return the table of the chart's values."""
    defaults = YAML(typ="safe").load(text)
    rows = ["", "| value | default | meaning |", "|---|---|---|"]
    for path, comment in list_values(text):
        found: Any = defaults
        for name in path.split("."):
            found = found[name]
        rows.append(f"| `{path}` | {describe_default(found)} | {comment} |")
    return "\n".join([*rows, "", ""])


def describe_default(value: Any) -> str:
    """Return a default as YAML on one line; nothing for what is empty."""
    if value in ("", [], {}):
        return ""
    writer = YAML(typ="safe")
    writer.default_flow_style = True
    writer.width = 1000
    out = StringIO()
    writer.dump(value, out)
    text = out.getvalue().removesuffix("...\n").strip()
    return f"`{text}`"


def write_readme(readme: str, values: str) -> str:
    """Return the README with the table of `values`."""
    table = describe_values(values)
    return _TABLE.sub(lambda _: table, readme)


def simplify_pattern(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a part of a schema with its pattern as Go can read it."""
    if isinstance(pattern := schema.get("pattern"), str):
        plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), pattern)
        return {**schema, "pattern": _LOOK_AHEAD.sub("", plain)}
    return schema


def write_schema(schema: str, of_probe: str) -> str:
    """Return the schema of the values with what the probe's own schema says of `configuration`."""
    made, probe = json.loads(schema), json.loads(of_probe, object_hook=simplify_pattern)
    configuration = probe["$defs"].pop("FileEntry")
    del configuration["anyOf"]  # that there is something to probe, which the chart adds
    for key in WRITTEN_BY_THE_CHART | OBSOLETE:
        configuration["properties"].pop(key, None)
    own = {name: each for name, each in made["$defs"].items() if not name.endswith("Entry")}
    made["$defs"] = own | probe["$defs"]
    made["properties"]["configuration"] = configuration
    made["properties"]["extraSources"]["items"] = {"$ref": "#/$defs/SourceEntry"}
    return json.dumps(made, indent=2) + "\n"


if __name__ == "__main__":
    README.write_text(write_readme(read(README), read(VALUES)), encoding="utf-8")
    SCHEMA.write_text(write_schema(read(SCHEMA), read(SCHEMA_OF_THE_PROBE)), encoding="utf-8")
