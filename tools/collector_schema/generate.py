"""Write `probe/config/sources/collector/known_components.json`: `make collector-schema`.

For each release in `components.txt` the Go program next to this file is built with the components of
that release, and prints what their configurations look like.
"""

import json
import re
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.support.builds import NotBuiltError, run_go

HERE: Final = Path(__file__).parent
SHIPPED: Final = HERE.parents[1] / "probe/config/sources/collector/known_components.json"
_KINDS: Final = re.compile(r"/(receiver|processor|exporter|extension|connector)/")
_CORE: Final = "go.opentelemetry.io/collector"


def read_modules() -> dict[str, list[str]]:
    """Return the modules of each release, in the order of the file."""
    modules: dict[str, list[str]] = {}
    for line in (HERE / "components.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            release, module = line.split()
            modules.setdefault(release, []).append(module)
    return modules


def describe_release(release: str, modules: list[str]) -> dict[str, Any]:
    """Return what the program prints of the components of one release.

    Raises:
        NotBuiltError: where Go is missing or a module is not served.
    """
    with TemporaryDirectory() as folder:
        where = Path(folder)
        for source in HERE.glob("*.go"):
            shutil.copy(source, where)
        imports = "\n".join(f'\tp{number} "{module}"' for number, module in enumerate(modules))
        calls = "\n".join(
            f'\tadd("{_find_kind(module)}s", p{number}.NewFactory())'
            for number, module in enumerate(modules)
        )
        (where / "components.go").write_text(
            f"package main\n\nimport (\n{imports}\n)\n\nfunc addAll() {{\n{calls}\n}}\n",
            encoding="utf-8",
        )
        needed = [*modules, f"{_CORE}/service"]
        lines = "\n".join(f"\t{module} {release}" for module in needed)
        (where / "go.mod").write_text(
            f"module example.com/schema\n\ngo 1.25.0\n\nrequire (\n{lines}\n)\n", encoding="utf-8"
        )
        run_go("run", "-mod=mod", ".", "described.json", where=where)
        described: dict[str, Any] = json.loads((where / "described.json").read_bytes())
        return described


def _find_kind(module: str) -> str:
    found = _KINDS.search(module)
    if found is None:
        raise NotBuiltError(f"{module} is of no kind of component")
    return found[1]


def merge_releases(described: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return one table of all releases: the first that has a component counts."""
    nodes: list[dict[str, Any]] = []
    places: dict[str, int] = {}
    components: dict[str, dict[str, Any]] = {}
    telemetry = None
    for release, found in described.items():
        moved: list[int] = []
        for node in found["nodes"]:
            own = dict(node)
            if "e" in own:
                own["e"] = moved[own["e"]]
            if "f" in own:
                own["f"] = {key: moved[number] for key, number in sorted(own["f"].items())}
            text = json.dumps(own, sort_keys=True)
            if text not in places:
                places[text] = len(nodes)
                nodes.append(own)
            moved.append(places[text])
        telemetry = moved[found["telemetry"]] if telemetry is None else telemetry
        for section, types in found["components"].items():
            for name, about in types.items():
                components.setdefault(section, {}).setdefault(
                    name,
                    {
                        "config": moved[about["config"]],
                        "signals": about["signals"],
                        "release": release,
                    },
                )
    return {
        "release": next(iter(described)),
        "telemetry": telemetry,
        "components": {
            section: dict(sorted(types.items())) for section, types in sorted(components.items())
        },
        "nodes": nodes,
    }


def generate() -> bytes:
    """Return the file's content, the same in every run.

    Raises:
        NotBuiltError: where Go is missing or a module is not served.
    """
    releases = read_modules()
    table = merge_releases(
        {release: describe_release(release, modules) for release, modules in releases.items()}
    )
    lines = ",\n".join(
        f"  {json.dumps(node, sort_keys=True, separators=(',', ':'))}" for node in table["nodes"]
    )
    sections = ",\n".join(
        f" {json.dumps(section)}: {{\n"
        + ",\n".join(
            f"  {json.dumps(name)}: {json.dumps(about, separators=(',', ':'))}"
            for name, about in types.items()
        )
        + "\n }"
        for section, types in table["components"].items()
    )
    return (
        f'{{"release": "{table["release"]}", "telemetry": {table["telemetry"]},\n'
        f'"components": {{\n{sections}\n}},\n"nodes": [\n{lines}\n]}}\n'
    ).encode()


if __name__ == "__main__":
    try:
        SHIPPED.write_bytes(generate())
    except NotBuiltError as error:
        sys.exit(str(error))
