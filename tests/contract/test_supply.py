"""What the project is installed from: locked, with hashes, and from no place that it names."""

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.contract.imports import ROOT

LOCKS: Final = ("build.txt", "otel.txt", "run.txt", "test.txt")
PIN: Final = re.compile(r"^([a-z0-9][a-z0-9.-]*)==(\S+)")
# Written in pieces, so that this file does not name what it forbids.
REGISTRIES: Final = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("proxy", "golang", "org"),
        ("npmjs", "org"),
        ("crates", "io"),
        ("deb", "debian", "org"),
        ("repo1", "maven", "org"),
    )
)


def pins(lock: str) -> dict[str, str]:
    """Return version by name of what `lock` holds."""
    lines = (ROOT / "requirements" / lock).read_text(encoding="utf-8").splitlines()
    return {found[1]: found[2] for line in lines if (found := PIN.match(line))}


def own_files() -> Iterator[Path]:
    """Yield the project's own text files: nothing of caches, environments or Git."""
    unread = {"__pycache__", "dist", "node_modules"}
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [
            each for each in folders if each == ".ci" or not (each in unread or each[0] == ".")
        ]
        yield from (Path(folder) / name for name in names)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_pins_and_hashes_only(lock: str) -> None:
    """Each package is one version with hashes; a lock has no index, address, path or option."""
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    joined = text.replace("\\\n", " ").splitlines()
    packages = [line for line in joined if line and not line.lstrip().startswith("#")]
    assert packages
    shape = re.compile(r"[a-z0-9.-]+==\S+( +; [^#]+?)?( +--hash=sha256:[0-9a-f]{64})+ *")
    assert [line for line in packages if not shape.fullmatch(line)] == []


def test_the_locks_fit_what_the_project_asks_for() -> None:
    """Every dependency is locked to a version that its requirement allows; `make lock` fixes it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    run = project["project"]["dependencies"]
    extras = project["project"]["optional-dependencies"]
    # The one extra that names another is what that is, and one thing more.
    over_grpc = extras["otel"] + [each for each in extras["otel-grpc"] if "mtls-probe" not in each]
    asked = {
        "run.txt": run,
        "otel.txt": run + extras["otel"],
        "test.txt": run + over_grpc + project["dependency-groups"]["test"],
        "build.txt": project["build-system"]["requires"],
    }
    for lock, requirements in asked.items():
        locked = pins(lock)
        for requirement in map(Requirement, requirements):
            version = locked.get(canonicalize_name(requirement.name))
            assert version, f"{requirement} is not in {lock}: run make lock"
            assert requirement.specifier.contains(version), f"{requirement}: run make lock"


def test_what_is_tested_is_what_runs() -> None:
    """The versions under test are those of the image and of the demo."""
    tested = pins("test.txt")
    assert {name: tested.get(name) for name in pins("run.txt")} == pins("run.txt")
    assert {name: tested.get(name) for name in pins("otel.txt")} == pins("otel.txt")


def test_without_the_extra_there_is_no_sdk() -> None:
    """Neither the SDK, nor gRPC's library with a TLS of its own."""
    sdk = {"opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http", "requests"}
    assert sdk.isdisjoint(pins("run.txt"))
    assert sdk <= pins("otel.txt").keys()
    assert "grpcio" not in pins("otel.txt")


def test_no_file_names_a_registry() -> None:
    """Where packages come from is the business of the machine that installs them."""
    named = [
        f"{path.relative_to(ROOT)}: {registry}"
        for path in own_files()
        for registry in REGISTRIES
        if registry.encode() in path.read_bytes()
    ]
    assert named == []
