"""Fixtures of the tests of `config/`: the programs that read its files in production."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.config import go_tools
from tests.config.manifests import WORKLOADS, Object, build, only
from tests.lab.collector_build import collector_binary
from tests.support.builds import NotBuiltError
from tests.support.required_tools import missing

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture(scope="session")
def config() -> Path:
    """The folder `config/` of the project."""
    return CONFIG


@pytest.fixture(scope="session")
def kustomize() -> Path:
    """The program kustomize, built on first use."""
    try:
        return go_tools.installed(go_tools.KUSTOMIZE)
    except NotBuiltError as error:
        missing(str(error))


@pytest.fixture(scope="session")
def helm() -> Path:
    """The program helm, built on first use."""
    try:
        return go_tools.installed(go_tools.HELM)
    except NotBuiltError as error:
        missing(str(error))


@pytest.fixture(scope="session")
def workloads(kustomize: Path, config: Path) -> Mapping[str, Object]:
    """The workload of each folder that has one."""
    return {
        folder: only(build(kustomize, config / "kubernetes" / folder), kind)
        for folder, kind in WORKLOADS.items()
    }


@pytest.fixture(scope="session")
def compose() -> Path:
    """The loader of Compose files, built on first use."""
    try:
        return go_tools.installed(go_tools.COMPOSE)
    except NotBuiltError as error:
        missing(str(error))


@pytest.fixture(scope="session")
def operator_types() -> Path:
    """The program that reads an object into the Prometheus operator's own types."""
    try:
        return go_tools.built(go_tools.OPERATOR_TYPES)
    except NotBuiltError as error:
        missing(str(error))


@pytest.fixture(scope="session")
def grafana_templates() -> Path:
    """The program that expands an alerting rule's templates as Grafana or Prometheus does."""
    try:
        return go_tools.built(go_tools.GRAFANA_TEMPLATES)
    except NotBuiltError as error:
        missing(str(error))


@pytest.fixture(scope="session")
def otelcol() -> Path:
    """The Collector's binary, built on first use."""
    try:
        return collector_binary()
    except NotBuiltError as error:
        missing(str(error))


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """A function that returns the path of an installed program, or skips or fails the test."""

    def find(name: str) -> str:
        found = shutil.which(name)
        if found is None:
            missing(f"{name} is not installed")
        return found

    return find


@pytest.fixture(scope="session")
def optional_program() -> Callable[[str], str]:
    """The same for programs that are never required: without them the test is skipped."""

    def find(name: str) -> str:
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"{name} is not installed")
        return found

    return find
