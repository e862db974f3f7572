"""The software bill of materials (CycloneDX 1.6, JSON) of an installation with the extra `otel`.

Versions and who needs whom come from the locks, licences from the installed distributions, which
must be those of the locks.
"""

import json
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from packaging.markers import Marker

NAME: Final = "mtls-probe"
RUN, OTEL = "requirements/run.txt", "requirements/otel.txt"

_ENTRY: Final = re.compile(
    r"^(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>[^\s;\\]+)(?: ; (?P<marker>[^\\\n]+?))? \\$"
)
_NEEDED_BY: Final = re.compile(r"^    #(?: via|  ) +(?P<name>[a-z0-9][a-z0-9.-]*)(?: |\[|$)")
_LONGEST_NAME: Final = 60
"""Characters of a licence's name; what is longer is its text."""
_CLASSIFIER: Final = "License :: OSI Approved :: "


class SbomError(Exception):
    """The environment is not that of the locks."""


@dataclass(frozen=True)
class Component:
    """One distribution of the locks."""

    name: str
    version: str
    marker: str
    needed_by: tuple[str, ...]
    optional: bool
    """Whether only the extra needs it."""
    license: str

    @property
    def purl(self) -> str:
        """Its package URL, which is its reference in the document too."""
        return f"pkg:pypi/{self.name}@{self.version}"


def list_components(root: Path) -> tuple[Component, ...]:
    """Return the distributions of the locks.

    Raises:
        SbomError: where one is installed in another version, or not at all.
    """
    always = {name for name, *_ in _read_lock(root / RUN)}
    return tuple(
        Component(name, version, marker, needed_by, name not in always,
                  _find_license(name, version, marker))
        for name, version, marker, needed_by in _read_lock(root / OTEL)
    )  # fmt: skip


def render_sbom(root: Path, version: str, epoch: int) -> str:
    """Return the document; the same tree gives the same text."""
    components = list_components(root)
    own = f"pkg:pypi/{NAME}@{version}"
    references = {NAME: own, **{one.name: one.purl for one in components}}
    needs: dict[str, list[str]] = {purl: [] for purl in references.values()}
    for one in components:
        for name in one.needed_by:
            if name in references:
                needs[references[name]].append(one.purl)
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, UTC).isoformat().replace("+00:00", "Z"),
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": NAME,
                "version": version,
                "licenses": [{"expression": "Apache-2.0"}],
                "purl": own,
            },
        },
        "components": [_describe(one) for one in components],
        "dependencies": [
            {"ref": purl, "dependsOn": sorted(needed)} for purl, needed in sorted(needs.items())
        ],
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document, sort_keys=True))
    document["serialNumber"] = f"urn:uuid:{serial}"
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _describe(one: Component) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": one.purl,
        "name": one.name,
        "version": one.version,
        "purl": one.purl,
        "scope": "optional" if one.optional else "required",
    }
    if one.license.startswith("="):
        found["licenses"] = [{"license": {"name": one.license[1:]}}]
    elif one.license:
        found["licenses"] = [{"expression": one.license}]
    if one.marker:
        found["properties"] = [{"name": f"{NAME}:installed-where", "value": one.marker}]
    return found


def _read_lock(path: Path) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Return the name, version, marker and dependents of each entry of a lock."""
    found: list[tuple[str, str, str, tuple[str, ...]]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if entry := _ENTRY.match(line):
            found.append((entry["name"], entry["version"], entry["marker"] or "", ()))
        elif found and (needed_by := _NEEDED_BY.match(line)):
            name, version, marker, before = found[-1]
            found[-1] = (name, version, marker, (*before, needed_by["name"]))
    return found


def _find_license(name: str, version: str, marker: str) -> str:
    """Return the SPDX expression; after `=`, the name that an older form of metadata has."""
    if marker and not Marker(marker).evaluate():
        return ""
    try:
        installed = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        raise SbomError(f"{name} {version} of {OTEL} is not installed: make check") from None
    if installed["Version"] != version:
        raise SbomError(
            f"{name} is installed in {installed['Version']}, and {OTEL} has {version}: make check"
        )
    if expression := installed["License-Expression"]:
        return str(expression)
    for classifier in installed.get_all("Classifier", []):
        if classifier.startswith(_CLASSIFIER):
            return "=" + str(classifier).removeprefix(_CLASSIFIER)
    named = str(installed["License"] or "")
    return f"={named}" if len(named) <= _LONGEST_NAME and "\n" not in named else ""
