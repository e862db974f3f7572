"""`make new-cause` in a copy of the repository: what it writes, what fails then, and what passes."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.contract.imports import ROOT

pytestmark = pytest.mark.slow

NEW: Final = "handshake_canceled"
CHECKS: Final = ("tests/contract/test_catalogue.py", "tests/contract/test_lab_scenarios.py")
FAILING: Final = {
    "test_no_cause_is_a_skeleton",
    "test_a_cause_names_only_what_exists",
    f"test_a_story_gets_its_diagnosis[{NEW}]",
}
"""What a skeleton does not pass: a TODO stands in it, no ending applies, the story is not diagnosed."""
FILLED: Final = (
    (r'evidence\.ending\.stage != "handshake":  # TODO.*', 'evidence.ending.detail != "canceled":'),
    (r"Strength\.FITS", "Strength.NAMED"),
    (r"frozenset\(\),  # TODO.*", 'frozenset({"completed"}),'),
    (
        r'"close", handshake=partial_handshake\(\)\)  # TODO.*',
        '"completed", detail="canceled", handshake=partial_handshake())',
    ),
    (r"  # TODO.*", ""),
    (r"TODO: ", ""),
)
"""What somebody would write, as far as the tests see it."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what a newcomer changes and of what checks it."""
    for name in ("probe", "tests", "tools"):
        shutil.copytree(
            ROOT / name,
            tmp_path / name,
            ignore=shutil.ignore_patterns("__pycache__", "corpora", "bench"),
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def run(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the copy."""
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=copy, capture_output=True, text=True, check=False
    )


def failures(copy: Path) -> set[str]:
    """Return the tests that fail there."""
    chosen = ("-k", f"{NEW} or (test_catalogue and not total) or test_lab_scenarios")
    ended = run(copy, "pytest", "-q", "-p", "no:cacheprovider", *chosen, "tests/stories", *CHECKS)
    assert ended.returncode in {0, 1}, ended.stdout + ended.stderr
    return set(re.findall(r"^FAILED \S+::(\S+)", ended.stdout, re.MULTILINE))


def test_a_skeleton_fails_until_it_is_filled_in(copy: Path) -> None:
    """Three files change, each test that fails says why, and a filled one passes."""
    ended = run(copy, "tools.new_cause", NEW, "negotiation")
    written = re.findall(r"^  (\S+)$", ended.stdout, re.MULTILINE)

    assert written == [
        "probe/diagnosis/families/negotiation.py",
        "tests/stories/negotiation.py",
        "tests/lab/scenarios/negotiation.py",
    ], ended.stderr
    assert failures(copy) == FAILING

    for name in written:
        text = (copy / name).read_text(encoding="utf-8")
        for pattern, replacement in FILLED:
            text = re.sub(pattern, replacement, text)
        (copy / name).write_text(text, encoding="utf-8")
    assert failures(copy) == set()


@pytest.mark.parametrize(
    ("id_", "family", "said"),
    [
        ("tcp_refused", "network", "there is a cause tcp_refused already"),
        ("Refused", "network", "Refused is not a valid id"),
        ("new_one", "networks", "networks is not a family; the families are backend_ca_trust"),
    ],
)
def test_what_cannot_be_a_cause_is_refused(id_: str, family: str, said: str) -> None:
    """Nothing is written, and the message says what would be right."""
    ended = run(ROOT, "tools.new_cause", id_, family)

    assert ended.returncode == 2
    assert said in ended.stderr
