"""Renders the Helm chart; `make chart` records the rendering of each file in its `ci/`."""

import re
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Final

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
_LINK: Final = re.compile(r"walk\.go:\d+: found symbolic link in path: .*\n")
"""What Helm says of each file that the chart shares with the rest of the repository."""


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


if __name__ == "__main__":
    program = go_tools.installed(go_tools.HELM)
    RECORDED.mkdir(parents=True, exist_ok=True)
    for name, file in VALUES.items():
        rendered = shorten(load(render(program, f"--values={file}")))
        (RECORDED / f"{name}.yaml").write_text(rendered, encoding="utf-8")
    sys.stdout.write(f"{RECORDED}\n")
