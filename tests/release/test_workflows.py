"""The workflows: what they run exists, actions are pinned, permissions are few, no secret is written."""

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from tests.contract.imports import ROOT
from tests.support.every_row import every_row
from tools.release.version import VERSION

FOLDER: Final = ROOT / ".github" / "workflows"
WORKFLOWS: Final[dict[str, Any]] = {
    path.name: YAML(typ="safe").load(path) for path in sorted(FOLDER.glob("*.y*ml"))
}
TEXTS: Final = {name: (FOLDER / name).read_text(encoding="utf-8") for name in WORKFLOWS}
PINNED: Final = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
WRITES: Final = {
    ("release.yml", "distributions"): {"attestations", "id-token"},
    ("release.yml", "index"): {"id-token"},
    ("release.yml", "image"): {"id-token", "packages"},
    ("release.yml", "chart"): {"id-token", "packages"},
    ("release.yml", "notes"): {"contents"},
}
"""What a job may write; every other job writes nothing."""
SECRET: Final = re.compile(
    r"gh[pousr]_\w{20}|pypi-\w{20}|AKIA\w{16}|-----BEGIN|(?i:password|token|secret)\s*[:=]\s*['\"]?[\w+/]{8}"
)

every_workflow = pytest.mark.parametrize("name", WORKFLOWS)


def list_jobs() -> Iterator[tuple[str, str, Any]]:
    """Yield each job with its workflow's name and its own."""
    for name, workflow in WORKFLOWS.items():
        for job, content in workflow["jobs"].items():
            yield name, job, content


def list_steps() -> Iterator[Any]:
    """Yield each step of each job."""
    for _, _, job in list_jobs():
        yield from job["steps"]


def test_there_are_these_jobs() -> None:
    """docs/releasing.md names those of a release, and says what each does."""
    assert [(name, job) for name, job, _ in list_jobs()] == [
        ("ci.yml", "tests"),
        ("ci.yml", "wheel"),
        *WRITES,
    ]
    page = (ROOT / "docs" / "releasing.md").read_text(encoding="utf-8")
    assert re.findall(r"^\d\. `(\w+)`", page, re.MULTILINE) == [job for _, job in WRITES]


@every_row(step=tuple(step for step in list_steps() if "uses" in step))
def test_an_action_is_pinned_by_its_commit(step: Any) -> None:
    """A tag can be moved to other code; a hash cannot."""
    assert PINNED.fullmatch(step["uses"])


@every_workflow
def test_a_pinned_action_says_which_version_it_is(name: str) -> None:
    """For the person who updates it."""
    lines = [line for line in TEXTS[name].splitlines() if "uses:" in line]
    assert [line for line in lines if not re.search(r"# v\d+\.\d+\.\d+$", line)] == []


@every_workflow
def test_a_workflow_itself_may_do_nothing(name: str) -> None:
    """Each job asks for what it needs."""
    assert WORKFLOWS[name]["permissions"] == {}


@every_row(row=tuple(list_jobs()))
def test_a_job_may_write_what_it_publishes(row: tuple[str, str, Any]) -> None:
    """And nothing else."""
    name, job, content = row
    writes = {what for what, how in content["permissions"].items() if how != "read"}
    assert writes == WRITES.get((name, job), set())
    assert content["timeout-minutes"]


@every_row(step=tuple(step for step in list_steps() if "checkout@" in step.get("uses", "")))
def test_a_checkout_leaves_no_token_behind(step: Any) -> None:
    """What runs after it could take it."""
    assert step["with"]["persist-credentials"] is False


@every_row(step=tuple(step for step in list_steps() if "run" in step))
def test_no_event_is_pasted_into_a_shell(step: Any) -> None:
    """Names of branches and titles are chosen by whoever opens a pull request."""
    assert "${{" not in step["run"]


@every_workflow
def test_no_secret_is_in_the_clear(name: str) -> None:
    """Only the token that the forge makes for a run is used, by its name."""
    text = TEXTS[name]
    assert set(re.findall(r"secrets\.(\w+)", text)) <= {"GITHUB_TOKEN"}
    assert SECRET.search(re.sub(r"\$\{\{.*?\}\}", "", text)) is None


def test_a_secret_would_be_seen() -> None:
    """The pattern finds what it is for."""
    assert SECRET.search("password: hunter2hunter2")
    assert SECRET.search("TOKEN=abcdefghijk")


def test_continuous_integration_runs_what_every_machine_runs() -> None:
    """One script says what must hold."""
    runs = [step["run"] for step in WORKFLOWS["ci.yml"]["jobs"]["tests"]["steps"] if "run" in step]
    assert runs == [".ci/run"]
    assert (ROOT / ".ci" / "run").is_file()


def test_a_release_builds_with_make_and_publishes_without_a_password() -> None:
    """The same files as on any machine; the index trusts the workflow itself."""
    jobs = WORKFLOWS["release.yml"]["jobs"]
    assert any("make release" in step.get("run", "") for step in jobs["distributions"]["steps"])
    (publish,) = (step for step in jobs["index"]["steps"] if "pypi-publish" in step.get("uses", ""))
    assert "with" not in publish
    assert jobs["index"]["environment"] == "pypi"
    (build,) = (s for s in jobs["image"]["steps"] if "build-push" in s.get("uses", ""))
    assert build["with"]["platforms"] == "linux/amd64,linux/arm64"
    assert (build["with"]["sbom"], build["with"]["provenance"]) == (True, "mode=max")


def test_the_tags_of_a_release_are_those_that_are_made() -> None:
    """`make release TAG=1` makes v and the version."""
    (pattern,) = WORKFLOWS["release.yml"]["on"]["push"]["tags"]
    expression = re.compile(pattern.replace(".", r"\.").replace("*", ".*"))
    for version in ("0.1.0", "1.20.3rc1"):
        assert VERSION.fullmatch(version)
        assert expression.fullmatch(f"v{version}")
    assert not expression.fullmatch("vendor")
