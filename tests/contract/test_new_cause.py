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
FAILING_OTLP: Final = {
    "test_no_cause_is_a_skeleton",
    "test_every_cause_is_staged_or_the_reason_stands",
    f"test_a_story_gets_its_diagnosis[{NEW}]",
}
"""The same in the family otlp, which has its endings in common, and no scenario."""
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
    """Three files change, each test that fails says why, and a filled one passes.

    What fails without the skeleton is not about it: another cause may be only half written.
    """
    before = failures(copy)
    ended = run(copy, "tools.new_cause", NEW, "negotiation")
    written = re.findall(r"^  (\S+)$", ended.stdout, re.MULTILINE)

    assert written == [
        "probe/diagnosis/families/negotiation.py",
        "tests/stories/negotiation.py",
        "tests/lab/scenarios/negotiation.py",
    ], ended.stderr
    assert failures(copy) - before == FAILING - before

    for name in written:
        text = (copy / name).read_text(encoding="utf-8")
        for pattern, replacement in FILLED:
            text = re.sub(pattern, replacement, text)
        (copy / name).write_text(text, encoding="utf-8")
    assert failures(copy) <= before


def test_a_skeleton_of_an_answer_has_no_scenario(copy: Path) -> None:
    """The story has an answer, the cause has what its module declares, and a lab test is asked for."""
    before = failures(copy)
    ended = run(copy, "tools.new_cause", NEW, "otlp")
    written = re.findall(r"^  (\S+)$", ended.stdout, re.MULTILINE)

    assert written == ["probe/diagnosis/families/otlp_answer.py", "tests/stories/otlp.py"]
    assert "no scenario: write a lab test" in ended.stdout
    cause, story = ((copy / name).read_text(encoding="utf-8") for name in written)
    cause = cause[cause.rindex("_declare(") :]
    assert f'id="{NEW}"' in cause
    assert f'match=_match_status("{NEW}")' in cause
    assert not re.search(r"^ +(family|party|rank|citations|applies)=", cause, re.MULTILINE)
    assert '@story("export")' in story[story.rindex("@story") :]
    assert failures(copy) - before == FAILING_OTLP - before


@pytest.mark.parametrize(
    ("id_", "family", "said"),
    [
        ("", "", "which one? make new-cause ID=my_cause FAMILY=network"),
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
