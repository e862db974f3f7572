"""Renders the Helm chart, and writes what is made of it: `make chart`.

That is the table of values in its README, from the comments of values.yaml; the part of its schema
that is the probe's own; and the rendering of each file in `ci/`, which test_helm.py compares.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from tests.config import go_tools
from tests.config.manifests import Object, load

HELM: Final = Path(__file__).parents[2] / "config" / "helm"
CHART: Final = HELM / "mtls-probe"
EXAMPLE: Final = HELM / "example"
RECORDED: Final = Path(__file__).parent / "recorded" / "helm"
VALUES: Final = {
    file.name.removesuffix("-values.yaml"): file for file in sorted(CHART.glob("ci/*.yaml"))
}
"""The files of values that are rendered, by their names."""
WRITTEN_BY_THE_CHART: Final = {"sources", "shard"}
OBSOLETE: Final = {"alertmanager"}
_LOOK_AHEAD: Final = re.compile(r"\(\?[=!][^()]*\)")
_ESCAPE: Final = re.compile(r"\\u([0-9a-f]{4})")
"""What Go's regular expressions, and so Helm's, do not have. What look-aheads refuse, such as a
duration of zero, the probe refuses itself."""
_LINK: Final = re.compile(r"walk\.go:\d+: found symbolic link in path: .*\n")
"""What Helm says of each file that the chart shares with the rest of the repository."""
_TABLE: Final = re.compile(r"(?<=<!-- values -->\n).*?(?=<!-- end of values -->)", re.DOTALL)
_KEY: Final = re.compile(r"( *)([\w-]+):")


class HelmError(Exception):
    """Helm refuses; the text is what it says."""


def run_helm(helm: Path, *arguments: str | Path, where: Path | None = None) -> str:
    """Return what Helm prints, run in the folder `where`.

    Raises:
        HelmError: where it fails, or warns.
    """
    ended = subprocess.run(
        [helm, *arguments], cwd=where, capture_output=True, text=True, check=False, timeout=120
    )
    said = _LINK.sub("", ended.stderr)
    if ended.returncode or said:
        raise HelmError(said + ended.stdout * bool(ended.returncode))
    return ended.stdout


def render(helm: Path, *arguments: str | Path, chart: Path = CHART, version: str = "1.29") -> str:
    """Return what Helm renders for the release `mtls-probe` in the namespace `otel`.

    Raises:
        HelmError: where it fails, or warns.
    """
    fixed = ("template", "mtls-probe", chart, "--namespace=otel", f"--kube-version={version}")
    return run_helm(helm, *fixed, *arguments)


def render_example(helm: Path, folder: Path, *arguments: str) -> list[Object]:
    """Return the objects of the application's chart, which is built in a copy in `folder`.

    Raises:
        HelmError: where it fails, or warns.
    """
    for chart in (CHART, EXAMPLE):
        shutil.copytree(chart, folder / chart.name)
    run_helm(helm, "dependency", "update", "--skip-refresh", folder / EXAMPLE.name)
    return load(render(helm, *arguments, chart=folder / EXAMPLE.name))


def shorten(objects: list[Object]) -> str:
    """Return the objects as YAML, without the rules and dashboards, which are shared files."""
    writer = YAML()
    writer.default_flow_style = False
    writer.width = 1000
    out = StringIO()
    for each in objects:
        if each["kind"] == "PrometheusRule":
            each["spec"] = "config/prometheus/rules/mtls-probe.yml"
        for name, text in each.get("data", {}).items():
            shared = name.endswith(".json")
            source = f"grafana/dashboards/{name.removeprefix('mtls-probe-')}"
            each["data"][name] = source if shared else LiteralScalarString(text)
    writer.dump_all(objects, out)
    return out.getvalue()


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
    [defaults] = load(text)
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
    program = go_tools.installed(go_tools.HELM)
    page = CHART / "README.md"
    read = (page.read_text(encoding="utf-8"), (CHART / "values.yaml").read_text(encoding="utf-8"))
    page.write_text(write_readme(*read), encoding="utf-8")
    schema = CHART / "values.schema.json"
    of_probe = (CHART.parents[1] / "mtls-probe.schema.json").read_text(encoding="utf-8")
    schema.write_text(write_schema(schema.read_text(encoding="utf-8"), of_probe), encoding="utf-8")
    RECORDED.mkdir(parents=True, exist_ok=True)
    for name, file in VALUES.items():
        rendered = shorten(load(render(program, f"--values={file}")))
        (RECORDED / f"{name}.yaml").write_text(rendered, encoding="utf-8")
    sys.stdout.write(f"{page}\n{RECORDED}\n")
