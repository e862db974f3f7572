"""The chart of a release: Helm takes it, and it installs the image and names the pages of its version."""

import tarfile
from pathlib import Path
from typing import Final

import pytest
from ruamel.yaml import YAML

from probe import __version__
from probe.alerting.links import CAUSES_PAGE
from tests.config import go_tools
from tests.config.helm import CHART, render, run_helm
from tests.config.manifests import load
from tests.support.builds import NotBuiltError
from tests.support.every_row import every_row
from tests.support.required_tools import missing
from tools.release.build import build_all
from tools.release.chart import ChartError, spell_chart_version, write_chart
from tools.release.repository import Repository

pytestmark = pytest.mark.slow

URL: Final = "https://forge.example.com/mtls-probe"
IMAGE: Final = "registry.example.com/mtls-probe"


@pytest.fixture(scope="module")
def helm() -> Path:
    """The program helm, built on first use."""
    try:
        return go_tools.installed(go_tools.HELM)
    except NotBuiltError as error:
        missing(str(error))


@pytest.fixture(scope="module")
def package(released: Path) -> Path:
    """The chart as a release publishes it."""
    built = build_all(Repository(released), __version__, URL, IMAGE)
    (path,) = (path for path in built if path.suffix == ".tgz")
    return path


def test_helm_shows_the_version(helm: Path, package: Path) -> None:
    """`helm push` refuses a package whose name is not that of its chart and version."""
    shown = YAML(typ="safe").load(run_helm(helm, "show", "chart", package))
    assert package.name == f"{shown['name']}-{shown['version']}.tgz"
    assert shown["appVersion"] == __version__


def test_it_installs_the_image_of_the_release(helm: Path, package: Path) -> None:
    """Whoever sets nothing gets the image that was built from the same commit."""
    workloads = [each for each in load(render(helm, chart=package)) if each["kind"] == "Deployment"]
    images = {
        container["image"]
        for workload in workloads
        for container in workload["spec"]["template"]["spec"]["containers"]
    }
    assert images == {f"{IMAGE}:{__version__}"}


def test_its_alerts_lead_to_the_pages_of_the_release(helm: Path, package: Path) -> None:
    """No link goes to the placeholder of the repository."""
    rendered = render(
        helm,
        "--set=prometheusRule.enabled=true",
        "--api-versions=monitoring.coreos.com/v1/PrometheusRule",
        chart=package,
    )
    assert f"{URL}/blob/v{__version__}/CAUSES.md#" in rendered
    assert CAUSES_PAGE not in rendered


def test_it_holds_the_files_that_helm_packs(helm: Path, package: Path, tmp_path: Path) -> None:
    """What .helmignore leaves out is left out here too."""
    run_helm(helm, "package", CHART, f"--destination={tmp_path}")
    (own,) = tmp_path.iterdir()
    with tarfile.open(own) as theirs, tarfile.open(package) as ours:
        assert sorted(ours.getnames()) == sorted(theirs.getnames())
        assert ours.getnames()[0] == theirs.getnames()[0]


@every_row(row=(("1.2.3", "1.2.3"), ("1.2.3rc1", "1.2.3-rc1"), ("0.1.0b12", "0.1.0-b12")))
def test_a_version_is_spelled_as_helm_reads_it(row: tuple[str, str]) -> None:
    """Helm refuses Python's spelling of a version before its release."""
    assert spell_chart_version(row[0]) == row[1]


def test_a_chart_without_a_line_to_write_is_refused(tmp_path: Path) -> None:
    """A release must not ship the placeholder because a key was renamed."""
    folder = tmp_path / "config" / "helm" / "mtls-probe"
    folder.mkdir(parents=True)
    (folder / "Chart.yaml").write_text("version: 0.1.0\nappVersion: '1'\n", encoding="utf-8")
    (folder / "values.yaml").write_text("image:\n  name: x\n", encoding="utf-8")
    with pytest.raises(ChartError, match=r"values\.yaml must have 1 line"):
        write_chart(tmp_path, "1.2.3", IMAGE)
