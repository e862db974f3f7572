"""The bill of materials names what is installed, with versions, licences and who needs whom."""

import json
import re
import shutil
from importlib.metadata import requires
from pathlib import Path

import pytest

from tests.contract.imports import ROOT
from tools.release.sbom import OTEL, RUN, SbomError, list_components, render_sbom


def test_every_locked_distribution_is_a_component() -> None:
    """And no other."""
    lock = (ROOT / OTEL).read_text(encoding="utf-8")
    locked = set(re.findall(r"^([a-z0-9][a-z0-9.-]*)==", lock, re.MULTILINE))
    assert {one.name for one in list_components(ROOT)} == locked


def test_what_only_an_extra_needs_is_optional() -> None:
    """The SDK is not part of a plain installation."""
    optional = {one.name: one.optional for one in list_components(ROOT)}
    assert optional["opentelemetry-sdk"]
    assert not optional["cryptography"]


def test_nearly_every_component_has_a_licence() -> None:
    """A distribution whose metadata names none has none here either; few are."""
    unnamed = [one.name for one in list_components(ROOT) if not one.license and not one.marker]
    assert unnamed == []


def test_the_product_depends_on_what_its_metadata_says() -> None:
    """The graph of the locks is that of the installation."""
    document = json.loads(render_sbom(ROOT, "1.2.3", 0))
    own = {one["ref"]: one["dependsOn"] for one in document["dependencies"]}[
        "pkg:pypi/mtls-probe@1.2.3"
    ]
    named = {one.removeprefix("pkg:pypi/").split("@")[0] for one in own}
    wanted = {re.split(r"[^\w.-]", need)[0].lower() for need in requires("mtls-probe") or ()}
    assert named == {name for name in wanted if name not in {"mtls-probe", "grpcio"}} - {
        "opentelemetry-exporter-otlp-proto-grpc"
    }


def test_references_lead_to_components() -> None:
    """Each of the graph is in the document, once."""
    document = json.loads(render_sbom(ROOT, "1.2.3", 0))
    known = [one["bom-ref"] for one in document["components"]]
    known.append(document["metadata"]["component"]["bom-ref"])
    assert len(set(known)) == len(known)
    for one in document["dependencies"]:
        assert {one["ref"], *one["dependsOn"]} <= set(known)


def test_another_environment_than_the_locks_is_refused(tmp_path: Path) -> None:
    """What is not installed as locked cannot be described."""
    (tmp_path / "requirements").mkdir()
    for name in (RUN, OTEL):
        shutil.copy(ROOT / name, tmp_path / name)
    lock = tmp_path / OTEL
    text = lock.read_text(encoding="utf-8")
    lock.write_text(re.sub(r"(?m)^click==\S+", "click==0.0.1", text), encoding="utf-8")
    with pytest.raises(SbomError, match=r"click is installed in .* has 0\.0\.1"):
        list_components(tmp_path)
